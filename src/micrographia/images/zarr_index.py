"""Where chunks lie in shards, and fetching many of them at once from a server."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import google_crc32c
import numpy as np

from micrographia.errors import ImageError
from micrographia.images.image import Array
from micrographia.images.zarr_files import EMPTY
from micrographia.images.zarr_metadata import ArrayMetadata
from micrographia.remote import Want

if TYPE_CHECKING:
    from micrographia.images.zarr_array import ZarrArray

SLACK = 1 << 16
"""A chunk that is not compressible takes more bytes encoded than decoded, by less than this."""


def index_length(metadata: ArrayMetadata, count: int) -> int:
    """Return how many bytes the index of a shard of so many chunks takes."""
    return 16 * count + (4 if metadata.checked else 0)


def parse_index(place: str, data: bytes, size: int, length: int) -> Array:
    """Return offset and size of every chunk of a shard, -1 for none.

    Parameters
    ----------
    place
        How the shard is called in an error.
    data
        The bytes of its index.
    size
        Of the shard in bytes.
    length
        How many bytes the index must have.

    Raises
    ------
    ImageError
        If the shard is cut short or its index damaged.
    """
    if len(data) != length:
        raise ImageError(place, f"is cut short: {size:,} bytes cannot hold its index", "Copy it again")
    count = length // 16
    table, checksum = data[: 16 * count], data[16 * count :]
    if checksum and google_crc32c.value(table) != int.from_bytes(checksum, "little"):
        raise ImageError(place, "is damaged: the checksum of its index does not fit", "Copy it again")
    index = np.frombuffer(table, "<u8").reshape(count, 2)
    there = ~(index == EMPTY).all(axis=1)
    if (index[there] > size).any():
        raise ImageError(place, "is cut short or damaged: its index points beyond its end", "Copy it again")
    return np.where(there[:, np.newaxis], index, 0).astype(np.int64) - ~there[:, np.newaxis]


def fetch_chunks(array: ZarrArray, places: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], bytes | None]:
    """Return chunks as they are stored, all asked for at once; None for those that are not there.

    Parameters
    ----------
    array
        An array in a remote store.
    places
        In the grid of its chunks.

    Raises
    ------
    ImageError
        If one cannot be read.
    """
    metadata, store = array.metadata, array.store
    names = {place: array.file_of(place) for place in places}
    longest = math.prod(metadata.chunk) * metadata.dtype.itemsize + SLACK
    if not metadata.sharded:
        came = store.many([Want(names[place], limit=longest) for place in places])
        return dict(zip(places, came, strict=True))
    indexes = array.indexes(list(dict.fromkeys(array.shard_of(place) for place in places)))
    wants: dict[tuple[int, ...], Want] = {}
    for place in places:
        index = indexes[array.shard_of(place)]
        if not len(index):
            continue
        start, size = (int(value) for value in index[array.number_of(place)])
        if size > longest:
            raise ImageError(
                store.place(names[place]),
                f"is damaged: its index gives the chunk {place} {size:,} bytes",
                "Copy it again; the rest of the image can be read",
            )
        if size >= 0:
            wants[place] = Want(names[place], start, size)
    found: dict[tuple[int, ...], bytes | None] = dict.fromkeys(places)
    found.update(zip(wants, store.many(list(wants.values())), strict=True))
    lost = next((place for place in wants if found[place] is None), None)
    if lost is not None:
        raise ImageError(store.place(names[lost]), "vanished while it was read", "Open it again")
    return found
