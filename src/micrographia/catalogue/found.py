"""What answers a question to a catalogue: a page of datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrographia.catalogue.entry import Entry
from micrographia.catalogue.errors import CatalogueError
from micrographia.dataset import open_dataset
from micrographia.remote import is_address

if TYPE_CHECKING:
    import pandas as pd

    from micrographia.catalogue.fetching import Fetched
    from micrographia.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Found:
    """What answers a question.

    Parameters
    ----------
    entries
        The datasets of this page, the best first.
    scores
        How well the words fit each (bm25; 0 without words).
    total
        How many datasets answer the question.
    page, limit
        Which page this is, from 1, and how many datasets a page holds.
    facets
        Column to its words among all that answer, with counts, the most frequent first; empty if nobody asked.
    notes
        What there is to say about words that select nothing.
    """

    entries: tuple[Entry, ...]
    scores: tuple[float, ...]
    total: int
    page: int = 1
    limit: int = 20
    facets: Mapping[str, list[tuple[str, int]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __getitem__(self, at: int) -> Entry:
        return self.entries[at]

    def frame(self) -> pd.DataFrame:
        """Return this page as a table, a row a dataset; lists are joined with ``; ``."""
        import pandas as pd

        rows = [
            _row(entry) | {"score": score} for entry, score in zip(self.entries, self.scores, strict=True)
        ]
        return pd.DataFrame(rows, columns=list(FRAME))

    def to_json(self) -> dict[str, Any]:
        """Return it as a dictionary of JSON values."""
        return {
            "total": self.total,
            "page": self.page,
            "limit": self.limit,
            "datasets": [
                entry.to_json() | {"match": round(score, 6)}
                for entry, score in zip(self.entries, self.scores, strict=True)
            ],
            "facets": {
                name: [{"value": value, "datasets": number} for value, number in counts]
                for name, counts in self.facets.items()
            },
            "notes": list(self.notes),
        }

    def open(self, at: int) -> Dataset:
        """Open one of the datasets; files on the web are read when they are needed, in parts.

        Raises
        ------
        CatalogueError
            If it must be fetched first.
        MicrographiaError
            If it cannot be opened.
        """
        return open_entry(self.entries[at])

    def fetch(self, at: int, out: Path | None = None, **options: Any) -> Fetched:
        """Bring one of the datasets to this machine.

        Parameters
        ----------
        at
            Its place on this page, from 0.
        out
            The new folder; by default it has the name of the dataset.
        options
            As for :func:`~micrographia.catalogue.fetching.fetch`.

        Raises
        ------
        MicrographiaError
            If it cannot be reached, or the folder cannot be written.
        """
        from micrographia.catalogue.archive import is_accession
        from micrographia.catalogue.fetching import fetch

        entry = self.entries[at]
        if is_accession(entry.accession):
            return fetch(entry.accession, out, **options)
        if is_address(entry.place):
            return fetch(entry.place, out, **options)
        where = entry.place or "a place that nobody told"
        raise CatalogueError(entry.id, f"lies on a machine, at {where}", "Open it there")


_MANY = {
    "types": "type",
    "organisms": "organism",
    "methods": "method",
    "licences": "licence",
    "roles": "channel roles",
    "dims": "dims",
    "splits": "splits",
}
FRAME = (
    "dataset", "title", *_MANY.values(), "images", "objects", "size", "trainable commercially",
    *(f"voxel {axis} {end}" for axis in "zyx" for end in ("min", "max")),
    "M", "I", "F", "A", "source", "accession", "doi", "date", "place", "content_sha256", "score",
)  # fmt: skip
"""Columns of :meth:`Found.frame`: pixels in micrometers, size in bytes, letters as the share of rules passed."""


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"dataset": entry.id, "title": entry.title}
    row |= {shown: "; ".join(getattr(entry, name)) for name, shown in _MANY.items()}
    row |= {
        name: getattr(entry, name) for name in ("images", "objects", "size", "source", "accession", "doi")
    }
    row |= {name: getattr(entry, name) for name in ("date", "place", "content_sha256")}
    row["trainable commercially"] = entry.trainable_commercially
    for axis, sizes in entry.voxel.items():
        row[f"voxel {axis} min"], row[f"voxel {axis} max"] = sizes
    return row | {letter: passed.share for letter, passed in entry.scores.items() if passed.judged}


def open_entry(entry: Entry) -> Dataset:
    """Open a dataset of a catalogue where it lies: a folder of this machine, one on the web, or a record.

    Of what is elsewhere the description is read now, the files when they are needed.

    Raises
    ------
    CatalogueError
        If it lies on another machine.
    MicrographiaError
        If it cannot be opened.
    """
    web = is_address(entry.place)
    if entry.kind == "folder" and (web or (entry.place and Path(entry.place).is_dir())):
        return open_dataset(entry.place)
    from micrographia.catalogue.archive import is_accession
    from micrographia.catalogue.fetching import open_elsewhere

    if is_accession(entry.accession) or web:
        return open_elsewhere(entry.accession if is_accession(entry.accession) else entry.place)
    raise CatalogueError(
        entry.id, f"lies at {entry.place or entry.source}", "Open it on the machine that has it"
    )
