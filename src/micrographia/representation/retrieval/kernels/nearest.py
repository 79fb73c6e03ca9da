"""The nearest rows of a query."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.closeness import exact_query, exact_similarity
from micrographia.representation.retrieval.kernels.jit import compiled, summing
from micrographia.representation.retrieval.kernels.rows import copy_twins

Array = npt.NDArray[Any]
SPARE = 8
"""So many more are sought by float32 than are returned after float64 has put them in order."""
SKIM = 64


@summing
def _any_above(values: Array, threshold: Any) -> Any:
    count = np.float32(0.0)
    for at in range(values.size):
        count += np.float32(1.0) if values[at] > threshold else np.float32(0.0)
    return count > 0


@compiled
def best(values: Array, wanted: int, top: Array, where: Array) -> int:
    """Keep the ``wanted`` largest values above -inf in a heap, the least (of equal ones the last) at its root.

    Returns
    -------
    How many there are in ``top`` and ``where``.
    """
    size = 0
    start = 0
    least = np.float32(-np.inf)
    while start < values.size:
        stop = min(start + SKIM, values.size)
        if _any_above(values[start:stop], least):
            for at in range(start, stop):
                value = values[at]
                if value > least:
                    if size < wanted:
                        hole = size
                        size += 1
                        while hole > 0 and _worse(value, at, top[(hole - 1) >> 1], where[(hole - 1) >> 1]):
                            top[hole] = top[(hole - 1) >> 1]
                            where[hole] = where[(hole - 1) >> 1]
                            hole = (hole - 1) >> 1
                    else:
                        hole = 0
                        while True:
                            child = 2 * hole + 1
                            if child >= size:
                                break
                            if child + 1 < size and _worse(
                                top[child + 1], where[child + 1], top[child], where[child]
                            ):
                                child += 1
                            if not _worse(top[child], where[child], value, at):
                                break
                            top[hole] = top[child]
                            where[hole] = where[child]
                            hole = child
                    top[hole] = value
                    where[hole] = at
                    if size == wanted:
                        least = top[0]
        start = stop
    return size


@compiled
def _worse(value: float, place: int, other: float, its_place: int) -> bool:
    return value < other or (value == other and place > its_place)


@compiled
def nearest_rows(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    space: Any,
    apart: Any,
    barred: Array,
    indices: Array,
    distances: Array,
) -> None:
    """Write neighbours and distances of rows ``low`` to ``high`` of a block into the rows of their queries."""
    exact, twins, copies = space[0], space[1], space[2]
    euclidean = exact[3]
    k = indices.shape[1]
    wanted = min(k + SPARE, block.shape[1])
    top, where = np.empty(wanted, np.float32), np.empty(wanted, np.int64)
    far, order = np.empty(wanted), np.empty(wanted, np.int64)
    for at in range(low, high):
        query, row = rows[at], block[at]
        copy_twins(row, copies, twins, 0)
        row[query] = -np.inf
        for along in range(barred.size):
            row[barred[along]] = -np.inf
        for place in range(apart[0][query], apart[0][query + 1]):
            code = apart[1][place]
            for along in range(apart[2][code], apart[2][code + 1]):
                row[apart[3][along]] = -np.inf
        size = best(row, wanted, top, where)
        mine = exact_query(query, exact)
        for along in range(size):
            similarity = exact_similarity(mine, twins[where[along]], exact)
            value = -similarity if euclidean else min(2.0, max(0.0, 1.0 - similarity))
            hole = along
            while hole > 0 and (
                far[hole - 1] > value or (far[hole - 1] == value and order[hole - 1] > where[along])
            ):
                far[hole] = far[hole - 1]
                order[hole] = order[hole - 1]
                hole -= 1
            far[hole] = value
            order[hole] = where[along]
        for along in range(min(k, size)):
            indices[query, along] = order[along]
            distances[query, along] = far[along]
