"""Limits for the mean of bounded scores when most groups score the same, where a standard error says little.

If all 12 donors are right, the observed spread is 0 and every studentised interval collapses to a point. What is
known is only that few donors can be wrong. The limit here puts one more group at the worst possible score and gives
all groups random weights (Gaffke 2005; Learned-Miller & Thomas 2020). For scores of 0 and 1 it is the exact interval
of Clopper and Pearson (1934); no assumption on the distribution is made besides its bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.statistics.groups import Sums

Array = npt.NDArray[Any]

VARIED = 10
"""With fewer groups than this apart from the most frequent score, spread is not trusted."""
DRAWS = 10_000
"""Random weightings of up to 100 groups; fewer of more groups, not below 2,000."""
BLOCK = 2_000_000


def is_sparse(sums: Sums) -> bool:
    """Whether scores repeat and fewer than 10 groups differ from the most frequent one."""
    scale = max(1.0, float(np.abs(sums.means).max()))
    _, counts = np.unique(np.round(sums.means / scale, 10), return_counts=True)
    top = int(counts.max())
    return top >= 2 and sums.n - top < VARIED


def bounded_limits(
    sums: Sums,
    bounds: tuple[float, float],
    tails: Sequence[float],
    rng: np.random.Generator,
    draws: int = 4000,
) -> list[tuple[float, float]]:
    """Return limits of the mean of scores that lie within known bounds.

    Parameters
    ----------
    sums
        Sums over groups.
    bounds
        Least and greatest possible score.
    tails
        Probability of each tail, one for each pair of limits.
    rng
        Source of chance.
    draws
        Number of random weightings, for up to 100 groups.

    Returns
    -------
    Low and high limit for each tail.
    """
    low, high = _worst_cases(sums, bounds, rng, draws)
    return [(float(np.quantile(low, tail)), float(np.quantile(high, 1 - tail))) for tail in tails]


def bounded_equivalence_p(
    sums: Sums, bounds: tuple[float, float], delta: float, rng: np.random.Generator, draws: int = DRAWS
) -> float:
    """Return the p of a mean of delta or more, in either direction, that belongs to :func:`bounded_limits`.

    Parameters
    ----------
    sums
        Sums over groups.
    bounds
        Least and greatest possible score.
    delta
        The smallest difference that matters.
    rng
        Source of chance.
    draws
        Number of random weightings, for up to 100 groups.
    """
    low, high = _worst_cases(sums, bounds, rng, draws)
    reached = max(int((low <= -delta).sum()), int((high >= delta).sum()))
    return (1 + reached) / (1 + len(low))


def _worst_cases(
    sums: Sums, bounds: tuple[float, float], rng: np.random.Generator, draws: int
) -> tuple[Array, Array]:
    """Return means under random weights with one more group at the least, and at the greatest score."""
    lows, highs = [], []
    draws = min(draws, max(2000, 100 * draws // sums.n))
    size = max(1, BLOCK // sums.n)
    for start in range(0, draws, size):
        rows = min(size, draws - start)
        weight = rng.standard_exponential((rows, sums.n))
        extra = rng.standard_exponential(rows) * sums.below.mean()
        above, below = weight @ sums.above, weight @ sums.below + extra
        lows.append((above + extra * bounds[0]) / below)
        highs.append((above + extra * bounds[1]) / below)
    return np.concatenate(lows), np.concatenate(highs)
