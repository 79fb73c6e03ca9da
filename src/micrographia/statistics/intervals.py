"""Intervals of scores over groups, and over several crossed factors at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.statistics.crossing import distinct
from micrographia.statistics.groups import Groups, group, sums
from micrographia.statistics.scores import Scores
from micrographia.statistics.spread import NONE, RESAMPLES, over_crossed, over_groups, why_open

Array = npt.NDArray[Any]


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
    :mod:`micrographia.statistics.bounded`. With crossed factors the limits are the widest of those along each factor
    and of the studentised pigeonhole bootstrap (Owen 2007) over all of them.

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
    factors = distinct(factor_groups(scores, (unit, *crossed), kept))
    tails = ((1 - level) / 2,)
    spreads = [
        over_groups(sums(values, weights, factor), factor.name, bounds, tails, (seed, place), resamples)
        for place, factor in enumerate(factors)
    ]
    whole = over_crossed(values, weights, factors, spreads, tails, (seed, len(factors)), resamples)
    reasons = [factor.reason for factor in factors]
    low, high = whole.limits[0]
    if not isfinite(low) or not isfinite(high):
        low, high = opened(low, high, bounds if sure else None)
        reasons.append(why_open(spreads))
    elif sure and bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    method = whole.method if isfinite(low + high) else NONE
    return Interval(low, high, level, method, spreads[0].n, joined(reasons))


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


def joined(reasons: Sequence[str]) -> str:
    """Join reasons, each once."""
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))


def factor_groups(scores: Scores, names: Sequence[str], kept: Array) -> list[Groups]:
    """Return the groups of each factor among the items that are kept, each factor once."""
    return [group(scores.factors, name, kept) for name in dict.fromkeys(names)]
