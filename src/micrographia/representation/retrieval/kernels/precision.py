"""Ranks of the positives among the negatives, and what is computed from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.closeness import MANY, reach_of, refine, window
from micrographia.representation.retrieval.kernels.jit import compiled
from micrographia.representation.retrieval.kernels.pairs import find_positives, mark
from micrographia.representation.retrieval.kernels.rows import copy_twins
from micrographia.representation.retrieval.kernels.sorting import falling_order
from micrographia.representation.retrieval.kernels.standing import count_above, rising

Array = npt.NDArray[Any]
EXACT = 16
"""Up to so many tied rows the sum of reciprocals is made term by term."""


@compiled
def precision_share(above_pos: int, tied_pos: int, above_neg: int, tied_neg: int, harmonic: Array) -> float:
    """Return the expected precision at a positive that ties, itself included, with ``tied_pos`` and ``tied_neg`` rows.

    At place i of m tied rows below ``above`` others the precision is ``(above_pos + 1 + (i - 1) (tied_pos - 1) /
    (m - 1)) / (above + i)`` in expectation over the orders of the tied rows; this is its mean over i.
    """
    above = above_pos + above_neg
    tied = tied_pos + tied_neg
    if tied == 1:
        return (above_pos + 1.0) / (above + 1.0)
    slope = (tied_pos - 1.0) / (tied - 1.0)
    if tied <= EXACT:
        total = 0.0
        for at in range(tied):
            total += (above_pos + 1.0 + at * slope) / (above + 1.0 + at)
        return total / tied
    sums = harmonic[above + tied] - harmonic[above]
    return ((above_pos + 1.0) * sums + slope * (tied - (above + 1.0) * sums)) / tied


@compiled
def rank_positives(
    row: Array,
    query: int,
    space: Any,
    pairs: Any,
    keep: int,
    scratch: Any,
) -> int:
    """Find where the ``keep`` best positives of one query stand, and those that tie with the last of them.

    ``space`` is what a space gives to kernels, ``pairs`` what a pairing does, ``scratch`` what :func:`make_scratch`
    made. The row of similarities is used up.

    Returns
    -------
    Their number. ``places`` then holds for each of them, by falling similarity: positives above, positives tied
    (itself included), negatives above, negatives tied.
    """
    exact, twins, copies, lengths, offsets, tolerance = space
    pos, neg, neg_whole, never = pairs
    marks, found, held, spread, thresholds, counts, gathered, others, places = scratch
    copy_twins(row, copies, twins, 0)
    marks[-1] += 1
    positives = find_positives(query, pos, marks, marks[-1], found)
    for at in range(positives):
        held[at] = row[found[at]]
    order = falling_order(held[:positives])
    for at in range(positives):
        one = found[order[at]]
        others[at] = one
        spread[at, 0] = row[one]
        spread[at, 1] = reach_of(row[one], lengths[query], offsets[query], tolerance, exact[3])
    found[:positives] = others[:positives]
    if neg_whole:
        row[query] = -np.inf
        for at in range(never.size):
            row[never[at]] = -np.inf
        for at in range(positives):
            row[found[at]] = -np.inf
        for place in range(neg[3][query], neg[3][query + 1]):
            code = neg[4][place]
            for along in range(neg[5][code], neg[5][code + 1]):
                row[neg[6][along]] = -np.inf
        values = row
    else:
        marks[-1] += 1
        sign = marks[-1]
        mark(query, neg, marks, sign)
        for at in range(positives):
            marks[found[at]] = sign
        size = 0
        code = neg[0][query]
        for along in range(neg[1][code], neg[1][code + 1]):
            other = neg[2][along]
            if marks[other] != sign:
                gathered[size] = row[other]
                others[size] = other
                size += 1
        values = gathered[:size]
    kept = min(keep, positives)
    while kept < positives and spread[kept, 0] >= spread[keep - 1, 0] - 2 * spread[keep - 1, 1]:
        kept += 1
    _reach_out(spread[:kept], thresholds)
    limits, which = np.empty(2 * kept, np.float32), np.empty(2 * kept, np.int64)
    near = np.empty(min(MANY, values.size), np.int64)
    rising(thresholds[: 2 * kept], limits, which)
    close = count_above(values, limits, which, counts, near)
    for at in range(2 * kept):
        places[which[at] >> 1, 2 + (which[at] & 1)] = counts[at]
    if _stand(spread[:kept], thresholds, places) and close != -1:
        refine(values, others, neg_whole, query, found, spread[:kept], thresholds, space, near, close, places)
    return kept


@compiled
def _reach_out(spread: Array, thresholds: Array) -> None:
    """Write what counts as above and as below each positive; ``spread`` is similarity, falling, and reach."""
    for at in range(spread.shape[0]):
        value, reach = spread[at, 0], spread[at, 1]
        thresholds[2 * at] = value + reach
        thresholds[2 * at + 1] = np.nextafter(np.float32(value - reach), np.float32(-np.inf))


@compiled
def _stand(spread: Array, thresholds: Array, places: Array) -> bool:
    """Turn counts into places.

    Returns
    -------
    Whether anything is so close to a positive that it may tie.
    """
    low, high, close = 0, 0, False
    for at in range(spread.shape[0]):
        places[at, 3] -= places[at, 2]
        low, high = window(spread, low, high, thresholds[2 * at], thresholds[2 * at + 1])
        places[at, 0] = low
        places[at, 1] = high - low
        close |= places[at, 3] > 0 or high - low > 1
    return close


@compiled
def make_scratch(n: int, most: int) -> Any:
    """Return working memory for rows of ``n`` candidates with at most ``most`` positives."""
    return (
        np.zeros(n + 1, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.float32),
        np.empty((most, 2), np.float32),
        np.empty(2 * most, np.float32),
        np.empty(2 * most, np.int64),
        np.empty(n, np.float32),
        np.empty(n, np.int64),
        np.empty((most, 4), np.int64),
    )


@compiled
def precision_rows(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    space: Any,
    pairs: Any,
    most: int,
    harmonic: Array,
    out: Array,
) -> None:
    """Write the average precision of rows ``low`` to ``high`` of a block into ``out[row]``."""
    scratch = make_scratch(block.shape[1], most)
    places = scratch[8]
    for at in range(low, high):
        positives = rank_positives(block[at], rows[at], space, pairs, most, scratch)
        total = 0.0
        for which in range(positives):
            total += precision_share(
                places[which, 0], places[which, 1], places[which, 2], places[which, 3], harmonic
            )
        out[rows[at]] = total / positives


@compiled
def recall_rows(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    space: Any,
    pairs: Any,
    most: int,
    k: int,
    expected: Array,
    any_of: Array,
) -> None:
    """Write the expected number of positives among the first ``k``, and the probability that one is among them."""
    scratch = make_scratch(block.shape[1], most)
    places = scratch[8]
    for at in range(low, high):
        kept = rank_positives(block[at], rows[at], space, pairs, k, scratch)
        total = 0.0
        for which in range(kept):
            above = places[which, 0] + places[which, 2]
            tied = places[which, 1] + places[which, 3]
            total += min(1.0, max(0.0, (k - above) / tied))
        expected[rows[at]] = total
        best = 0
        for which in range(1, kept):
            if places[which, 0] < places[best, 0]:
                best = which
        left = k - places[best, 0] - places[best, 2]
        missed = 1.0
        for step in range(max(0, min(left, places[best, 1] + places[best, 3]))):
            tied = places[best, 1] + places[best, 3] - step
            missed *= max(0.0, (tied - places[best, 1]) / tied)
        any_of[rows[at]] = 1.0 - missed
