"""Moments and intensities of objects, summed over their runs."""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array, Ints

M20, M11, M02, M30, M21, M12, M03 = range(7)
ZZ, YY, XX, ZY, ZX, YX = range(6)
FINITE, TOTAL, SQUARES, LOW, HIGH, PULL_Z, PULL_Y, PULL_X, EDGE_FINITE, EDGE_TOTAL, SHIFT = range(11)
INTENSITIES = 11


@kernel
def moments_flat(row: Ints, x0: Ints, x1: Ints, slot: Ints, centre: Array, out: Array) -> None:
    """Add the central moments (order 2 and 3, Y first) of each object of a plane.

    A run of ``n`` pixels whose middle lies ``m`` right of the centroid has the power sums ``n m``,
    ``n m^2 + n (n^2 - 1) / 12`` and ``n m^3 + m n (n^2 - 1) / 4`` along X.
    """
    for i in range(row.size):
        s = slot[i]
        n = float(x1[i] - x0[i])
        m = 0.5 * (x0[i] + x1[i] - 1) - centre[s, 2]
        d = row[i] - centre[s, 1]
        spread = n * (n * n - 1.0) / 12.0
        one, two = n * m, n * m * m + spread
        three = n * m * m * m + 3.0 * m * spread
        o = out[s]
        o[M20] += n * d * d
        o[M11] += d * one
        o[M02] += two
        o[M30] += n * d * d * d
        o[M21] += d * d * one
        o[M12] += d * two
        o[M03] += three


@kernel
def moments_deep(row: Ints, x0: Ints, x1: Ints, slot: Ints, height: int, centre: Array, out: Array) -> None:
    """Add the central second moments of each object of a stack: ZZ, YY, XX, ZY, ZX, YX."""
    for i in range(row.size):
        s = slot[i]
        n = float(x1[i] - x0[i])
        m = 0.5 * (x0[i] + x1[i] - 1) - centre[s, 2]
        y = row[i] % height - centre[s, 1]
        z = row[i] // height - centre[s, 0]
        o = out[s]
        o[ZZ] += n * z * z
        o[YY] += n * y * y
        o[XX] += n * m * m + n * (n * n - 1.0) / 12.0
        o[ZY] += n * z * y
        o[ZX] += z * n * m
        o[YX] += y * n * m


