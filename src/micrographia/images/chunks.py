"""How an array is cut: chunks and shards as they are stored, cells as they are worked on.

**Chunks** are thin: one plane of 256 x 256 (colour: all three samples). A random crop then decodes little that it
does not use, in two dimensions and in three; the loading benchmark compares layouts. A single small plane is one
chunk. **Shards** (OME-Zarr 0.5) hold as many chunks as make a file of some tens of megabytes, in canonical order:
whole planes, then Z, C and T; so a stack is a handful of files, and a writer that goes through the planes has one
shard a level under way. An array of one chunk needs none. OME-Zarr 0.4 has no shards, so its chunks are larger.

**Cells** are what is read, hashed, halved and encoded at once. They tile a level, hold whole chunks, cover the
blocks of the source, so that nothing is decoded twice, and stay within a few tens of megabytes, whatever the image.
Tuples of five are sizes along ``TCZYX``, 1 for an axis that is missing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from micrographia.images.image import AXES, Image

CHUNK_SIDE = 256
CHUNK_SIDE_UNSHARDED = 512
WHOLE_PLANE = 1 << 19
"""A plane of so many pixels or fewer may be one chunk."""
WHOLE_SIDE = 1024

SHARD_PIXELS = 1 << 25
SHARD_SIDE = 4096

HASHED_SIDE = 1024
"""The side of a block of the content digest."""

CELL_BYTES = 32 << 20
"""A cell is not larger unless one block of the source is."""

Five = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """How one array is stored: sizes along its axes.

    Parameters
    ----------
    chunk
        What is encoded on its own.
    shard
        What one file holds, a multiple of the chunk; None where each chunk is a file.
    """

    chunk: tuple[int, ...]
    shard: tuple[int, ...] | None = None


def choose_layout(
    axes: str,
    shape: tuple[int, ...],
    *,
    sharded: bool,
    rgb: bool = False,
    chunk: Mapping[str, int] | None = None,
) -> Layout:
    """Decide how an array is stored.

    Parameters
    ----------
    axes
        Subset of ``TCZYX`` in this order, ending in ``YX``.
    shape
        Pixels along each axis.
    sharded
        Whether the format has shards.
    rgb
        Keep the three samples of a colour together.
    chunk
        Another size of the chunks along ``z``, ``y``, ``x``: powers of two.
    """
    size = five(axes, shape)
    small = size[3] * size[4] <= WHOLE_PLANE and max(size[3:]) <= WHOLE_SIDE
    planes = math.prod(size[:3]) // (3 if rgb else 1)
    side = CHUNK_SIDE if sharded else CHUNK_SIDE_UNSHARDED
    plane = size[3:] if small and (planes == 1 or not sharded) else (min(size[3], side), min(size[4], side))
    thin = (1, 3 if rgb else 1, 1, *plane)
    if chunk is not None:
        thin = _asked(size, thin, chunk)
    shard = fill_shard(size, thin) if sharded else None
    return Layout(pick(axes, thin), None if shard is None else pick(axes, shard))


def _asked(size: Five, chunk: Five, asked: Mapping[str, int]) -> Five:
    for axis, step in asked.items():
        if axis not in ("z", "y", "x") or step < 1 or step & (step - 1) or step > HASHED_SIDE:
            raise ValueError(
                f"a chunk of {step} along {axis!r} is no power of two up to {HASHED_SIDE} along z, y or x"
            )
    z, y, x = (min(asked.get(axis, chunk[at]), size[at]) for at, axis in enumerate("zyx", 2))
    return chunk[0], chunk[1], z, y, x


def fill_shard(shape: Five, chunk: Five) -> Five | None:
    """Return a shard that holds as many chunks as it may, axis after axis; None where one chunk is all there is."""
    shard = list(chunk)
    filled = True
    for axis in (4, 3, 2, 1, 0):
        count = -(-shape[axis] // chunk[axis])
        most = SHARD_SIDE // chunk[axis]
        if axis < 3:
            most = SHARD_PIXELS // math.prod(shard) if filled else 1
        shard[axis] = chunk[axis] * max(1, min(count, most))
        filled = filled and shard[axis] >= shape[axis]
    if filled and tuple(shard) == chunk:
        return None
    return shard[0], shard[1], shard[2], shard[3], shard[4]


def five(axes: str, sizes: Sequence[int]) -> Five:
    """Return sizes along ``TCZYX``, 1 where an axis is missing."""
    known = dict(zip(axes, sizes, strict=True))
    return known.get("T", 1), known.get("C", 1), known.get("Z", 1), known.get("Y", 1), known.get("X", 1)


def pick(axes: str, sizes: Five) -> tuple[int, ...]:
    """Return the sizes along the axes that exist; the inverse of :func:`five`."""
    return tuple(sizes[AXES.index(axis)] for axis in axes)


def choose_cell(image: Image, chunk: Five = (1, 1, 1, CHUNK_SIDE, CHUNK_SIDE), depth: int = 1) -> Five:
    """Decide how much of an image is worked on at once.

    Parameters
    ----------
    image
        The source.
    chunk
        Of the array that is written; each side divides :data:`HASHED_SIDE` or covers the image.
    depth
        Planes that must come together, because they are halved together.

    Returns
    -------
    Five
        Whole chunks, and whole rows of blocks of the content digest.
    """
    shape, block = five(image.axes, image.shape), five(image.axes, image.block_shape)
    pixel = image.dtype.itemsize
    rows, columns = round_up(block[3], chunk[3]), round_up(block[4], HASHED_SIDE)
    narrowest = columns if image.compression else HASHED_SIDE
    planes = round_up(max(depth, chunk[2]), 1 << (block[2] - 1).bit_length())
    samples = round_up(block[1], chunk[1])
    cell = [1, samples, planes, round_up(max(rows, HASHED_SIDE), HASHED_SIDE), columns]
    cell = [min(side, round_up(size, step)) for side, size, step in zip(cell, shape, chunk, strict=True)]
    cell[2] = planes if shape[2] > 1 else 1
    if math.prod(cell) * pixel > CELL_BYTES and cell[3] > rows:
        fitting = CELL_BYTES // (math.prod(cell) // cell[3] * pixel)
        cell[3] = max(rows, fitting // chunk[3] * chunk[3], chunk[3])
    if math.prod(cell) * pixel > CELL_BYTES and cell[4] > narrowest:
        fitting = CELL_BYTES // (math.prod(cell) // cell[4] * pixel)
        cell[4] = max(narrowest, fitting // HASHED_SIDE * HASHED_SIDE)
    return cell[0], cell[1], cell[2], cell[3], cell[4]


def cells(shape: Five, cell: Five) -> Iterator[tuple[slice, ...]]:
    """Yield the regions of all cells, the last axis fastest."""
    for starts in itertools.product(*(range(0, size, step) for size, step in zip(shape, cell, strict=True))):
        yield region_at(starts, shape, cell)


def region_at(starts: Sequence[int], shape: Five, cell: Five) -> tuple[slice, ...]:
    """Return the region of the cell that starts there, cut at the edge."""
    return tuple(
        slice(start, min(start + step, size)) for start, step, size in zip(starts, cell, shape, strict=True)
    )


def round_up(size: int, step: int) -> int:
    """Return the lowest multiple of ``step`` that is at least ``size``."""
    return -(-size // step) * step
