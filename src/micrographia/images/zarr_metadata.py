"""What the metadata of a Zarr array say, of Zarr 2 or 3."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.codecs import Codec, codec_from_v2, codec_from_v3
from micrographia.images.zarr_store import Store


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
