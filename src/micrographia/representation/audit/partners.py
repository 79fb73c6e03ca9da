"""Which items have a partner: another of the same label that differs in all that must differ. No pair is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import digamma

from micrographia.representation.probes.labels import Array, IntArray
from micrographia.representation.retrieval.recall import chance_of_hit


@dataclass(frozen=True, eq=False)
class Partners:
    """For each item, how many others may stand for it and how many it is searched among.

    Attributes
    ----------
    positives
        Others with the same label that differ in every excluded column ``(n,)``, int64; 0 for an item without label.
    candidates
        Others that differ in every excluded column ``(n,)``.
    labelled
        Whether the item has a label ``(n,)``.
    """

    positives: IntArray
    candidates: IntArray
    labelled: Array

    @property
    def evaluable(self) -> Array:
        """Items with at least one partner, bool ``(n,)``."""
        return self.labelled & (self.positives > 0)

    @property
    def nearest_chance(self) -> float:
        """Accuracy of a neighbour drawn at random among the candidates, averaged over evaluable items."""
        kept = self.evaluable
        return float((self.positives[kept] / self.candidates[kept]).mean()) if kept.any() else float("nan")

    def recall_chance(self, k: int, *, hit: bool) -> float:
        """Share of the positives among the first ``k`` candidates in random order; of ``hit``, that any is there."""
        kept = self.evaluable
        if not kept.any():
            return float("nan")
        positive, total = self.positives[kept], self.candidates[kept]
        if hit:
            return float(chance_of_hit(positive, total, k).mean())
        return float(np.minimum(1.0, k / total).mean())

    @property
    def precision_chance(self) -> float:
        """Mean average precision of candidates in random order.

        ``E[AP] = ((k - 1) / (n - 1) (n - H_n) + H_n) / n`` for k positives among n, with the harmonic number H_n
        (Bestgen 2015).
        """
        kept = self.evaluable
        if not kept.any():
            return float("nan")
        k, n = self.positives[kept].astype(np.float64), self.candidates[kept].astype(np.float64)
        harmonic = digamma(n + 1) + np.euler_gamma
        expected = ((k - 1) / np.maximum(n - 1, 1) * (n - harmonic) + harmonic) / n
        return float(np.where(n > 1, expected, 1.0).mean())


def partners(
    same: Sequence[IntArray],
    exclude: Sequence[IntArray],
    negatives: tuple[Sequence[IntArray], Sequence[IntArray]] | None = None,
) -> Partners:
    """Count partners by inclusion and exclusion over the excluded columns.

    ``#(differs in all) = sum over subsets S of exclude of (-1)^|S| #(equal in all of S)``. A missing value equals
    nothing.

    Parameters
    ----------
    same
        Columns of numbers ``(n,)`` in which partners are equal; -1 is missing.
    exclude
        Columns in which they differ.
    negatives
        Columns in which the other candidates are equal, and in which they differ; if None, all that differ in the
        excluded columns are candidates.
    """
    labelled = np.all([column >= 0 for column in same], axis=0)
    known = np.flatnonzero(labelled)
    positives = np.zeros(len(labelled), dtype=np.int64)
    positives[known] = _count([column[known] for column in same], [column[known] for column in exclude])
    among = np.zeros(len(labelled), dtype=np.int64)
    equal, differ = negatives or ((), exclude)
    everyone = np.zeros(len(known), dtype=np.int64)
    among[known] = _count(
        [everyone, *(column[known] for column in equal)], [column[known] for column in differ]
    )
    if negatives is not None:
        among += positives
    return Partners(positives, among, labelled)


def _count(same: Sequence[IntArray], exclude: Sequence[IntArray]) -> IntArray:
    """Return for each item how many others are equal in all of ``same`` and differ in all of ``exclude``."""
    n = len(same[0])
    total = np.zeros(n, dtype=np.int64)
    for size in range(len(exclude) + 1):
        for chosen in combinations(exclude, size):
            total += (-1) ** size * _equal([*same, *chosen])
    # Every subset counts the item itself where it knows the columns: it is its own equal in none that excludes.
    itself = np.ones(n, dtype=bool)
    for column in exclude:
        itself &= column < 0
    return total - itself


def _equal(columns: Sequence[IntArray]) -> IntArray:
    """Return how many items are equal to each in all columns, itself counted; 0 where one is missing."""
    key = columns[0]
    missing = key < 0
    for column in columns[1:]:
        missing = missing | (column < 0)
        width = int(column.max(initial=0)) + 1
        # Numbered anew after each column, so that products stay small.
        key = pd.factorize(key * width + column)[0]
    key = np.where(missing, 0, key)
    count = np.bincount(key[~missing], minlength=int(key.max(initial=0)) + 1)
    return np.where(missing, 0, count[key]).astype(np.int64)
