"""Crossed factors: compounds are seen in weeks and weeks hold many compounds, so that neither alone is independent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.statistics.groups import Groups

Array = npt.NDArray[Any]

BLOCK = 2_000_000
"""Numbers held at a time for each intermediate array."""


def pigeonhole(
    values: Array, weights: Array, factors: Sequence[Groups], resamples: int, rng: np.random.Generator
) -> Array:
    """Return ``(score* - score) / se*`` of each resample of the pigeonhole bootstrap, sorted.

    The levels of every factor are drawn with replacement, each factor for itself; an item counts as often as the
    product of how often its levels were drawn (Owen 2007). The squared standard error of a resample is the sum over
    factors of those that leave out one drawn level at a time. Percentiles of the scores themselves are not used: with
    few levels they cover too little.

    Parameters
    ----------
    values, weights
        Items ``(n,)``, finite.
    factors
        Groups of the same items, two factors or more.
    resamples
        Number of resamples; those in which no item is left are not returned.
    rng
        Source of chance.

    Returns
    -------
    Ratios ``(B,)``, infinite where a resample has no spread.
    """
    above, below, cells = _cells(values, weights, factors)
    score = above.sum() / below.sum()
    spread = float(np.abs(above / below - score).max())
    orders = [np.argsort(cell, kind="stable") for cell in cells]
    starts = [
        np.searchsorted(cell[order], np.arange(factor.n))
        for cell, order, factor in zip(cells, orders, factors, strict=True)
    ]
    found = []
    size = max(1, BLOCK // len(above))
    for first in range(0, resamples, size):
        rows = min(size, resamples - first)
        counts = [
            rng.multinomial(one.n, np.full(one.n, 1 / one.n), rows).astype(np.float64) for one in factors
        ]
        times = np.ones((rows, len(above)))
        for count, cell in zip(counts, cells, strict=True):
            times *= count[:, cell]
        kept = (times @ below) > 0
        times, counts = times[kept], [count[kept] for count in counts]
        total = times @ below
        drawn = times @ above / total
        residual = times * (above - drawn[:, None] * below)
        weight = times * below
        variance = np.zeros(len(total))
        for count, order, start in zip(counts, orders, starts, strict=True):
            copies = np.where(count > 0, count, 1.0)
            lost = np.add.reduceat(residual[:, order], start, axis=1) / copies
            rest = total[:, None] - np.add.reduceat(weight[:, order], start, axis=1) / copies
            shift = np.divide(lost, rest, out=np.zeros_like(lost), where=rest > 1e-12 * total[:, None])
            n = count.shape[1]
            variance += (n - 1) / n * np.einsum("bg,bg->b", count, shift**2)
        found.append(ratio(drawn - score, np.sqrt(variance), spread))
    return np.sort(np.concatenate(found))


def ratio(distance: Array, error: Array, spread: float) -> Array:
    """Return distance over standard error, infinite on its side where there is a distance but no error.

    Parameters
    ----------
    distance, error
        Of each resample ``(B,)``.
    spread
        Scale of the scores, below a tiny part of which a number counts as 0.
    """
    tiny = 1e-10 * spread
    distance = np.where(np.abs(distance) <= tiny, 0.0, distance)
    flat = error <= tiny
    out = np.divide(distance, error, out=np.zeros_like(distance), where=~flat)
    return np.where(flat & (distance != 0), np.copysign(np.inf, distance), out)


def distinct(factors: Sequence[Groups]) -> list[Groups]:
    """Return the factors without those that divide the items as an earlier one does."""
    kept: list[Groups] = []
    for factor in factors:
        if not any(_same_division(factor, other) for other in kept):
            kept.append(factor)
    return kept


def _same_division(a: Groups, b: Groups) -> bool:
    return a.n == b.n and len(np.unique(a.codes * np.int64(b.n) + b.codes)) == a.n


def _cells(values: Array, weights: Array, factors: Sequence[Groups]) -> tuple[Array, Array, list[Array]]:
    """Sum items that share all their groups; return the sums and the group of each cell along each factor."""
    joint = np.zeros(len(values), dtype=np.int64)
    for factor in factors:
        joint = np.unique(joint * factor.n + factor.codes, return_inverse=True)[1]
    _, first = np.unique(joint, return_index=True)
    below = np.bincount(joint, weights)
    above = np.bincount(joint, weights * values)
    return above, below, [factor.codes[first] for factor in factors]
