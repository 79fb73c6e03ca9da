"""The words of a catalogue's file: where each occurs, out of the index of FTS5, and what it adds to the scores.

FTS5 ranks row by row, which takes long where many datasets fit. Then it only lists the occurrences of each stem, and
all are ranked at once, by the same formula. Whatever it lists is handed over as one text. Phrases and questions that
were ranked are kept, for the next page or another filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.catalogue.columns import Numbers
from micrographia.catalogue.ranking import NOWHERE, Scored, answer, bm25
from micrographia.catalogue.shelf import Places, Scores
from micrographia.catalogue.texts import FIELDS, WEIGHTS
from micrographia.catalogue.words import Group, Phrase, Question, expression

MOST_KEPT = 2_000_000
"""Datasets of phrases and questions that are kept in memory (32 MB), each with a thousand more for itself."""
FEW = 20_000
"""Datasets that FTS5 ranks by itself."""
_FINE = 1e14
"""What scores are multiplied by to be whole numbers."""

_WEIGHT = np.zeros(256)
for _field, _weight in zip(FIELDS, WEIGHTS, strict=True):
    _WEIGHT[ord(_field[0])] = _weight
"""First letter of a field, in which they all differ, to its weight."""

Rows = npt.NDArray[np.int64]


class Stems:
    """The words of one state of a catalogue's file.

    Parameters
    ----------
    ask
        Runs a statement, and returns all rows.
    rows
        Row in the database of each dataset, in the order of their numbers.
    lengths
        Returns the number of words of every dataset (datasets, float64), in the same order.
    """

    def __init__(
        self, ask: Callable[..., list[tuple[Any, ...]]], rows: Rows, lengths: Callable[[], Numbers]
    ) -> None:
        self._ask, self._counted = ask, lengths
        self._order = np.argsort(rows)
        self._sorted = rows[self._order]
        self._kept: dict[str, Scored] = {}

    @cached_property
    def _lengths(self) -> Numbers:
        return self._counted()

    def has(self, stem: str) -> bool:
        """Whether a stem occurs."""
        return bool(self._occurring("SELECT 1 FROM temp.occurring WHERE term = ? LIMIT 1", stem))

    def beginning(self, letters: str, most: int) -> list[str]:
        """Return stems that begin with these letters, the most frequent first."""
        found = self._ask(
            "SELECT term FROM stems WHERE term >= ? AND term < ? ORDER BY doc DESC, term LIMIT ?",
            (letters, letters + "\U0010ffff", most),
        )
        return [term for (term,) in found]

    def search(self, question: Question) -> tuple[Places, Scores]:
        """Return the numbers of the datasets that answer a question, ascending, and how well."""
        asked, unwanted = expression(question.wanted), question.unwanted
        if not asked:
            places = np.arange(len(self._sorted) if unwanted else 0)
            scores = np.zeros(len(places))
        elif asked in self._kept or self._fit_few(question, asked):
            places, scores = self._ranked(asked)
        else:
            wanted = replace(question, groups=question.wanted)
            places, scores = answer(wanted, len(self._sorted), self.scored)
        for group in unwanted:
            keep = np.isin(places, self._having(expression([group])), invert=True)
            places, scores = places[keep], scores[keep]
        return places, scores

    def _fit_few(self, question: Question, asked: str) -> bool:
        """Whether FTS5 is quicker: it ranks few datasets, and not all that has any of the phrases."""
        if all(_single(phrase) in self._kept for group in question.wanted for phrase in group.phrases):
            return False
        return len(self._having(asked)) <= FEW

    def scored(self, phrase: Phrase) -> Scored:
        """Return what a phrase adds to the scores."""
        asked = _single(phrase)
        if len(phrase.tokens) > 1:
            return self._ranked(asked)
        found = self._kept.pop(asked) if asked in self._kept else self._stem(phrase.tokens[0])
        return self._keep(asked, found)

    def _keep(self, asked: str, found: Scored) -> Scored:
        self._kept[asked] = found
        while len(self._kept) > 1 and sum(len(one.places) + 1000 for one in self._kept.values()) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return found

    def places(self, rows: Rows) -> Places:
        """Return the numbers of datasets, which follow their ids, from their rows."""
        return np.asarray(self._order[np.searchsorted(self._sorted, rows)], np.int64)

    def _stem(self, stem: str) -> Scored:
        told = self._occurring(
            "SELECT group_concat(doc * 256 + unicode(col)) FROM temp.occurring WHERE term = ?", stem
        )[0][0]
        if told is None:
            return NOWHERE
        held = numbers(told)
        rows = held >> 8
        first = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
        weight = np.zeros(len(self._lengths))
        weight[self.places(rows[first])] = np.add.reduceat(_WEIGHT[held & 255], first)
        places = np.flatnonzero(weight)
        return bm25(places, weight[places], self._lengths, float(self._lengths.sum()))

    def _having(self, asked: str) -> Places:
        rows = self._ask("SELECT group_concat(rowid) FROM texts WHERE texts MATCH ?", (asked,))[0][0]
        return self.places(numbers(rows)) if rows else NOWHERE.places

    def _ranked(self, asked: str) -> Scored:
        """Return what answers an expression of FTS5, ranked by FTS5."""
        return self._keep(asked, self._kept.pop(asked) if asked in self._kept else self._by_fts5(asked))

    def _by_fts5(self, asked: str) -> Scored:
        rows, ranks = self._ask(
            f"SELECT group_concat(rowid), group_concat(CAST(rank * -{_FINE} AS INTEGER)) FROM texts "  # noqa: S608
            "WHERE texts MATCH ? AND rank MATCH ?",
            (asked, f"bm25({', '.join(map(str, WEIGHTS))})"),
        )[0]
        if rows is None:
            return NOWHERE
        places = self.places(numbers(rows))
        order = np.argsort(places)
        return Scored(places[order], numbers(ranks)[order] / _FINE)

    def _occurring(self, question: str, stem: str) -> list[tuple[Any, ...]]:
        self._ask(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.occurring USING fts5vocab ('main', 'texts', 'instance')"
        )
        return self._ask(question, (stem,))


def _single(phrase: Phrase) -> str:
    return expression([Group((phrase,))])


def numbers(told: str) -> Rows:
    """Return the whole numbers of a text, which commas divide."""
    return np.fromstring(told, np.int64, sep=",")


def lengths_of(sizes: Iterable[tuple[Any, ...]], rows: Rows) -> Numbers:
    """Return the number of words of datasets (datasets, float64), as FTS5 counted them.

    Parameters
    ----------
    sizes
        Row in the database, and what FTS5 keeps of its lengths.
    rows
        Row in the database of each dataset.
    """
    held = {row: _length(told) for row, told in sizes}
    return np.asarray([held.get(row, 0) for row in rows.tolist()], np.float64)


def _length(sizes: bytes) -> int:
    """Return the sum of numbers written in groups of seven bits, of which all but the last have the eighth set."""
    total = number = 0
    for byte in sizes:
        number = number << 7 | byte & 127
        if byte < 128:
            total, number = total + number, 0
    return total
