"""Where patches may begin in a frame, and which blocks of whole chunks hold them.

A patch of P pixels of a frame of S covers a footprint of F pixels of it: F is P unless the frame is rescaled. Along
each axis it begins at one of S - F + 1 places (one place, 0, where S < F: what is missing is padded at the far end).
The places are cut into **cells** of whole chunks; patches that begin in one cell are read with one block, which is
the cell, and what reaches beyond it, in whole chunks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.loading.frames import Frame, Three
from micrographia.loading.reading import Box

Ints = npt.NDArray[np.int64]

BLOCK_BYTES = 64 << 20
"""A block is not made larger than this unless one patch needs it."""

WHOLE_BYTES = 16 << 20
"""A frame of so many bytes is one block."""

REDUNDANT = 1.8
"""A block is large enough when it holds at most so many times the pixels of its cell."""


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where patches of one frame begin, and their blocks.

    Parameters
    ----------
    shape, chunk
        Of the frame, Z, Y, X.
    zoom
        Pixels of a patch in a pixel of the frame, along Z, Y, X.
    patch
        Size of a patch.
    footprint
        Size of what it covers in the frame.
    margin
        How much further resampling looks on each side.
    cell
        Size of a cell of starts; whole chunks.
    pixel_bytes
        Bytes of all that is read of one pixel; 0 where it is mapped.
    reuse
        How many times the pixels of a block are used in one visit, on average.
    """

    shape: Three
    chunk: Three
    zoom: tuple[float, float, float]
    patch: Three
    footprint: Three
    margin: Three
    cell: Three
    pixel_bytes: int
    reuse: float = 1.0

    @property
    def starts(self) -> Three:
        """How many places there are to begin along each axis."""
        z, y, x = (max(0, size - foot) + 1 for size, foot in zip(self.shape, self.footprint, strict=True))
        return z, y, x

    @property
    def cells(self) -> Three:
        """How many cells there are along each axis."""
        z, y, x = (-(-count // step) for count, step in zip(self.starts, self.cell, strict=True))
        return z, y, x

    @property
    def patches(self) -> float:
        """How many patches' footprints the frame holds; at least 1."""
        return math.prod(max(1.0, size / foot) for size, foot in zip(self.shape, self.footprint, strict=True))

    @property
    def rescaled(self) -> bool:
        """Whether patches are resampled."""
        return self.zoom != (1.0, 1.0, 1.0)

    def weights(self) -> npt.NDArray[np.float64]:
        """Return how many starts each cell holds, in C order of the cells."""
        sides = []
        for count, step, cells in zip(self.starts, self.cell, self.cells, strict=True):
            side = np.full(cells, step, np.float64)
            side[-1] = count - step * (cells - 1)
            sides.append(side)
        return np.multiply.outer(np.multiply.outer(sides[0], sides[1]), sides[2]).reshape(-1)

    def cell_of(self, starts: Ints) -> Ints:
        """Return the cell of each start, (n, 3) to (n,)."""
        places = starts // np.array(self.cell)
        _, y, x = self.cells
        found: Ints = (places[:, 0] * y + places[:, 1]) * x + places[:, 2]
        return found

    def draw(self, cells: Ints, random: np.random.Generator) -> Ints:
        """Return one start for each entry of ``cells``, uniform in that cell; (n, 3)."""
        _, y, x = self.cells
        places = np.stack([cells // (y * x), cells // x % y, cells % x], axis=1)
        low = places * np.array(self.cell)
        high = np.minimum(low + np.array(self.cell), np.array(self.starts))
        return random.integers(low, high)

    def box(self, first: Sequence[int], last: Sequence[int]) -> Box:
        """Return the box of whole chunks that patches which begin between two places (both included) need."""
        if self.is_whole:
            return slice(0, self.shape[0]), slice(0, self.shape[1]), slice(0, self.shape[2])
        parts = []
        for a, b, size, step, foot, more in zip(
            first, last, self.shape, self.chunk, self.footprint, self.margin, strict=True
        ):
            low = max(0, int(a) - more) // step * step
            high = -(-min(size, int(b) + foot + more) // step) * step
            parts.append(slice(low, min(high, size)))
        return parts[0], parts[1], parts[2]

    @property
    def is_whole(self) -> bool:
        """Whether the frame is so small that it is always read whole."""
        return math.prod(self.shape) * self.pixel_bytes <= WHOLE_BYTES

    @property
    def crops(self) -> int:
        """How many patches a visit gives: ``reuse`` times as many as the block holds; one where that saves nothing."""
        if self.is_whole:
            return 1
        block = self.box((0, 0, 0), [min(a, b) - 1 for a, b in zip(self.cell, self.starts, strict=True)])
        held = math.prod(part.stop - part.start for part in block)
        each = math.prod(min(a, b) for a, b in zip(self.footprint, self.shape, strict=True))
        return max(1, round(self.reuse * held / each))


def geometry(
    frame: Frame,
    patch: Three,
    zoom: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    mapped: bool = False,
    cache_bytes: int | None = None,
    reuse: float = 1.0,
) -> Geometry:
    """Return where patches of a frame begin.

    Parameters
    ----------
    frame
        The frame.
    patch
        Size of a patch, Z, Y, X.
    zoom
        Pixels of a patch in a pixel of the frame.
    mapped
        Whether it is memory-mapped, so that it is one block that costs nothing.
    cache_bytes
        What blocks may take together; a block is no larger than a quarter of it unless one patch needs it.
    reuse
        How many times the pixels of a block are used in one visit, on average.
    """
    z, y, x = (
        side if factor == 1 else math.ceil(side / factor - 1e-9)
        for side, factor in zip(patch, zoom, strict=True)
    )
    footprint = z, y, x
    a, b, c = (0 if factor == 1 else math.ceil(1 / min(1.0, factor)) + 1 for factor in zoom)
    margin = a, b, c
    pixel_bytes = len(frame.channels) * np.dtype(frame.dtype).itemsize + frame.mask_bytes
    largest = BLOCK_BYTES if cache_bytes is None else min(BLOCK_BYTES, cache_bytes // 4)
    cell = _cell(frame, footprint, margin, pixel_bytes, largest)
    if mapped:
        pixel_bytes = 0
    if math.prod(frame.shape) * pixel_bytes <= WHOLE_BYTES:
        cell = frame.shape
    return Geometry(frame.shape, frame.chunk, zoom, patch, footprint, margin, cell, pixel_bytes, reuse)


def _cell(frame: Frame, footprint: Three, margin: Three, pixel_bytes: int, largest: int) -> Three:
    """Grow a cell where its block holds most that it does not stand for, until little is left or the block is large."""
    axes = [_Axis(*sizes) for sizes in zip(frame.shape, frame.chunk, footprint, margin, strict=True)]
    chunks = [1, 1, 1]
    while math.prod(axis.excess(count) for axis, count in zip(axes, chunks, strict=True)) > REDUNDANT:
        options = []
        for number, axis in enumerate(axes):
            grown = list(chunks)
            grown[number] = chunks[number] + max(1, chunks[number] // 4)
            nbytes = (
                math.prod(axis.block(count) for axis, count in zip(axes, grown, strict=True)) * pixel_bytes
            )
            if axis.cell(chunks[number]) < axis.starts and nbytes <= largest:
                options.append((axis.excess(chunks[number]), -number, grown))
        if not options:
            break
        chunks = max(options)[2]
    z, y, x = (count * step for count, step in zip(chunks, frame.chunk, strict=True))
    return z, y, x


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis of a frame: what a cell of so many chunks means along it."""

    size: int
    chunk: int
    foot: int
    margin: int

    @property
    def starts(self) -> int:
        return max(0, self.size - self.foot) + 1

    def cell(self, chunks: int) -> int:
        return min(chunks * self.chunk, self.starts)

    def block(self, chunks: int) -> int:
        reach = self.cell(chunks) - 1 + self.foot + 2 * self.margin
        return min(-(-reach // self.chunk) * self.chunk, self.size)

    def excess(self, chunks: int) -> float:
        """Return how many times its share of the frame a cell's block holds."""
        return self.block(chunks) / (self.cell(chunks) / self.starts * self.size)


def inclusion(shape: Sequence[int], patch: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return the chance of each pixel to lie in a random patch of an image.

    A patch begins at any of the places in which it lies inside, all equally likely: S - P + 1 along an axis of S for
    patches of P. So pixel i is in ``min(i, S - P) - max(0, i - P + 1) + 1`` of them: P / (S - P + 1) in the middle,
    1 / (S - P + 1) at the very edge. Axes multiply. An axis that is no longer than the patch is always in it.

    Parameters
    ----------
    shape
        Of the image along any axes.
    patch
        Of a patch along the same.

    Examples
    --------
    >>> inclusion((5,), (3,)).round(2).tolist()
    [0.33, 0.67, 1.0, 0.67, 0.33]
    """
    found = np.ones((1,) * 0)
    for size, side in zip(shape, patch, strict=True):
        at = np.arange(size)
        last = max(0, size - side)
        held = np.minimum(at, last) - np.maximum(0, at - side + 1) + 1
        found = np.multiply.outer(found, held / (last + 1))
    return found
