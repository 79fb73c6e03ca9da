"""Downsampled pixels: a picture so small that only its layout of brightness is left."""

from __future__ import annotations

import numpy as np

from micrographia.representation.baselines.fields import Array, Reading
from micrographia.representation.baselines.measured import Measured

SIDE = 16
"""Rows and columns of the small picture."""


def shares(size: int, side: int) -> Array:
    """Return how much of each of ``size`` pixels lies in each of ``side`` equal stretches; (side, size), float64.

    Each row sums to ``size / side``; a pixel across a border is divided, so that any size fits any other.
    """
    edges = np.arange(side + 1) * (size / side)
    pixels = np.arange(size)
    low = np.maximum(edges[:-1, None], pixels[None, :])
    high = np.minimum(edges[1:, None], pixels[None, :] + 1)
    return np.maximum(high - low, 0.0)


def shrunken(reading: Reading, channel: int, name: str, side: int = SIDE) -> Measured:
    """Return the mean of the pixels in each of ``side x side`` equal parts of the plane, row by row.

    Planes and time points are averaged; what is not finite is left out.
    """
    height, width = reading.plane
    down, across = shares(height, side), shares(width, side)
    total, weight = np.zeros((side, side)), np.zeros((side, side))
    for y, x, tile in reading.tiles(channel):
        left, right = down[:, y : y + tile.shape[0]], across[:, x : x + tile.shape[1]].T
        finite = np.isfinite(tile)
        if finite.all():
            total += left @ tile @ right
            weight += left.sum(axis=1)[:, None] * right.sum(axis=0)[None, :]
        else:
            total += left @ np.where(finite, tile, 0.0) @ right
            weight += left @ finite.astype(np.float64) @ right
    values = np.full((side, side), np.nan)
    known = weight > 1e-9
    values[known] = total[known] / weight[known]
    names = tuple(f"{name}_pixel_{row}_{column}" for row in range(side) for column in range(side))
    reasons = () if known.all() else (f"channel {name} has no finite pixel in a part of the plane",)
    return Measured(names, values.ravel(), reasons)
