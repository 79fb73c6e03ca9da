"""A published catalogue, queried where it lies: on a web server, in an object store, or in a folder.

Only the parts of files that a question needs are read. Words are ranked as SQLite's FTS5 ranks them, so that a
catalogue answers the same before and after it was published.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from micrographia.catalogue.columns import Columns, Numbers, Worded
from micrographia.catalogue.entry import Entry, unpacked
from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.images import typed
from micrographia.catalogue.layout import IMAGES, MANIFEST, Part, read_layout
from micrographia.catalogue.postings import Postings
from micrographia.catalogue.ranges import Table, local_reader, remote_reader
from micrographia.catalogue.shelf import ImageFilter, Places, Scores, Shelf
from micrographia.catalogue.words import Question, clean
from micrographia.errors import MicrographiaError
from micrographia.remote import RemoteFiles, below, is_address

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 16 << 20
"""Bytes above which a ``catalogue.json`` is not read."""


class PublishedCatalogue(Shelf):
    """A catalogue that :func:`~micrographia.catalogue.publish` wrote.

    Parameters
    ----------
    place
        Its folder or address; that of its ``catalogue.json`` does, too.

    Raises
    ------
    CatalogueError
        If there is none, it is damaged, or of a newer version.
    """

    def __init__(self, place: str) -> None:
        base = place[: -len(MANIFEST)] if place.endswith("/" + MANIFEST) or place == MANIFEST else place
        super().__init__(base.rstrip("/") if is_address(base) else base)
        self._files = RemoteFiles(self.place) if is_address(self.place) else None
        self._manifest = read_layout(self._document(), self._at(MANIFEST))
        self._tables: dict[str, Table] = {}
        self._columns: _ParquetColumns | None = None
        self._postings: Postings | None = None

    def _at(self, name: str) -> str:
        return below(self.place, name) if is_address(self.place) else str(Path(self.place) / name)

    def _document(self) -> bytes:
        try:
            if self._files is not None:
                found = self._files.document(MANIFEST, LARGEST)
                if found is None:
                    raise CatalogueError(
                        self._at(MANIFEST), "is not there", "Name the address of a published catalogue"
                    )
                return found[0]
            return Path(self._at(MANIFEST)).read_bytes()
        except OSError as error:
            told = f"cannot be read ({error.strerror or error})"
            raise CatalogueError(self._at(MANIFEST), told, "Name a published catalogue") from error
        except MicrographiaError as error:
            raise CatalogueError(error.path, error.problem, error.remedy) from error

    def _table(self, part: Part) -> Table:
        if part.file not in self._tables:
            place = self._at(part.file)
            if self._files is None:
                self._tables[part.file] = Table(part, place, local_reader(place))
            else:
                read = remote_reader(self._files, part.file)
                self._tables[part.file] = Table(part, place, read, partial(self._files.discard, part.file))
        return self._tables[part.file]

    @property
    def parts(self) -> dict[str, tuple[Part, ...]]:
        """The files, by the name of the table that they hold."""
        held = self._manifest
        return {
            "datasets": (held.datasets,), "records": (held.records,), "words": (held.words,), "images": held.images,
        }  # fmt: skip

    def snapshot(self) -> AbstractContextManager[None]:
        """Return what does nothing: published files never change."""
        return nullcontext()

    @property
    def columns(self) -> Columns:
        """What datasets are filtered and counted by; each column is read when it is asked for."""
        if self._columns is None:
            self._columns = _ParquetColumns(self._table(self._manifest.datasets))
        return self._columns

    @property
    def vocabulary(self) -> Postings:
        """The stems that occur."""
        if self._postings is None:
            table = self._table(self._manifest.words)
            self._postings = Postings(table, self._lengths, self._manifest.tokens)
        return self._postings

    def _lengths(self) -> Numbers:
        held = self._table(self._manifest.datasets).read(["length"])
        return np.asarray(held["length"].to_numpy(), np.float64)

    def search(self, question: Question) -> tuple[Places, Scores]:
        """Return the numbers of the datasets that answer a question, ascending, and how well.

        Raises
        ------
        CatalogueError
            If a file is damaged or cannot be reached.
        """
        return self.vocabulary.search(question, self._manifest.datasets.rows)

    def entries(self, places: Sequence[int]) -> list[Entry]:
        """Return datasets by their numbers; only the row groups that hold them are read."""
        table = self._table(self._manifest.records)
        starts = np.concatenate(([0], np.cumsum(table.group_rows)))
        groups = np.searchsorted(starts, np.asarray(places), side="right") - 1
        held = {int(group): table.read(["record"], [int(group)])["record"] for group in np.unique(groups)}
        return [
            unpacked(held[int(group)][int(place - starts[group])].as_py())
            for place, group in zip(places, groups, strict=True)
        ]

    def lookup(self, text: str) -> list[int]:
        """Return the datasets with this id, accession, DOI, place, or beginning of a content checksum."""
        wanted = clean(text).strip().lower()
        table = self._table(self._manifest.datasets)
        for names in (("dataset",), ("accession", "doi", "place"), ("content_sha256",)):
            if names == ("content_sha256",) and len(wanted) < 8:
                break
            held = table.read(names)
            found = np.zeros(len(held), np.bool_)
            for name in names:
                low = compute.utf8_lower(held[name])
                options = [wanted, f"https://doi.org/{wanted}"] if name == "doi" else [wanted]
                if name == "content_sha256":
                    fits = compute.starts_with(low, pattern=wanted)
                else:
                    fits = compute.is_in(low, value_set=pa.array(options))
                found |= np.asarray(compute.fill_null(fits, False).to_numpy(zero_copy_only=False), np.bool_)
            if found.any() and wanted:
                return [int(place) for place in np.flatnonzero(found)]
        return []

    def ids(self) -> list[str]:
        """Return the ids of all datasets."""
        names: list[str] = self._table(self._manifest.datasets).read(["dataset"])["dataset"].to_pylist()
        return names

    def images(self, wanted: ImageFilter, limit: int | None = None) -> pd.DataFrame:
        """Return the images that have what they must have, a row each, by dataset and id."""
        found = []
        rows = 0
        for table in self._image_tables(wanted, IMAGES.names):
            found.append(table if limit is None else table.slice(0, limit - rows))
            rows += len(found[-1])
            if limit is not None and rows >= limit:
                break
        whole = pa.concat_tables(found) if found else IMAGES.empty_table()
        return typed(whole.to_pandas())

    def count_images(self, wanted: ImageFilter) -> dict[str, int]:
        """Return how many images of each dataset have what they must have."""
        counts: dict[str, int] = {}
        for table in self._image_tables(wanted, ["dataset"]):
            for one in compute.value_counts(table["dataset"]):
                name = one["values"].as_py()
                counts[name] = counts.get(name, 0) + one["counts"].as_py()
        return counts

    def _image_tables(self, wanted: ImageFilter, columns: Sequence[str]) -> Any:
        names = sorted(wanted.datasets)
        conditions = _conditions(wanted)
        needed = list(dict.fromkeys([*columns, *conditions, *(("dataset",) if names else ())]))
        for part in self._manifest.images:
            if names and not any(part.first <= name <= part.last for name in names):
                continue
            table = self._table(part)
            for group in _groups(table, names, wanted):
                held = table.read(needed, [group])
                keep = None
                for name, (low, high) in conditions.items():
                    keep = _both(keep, _within(held[name], low, high))
                if names:
                    keep = _both(keep, compute.is_in(held["dataset"], value_set=pa.array(names)))
                chosen = held if keep is None else held.filter(keep)
                if len(chosen):
                    yield chosen.select(list(columns))

    def close(self) -> None:
        """Let go of files."""
        self._tables.clear()


def _conditions(wanted: ImageFilter) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    if wanted.split:
        found["split"] = (wanted.split, wanted.split)
    if wanted.smallest_side:
        found |= {f"size_{axis}": (wanted.smallest_side, None) for axis in "yx"}
    return found | {f"voxel_{axis}": (span.low, span.high) for axis, span in wanted.voxel.items()}


def _within(column: Any, low: Any, high: Any) -> Any:
    fits = compute.greater_equal(column, low)
    return fits if high is None else compute.and_(fits, compute.less_equal(column, high))


def _both(one: Any, other: Any) -> Any:
    return other if one is None else compute.and_(one, other)


def _groups(table: Table, names: Sequence[str], wanted: ImageFilter) -> list[int]:
    """Return the row groups that may hold images that are wanted."""
    groups = set(range(len(table.group_rows)))
    if names:
        groups &= {group for name in names for group in table.groups("dataset", name, name)}
    for axis, span in wanted.voxel.items():
        groups &= set(table.groups(f"voxel_{axis}", span.low, span.high))
    return sorted(groups)


class _ParquetColumns(Columns):
    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    @property
    def count(self) -> int:
        return self._table.part.rows

    def _read_numbers(self, name: str) -> Numbers:
        column = self._table.read([name])[name]
        return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)

    def _read_words(self, name: str) -> Worded:
        column = self._table.read([f"{name}s.list.element"])[f"{name}s"].combine_chunks()
        lists = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        coded = lists.flatten().dictionary_encode()
        words: list[str] = coded.dictionary.to_pylist()
        order = np.argsort(np.asarray(words, dtype=object), kind="stable") if words else np.zeros(0, np.int64)
        rank = np.empty(len(words), np.int32)
        rank[order] = np.arange(len(words), dtype=np.int32)
        codes = rank[coded.indices.to_numpy()] if words else np.zeros(0, np.int32)
        lengths = np.asarray(compute.fill_null(compute.list_value_length(lists), 0).to_numpy(), np.int64)
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
        return Worded(tuple(words[at] for at in order), starts, codes)


def is_published(place: str) -> bool:
    """Whether a place names a published catalogue: an address, or a folder with ``catalogue.json``."""
    path = Path(place)
    return is_address(place) or path.name == MANIFEST or (path / MANIFEST).is_file()
