"""Moments of pixels."""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array

COUNT, MEAN, M2, M3, M4, LOW, HIGH, LEFT_OUT = range(8)
COLUMNS = 8


@kernel
def moments(tile: Array) -> Array:
    """Return number, mean, central power sums of order 2 to 4, smallest and largest value, and pixels left out.

    Pixels that are not finite are left out.
    """
    out = np.zeros(COLUMNS)
    n = 0
    total = 0.0
    low, high = np.inf, -np.inf
    for y in range(tile.shape[0]):
        part = 0.0
        for x in range(tile.shape[1]):
            v = tile[y, x]
            if np.isfinite(v):
                n += 1
                part += v
                low = min(low, v)
                high = max(high, v)
        total += part
    out[COUNT] = n
    out[LOW], out[HIGH] = low, high
    out[LEFT_OUT] = tile.size - n
    if n == 0:
        return out
    mean = total / n
    if low == high:
        # Else rounding of the mean leaves a spread that is not there.
        mean = low
    out[MEAN] = mean
    for y in range(tile.shape[0]):
        two, three, four = 0.0, 0.0, 0.0
        for x in range(tile.shape[1]):
            v = tile[y, x]
            if np.isfinite(v):
                d = v - mean
                two += d * d
                three += d * d * d
                four += d * d * d * d
        out[M2] += two
        out[M3] += three
        out[M4] += four
    return out


@kernel
def count_bins(tile: Array, low: float, high: float, counts: Array) -> None:
    """Count the finite pixels in equal steps from ``low`` to ``high`` (``low < high``)."""
    bins = counts.size
    step = bins / (high - low)
    for y in range(tile.shape[0]):
        for x in range(tile.shape[1]):
            v = tile[y, x]
            if np.isfinite(v):
                counts[min(int((v - low) * step), bins - 1)] += 1


@kernel
def shrink(tile: Array, y0: int, x0: int, height: int, width: int, total: Array, weight: Array) -> None:
    """Add the pixels of a tile to the equal parts of the plane in which they lie, by the area that they share.

    Parameters
    ----------
    tile
        (Y, X); what is not finite is left out.
    y0, x0
        Where it begins in the plane of ``height`` and ``width``.
    total, weight
        (parts, parts): sum of pixels times area, and of areas.
    """
    down, across = total.shape
    for y in range(tile.shape[0]):
        line, held = np.zeros(across), np.zeros(across)
        for b in range(across):
            low, high = b * width / across, (b + 1) * width / across
            first, last = max(int(low) - x0, 0), min(int(np.ceil(high)) - x0, tile.shape[1])
            for x in range(first, last):
                v = tile[y, x]
                if np.isfinite(v):
                    share = min(high, x0 + x + 1.0) - max(low, x0 + x + 0.0)
                    line[b] += share * v
                    held[b] += share
        at = y0 + y
        for a in range(int(at * down / height), down):
            low, high = a * height / down, (a + 1) * height / down
            share = min(high, at + 1.0) - max(low, at + 0.0)
            if low >= at + 1:
                break
            if share > 0:
                for b in range(across):
                    total[a, b] += share * line[b]
                    weight[a, b] += share * held[b]
