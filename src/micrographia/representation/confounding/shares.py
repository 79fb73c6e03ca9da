"""What two sets of features have in common: their scores over chance divided into unique and shared parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from micrographia.representation.probes.labels import Array
from micrographia.statistics import Interval, interval
from micrographia.statistics.scores import Scores

_NAN = float("nan")


@dataclass(frozen=True)
class Part:
    """A share with its interval; NaN with a reason where it is suppressed."""

    value: float
    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True)
class Shares:
    """The way from chance to a perfect score, divided by who covers it.

    ``unique + unique_baseline + shared + residual = 1``. A shared part below 0 means that either hides what the other
    shows (suppression): they say more together than one by one.

    Attributes
    ----------
    unique
        Only the representation: ``(BZ - B) / (best - chance)``.
    unique_baseline
        Only the baseline: ``(BZ - Z) / (best - chance)``.
    shared
        Either of them: ``(B + Z - BZ - chance) / (best - chance)``.
    residual
        Neither: ``(best - BZ) / (best - chance)``.
    explained
        How much of what the representation scores over chance the baseline scores too:
        ``(B + Z - BZ - chance) / (Z - chance)``.
    reason
        Why they are suppressed.
    """

    unique: Part
    unique_baseline: Part
    shared: Part
    residual: Part
    explained: Part
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return values and limits as JSON values: unique, unique_low, unique_high and so on; null for NaN."""
        flat: dict[str, Any] = {}
        for name in ("unique", "unique_baseline", "shared", "residual", "explained"):
            part: Part = getattr(self, name)
            for key, number in ((name, part.value), (f"{name}_low", part.low), (f"{name}_high", part.high)):
                flat[key] = number if isfinite(number) else None
        flat["reason"] = self.reason or self.explained.reason or None
        return flat


def shares(
    baseline: Scores,
    candidate: Scores,
    both: Scores,
    chance: Scores | float,
    unit: str,
    crossed: Sequence[str] = (),
    *,
    best: float = 1.0,
    level: float = 0.95,
    seed: int = 0,
) -> Shares:
    """Divide scores over chance by commonality analysis, with intervals over groups.

    The analysis is that of Mood (1971) and Seibold & McPhee (1979), as used for confounds of predictions by Dinga et
    al. (2020). Each part is a weighted mean of items, so it gets the interval of any score. The explained share is a
    ratio: its interval is that of its linearisation over items. All parts are suppressed when the interval of
    ``BZ - chance`` includes 0, the explained share also when that of ``Z - chance`` does.

    Parameters
    ----------
    baseline, candidate, both
        Scores of B, Z and [B, Z]: the same items in the same order.
    chance
        Scores of the same items without features, or a number.
    unit, crossed
        Unit of generalisation and the factors with which it is crossed.
    best
        Score of a perfect candidate.
    level, seed
        See :func:`micrographia.statistics.interval`.

    Raises
    ------
    ValueError
        If the numbers of items differ.
    """
    b, z, bz, c, kept, weights, differ = _aligned(baseline, candidate, both, chance)
    if differ:
        return _suppressed(
            "other rows could be evaluated with one than with the other, so that rows weigh differently"
        )
    factors = {name: [labels[at] for at in kept] for name, labels in candidate.factors.items()}

    least, most = candidate.bounds or (-np.inf, np.inf)
    spread = most - least

    def over(values: Array, low: float, high: float) -> tuple[float, Interval]:
        known = (float(low), float(high)) if np.isfinite([low, high]).all() else None
        scores = Scores(values, factors, weights, bounds=known)
        return scores.score, interval(scores, unit, crossed, level=level, seed=seed)

    if not len(kept):
        return _suppressed("no item could be evaluated with both")
    joint, limits = over(bz - c, least - c.max(), most - c.min())
    if not _positive(limits):
        return _suppressed(
            f"together they are not above chance ({_told(joint, limits)}), with nothing to divide"
        )
    room = best - Scores(c, factors, weights).score
    if room <= 0:
        return _suppressed("chance is a perfect score already")

    def part(values: Array, low: float, high: float) -> Part:
        value, found = over(values / room, low / room, high / room)
        return Part(value, found.low, found.high, found.reason)

    common = b + z - bz - c
    own, within = over(z - c, least - c.max(), most - c.min())
    if _positive(within):
        ratio = Scores(common, factors, weights).score / own
        value, found = over(ratio + (common - ratio * (z - c)) / own, -np.inf, np.inf)
        explained = Part(value, found.low, found.high, found.reason)
    else:
        explained = Part(
            _NAN, _NAN, _NAN, f"the representation alone is not above chance ({_told(own, within)})"
        )
    return Shares(
        part(bz - b, -spread, spread),
        part(bz - z, -spread, spread),
        part(common, 2 * least - most - c.max(), 2 * most - least - c.min()),
        part(best - bz, best - most, best - least),
        explained,
    )


def _aligned(
    baseline: Scores, candidate: Scores, both: Scores, chance: Scores | float
) -> tuple[Array, Array, Array, Array, list[int], Array, bool]:
    found = [baseline, candidate, both]
    if isinstance(chance, Scores):
        found.append(chance)
    if len({held.n_items for held in found}) != 1:
        raise ValueError(f"scores are of {[held.n_items for held in found]} items")
    usable = np.all([held.evaluable for held in found], axis=0)
    every = [np.ones(held.n_items) if held.weights is None else held.weights for held in found]
    kept = np.flatnonzero(usable)
    weights = every[1][kept]
    differ = not all(np.allclose(held[kept], weights, rtol=1e-9, atol=1e-12) for held in every)
    values = [held.values[kept] for held in found]
    level = values[3] if isinstance(chance, Scores) else np.full(len(kept), float(chance))
    return values[0], values[1], values[2], level, kept.tolist(), weights, differ


def _positive(limits: Interval) -> bool:
    return isfinite(limits.low) and limits.low > 0


def _told(value: float, limits: Interval) -> str:
    if not isfinite(limits.low):
        return f"{value:.3f}, no interval: {limits.reason}" if limits.reason else f"{value:.3f}, no interval"
    return f"{value:.3f}, {limits.low:.3f} to {limits.high:.3f}"


def _suppressed(reason: str) -> Shares:
    nothing = Part(_NAN, _NAN, _NAN, reason)
    return Shares(nothing, nothing, nothing, nothing, nothing, reason)
