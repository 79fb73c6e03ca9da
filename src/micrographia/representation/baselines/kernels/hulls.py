"""Convex hulls of the pixels of objects, as squares with corners."""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array, Ints

AREA, LENGTH, LONGEST, NARROWEST = range(4)


@kernel
def _turn(ay: float, ax: float, by: float, bx: float, cy: float, cx: float) -> float:
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


@kernel
def hulls(row: Ints, x0: Ints, x1: Ints, starts: Ints, order: Ints, tallest: int, out: Array) -> None:
    """Measure the convex hull of each object of a plane.

    Parameters
    ----------
    row, x0, x1
        The runs.
    starts, order
        The runs object by object, see ``kernels.objects.by_object``.
    tallest
        Rows of the tallest object.
    out
        (objects, 4): area, length, largest distance of two corners (maximum Feret diameter) and smallest distance of
        two parallel lines with the object between them (minimum Feret diameter).
    """
    ys, left, right = np.empty(tallest + 1), np.empty(tallest + 1), np.empty(tallest + 1)
    hy, hx = np.empty(2 * tallest + 8), np.empty(2 * tallest + 8)
    for s in range(starts.size - 1):
        if starts[s] == starts[s + 1]:
            continue
        # The outermost corners on each line between two rows of pixels.
        n = 0
        first = row[order[starts[s]]]
        reached = -1
        for k in range(starts[s], starts[s + 1]):
            i = order[k]
            for line in range(row[i], row[i] + 2):
                at = line - first
                if at > reached:
                    # Rows without a pixel between two parts of an object stay out.
                    while reached < at:
                        reached += 1
                        ys[reached] = first + reached
                        left[reached] = np.inf
                        right[reached] = -np.inf
                left[at] = min(left[at], float(x0[i]))
                right[at] = max(right[at], float(x1[i]))
        lines = reached + 1
        # Down the right side, up the left side; a corner inside the turn is dropped (Andrew 1979).
        for k in range(lines):
            if right[k] < left[k]:
                continue
            while n >= 2 and _turn(hy[n - 2], hx[n - 2], hy[n - 1], hx[n - 1], ys[k], right[k]) <= 0:
                n -= 1
            hy[n], hx[n] = ys[k], right[k]
            n += 1
        base = n + 1
        for k in range(lines - 1, -1, -1):
            if right[k] < left[k]:
                continue
            while n >= base and _turn(hy[n - 2], hx[n - 2], hy[n - 1], hx[n - 1], ys[k], left[k]) <= 0:
                n -= 1
            hy[n], hx[n] = ys[k], left[k]
            n += 1
        area, length, longest, narrowest = 0.0, 0.0, 0.0, np.inf
        for a in range(n):
            b = a + 1 if a + 1 < n else 0
            area += hx[a] * hy[b] - hx[b] * hy[a]
            dy, dx = hy[b] - hy[a], hx[b] - hx[a]
            side = np.sqrt(dy * dy + dx * dx)
            length += side
            widest = 0.0
            for c in range(n):
                far = (hy[c] - hy[a]) ** 2 + (hx[c] - hx[a]) ** 2
                longest = max(longest, far)
                if side > 0:
                    widest = max(widest, abs(dx * (hy[c] - hy[a]) - dy * (hx[c] - hx[a])) / side)
            if side > 0:
                narrowest = min(narrowest, widest)
        out[s, AREA] = 0.5 * abs(area)
        out[s, LENGTH] = length
        out[s, LONGEST] = np.sqrt(longest)
        out[s, NARROWEST] = narrowest
