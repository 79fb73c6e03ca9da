"""Reading one array of Zarr 2 or 3: the usual codecs and shards by our own code, all others by zarr-python."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import google_crc32c
import numpy as np

from micrographia.errors import ImageError
from micrographia.images.cache import BlockOwner
from micrographia.images.codecs import Codec, CodecError, codec_from_v2, codec_from_v3
from micrographia.images.files import decoding, limit
from micrographia.images.image import Array, Region
from micrographia.images.zarr_files import EMPTY
from micrographia.images.zarr_store import Store
from micrographia.work import cores

WORTH_THREADS = 8 << 20
"""A region of so many bytes is decoded in threads."""

SLACK = 1 << 16
"""A chunk that is not compressible takes more bytes encoded than decoded, by less than this."""


@dataclass(frozen=True, slots=True)
class ArrayMetadata:
    """What the metadata of an array say.

    Parameters
    ----------
    shape
        Its size.
    dtype
        Type of its pixels, native.
    file
        What one file holds: a shard or a chunk.
    chunk
        What is decoded at once.
    codec
        Decodes a chunk; None where only zarr-python can.
    fill
        The value of pixels in chunks that are not there.
    prefix, separator
        What a chunk's name begins with, and what stands between its numbers.
    index_first
        Whether the index of a shard stands at its beginning.
    checked
        Whether a shard's index has a checksum.
    names
        Of its axes, where it names them.
    file_name
        The metadata file.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    file: tuple[int, ...]
    chunk: tuple[int, ...]
    codec: Codec | None
    fill: Any
    prefix: str
    separator: str
    index_first: bool
    checked: bool
    names: tuple[str | None, ...] | None
    file_name: str

    @property
    def sharded(self) -> bool:
        """Whether files are shards."""
        return self.file != self.chunk or self.checked

    @property
    def grid(self) -> tuple[int, ...]:
        """How many files there are along each axis."""
        return tuple(-(-size // step) for size, step in zip(self.shape, self.file, strict=True))

    def key(self, place: Sequence[int]) -> str:
        """Return the name of a file below the array, given its place in the grid."""
        return self.prefix + self.separator.join(map(str, place))


class ZarrArray:
    """One array, read region by region.

    It can be pickled, read from several threads, and used after a fork.

    Parameters
    ----------
    store, path
        Where it lies.
    metadata
        From :func:`read_metadata`.
    """

    def __init__(self, store: Store, path: str, metadata: ArrayMetadata) -> None:
        self.store = store
        self.path = path
        self.metadata = metadata
        self._prefix = f"{path}/" if path else ""
        self._blocks = BlockOwner()
        self._foreign: Any = None
        if math.prod(metadata.chunk) * metadata.dtype.itemsize > limit():
            raise ImageError(
                store.place(metadata.file_name),
                f"claims chunks of {metadata.chunk} pixels, which must each be decoded in one go",
                "Store it with smaller chunks",
            )

    def read(self, region: Region) -> Array:
        """Return the pixels of a region that lies inside the array: one ``slice(start, stop)`` an axis."""
        if self.metadata.codec is None:
            return self._read_foreign(region)
        out = np.empty([part.stop - part.start for part in region], self.metadata.dtype)
        places = list(self._places(region))
        if len(places) > 1 and out.nbytes >= WORTH_THREADS and cores() > 1:
            count = cores()
            with ThreadPoolExecutor(count, "zarr") as pool:
                for _ in pool.map(lambda first: self._fill(out, region, places[first::count]), range(count)):
                    pass
        else:
            self._fill(out, region, places)
        return out

    def close(self) -> None:
        """Close files and forget what was decoded."""
        self._blocks.forget()
        self._foreign = None
        self.store.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_foreign": None}

    def _places(self, region: Region) -> Iterator[tuple[int, ...]]:
        """Yield the places in the grid of chunks that a region touches."""
        return itertools.product(
            *(
                range(part.start // step, -(-part.stop // step))
                for part, step in zip(region, self.metadata.chunk, strict=True)
            )
        )

    def _fill(self, out: Array, region: Region, places: Sequence[tuple[int, ...]]) -> None:
        """Decode chunks into their part of the region."""
        codec, size = self.metadata.codec, self.metadata.chunk
        assert codec is not None  # noqa: S101 - read() asks only then
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
                self._decode(place, codec, into)
            elif whole:
                chunk = np.empty(size, codec.dtype)
                self._decode(place, codec, chunk)
                into[...] = chunk[tuple(source)]
            else:
                into[...] = self._blocks.block(place, partial(self._fresh, place, codec))[tuple(source)]

    def _fresh(self, place: tuple[int, ...], codec: Codec) -> Array:
        chunk = np.empty(self.metadata.chunk, codec.dtype)
        self._decode(place, codec, chunk)
        return chunk

    def _decode(self, place: tuple[int, ...], codec: Codec, out: Array) -> None:
        """Decode one chunk, or fill it if it is not there."""
        name, data = self._encoded(place, out.nbytes + SLACK)
        if data is None:
            out[...] = self.metadata.fill
            return
        try:
            codec.decode(data, out)
        except CodecError as error:
            raise ImageError(
                self.store.place(name),
                f"holds a damaged chunk at {place}: {error}",
                "Copy it again; the rest of the image can be read",
            ) from error

    def _encoded(self, place: tuple[int, ...], most: int) -> tuple[str, bytes | None]:
        """Return the name of the file that holds a chunk, and its bytes if it is there."""
        metadata = self.metadata
        if not metadata.sharded:
            name = self._prefix + metadata.key(place)
            return name, self.store.read(name, most)
        per = [a // b for a, b in zip(metadata.file, metadata.chunk, strict=True)]
        shard = tuple(at // count for at, count in zip(place, per, strict=True))
        name = self._prefix + metadata.key(shard)
        index = self._blocks.block(("index", shard), lambda: self._index(name, math.prod(per)))
        at = 0
        for position, count in zip(place, per, strict=True):
            at = at * count + position % count
        start, length = index[at].tolist() if len(index) else (EMPTY, EMPTY)
        if (start, length) == (EMPTY, EMPTY):
            return name, None
        data = self.store.part(name, start, length) if length <= most else None
        if data is None or len(data) != length:
            raise ImageError(
                self.store.place(name),
                f"is cut short or damaged: its index places chunk {place} at byte {start:,} with {length:,} bytes",
                "Copy it again",
            )
        return name, data

    def _index(self, name: str, count: int) -> Array:
        """Return the index of a shard: offset and size of every chunk; none if there is no such file."""
        length = 16 * count + (4 if self.metadata.checked else 0)
        size = self.store.size(name)
        if size is None:
            return np.empty((0, 2), "<u8")
        data = b""
        if size >= length:
            data = self.store.part(name, 0 if self.metadata.index_first else size - length, length) or b""
        if len(data) != length:
            raise ImageError(
                self.store.place(name), f"is cut short: {size:,} bytes cannot hold its index", "Copy it again"
            )
        table, checksum = data[: 16 * count], data[16 * count :]
        if checksum and google_crc32c.value(table) != int.from_bytes(checksum, "little"):
            raise ImageError(
                self.store.place(name), "is damaged: the checksum of its index does not fit", "Copy it again"
            )
        return np.frombuffer(table, "<u8").reshape(count, 2).copy()

    def _read_foreign(self, region: Region) -> Array:
        with decoding(self.store.path, f"the chunks of {self.path or 'this array'}"):
            if self._foreign is None:
                self._foreign = _open_foreign(self.store, self.path)
            return np.asarray(self._foreign[region]).astype(self.metadata.dtype, order="C", copy=False)


def _open_foreign(store: Store, path: str) -> Any:
    import zarr
    from zarr.storage import LocalStore, ZipStore

    place = LocalStore(store.path, read_only=True) if store.path.is_dir() else ZipStore(store.path, mode="r")
    return zarr.open_array(place, path=path, mode="r")


def read_metadata(store: Store, path: str) -> ArrayMetadata:
    """Return what the metadata of an array say.

    Raises
    ------
    ImageError
        If there are none, or they are no valid metadata; it names the file.
    """
    prefix = f"{path}/" if path else ""
    for name, parse in ((f"{prefix}zarr.json", _parse_v3), (f"{prefix}.zarray", _parse_v2)):
        document = store.json(name)
        if document is None:
            continue
        try:
            metadata = parse(document, name)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            said = f"lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
            raise ImageError(
                store.place(name), f"is no valid metadata of a Zarr array: {said}", "Export it again"
            ) from error
        _verify(metadata, store)
        return metadata
    raise ImageError(
        store.place(prefix + "zarr.json"),
        "does not exist, nor .zarray: the array is not there",
        "Copy it again",
    )


def _verify(metadata: ArrayMetadata, store: Store) -> None:
    problem = ""
    if not len(metadata.shape) == len(metadata.file) == len(metadata.chunk):
        problem = (
            f"shape {metadata.shape}, chunks {metadata.chunk} and shards {metadata.file} differ in length"
        )
    elif min((*metadata.shape, *metadata.file, *metadata.chunk), default=1) < 1:
        problem = f"shape {metadata.shape} or chunks {metadata.chunk} are not positive"
    elif any(a % b for a, b in zip(metadata.file, metadata.chunk, strict=True)):
        problem = f"shards {metadata.file} are no multiple of chunks {metadata.chunk}"
    if problem:
        raise ImageError(
            store.place(metadata.file_name),
            f"is no valid metadata of a Zarr array: {problem}",
            "Export it again",
        )


def _parse_v3(document: Mapping[str, Any], name: str) -> ArrayMetadata:
    if document["zarr_format"] != 3 or document["node_type"] != "array":
        raise ValueError(f"zarr_format {document['zarr_format']}, node_type {document['node_type']}")
    shape = _sizes(document["shape"])
    dtype = _dtype_v3(document["data_type"])
    grid = document["chunk_grid"]
    if grid["name"] != "regular":
        raise ValueError(f"its chunk grid is {grid['name']!r}, only regular ones can be read")
    file = chunk = _sizes(grid["configuration"]["chunk_shape"])
    codecs, first, checked = document["codecs"], False, False
    codec = None
    if len(codecs) == 1 and codecs[0]["name"] == "sharding_indexed":
        sharding = codecs[0]["configuration"]
        chunk = _sizes(sharding["chunk_shape"])
        index = [entry["name"] for entry in sharding["index_codecs"]]
        first = sharding.get("index_location", "end") == "start"
        checked = index == ["bytes", "crc32c"]
        if checked:
            codec = codec_from_v3(sharding["codecs"], dtype)
    else:
        codec = codec_from_v3(codecs, dtype)
    encoding = document["chunk_key_encoding"]
    default = encoding["name"] == "default"
    separator = encoding.get("configuration", {}).get("separator", "/" if default else ".")
    if separator not in ("/", "."):
        raise ValueError(f"its chunk keys are separated by {separator!r}")
    names = document.get("dimension_names")
    return ArrayMetadata(
        shape,
        dtype,
        file,
        chunk,
        codec,
        _fill(document["fill_value"], dtype),
        f"c{separator}" if default else "",
        separator,
        first,
        checked,
        None if names is None else tuple(names),
        name,
    )


def _parse_v2(document: Mapping[str, Any], name: str) -> ArrayMetadata:
    if document["zarr_format"] != 2:
        raise ValueError(f"zarr_format {document['zarr_format']}")
    stored = np.dtype(str(document["dtype"]))
    chunk = _sizes(document["chunks"])
    codec = codec_from_v2(document["compressor"], document["filters"], stored)
    separator = document.get("dimension_separator", ".")
    if separator not in ("/", "."):
        raise ValueError(f"its chunk keys are separated by {separator!r}")
    dtype = stored.newbyteorder("=")
    return ArrayMetadata(
        _sizes(document["shape"]),
        dtype,
        chunk,
        chunk,
        codec if document["order"] == "C" else None,
        _fill(document["fill_value"], dtype),
        "",
        separator,
        index_first=False,
        checked=False,
        names=None,
        file_name=name,
    )


def _sizes(said: Any) -> tuple[int, ...]:
    if not isinstance(said, list) or not all(type(size) is int and 0 <= size < 1 << 62 for size in said):
        raise ValueError(f"{said!r} is no list of sizes")
    return tuple(said)


def _dtype_v3(said: Any) -> np.dtype[Any]:
    if not isinstance(said, str) or said not in _TYPES:
        raise ValueError(f"its data type is {said!r}")
    return np.dtype(said)


_TYPES = {"bool", "float16", "float32", "float64", "complex64", "complex128"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def _fill(said: Any, dtype: np.dtype[Any]) -> Any:
    if said is None:
        return 0
    if isinstance(said, str) and said.startswith("0x"):
        return np.frombuffer(int(said, 16).to_bytes(dtype.itemsize, "little"), dtype.newbyteorder("<"))[0]
    if isinstance(said, str):
        said = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[said]
    return np.asarray(said).astype(dtype)[()]
