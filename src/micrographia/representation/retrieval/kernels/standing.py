"""How many values lie above each of many thresholds, and which lie close to one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled, summing

Array = npt.NDArray[Any]
FEW = 48
"""Up to so many thresholds it is faster to compare all values with each than to look up each value's place."""
CHUNK = 4096
CELLS = 4
"""Cells of the look-up table for each threshold."""
SHORT = 8
NOT_SOUGHT = -2


@summing
def _above(values: Array, threshold: Any) -> Any:
    count = np.float32(0.0)
    for at in range(values.size):
        count += np.float32(1.0) if values[at] > threshold else np.float32(0.0)
    return count


@compiled
def rising(thresholds: Array, limits: Array, which: Array) -> None:
    """Sort thresholds, pairs of an upper and a lower one that fall; ``which`` is where each stood."""
    size = thresholds.size
    falls = True
    for at in range(2, size):
        falls &= thresholds[at] <= thresholds[at - 2]
    if not falls:
        order = np.argsort(thresholds, kind="mergesort")
        for at in range(size):
            which[at] = order[at]
            limits[at] = thresholds[order[at]]
        return
    upper, lower = size - 2, size - 1
    for at in range(size):
        if lower > 0 and thresholds[lower] <= thresholds[upper]:
            which[at] = lower
            lower -= 2
        else:
            which[at] = upper
            upper -= 2
        limits[at] = thresholds[which[at]]


@compiled
def _cell(value: Any, lowest: Any, scale: Any, cells: int) -> Any:
    return min(cells - 1, np.int64((value - lowest) * scale))


@compiled
def count_above(values: Array, limits: Array, which: Array, counts: Array, near: Array) -> int:
    """Count the values above each limit; limits rise, and ``which`` is odd for lower ones and even for upper ones.

    Returns
    -------
    How many values lie above a lower limit and not above its upper one; their places are in ``near``. -1 if more than
    fit, -2 if they were not sought.
    """
    size = limits.size
    counts[:size] = 0
    if size <= FEW:
        for start in range(0, values.size, CHUNK):
            part = values[start : start + CHUNK]
            for at in range(size):
                more = np.int64(_above(part, limits[at]))
                if more == 0:
                    break
                counts[at] += more
        return NOT_SOUGHT
    cells = min(1 << 14, CELLS * size)
    lowest, highest = limits[0], limits[size - 1]
    scale = np.float32(0.0)
    if highest - lowest > np.float32(1e-30):
        scale = np.float32(cells) / (highest - lowest)
    first = np.zeros(cells + 1, np.int32)
    covered = np.zeros(size + 1, np.int32)
    for at in range(size):
        first[_cell(limits[at], lowest, scale, cells) + 1] += 1
        covered[at + 1] = covered[at] + (1 if which[at] & 1 else -1)
    for cell in range(cells):
        first[cell + 1] += first[cell]
    found = 0
    for at in range(values.size):
        value = values[at]
        if not value > lowest:
            continue
        low = size
        if value <= highest:
            cell = _cell(value, lowest, scale, cells)
            low, high = int(first[cell]), int(first[cell + 1])
            while high - low > SHORT:
                middle = (low + high) >> 1
                if limits[middle] < value:
                    low = middle + 1
                else:
                    high = middle
            while low < high and limits[low] < value:
                low += 1
        counts[low - 1] += 1
        if covered[low] > 0:
            if 0 <= found < near.size:
                near[found] = at
                found += 1
            else:
                found = -1
    for at in range(size - 2, -1, -1):
        counts[at] += counts[at + 1]
    return found
