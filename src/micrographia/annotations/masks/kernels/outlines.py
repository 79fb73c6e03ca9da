"""Outlines of regions as closed paths along the edges between pixels (cracks).

A corner (i, j) is where pixels (i - 1, j - 1), (i - 1, j), (i, j - 1) and (i, j) meet. A path keeps its region on the
right hand as seen on a screen (Y down), so outer rings run clockwise and holes counter-clockwise. Every ring runs
along the upper edge of at least one of its pixels, so a raster scan over those edges finds all rings.
"""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array, Ints

STEP_I = np.array([0, 1, 0, -1])
STEP_J = np.array([1, 0, -1, 0])
# The pixel ahead on the left and on the right of a corner, for the directions east, south, west, north.
LEFT_I = np.array([-1, 0, 0, -1])
LEFT_J = np.array([0, 0, -1, -1])
RIGHT_I = np.array([0, 0, -1, -1])
RIGHT_J = np.array([0, -1, -1, 0])


@kernel
def count_corners(region: Array) -> tuple[int, int]:
    """Return an upper bound of the number of rings of ``region`` (Y, X; 0 is outside), and of their corners."""
    height, width = region.shape
    tops = 0
    bottoms = 0
    for y in range(height):
        for x in range(width):
            r = region[y, x]
            if r == 0:
                continue
            same = x > 0 and region[y, x - 1] == r
            if (y == 0 or region[y - 1, x] != r) and not (same and (y == 0 or region[y - 1, x - 1] != r)):
                tops += 1
            last = y == height - 1
            if (last or region[y + 1, x] != r) and not (same and (last or region[y + 1, x - 1] != r)):
                bottoms += 1
    return tops, 2 * (tops + bottoms)


@kernel
def trace(
    region: Array,
    joined: bool,
    i_out: Array,
    j_out: Array,
    starts: Ints,
    owner: Ints,
    pinched: Array,
    area: Ints,
) -> int:
    """Follow all rings in raster order of their first corner and return their number.

    Parameters
    ----------
    region
        (Y, X); pixels of one value belong together, 0 is outside.
    joined
        Whether pixels that meet at a corner are on the same ring.
    i_out, j_out
        Filled with the corners where rings turn.
    starts
        Filled with the first corner of each ring, and at the end the number of corners.
    owner
        Filled with the value inside each ring.
    pinched
        Filled with whether a ring may pass a corner twice.
    area
        Filled with the area inside each ring in pixels, negative for holes.
    """
    height, width = region.shape
    seen = np.zeros((height, width), np.bool_)
    rings = 0
    corners = 0
    for y in range(height):
        for x in range(width):
            r = region[y, x]
            if r == 0 or seen[y, x] or (y > 0 and region[y - 1, x] == r):
                continue
            starts[rings] = corners
            owner[rings] = r
            pinch = False
            size = 0
            i, j, d = y, x, 0
            i_out[corners], j_out[corners] = i, j
            corners += 1
            while True:
                if d == 0:
                    seen[i, j] = True
                    size -= i
                elif d == 2:
                    size += i
                i += STEP_I[d]
                j += STEP_J[d]
                a, b = i + LEFT_I[d], j + LEFT_J[d]
                left = a >= 0 and b >= 0 and a < height and b < width and region[a, b] == r
                a, b = i + RIGHT_I[d], j + RIGHT_J[d]
                right = a >= 0 and b >= 0 and a < height and b < width and region[a, b] == r
                turn = d
                if left and not right:
                    pinch = True
                    turn = (d + 3) % 4 if joined else (d + 1) % 4
                elif left:
                    turn = (d + 3) % 4
                elif not right:
                    turn = (d + 1) % 4
                if i == y and j == x and turn == 0:
                    break
                if turn != d:
                    i_out[corners], j_out[corners] = i, j
                    corners += 1
                d = turn
            pinched[rings] = pinch
            area[rings] = size
            rings += 1
    starts[rings] = corners
    return rings


@kernel
def split(rank: Ints, order: Ints, loop_starts: Ints) -> int:
    """Cut a ring that passes corners twice into rings that do not; return their number.

    Parameters
    ----------
    rank
        A number for each corner of the ring, equal for equal corners, below their count.
    order
        Filled with the corners (as indices into the ring) of one loop after the other.
    loop_starts
        Filled with the first of each loop, and at the end the number of corners.
    """
    n = rank.size
    stack = np.empty(n, np.int64)
    place = np.full(n, -1, np.int64)
    depth = 0
    loops = 0
    filled = 0
    for k in range(n):
        at = place[rank[k]]
        if at >= 0:
            loop_starts[loops] = filled
            loops += 1
            for s in range(at, depth):
                order[filled] = stack[s]
                filled += 1
                place[rank[stack[s]]] = -1
            depth = at
        place[rank[k]] = depth
        stack[depth] = k
        depth += 1
    loop_starts[loops] = filled
    loops += 1
    for s in range(depth):
        order[filled] = stack[s]
        filled += 1
    loop_starts[loops] = filled
    return loops


@kernel
def boundary(labels: Array, out: Array) -> None:
    """Set ``out`` where a pixel has a neighbour by a face that is of another value; both are (Y, X)."""
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            v = labels[y, x]
            out[y, x] = v != 0 and (
                (y > 0 and labels[y - 1, x] != v)
                or (y + 1 < height and labels[y + 1, x] != v)
                or (x > 0 and labels[y, x - 1] != v)
                or (x + 1 < width and labels[y, x + 1] != v)
            )
