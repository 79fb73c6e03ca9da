"""Reading back what was written through another library, and comparing it with the source bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.chunks import cells, choose_cell, five
from micrographia.images.digest import read_five
from micrographia.images.image import AXES, Image


def verify_written(
    folder: Path, target: Path, image: Image, axes: str, labels: Sequence[tuple[str, Image]]
) -> None:
    """Compare level 0 of an image and its labels, as zarr-python reads them, with their sources.

    Parameters
    ----------
    folder
        What was written.
    target
        What it will be called, for the error.
    image, axes
        The source and the axes of the image as stored.
    labels
        Name and source of each label image.

    Raises
    ------
    ImageError
        At the first block that differs.
    """
    _compare(folder / "0", target, image, axes)
    for name, label in labels:
        _compare(folder / "labels" / name / "0", target, label, axes.replace("C", ""))


def _compare(array: Path, target: Path, source: Image, axes: str) -> None:
    import zarr

    stored = zarr.open_array(array, mode="r")
    for region in cells(five(source.axes, source.shape), choose_cell(source)):
        wanted = read_five(source, region)
        found = np.asarray(stored[tuple(region[AXES.index(axis)] for axis in axes)])
        if not np.array_equal(found.reshape(wanted.shape), wanted, equal_nan=wanted.dtype.kind == "f"):
            where = ", ".join(
                f"{axis} {part.start} to {part.stop}"
                for axis, part in zip(AXES, region, strict=True)
                if axis in axes
            )
            raise ImageError(
                target,
                f"what was written differs from {source.path} at {where}",
                "Disk or memory may be faulty: test them, then convert again; nothing was changed",
            )
