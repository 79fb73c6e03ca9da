"""How a score varies over groups of one factor, of several crossed ones, and over seeds; limits from each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from micrographia.statistics.bounded import bounded_limits, is_sparse
from micrographia.statistics.crossing import pigeonhole
from micrographia.statistics.groups import Groups, Sums
from micrographia.statistics.resampling import is_enumerated, quantiles, studentised

Array = npt.NDArray[Any]
Limits = tuple[tuple[float, float], ...]

MINIMUM_GROUPS = 4
"""With fewer groups no interval is given."""
RESAMPLES = 2000
BOUNDED = "bounds of the score"
NONE = "none"
LARGE = 10_000
"""Beyond this number of groups limits are those of Student's t alone: resampling changes nothing that can be seen."""


@dataclass(frozen=True)
class Spread:
    """How a score varies over the groups of one factor, or of several.

    Attributes
    ----------
    name
        The factor; empty if groups are unknown.
    n
        Number of groups.
    error
        Standard error; NaN if unknown.
    df
        Its degrees of freedom.
    limits
        Low and high limit for each tail that was asked for.
    method
        How the limits were made.
    """

    name: str
    n: int
    error: float
    df: float
    limits: Limits
    method: str


def over_groups(
    totals: Sums,
    name: str,
    bounds: tuple[float, float] | None,
    tails: Sequence[float],
    seed: Sequence[int],
    resamples: int = RESAMPLES,
) -> Spread:
    """Return how a score varies over the groups of one factor.

    Limits are those of the bootstrap-t, never narrower than Student's t with G - 1 degrees of freedom.

    Parameters
    ----------
    totals
        Sums over groups.
    name
        The factor.
    bounds
        Least and greatest possible score, if known.
    tails
        Probability of each tail.
    seed
        Seed of the resampling.
    resamples
        Number of resamples beyond 8 groups.
    """
    n, error = totals.n, totals.standard_error
    if n < MINIMUM_GROUPS or not isfinite(error):
        return Spread(name, n, error, max(n - 1, 0), ((float("nan"), float("nan")),) * len(tails), NONE)
    rng = np.random.default_rng(list(seed))
    score = totals.score
    method = f"bootstrap-t{' (all resamples)' if is_enumerated(n) else ''}"
    flat = float(np.ptp(totals.means)) <= 1e-12 * max(1.0, abs(score))
    if flat:
        error = 0.0
        limits: Limits = ((float("-inf"), float("inf")),) * len(tails)
    elif n > LARGE:
        reach = [float(t.ppf(1 - tail, n - 1)) * error for tail in tails]
        limits = tuple((score - one, score + one) for one in reach)
        method = "t"
    else:
        limits = studentised_limits(score, error, n - 1, *studentised(totals, resamples, rng), tails)
    if bounds is not None and is_sparse(totals):
        exact = bounded_limits(totals, bounds, tails, rng)
        narrowed = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(limits, exact, strict=True))
        return Spread(name, n, error, n - 1, narrowed, BOUNDED)
    return Spread(name, n, error, n - 1, limits, method)


