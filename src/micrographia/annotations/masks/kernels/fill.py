"""Shapes to runs: a pixel belongs to a shape if its centre lies inside.

On an edge, centres to the right of it or below belong to the shape, those to the left or above do not; so shapes that
share an edge share no pixel and leave none out.
"""

from __future__ import annotations

import math

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array, Ints

BAND = 1 << 22
"""Crossings that are held at once."""


@kernel
def _rows(a: float, b: float, height: int) -> tuple[int, int]:
    low, high = min(a, b), max(a, b)
    first = int(max(0.0, min(math.ceil(low), height)))
    last = int(max(0.0, min(math.ceil(high), height)))
    return first, last


@kernel
def _at(y0: float, x0: float, y1: float, x1: float, y: float) -> float:
    # From the upper end to the lower, whichever way the edge runs: a shared edge crosses at the same place.
    if y0 > y1:
        y0, x0, y1, x1 = y1, x1, y0, x0
    return x0 + (y - y0) * ((x1 - x0) / (y1 - y0))


@kernel
def _sort(values: Array, first: int, last: int) -> None:
    # Shell's sort: rows have few crossings, and it compiles in a fraction of the time that np.sort takes.
    gap = 1
    while gap < (last - first) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(first + gap, last):
            value = values[k]
            m = k
            while m >= first + gap and values[m - gap] > value:
                values[m] = values[m - gap]
                m -= gap
            values[m] = value
        gap //= 3


@kernel
def _count(y: Array, rings: Ints, height: int, top: int, crossings: Ints) -> int:
    """Count how often each row from ``top`` is crossed by the edges of closed rings; return the sum."""
    total = 0
    for k in range(rings.size - 1):
        for v in range(rings[k], rings[k + 1]):
            w = v + 1 if v + 1 < rings[k + 1] else rings[k]
            first, last = _rows(y[v], y[w], height)
            total += last - first
            for r in range(first, last):
                crossings[r - top] += 1
    return total


@kernel
def polygon(y: Array, x: Array, rings: Ints, height: int, width: int) -> tuple[Ints, Ints, Ints]:
    """Return the runs (row, first column, last column + 1) inside an odd number of rings.

    Parameters
    ----------
    y, x
        Vertices; pixel centres are integers.
    rings
        First vertex of each ring, and at the end the number of vertices.
    height, width
        Size of the image; what lies outside is cut off.
    """
    top, end = _rows(y.min(), y.max(), height)
    per_row = np.zeros(max(0, end - top), np.int64)
    total = _count(y, rings, height, top, per_row)
    row = np.empty(total // 2, np.int64)
    x0 = np.empty(total // 2, np.int64)
    x1 = np.empty(total // 2, np.int64)
    n = 0
    begin = 0
    while begin < per_row.size:
        # A band of rows whose crossings fit into memory.
        stop = begin
        held = 0
        while stop < per_row.size and (stop == begin or held + per_row[stop] <= BAND):
            held += per_row[stop]
            stop += 1
        first_cut = np.zeros(stop - begin + 1, np.int64)
        for k in range(begin, stop):
            first_cut[k - begin + 1] = first_cut[k - begin] + per_row[k]
        cut = np.empty(held, np.float64)
        place = first_cut.copy()
        for k in range(rings.size - 1):
            for v in range(rings[k], rings[k + 1]):
                w = v + 1 if v + 1 < rings[k + 1] else rings[k]
                first, last = _rows(y[v], y[w], height)
                for r in range(max(first, top + begin), min(last, top + stop)):
                    at = r - top - begin
                    cut[place[at]] = _at(y[v], x[v], y[w], x[w], float(r))
                    place[at] += 1
        for k in range(stop - begin):
            a, b = first_cut[k], first_cut[k + 1]
            _sort(cut, a, b)
            for c in range(a, b - 1, 2):
                left = int(max(0.0, min(math.ceil(cut[c]), width)))
                right = int(max(0.0, min(math.ceil(cut[c + 1]), width)))
                if left < right:
                    row[n], x0[n], x1[n] = top + begin + k, left, right
                    n += 1
        begin = stop
    return row[:n], x0[:n], x1[:n]


@kernel
def ellipse(y: Array, x: Array, height: int, width: int) -> tuple[Ints, Ints, Ints]:
    """Return the runs inside the ellipse that fits into a rectangle, however turned.

    Parameters
    ----------
    y, x
        The four corners of the rectangle, in order.
    height, width
        Size of the image; what lies outside is cut off.
    """
    cy, cx = (y[0] + y[2]) / 2, (x[0] + x[2]) / 2
    uy, ux = (y[1] - y[0]) / 2, (x[1] - x[0]) / 2
    vy, vx = (y[3] - y[0]) / 2, (x[3] - x[0]) / 2
    det = ux * vy - uy * vx
    reach = math.sqrt(uy * uy + vy * vy)
    first, last = _rows(cy - reach, cy + reach, height)
    row = np.empty(max(0, last - first), np.int64)
    x0 = np.empty(row.size, np.int64)
    x1 = np.empty(row.size, np.int64)
    n = 0
    if det == 0:
        return row[:0], x0[:0], x1[:0]
    for r in range(first, last):
        # With s and t the coordinates along u and v: s^2 + t^2 <= 1, a quadratic in x for each row.
        d = r - cy
        s1, s0 = vy / det, -vx * d / det
        t1, t0 = -uy / det, ux * d / det
        a = s1 * s1 + t1 * t1
        b = s1 * s0 + t1 * t0
        c = s0 * s0 + t0 * t0 - 1
        under = b * b - a * c
        if under <= 0 or a == 0:
            continue
        root = math.sqrt(under)
        left = int(max(0.0, min(math.ceil(cx + (-b - root) / a), width)))
        right = int(max(0.0, min(math.ceil(cx + (-b + root) / a), width)))
        if left < right:
            row[n], x0[n], x1[n] = r, left, right
            n += 1
    return row[:n], x0[:n], x1[:n]
