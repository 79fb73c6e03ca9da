"""Resize images larger than memory, row by row: a triangle filter that averages where the image shrinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

STRIP_BYTES = 8 << 20
"""About how many bytes of 32-bit floats are held at once."""


@lru_cache(maxsize=64)
def weights(size: int, target: int) -> Any:
    """Return the weights ``(target, size)`` of a resized line, sparse, float64, each row of sum 1.

    Output pixel ``i`` has its centre at ``(i + 0.5) size / target - 0.5`` and is the mean of the pixels within one
    output pixel of it (one input pixel where the image grows), weighted by a triangle: bilinear interpolation with
    antialiasing, as Pillow's ``BILINEAR``.

    Parameters
    ----------
    size, target
        Number of pixels before and after.
    """
    from scipy.sparse import csr_array

    scale = size / target
    reach = max(scale, 1.0)
    rows, columns, values = [], [], []
    for at in range(target):
        centre = (at + 0.5) * scale
        first, last = max(0, int(centre - reach + 0.5)), min(size, int(centre + reach + 0.5))
        held = np.arange(first, last)
        share = np.clip(1.0 - np.abs(held + 0.5 - centre) / reach, 0.0, None)
        rows.append(np.full(len(held), at))
        columns.append(held)
        values.append(share / share.sum())
    placed = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(placed, shape=(target, size))


def resized(read: Callable[[int, int], Floats], shape: tuple[int, int, int], size: int) -> Floats:
    """Return an image ``(C, Y, X)`` as ``(C, size, size)``; the sides may change their proportion.

    Parameters
    ----------
    read
        Returns rows ``first`` to ``last`` of all channels, float32 ``(C, rows, X)``.
    shape
        Of the image: channels, height, width.
    size
        Side of the result.
    """
    channels, height, width = shape
    if (height, width) == (size, size):
        return read(0, height)
    down, across = weights(height, size).tocsc(), weights(width, size)
    total = np.zeros((channels, size, size))
    for first, last in strips(height, channels * width * 4):
        rows = read(first, last)
        part = down[:, first:last]
        for channel in range(channels):
            total[channel] += part @ (across @ rows[channel].T.astype(np.float64)).T
    return total.astype(np.float32)


def resized_array(image: Floats, size: int) -> Floats:
    """Return an image ``(C, Y, X)`` in memory as ``(C, size, size)``."""
    return resized(lambda first, last: image[:, first:last], (len(image), *image.shape[1:]), size)


def strips(height: int, row_bytes: int, target: int = STRIP_BYTES) -> Iterator[tuple[int, int]]:
    """Yield first and last row of strips that cover a height."""
    step = max(1, target // max(1, row_bytes))
    for first in range(0, height, step):
        yield first, min(height, first + step)
