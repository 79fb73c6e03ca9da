"""Resampling of groups: the studentised bootstrap of a weighted mean, exact where few groups allow it.

The percentile bootstrap is not offered for scores: with few groups it is far too narrow.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations_with_replacement
from math import comb, factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.statistics.crossing import ratio
from micrographia.statistics.groups import Sums

Array = npt.NDArray[Any]

ENUMERATED = 8
"""Up to this number of groups all resamples are enumerated (6,435 for 8 groups)."""
BLOCK = 2_000_000
"""Numbers held at a time for each intermediate array."""


@lru_cache(maxsize=16)
def _all_counts(n: int) -> tuple[Array, Array]:
    """Return how often each of n groups is drawn in every resample of n, and the probability of each."""
    counts = np.array(
        [np.bincount(drawn, minlength=n) for drawn in combinations_with_replacement(range(n), n)],
        dtype=np.int64,
    )
    orders = np.array(
        [factorial(n) / np.prod([factorial(count) for count in row]) for row in counts.tolist()]
    )
    return counts, orders / float(n) ** n


def resample_counts(n: int, resamples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw n of n groups with replacement, again and again.

    Parameters
    ----------
    n
        Number of groups.
    resamples
        Number of resamples drawn if there are more than 8 groups; for fewer, all of them are listed.
    rng
        Source of chance.

    Returns
    -------
    How often each group is drawn, int64 ``(B, n)``, and the probability of each resample ``(B,)``.
    """
    if n <= ENUMERATED:
        return _all_counts(n)
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples), np.full(resamples, 1 / resamples)


def is_enumerated(n: int) -> bool:
    """Whether all resamples of n groups are listed, so that no chance is left."""
    return n <= ENUMERATED


def n_resamples(n: int, resamples: int) -> int:
    """Return the number of resamples that are used for n groups."""
    return comb(2 * n - 1, n) if is_enumerated(n) else resamples


def studentised(sums: Sums, resamples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return ``(score* - score) / se*`` of each resample, sorted, and the probability of each.

    The standard error of a resample leaves out one drawn group at a time, as that of the data does (Efron &
    Tibshirani 1993, section 12.5; for clusters Cameron, Gelbach & Miller 2008). Resamples without spread count
    as infinite, on the side on which they lie.
    """
    n = sums.n
    parts = []
    chances = []
    size = max(1, BLOCK // n)
    left = n_resamples(n, resamples)
    while left > 0:
        counts, chance = resample_counts(n, min(size, left), rng)
        left -= len(counts)
        parts.append(ratios(sums, counts.astype(np.float64)))
        chances.append(chance * len(counts) if not is_enumerated(n) else chance)
    found = np.concatenate(parts)
    chance = np.concatenate(chances)
    order = np.argsort(found, kind="stable")
    return found[order], chance[order] / chance.sum()


def ratios(sums: Sums, counts: Array) -> Array:
    """Return ``(score* - score) / se*`` of each resample ``(B,)``.

    Parameters
    ----------
    sums
        Sums over groups.
    counts
        How often each group is drawn, float64 ``(B, G)``.
    """
    above, below = counts @ sums.above, counts @ sums.below
    score = above / below
    # What leaving out one copy of a group does to the score of the resample.
    rest = below[:, None] - sums.below
    residual = sums.above - score[:, None] * sums.below
    scale = below[:, None]
    shift = np.divide(residual, rest, out=np.zeros_like(residual), where=rest > 1e-12 * scale)
    variance = (sums.n - 1) / sums.n * np.einsum("bg,bg->b", counts, shift**2)
    return ratio(score - sums.score, np.sqrt(variance), float(np.abs(sums.means - sums.score).max()))


def quantiles(ordered: Array, chance: Array, tail: float) -> tuple[float, float]:
    """Return the values that leave at most ``tail`` of the probability below, and above, them.

    Parameters
    ----------
    ordered
        Sorted values ``(B,)``.
    chance
        Probability of each ``(B,)``, summing to 1.
    tail
        Probability of each tail.
    """
    up = np.cumsum(chance)
    down = np.cumsum(chance[::-1])
    low = int(np.searchsorted(up, tail + 1e-12, side="right"))
    high = int(np.searchsorted(down, tail + 1e-12, side="right"))
    last = len(ordered) - 1
    return float(ordered[min(low, last)]), float(ordered[last - min(high, last)])
