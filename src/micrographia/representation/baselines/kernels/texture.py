"""Co-occurrence of grey levels and local binary patterns."""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array, Ints

NONE = 255
"""The level of a pixel that is left out."""


@kernel
def levels_of(tile: Array, low: float, high: float, levels: int, out: Array) -> None:
    """Set ``out`` (uint8) to the grey level of each pixel, equal steps from ``low`` to ``high``; NONE if not finite."""
    step = levels / (high - low) if high > low else 0.0
    for y in range(tile.shape[0]):
        for x in range(tile.shape[1]):
            v = tile[y, x]
            if not np.isfinite(v):
                out[y, x] = NONE
                continue
            level = int(min(max((v - low) * step, 0.0), float(levels)))
            out[y, x] = min(level, levels - 1)


@kernel
def cooccurrence(levels: Array, distances: Ints, out: Ints) -> None:
    """Count pairs of grey levels at each distance in four directions, both ways.

    Parameters
    ----------
    levels
        (Y, X), uint8; pairs with NONE are left out.
    distances
        In pixels along the axes: a diagonal neighbour at distance d lies d rows and d columns away.
    out
        (distances, 4, levels, levels), added to; directions are right, down and right, down, down and left.
    """
    height, width = levels.shape
    for k in range(distances.size):
        d = distances[k]
        for direction in range(4):
            dy = 0 if direction == 0 else d
            dx = d if direction < 2 else (0 if direction == 2 else -d)
            table = out[k, direction]
            first, last = max(0, -dx), min(width, width - dx)
            for y in range(height - dy):
                here, there = levels[y], levels[y + dy]
                for x in range(first, last):
                    a, b = here[x], there[x + dx]
                    if a != NONE and b != NONE:
                        table[a, b] += 1
    for k in range(distances.size):
        for direction in range(4):
            table = out[k, direction]
            for a in range(table.shape[0]):
                for b in range(a, table.shape[1]):
                    both = table[a, b] + table[b, a]
                    table[a, b] = both
                    table[b, a] = both


@kernel
def binary_patterns(tile: Array, offsets: Array, reach: int, out: Ints) -> None:
    """Count uniform local binary patterns (Ojala, Pietikainen & Maenpaa 2002).

    Parameters
    ----------
    tile
        (Y, X), float64.
    offsets
        (points, 2): Y and X of the points on the circle.
    reach
        How far from the edge a pixel must be.
    out
        (points + 2): counts of patterns with 0, 1 ... ``points`` bright points in one arc, and of all others; added to.
        A pixel with a value that is not finite around it is left out.
    """
    height, width = tile.shape
    points = offsets.shape[0]
    at_y, at_x = np.empty(points, np.int64), np.empty(points, np.int64)
    weights = np.empty((points, 4))
    for p in range(points):
        y0, x0 = np.floor(offsets[p, 0]), np.floor(offsets[p, 1])
        fy, fx = offsets[p, 0] - y0, offsets[p, 1] - x0
        at_y[p], at_x[p] = int(y0), int(x0)
        weights[p, 0], weights[p, 1] = (1 - fy) * (1 - fx), (1 - fy) * fx
        weights[p, 2], weights[p, 3] = fy * (1 - fx), fy * fx
    for y in range(reach, height - reach):
        for x in range(reach, width - reach):
            centre = tile[y, x]
            ones = 0
            changes = 0
            first = False
            before = False
            fine = np.isfinite(centre)
            for p in range(points):
                if not fine:
                    break
                value = 0.0
                for corner in range(4):
                    w = weights[p, corner]
                    if w != 0.0:
                        # Differences, not values: equal neighbours then give exactly zero.
                        value += w * (tile[y + at_y[p] + corner // 2, x + at_x[p] + corner % 2] - centre)
                fine = np.isfinite(value)
                bright = value >= 0.0
                ones += bright
                if p == 0:
                    first = bright
                else:
                    changes += bright != before
                before = bright
            if not fine:
                continue
            changes += before != first
            out[ones if changes <= 2 else points + 1] += 1
