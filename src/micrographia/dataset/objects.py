"""The objects table of a conversion: measured while the masks go by, so that no mask is read twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from micrographia.annotations import ObjectAccumulator, conform, write_table
from micrographia.dataset.opening import Mask
from micrographia.images import LabelSource
from micrographia.images.image import Array, Region

PROPERTIES = 10_000
"""Objects up to which they are also written into the label image's own metadata."""


class MeasuredMask:
    """A mask on its way to the writer, whose objects are measured as it is read.

    Parameters
    ----------
    mask
        The label image.
    kind
        ``instance``, ``semantic``, ``binary`` or empty; objects are measured unless values stand for classes.
    classes
        Id and name of each class of the annotation set.
    """

    def __init__(self, mask: Mask, kind: str = "", classes: tuple[tuple[int, str], ...] = ()) -> None:
        self.mask = mask
        self.classes = classes if kind in ("semantic", "binary") else ()
        self._objects: ObjectAccumulator | None = None
        if kind not in ("semantic", "binary"):
            self._objects = ObjectAccumulator(mask.image.shape, mask.image.axes, path=mask.image.path)
        self._table: Any = None

    def source(self) -> LabelSource:
        """Return what the writer takes."""
        return LabelSource(
            self.mask.name,
            self.mask.image,
            properties=self._properties,
            observe=None if self._objects is None else self._observe,
        )

    def table(self, image: str) -> Any:
        """Return the objects measured, as the ``objects`` table; None for a mask of classes."""
        if self._objects is None:
            return None
        if self._table is None:
            self._table = self._objects.table(image=image, set_name=self.mask.set, layer=self.mask.layer)
        return self._table

    def _observe(self, region: Region, pixels: Array) -> None:
        assert self._objects is not None  # noqa: S101 - source() asks to observe only then
        self._objects.add(pixels, tuple(part.start for part in region))

    def _properties(self) -> list[dict[str, Any]]:
        if self.classes:
            return [{"label-value": value, "class": name or str(value)} for value, name in self.classes]
        table = self.table("")
        if table is None or len(table) > PROPERTIES:
            return []
        columns = zip(table["label_id"].tolist(), table["area"].tolist(), strict=True)
        return [{"label-value": value, "area": area} for value, area in dict(columns).items()]


def collect_objects(image: str, masks: list[MeasuredMask], path: Path) -> None:
    """Write the objects that were measured as one Parquet file; nothing if there are none."""
    import pandas as pd

    tables = [mask.table(image).assign(image=image) for mask in masks if mask.table(image) is not None]
    frames = [table for table in tables if len(table)]
    if frames:
        write_table(conform(pd.concat(frames, ignore_index=True), "objects")[0], "objects", path)


def part_path(folder: Path, image: str) -> Path:
    """Return where the objects of one image are kept until all are joined."""
    return folder / f"{image}.parquet"
