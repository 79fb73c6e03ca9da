"""Verdicts: what a comparison of two candidates on the same items can tell, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from micrographia.statistics.bounded import bounded_equivalence_p
from micrographia.statistics.crossing import distinct
from micrographia.statistics.equivalence import equivalence_p, equivalence_p_t
from micrographia.statistics.groups import Sums, sums
from micrographia.statistics.intervals import (
    check_level,
    evaluable,
    factor_groups,
    joined,
    known_bounds,
    weights_of,
)
from micrographia.statistics.power import POWER, minimum_detectable
from micrographia.statistics.scores import Scores
from micrographia.statistics.signflip import groups_needed, sign_flip_p, smallest_p
from micrographia.statistics.spread import (
    BOUNDED,
    MINIMUM_GROUPS,
    NONE,
    RESAMPLES,
    Spread,
    added,
    combined_error,
    over_crossed,
    over_groups,
    over_seeds,
    why_open,
)

Array = npt.NDArray[Any]


class Verdict(StrEnum):
    """What a comparison says.

    A difference that is real but shown to be smaller than delta is ``equivalent``: that it does not matter was said
    before it was seen.
    """

    BEATS = "beats"
    LOSES = "loses"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    TOO_FEW = "too few groups"
    UNDEFINED = "undefined"


@dataclass(frozen=True)
class Comparison:
    """A candidate against another on the same items.

    Attributes
    ----------
    difference
        Score of the first minus score of the second, over items that both could be evaluated on.
    low, high
        Its interval; NaN if there is none.
    p
        Two-sided p of no difference: the largest over the factors.
    p_equivalence
        p of a difference of delta or more, in either direction.
    minimum_detectable
        Difference that this design would find with 80% probability; NaN if none.
    n_groups
        Number of groups of the unit of generalisation.
    method
        How interval and p were made.
    delta
        The smallest difference that matters.
    verdict
        The word.
    reason
        What limits it.
    level
        Level of the interval; 1 minus the greatest p that counts.
    p_by_factor
        p of the sign flips along each factor.
    n_items
        Number of items compared.
    """

    difference: float
    low: float
    high: float
    p: float
    p_equivalence: float
    minimum_detectable: float
    n_groups: int
    method: str
    delta: float
    verdict: Verdict
    reason: str = ""
    level: float = 0.95
    p_by_factor: Mapping[str, float] = field(default_factory=dict)
    n_items: int = 0


def compare(
    a: Scores,
    b: Scores | Sequence[Scores],
    unit: str,
    crossed: Sequence[str] = (),
    *,
    delta: float,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare two candidates by the paired differences of groups.

    p is that of exact sign flips of the groups' differences (sampled beyond 32 groups), the largest along the unit and
    each crossed factor. The interval is that of :func:`interval`. *beats* and *loses* need both: p at most
    ``1 - level`` and an interval without 0. *equivalent* needs two one-sided sign-flip tests at delta and an interval
    of level ``1 - 2 (1 - level)`` within +-delta. With several factors, or several seeds, p is also at least that of a
    t test whose squared standard error is the sum of theirs, with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    a
        Scores of the candidate.
    b
        Scores of what it is compared with, on the same items. Several (seeds of an untrained twin): the difference is
        the mean over them, and they are a random factor; the claim is about the one checkpoint against such twins.
    unit
        Factor over whose groups the claim generalises; without any factor each item is a group of its own.
    crossed
        Factors with which the unit is crossed: the verdict must hold along each.
    delta
        The smallest difference that matters, at least 0, in units of the score.
    level
        Level of the interval.
    seed
        Seed of the resampling.
    resamples
        Number of resamples beyond 8 groups.

    Returns
    -------
    The comparison with its verdict; ``undefined`` with a reason if a score cannot be had.

    Raises
    ------
    ValueError
        If the items, their weights or their groups differ, a factor is unknown, ``delta`` is negative or not finite,
        or ``level`` is not between 0 and 1.
    """
    check_level(level)
    if not (isfinite(delta) and delta >= 0):
        raise ValueError(f"delta must be 0 or more, not {delta}")
    others = [b] if isinstance(b, Scores) else list(b)
    _check_pairs(a, others, (unit, *crossed))
    kept = np.logical_and.reduce([evaluable(one) for one in (a, *others)])
    factors = distinct(factor_groups(a, (unit, *crossed), kept))
    if not kept.any():
        return _undefined(a, others, delta, level, factors[0].n)
    reasons = [factor.reason for factor in factors]
    left_out = max(one.n_evaluable for one in (a, *others)) - int(kept.sum())
    if left_out:
        reasons.append(f"{left_out} items could not be evaluated for both and are left out")
    weights = _common_weights(a, others, kept)
    by_seed = a.values[kept] - np.array([one.values[kept] for one in others])
    differences = by_seed.mean(axis=0)
    bounds, guessed = _difference_bounds([a, *others])
    if not by_seed.any() and guessed:
        bounds = (0.0, 0.0)  # identical and not of a few possible values: no accident
        reasons.append("identical on every item")
    tails = ((1 - level) / 2, 1 - level)
    totals = [sums(differences, weights, factor) for factor in factors]
    single = [
        over_groups(total, factor.name, bounds, tails, (seed, place), resamples)
        for place, (total, factor) in enumerate(zip(totals, factors, strict=True))
    ]
    sources = [over_crossed(differences, weights, factors, single, tails, (seed, len(factors)), resamples)]
    if not isinstance(b, Scores):
        reasons.append(_what_seeds_allow(len(others)))
        if len(others) > 1:
            sources.append(over_seeds(by_seed @ weights / weights.sum(), tails))
    return _judge(_Evidence(totals, single, sources, bounds, reasons, int(kept.sum())), delta, level, seed)