def over_crossed(
    values: Array,
    weights: Array,
    factors: Sequence[Groups],
    single: Sequence[Spread],
    tails: Sequence[float],
    seed: Sequence[int],
    resamples: int = RESAMPLES,
) -> Spread:
    """Return how a score varies over crossed factors at once.

    The squared standard error is the sum of those along each factor. Limits are the widest of those along each factor
    and those of the pigeonhole bootstrap, studentised. Where scores are so alike that limits rest on their bounds, the
    distances of the limits along each factor are added in squares instead.

    Parameters
    ----------
    values, weights
        Items ``(n,)``, finite.
    factors
        Groups of the same items.
    single
        Spread along each factor.
    tails
        Probability of each tail.
    seed
        Seed of the resampling.
    resamples
        Number of resamples.
    """
    if len(single) == 1:
        return single[0]
    score = float((weights * values).sum() / weights.sum())
    name = " x ".join(one.name or "item" for one in single)
    fewest = min(one.n for one in single)
    error, df = combined_error(single)
    method = " and ".join(dict.fromkeys(one.method for one in single))
    if NONE in [one.method for one in single]:
        return Spread(name, fewest, error, df, ((float("nan"), float("nan")),) * len(tails), NONE)
    if BOUNDED in [one.method for one in single] or error == 0:
        limits = tuple(added(score, single, tail) for tail in range(len(tails)))
        return Spread(name, fewest, error, df, limits, method)
    ordered = pigeonhole(values, weights, factors, resamples, np.random.default_rng(list(seed)))
    both = studentised_limits(
        score, error, df, ordered, np.full(len(ordered), 1 / len(ordered)), tails, student=False
    )
    all_limits = [both, *(one.limits for one in single)]
    widest = tuple(
        (min(limits[tail][0] for limits in all_limits), max(limits[tail][1] for limits in all_limits))
        for tail in range(len(tails))
    )
    return Spread(name, fewest, error, df, widest, "bootstrap-t, widest of pigeonhole and single factors")


def over_seeds(differences: Array, tails: Sequence[float]) -> Spread:
    """Return how a difference varies over seeds: Student's t.

    Parameters
    ----------
    differences
        The difference for each seed ``(S,)``, two seeds or more.
    tails
        Probability of each tail.
    """
    n = len(differences)
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / sqrt(n)
    reach = [float(t.ppf(1 - tail, n - 1)) * error for tail in tails]
    return Spread("seed", n, error, n - 1, tuple((mean - one, mean + one) for one in reach), "t over seeds")


def studentised_limits(
    score: float,
    error: float,
    df: float,
    ordered: Array,
    chance: Array,
    tails: Sequence[float],
    *,
    student: bool = True,
) -> Limits:
    """Return limits from studentised resamples, and at least those of Student's t unless told otherwise.

    Parameters
    ----------
    score, error, df
        The score, its standard error and the degrees of freedom of that.
    ordered, chance
        Sorted ratios of resamples and the probability of each ``(B,)``.
    tails
        Probability of each tail.
    student
        Whether limits must be at least as wide as those of Student's t.
    """
    limits = []
    for tail in tails:
        low, high = quantiles(ordered, chance, tail)
        least = float(t.ppf(1 - tail, df)) if student else 0.0
        limits.append((score - max(high, least) * error, score - min(low, -least) * error))
    return tuple(limits)


def added(score: float, spreads: Sequence[Spread], tail: int) -> tuple[float, float]:
    """Return limits over independent sources: distances from the score added in squares (Zou & Donner 2008)."""
    low = sum((score - one.limits[tail][0]) ** 2 for one in spreads)
    high = sum((one.limits[tail][1] - score) ** 2 for one in spreads)
    return score - sqrt(low), score + sqrt(high)


def combined_error(spreads: Sequence[Spread]) -> tuple[float, float]:
    """Return the standard error over all sources and its degrees of freedom (Satterthwaite 1946)."""
    variances = [one.error**2 for one in spreads]
    total = sum(variances)
    if not isfinite(total):
        return float("nan"), min(one.df for one in spreads)
    if total == 0:
        return 0.0, min(one.df for one in spreads)
    return sqrt(total), total**2 / sum(
        v**2 / one.df for v, one in zip(variances, spreads, strict=True) if v > 0
    )


def why_open(spreads: Sequence[Spread]) -> str:
    """Say which factor leaves a score without an interval."""
    for one in spreads:
        what = one.name or "item"
        if one.n < MINIMUM_GROUPS:
            return f"{one.n} group{'' if one.n == 1 else 's'} of {what}: an interval needs {MINIMUM_GROUPS}"
        if not isfinite(one.error):
            return f"one group of {what} holds all the weight"
        if one.error == 0:
            return f"all {one.n} groups of {what} score the same, so their spread is unknown"
    return "too few groups to bound the score at this level"
