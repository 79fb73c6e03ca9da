"""Rankings: how sure the place of a model is, whether two orders agree, and what trusting an order costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations as orders_of
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.statistics.groups import Sums, sums
from micrographia.statistics.intervals import (
    check_level,
    evaluable,
    factor_groups,
    joined,
    weights_of,
)
from micrographia.statistics.resampling import BLOCK, is_enumerated, n_resamples, ratios, resample_counts
from micrographia.statistics.scores import Scores
from micrographia.statistics.spread import MINIMUM_GROUPS, RESAMPLES

Array = npt.NDArray[Any]

TIED = 8
"""Up to this number of models with ties all orders are enumerated (40,320 for 8)."""


@dataclass(frozen=True)
class RankCorrelation:
    """Whether two rankings agree.

    Attributes
    ----------
    tau
        Kendall's tau-b; NaN if a ranking is constant.
    p
        Chance of such agreement or better (or, two-sided, such a distance from 0) among all orders.
    smallest_p
        The smallest p that so many models can give.
    n
        Number of models, over all rankings that were pooled.
    method
        How p was made.
    reason
        Why there is none.
    """

    tau: float
    p: float
    smallest_p: float
    n: int
    method: str
    reason: str = ""


@dataclass(frozen=True)
class RankInterval:
    """Between which places a model lies, 1 being the best."""

    name: str
    score: float
    rank: float
    low: int
    high: int


def kendall_tau(
    x: npt.ArrayLike, y: npt.ArrayLike, *, sides: int = 1, draws: int = 20_000, seed: int = 0
) -> RankCorrelation:
    """Return Kendall's tau-b of two scores of the same models, with exact p.

    p is counted over all orders of the models: without ties by recursion (Kendall 1938), with ties by enumeration up
    to 8 models, beyond by drawn orders. Four models can give no p below 1/24.

    Parameters
    ----------
    x, y
        Scores of the models ``(m,)``; models with NaN are left out.
    sides
        1: agreement. 2: agreement or disagreement.
    draws, seed
        Drawn orders for more than 8 models with ties.

    Raises
    ------
    ValueError
        If the scores are not equally many.
    """
    return pooled_kendall_tau([(x, y)], sides=sides, draws=draws, seed=seed)


def pooled_kendall_tau(
    pairs: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    *,
    sides: int = 1,
    draws: int = 20_000,
    seed: int = 0,
) -> RankCorrelation:
    """Return the agreement of rankings pooled over several target datasets.

    The numbers of concordant minus discordant pairs are added over datasets, and so is their null. With three or four
    models one dataset cannot decide; several together can.

    Parameters
    ----------
    pairs
        For each dataset the two scores of its models ``(m,)``; models with NaN are left out.
    sides
        1: agreement. 2: agreement or disagreement.
    draws, seed
        Drawn orders for datasets of more than 8 models with ties.

    Raises
    ------
    ValueError
        If two scores are not equally many.
    """
    nan = float("nan")
    total, models, scale = 0, 0, np.zeros(2)
    null, exact = np.ones(1), True
    rng = np.random.default_rng(seed)
    for first, second in pairs:
        x, y = _finite_pair(first, second)
        concordance, untied = _concordance(x, y)
        total += concordance
        scale += untied
        models += len(x)
        chance, listed = _null(x, y, draws, rng)
        exact &= listed
        null = np.convolve(null, chance)
    if not scale.all():
        return RankCorrelation(
            nan, nan, nan, models, "none", "a ranking without two different scores has no order"
        )
    middle = len(null) // 2
    support = np.arange(len(null)) - middle
    reached = np.abs(support) >= abs(total) if sides == 2 else support >= total
    likely = null > 1e-300
    most = int(np.abs(support[likely]).max())
    extreme = np.abs(support) >= most if sides == 2 else support >= int(support[likely].max())
    p, least = float(null[reached].sum()), float(null[extreme].sum())
    if not exact:
        p, least = (1 + p * draws) / (1 + draws), 1 / (1 + draws)
    return RankCorrelation(
        total / float(np.sqrt(scale.prod())),
        min(1.0, p),
        least,
        models,
        "exact" if exact else f"{draws} drawn orders",
    )


def regret(scores: npt.ArrayLike, trusted: npt.ArrayLike) -> float:
    """Return the score lost by taking the model that a ranking puts first, instead of the best.

    Parameters
    ----------
    scores
        True scores of the models ``(m,)``; models with NaN are left out.
    trusted
        What the ranking says about each; of several firsts the mean is taken.

    Returns
    -------
    Loss in units of the score, at least 0; NaN without models.

    Raises
    ------
    ValueError
        If the scores are not equally many.
    """
    true, said = _finite_pair(scores, trusted)
    if not len(true):
        return float("nan")
    return float(true.max() - true[said == said.max()].mean())


def rank_intervals(
    candidates: Mapping[str, Scores],
    unit: str,
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[list[RankInterval], str]:
    """Return the place of each candidate with an interval that holds for all of them at once.

    A candidate is surely below another if their difference, divided by its standard error, exceeds what the largest of
    all such ratios reaches with probability ``1 - level`` when groups are resampled. The best place is one more than
    the number of candidates that are surely above it (Mohamad, Goeman & van Zwet 2019). Up to 8 groups all resamples
    are enumerated.

    Parameters
    ----------
    candidates
        Name to scores on the same items.
    unit
        Factor over whose groups the claim generalises.
    level
        Probability that all intervals hold the true place.
    seed
        Seed of the resampling.
    resamples
        Number of resamples beyond 8 groups.

    Returns
    -------
    One entry a candidate, in the order given, and what limits them. Below 4 groups each place is possible.

    Raises
    ------
    ValueError
        If the items or weights differ, or the factor is unknown.
    """
    check_level(level)
    listed = list(candidates.values())
    if not listed:
        return [], ""
    if len({one.n_items for one in listed}) > 1:
        raise ValueError("all candidates must have the same items")
    kept = np.logical_and.reduce([evaluable(one) for one in listed])
    factor = factor_groups(listed[0], (unit,), kept)[0]
    weights = weights_of(listed[0])[kept]
    if any(not np.allclose(weights_of(one)[kept], weights) for one in listed):
        raise ValueError("the items of the candidates have different weights")
    totals = [sums(one.values[kept], weights, factor) for one in listed] if kept.any() else []
    scores = np.array([one.score for one in totals] or [np.nan] * len(listed))
    m = len(listed)
    above = np.zeros((m, m), dtype=bool)
    reasons = [factor.reason]
    if not totals or totals[0].n < MINIMUM_GROUPS:
        reasons.append(f"{factor.n} group{'' if factor.n == 1 else 's'}: every place is possible")
    else:
        above = _surely_above(totals, level, resamples, np.random.default_rng(seed))
    ranks = (
        1
        + (scores[None] > scores[:, None]).sum(axis=1)
        + ((scores[None] == scores[:, None]).sum(axis=1) - 1) / 2
    )
    places = zip(candidates, scores, ranks, 1 + above.sum(axis=0), m - above.sum(axis=1), strict=True)
    found = [
        RankInterval(
            name, float(score), float(rank) if np.isfinite(score) else float("nan"), int(low), int(high)
        )
        for name, score, rank, low, high in places
    ]
    return found, joined(reasons)


def _surely_above(totals: Sequence[Sums], level: float, resamples: int, rng: np.random.Generator) -> Array:
    """Return which candidate is surely above which, ``(m, m)``, all at once."""
    n, m = totals[0].n, len(totals)
    first, second = np.triu_indices(m, 1)
    pairs = [
        Sums(totals[i].above - totals[j].above, totals[i].below)
        for i, j in zip(first.tolist(), second.tolist(), strict=True)
    ]
    centres = np.array([pair.score for pair in pairs])
    errors = np.array([pair.standard_error for pair in pairs])
    varied = errors > 1e-12 * np.maximum(1.0, np.abs(centres))
    above = np.zeros((m, m), dtype=bool)
    largest, chances = [], []
    left, size = n_resamples(n, resamples), max(1, BLOCK // n)
    while left > 0:
        counts, chance = resample_counts(n, min(size, left), rng)
        left -= len(counts)
        drawn = counts.astype(np.float64)
        reached = np.zeros(len(counts))
        for pair in (pair for pair, one in zip(pairs, varied, strict=True) if one):
            reached = np.maximum(reached, np.abs(ratios(pair, drawn)))
        largest.append(reached)
        chances.append(chance if is_enumerated(n) else np.full(len(counts), 1 / resamples))
    reached, chance = np.concatenate(largest), np.concatenate(chances)
    order = np.argsort(reached)
    place = int(np.searchsorted(np.cumsum(chance[order]), level - 1e-12))
    bound = reached[order][min(place, len(order) - 1)]
    # The bound is infinite where too many resamples have no error; what does not vary has none either.
    sure = varied & (np.abs(centres) > bound * np.where(varied, errors, 1.0))
    above[first, second] = sure & (centres > 0)
    above[second, first] = sure & (centres < 0)
    return above


def _finite_pair(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"scores have shapes {x.shape} and {y.shape}; both must be (m,)")
    kept = np.isfinite(x) & np.isfinite(y)
    return x[kept], y[kept]


def _signs(x: Array) -> Array:
    first, second = np.triu_indices(len(x), 1)
    return np.asarray(np.sign(x[..., first] - x[..., second]).astype(np.int64))


def _concordance(x: Array, y: Array) -> tuple[int, Array]:
    """Return concordant minus discordant pairs, and the pairs that are not tied in x, and in y."""
    a, b = _signs(x), _signs(y)
    return int((a * b).sum()), np.array([np.abs(a).sum(), np.abs(b).sum()], dtype=np.float64)


def _null(x: Array, y: Array, draws: int, rng: np.random.Generator) -> tuple[Array, bool]:
    """Return the chance of each number of concordant minus discordant pairs, and whether it is exact."""
    m = len(x)
    pairs = m * (m - 1) // 2
    chance = np.zeros(2 * pairs + 1)
    if len(np.unique(x)) == m and len(np.unique(y)) == m:
        inversions = _inversions(m)
        chance[pairs + np.arange(pairs, -pairs - 1, -2)] = inversions
        return chance, True
    exact = m <= TIED
    orders = (
        np.array(list(orders_of(range(m))))
        if exact
        else rng.permuted(np.tile(np.arange(m), (draws, 1)), axis=1)
    )
    fixed = _signs(x)
    first, second = np.triu_indices(m, 1)
    size = max(1, 4_000_000 // max(1, pairs))
    for start in range(0, len(orders), size):
        shuffled = y[orders[start : start + size]]
        found = (np.sign(shuffled[:, first] - shuffled[:, second]) @ fixed).astype(np.int64)
        chance += np.bincount(found + pairs, minlength=len(chance))
    return chance / len(orders), exact


@lru_cache(maxsize=64)
def _inversions(m: int) -> Array:
    """Return the share of orders of m models with each number of inverted pairs."""
    counts = np.ones(1)
    for size in range(2, m + 1):
        counts = np.convolve(counts, np.full(size, 1 / size))
    return counts
