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
ROOM = 2
"""Values are collected in so many times the room of those that are wanted."""
NONE = np.float32(-np.inf)
SKIM = 16
STRIP = 64
"""Columns of a block that are read back at a time."""


@summing
def _any_from(values: Array, threshold: Any) -> Any:
    count = np.float32(0.0)
    for at in range(values.size):
        count += np.float32(1.0) if values[at] >= threshold else np.float32(0.0)
    return count > 0


@compiled
def _any_back(values: Array, mine: Any, theirs: Array, least: Array) -> Any:
    count = np.int32(0)
    for at in range(values.size):
        count += np.int32((values[at] - mine) + theirs[at] >= least[at])
    return count > 0


@compiled
def collect(values: Array, first: int, wanted: int, top: Array, where: Array, size: int, least: Any) -> Any:
    """Collect the ``wanted`` largest values above -inf, of equal ones the first.

    The values belong to rows ``first`` and on; ``size`` are in ``top`` and ``where`` already, which have room for more
    than are wanted: only when it is full the least are dropped, which costs less than to keep order.

    Returns
    -------
    How many there are in ``top`` and ``where`` then, and the least value that may still be wanted.
    """
    start = 0
    while start < values.size:
        stop = min(start + SKIM, values.size)
        if _any_from(values[start:stop], least):
            for at in range(start, stop):
                if values[at] >= least and values[at] > -np.inf:
                    if size == top.size:
                        size = select(top, where, size, wanted)
                        least = top[wanted - 1]
                        if values[at] < least:
                            continue
                    top[size] = values[at]
                    where[size] = first + at
                    size += 1
        start = stop
    return size, least


@compiled
def select(top: Array, where: Array, size: int, wanted: int) -> int:
    """Move the ``wanted`` largest values to the front, the least of them last; return how many there are."""
    if size < wanted:
        return size
    low, high, last = 0, size - 1, wanted - 1
    while low < high:
        middle = (low + high) >> 1
        if _worse(top[low], where[low], top[middle], where[middle]):
            _swap(top, where, low, middle)
        if _worse(top[low], where[low], top[high], where[high]):
            _swap(top, where, low, high)
        if _worse(top[middle], where[middle], top[high], where[high]):
            _swap(top, where, middle, high)
        pivot, place = top[middle], where[middle]
        left, right = low, high
        while left <= right:
            while _worse(pivot, place, top[left], where[left]):
                left += 1
            while _worse(top[right], where[right], pivot, place):
                right -= 1
            if left <= right:
                _swap(top, where, left, right)
                left += 1
                right -= 1
        if last <= right:
            high = right
        elif last >= left:
            low = left
        else:
            break
    return wanted


@compiled
def _swap(top: Array, where: Array, one: int, other: int) -> None:
    top[one], top[other] = top[other], top[one]
    where[one], where[other] = where[other], where[one]


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
    wanted = min(indices.shape[1] + SPARE, block.shape[1])
    top, where = np.empty(ROOM * wanted, np.float32), np.empty(ROOM * wanted, np.int64)
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
        size, _ = collect(row, 0, wanted, top, where, 0, NONE)
        size = select(top, where, size, wanted)
        _settle(query, where[:size], exact, twins, far, order, indices[query], distances[query])


@compiled
def gather_rows(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    wanted: int,
    tops: Array,
    wheres: Array,
    sizes: Array,
    leasts: Array,
) -> None:
    """Keep the best of rows ``low`` to ``high`` of a block whose column 0 is its first query."""
    for at in range(low, high):
        query, row = rows[at], block[at]
        row[at] = -np.inf
        sizes[query], leasts[query] = collect(
            row, rows[0], wanted, tops[query], wheres[query], sizes[query], leasts[query]
        )


@compiled
def gather_columns(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    offsets: Array,
    wanted: int,
    tops: Array,
    wheres: Array,
    sizes: Array,
    leasts: Array,
) -> None:
    """Keep the best of columns ``low`` to ``high`` of the same block, beyond its own rows: there it is read back."""
    first = rows[0]
    for start in range(low, high, STRIP):
        stop = min(start + STRIP, high)
        theirs, least = offsets[first + start : first + stop], leasts[first + start : first + stop]
        for at in range(rows.size):
            values, mine = block[at, start:stop], offsets[first + at]
            if not _any_back(values, mine, theirs, least):
                continue
            for along in range(stop - start):
                value = (values[along] - mine) + theirs[along]
                if value >= least[along]:
                    query = first + start + along
                    size = sizes[query]
                    if size == tops.shape[1]:
                        size = select(tops[query], wheres[query], size, wanted)
                        leasts[query] = tops[query, wanted - 1]
                        sizes[query] = size
                        if value < leasts[query]:
                            continue
                    tops[query, size] = value
                    wheres[query, size] = first + at
                    sizes[query] = size + 1


@compiled
def settle_rows(
    low: int,
    high: int,
    space: Any,
    wanted: int,
    tops: Array,
    wheres: Array,
    sizes: Array,
    indices: Array,
    distances: Array,
) -> None:
    """Write the neighbours of queries ``low`` to ``high`` among those that were collected."""
    exact, twins = space[0], space[1]
    far, order = np.empty(wanted), np.empty(wanted, np.int64)
    for query in range(low, high):
        size = select(tops[query], wheres[query], sizes[query], wanted)
        _settle(query, wheres[query, :size], exact, twins, far, order, indices[query], distances[query])


@compiled
def _settle(
    query: int,
    found: Array,
    exact: Any,
    twins: Array,
    far: Array,
    order: Array,
    indices: Array,
    distances: Array,
) -> None:
    """Put rows in order by their distances in float64, and write the first."""
    mine = exact_query(query, exact)
    for along in range(found.size):
        similarity = exact_similarity(mine, twins[found[along]], exact)
        value = -similarity if exact[3] else min(2.0, max(0.0, 1.0 - similarity))
        hole = along
        while hole > 0 and (
            far[hole - 1] > value or (far[hole - 1] == value and order[hole - 1] > found[along])
        ):
            far[hole] = far[hole - 1]
            order[hole] = order[hole - 1]
            hole -= 1
        far[hole] = value
        order[hole] = found[along]
    for along in range(min(indices.size, found.size)):
        indices[along] = order[along]
        distances[along] = far[along]