def beats_all(comparisons: Iterable[Comparison]) -> Verdict:
    """Return whether a candidate beats everything that it is compared with: an intersection-union test.

    Each comparison is judged at its own level and nothing is corrected, because all must hold (Berger 1982).

    Returns
    -------
    ``beats`` if all do, ``loses`` if one loses, else the word of the weakest: undefined, too few groups, undecided,
    equivalent. Without comparisons, undefined.
    """
    words = {comparison.verdict for comparison in comparisons}
    order = (
        Verdict.LOSES,
        Verdict.UNDEFINED,
        Verdict.TOO_FEW,
        Verdict.UNDECIDED,
        Verdict.EQUIVALENT,
        Verdict.BEATS,
    )
    return next((word for word in order if word in words), Verdict.UNDEFINED)


@dataclass(frozen=True)
class _Evidence:
    """Differences summed along each factor, their spread along each, and the independent sources of spread."""

    totals: Sequence[Sums]
    single: Sequence[Spread]
    sources: Sequence[Spread]
    bounds: tuple[float, float] | None
    reasons: list[str]
    n_items: int


def _judge(evidence: _Evidence, delta: float, level: float, seed: int) -> Comparison:
    totals, single, sources, reasons = evidence.totals, evidence.single, evidence.sources, evidence.reasons
    difference = totals[0].score
    alpha = 1 - level
    by_factor = {
        one.name or "item": sign_flip_p(total.above, seed=seed)
        for total, one in zip(totals, single, strict=True)
    }
    error, df = combined_error(sources)
    p = max(by_factor.values())
    p_equivalence = max(
        _equivalence(total, one, evidence.bounds, delta, seed)
        for total, one in zip(totals, single, strict=True)
    )
    if len(single) + len(sources) > 2 and isfinite(error) and error > 0:
        p = max(p, float(2 * t.sf(abs(difference) / error, df)))
        p_equivalence = max(p_equivalence, equivalence_p_t(difference, error, df, delta))
    low, high = added(difference, sources, 0)
    inner = added(difference, sources, 1)
    method = " plus ".join(one.method for one in sources)
    if not (isfinite(low) and isfinite(high)):
        low = high = float("nan")
        method = NONE
        reasons.append(why_open(single))
    fewest = min(one.n for one in single)
    equivalent = p_equivalence <= alpha + 1e-12 and -delta < inner[0] and inner[1] < delta
    if fewest < MINIMUM_GROUPS or (fewest < groups_needed(alpha) and not equivalent):
        verdict = Verdict.TOO_FEW
        reasons.append(_too_few(single, alpha))
    elif equivalent:
        verdict = Verdict.EQUIVALENT
        if p <= alpha:
            reasons.append("a difference is there, but smaller than delta")
    elif p <= alpha + 1e-12 and (low > 0 or high < 0):
        verdict = Verdict.BEATS if low > 0 else Verdict.LOSES
    else:
        verdict = Verdict.UNDECIDED
        reasons.append(_few_differ(totals, single, alpha))
        if p <= alpha:
            reasons.append(f"p is {p:.2g}, but the interval holds 0")
    return Comparison(
        difference=difference,
        low=low,
        high=high,
        p=p,
        p_equivalence=p_equivalence,
        minimum_detectable=_detectable(evidence, error, df, level, (high - low) / 2),
        n_groups=single[0].n,
        method=f"sign flips; {method}",
        delta=delta,
        verdict=verdict,
        reason=joined(reasons),
        level=level,
        p_by_factor=by_factor,
        n_items=evidence.n_items,
    )


