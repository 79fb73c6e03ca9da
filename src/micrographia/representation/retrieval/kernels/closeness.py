"""Similarities that float32 cannot tell apart, told apart in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled, summing
from micrographia.representation.retrieval.kernels.sorting import falling_order
from micrographia.representation.retrieval.kernels.standing import NOT_SOUGHT

Array = npt.NDArray[Any]
MANY = 2048
"""Most rows whose similarity to one query is computed again."""
FINER = 1e-6
"""Similarities in float64 tie within this part of what rounding can do in float32."""
SKIM = 256


@compiled
def exact_query(query: int, exact: Any) -> Array:
    """Return a query's features as :func:`exact_similarity` takes them, float64."""
    features, means, factors, _ = exact
    row = np.empty(features.shape[1])
    for at in range(row.size):
        row[at] = (np.float64(features[query, at]) - means[query]) * factors[query]
    return row


@summing
def exact_similarity(mine: Array, other: int, exact: Any) -> float:
    """Return the similarity of a query and a row in float64; euclidean: minus half the squared distance."""
    features, means, factors, euclidean = exact
    factor, total = factors[other], 0.0
    if euclidean:
        for at in range(mine.size):
            apart = mine[at] - np.float64(features[other, at]) * factor
            total += apart * apart
        return -0.5 * total
    mean = means[other]
    for at in range(mine.size):
        total += mine[at] * ((np.float64(features[other, at]) - mean) * factor)
    return total


@compiled
def reach_of(similarity: float, length: float, offset: float, tolerance: float, euclidean: bool) -> float:
    """Return how far rounding can move a similarity to a query of some length.

    Euclidean: a row at distance D of the query is at most ``L = length + D`` long, and rounding moves
    ``x . y - |y|^2 / 2`` by a part of ``length L + L^2 / 2``. ``offset`` is half the squared length of the query.
    """
    if not euclidean:
        return tolerance * length
    longest = length + math.sqrt(max(0.0, 2.0 * (offset - similarity)))
    return tolerance * (length * longest + 0.5 * longest * longest)


@compiled
def window(falling: Array, low: int, high: int, upper: float, lower: float) -> tuple[int, int]:
    """Return where ``falling[:, 0]`` is at most ``upper`` and above ``lower``, sought from ``low`` and ``high``."""
    n = falling.shape[0]
    while low > 0 and not falling[low - 1, 0] > upper:
        low -= 1
    while low < n and falling[low, 0] > upper:
        low += 1
    high = max(high, low)
    while high < n and falling[high, 0] > lower:
        high += 1
    while high > low and not falling[high - 1, 0] > lower:
        high -= 1
    return low, high


@summing
def _within(values: Array, lower: float, upper: float) -> Any:
    count = np.float32(0.0)
    for at in range(values.size):
        count += np.float32(1.0) if (values[at] > lower) & (values[at] <= upper) else np.float32(0.0)
    return count


@compiled
def collect(values: Array, intervals: Array, where: Array) -> int:
    """Write the places of values in any of a few disjoint intervals (above, at most) into ``where``.

    Returns
    -------
    How many there are, or -1 if more than fit.
    """
    found = 0
    for start in range(0, values.size, SKIM):
        part = values[start : start + SKIM]
        for one in range(intervals.shape[0]):
            lower, upper = intervals[one, 0], intervals[one, 1]
            if _within(part, lower, upper) > 0:
                for at in range(part.size):
                    if lower < part[at] <= upper:
                        if found == where.size:
                            return -1
                        where[found] = start + at
                        found += 1
    return found


@compiled
def _intervals(places: Array, thresholds: Array, positives: int) -> Array:
    """Return the disjoint intervals, ascending, around the positives that have negatives close by."""
    made = np.empty((positives, 2), np.float32)
    count = 0
    for back in range(positives):
        at = positives - 1 - back
        if places[at, 3] == 0:
            continue
        upper, lower = thresholds[2 * at], thresholds[2 * at + 1]
        while count > 0 and made[count - 1, 1] >= lower:
            lower = min(lower, made[count - 1, 0])
            upper = max(upper, made[count - 1, 1])
            count -= 1
        made[count, 0] = lower
        made[count, 1] = upper
        count += 1
    return made[:count]


@compiled
def refine(
    values: Array,
    others: Array,
    whole: bool,
    query: int,
    found: Array,
    spread: Array,
    thresholds: Array,
    space: Any,
    where: Array,
    close: int,
    places: Array,
) -> None:
    """Count again, in float64, what is above each positive and what ties with it among what is close to it.

    ``where`` holds the places of the ``close`` values that are close to a positive, if they were sought already.
    """
    exact, twins = space[0], space[1]
    positives = spread.shape[0]
    if close == NOT_SOUGHT:
        close = collect(values, _intervals(places, thresholds, positives), where)
    company = 0
    for at in range(positives):
        company += places[at, 1] > 1 or places[at, 3] > 0
    if close < 0 or close + company > MANY:
        return
    rough = np.empty(close, np.float32)
    for at in range(close):
        rough[at] = values[where[at]]
    order = falling_order(rough)
    near = np.empty((close, 1), np.float32)
    finer = np.empty(close)
    twin, known = -1, 0.0
    query_row = exact_query(query, exact)
    for at in range(close):
        place = where[order[at]]
        near[at, 0] = values[place]
        other = place if whole else others[place]
        if twins[other] != twin:
            twin = twins[other]
            known = exact_similarity(query_row, twin, exact)
        finer[at] = known
    mine = np.empty(positives)
    for at in range(positives):
        if places[at, 1] > 1 or places[at, 3] > 0:
            if twins[found[at]] != twin:
                twin = twins[found[at]]
                known = exact_similarity(query_row, twin, exact)
            mine[at] = known
    low, high, left, right = 0, 0, 0, 0
    for at in range(positives):
        if places[at, 1] == 1 and places[at, 3] == 0:
            continue
        upper, lower = thresholds[2 * at], thresholds[2 * at + 1]
        reach = FINER * spread[at, 1]
        low, high = window(near, low, high, upper, lower)
        above, tied = _compare(finer, low, high, mine[at], reach)
        places[at, 2] += above
        places[at, 3] = tied
        left, right = window(spread, left, right, upper, lower)
        above, tied = _compare(mine, left, right, mine[at], reach)
        places[at, 0] = left + above
        places[at, 1] = tied


@compiled
def _compare(finer: Array, low: int, high: int, value: float, reach: float) -> tuple[int, int]:
    above, tied = 0, 0
    for at in range(low, high):
        above += finer[at] > value + reach
        tied += value - reach <= finer[at] <= value + reach
    return above, tied
