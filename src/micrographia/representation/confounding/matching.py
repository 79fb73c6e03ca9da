"""Rows of different classes matched on a nuisance, so that it tells nothing about the class."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrographia.representation.probes.folds import Labels, groups_per_class
from micrographia.representation.probes.labels import Array, coded, listed
from micrographia.representation.probes.predict import numbers


@dataclass(frozen=True, eq=False)
class Matched:
    """Which rows are left after matching.

    Attributes
    ----------
    rows
        Whether each row is kept, bool ``(n,)``.
    kept
        Rows of each class that are left, of how many.
    groups
        Groups of each class that are left; empty if no groups were given.
    difference
        Largest difference of the class means of the nuisance, in SDs of all rows: before and after.
    reason
        Why nothing, or not every class, is left.
    """

    rows: Array
    kept: dict[Hashable, tuple[int, int]]
    groups: dict[Hashable, int]
    difference: tuple[float, float]
    reason: str = ""

    @property
    def n(self) -> int:
        """Number of rows that are left."""
        return int(self.rows.sum())


def count_matched(
    nuisance: Labels,
    labels: Labels,
    groups: Labels | None = None,
    *,
    bins: int = 10,
    caliper: float | None = None,
    seed: int = 0,
) -> Matched:
    """Keep, in every bin of the nuisance, equally many rows of every class, drawn at random.

    Coarsened exact matching (Iacus, King & Porro 2012). Scores of the rows that are left compare classes at the same
    cell count; how many are left says for how much of the data that holds.

    Parameters
    ----------
    nuisance
        Number of each row ``(n,)``, such as the cell count; rows without one are left out.
    labels
        Class of each row; rows without one are left out.
    groups
        Group of each row, to report how many are left.
    bins
        Number of bins with about as many rows each, if there is no caliper.
    caliper
        Width of bins, in units of the nuisance; None for quantiles.
    seed
        Decides which rows are kept.

    Raises
    ------
    ProfileError
        If the nuisance holds texts.
    ValueError
        If the lengths differ, or bins or caliper are not positive.
    """
    if len(nuisance) != len(labels) or (groups is not None and len(groups) != len(labels)):
        raise ValueError("nuisance, labels and groups must be equally long")
    if bins < 1 or (caliper is not None and caliper <= 0):
        raise ValueError("bins and caliper must be positive")
    values, classes = numbers(nuisance), coded(labels)
    known = np.flatnonzero(np.isfinite(values) & (classes.codes >= 0))
    kept = np.zeros(len(values), dtype=bool)
    if classes.n < 2 or not len(known):
        return Matched(kept, {}, {}, (float("nan"), float("nan")), "there are no two classes to match")
    place = _bins(values[known], bins, caliper)
    cell, cells = np.unique(place, return_inverse=True)
    count = np.zeros((len(cell), classes.n), dtype=np.int64)
    np.add.at(count, (cells, classes.codes[known]), 1)
    # Of each class, the rows of a bin in random order; those before the size of the smallest class are kept.
    order = np.random.default_rng(seed).permutation(len(known))
    order = order[np.lexsort((classes.codes[known][order], cells[order]))]
    key = cells[order] * classes.n + classes.codes[known][order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
    kept[known[order[rank < count.min(axis=1)[cells[order]]]]] = True
    of: dict[Hashable, tuple[int, int]] = {}
    left = np.bincount(classes.codes[kept], minlength=classes.n)
    for number, name in enumerate(classes.names):
        of[name] = int(left[number]), int(classes.counts[number])
    remaining: dict[Hashable, int] = {}
    reason = "" if kept.any() else _apart(values, classes.codes, classes.names)
    if groups is not None:
        each = groups_per_class(coded(_only(groups, kept)), classes)
        remaining = dict(zip(classes.names, each.tolist(), strict=True))
        few = [str(name) for name, many in remaining.items() if many < 2]
        if few and not reason:
            reason = f"fewer than two groups are left of {listed(few)}"
    difference = (_difference(values, classes.codes, known, classes.n), float("nan"))
    if kept.any():
        difference = (
            difference[0],
            _difference(values, classes.codes, np.flatnonzero(kept), classes.n, known),
        )
    return Matched(kept, of, remaining, difference, reason)


def _bins(values: Array, bins: int, caliper: float | None) -> Array:
    if caliper is not None:
        return np.floor((values - values.min()) / caliper).astype(np.int64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right")


def _only(groups: Labels, kept: Array) -> Array:
    named: Any = np.empty(len(groups), dtype=object)
    named[:] = list(groups)
    named[~kept] = None
    return np.asarray(named)


def _difference(values: Array, codes: Array, rows: Array, n: int, scale: Array | None = None) -> float:
    """Return the range of the class means in SDs of the rows of the scale."""
    sd = float(values[rows if scale is None else scale].std())
    count = np.bincount(codes[rows], minlength=n)
    means = np.bincount(codes[rows], values[rows], minlength=n)[count > 0] / count[count > 0]
    return float(np.ptp(means) / sd) if sd > 0 else float("nan")


def _apart(values: Array, codes: Array, names: tuple[Hashable, ...]) -> str:
    ranges = []
    for number, name in enumerate(names):
        own = values[(codes == number) & np.isfinite(values)]
        ranges.append(f"{name} {own.min():.4g} to {own.max():.4g}" if len(own) else f"{name} none")
    return f"no bin of the nuisance holds every class ({listed(ranges)}): classes cannot be compared at the same value"