@kernel
def intensities(
    image: Array,
    edge: Array,
    row: Ints,
    x0: Ints,
    x1: Ints,
    slot: Ints,
    height: int,
    centre: Array,
    out: Array,
) -> None:
    """Sum the pixels of each object in one pass; a pixel that is not finite is left out.

    Parameters
    ----------
    image, edge
        Pixels and whether they lie on the rim of their object, both (rows, X).
    row, x0, x1, slot
        The runs.
    height
        Rows of a plane.
    centre
        Centroids (Z, Y, X).
    out
        (objects, ``INTENSITIES``), begun with zeros, ``LOW`` with infinity and ``HIGH`` with its negative. Sums are
        taken of the difference to ``SHIFT``, the first finite pixel, so that bright objects lose no digits.
    """
    for i in range(row.size):
        s = slot[i]
        o = out[s]
        r = row[i]
        n = 0
        rim = 0
        total = 0.0
        squares = 0.0
        pull = 0.0
        rim_total = 0.0
        low, high = o[LOW], o[HIGH]
        shift = o[SHIFT]
        started = o[FINITE] > 0
        for x in range(x0[i], x1[i]):
            v = float(image[r, x])
            if not np.isfinite(v):
                continue
            if not started:
                shift = v
                o[SHIFT] = v
                started = True
            d = v - shift
            n += 1
            total += d
            squares += d * d
            pull += d * (x - centre[s, 2])
            low = min(low, v)
            high = max(high, v)
            if edge[r, x]:
                rim += 1
                rim_total += d
        o[FINITE] += n
        o[TOTAL] += total
        o[SQUARES] += squares
        o[LOW], o[HIGH] = low, high
        o[PULL_X] += pull
        o[PULL_Y] += total * (r % height - centre[s, 1])
        o[PULL_Z] += total * (r // height - centre[s, 0])
        o[EDGE_FINITE] += rim
        o[EDGE_TOTAL] += rim_total


@kernel
def by_object(slot: Ints, count: int) -> tuple[Ints, Ints]:
    """Return the first entry of each object in ``order``, and the runs object by object, each in raster order."""
    starts = np.zeros(count + 1, np.int64)
    for i in range(slot.size):
        starts[slot[i] + 1] += 1
    for s in range(count):
        starts[s + 1] += starts[s]
    place = starts[:-1].copy()
    order = np.empty(slot.size, np.int64)
    for i in range(slot.size):
        order[place[slot[i]]] = i
        place[slot[i]] += 1
    return starts, order


@kernel
def _chosen(values: Array, count: int, rank: int, low: int) -> None:
    """Put in its sorted place the value of a rank; what precedes ``low`` is known to be smaller (Hoare 1961)."""
    high = count - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            return


@kernel
def _between(values: Array, count: int, share: float) -> float:
    """Return a quantile, linear between neighbours; values below those asked for before are in place."""
    at = share * (count - 1)
    low = int(at)
    _chosen(values, count, low, 0)
    if low + 1 >= count or at == low:
        return float(values[low])
    following = values[low + 1]
    for i in range(low + 2, count):
        following = min(following, values[i])
    return float(values[low] + (at - low) * (following - values[low]))


@kernel
def _four(values: Array, count: int, out: Array) -> None:
    """Set quartiles and the median absolute deviation of the first ``count`` values, which are lost."""
    for q in range(3):
        out[q] = _between(values, count, 0.25 * (q + 1))
    for k in range(count):
        values[k] = abs(values[k] - out[1])
    out[3] = _between(values, count, 0.5)


@kernel
def quantiles(
    image: Array, row: Ints, x0: Ints, x1: Ints, starts: Ints, order: Ints, size: int, out: Array
) -> None:
    """Set the quartiles and the median absolute deviation of each object; ``size`` is the largest area.

    ``out`` is (objects, 4): lower quartile, median, upper quartile, deviation; left as it is without finite pixels.
    """
    held = np.empty(size)
    for s in range(starts.size - 1):
        n = 0
        for k in range(starts[s], starts[s + 1]):
            i = order[k]
            for x in range(x0[i], x1[i]):
                v = float(image[row[i], x])
                if np.isfinite(v):
                    held[n] = v
                    n += 1
        if n > 0:
            _four(held, n, out[s])


@kernel
def _counted(counts: Array, low: int, share: float, total: int) -> float:
    """Return a quantile, linear between neighbours, given how often each value from ``low`` occurs."""
    at = share * (total - 1)
    rank = int(at)
    seen = counts[0]
    value = 0
    while seen <= rank:
        value += 1
        seen += counts[value]
    following = value
    if seen <= min(rank + 1, total - 1):
        following += 1
        while counts[following] == 0:
            following += 1
    return low + value + (at - rank) * (following - value)


@kernel
def _deviation(counts: Array, low: int, high: int, middle: float, total: int) -> float:
    """Return the median distance from ``middle``: values come outwards from there, the nearer side first."""
    left = int(np.floor(middle)) - low
    right = left + 1
    seen = 0
    lower, upper = (total - 1) // 2, total // 2
    found = -1.0
    while True:
        near = middle - (left + low) if left >= 0 else np.inf
        far = (right + low) - middle if right <= high - low else np.inf
        if near <= far:
            distance = near
            seen += counts[left]
            left -= 1
        else:
            distance = far
            seen += counts[right]
            right += 1
        if found < 0 and seen > lower:
            found = distance
        if seen > upper:
            return 0.5 * (found + distance)


@kernel
def quantiles_counted(
    image: Array, row: Ints, x0: Ints, x1: Ints, starts: Ints, order: Ints, size: int, out: Array
) -> None:
    """Do what :func:`quantiles` does for unsigned integers, by counting how often each value occurs."""
    counts = np.zeros(1024, np.int32)
    held = np.empty(size)
    for s in range(starts.size - 1):
        low, high = 1 << 62, -1
        n = 0
        for k in range(starts[s], starts[s + 1]):
            i = order[k]
            n += x1[i] - x0[i]
            for x in range(x0[i], x1[i]):
                v = int(image[row[i], x])
                low = min(low, v)
                high = max(high, v)
        span = high - low + 1
        if span > 16 * n + 1024:
            # So few pixels are sorted faster than so many counts are read.
            at = 0
            for k in range(starts[s], starts[s + 1]):
                i = order[k]
                for x in range(x0[i], x1[i]):
                    held[at] = image[row[i], x]
                    at += 1
            _four(held, n, out[s])
            continue
        if span > counts.size:
            counts = np.zeros(2 * span, np.int32)
        counts[:span] = 0
        for k in range(starts[s], starts[s + 1]):
            i = order[k]
            for x in range(x0[i], x1[i]):
                counts[int(image[row[i], x]) - low] += 1
        for q in range(3):
            out[s, q] = _counted(counts, low, 0.25 * (q + 1), n)
        out[s, 3] = _deviation(counts, low, high, out[s, 1], n)
