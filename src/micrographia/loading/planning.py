"""Which patches an epoch has: from which frame, where they begin, around which object.

The plan follows from the frames, the options, the seed and the number of the epoch alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.loading.geometry import Geometry
from micrographia.loading.reading import Box

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """The patches of an epoch.

    Parameters
    ----------
    frames
        Frame of each, (n,).
    starts
        Where it begins, Z, Y, X, (n, 3).
    objects
        Id of the object in its centre, (n,); -1 for none.
    blocks
        Which block it is cut from, (n,).
    block_frames, boxes
        Frame and box of each block.
    """

    frames: Ints
    starts: Ints
    objects: Ints
    blocks: Ints
    block_frames: Ints
    boxes: tuple[Box, ...]

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.frames)


def shares(total: int, weights: Floats, random: np.random.Generator) -> Ints:
    """Deal ``total`` draws so that each entry gets its share rounded down or up, and exactly its share on average.

    Systematic sampling with a random start (Madow 1949): draw j is at (u + j) / total of the summed weights.
    """
    summed = np.cumsum(weights)
    if not total or not summed[-1] > 0:
        return np.zeros(len(weights), np.int64)
    places = (random.random() + np.arange(total)) * (summed[-1] / total)
    found = np.searchsorted(summed, np.minimum(places, np.nextafter(summed[-1], 0)), side="right")
    return np.bincount(found, minlength=len(weights)).astype(np.int64)


def random_starts(shape: Geometry, count: int, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw where patches of a frame begin, uniformly over all places, (count, 3), and the visit of each, (count,).

    Patches come in visits to cells: a cell is visited with a chance proportional to the places in it, evenly spread
    over the frame, and each visit gives as many patches as its block holds. So every place is equally likely, though
    patches of one visit are neighbours.
    """
    visits = -(-count // shape.crops)
    weights = shape.weights()
    each = np.full(visits, count // max(1, visits), np.int64)
    each[random.permutation(visits)[: count - int(each.sum())]] += 1
    cells = np.repeat(np.arange(len(weights)), shares(visits, weights, random))
    # A frame that is read whole is one block, however often it is visited.
    numbers = np.zeros(visits, np.int64) if shape.is_whole else np.arange(visits)
    return shape.draw(np.repeat(cells, each), random), np.repeat(numbers, each)


def grid_starts(shape: Geometry) -> Ints:
    """Return where the patches begin that cover a frame, in C order; the last along an axis is moved back inside."""
    sides = []
    for count, foot in zip(shape.starts, shape.footprint, strict=True):
        side = np.arange(0, count - 1 + foot, foot)
        sides.append(np.unique(np.minimum(side, count - 1)))
    return np.array(list(itertools.product(*sides)), np.int64).reshape(-1, 3)


def in_blocks(
    shapes: Sequence[Geometry], frames: Ints, starts: Ints, objects: Ints, visits: Ints | None = None
) -> Draws:
    """Find the block of each draw: draws that begin in one cell of one frame, in one visit to it, share one."""
    visits = np.zeros(len(frames), np.int64) if visits is None else visits
    cells = np.empty(len(frames), np.int64)
    by_frame = np.argsort(frames, kind="stable")
    for mine in np.split(by_frame, np.flatnonzero(np.diff(frames[by_frame])) + 1):
        if len(mine):
            cells[mine] = shapes[frames[mine[0]]].cell_of(starts[mine])
    order = np.lexsort((visits, cells, frames))
    new = np.ones(len(order), np.bool_)
    new[1:] = np.stack([np.diff(one[order]) != 0 for one in (frames, cells, visits)]).any(axis=0)
    blocks = np.empty(len(order), np.int64)
    blocks[order] = np.cumsum(new) - 1
    firsts = np.flatnonzero(new)
    boxes: list[Box] = []
    block_frames = frames[order][firsts] if len(firsts) else np.zeros(0, np.int64)
    if len(firsts):
        low = np.minimum.reduceat(starts[order], firsts, axis=0)
        high = np.maximum.reduceat(starts[order], firsts, axis=0)
        boxes = [
            shapes[frame].box(a, b)
            for frame, a, b in zip(block_frames.tolist(), low.tolist(), high.tolist(), strict=True)
        ]
    return Draws(frames, starts, objects, blocks, block_frames, tuple(boxes))
