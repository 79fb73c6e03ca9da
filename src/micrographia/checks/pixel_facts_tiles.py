"""Walk over the pixels of an image once, in canonical tiles, however its file stores them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from micrographia.images import Image, Region

Array = npt.NDArray[Any]

TILE = 1024
"""Side of a tile in pixels; what is measured of a tile never looks outside it, whatever is read at once."""

BAND_BYTES = 64 << 20
"""Whole rows are read at once while a band of them holds no more than this."""

STACK_BYTES = 64 << 20
"""Several planes are read at once while they hold no more than this."""


class Place(NamedTuple):
    """Where a tile lies: indices along T, C and Z, and its first row and column."""

    t: int
    c: int
    z: int
    y: int
    x: int


def units(image: Image) -> Iterator[Region]:
    """Yield regions that cover an image once, of whole tiles, so that no block of its file is decoded twice.

    A region holds as many planes as a block of the file does, and a band of rows. Memory is that of one region: at
    least a tile a plane, or the file's own blocks where they are larger.
    """
    steps = [
        _tiles(block) if axis in "YX" else block
        for axis, block in zip(image.axes, image.block_shape, strict=True)
    ]
    *_, height, width = image.shape
    row = int(np.prod(steps[:-2], dtype=np.int64)) * width * image.dtype.itemsize
    if row * min(steps[-2], height) <= BAND_BYTES:
        steps[-1] = _tiles(width)
        if row * height <= STACK_BYTES:
            # Whole planes, and several of a stack: objects that run on are then joined at fewer places.
            steps[-2] = _tiles(height)
            if "Z" in image.axes:
                steps[image.axes.index("Z")] *= STACK_BYTES // (row * height)
    return image.blocks(steps)


def tiles(image: Image, region: Region, block: Array) -> Iterator[tuple[Place, Array]]:
    """Yield the tiles of a region that was read, in canonical order: place and pixels (2D, C-contiguous)."""
    starts = dict(zip(image.axes, (part.start for part in region), strict=True))
    for outer in np.ndindex(block.shape[:-2]):
        at = {axis: starts[axis] + index for axis, index in zip(image.axes, outer, strict=False)}
        plane = block[outer]
        for y in range(0, plane.shape[0], TILE):
            for x in range(0, plane.shape[1], TILE):
                place = Place(
                    at.get("T", 0), at.get("C", 0), at.get("Z", 0), starts["Y"] + y, starts["X"] + x
                )
                yield place, np.ascontiguousarray(plane[y : y + TILE, x : x + TILE])


def _tiles(size: int) -> int:
    return -(-size // TILE) * TILE
