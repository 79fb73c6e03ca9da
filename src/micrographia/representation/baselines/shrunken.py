"""Downsampled pixels: a picture so small that only its layout of brightness is left."""

from __future__ import annotations

import numpy as np

from micrographia.representation.baselines.fields import Reading
from micrographia.representation.baselines.kernels import pixels
from micrographia.representation.baselines.measured import Measured

SIDE = 16
"""Rows and columns of the small picture."""


def shrunken(reading: Reading, channel: int, name: str, side: int = SIDE) -> Measured:
    """Return the mean of the pixels in each of ``side x side`` equal parts of the plane, row by row.

    A pixel across a border is divided, so any size fits any other. Planes and time points are averaged; what is not
    finite is left out.
    """
    height, width = reading.plane
    total, weight = np.zeros((side, side)), np.zeros((side, side))
    for y, x, tile in reading.tiles(channel):
        pixels.shrink(tile, y, x, height, width, total, weight)
    values = np.full((side, side), np.nan)
    known = weight > 1e-9
    values[known] = total[known] / weight[known]
    names = tuple(f"{name}_pixel_{row}_{column}" for row in range(side) for column in range(side))
    reasons = () if known.all() else (f"channel {name} has no finite pixel in a part of the plane",)
    return Measured(names, values.ravel(), reasons)
