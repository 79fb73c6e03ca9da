"""Positives and negatives of one query."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled

Array = npt.NDArray[Any]


@compiled
def mark(query: int, side: Any, marks: Array, sign: int) -> None:
    """Write ``sign`` at every row that shares a barrier with the query, and at the query."""
    row_starts, row_codes, code_starts, code_rows = side[3], side[4], side[5], side[6]
    marks[query] = sign
    for at in range(row_starts[query], row_starts[query + 1]):
        code = row_codes[at]
        for along in range(code_starts[code], code_starts[code + 1]):
            marks[code_rows[along]] = sign


@compiled
def find_positives(query: int, pos: Any, marks: Array, sign: int, found: Array) -> int:
    """Write the query's positives into ``found``, ascending, and return how many there are; uses ``marks``."""
    codes, starts, rows = pos[0], pos[1], pos[2]
    mark(query, pos, marks, sign)
    count = 0
    code = codes[query]
    for at in range(starts[code], starts[code + 1]):
        row = rows[at]
        if marks[row] != sign:
            found[count] = row
            count += 1
    return count


@compiled
def count_pairs(
    queries: Array,
    pos: Any,
    neg: Any,
    neg_ok: Array,
    neg_whole: bool,
    total: int,
    counts: Array,
) -> None:
    """Write the numbers of positives and of negatives of each query; ``total`` rows can be a negative."""
    n = neg_ok.size
    marks = np.zeros(n, np.int64)
    found = np.empty(n, np.int64)
    row_starts, row_codes, code_starts, code_rows = neg[3], neg[4], neg[5], neg[6]
    for at in range(queries.size):
        query = queries[at]
        sign = 2 * at + 1
        positives = find_positives(query, pos, marks, sign, found)
        sign += 1
        marks[query] = sign
        barred = 1 if neg_ok[query] else 0
        for along in range(positives):
            marks[found[along]] = sign
            barred += neg_ok[found[along]]
        if neg_whole:
            for place in range(row_starts[query], row_starts[query + 1]):
                code = row_codes[place]
                for along in range(code_starts[code], code_starts[code + 1]):
                    row = code_rows[along]
                    if marks[row] != sign:
                        marks[row] = sign
                        barred += neg_ok[row]
            negatives = total - barred
        else:
            mark(query, neg, marks, sign)
            negatives = 0
            code = neg[0][query]
            for along in range(neg[1][code], neg[1][code + 1]):
                negatives += marks[neg[2][along]] != sign
        counts[at, 0] = positives
        counts[at, 1] = negatives
