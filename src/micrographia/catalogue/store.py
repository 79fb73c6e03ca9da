"""The catalogue of one person: an SQLite file with full text, many readers beside one writer, whole after a crash."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from micrographia.catalogue.columns import (
    NUMBERS,
    WORDS,
    Columns,
    HeldColumns,
    Numbers,
    Worded,
    pack_words,
    unpack_words,
)
from micrographia.catalogue.database import connect, guarded
from micrographia.catalogue.entry import Entry, ImageEntry, packed, unpacked
from micrographia.catalogue.images import image_frame, pack_images, passes, unpack_images
from micrographia.catalogue.shelf import ImageFilter, Places, Scores, Shelf
from micrographia.catalogue.stems import Stems, lengths_of
from micrographia.catalogue.texts import texts
from micrographia.catalogue.words import Question, clean

if TYPE_CHECKING:
    import pandas as pd


class Known(NamedTuple):
    """What a catalogue remembers of a source: sizes and times of its files, checksum of what was taken from it."""

    stamp: str
    digest: str


class Store(Shelf):
    """The file of a catalogue.

    Parameters
    ----------
    path
        The file.
    write
        Open it for writing; it is made if there is none.

    Raises
    ------
    CatalogueError
        As :func:`~micrographia.catalogue.database.connect`.
    """

    def __init__(self, path: Path | str, *, write: bool = False) -> None:
        super().__init__(str(path))
        self.path = Path(path)
        self._connection = connect(self.path, write=write)
        self._held: _State | None = None

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _all(self, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with guarded(self.path):
            return self._connection.execute(question, values).fetchall()

    @property
    def _generation(self) -> int:
        return int(self._all("SELECT value FROM state WHERE name = 'generation'")[0][0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the catalogue inside, whatever another program writes meanwhile.

        Raises
        ------
        CatalogueError
            If the file is damaged or locked.
        """
        with guarded(self.path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    @property
    def columns(self) -> Columns:
        """What datasets are filtered and counted by; made anew after another program has written."""
        return self._state.columns

    @property
    def vocabulary(self) -> Stems:
        """The stems that occur, and where."""
        return self._state.stems

    @property
    def _state(self) -> _State:
        generation = self._generation
        if self._held is None or self._held.generation != generation:
            rows = self._all("SELECT data FROM columns WHERE name = 'rows' AND generation = ?", (generation,))
            columns = _Kept(self, np.frombuffer(rows[0][0], np.int64)) if rows else self._made()
            self._held = _State(generation, columns, Stems(self._all, columns.rows, columns.lengths))
        return self._held

    def _made(self) -> _Made:
        found = self._all("SELECT row, entry FROM datasets ORDER BY id COLLATE BINARY")
        rows = np.asarray([row for row, _ in found], np.int64)
        return _Made(self, rows, (unpacked(text, trusted=True) for _, text in found))

    def search(self, question: Question) -> tuple[Places, Scores]:
        """Return the numbers of the datasets that answer a question, ascending, and how well.

        Raises
        ------
        CatalogueError
            If the file is damaged.
        """
        return self._state.stems.search(question)

    def entries(self, places: Sequence[int]) -> list[Entry]:
        """Return datasets by their numbers."""
        rows = self._state.columns.rows
        found = [
            self._all("SELECT entry, id, place FROM datasets WHERE row = ?", (int(rows[at]),))
            for at in places
        ]
        return [unpacked(one[0][0], trusted=True) for one in found if one]

    def every(self) -> Iterator[tuple[Entry, list[ImageEntry]]]:
        """Yield every dataset with its images, by id."""
        with guarded(self.path):
            asked = self._connection.execute(
                "SELECT entry, data FROM datasets LEFT JOIN images USING (row) ORDER BY id COLLATE BINARY"
            )
            for text, data in asked:
                yield unpacked(text, trusted=True), unpack_images(data) if data else []

    def lookup(self, text: str) -> list[int]:
        """Return the datasets with this id, accession, DOI, place, or beginning of a content checksum."""
        wanted = clean(text).strip()
        found = self._all("SELECT row FROM datasets WHERE id = ?", (wanted,))
        if not found:
            places = [wanted, str(Path(wanted).resolve())] if "\0" not in wanted else [wanted]
            found = self._all(
                "SELECT row FROM datasets WHERE accession = ?1 AND accession <> '' OR place IN (?2, ?3) "
                "OR (doi <> '' AND doi IN (?1, 'https://doi.org/' || ?1))",
                (wanted, places[0], places[-1]),
            )
        if not found and len(wanted) >= 8 and all(letter in "0123456789abcdef" for letter in wanted.lower()):
            low = wanted.lower()
            found = self._all("SELECT row FROM datasets WHERE content >= ? AND content < ?", (low, low + "g"))
        rows = np.asarray([row for (row,) in found], np.int64)
        return sorted(self._state.stems.places(rows).tolist())

    def ids(self) -> list[str]:
        """Return the ids of all datasets."""
        return [name for (name,) in self._all("SELECT id FROM datasets ORDER BY id COLLATE BINARY")]

    def images(self, wanted: ImageFilter, limit: int | None = None) -> pd.DataFrame:
        """Return the images that have what they must have, a row each, by dataset and id."""
        kept: list[tuple[str, ImageEntry]] = []
        for name, images in self._images_of(wanted.datasets):
            kept += [(name, image) for image in images if passes(image, wanted)]
            if limit is not None and len(kept) >= limit:
                break
        return image_frame(kept[:limit])

    def count_images(self, wanted: ImageFilter) -> dict[str, int]:
        """Return how many images of each dataset have what they must have."""
        counted = {
            name: sum(passes(image, wanted) for image in images)
            for name, images in self._images_of(wanted.datasets)
        }
        return {name: number for name, number in counted.items() if number}

    def _images_of(self, names: Sequence[str]) -> Iterator[tuple[str, list[ImageEntry]]]:
        with guarded(self.path):
            chosen = " WHERE id = ?" if names else ""
            questions: list[tuple[str, ...]] = [(name,) for name in names]
            for values in questions or [()]:
                asked = self._connection.execute(
                    f"SELECT id, data FROM datasets JOIN images USING (row){chosen} ORDER BY id COLLATE BINARY",  # noqa: S608
                    values,
                )
                for name, data in asked:
                    yield name, unpack_images(data)

    def known(self) -> dict[str, Known]:
        """Return what is remembered of each source: its place to stamp and digest."""
        return {
            place: Known(stamp, digest)
            for place, stamp, digest in self._all("SELECT place, stamp, digest FROM datasets")
        }

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write what is done inside whole or not at all.

        Raises
        ------
        CatalogueError
            If another program keeps writing, the disk is full, or the file is damaged.
        """
        with guarded(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("UPDATE state SET value = value + 1 WHERE name = 'generation'")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def put(self, entry: Entry, images: Iterable[ImageEntry], known: Known) -> Entry:
        """Add a dataset, or replace what is known of its place; inside :meth:`writing`.

        Returns
        -------
        Entry
            With the id that it has in the catalogue: another dataset may have had its own before.
        """
        run = self._connection.execute
        old = run("SELECT row, id FROM datasets WHERE place = ?", (entry.place,)).fetchone()
        row = old[0] if old else None
        entry = self._named(entry, row)
        values = (
            entry.id,
            entry.place,
            *known,
            entry.accession,
            entry.doi,
            entry.content_sha256,
            packed(entry),
        )
        row = run(
            "INSERT INTO datasets (row, id, place, stamp, digest, accession, doi, content, entry) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (row) DO UPDATE SET id = excluded.id, "
            "stamp = excluded.stamp, digest = excluded.digest, accession = excluded.accession, doi = excluded.doi, "
            "content = excluded.content, entry = excluded.entry RETURNING row",
            (row, *values),
        ).fetchone()[0]
        if old:
            run("DELETE FROM texts WHERE rowid = ?", (row,))
        run("INSERT INTO texts (rowid, title, keywords, subjects, people, description) VALUES (?, ?, ?, ?, ?, ?)",
            (row, *texts(entry)))  # fmt: skip
        held = list(images)
        run("DELETE FROM images WHERE row = ?", (row,))
        if held:
            run("INSERT INTO images VALUES (?, ?)", (row, pack_images(held)))
        return entry

    def _named(self, entry: Entry, row: int | None) -> Entry:
        from dataclasses import replace

        base = " ".join(entry.id.split()) or "dataset"
        name, number = base, 1
        taken = "SELECT row FROM datasets WHERE id = ?"
        while (held := self._connection.execute(taken, (name,)).fetchone()) and held[0] != row:
            number += 1
            name = f"{base}-{number}"
        return entry if name == entry.id else replace(entry, id=name)

    def touch(self, place: str, stamp: str) -> None:
        """Remember that a source was looked at and has not changed; inside :meth:`writing`."""
        self._connection.execute("UPDATE datasets SET stamp = ? WHERE place = ?", (stamp, place))

    def remove(self, places: Iterable[str]) -> int:
        """Remove datasets by their places, and return how many there were; inside :meth:`writing`."""
        removed = 0
        for place in places:
            for (row,) in self._connection.execute(
                "SELECT row FROM datasets WHERE place = ?", (place,)
            ).fetchall():
                for table, key in (("texts", "rowid"), ("images", "row"), ("datasets", "row")):
                    self._connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (row,))  # noqa: S608
                removed += 1
        return removed

    def keep_columns(self) -> None:
        """Write down the columns, so that the next question need not make them.

        Raises
        ------
        CatalogueError
            If they cannot be written.
        """
        with guarded(self.path):
            run = self._connection.execute
            run("BEGIN IMMEDIATE")
            try:
                generation = self._generation
                kept = run("SELECT generation FROM columns WHERE name = 'rows'").fetchone()
                if kept is None or kept[0] != generation:
                    made = self._made()
                    parts: dict[str, bytes] = {
                        "rows": made.rows.tobytes(),
                        "lengths": made.lengths().tobytes(),
                    }
                    parts |= {f"number {name}": made.numbers(name).tobytes() for name in NUMBERS}
                    parts |= {f"words {name}": pack_words(made.words(name)) for name in WORDS}
                    run("DELETE FROM columns")
                    for name, data in parts.items():
                        run("INSERT INTO columns VALUES (?, ?, ?)", (name, generation, data))
                run("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    run("ROLLBACK")
                raise

    @property
    def connection(self) -> sqlite3.Connection:
        """The open file, for what publishes it."""
        return self._connection


@dataclass(frozen=True, slots=True)
class _State:
    generation: int
    columns: _Kept | _Made
    stems: Stems


class _Made(HeldColumns):
    def __init__(self, store: Store, rows: Places, entries: Iterable[Entry]) -> None:
        super().__init__(entries)
        self.rows = rows
        self._store = store

    def lengths(self) -> Numbers:
        """Return the number of words of each dataset."""
        return lengths_of(self._store._all("SELECT id, sz FROM texts_docsize"), self.rows)


class _Kept(Columns):
    """Columns as :meth:`Store.keep_columns` wrote them."""

    def __init__(self, store: Store, rows: Places) -> None:
        super().__init__()
        self.rows = rows
        self._store = store

    def lengths(self) -> Numbers:
        """Return the number of words of each dataset."""
        found = self._store._all("SELECT data FROM columns WHERE name = 'lengths'")
        if found:
            return np.frombuffer(found[0][0], np.float64)
        return lengths_of(self._store._all("SELECT id, sz FROM texts_docsize"), self.rows)

    @property
    def count(self) -> int:
        """Number of datasets."""
        return len(self.rows)

    def _data(self, name: str) -> bytes:
        found = self._store._all("SELECT data FROM columns WHERE name = ?", (name,))
        return bytes(found[0][0])

    def _read_numbers(self, name: str) -> Numbers:
        return np.frombuffer(self._data(f"number {name}"), np.float64)

    def _read_words(self, name: str) -> Worded:
        return unpack_words(self._data(f"words {name}"))
