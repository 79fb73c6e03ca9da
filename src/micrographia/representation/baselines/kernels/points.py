"""Pairs of points in the plane."""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array, Ints


@kernel
def pair_weights(
    x: Array,
    y: Array,
    starts: Ints,
    columns: int,
    radii: Array,
    box: Array,
    table: Array,
    out: Array,
) -> None:
    """Sum over pairs no farther apart than each radius one over the area in which such a pair can lie.

    Parameters
    ----------
    x, y
        Points (n,), sorted by the square of a grid in which they lie, from 0.
    starts
        First point of each square, row by row, and at the end their number.
    columns
        Squares in a row; the side of one is at least the largest radius.
    radii
        Ascending.
    box
        Width and height of the window, and steps of the table along X and Y.
    table
        Area common to the window and itself moved by each step, (2 h - 1, 2 w - 1) with no move in the middle, linear
        in between; of size 0 for a rectangle.
    out
        (radii), added to; each pair counts twice, once each way.
    """
    rows = (starts.size - 1) // columns
    last = radii[-1] ** 2
    tall, wide = table.shape
    for row in range(rows):
        for column in range(columns):
            here = row * columns + column
            for other in range(5):
                # Half of the squares around, so that each pair of squares comes once.
                down = 0 if other < 2 else 1
                aside = other if other < 2 else other - 3
                r, c = row + down, column + aside
                if r >= rows or c < 0 or c >= columns:
                    continue
                there = r * columns + c
                for i in range(starts[here], starts[here + 1]):
                    first = i + 1 if there == here else starts[there]
                    for j in range(first, starts[there + 1]):
                        dx, dy = x[j] - x[i], y[j] - y[i]
                        d = dx * dx + dy * dy
                        if d > last:
                            continue
                        if tall == 0:
                            area = (box[0] - abs(dx)) * (box[1] - abs(dy))
                        else:
                            fx, fy = dx / box[2] + wide // 2, dy / box[3] + tall // 2
                            ix = min(max(int(fx), 0), wide - 2)
                            iy = min(max(int(fy), 0), tall - 2)
                            fx, fy = fx - ix, fy - iy
                            upper = table[iy, ix] * (1 - fx) + table[iy, ix + 1] * fx
                            lower = table[iy + 1, ix] * (1 - fx) + table[iy + 1, ix + 1] * fx
                            area = upper * (1 - fy) + lower * fy
                        if area <= 0:
                            continue
                        for k in range(radii.size - 1, -1, -1):
                            if d > radii[k] * radii[k]:
                                break
                            out[k] += 2 / area


@kernel
def joins(a: Ints, b: Ints, types: Ints, count: int) -> Array:
    """Count edges by the types of their ends: (count, count), symmetric; a type of -1 is unknown and left out."""
    out = np.zeros((count, count))
    for i in range(a.size):
        s, t = types[a[i]], types[b[i]]
        if s < 0 or t < 0:
            continue
        out[s, t] += 1
        if s != t:
            out[t, s] += 1
    return out
