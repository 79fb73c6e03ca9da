"""Objects of one time point, summed up block by block, in whatever order the blocks come.

A block is turned into runs; runs into connected components of that block. Components that touch a neighbouring block
are joined when that neighbour comes: until then, only the runs on the shell of a block are kept. What no later block
can reach is counted and forgotten, so memory follows the number of objects and the frontier, not the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.kernels import components, measure
from micrographia.annotations.masks.kernels.runs import Array, Ints, Runs, extract, insert
from micrographia.errors import AnnotationError

MAX_OBJECTS = 1 << 26
"""More distinct values than this are no labels."""

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass
class _Shell:
    """The runs on the surface of a block that still waits for neighbours, in coordinates of the image."""

    box: Box
    missing: int
    z: Ints
    y: Ints
    x0: Ints
    x1: Ints
    slot: Ints
    component: Ints


@dataclass(frozen=True)
class FrameTable:
    """Measures of the objects of one time point: one row an object, by ascending label.

    ``stats`` has the columns of ``kernels.measure``.
    """

    labels: Ints
    stats: Ints
    pixels: int


class FrameAccumulator:
    """Objects of one time point.

    Parameters
    ----------
    shape
        (Z, Y, X) of the whole.
    connectivity
        In how many axes two neighbouring voxels may differ.
    path
        File that errors name.
    """

    def __init__(self, shape: tuple[int, int, int], connectivity: int, path: str = "") -> None:
        self.shape = shape
        self.connectivity = connectivity
        self.path = path
        self.pixels = 0
        self.blocks = 0
        self._keys, self._slots = np.zeros(1024, np.int64), np.full(1024, -1, np.int64)
        self._ids = np.zeros(512, np.int64)
        self._count = 0
        self._stats = _new_stats(512)
        self._shells: list[_Shell] = []
        self._parent = np.empty(0, np.int64)
        self._size = np.empty(0, np.int64)
        self._owner = np.empty(0, np.int64)
        self._settled = 0

    def add(self, block: Array, offset: tuple[int, int, int]) -> None:
        """Add a block of shape (Z, Y, X) that begins at ``offset``.

        Raises
        ------
        AnnotationError
            If the block leaves the image or was there before, or if there are more objects than can be.
        """
        box: Box = tuple((o, o + n) for o, n in zip(offset, block.shape, strict=True))  # type: ignore[assignment]
        self._verify(box, block.size)
        try:
            runs = extract(block)
        except OverflowError as error:
            raise AnnotationError(self.path, str(error), "Number the objects anew") from error
        slot = self._enter(runs)
        measure.measure(runs.row, runs.x0, runs.x1, slot, block.shape[1], *offset, self._stats)
        links = np.zeros(self._count, np.int64)
        parent = components.link(
            runs.starts, block.shape[0], block.shape[1], runs.x0, runs.x1, slot, self.connectivity, links
        )
        self._stats[: self._count, measure.LINKS] += links
        local, count = components.compact(parent)
        component = local + len(self._parent)
        size, owner = np.zeros(count, np.int64), np.zeros(count, np.int64)
        measure.sizes(local, runs.x0, runs.x1, slot, size, owner)
        self._parent = np.concatenate([self._parent, np.arange(count) + len(self._parent)])
        self._size = np.concatenate([self._size, size])
        self._owner = np.concatenate([self._owner, owner])
        self.pixels += block.size
        self.blocks += 1
        if block.shape != self.shape:
            self._join_neighbours(box, runs, slot, component)
        if len(self._parent) > 2 * self._settled + 65536:
            self._settle()

    def table(self) -> FrameTable:
        """Return the measures of what was added so far."""
        stats = self._stats[: self._count].copy()
        parent, size, owner = self._parent.copy(), self._size.copy(), self._owner.copy()
        live = np.zeros(len(parent), np.bool_)
        measure.settle(parent, size, owner, live, stats, np.empty(len(parent), np.int64))
        order = np.argsort(self._ids[: self._count])
        return FrameTable(self._ids[: self._count][order], stats[order], self.pixels)

    def _verify(self, box: Box, size: int) -> None:
        if any(low < 0 or high > length for (low, high), length in zip(box, self.shape, strict=True)):
            raise AnnotationError(self.path, f"a block at {box} leaves the image of {self.shape}")
        if self.pixels + size > math.prod(self.shape) or any(
            _overlap(box, shell.box) for shell in self._shells
        ):
            raise AnnotationError(self.path, f"a block at {box} was added before")

    def _enter(self, runs: Runs) -> Ints:
        self._keys, self._slots, self._ids, self._count, slot = insert(
            runs.value, self._keys, self._slots, self._ids, self._count
        )
        if self._count > MAX_OBJECTS:
            raise AnnotationError(
                self.path, f"holds more than {MAX_OBJECTS:,} distinct values", "Is it really a label image?"
            )
        if self._count > len(self._stats):
            larger = _new_stats(max(2 * len(self._stats), self._count))
            larger[: len(self._stats)] = self._stats
            self._stats = larger
        return slot

    def _join_neighbours(self, box: Box, runs: Runs, slot: Ints, component: Ints) -> None:
        height = runs.shape[1]
        z, y = runs.row // height + box[0][0], runs.row % height + box[1][0]
        x0, x1 = runs.x0 + box[2][0], runs.x1 + box[2][0]
        shell = _shell(box, self.shape, z, y, x0, x1, slot, component)
        wide = _dilated(box, self.shape)
        near = [other for other in self._shells if _overlap(wide, other.box)]
        for other in near:
            volume = _overlap(wide, other.box)
            shell.missing -= volume
            other.missing -= _overlap(_dilated(other.box, self.shape), box)
        if near and len(shell.z):
            self._join([shell, *(_inside(other, wide) for other in near)], wide)
        self._shells = [other for other in self._shells if other.missing > 0]
        if shell.missing > 0:
            self._shells.append(shell)

    def _join(self, shells: list[_Shell], zone: Box) -> None:
        """Join the components of several blocks where their runs touch inside ``zone``."""
        block = np.concatenate([np.full(len(shell.z), index) for index, shell in enumerate(shells)])
        z, y, x0, x1, slot, component = (
            np.concatenate([getattr(shell, name) for shell in shells])
            for name in ("z", "y", "x0", "x1", "slot", "component")
        )
        depth, height = zone[0][1] - zone[0][0], zone[1][1] - zone[1][0]
        row = (z - zone[0][0]) * height + (y - zone[1][0])
        order = np.lexsort((x0, row))
        row, x0, x1, slot, component, block = (
            values[order] for values in (row, x0, x1, slot, component, block)
        )
        starts = np.searchsorted(row, np.arange(depth * height + 1))
        links = np.zeros(self._count, np.int64)
        local = components.link(starts, depth, height, x0, x1, slot, self.connectivity, links)
        components.merge(local, component, self._parent)
        # An object that crosses a seam is cut into more runs than it has, so its holes cannot be told from them.
        roots, _ = components.compact(local)
        first, last = np.full(len(row), len(shells)), np.full(len(row), -1)
        np.minimum.at(first, roots, block)
        np.maximum.at(last, roots, block)
        crossing = (first != last)[roots]
        self._stats[slot[crossing], measure.SEAM] = 1

    def _settle(self) -> None:
        live = np.zeros(len(self._parent), np.bool_)
        for shell in self._shells:
            for component in np.unique(shell.component):
                live[components.find(self._parent, component)] = True
        number = np.empty(len(self._parent), np.int64)
        count = measure.settle(self._parent, self._size, self._owner, live, self._stats, number)
        self._parent = np.arange(count)
        self._size, self._owner = self._size[:count].copy(), self._owner[:count].copy()
        for shell in self._shells:
            shell.component = number[shell.component]
        self._settled = count


def _new_stats(rows: int) -> Ints:
    stats = np.empty((rows, measure.COLUMNS), np.int64)
    measure.clear(stats)
    return stats


def _shell(
    box: Box, shape: tuple[int, int, int], z: Ints, y: Ints, x0: Ints, x1: Ints, slot: Ints, component: Ints
) -> _Shell:
    on: npt.NDArray[np.bool_] = np.zeros(len(z), np.bool_)
    # Only the sides that have a neighbour matter.
    for (low, high), length, first, last in zip(box, shape, (z, y, x0), (z, y, x1 - 1), strict=True):
        if low > 0:
            on |= first == low
        if high < length:
            on |= last == high - 1
    missing = _volume(_dilated(box, shape)) - _volume(box)
    return _Shell(box, missing, z[on], y[on], x0[on], x1[on], slot[on], component[on])


def _inside(shell: _Shell, zone: Box) -> _Shell:
    on = (shell.z >= zone[0][0]) & (shell.z < zone[0][1]) & (shell.y >= zone[1][0]) & (shell.y < zone[1][1])
    on &= (shell.x1 > zone[2][0]) & (shell.x0 < zone[2][1])
    parts = (shell.z, shell.y, shell.x0, shell.x1, shell.slot, shell.component)
    return _Shell(shell.box, 0, *(part[on] for part in parts))


def _dilated(box: Box, shape: tuple[int, int, int]) -> Box:
    return tuple(  # type: ignore[return-value]
        (max(0, low - 1), min(length, high + 1)) for (low, high), length in zip(box, shape, strict=True)
    )


def _volume(box: Box) -> int:
    return math.prod(high - low for low, high in box)


def _overlap(a: Box, b: Box) -> int:
    return math.prod(
        max(0, min(a_high, b_high) - max(a_low, b_low))
        for (a_low, a_high), (b_low, b_high) in zip(a, b, strict=True)
    )
