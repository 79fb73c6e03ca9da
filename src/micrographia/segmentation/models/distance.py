"""Exact distance to the nearest pixel outside of a mask, 2D and 3D, with voxels longer than wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.compiled import compiled

Array = npt.NDArray[Any]

_FAR = 1e20


def distance_inside(mask: Array, spacing: Sequence[float] | None = None) -> npt.NDArray[np.float32]:
    """Return the Euclidean distance from each pixel of a mask to the nearest pixel outside.

    What lies beyond the image is not outside, so that an object cut by the border keeps its width. Squared distances
    are found line by line, axis after axis, as lower envelopes of parabolas (Felzenszwalb and Huttenlocher 2012).

    Parameters
    ----------
    mask
        Boolean, ``(Y, X)`` or ``(Z, Y, X)``.
    spacing
        Length of a pixel along each axis; 1 by default.

    Returns
    -------
    Array
        float32 of the mask's shape: 0 outside, and the largest side of the image everywhere if nothing is outside.
    """
    held = np.asarray(mask, bool)
    steps = tuple(float(step) for step in spacing) if spacing is not None else (1.0,) * held.ndim
    squares = np.where(held, np.float32(_FAR), np.float32(0.0))
    if held.all():
        largest = max((size * step for size, step in zip(held.shape, steps, strict=True)), default=1.0)
        return np.full(held.shape, largest, np.float32)
    for axis in range(held.ndim - 1, -1, -1):
        moved = np.moveaxis(squares, axis, -1)
        lines = np.ascontiguousarray(moved)
        _envelopes(lines.reshape(-1, lines.shape[-1]), steps[axis])
        moved[...] = lines
    np.sqrt(squares, out=squares)
    return squares


@compiled
def _envelopes(lines: Array, step: float) -> None:
    """Replace each line of squared distances f(x) by the minimum over x' of f(x') + (step (x - x'))^2."""
    n, size = lines.shape
    places = np.zeros(size, np.int64)
    starts = np.zeros(size + 1, np.float64)
    heights = np.zeros(size, np.float64)
    square = step * step
    for row in range(n):
        line = lines[row]
        last = -1
        for x in range(size):
            if line[x] >= 1e19:
                continue
            height = float(line[x]) + square * x * x
            cross = -np.inf
            while last >= 0:
                cross = (height - heights[last]) / (2.0 * square * (x - places[last]))
                if cross > starts[last]:
                    break
                last -= 1
            last += 1
            places[last] = x
            heights[last] = height
            starts[last] = cross if last > 0 else -np.inf
        if last < 0:
            continue
        starts[last + 1] = np.inf
        k = 0
        out = np.zeros(size, np.float32)
        for x in range(size):
            while starts[k + 1] < x:
                k += 1
            away = step * (x - places[k])
            out[x] = away * away + line[places[k]]
        for x in range(size):
            line[x] = out[x]
