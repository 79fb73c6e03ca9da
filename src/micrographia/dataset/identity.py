"""Checksums: of files, for integrity; of content, for identity whatever the format.

``files_sha256`` covers the sorted list of files with size and checksum. ``content_sha256`` covers decoded pixels,
marks, axes, voxel sizes and classes in a canonical order that depends neither on names, folders, codecs, chunks nor on
prose: a raw folder and its conversion share it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from micrographia.dataset.folder import Dataset
from micrographia.dataset.opening import ImageFiles, Mask
from micrographia.errors import DatasetError
from micrographia.images import Image, content_digest
from micrographia.work import run

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ImageIdentity:
    """Digests of one image and of its label images (set and layer to digest)."""

    image: str
    pixels: str
    masks: Mapping[str, str]


FEW = 16
"""Images up to which starting workers takes longer than they save."""


def file_checksum(path: Path) -> tuple[int, str]:
    """Return size in bytes and SHA-256 of a file, or of all files of a folder (a Zarr group) as one resource.

    A folder's checksum is that of its sorted manifest: one line ``path, NUL, size, NUL, sha256, newline`` a file.

    Raises
    ------
    DatasetError
        If it cannot be read.
    """
    try:
        if path.is_dir():
            members = (child for child in path.rglob("*") if child.is_file())
            return group_checksum({child.relative_to(path).as_posix(): _file(child) for child in members})
        return _file(path)
    except OSError as error:
        raise DatasetError(path, f"cannot be read ({error.strerror})", "Check its permissions") from error


def group_checksum(members: Mapping[str, tuple[int, str]]) -> tuple[int, str]:
    """Return size and checksum of a folder from those of its files (relative path to size and SHA-256)."""
    digest = hashlib.sha256()
    for name in sorted(members):
        size, checksum = members[name]
        digest.update(f"{name}\0{size}\0{checksum}\n".encode())
    return sum(size for size, _ in members.values()), digest.hexdigest()


def files_sha256(files: Iterable[tuple[str, int, str]]) -> str:
    """Return the checksum over path, size and SHA-256 of each file, whatever their order; doubles count once."""
    return group_checksum({path: (size, checksum) for path, size, checksum in files})[1]


def dataset_files_sha256(dataset: Dataset) -> str:
    """Return the checksum over the files that ``files.tsv`` lists, as it lists them."""
    return files_sha256((row.path, row.size, row.sha256) for row in dataset.rows)


def content_sha256(dataset: Dataset, *, workers: int | None = None, quiet: bool = True) -> str:
    """Return the content checksum of a dataset, reading every pixel once.

    Raises
    ------
    MicrographiaError
        If an image cannot be read: a checksum of a part would be taken for one of the whole.
    """
    tasks = [dataset.files_of(image) for image in dataset.image_ids]
    serial = workers is None and len(tasks) < FEW
    outcomes = run(
        _identify,
        tasks,
        workers=1 if serial else workers,
        name=lambda files: files.id,
        label="hashing",
        quiet=quiet,
    )
    return combine([outcome.result() for outcome in outcomes], dataset)


def combine(images: Iterable[ImageIdentity], dataset: Dataset) -> str:
    """Return the content checksum from the digests of the images, the tables and the classes of a dataset."""
    from micrographia.dataset.tables import table_digests

    tables = table_digests(dataset)
    entries = sorted(
        json.dumps(
            {"pixels": image.pixels, "masks": dict(image.masks), "tables": tables.get(image.image, {})},
            sort_keys=True,
        )
        for image in images
    )
    document = {"format": 1, "classes": _classes(dataset), "images": entries}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def identify(image: str, opened: Image, masks: Iterable[Mask], *, threads: int = 1) -> ImageIdentity:
    """Return the digests of an image and of its label images."""
    marks = {mask.name: content_digest(mask.image, kind="label", threads=threads) for mask in masks}
    return ImageIdentity(image, content_digest(opened, threads=threads), marks)


def _identify(files: ImageFiles) -> ImageIdentity:
    return identify(files.id, files.image(), files.masks())


def _classes(dataset: Dataset) -> dict[str, list[Any]]:
    found = {}
    for described in dataset.mifa.annotations:
        if described.classes and described.name:
            found[described.name] = sorted([entry.id or 0, entry.name or ""] for entry in described.classes)
    return found


def _file(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()
