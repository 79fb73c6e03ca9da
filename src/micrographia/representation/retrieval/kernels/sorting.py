"""Sorting values from the largest to the smallest."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled

Array = npt.NDArray[Any]
LONG = 256
"""From so many values on, radix sort is faster."""


@compiled
def radix_order(row: Array, order: Array, keys: Array, spare: Array, buckets: Array) -> None:
    """Sort the numbers of the row's values by falling value, equal ones by number: radix sort by 11 bits."""
    n = row.size
    bits = row.view(np.uint32)
    buckets[:] = 0
    top = np.uint32(0x80000000)
    for at in range(n):
        held = bits[at]
        key = held if held & top else ~held & np.uint32(0x7FFFFFFF)
        keys[at] = key
        buckets[0, key & np.uint32(2047)] += 1
        buckets[1, (key >> np.uint32(11)) & np.uint32(2047)] += 1
        buckets[2, key >> np.uint32(22)] += 1
    for turn in range(3):
        total = 0
        for bucket in range(2048):
            count = buckets[turn, bucket]
            buckets[turn, bucket] = total
            total += count
    for at in range(n):
        bucket = keys[at] & np.uint32(2047)
        spare[buckets[0, bucket]] = at
        buckets[0, bucket] += 1
    for at in range(n):
        bucket = (keys[spare[at]] >> np.uint32(11)) & np.uint32(2047)
        order[buckets[1, bucket]] = spare[at]
        buckets[1, bucket] += 1
    for at in range(n):
        bucket = keys[order[at]] >> np.uint32(22)
        spare[buckets[2, bucket]] = order[at]
        buckets[2, bucket] += 1
    order[:] = spare


@compiled
def falling_order(values: Array) -> Array:
    """Return the numbers of the values, float32, by falling value, equal ones by number."""
    if values.size < LONG:
        return np.argsort(-values, kind="mergesort")
    order, spare = np.empty(values.size, np.int64), np.empty(values.size, np.int64)
    radix_order(values, order, np.empty(values.size, np.uint32), spare, np.empty((3, 2048), np.int64))
    return order
