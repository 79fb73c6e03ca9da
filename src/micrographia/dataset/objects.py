"""The objects table of a conversion: measured while the masks go by, so that no mask is read twice."""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Any

from micrographia.annotations import ObjectAccumulator, conform, write_table
from micrographia.dataset.opening import Mask
from micrographia.images import Image
from micrographia.images.image import Array, Region

PROPERTIES = 10_000
"""Objects up to which classes are also written into the label's own metadata."""


class ObjectTap:
    """Hands a mask to the writer and measures its objects on the way.

    Parameters
    ----------
    mask
        The label image.
    kind
        ``instance``, ``semantic``, ``binary`` or empty.
    classes
        Id and name of each class of the annotation set.
    """

    def __init__(self, mask: Mask, kind: str = "", classes: tuple[tuple[int, str], ...] = ()) -> None:
        self.mask = mask
        self.kind = kind
        self.classes = dict(classes)
        self.image: Image = mask.image
        self.accumulator: Any = None
        if (
            kind not in ("semantic", "binary")
            and mask.image.dtype.kind in "ui"
            and "T" not in mask.image.axes
        ):
            self.accumulator = ObjectAccumulator.of(mask.image)
            self.image = copy.copy(mask.image)
            self.image._pixels = _Tapped(mask.image, self.accumulator)

    @property
    def properties(self) -> list[dict[str, Any]]:
        """What a value of the label image means, for its metadata: classes of a semantic mask."""
        if self.kind not in ("semantic", "binary"):
            return []
        return [{"label-value": value, "class": name} for value, name in sorted(self.classes.items())]


class _Tapped:
    """Pixels that are measured the first time they are read, region by region."""

    def __init__(self, image: Image, accumulator: Any) -> None:
        self._image = image
        self._accumulator = accumulator
        self._seen: set[tuple[tuple[int, int], ...]] = set()
        self._lock = threading.Lock()

    def read(self, region: Region) -> Array:
        pixels = self._image.read(region)
        place = tuple((part.start, part.stop) for part in region)
        with self._lock:
            if place not in self._seen:
                self._seen.add(place)
                self._accumulator.add(pixels, tuple(part.start for part in region))
        return pixels

    def close(self) -> None:
        self._image.close()


def collect_objects(image: str, taps: list[ObjectTap], path: Path) -> None:
    """Write the objects that the taps measured as one Parquet file; nothing if there are none."""
    import pandas as pd

    frames = []
    for tap in taps:
        if tap.accumulator is None:
            continue
        table = tap.accumulator.table()
        if len(table):
            frames.append(table.assign(image=image, set=tap.mask.set, layer=tap.mask.layer))
    if frames:
        frame = conform(pd.concat(frames, ignore_index=True), "objects")[0]
        write_table(frame, "objects", path)


def part_path(folder: Path, image: str) -> Path:
    """Return where the objects of one image are kept until all are joined."""
    return folder / f"{image}.parquet"
