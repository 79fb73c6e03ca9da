"""Sign flips of group-paired differences: exact for up to 32 groups, sampled beyond.

If neither of two candidates is better, the difference of a group is as likely to have one sign as the other. So all
patterns of signs are equally likely, and p is the share of them whose sum is as extreme as the one seen (Fisher 1935;
for clusters the wild bootstrap with the null imposed, Cameron, Gelbach & Miller 2008). With G groups the smallest
two-sided p is 2 / 2^G.
"""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Array = npt.NDArray[Any]

EXACT = 32
"""Up to this number of groups that differ every pattern is counted: two halves of 2^16 sums each."""
LARGE = 10_000
"""Beyond this number the sum of random signs is taken as normal."""
FLIPS = 9_999
BLOCK = 4_000_000


def smallest_p(n_groups: int, *, sides: int = 2) -> float:
    """Return the smallest p that sign flips of so many groups can give."""
    return min(1.0, sides / 2.0**n_groups)


def groups_needed(alpha: float, *, sides: int = 2) -> int:
    """Return how many groups sign flips need before p can be ``alpha`` or less: 6 for 0.05, two-sided."""
    return ceil(log2(sides / alpha) - 1e-12)


def sign_flip_p(contributions: Array, *, sides: int = 2, flips: int = FLIPS, seed: int = 0) -> float:
    """Return p of a sum under random signs of its terms.

    Parameters
    ----------
    contributions
        What each group adds to the difference ``(G,)``: the sum of weight times difference over its items.
    sides
        2: as far from 0 as the sum. 1: as large as the sum.
    flips
        Patterns that are drawn if more than 32 groups differ from 0.
    seed
        Seed of the drawn patterns.

    Returns
    -------
    Share of patterns, counted exactly, or ``(1 + #) / (1 + flips)`` if drawn; beyond 10,000 groups that of a normal
    sum. NaN without groups.

    Raises
    ------
    ValueError
        If a contribution is not finite.
    """
    terms = np.asarray(contributions, dtype=np.float64)
    if not np.isfinite(terms).all():
        raise ValueError("contributions must be finite")
    if len(terms) == 0:
        return float("nan")
    observed = float(terms.sum())
    tolerance = 1e-10 * float(np.abs(terms).sum())
    target = (abs(observed) if sides == 2 else observed) - tolerance
    terms = np.sort(np.abs(terms[terms != 0]))
    if len(terms) <= EXACT:
        share = _share_above(terms, target)
        return min(1.0, 2 * share) if sides == 2 and target > 0 else (1.0 if sides == 2 else share)
    if len(terms) > LARGE:
        return float(sides * norm.sf(max(target, 0.0 if sides == 2 else target) / np.sqrt((terms**2).sum())))
    reached = _count_drawn(terms, target, flips, np.random.default_rng(seed), two_sided=sides == 2)
    return (1 + reached) / (1 + flips)


def _share_above(terms: Array, target: float) -> float:
    """Return the share of all patterns of signs whose sum is at least the target, by meeting in the middle."""
    halves = [np.zeros(1), np.zeros(1)]
    for place, term in enumerate(terms):
        known = halves[place % 2]
        halves[place % 2] = np.concatenate([known - term, known + term])
    first, second = np.sort(halves[0]), np.sort(halves[1])
    reached = len(second) * len(first) - int(np.searchsorted(second, target - first, side="left").sum())
    return reached / (len(first) * len(second))


def _count_drawn(
    terms: Array, target: float, flips: int, rng: np.random.Generator, *, two_sided: bool
) -> int:
    n = len(terms)
    width = (n + 7) // 8
    size = max(1, BLOCK // n)
    total = float(terms.sum())
    reached = 0
    for start in range(0, flips, size):
        rows = min(size, flips - start)
        bits = np.unpackbits(rng.integers(0, 256, (rows, width), dtype=np.uint8), axis=1, count=n)
        drawn = 2 * (bits.astype(np.float64) @ terms) - total
        reached += int(((np.abs(drawn) if two_sided else drawn) >= target).sum())
    return reached
