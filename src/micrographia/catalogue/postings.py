"""Which stems occur where in a published catalogue, and how well a dataset answers a question: bm25 as in FTS5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyarrow import compute

from micrographia.catalogue.columns import Numbers
from micrographia.catalogue.layout import FIELD_STEP
from micrographia.catalogue.ranges import Table
from micrographia.catalogue.ranking import Scored, answer, bm25
from micrographia.catalogue.shelf import Places, Scores
from micrographia.catalogue.texts import FIELDS, WEIGHTS
from micrographia.catalogue.words import Phrase, Question


@dataclass(frozen=True, slots=True)
class Hits:
    """Where a phrase occurs.

    Parameters
    ----------
    rows
        Numbers of datasets, ascending.
    weight
        How often it occurs in each, weighted by field.
    """

    rows: Places
    weight: Numbers


_ROW = 40
"""Bits below the number of a dataset in the number of an occurrence."""


class Postings:
    """The words of a published catalogue.

    Parameters
    ----------
    table
        The file of words.
    lengths
        Returns the number of words of every dataset (datasets, float64).
    tokens
        Number of words of all datasets.
    """

    def __init__(self, table: Table, lengths: Callable[[], Numbers], tokens: int) -> None:
        self._table, self._lengths, self._tokens = table, lengths, tokens
        self._counts: dict[str, Hits] = {}
        self._phrases: dict[tuple[str, ...], Hits] = {}

    def has(self, stem: str) -> bool:
        """Whether a stem occurs."""
        return len(self.hits(stem).rows) > 0

    def beginning(self, letters: str, most: int) -> list[str]:
        """Return stems that begin with these letters, the most frequent first."""
        groups = self._table.groups("stem", letters, letters + "\U0010ffff")
        if not groups:
            return []
        column = self._table.read(["stem"], groups)["stem"]
        found = compute.value_counts(column.filter(compute.starts_with(column, pattern=letters)))
        counted = sorted((-one["counts"].as_py(), one["values"].as_py()) for one in found)
        return [stem for _, stem in counted[:most]]

    def hits(self, stem: str) -> Hits:
        """Return where one stem occurs."""
        if stem not in self._counts:
            held, keep = self._of(stem, ["row", *FIELDS])
            rows = np.asarray(held["row"].to_numpy()[keep] if held is not None else [], np.int64)
            weight = np.zeros(len(rows))
            for name, factor in zip(FIELDS, WEIGHTS, strict=True):
                if held is not None:
                    weight += factor * held[name].to_numpy()[keep]
            self._counts[stem] = Hits(rows, weight)
        return self._counts[stem]

    def _of(self, stem: str, columns: Sequence[str]) -> tuple[Any, Any]:
        groups = self._table.groups("stem", stem, stem)
        if not groups:
            return None, None
        held = self._table.read(["stem", *columns], groups)
        return held, compute.equal(held["stem"], stem).to_numpy()

    def _places(self, stem: str) -> Places:
        """Return every occurrence of a stem as one number: of the dataset, times 2^40, plus its position."""
        held, keep = self._of(stem, ["row", "positions"])
        if held is None:
            return np.zeros(0, np.int64)
        chosen = held.filter(keep).combine_chunks()
        lengths = compute.list_value_length(chosen["positions"]).to_numpy()
        rows = np.repeat(chosen["row"].to_numpy().astype(np.int64), lengths)
        return np.asarray((rows << _ROW) + compute.list_flatten(chosen["positions"]).to_numpy(), np.int64)

    def phrase(self, phrase: Phrase) -> Hits:
        """Return where a phrase occurs: its words one after another in one field."""
        if len(phrase.tokens) == 1:
            return self.hits(phrase.tokens[0])
        if phrase.tokens not in self._phrases:
            self._phrases[phrase.tokens] = self._followed(phrase.tokens)
        return self._phrases[phrase.tokens]

    def _followed(self, tokens: tuple[str, ...]) -> Hits:
        if not all(self.has(token) for token in tokens):
            return Hits(np.zeros(0, np.int64), np.zeros(0))
        starts = self._places(tokens[0])
        for step, token in enumerate(tokens[1:], 1):
            starts = starts[np.isin(starts + step, self._places(token))]
        rows, inverse = np.unique(starts >> _ROW, return_inverse=True)
        fields = (starts & ((1 << _ROW) - 1)) // FIELD_STEP
        weight = np.bincount(inverse, np.asarray(WEIGHTS)[fields], len(rows))
        return Hits(rows.astype(np.int64), weight.astype(np.float64))

    def search(self, question: Question, count: int) -> tuple[Places, Scores]:
        """Return the datasets that answer a question, ascending, and how well.

        Parameters
        ----------
        question
            The question, with beginnings settled.
        count
            Number of datasets.
        """
        lengths = self._lengths() if question.wanted else np.ones(count)

        def scored(phrase: Phrase) -> Scored:
            found = self.phrase(phrase)
            return bm25(found.rows, found.weight, lengths, self._tokens)

        return answer(question, count, scored)
