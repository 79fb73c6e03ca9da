"""Publish a catalogue as Parquet files that anyone can put on a web server and query in place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import compute, parquet

from micrographia.catalogue.columns import NUMBERS, WORDS
from micrographia.catalogue.database import guarded
from micrographia.catalogue.entry import Entry, ImageEntry, packed
from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.images import cells
from micrographia.catalogue.layout import (
    DATASET_GROUP,
    DATASETS,
    IMAGE_GROUP,
    IMAGES,
    IMAGES_A_FILE,
    MANIFEST,
    RECORD_GROUP,
    RECORDS,
    TERMS,
    WORD_GROUP,
    Manifest,
    Part,
    read_layout,
)
from micrographia.catalogue.occurrences import occurrences
from micrographia.catalogue.store import Store
from micrographia.dataset.manifest import write_whole
from micrographia.errors import MicrographiaError
from micrographia.remote import is_address

BOUNDED = ("dataset", "stem")
"""Columns of text for which each row group says its first and last value, so that readers may pass over it."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was published.

    Parameters
    ----------
    place
        The folder.
    datasets, images
        Numbers of rows.
    size
        Bytes of all files.
    local
        Ids of datasets that lie on this machine only: they are listed without a place.
    """

    place: str
    datasets: int
    images: int
    size: int
    local: tuple[str, ...] = ()


def publish(
    catalogue: Store | Path | str, out: Path, *, places: Mapping[str, str] | None = None
) -> Published:
    """Write a catalogue as Parquet files; see :mod:`micrographia.catalogue.layout`.

    Paths of this machine are not written. The new files appear beside the old ones, then ``catalogue.json`` names
    them, then files that neither it nor the one before names are removed: a reader sees the old or the new catalogue.

    Parameters
    ----------
    catalogue
        A catalogue, or its file.
    out
        The folder.
    places
        Folder of this machine to the address under which its content is on the web.

    Raises
    ------
    CatalogueError
        If the catalogue cannot be read, or the folder cannot be written.
    """
    if not isinstance(catalogue, Store):
        with Store(catalogue) as store:
            return publish(store, out, places=places)
    target = Path(out)
    if target.exists() and not target.is_dir():
        raise CatalogueError(target, "is no folder", "Name a folder")
    if (
        target.is_dir()
        and any(target.iterdir())
        and not (target / MANIFEST).exists()
        and not _leftover(target)
    ):
        raise CatalogueError(target, "holds other files", "Name an empty folder, or a published catalogue")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for left in target.glob(".*.partial"):
            left.unlink()
        with catalogue.snapshot():
            manifest, local = _write(catalogue, target, places or {})
        before = _before(target)
        write_whole(target / MANIFEST, manifest.to_text())
        named = {part.file for part in (*manifest.parts, *before)}
        for path in target.glob("*-*.parquet"):
            if path.name not in named:
                path.unlink()
    except (OSError, pa.ArrowException) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CatalogueError(
            target, f"cannot be written ({told})", "Free space, or choose another folder"
        ) from error
    except MicrographiaError as error:
        raise CatalogueError(error.path, error.problem, error.remedy) from error
    images = sum(part.rows for part in manifest.images)
    size = sum(part.size for part in manifest.parts)
    return Published(str(target), manifest.datasets.rows, images, size, tuple(local))


def _leftover(folder: Path) -> bool:
    """Whether a folder holds nothing but what a run that was stopped had written."""
    return all(path.suffix in (".parquet", ".partial") for path in folder.iterdir())


def _before(folder: Path) -> tuple[Part, ...]:
    try:
        return read_layout((folder / MANIFEST).read_bytes(), MANIFEST).parts
    except (OSError, CatalogueError):
        return ()  # there was none, or none that anybody could read


def _write(store: Store, folder: Path, places: Mapping[str, str]) -> tuple[Manifest, list[str]]:
    local: list[str] = []
    numbers = _numbers(store)
    lengths = np.zeros(max(1, store.columns.count), np.int64)
    with _Writer(folder, "words", TERMS, WORD_GROUP, plain=("positions",)) as words:
        for table in occurrences(store.connection, numbers):
            lengths += np.bincount(
                np.repeat(table["row"].to_numpy(), compute.list_value_length(table["positions"]).to_numpy()),
                minlength=len(lengths),
            )
            words.write(table)
    with (
        _Writer(folder, "datasets", DATASETS, DATASET_GROUP) as datasets,
        _Writer(folder, "records", RECORDS, RECORD_GROUP, plain=("record",)) as records,
        _Images(folder) as pictures,
    ):
        for number, (entry, images) in enumerate(store.every()):
            shown = _shown(entry, places)
            if not shown.place:
                local.append(entry.id)
            datasets.add(_dataset_row(shown, int(lengths[number])))
            records.add([shown.id, packed(shown)])
            pictures.add(shown.id, images)
    parts = (datasets.part, records.part, words.part, tuple(pictures.parts))
    return Manifest(*parts, int(lengths.sum())), local


def _numbers(store: Store) -> npt.NDArray[np.int64]:
    """Return the number of each dataset, by the row that it has in the database."""
    with guarded(store.path):
        rows = [
            row for (row,) in store.connection.execute("SELECT row FROM datasets ORDER BY id COLLATE BINARY")
        ]
    numbers = np.full(max(rows, default=0) + 1, -1, np.int64)
    numbers[rows] = np.arange(len(rows))
    return numbers


def _shown(entry: Entry, places: Mapping[str, str]) -> Entry:
    """Return an entry as others may see it: with an address, or without a place."""
    if is_address(entry.place):
        return entry
    for folder, address in places.items():
        root = os.path.abspath(folder)  # noqa: PTH100
        if entry.place == root or entry.place.startswith(root.rstrip("/") + "/"):
            below = entry.place[len(root) :].strip("/")
            return replace(entry, place="/".join(part for part in (address.rstrip("/"), below) if part))
    return replace(entry, place="")


def _dataset_row(entry: Entry, length: int) -> list[Any]:
    texts = (entry.id, entry.title, entry.accession, entry.doi, entry.date, entry.place, entry.content_sha256)
    numbers = [take(entry) for take in NUMBERS.values()]
    words = [list(dict.fromkeys(take(entry))) for take in WORDS.values()]
    return [*texts, length, *numbers, *words]


class _Writer:
    """Writes one file row by row; it gets its name when it is whole."""

    def __init__(
        self, folder: Path, name: str, schema: pa.Schema, group: int, plain: Sequence[str] = ()
    ) -> None:
        self._folder, self._name, self._schema, self._group = folder, name, schema, group
        self._partial = folder / f".{name}.{os.getpid()}.partial"
        self._columns: list[list[Any]] = [[] for _ in schema]
        self._rows = 0
        coded = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in plain]
        coded += [f"{field.name}.list.element" for field in schema if _texts(field.type)]
        self._writer: Any = parquet.ParquetWriter(
            self._partial,
            schema,
            compression="zstd",
            use_dictionary=coded,
            # Bounds of whole texts would make the footer, which everybody reads first, the largest part of a file.
            write_statistics=[field.name for field in schema if field.name in BOUNDED or _is_number(field)],
            write_page_checksum=True,
            data_page_size=256 << 10,
        )
        self.part = Part("", 0, 0, "")

    def add(self, row: Sequence[Any]) -> None:
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
        if len(self._columns[0]) == self._group:
            self.flush()

    def write(self, table: pa.Table) -> None:
        self._rows += len(table)
        self._writer.write_table(table, row_group_size=self._group)

    def flush(self) -> None:
        if self._columns[0]:
            arrays = [
                pa.array(column, field.type)
                for column, field in zip(self._columns, self._schema, strict=True)
            ]
            self._columns = [[] for _ in self._schema]
            self.write(pa.Table.from_arrays(arrays, schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
            self._partial.unlink(missing_ok=True)
            return
        try:
            self.flush()
            self._writer.close()
            size, checksum = _settled(self._partial)
            name = f"{self._name}-{checksum[:16]}.parquet"
            self._partial.replace(self._folder / name)
        except BaseException:
            self._partial.unlink(missing_ok=True)
            raise
        self.part = Part(name, size, self._rows, checksum)


class _Images:
    """Writes the files of images, a new one where the last is full and a dataset ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: _Writer | None = None
        self._first = self._last = ""
        self._rows = 0
        self.parts: list[Part] = []

    def add(self, dataset: str, images: Iterable[ImageEntry]) -> None:
        for image in sorted(images, key=lambda one: one.image):
            if self._writer is None:
                self._writer = _Writer(self._folder, "images", IMAGES, IMAGE_GROUP, ("image", "path"))
                self._first, self._rows = dataset, 0
            row = cells(dataset, image)
            self._writer.add([row[name] for name in IMAGES.names])
            self._last = dataset
            self._rows += 1
        if self._rows >= IMAGES_A_FILE:
            self._close(None)

    def _close(self, kind: object) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind)
            if kind is None:
                self.parts.append(replace(self._writer.part, first=self._first, last=self._last))
            self._writer, self._rows = None, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._close(kind)


def _is_number(field: pa.Field) -> bool:
    return bool(pa.types.is_floating(field.type) or pa.types.is_int64(field.type))


def _texts(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) and pa.types.is_string(kind.value_type)


def _settled(path: Path) -> tuple[int, str]:
    """Put a file on the disk for good, and return its size and checksum."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, digest
