"""Reading one array of Zarr 2 or 3: the usual codecs and shards by our own code, all others by zarr-python.

Chunks of a shard are read, decoded and copied to their place by one call that does not hold the GIL; a large region is
shared among threads, which end with the call. Chunks of which a small region needs a part are kept for a while.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.cache import BlockOwner
from micrographia.images.codecs import Codec, CodecError
from micrographia.images.files import decoding, limit
from micrographia.images.image import Array, Region
from micrographia.images.zarr_index import SLACK, fetch_chunks, index_length, parse_index
from micrographia.images.zarr_metadata import ArrayMetadata
from micrographia.images.zarr_store import Store
from micrographia.work import cores

WORTH_THREADS = 2 << 20
"""A region of so many bytes is decoded in threads."""

WORTH_KEEPING = 1 << 20
"""Chunks of which a region of so many bytes needs a part are kept, if they are needed a second time."""

REMEMBERED = 4096
"""How many chunks are remembered that were needed once."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Chunks that a region needs from one shard: a box of places in the grid of chunks, and where they lie."""

    name: str
    low: tuple[int, ...]
    high: tuple[int, ...]
    starts: Array
    sizes: Array


class ZarrArray:
    """One array, read region by region.

    It can be pickled, read from several threads, and used after a fork.

    Parameters
    ----------
    store, path
        Where it lies.
    metadata
        Of the array.

    Raises
    ------
    ImageError
        If its metadata claim chunks that are too large to be decoded.
    """

    def __init__(self, store: Store, path: str, metadata: ArrayMetadata) -> None:
        self.store = store
        self.path = path
        self.metadata = metadata
        self._prefix = f"{path}/" if path else ""
        self._blocks = BlockOwner()
        self._foreign: Any = None
        self._seen: set[tuple[int, ...]] = set()
        self._native = (
            metadata.codec is not None and metadata.sharded and store.direct and _has_kernel(metadata.codec)
        )
        self._per_shard = tuple(a // b for a, b in zip(metadata.file, metadata.chunk, strict=True))
        self._nbytes = math.prod(metadata.chunk) * metadata.dtype.itemsize
        if self._nbytes > limit() or math.prod(self._per_shard) * 16 > limit():
            raise ImageError(
                store.place(metadata.file_name),
                f"claims chunks of {metadata.chunk} pixels in shards of {metadata.file}, more than can be decoded in "
                "one go",
                "Store it with smaller chunks",
            )

    def read(self, region: Region) -> Array:
        """Return the pixels of a region that lies inside the array: one ``slice(start, stop)`` an axis."""
        codec = self.metadata.codec
        if codec is None:
            return self._read_foreign(region)
        out = np.empty([part.stop - part.start for part in region], self.metadata.dtype)
        if self.store.remote:
            places = self._places(region)
            missing = [place for place in places if self._blocks.kept(place) is None]
            self._share_remote(out, region, places, codec, fetch_chunks(self, missing))
        elif self._native:
            self._read_shards(region, codec, out)
        else:
            self._share(out, region, self._places(region), codec, {})
        return out

    def close(self) -> None:
        """Close files and forget what was decoded."""
        self._blocks.forget()
        self._seen.clear()
        self._foreign = None
        self.store.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_foreign": None, "_seen": set()}

    # Shards: many chunks a call.

    def _read_shards(self, region: Region, codec: Codec, out: Array) -> None:
        parts = list(self._parts(region))
        if any((part.sizes < 0).any() for part in parts):
            out[...] = self.metadata.fill
        if out.nbytes < WORTH_THREADS or cores() == 1:
            for part in parts:
                self._decode_part(part, region, codec, out)
            return
        shares = [share for part in parts for share in _shares(part, cores())]
        with ThreadPoolExecutor(cores(), "zarr") as pool:
            for _ in pool.map(lambda share: self._decode_part(share, region, codec, out), shares):
                pass

    def _parts(self, region: Region) -> Iterator[_Part]:
        """Yield the chunks that a region needs, shard by shard."""
        chunk, per = self.metadata.chunk, self._per_shard
        low = [part.start // step for part, step in zip(region, chunk, strict=True)]
        high = [-(-part.stop // step) for part, step in zip(region, chunk, strict=True)]
        shards = (range(a // n, -(-b // n)) for a, b, n in zip(low, high, per, strict=True))
        for shard in itertools.product(*shards):
            name = self._prefix + self.metadata.key(shard)
            index = self._blocks.block(("index", shard), partial(self._index, name, math.prod(per)))
            first = tuple(max(a, at * n) for a, at, n in zip(low, shard, per, strict=True))
            last = tuple(min(b, (at + 1) * n) for b, at, n in zip(high, shard, per, strict=True))
            flat = np.zeros(1, np.int64)
            for a, b, at, n in zip(first, last, shard, per, strict=True):
                flat = (flat[:, np.newaxis] * n + np.arange(a - at * n, b - at * n)).reshape(-1)
            if len(index):
                found = index[flat]
                yield _Part(name, first, last, found[:, 0], found[:, 1])
            else:
                absent = np.full(len(flat), -1)
                yield _Part(name, first, last, absent, absent)

    def _decode_part(self, part: _Part, region: Region, codec: Codec, out: Array) -> None:
        from micrographia.images import codecs_native as native

        chunk, shape = self.metadata.chunk, self.metadata.shape
        actions = np.where(part.sizes < 0, native.ABSENT, native.DECODE)
        kept = np.zeros(len(actions), np.int64)
        fresh: dict[tuple[int, ...], Array] = {}
        known: list[Array] = []
        if out.nbytes <= WORTH_KEEPING:
            if len(self._seen) > REMEMBERED:
                self._seen.clear()
            for number, place in enumerate(
                itertools.product(*(range(a, b) for a, b in zip(part.low, part.high, strict=True)))
            ):
                if actions[number] == native.ABSENT or all(
                    side.start <= at * step and side.stop >= min((at + 1) * step, size)
                    for side, at, step, size in zip(region, place, chunk, shape, strict=True)
                ):
                    continue
                if place not in self._seen:
                    self._seen.add(place)
                    continue
                block = self._blocks.kept(place)
                if block is None:
                    block = fresh[place] = np.empty(self._nbytes, np.uint8)
                    actions[number] = native.KEEP
                else:
                    known.append(block)
                    actions[number] = native.KEPT
                kept[number] = block.__array_interface__["data"][0]
        if (part.sizes > self._nbytes + SLACK).any():
            raise self._misplaced(part, int(np.argmax(part.sizes)))
        found = self.store.locate(part.name)
        if found is None:
            if (actions == native.DECODE).any() or fresh:
                raise self._misplaced(part, int(np.argmax(part.sizes >= 0)))
            return
        file, offset = found
        number, wrong = native.decode_chunks(
            codec,
            file.number,
            part.starts + offset,
            part.sizes,
            actions,
            kept,
            chunk,
            (part.low, part.high),
            region,
            out,
        )
        if wrong == native.UNREADABLE:
            raise self._misplaced(part, number)
        if wrong:
            raise self._damaged(part.name, self._place(part, number), f"{codec.name} data are damaged")
        for place, block in fresh.items():
            self._blocks.keep(place, block)

    @staticmethod
    def _place(part: _Part, number: int) -> tuple[int, ...]:
        counts = [b - a for a, b in zip(part.low, part.high, strict=True)]
        return tuple(int(a + at) for a, at in zip(part.low, np.unravel_index(number, counts), strict=True))

    def _misplaced(self, part: _Part, number: int) -> ImageError:
        place, start, size = self._place(part, number), int(part.starts[number]), int(part.sizes[number])
        return ImageError(
            self.store.place(part.name),
            f"is cut short or damaged: its index places chunk {place} at byte {start:,} with {size:,} bytes",
            "Copy it again; the rest of the image can be read",
        )

    def _damaged(self, name: str, place: tuple[int, ...], why: str) -> ImageError:
        return ImageError(
            self.store.place(name),
            f"holds a damaged chunk at {place}: {why}",
            "Copy it again; the rest of the image can be read",
        )

    def file_of(self, place: tuple[int, ...]) -> str:
        """Return the name of the file that holds a chunk."""
        return self._prefix + self.metadata.key(self.shard_of(place))

    def shard_of(self, place: tuple[int, ...]) -> tuple[int, ...]:
        """Return the place of the file that holds a chunk."""
        return tuple(at // n for at, n in zip(place, self._per_shard, strict=True))

    def number_of(self, place: tuple[int, ...]) -> int:
        """Return the number of a chunk within its shard."""
        inner = [at % n for at, n in zip(place, self._per_shard, strict=True)]
        return int(np.ravel_multi_index(inner, self._per_shard))

    def indexes(self, shards: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], Array]:
        """Return the indexes of shards of a remote store, those not known yet asked for at once; see :meth:`_index`."""
        found = {shard: self._blocks.kept(("index", shard)) for shard in shards}
        unknown = [shard for shard, index in found.items() if index is None]
        names = [self._prefix + self.metadata.key(shard) for shard in unknown]
        length = index_length(self.metadata, math.prod(self._per_shard))
        ends = self.store.ends(names, length, first=self.metadata.index_first)
        for shard, name, end in zip(unknown, names, ends, strict=True):
            index = np.empty((0, 2), np.int64)
            if end is not None:
                index = parse_index(self.store.place(name), *end, length)
            self._blocks.keep(("index", shard), index)
            found[shard] = index
        return {shard: index for shard, index in found.items() if index is not None}

    def read_index(self, shard: tuple[int, ...]) -> Array:
        """Return offset and size of every chunk of a shard; raise ``ImageError`` if the index is damaged."""
        return self._index(self._prefix + self.metadata.key(shard), math.prod(self._per_shard))

    def _index(self, name: str, count: int) -> Array:
        """Return the index of a shard: offset and size of every chunk, -1 for none; nothing if there is no shard."""
        length = index_length(self.metadata, count)
        size = self.store.size(name)
        if size is None:
            return np.empty((0, 2), np.int64)
        data = b""
        if size >= length:
            data = self.store.part(name, 0 if self.metadata.index_first else size - length, length) or b""
        return parse_index(self.store.place(name), data, size, length)

    # Files of one chunk, and codecs without a kernel: one chunk a call.

    def _places(self, region: Region) -> list[tuple[int, ...]]:
        return list(
            itertools.product(
                *(
                    range(part.start // step, -(-part.stop // step))
                    for part, step in zip(region, self.metadata.chunk, strict=True)
                )
            )
        )

    def _share(
        self,
        out: Array,
        region: Region,
        places: Sequence[tuple[int, ...]],
        codec: Codec,
        fetched: Mapping[tuple[int, ...], bytes | None],
    ) -> None:
        count = cores()
        if len(places) == 1 or out.nbytes < WORTH_THREADS or count == 1:
            self._fill(out, region, places, codec, fetched)
            return
        with ThreadPoolExecutor(count, "zarr") as pool:
            shares = (places[first::count] for first in range(count))
            for _ in pool.map(lambda share: self._fill(out, region, share, codec, fetched), shares):
                pass

    def _share_remote(
        self,
        out: Array,
        region: Region,
        places: Sequence[tuple[int, ...]],
        codec: Codec,
        fetched: Mapping[tuple[int, ...], bytes | None],
    ) -> None:
        """Do as :meth:`_share`; what came together with damaged data is not kept."""
        try:
            self._share(out, region, places, codec, fetched)
        except ImageError:
            for name in {self.file_of(place) for place in fetched}:
                self.store.discard(name)
            raise

    def _fill(
        self,
        out: Array,
        region: Region,
        places: Sequence[tuple[int, ...]],
        codec: Codec,
        fetched: Mapping[tuple[int, ...], bytes | None],
    ) -> None:
        """Decode chunks into their part of the region."""
        size = self.metadata.chunk
        for place in places:
            target, source, whole = [], [], True
            for part, at, step, length in zip(region, place, size, self.metadata.shape, strict=True):
                first = at * step
                start, stop = max(part.start, first), min(part.stop, first + step)
                target.append(slice(start - part.start, stop - part.start))
                source.append(slice(start - first, stop - first))
                whole = whole and start == first and stop == min(first + step, length)
            into = out[tuple(target)]
            if whole and into.shape == size and into.flags.c_contiguous and codec.dtype == out.dtype:
                self._decode(place, codec, into, fetched)
            elif whole:
                chunk = np.empty(size, codec.dtype)
                self._decode(place, codec, chunk, fetched)
                into[...] = chunk[tuple(source)]
            else:
                into[...] = self._blocks.block(place, partial(self._fresh, place, codec, fetched))[
                    tuple(source)
                ]

    def _fresh(
        self, place: tuple[int, ...], codec: Codec, fetched: Mapping[tuple[int, ...], bytes | None]
    ) -> Array:
        chunk = np.empty(self.metadata.chunk, codec.dtype)
        self._decode(place, codec, chunk, fetched)
        return chunk

    def _decode(
        self,
        place: tuple[int, ...],
        codec: Codec,
        out: Array,
        fetched: Mapping[tuple[int, ...], bytes | None],
    ) -> None:
        """Decode one chunk, or fill it if it is not there."""
        name = self.file_of(place)
        data = fetched[place] if place in fetched else self._encoded(place, name, out.nbytes + SLACK)
        if data is None:
            out[...] = self.metadata.fill
            return
        try:
            codec.decode(data, out)
        except CodecError as error:
            raise self._damaged(name, place, str(error)) from error

    def _encoded(self, place: tuple[int, ...], name: str, longest: int) -> bytes | None:
        if not self.metadata.sharded:
            return self.store.read(name, longest)
        steps = zip(place, self.metadata.chunk, strict=True)
        part = next(self._parts(tuple(slice(at * step, (at + 1) * step) for at, step in steps)))
        start, size = int(part.starts[0]), int(part.sizes[0])
        data = self.store.part(part.name, start, size) if 0 <= size <= longest else None
        if size >= 0 and (data is None or len(data) != size):
            raise self._misplaced(part, 0)
        return data

    def _read_foreign(self, region: Region) -> Array:
        try:
            with decoding(self.store.path, f"the chunks of {self.path or 'this array'}"):
                if self._foreign is None:
                    self._foreign = _open_foreign(self.store, self.path)
                return np.asarray(self._foreign[region]).astype(self.metadata.dtype, order="C", copy=False)
        except ImageError:
            for name in {self.file_of(place) for place in self._places(region)}:
                self.store.discard(name)
            raise


def _has_kernel(codec: Codec) -> bool:
    """Return whether a kernel decodes what the codec encodes."""
    if codec.name not in ("blosc", "zstd") or not codec.dtype.isnative:
        return False
    from micrographia.images.codecs_native import functions

    return functions() is not None


def _shares(part: _Part, count: int) -> Iterator[_Part]:
    """Cut a part along its first axis of more than one chunk."""
    sides = [b - a for a, b in zip(part.low, part.high, strict=True)]
    axis = next((number for number, side in enumerate(sides) if side > 1), 0)
    each = -(-sides[axis] // count)
    inner = math.prod(sides[axis + 1 :])
    for first in range(0, sides[axis], each):
        last = min(first + each, sides[axis])
        low, high = list(part.low), list(part.high)
        low[axis], high[axis] = part.low[axis] + first, part.low[axis] + last
        cut = slice(first * inner, last * inner)
        yield _Part(part.name, tuple(low), tuple(high), part.starts[cut], part.sizes[cut])


def _open_foreign(store: Store, path: str) -> Any:
    import zarr
    from zarr.storage import LocalStore, ZipStore

    if store.remote:
        from micrographia.images.zarr_foreign import foreign_store

        return zarr.open_array(foreign_store(store), path=path, mode="r")
    place = LocalStore(store.path, read_only=True) if store.path.is_dir() else ZipStore(store.path, mode="r")
    return zarr.open_array(place, path=path, mode="r")
