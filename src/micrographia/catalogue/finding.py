"""Questions to a catalogue, and what answers them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from micrographia.catalogue.columns import FACETS, Mask
from micrographia.catalogue.entry import Entry
from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.filters import (
    ORDERS,
    PERMISSIONS,
    Filters,
    facet_names,
    fitting,
    read_score,
    read_voxel,
)
from micrographia.catalogue.shelf import ImageFilter, Places, Scores, Shelf, default_place
from micrographia.catalogue.words import Question, read_question, settle
from micrographia.dataset import open_dataset
from micrographia.remote import is_address

if TYPE_CHECKING:
    import pandas as pd

    from micrographia.catalogue.fetching import Fetched
    from micrographia.dataset import Dataset

Texts = str | Sequence[str]
"""One text or several; a dataset need only fit one of them."""

DEEPEST_PAGE = 1_000_000
"""Results after which nobody pages."""


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


class Catalogue:
    """A catalogue that is open for questions.

    Parameters
    ----------
    place
        A file, a published folder or its address; None for :func:`~micrographia.catalogue.default_place`.

    Raises
    ------
    CatalogueError
        If there is none, or it is damaged.

    Examples
    --------
    >>> from micrographia.catalogue import Catalogue
    >>> with Catalogue("https://example.org/catalogue") as catalogue:  # doctest: +SKIP
    ...     for dataset in catalogue.find("nuclei fluorescence", type="segmentation_mask"):
    ...         print(dataset.id, dataset.images)
    """

    def __init__(self, place: str | Path | None = None) -> None:
        self._shelf = open_shelf(place)

    @property
    def place(self) -> str:
        """Where it is kept."""
        return self._shelf.place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files."""
        self._shelf.close()

    def __len__(self) -> int:
        with self._shelf.snapshot():
            return self._shelf.columns.count

    def find(
        self,
        text: str = "",
        *,
        type: Texts = (),  # noqa: A002 - the field's own name
        organism: Texts = (),
        method: Texts = (),
        licence: Texts = (),
        entity: Texts = (),
        target: Texts = (),
        keyword: Texts = (),
        author: Texts = (),
        channel_role: Texts = (),
        dims: Texts = (),
        source: Texts = (),
        year: Texts = (),
        voxel_size: Texts = (),
        score: Texts = (),
        allows: Texts = (),
        min_images: int = 0,
        min_objects: int = 0,
        has_split: bool = False,
        trainable_commercially: bool = False,
        facets: bool | Sequence[str] = False,
        sort: str = "",
        limit: int = 20,
        page: int = 1,
    ) -> Found:
        """Find datasets.

        Parameters
        ----------
        text
            Words; see :mod:`micrographia.catalogue.words`.
        type, organism, method, licence, entity, target, keyword, author, channel_role, dims, source, year
            What a dataset must have; of several texts one. Common names and synonyms are understood; a licence without
            a version stands for all of them.
        voxel_size
            ``0.1..0.5`` (micrometers, in the plane) or ``z:200nm..1um``: every known pixel size must lie in it.
        score
            ``M>=0.8``: share of the rules passed that what is written can be judged by.
        allows
            What all licences must be known to allow: ``commercial``, ``derivatives``, ``no-share-alike``.
        min_images, min_objects
            Least numbers; unknown is not enough.
        has_split
            Whether images must be divided into two parts or more.
        trainable_commercially
            Whether licences of study and of every annotation set must allow commercial use and derivatives.
        facets
            Count what is found: True for the usual columns, or their names.
        sort
            ``images``, ``objects``, ``size``, ``date``, ``M``, ``I``, ``F`` or ``A``, the largest first; by default how
            well the words fit.
        limit, page
            Datasets a page, and which page, from 1.

        Raises
        ------
        CatalogueError
            If something asked for does not exist, or the catalogue is damaged.
        """
        words = {
            "type": type, "organism": organism, "method": method, "licence": licence, "entity": entity,
            "target": target, "keyword": keyword, "author": author, "role": channel_role, "dims": dims,
            "source": source, "year": year,
        }  # fmt: skip
        permissions = dict.fromkeys(_texts(allows))
        if trainable_commercially:
            permissions |= dict.fromkeys(("commercial", "derivatives"))
        filters = Filters(
            {name: given for name, told in words.items() if (given := _texts(told))},
            {
                name: float(least)
                for name, least in (("images", min_images), ("objects", min_objects))
                if least
            },
            {axis: span for told in _texts(voxel_size) for axis, span in read_voxel(told).items()},
            tuple(read_score(told) for told in _texts(score)),
            tuple(permissions),
            has_split,
        )
        names = FACETS if facets is True else facet_names(facets or ())
        return ask(self._shelf, text, filters, facets=names, sort=sort, limit=limit, page=page)

    def show(self, dataset: str) -> Entry:
        """Return what is known of one dataset.

        Parameters
        ----------
        dataset
            Its id, accession, DOI, place, or the beginning of its content checksum.

        Raises
        ------
        CatalogueError
            If there is none, or there are several.
        """
        with self._shelf.snapshot():
            found = self._shelf.lookup(dataset)
            entries = self._shelf.entries(found[:8])
            if len(entries) == 1:
                return entries[0]
            if not entries:
                raise CatalogueError(self.place, f"has no dataset {dataset!r}", self._near(dataset))
        ids = ", ".join(entry.id for entry in entries)
        raise CatalogueError(
            self.place, f"has {len(found)} datasets that {dataset!r} may mean: {ids}", "Give one of these ids"
        )

    def _near(self, dataset: str) -> str:
        from difflib import get_close_matches

        known = {name.lower(): name for name in self._shelf.ids()}
        near = get_close_matches(dataset.lower(), known, 3, 0.6)
        if near:
            return f"Did you mean {' or '.join(known[name] for name in near)}?"
        return "See what there is: micrographia find"

    def images(
        self,
        dataset: Texts = (),
        *,
        split: str = "",
        smallest_side: int = 0,
        voxel_size: Texts = (),
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Return images, a row each, by dataset and id.

        Parameters
        ----------
        dataset
            Ids of datasets; none for all.
        split
            Their split; empty for any.
        smallest_side
            Pixels that they have at least along Y and X.
        voxel_size
            As for :meth:`find`.
        limit
            How many at most.

        Returns
        -------
        DataFrame
            :data:`~micrographia.catalogue.shelf.IMAGE_COLUMNS`.
        """
        with self._shelf.snapshot():
            return self._shelf.images(_image_filter(dataset, split, smallest_side, voxel_size), limit)

    def count_images(
        self, dataset: Texts = (), *, split: str = "", smallest_side: int = 0, voxel_size: Texts = ()
    ) -> dict[str, int]:
        """Return how many images of each dataset are as :meth:`images` selects them; datasets with none left out."""
        with self._shelf.snapshot():
            return self._shelf.count_images(_image_filter(dataset, split, smallest_side, voxel_size))


def find(text: str = "", *, index: str | Path | None = None, **wanted: Any) -> Found:
    """Find datasets in a catalogue; see :meth:`Catalogue.find`.

    Parameters
    ----------
    text
        Words.
    index
        A file, a published folder or its address; None for :func:`~micrographia.catalogue.default_place`.
    wanted
        As for :meth:`Catalogue.find`.

    Raises
    ------
    CatalogueError
        If there is no catalogue, it is damaged, or something asked for does not exist.
    """
    with Catalogue(index) as catalogue:
        return catalogue.find(text, **wanted)


def open_shelf(place: str | Path | None = None) -> Shelf:
    """Open a catalogue for reading, wherever it is kept.

    Raises
    ------
    CatalogueError
        If there is none, or it is damaged.
    """
    from micrographia.catalogue.published import PublishedCatalogue, is_published
    from micrographia.catalogue.store import Store

    named = str(place) if place is not None else default_place()
    return PublishedCatalogue(named) if is_published(named) else Store(Path(named).expanduser())


def ask(
    shelf: Shelf,
    text: str,
    filters: Filters,
    *,
    facets: Sequence[str] = (),
    sort: str = "",
    limit: int = 20,
    page: int = 1,
) -> Found:
    """Answer a question; see :meth:`Catalogue.find`.

    Raises
    ------
    CatalogueError
        If something asked for does not exist, or the catalogue is damaged.
    """
    if sort and sort not in ORDERS:
        raise CatalogueError("", f"there is no order {sort!r}", f"Choose of {', '.join(ORDERS)}")
    unknown = [permission for permission in filters.allows if permission not in PERMISSIONS]
    if unknown:
        raise CatalogueError("", f"{unknown[0]!r} is no permission", f"Choose of {', '.join(PERMISSIONS)}")
    if limit < 1 or page < 1 or limit * page > DEEPEST_PAGE:
        raise CatalogueError("", "limit and page count from 1 to a million results", "Ask for fewer")
    with shelf.snapshot():
        mask, notes = fitting(shelf.columns, filters)
        places, scores = _searched(shelf, text, mask, notes)
        fits = np.zeros(shelf.columns.count, np.bool_)
        fits[places] = True
        counted = shelf.columns.facets(fits, facets)
        order = _order(shelf, places, scores, sort)
        chosen = order[(page - 1) * limit : page * limit]
        entries = shelf.entries([int(place) for place in places[chosen]])
    told = tuple(float(score) for score in scores[chosen])
    return Found(tuple(entries), told, len(places), page, limit, counted, tuple(notes))


def _searched(shelf: Shelf, text: str, mask: Mask, notes: list[str]) -> tuple[Places, Scores]:
    """Return the datasets that fit, ascending, and how well the words fit them."""
    if not text.strip():
        places = np.flatnonzero(mask)
        return places, np.zeros(len(places))
    question = read_question(text)
    if not question.groups:
        notes.append("no word of the question can be looked for")
        return np.zeros(0, np.int64), np.zeros(0)
    question = settle(question, shelf.vocabulary)
    places, scores = shelf.search(question)
    if not len(places):
        notes += _unknown(shelf, question)
    keep = mask[places]
    return places[keep], scores[keep]


def _unknown(shelf: Shelf, question: Question) -> list[str]:
    """Say which words select nothing by themselves."""
    return [
        f"no dataset has the word {group.phrases[0].text!r}"
        for group in question.wanted
        if not len(shelf.search(replace(question, groups=(group,)))[0])
    ]


def _order(shelf: Shelf, places: Places, scores: Scores, sort: str) -> Places:
    """Return how to order results: by score (rounded, that ties are ties wherever it is asked), then by id."""
    keys: list[Any] = [-np.round(scores, 9)]
    if sort:
        values = shelf.columns.numbers(ORDERS[sort])[places]
        keys.append(np.where(np.isnan(values), np.inf, -values))
    return np.asarray(np.lexsort(keys), np.int64)


def _texts(told: Texts) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) and told else tuple(told)


def _image_filter(dataset: Texts, split: str, side: int, voxel_size: Texts) -> ImageFilter:
    spans = {axis: span.widened() for told in _texts(voxel_size) for axis, span in read_voxel(told).items()}
    return ImageFilter(_texts(dataset), split, side, spans)
