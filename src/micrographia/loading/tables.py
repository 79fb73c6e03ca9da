"""What the annotation tables of a dataset say of one frame: classes and ignored objects, boxes, points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.dataset import Dataset
from micrographia.dataset.tables import read_tables
from micrographia.loading.regions import is_region_set

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

UNKNOWN = -1
"""Class of an object of which nothing is said."""


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Boxes or points of one frame, in its pixels.

    Parameters
    ----------
    places
        (n, 6) half-open boxes ``z0 y0 x0 z1 y1 x1``, or (n, 3) points ``z y x``. A mark without z holds for all planes:
        its z is from 0 to the number of planes, that of a point NaN.
    ids, classes
        (n,); -1 where no class is known.
    ignore
        (n,); whether training and scoring leave it out.
    """

    places: Floats
    ids: Ints
    classes: Ints
    ignore: npt.NDArray[np.bool_]


class Tables:
    """The annotation tables of a dataset, by image.

    Raises
    ------
    TaskError
        When first asked, if a table cannot be read.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    @cached_property
    def _by_image(self) -> dict[str, dict[str, pd.DataFrame]]:
        if not self.dataset.table_rows():
            return {}
        tables = read_tables(self.dataset)
        if tables.errors:
            raise tables.errors[0]
        return {
            kind: {str(image): part for image, part in frame.groupby("image", sort=False)}
            for kind, frame in tables.frames.items()
        }

    def has(self, kind: str) -> bool:
        """Return whether there is a table of a kind with rows for any image."""
        return bool(self._by_image.get(kind))

    def rows(self, kind: str, image: str, time: int, name: str = "") -> pd.DataFrame | None:
        """Return the rows of a kind for one image and time point, of one set or of none; None if there are none."""
        frame = self._by_image.get(kind, {}).get(image)
        if frame is None:
            return None
        fits = (frame["t"].isna() | (frame["t"] == time)).to_numpy(np.bool_, na_value=True)
        if name:
            fits &= frame["set"].isin(["", name]).to_numpy(np.bool_)
        else:
            fits &= ~frame["set"].map(lambda text: is_region_set(str(text))).to_numpy(np.bool_)
        found = frame[fits]
        return found if len(found) else None

    def ignored(self, image: str, time: int, name: str) -> tuple[int, ...]:
        """Return the ids of the objects of a set of masks that are left out."""
        frame = self.rows("objects", image, time, name)
        if frame is None:
            return ()
        return tuple(sorted(set(frame.loc[frame["ignore"].astype(bool), "label_id"].tolist())))

    def classes(self, image: str, time: int, name: str) -> dict[int, int]:
        """Return the class of each object of a set of masks of which it is known.

        A class without a number has that of its name in ``mifa.yaml``, or else one from a million on, by its name.
        """
        found: dict[int, int] = {}
        for kind, column in (("class_labels", "object_id"), ("objects", "label_id")):
            frame = self.rows(kind, image, time, name)
            if frame is None:
                continue
            known = frame[frame[column].notna()]
            numbers = self.numbers(known, name)
            pairs = zip(known[column].tolist(), numbers.tolist(), strict=True)
            found |= {int(object_id): number for object_id, number in pairs if number != UNKNOWN}
        return found

    def numbers(self, frame: pd.DataFrame, name: str) -> Ints:
        """Return the number of the class of each row, -1 where none is said."""
        ids = frame["class_id"].to_numpy(np.float64, na_value=np.nan)
        names = frame["class_name"].astype(str).tolist()
        known = self.names(name)
        by_name = {text: number for number, text in known.items()}
        return np.array(
            [
                int(number) if number == number else by_name.get(text, self._made(text))
                for number, text in zip(ids.tolist(), names, strict=True)
            ],
            np.int64,
        )

    @cached_property
    def _unnumbered(self) -> dict[str, int]:
        found: set[str] = set()
        for parts in self._by_image.values():
            for frame in parts.values():
                if "class_name" in frame.columns:
                    found |= set(frame.loc[frame["class_id"].isna(), "class_name"].astype(str))
        return {text: 1_000_000 + place for place, text in enumerate(sorted(found - {""}))}

    def _made(self, text: str) -> int:
        return self._unnumbered.get(text, UNKNOWN)

    def names(self, name: str) -> dict[int, str]:
        """Return the names of the classes of a set, by number, as ``mifa.yaml`` lists them."""
        described = self.dataset.set_described(name)
        listed = described.classes if described is not None else []
        found = {one.id: one.name or str(one.id) for one in listed if one.id is not None}
        return (
            {number: text for text, number in self._unnumbered.items()} | found if self._by_image else found
        )

    def boxes(self, image: str, time: int, planes: int, name: str = "") -> Marks:
        """Return the boxes of a frame."""
        frame = self.rows("boxes", image, time, name)
        if frame is None:
            return none(6)
        z0, z1 = (frame[column].to_numpy(np.float64) for column in ("z0", "z1"))
        flat = np.isnan(z0) | np.isnan(z1)
        low, high = np.where(flat, 0.0, z0), np.where(flat, float(planes), z1)
        rest = [frame[column].to_numpy(np.float64) for column in ("y0", "x0", "y1", "x1")]
        return self._marks(frame, np.stack([low, rest[0], rest[1], high, rest[2], rest[3]], axis=1), name)

    def points(self, image: str, time: int, name: str = "") -> Marks:
        """Return the points of a frame."""
        frame = self.rows("points", image, time, name)
        if frame is None:
            return none(3)
        places = np.stack([frame[column].to_numpy(np.float64) for column in "zyx"], axis=1)
        return self._marks(frame, places, name)

    def _marks(self, frame: pd.DataFrame, places: Floats, name: str) -> Marks:
        return Marks(
            places,
            frame["object_id"].to_numpy(np.int64),
            self.numbers(frame, name),
            frame["ignore"].to_numpy(np.bool_),
        )


class _Same(Mapping[int, int]):
    """Maps every value of a semantic mask to itself."""

    def __getitem__(self, value: int) -> int:
        return value

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


SAME = _Same()
"""Classes of a mask whose values are classes."""


def none(width: int) -> Marks:
    """Return no marks."""
    empty: Any = np.zeros(0, np.int64)
    return Marks(np.zeros((0, width)), empty, empty, np.zeros(0, np.bool_))
