"""Rescaling: which pixels of a frame a pixel of a patch is made of.

Pixel i of a patch that begins at s and has ``zoom`` pixels in a pixel of the frame has its centre at
``s + (i + 0.5) / zoom - 0.5`` in the frame (integers are centres of pixels; the patch begins at the edge of pixel s).
Intensities are interpolated linearly; where a patch is coarser than the frame, with a triangle as wide as two of its
pixels, so that nothing is skipped. Labels are those of the nearest pixel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def centres(start: int, zoom: float, count: int, size: int) -> npt.NDArray[np.float64]:
    """Return the centres of ``count`` pixels of a patch in a frame of ``size``; without those that lie outside."""
    found: npt.NDArray[np.float64] = start + (np.arange(count, dtype=np.float64) + 0.5) / zoom - 0.5
    return found[found < size - 0.5 + 1e-9]


def triangle(
    places: npt.NDArray[np.float64], zoom: float, size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the weights of linear interpolation at some places of an axis.

    The filter of each place is a triangle of half-width ``max(1, 1 / zoom)``, cut at the ends of the axis and
    normalised to a sum of 1 (antialiased linear interpolation, as in Turkowski 1990, "Filters for common resampling
    tasks").

    Parameters
    ----------
    places
        Coordinates, (m,).
    zoom
        Pixels of the patch in a pixel of the frame.
    size
        Length of the axis.

    Returns
    -------
    first
        (m,), the first pixel that has a weight.
    weights
        (m, k), float32.
    """
    half = max(1.0, 1.0 / zoom)
    first = np.maximum(0, np.ceil(places - half)).astype(np.int64)
    taps = first[:, np.newaxis] + np.arange(math.floor(2 * half) + 1)
    weights = np.maximum(0.0, 1.0 - np.abs(taps - places[:, np.newaxis]) / half)
    weights[taps >= size] = 0
    return first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def nearest(places: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.int64]:
    """Return the pixels nearest to some places; halfway, the later one."""
    found: npt.NDArray[np.int64] = np.clip(np.floor(places + 0.5), 0, size - 1).astype(np.int64)
    return found
