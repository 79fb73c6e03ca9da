"""Whether the files of an array fit its metadata: its grid of chunks, and the indices of its shards."""

from __future__ import annotations

import math
from collections.abc import Iterator

from micrographia.errors import ImageError
from micrographia.images.ome_zarr_problem import Problem
from micrographia.images.zarr_array import ZarrArray
from micrographia.images.zarr_metadata import ArrayMetadata
from micrographia.images.zarr_store import METADATA_NAMES, Store

SHOWN = 3
"""How many file names a message gives."""


def file_problems(store: Store, path: str, metadata: ArrayMetadata) -> Iterator[Problem]:
    """Compare the files of an array with its grid.

    Parameters
    ----------
    store, path
        Where the array lies.
    metadata
        Of the array.
    """
    outside, empty, seen = [], [], 0
    for name, size in store.names(path):
        key = name.removeprefix(f"{path}/")
        if key in METADATA_NAMES:
            continue
        place = _place(key, metadata)
        if place is None:
            outside.append(name)
            continue
        seen += 1
        if size == 0:
            empty.append(name)
        elif metadata.sharded:
            yield from _shard(store, path, metadata, place)
    if outside:
        yield Problem(
            "chunk-outside",
            outside[0],
            f"is no chunk of an array of {metadata.shape} in files of {metadata.file}{_others(outside)}",
            "remove what does not belong there, or correct the shape",
        )
    if empty:
        yield Problem("chunk-empty", empty[0], f"is empty{_others(empty)}", "copy it again")
    missing = math.prod(metadata.grid) - seen
    if missing:
        yield Problem(
            "chunk-missing",
            metadata.file_name,
            f"describes {math.prod(metadata.grid)} files of pixels, of which {missing} are not there and are read as "
            f"{metadata.fill}",
            "copy the image again, unless they were left out on purpose",
            "warning",
        )


def _others(names: list[str]) -> str:
    if len(names) == 1:
        return ""
    return f", nor are {len(names) - 1} others, such as {', '.join(sorted(names[1:])[:SHOWN])}"


def _place(key: str, metadata: ArrayMetadata) -> tuple[int, ...] | None:
    """Return the place in the grid of a file; None if it is no file of the array."""
    if not key.startswith(metadata.prefix):
        return None
    parts = key[len(metadata.prefix) :].split(metadata.separator)
    if not all(part.isascii() and part.isdecimal() for part in parts):
        return None
    place = tuple(map(int, parts))
    if len(place) != len(metadata.grid) or metadata.key(place) != key:
        return None
    return place if all(at < count for at, count in zip(place, metadata.grid, strict=True)) else None


def _shard(store: Store, path: str, metadata: ArrayMetadata, place: tuple[int, ...]) -> Iterator[Problem]:
    try:
        ZarrArray(store, path, metadata).read_index(place)
    except ImageError as error:
        yield Problem("shard", f"{path}/{metadata.key(place)}", error.problem, "copy it again")
