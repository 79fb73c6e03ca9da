"""Which files an OME-Zarr image has, by its metadata alone: web servers list no folders."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from micrographia.errors import ImageError
from micrographia.images.ome_zarr_model import image_paths, join, list_labels, parse_multiscale, read_group
from micrographia.images.zarr_metadata import read_metadata
from micrographia.images.zarr_store import METADATA_NAMES, Store

MOST = 20_000_000
"""Files above which an image is not listed."""


def listed_files(store: Store) -> Iterator[tuple[str, bool]]:
    """Yield the name of each file that an image, with its label images, may have, and whether it must be there.

    Chunks that hold nothing but the fill value need not be there.

    Raises
    ------
    ImageError
        If the metadata cannot be read, or claim more files than can be.
    """
    seen: set[str] = set()
    yield from _files(store, "", seen)
    for path in image_paths(store, read_group(store)):
        yield from _files(store, path, seen)
        yield from _pyramid(store, path, seen)
        labels = list_labels(store, path)
        if labels:
            yield from _files(store, join(path, "labels"), seen)
        for label in labels:
            held = join(path, "labels", label)
            yield from _files(store, held, seen)
            yield from _pyramid(store, held, seen)


def _files(store: Store, path: str, seen: set[str]) -> Iterator[tuple[str, bool]]:
    for name in (join(path, one) for one in METADATA_NAMES):
        if name not in seen and store.read(name) is not None:
            seen.add(name)
            yield name, True


def _pyramid(store: Store, path: str, seen: set[str]) -> Iterator[tuple[str, bool]]:
    for level in parse_multiscale(store, read_group(store, path)).paths:
        yield from _files(store, level, seen)
        metadata = read_metadata(store, level)
        counts = [-(-size // step) for size, step in zip(metadata.shape, metadata.file, strict=True)]
        if math.prod(counts) > MOST:
            raise ImageError(
                store.place(level), f"claims {math.prod(counts):,} files", "Fetch another form of it"
            )
        for place in itertools.product(*map(range, counts)):
            yield join(level, metadata.key(place)), False
