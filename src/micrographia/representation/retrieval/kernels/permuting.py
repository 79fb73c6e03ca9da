"""Average precision of one query under many permutations of the labels, from one sorting of its candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled
from micrographia.representation.retrieval.kernels.pairs import mark
from micrographia.representation.retrieval.kernels.precision import precision_share
from micrographia.representation.retrieval.kernels.rows import copy_twins
from micrographia.representation.retrieval.kernels.sorting import radix_order

Array = npt.NDArray[Any]
SHORT = 24
"""Up to so many values insertion sorts fastest."""


@compiled
def _sort(values: Array, size: int) -> None:
    if size > SHORT:
        values[:size] = np.sort(values[:size])
        return
    for at in range(1, size):
        value = values[at]
        hole = at
        while hole > 0 and values[hole - 1] > value:
            values[hole] = values[hole - 1]
            hole -= 1
        values[hole] = value


@compiled
def _score(
    mine: Array, size: int, removed: Array, gone: int, above: Array, tied: Array, harmonic: Array
) -> float:
    """Return average precision from the levels of the positives and of what is no negative now, both sorted."""
    total = 0.0
    at, passed = 0, 0
    while at < size:
        level = mine[at]
        end = at + 1
        while end < size and mine[end] == level:
            end += 1
        while passed < gone and removed[passed] < level:
            passed += 1
        same = passed
        while same < gone and removed[same] == level:
            same += 1
        share = precision_share(at, end - at, above[level] - passed, tied[level] - (same - passed), harmonic)
        total += share * (end - at)
        passed = same
        at = end
    return total / size


@compiled
def permuted_rows(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    space: Any,
    pairs: Any,
    units: Array,
    unit_starts: Array,
    unit_rows: Array,
    given: Array,
    by_label: Array,
    label_starts: Array,
    label_barred: bool,
    harmonic: Array,
    out: Array,
) -> None:
    """Write the average precision of rows ``low`` to ``high`` under each permutation into ``out[row, permutation]``.

    ``pairs`` are positives and negatives as far as the label does not decide. ``units`` is the unit of each row,
    ``unit_starts`` and ``unit_rows`` the rows of each unit; ``given[p, u]`` the label of unit ``u`` in permutation
    ``p``, ``by_label[p]`` the units sorted by it, and ``label_starts`` where each label begins there.
    """
    twins, copies = space[1], space[2]
    pos, neg, pos_ok, neg_ok = pairs
    n = block.shape[1]
    order, spare, keys = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.uint32)
    buckets = np.empty((3, 2048), np.int64)
    levels = np.empty(n, np.int64)
    above, tied = np.empty(n + 1, np.int64), np.empty(n + 1, np.int64)
    apart, other_apart = np.zeros(n, np.int64), np.zeros(n, np.int64)
    roles = np.empty(n, np.int8)
    mine, removed = np.empty(n, np.int64), np.empty(n, np.int64)
    for at in range(low, high):
        query, row = rows[at], block[at]
        copy_twins(row, copies, twins, 0)
        radix_order(row, order, keys, spare, buckets)
        mark(query, pos, apart, at + 1)
        mark(query, neg, other_apart, at + 1)
        pos_code, neg_code = pos[0][query], neg[0][query]
        level, sofar = -1, 0
        for place in range(n):
            one = order[place]
            if place == 0 or row[one] != row[order[place - 1]]:
                level += 1
                above[level] = sofar
                tied[level] = 0
            levels[one] = level
            role = 0
            if pos_ok[one] and apart[one] != at + 1 and pos[0][one] == pos_code:
                role = 1
            if neg_ok[one] and other_apart[one] != at + 1 and neg[0][one] == neg_code:
                role += 2
                sofar += 1
                tied[level] += 1
            roles[one] = role
        for which in range(given.shape[0]):
            label = given[which, units[query]]
            size, gone = 0, 0
            for place in range(label_starts[label], label_starts[label + 1]):
                unit = by_label[which, place]
                for along in range(unit_starts[unit], unit_starts[unit + 1]):
                    one = unit_rows[along]
                    role = roles[one]
                    if role & 1:
                        mine[size] = levels[one]
                        size += 1
                    if role == 3 or (role == 2 and label_barred):
                        removed[gone] = levels[one]
                        gone += 1
            if size == 0 or sofar == gone:
                out[query, which] = np.nan
                continue
            _sort(mine, size)
            _sort(removed, gone)
            out[query, which] = _score(mine, size, removed, gone, above, tied, harmonic)


@compiled
def sum_groups(
    scores: Array, rows: Array, codes: Array, given: Array, units: Array, sums: Array, counts: Array
) -> None:
    """Add up the scores of each group under each permutation; groups are ``codes``, or the permuted labels if empty."""
    for at in range(rows.size):
        row = rows[at]
        for which in range(scores.shape[1]):
            score = scores[row, which]
            if score == score:
                code = given[which, units[row]] if codes.size == 0 else codes[row]
                sums[which, code] += score
                counts[which, code] += 1
