"""Questions to a catalogue, and what answers them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from micrographia.catalogue.asking import ask
from micrographia.catalogue.columns import FACETS
from micrographia.catalogue.entry import Entry
from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.filters import (
    Filters,
    facet_names,
    read_score,
    read_voxel,
)
from micrographia.catalogue.found import Found
from micrographia.catalogue.shelf import ImageFilter, Shelf, default_place

if TYPE_CHECKING:
    import pandas as pd


Texts = str | Sequence[str]
"""One text or several; a dataset need only fit one of them."""


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


def _texts(told: Texts) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) and told else tuple(told)


def _image_filter(dataset: Texts, split: str, side: int, voxel_size: Texts) -> ImageFilter:
    spans = {axis: span.widened() for told in _texts(voxel_size) for axis, span in read_voxel(told).items()}
    return ImageFilter(_texts(dataset), split, side, spans)
