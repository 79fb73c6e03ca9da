"""One pass over an image that writes its whole pyramid.

The image is read cell by cell. Each cell is hashed, encoded, and halved; four halves (or two, or eight) make a cell of
the next level, which is encoded and halved as soon as the last of them is there. Cells come in the order of a tree that
is walked depth first, so that at most a few unfinished cells a level are in memory, whatever the size of the image.
Threads work on cells; one thread puts the results in order and writes shards, so that the bytes do not depend on how
many threads there are.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from micrographia.images.chunks import Five, Layout, choose_cell, five, pick, region_at, round_up
from micrographia.images.codecs import Codec
from micrographia.images.digest import Digests, PixelHasher, Unhashed, read_five
from micrographia.images.image import AXES, Array, Image, Region
from micrographia.images.ome_zarr_metadata import separator
from micrographia.images.pyramid import Level
from micrographia.images.zarr_files import Folder, ShardFile

WINDOW_BYTES = 96 << 20
"""Cells under way hold about so many bytes, unless one cell is larger."""

WHOLE_LEVEL = 1 << 20
"""A plane of so many pixels is one cell."""

SAMPLE = 1 << 18
"""Pixels a channel that are kept for display limits."""

Observer = Callable[[Region, Array], None]


@dataclass(frozen=True, slots=True)
class StoredLevel:
    """One level as it is worked on; all sizes along ``TCZYX``."""

    path: str
    shape: Five
    chunk: Five
    shard: Five | None
    cell: Five
    separator: str
    deep: bool
    """Whether the step to the next level halves Z."""


@dataclass(frozen=True, slots=True)
class _Encoded:
    """The chunks of a cell: their box in the grid of chunks, and what they became, in C order."""

    first: Five
    counts: tuple[int, ...]
    data: Array
    sizes: Array
    room: Array

    def take(self, chosen: Array) -> Array:
        """Return the bytes of some of the chunks."""
        ends = np.cumsum(np.maximum(self.sizes, 0))
        starts = ends - np.maximum(self.sizes, 0)
        parts = [self.data[a:b] for a, b in zip(starts[chosen], ends[chosen], strict=True)]
        return np.concatenate(parts)


@dataclass(slots=True)
class _Result:
    """What a thread made of one cell and of those of higher levels that follow from it alone."""

    chunks: list[tuple[int, _Encoded]] = field(default_factory=list)
    digests: Digests = field(default_factory=list)
    pixels: tuple[Region, Array] | None = None
    piece: tuple[int, Five, Array] | None = None
    sample: tuple[int, list[Array]] | None = None


class PyramidStream:
    """Writes one image, or one label image, with all its levels.

    Parameters
    ----------
    image
        The source.
    axes
        As stored: those of the image, with others of one pixel.
    levels, layouts
        The pyramid and how each level is stored, along ``axes``.
    codec
        Encodes chunks; its type is that of the stored pixels.
    folder, path
        Where the arrays are written: ``path/0``, ``path/1``, ...; ``path`` is empty or ends in ``/``.
    zarr3
        Whether chunks are named as in Zarr 3.
    labels
        Whether it is a label image.
    digests
        Whether pixels are hashed.
    observe
        Called, in a fixed order and one call at a time, with the region (along the axes of ``image``) and the pixels
        of every cell of level 0.
    """

    def __init__(
        self,
        image: Image,
        axes: str,
        levels: Sequence[Level],
        layouts: Sequence[Layout],
        codec: Codec,
        folder: Folder,
        path: str = "",
        *,
        zarr3: bool = True,
        labels: bool = False,
        digests: bool = True,
        observe: Observer | None = None,
    ) -> None:
        self.image = image
        self.axes = axes
        self.codec = codec
        self.folder = folder
        self.labels = labels
        self._zarr3 = zarr3
        self.hasher = (PixelHasher if digests else Unhashed)(image, "label" if labels else "image")
        self.levels = _stored(image, axes, levels, layouts, path, zarr3=zarr3)
        self.samples: dict[int, list[Array]] = {}
        self._observe = observe
        self._aligned = self.hasher.aligned(self.levels[0].cell)
        top = self.levels[-1].shape
        self._stride = max(1, math.prod(top) // top[1] // SAMPLE)
        self._unfinished: dict[tuple[int, Five], tuple[Array, int]] = {}
        self._shards: dict[tuple[int, Five], ShardFile] = {}
        self._rooms: list[Array] = []

    @property
    def single(self) -> bool:
        """Whether the whole image is one cell, so that threads would have nothing to share."""
        first = self.levels[0]
        return all(cell >= size for cell, size in zip(first.cell, first.shape, strict=True))

    def run(self, pool: Executor | None, threads: int) -> None:
        """Write everything; ``pool`` is where cells are worked on, None for this thread."""
        window = _window(self.levels[0].cell, self.image.dtype.itemsize, threads)
        waiting: deque[Future[_Result]] = deque()

        def start(function: Callable[..., _Result], *arguments: Any) -> None:
            if pool is None:
                finish(function(*arguments))
                return
            waiting.append(pool.submit(function, *arguments))
            while len(waiting) > window:
                finish(waiting.popleft().result())

        def finish(result: _Result) -> None:
            ready = self._finish(result)
            if ready is not None:
                start(self._work, *ready)

        try:
            for region in self._leaves():
                start(self._read, region)
            while waiting:
                finish(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()
            for shard in self._shards.values():
                shard.close()

    def _read(self, region: Region) -> _Result:
        pixels = read_five(self.image, region)
        result = _Result()
        if self._aligned:
            result.digests = self.hasher.blocks(region, pixels)
        if not self._aligned or self._observe is not None:
            result.pixels = region, pixels
        if self.labels and pixels.dtype.kind == "i":
            pixels = pixels.view(self.codec.dtype.newbyteorder("="))
        starts = tuple(part.start for part in region)
        return self._cascade(result, 0, _as_five(starts), pixels[0])

    def _work(self, level: int, starts: Five, pixels: Array) -> _Result:
        return self._cascade(_Result(), level, starts, pixels)

    def _cascade(self, result: _Result, number: int, starts: Five, pixels: Array) -> _Result:
        """Encode a cell and halve it, again and again while a half is a whole cell of the next level."""
        from micrographia.images.pyramid_kernels import halve

        while True:
            level = self.levels[number]
            encoded = self._encode(level, starts, pixels)
            if encoded is not None:
                result.chunks.append((number, encoded))
            if number + 1 == len(self.levels):
                if not self.labels:
                    result.sample = starts[1], [plane.reshape(-1)[:: self._stride] for plane in pixels]
                return result
            number += 1
            upper = self.levels[number]
            planes = [halve(channel, deep=level.deep, labels=self.labels) for channel in pixels]
            pixels = np.stack(planes) if len(planes) > 1 else planes[0][np.newaxis]
            starts = _halved(starts, level.deep)
            region = _cell_around(starts, upper)
            if pixels.shape != tuple(part.stop - part.start for part in region[1:]):
                result.piece = number, starts, pixels
                return result

    def _encode(self, level: StoredLevel, starts: Five, pixels: Array) -> _Encoded | None:
        """Encode the chunks of a cell ``(C, Z, Y, X)``; those of an array without shards are written at once."""
        from micrographia.images.codecs_native import encode_cell, room_for

        pixels = np.ascontiguousarray(pixels, self.codec.dtype)
        chunk, sharded = level.chunk[1:], level.shard is not None
        room = self._room(room_for(pixels, chunk))
        data, sizes = encode_cell(self.codec, pixels, chunk, leave_out=sharded, room=room)
        first = _as_five([start // step for start, step in zip(starts, level.chunk, strict=True)])
        counts = (1, *(-(-n // step) for n, step in zip(pixels.shape, chunk, strict=True)))
        if sharded:
            return _Encoded(first, counts, data, sizes, room)
        ends = np.cumsum(sizes)
        for place, start, end in zip(np.ndindex(counts), ends - sizes, ends, strict=True):
            name = self._name(level, _as_five([a + at for a, at in zip(first, place, strict=True)]))
            self.folder.write(name, data[start:end].data)
        self._rooms.append(room)
        return None

    def _room(self, nbytes: int) -> Array:
        """Return memory for encoded chunks; taking it anew for every cell costs as much as filling it."""
        try:
            room = self._rooms.pop()
        except IndexError:
            room = np.empty(0, np.uint8)
        return room if len(room) >= nbytes else np.empty(nbytes, np.uint8)

    def _name(self, level: StoredLevel, place: Five) -> str:
        key = level.separator.join(map(str, pick(self.axes, place)))
        return f"{level.path}/c{level.separator}{key}" if self._zarr3 else f"{level.path}/{key}"

    def _finish(self, result: _Result) -> tuple[int, Five, Array] | None:
        """Write what a thread made, in order; return the cell that became whole by it."""
        self.hasher.put(result.digests)
        if result.pixels is not None:
            region, pixels = result.pixels
            if not self._aligned:
                self.hasher.rows(region, pixels)
            if self._observe is not None:
                own = tuple(region[AXES.index(axis)] for axis in self.image.axes)
                self._observe(own, pixels.reshape([part.stop - part.start for part in own]))
        if result.sample is not None:
            first, values = result.sample
            for channel, sample in enumerate(values, first):
                self.samples.setdefault(channel, []).append(sample)
        for number, encoded in result.chunks:
            shard = self.levels[number].shard
            if shard is not None:
                self._append(number, shard, encoded)
                self._rooms.append(encoded.room)
        return None if result.piece is None else self._paste(*result.piece)

    def _append(self, number: int, size: Five, encoded: _Encoded) -> None:
        """Write the chunks of a cell to the shards to which they belong."""
        level = self.levels[number]
        grid = _as_five([a // b for a, b in zip(size, level.chunk, strict=True)])
        low, counts = encoded.first, encoded.counts
        high = [a + n for a, n in zip(low, counts, strict=True)]
        shards = list(
            itertools.product(*(range(a // n, -(-b // n)) for a, b, n in zip(low, high, grid, strict=True)))
        )
        for place in map(_as_five, shards):
            inner = [
                np.arange(max(a, at * n), min(b, (at + 1) * n))
                for a, b, at, n in zip(low, high, place, grid, strict=True)
            ]
            slots = _flat([side % n for side, n in zip(inner, grid, strict=True)], grid)
            shard = self._shards.get((number, place)) or self._open_shard(number, place, grid)
            if len(shards) == 1:
                whole = shard.append(slots, encoded.sizes, encoded.data)
            else:
                chosen = _flat([side - a for side, a in zip(inner, low, strict=True)], counts)
                whole = shard.append(slots, encoded.sizes[chosen], encoded.take(chosen))
            if whole:
                del self._shards[number, place]

    def _open_shard(self, number: int, place: Five, grid: Five) -> ShardFile:
        level = self.levels[number]
        expected = math.prod(
            min(n, -(-size // step) - a * n)
            for a, n, size, step in zip(place, grid, level.shape, level.chunk, strict=True)
        )
        shard = ShardFile(self.folder, self._name(level, place), math.prod(grid), expected)
        self._shards[number, place] = shard
        return shard

    def _paste(self, number: int, starts: Five, piece: Array) -> tuple[int, Five, Array] | None:
        level = self.levels[number]
        region = _cell_around(starts, level)
        corner = _as_five([part.start for part in region])
        known = self._unfinished.pop((number, corner), None)
        if known is None:
            shape = [part.stop - part.start for part in region[1:]]
            known = np.empty(shape, piece.dtype), math.prod(shape)
        whole, missing = known
        at = tuple(
            slice(start - part.start, start - part.start + size)
            for start, part, size in zip(starts[1:], region[1:], piece.shape, strict=True)
        )
        whole[at] = piece
        missing -= piece.size
        if missing:
            self._unfinished[number, corner] = whole, missing
            return None
        return number, corner, whole

    def _leaves(self) -> Iterator[Region]:
        """Yield the regions of the cells of level 0: those that make one cell of a higher level together."""
        top = self.levels[-1]
        for starts in itertools.product(
            *(range(0, size, step) for size, step in zip(top.shape, top.cell, strict=True))
        ):
            yield from self._below(len(self.levels) - 1, region_at(starts, top.shape, top.cell))

    def _below(self, number: int, region: Region) -> Iterator[Region]:
        if number == 0:
            yield region
            return
        lower = self.levels[number - 1]
        factors = (1, 1, 2 if lower.deep else 1, 2, 2)
        ranges = (
            range(part.start * factor, min(part.stop * factor, size), step)
            for part, factor, size, step in zip(region, factors, lower.shape, lower.cell, strict=True)
        )
        for starts in itertools.product(*ranges):
            yield from self._below(number - 1, region_at(starts, lower.shape, lower.cell))


def _stored(
    image: Image, axes: str, levels: Sequence[Level], layouts: Sequence[Layout], path: str, *, zarr3: bool
) -> list[StoredLevel]:
    """Decide on the cells of every level."""
    stored: list[StoredLevel] = []
    at = axes.find("Z")
    for number, (level, layout) in enumerate(zip(levels, layouts, strict=True)):
        shape, chunk = five(axes, level.shape), five(axes, layout.chunk)
        deep = at >= 0 and number + 1 < len(levels) and levels[number + 1].factors[at] > level.factors[at]
        depth = 2 if deep else 1
        if not stored:
            cell = choose_cell(image, chunk, depth)
        else:
            below = stored[-1]
            planes = max(chunk[2], depth, below.cell[2] // (2 if below.deep else 1))
            rows, columns = below.cell[3:]
            if shape[3] * shape[4] <= WHOLE_LEVEL:
                rows, columns = round_up(shape[3], chunk[3]), round_up(shape[4], chunk[4])
            cell = (1, below.cell[1], planes, rows, columns)
        shard = None if layout.shard is None else five(axes, layout.shard)
        between = separator(level.shape, layout) if zarr3 else "/"
        stored.append(StoredLevel(f"{path}{number}", shape, chunk, shard, cell, between, deep))
    return stored


def _flat(sides: Sequence[Array], grid: Sequence[int]) -> Array:
    """Return the places of a box of a grid as numbers in C order."""
    flat = np.zeros(1, np.int64)
    for side, count in zip(sides, grid, strict=True):
        flat = (flat[:, np.newaxis] * count + side).reshape(-1)
    return flat


def _cell_around(starts: Five, level: StoredLevel) -> Region:
    """Return the region of the cell that holds a pixel."""
    corner = [start // step * step for start, step in zip(starts, level.cell, strict=True)]
    return region_at(corner, level.shape, level.cell)


def _halved(starts: Five, deep: bool) -> Five:
    return starts[0], starts[1], starts[2] // 2 if deep else starts[2], starts[3] // 2, starts[4] // 2


def _as_five(numbers: Sequence[int]) -> Five:
    t, c, z, y, x = numbers
    return t, c, z, y, x


def _window(cell: Five, itemsize: int, threads: int) -> int:
    """Return how many cells may be under way."""
    return max(1, min(threads + 1, WINDOW_BYTES // (math.prod(cell) * itemsize)))