def _equivalence(
    total: Sums, one: Spread, bounds: tuple[float, float] | None, delta: float, seed: int
) -> float:
    p = equivalence_p(total, delta, seed=seed)
    if one.method == BOUNDED and bounds is not None:
        p = max(p, bounded_equivalence_p(total, bounds, delta, np.random.default_rng(seed)))
    return p


def _detectable(evidence: _Evidence, error: float, df: float, level: float, reach: float) -> float:
    """Return what the verdict finds: at least what sign flips do, and half the interval and the error of one side."""
    fewest = min(one.n for one in evidence.single)
    if not isfinite(error) or error == 0 or fewest < max(MINIMUM_GROUPS, groups_needed(1 - level)):
        return float("nan")
    by_signs = max(
        minimum_detectable(one.error * sqrt(one.n), one.n, effective=total.effective, level=level)
        for one, total in zip(evidence.single, evidence.totals, strict=True)
    )
    by_interval = reach + float(t.ppf(POWER, df)) * error if isfinite(reach) else 0.0
    return max(by_signs, by_interval)


def _what_seeds_allow(n: int) -> str:
    if n < 2:
        return "one seed: nothing is said about other seeds"
    return f"{n} seeds are a random factor: a claim about this checkpoint, not about the method"


def _difference_bounds(candidates: Sequence[Scores]) -> tuple[tuple[float, float] | None, bool]:
    """Return the bounds of a difference, and whether they are guessed from the values."""
    found = [known_bounds(one) for one in candidates]
    known = [bounds for bounds, _ in found if bounds is not None]
    guessed = not all(sure for _, sure in found)
    if len(known) < len(found):
        return None, True
    least, most = min(low for low, _ in known), max(high for _, high in known)
    return (least - most, most - least), guessed


def _common_weights(a: Scores, others: Sequence[Scores], kept: Array) -> Array:
    weights = weights_of(a)[kept]
    weights = weights / weights.sum()
    for other in others:
        theirs = weights_of(other)[kept]
        if not np.allclose(weights, theirs / theirs.sum(), rtol=1e-9, atol=0):
            raise ValueError("the items of both have different weights")
    return weights * len(weights)


def _check_pairs(a: Scores, others: Sequence[Scores], names: Sequence[str]) -> None:
    if not others:
        raise ValueError("nothing to compare with")
    for other in others:
        if other.n_items != a.n_items:
            raise ValueError(f"{a.n_items} items against {other.n_items}: both must have the same items")
        if a.items and other.items and list(a.items) != list(other.items):
            raise ValueError("both must have the same items in the same order")
        for name in names:
            if name in a.factors and name in other.factors:
                theirs, ours = other.factors[name], a.factors[name]
                if theirs is not ours and any(
                    x != y and (x == x or y == y) for x, y in zip(ours, theirs, strict=True)
                ):
                    raise ValueError(f"the items of both have different groups of {name}")


def _undefined(a: Scores, others: Sequence[Scores], delta: float, level: float, n_groups: int) -> Comparison:
    nan = float("nan")
    said = joined([one.reason for one in (a, *others)]) or "no item can be evaluated for both"
    return Comparison(nan, nan, nan, nan, nan, nan, n_groups, "none", delta, Verdict.UNDEFINED, said, level)


def _named(n: int, one: Spread) -> str:
    return f"{n} groups of {one.name}" if one.name else f"{n} items"


def _too_few(single: Sequence[Spread], alpha: float) -> str:
    needed = max(groups_needed(alpha), MINIMUM_GROUPS)
    one = min(single, key=lambda each: each.n)
    return f"{_named(one.n, one)}: p cannot be below {smallest_p(one.n):.3g}; {needed} are needed for p of {alpha:.3g}"


def _few_differ(totals: Sequence[Sums], single: Sequence[Spread], alpha: float) -> str:
    for total, one in zip(totals, single, strict=True):
        differ = int((total.above != 0).sum())
        if differ < groups_needed(alpha):
            return f"only {differ} of {_named(total.n, one)} differ"
    return ""
