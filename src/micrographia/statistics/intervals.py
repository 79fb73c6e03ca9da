"""Intervals of scores over groups, and over several crossed factors at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from micrographia.statistics.bounded import bounded_limits, is_sparse
from micrographia.statistics.groups import Groups, Sums, group, sums
from micrographia.statistics.resampling import is_enumerated, quantiles, studentised
from micrographia.statistics.scores import Scores

Array = npt.NDArray[Any]

MINIMUM_GROUPS = 4
"""With fewer groups no interval is given."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """Between which values the score lies.

    Attributes
    ----------
    low, high
        Limits in units of the score; NaN if there is no interval.
    level
        Share of such intervals that hold the true score.
    method
        How it was made.
    n_groups
        Number of groups of the unit of generalisation.
    reason
        What limits it, or why there is none.
    """

    low: float
    high: float
    level: float
    method: str
    n_groups: int
    reason: str = ""


@dataclass(frozen=True)
class Spread:
    """How a score varies over the groups of one factor.

    Attributes
    ----------
    name
        The factor.
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
    limits: tuple[tuple[float, float], ...]
    method: str


def interval(
    scores: Scores,
    unit: str,
    crossed: Sequence[str] = (),
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the interval of a score when groups of ``unit``, not items, are independent.

    The limits are those of the bootstrap-t over groups (Efron & Tibshirani 1993), never narrower than Student's t with
    G - 1 degrees of freedom; both rest on the standard error that leaves out one group at a time. Up to 8 groups all
    resamples are enumerated. Where most groups score the same and the score is bounded, see
    :mod:`micrographia.statistics.bounded`. With crossed factors the distances of the limits along each are added in
    squares (Zou & Donner 2008), which is at least as wide as the widest of them.

    Parameters
    ----------
    scores
        Scores of items and their factors. Without any factor each item is a group of its own.
    unit
        Factor over whose groups the claim generalises.
    crossed
        Factors with which the unit is crossed.
    level
        Share of such intervals that hold the true score.
    seed
        Seed of the resampling.
    resamples
        Number of resamples beyond 8 groups.

    Returns
    -------
    The interval; NaN with a reason below 4 groups of a factor.

    Raises
    ------
    ValueError
        If a factor is unknown, or ``level`` is not between 0 and 1.
    """
    check_level(level)
    kept = evaluable(scores)
    if not kept.any():
        return Interval(
            float("nan"), float("nan"), level, "none", 0, scores.reason or "no item can be evaluated"
        )
    values, weights = scores.values[kept], weights_of(scores)[kept]
    bounds, sure = known_bounds(scores)
    factors = factor_groups(scores, (unit, *crossed), kept)
    spreads = [
        spread(
            sums(values, weights, factor), factor.name, bounds, ((1 - level) / 2,), (seed, place), resamples
        )
        for place, factor in enumerate(factors)
    ]
    reasons = [factor.reason for factor in factors]
    low, high = together(scores.score, spreads, 0)
    how = methods(spreads)
    if not isfinite(low) or not isfinite(high):
        low, high = opened(low, high, bounds if sure else None)
        reasons.append(why_open(spreads))
    elif sure and bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(low, high, level, how if isfinite(low + high) else "none", spreads[0].n, joined(reasons))


def spread(
    totals: Sums,
    name: str,
    bounds: tuple[float, float] | None,
    tails: Sequence[float],
    seed: Sequence[int],
    resamples: int = RESAMPLES,
) -> Spread:
    """Return how a score varies over the groups of one factor, with limits for each tail.

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
        none = (float("nan"), float("nan"))
        return Spread(name, n, error, max(n - 1, 0), (none,) * len(tails), "none")
    rng = np.random.default_rng(list(seed))
    score = totals.score
    flat = float(np.ptp(totals.means)) <= 1e-12 * max(1.0, abs(score))
    if flat:
        limits = [(float("-inf"), float("inf"))] * len(tails)
    else:
        ordered, chance = studentised(totals, resamples, rng)
        limits = []
        for tail in tails:
            low, high = quantiles(ordered, chance, tail)
            student = float(t.ppf(1 - tail, n - 1))
            limits.append((score - max(high, student) * error, score - min(low, -student) * error))
    method = f"bootstrap-t{' (all resamples)' if is_enumerated(n) else ''}"
    if bounds is not None and is_sparse(totals):
        exact = bounded_limits(totals, bounds, tails, rng)
        limits = [
            (max(low, least), min(high, most))
            for (low, high), (least, most) in zip(limits, exact, strict=True)
        ]
        method = "bounds of the score"
    return Spread(name, n, 0.0 if flat else error, n - 1, tuple(limits), method)


def together(score: float, spreads: Sequence[Spread], tail: int) -> tuple[float, float]:
    """Return limits over several factors: distances from the score added in squares (Zou & Donner 2008)."""
    low = sum((score - one.limits[tail][0]) ** 2 for one in spreads)
    high = sum((one.limits[tail][1] - score) ** 2 for one in spreads)
    return score - float(np.sqrt(low)), score + float(np.sqrt(high))


def check_level(level: float) -> None:
    """Raise ValueError if a level is not between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, not {level}")


def evaluable(scores: Scores) -> Array:
    """Return which items have a value and a weight, bool ``(n,)``."""
    return np.asarray(scores.evaluable & (weights_of(scores) > 0))


def weights_of(scores: Scores) -> Array:
    """Return the weight of each item ``(n,)``, 1 if it has none."""
    return np.ones(scores.n_items) if scores.weights is None else np.asarray(scores.weights)


def known_bounds(scores: Scores) -> tuple[tuple[float, float] | None, bool]:
    """Return the least and greatest possible value of an item, and whether that is known rather than guessed."""
    if scores.bounds is not None:
        return scores.bounds, True
    values = scores.values[scores.evaluable]
    if values.size and values.min() >= 0 and values.max() <= 1:
        return (0.0, 1.0), bool(np.isin(values, (0.0, 1.0)).all())
    return None, False


def opened(low: float, high: float, bounds: tuple[float, float] | None) -> tuple[float, float]:
    """Return limits of which one or both are not finite: the bounds of the score, else NaN."""
    least, most = bounds or (float("nan"), float("nan"))
    if np.isnan(low) or np.isnan(high):
        return float("nan"), float("nan")
    return (max(low, least) if isfinite(low) else least), (min(high, most) if isfinite(high) else most)


def why_open(spreads: Sequence[Spread]) -> str:
    """Say which factor leaves a score without an interval."""
    for one in spreads:
        what = one.name or "item"
        if one.n < MINIMUM_GROUPS:
            return f"{one.n} groups of {what}: an interval needs {MINIMUM_GROUPS}"
        if not isfinite(one.error):
            return f"one group of {what} holds all the weight"
        if one.error == 0:
            return f"all {one.n} groups of {what} score the same, so their spread is unknown"
    return "too few groups to bound the score at this level"


def methods(spreads: Sequence[Spread]) -> str:
    """Name the methods of several spreads, each once."""
    named = list(dict.fromkeys(one.method for one in spreads))
    text = " and ".join(named)
    return f"{text}, {' x '.join(one.name or 'item' for one in spreads)}" if len(spreads) > 1 else text


def joined(reasons: Sequence[str]) -> str:
    """Join reasons, each once."""
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))


def factor_groups(scores: Scores, names: Sequence[str], kept: Array) -> list[Groups]:
    """Return the groups of each factor among the items that are kept, each factor once."""
    return [group(dict(scores.factors), name, kept) for name in dict.fromkeys(names)]
