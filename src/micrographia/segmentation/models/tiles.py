"""Tiles with overlap, and labels put together from them: an object cut by a border between tiles becomes one object."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]
Slices = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile.

    Parameters
    ----------
    index
        Its number along each axis.
    window
        What the model sees.
    core
        The part whose labels are kept; cores cover the image once.
    """

    index: tuple[int, ...]
    window: Slices
    core: Slices

    @property
    def inside(self) -> Slices:
        """Where the core lies in the window."""
        return tuple(
            slice(core.start - window.start, core.stop - window.start)
            for core, window in zip(self.core, self.window, strict=True)
        )


def plan(shape: Sequence[int], tile: Sequence[int], overlap: Sequence[int]) -> list[Tile]:
    """Return tiles that cover an image, in raster order.

    All windows have one size, ``tile`` or that of the image where it is smaller: at the borders of the image they are
    moved inwards and see more beyond their core.

    Parameters
    ----------
    shape
        Of the image, spatial axes.
    tile
        Size of a window along each.
    overlap
        Pixels that a window shows at least beyond its core, where the image goes on.

    Raises
    ------
    SegmentationError
        If nothing is left of a tile without its overlap.
    """
    axes: list[list[tuple[slice, slice]]] = []
    for size, side, beyond in zip(shape, tile, overlap, strict=True):
        if size <= side:
            axes.append([(slice(0, size), slice(0, size))])
            continue
        step = side - 2 * beyond
        if step < 1 or beyond < 1:
            raise SegmentationError(
                "",
                f"tiles of {side} pixels that overlap by {beyond} on each side cannot cover {size}",
                "Give an overlap of at least 1 and less than half a tile",
            )
        cuts = [*range(0, size, step), size]
        spans = []
        for start, stop in itertools.pairwise(cuts):
            first = min(max(0, start - beyond), size - side)
            spans.append((slice(first, first + side), slice(start, stop)))
        axes.append(spans)
    return [
        Tile(
            index,
            tuple(axes[axis][place][0] for axis, place in enumerate(index)),
            tuple(axes[axis][place][1] for axis, place in enumerate(index)),
        )
        for index in itertools.product(*(range(len(spans)) for spans in axes))
    ]


class Stitcher:
    """Puts labels of tiles together.

    Around each seam between two cores lies a strip that both tiles saw. There their labels are cut into connected
    pieces (by faces); a piece of one tile and a piece of the other are the same object if they share more than half of
    their union, and objects that share a piece are one. Hence the result is that of the whole image, up to numbers,
    for every model that is local: if the labels of two neighbouring pixels are equal or not by what lies within the
    strip (components of a threshold are, however long), or if objects and what decides on them are smaller than the
    overlap.

    Parameters
    ----------
    out
        Integers ``([Z,] Y, X)``; labels are written here.
    tiles
        All tiles, from :func:`plan`; they are added in this order.
    overlap
        As for :func:`plan`; strips reach half as far to both sides.
    """

    def __init__(self, out: Array, tiles: Sequence[Tile], overlap: Sequence[int]) -> None:
        self.out = out
        self._reach = tuple(max(1, beyond // 2) for beyond in overlap)
        self._last = {tile.index for tile in tiles}
        self._strips: dict[tuple[tuple[int, ...], int], Array] = {}
        self._parents = [0]
        self._seen: list[Array] = []
        self._shape = out.shape

    def add(self, tile: Tile, labels: Array) -> None:
        """Add the labels of a tile's window, int32."""
        before = len(self._parents) - 1
        most = int(labels.max(initial=0))
        self._parents.extend(range(before + 1, before + most + 1))
        placed = np.where(labels > 0, labels + np.int32(before), np.int32(0))
        core = placed[tile.inside]
        self.out[tile.core] = core
        self._seen.append(np.unique(core))
        for axis in range(len(tile.index)):
            kept = self._strips.pop((tile.index, axis), None)
            if kept is not None:
                self._join(kept, placed[self._strip(tile, axis, tile.core[axis].start)])
            following = (*tile.index[:axis], tile.index[axis] + 1, *tile.index[axis + 1 :])
            if following in self._last:
                strip = placed[self._strip(tile, axis, tile.core[axis].stop)]
                self._strips[following, axis] = strip.copy()

    def finish(self, first: int = 0) -> Array:
        """Return the final number of each label in ``out``, int32; objects are numbered from ``first + 1`` on.

        The labels themselves are left as they are: ``numbers[out]``, block by block, is the result.
        """
        roots = np.array([self._root(label) for label in range(len(self._parents))], np.int64)
        numbers = np.zeros(len(roots), np.int32)
        seen = np.unique(np.concatenate(self._seen)) if self._seen else np.zeros(0, np.int64)
        visible = seen[seen > 0]
        kept, inverse = np.unique(roots[visible], return_inverse=True)
        # In the order of the first visible label of each object.
        firsts = np.full(len(kept), len(roots), np.int64)
        np.minimum.at(firsts, inverse, visible)
        ranks = np.empty(len(kept), np.int64)
        ranks[np.argsort(firsts)] = np.arange(1, len(kept) + 1)
        numbers[visible] = ranks[inverse] + first
        return numbers

    def _strip(self, tile: Tile, axis: int, seam: int) -> Slices:
        found = []
        for at, (window, core, reach, size) in enumerate(
            zip(tile.window, tile.core, self._reach, self._shape, strict=True)
        ):
            low, high = (seam, seam) if at == axis else (core.start, core.stop)
            low, high = max(0, low - reach), min(size, high + reach)
            found.append(slice(low - window.start, high - window.start))
        return tuple(found)

    def _join(self, ours: Array, theirs: Array) -> None:
        from skimage.measure import label

        both = (ours > 0) & (theirs > 0)
        if not both.any():
            return
        pieces = label(ours, background=0, connectivity=1), label(theirs, background=0, connectivity=1)
        sizes = [np.bincount(held.reshape(-1)) for held in pieces]
        pairs, places, shared = np.unique(
            pieces[0][both].astype(np.int64) * len(sizes[1]) + pieces[1][both],
            return_index=True,
            return_counts=True,
        )
        unions = sizes[0][pairs // len(sizes[1])] + sizes[1][pairs % len(sizes[1])] - shared
        for place in places[2 * shared > unions]:
            self._unite(int(ours[both][place]), int(theirs[both][place]))

    def _root(self, label: int) -> int:
        parents = self._parents
        while parents[label] != label:
            parents[label] = parents[parents[label]]
            label = parents[label]
        return label

    def _unite(self, one: int, other: int) -> None:
        low, high = sorted((self._root(one), self._root(other)))
        self._parents[high] = low


def row_blocks(shape: Sequence[int], most: int = 1 << 22) -> Iterator[slice]:
    """Yield slices along the first axis that hold about ``most`` pixels each."""
    step = max(1, most // max(1, int(np.prod(shape[1:], dtype=np.int64))))
    for start in range(0, shape[0], step):
        yield slice(start, min(shape[0], start + step))
