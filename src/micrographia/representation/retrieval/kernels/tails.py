"""Counts over all pairs of rows: histograms of their similarities, and what lies in the tails."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled, summing

Array = npt.NDArray[Any]


@compiled
def count_keys(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    offsets: Array,
    usable: Array,
    codes: Array,
    slots: Array,
    counts: Array,
) -> int:
    """Count the similarities of pairs that are no replicates by the 32 bits of their order.

    Column 0 of the block is row ``rows[0]``; each pair is seen once. If ``slots`` is empty, the upper 16 bits are
    counted in ``counts[0]``; otherwise the lower 16 of those whose upper 16 have a slot, in ``counts[slot]``.

    Returns
    -------
    The number of such pairs.
    """
    first = rows[0]
    top = np.uint32(0x80000000)
    upper = slots.size == 0
    value = np.empty(1, np.float32)
    bits = value.view(np.uint32)
    pairs = 0
    for at in range(low, high):
        query = rows[at]
        if not usable[query]:
            continue
        row, mine, offset = block[at], codes[query], offsets[query]
        for column in range(query - first + 1, row.size):
            other = first + column
            if not usable[other] or (mine >= 0 and codes[other] == mine):
                continue
            pairs += 1
            value[0] = row[column] - offset
            held = bits[0]
            key = ~held if held & top else held | top
            if upper:
                counts[0, key >> np.uint32(16)] += 1
            else:
                slot = slots[key >> np.uint32(16)]
                if slot >= 0:
                    counts[slot, key & np.uint32(0xFFFF)] += 1
    return pairs


@compiled
def count_tails(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    offsets: Array,
    usable: Array,
    codes: Array,
    thresholds: Array,
    reach: float,
    others: Array,
    replicates: Array,
) -> None:
    """Count the pairs above, at and below each threshold.

    ``others[t]`` are the pairs that are no replicates, ``replicates[code, t]`` the replicates of each code: above the
    threshold by more than ``reach``, within it, below it.
    """
    first = rows[0]
    for at in range(low, high):
        query = rows[at]
        if not usable[query]:
            continue
        row, mine, offset = block[at], codes[query], offsets[query]
        for column in range(query - first + 1, row.size):
            other = first + column
            if not usable[other]:
                continue
            value = np.float64(row[column] - offset)
            same = mine >= 0 and codes[other] == mine
            for which in range(thresholds.size):
                apart = value - thresholds[which]
                place = 0 if apart > reach else (1 if apart >= -reach else 2)
                if same:
                    replicates[mine, which, place] += 1
                else:
                    others[which, place] += 1


@summing
def similarities_of(
    first: Array, second: Array, queries: Array, candidates: Array, offsets: Array, out: Array
) -> None:
    """Write the similarities of pairs of rows, summed in float64."""
    for at in range(first.size):
        one, other = first[at], second[at]
        total = 0.0
        for along in range(queries.shape[1]):
            total += np.float64(queries[one, along]) * np.float64(candidates[other, along])
        out[at] = total - offsets[one]
