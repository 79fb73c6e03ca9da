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
def binary_patterns(tile: Array, offsets: Array, reach: int, kinds: Array, out: Ints) -> None:
    """Count uniform local binary patterns (Ojala, Pietikainen & Maenpaa 2002).

    Parameters
    ----------
    tile
        (Y, X), float64.
    offsets
        (points, 2): Y and X of the points on the circle, at most 16.
    reach
        How far from the edge a pixel must be.
    kinds
        Kind of each pattern (2^points), bit ``p`` of a pattern says that point ``p`` is not darker than the centre.
    out
        Counts of kinds, added to. A pixel with a value that is not finite around it is left out.
    """
    height, width = tile.shape
    inner = width - 2 * reach
    if inner <= 0:
        return
    codes, broken = np.empty(inner, np.int64), np.empty(inner, np.bool_)
    values = np.empty(inner)
    for y in range(reach, height - reach):
        centre = tile[y, reach : width - reach]
        codes[:] = 0
        for x in range(inner):
            broken[x] = not np.isfinite(centre[x])
        for p in range(offsets.shape[0]):
            top, left = int(np.floor(offsets[p, 0])), int(np.floor(offsets[p, 1]))
            down, across = offsets[p, 0] - top, offsets[p, 1] - left
            values[:] = 0
            for corner in range(4):
                dy, dx = corner // 2, corner % 2
                w = (down if dy else 1 - down) * (across if dx else 1 - across)
                if w == 0.0:
                    continue
                first = reach + left + dx
                line = tile[y + top + dy, first : first + inner]
                # Differences, not values: equal neighbours then give exactly zero.
                for x in range(inner):
                    values[x] += w * (line[x] - centre[x])
            bit = 1 << p
            for x in range(inner):
                codes[x] |= bit if values[x] >= 0.0 else 0
                broken[x] |= not np.isfinite(values[x])
        for x in range(inner):
            if not broken[x]:
                out[kinds[codes[x]]] += 1
