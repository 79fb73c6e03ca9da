"""Answer a question: words, filters, facets, order, page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from micrographia.catalogue.columns import Mask
from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.filters import ORDERS, PERMISSIONS, Filters, fitting
from micrographia.catalogue.found import Found
from micrographia.catalogue.shelf import Places, Scores, Shelf
from micrographia.catalogue.words import Question, read_question, settle

DEEPEST_PAGE = 1_000_000
"""Results after which nobody pages."""


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
        order = _order(shelf, places, scores, sort, limit * page)
        chosen = order[(page - 1) * limit :]
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


def _order(shelf: Shelf, places: Places, scores: Scores, sort: str, most: int) -> Places:
    """Return the first results in order: by score (rounded, that ties are ties wherever it is asked), then by id."""
    keys: list[Any] = [-np.round(scores, 9)]
    if sort:
        values = shelf.columns.numbers(ORDERS[sort])[places]
        keys.append(np.where(np.isnan(values), np.inf, -values))
    first = keys[-1]
    near = np.arange(len(places))
    if most < len(places):
        near = np.flatnonzero(first <= np.partition(first, most - 1)[most - 1])
    return np.asarray(near[np.lexsort([key[near] for key in keys])][:most], np.int64)
