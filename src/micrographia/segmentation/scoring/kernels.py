"""Where the objects of a label image lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.compiled import compiled

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


@compiled
def places(labels: Array, ids: Array, out: Ints) -> None:
    """Add up the pixels of objects and their coordinates.

    Parameters
    ----------
    labels
        Unsigned ``(Z, Y, X)``.
    ids
        Labels to look for, ascending, of the same type ``(n,)``.
    out
        int64 ``(n, 4)``, 0 at first: pixels, and the sums of Z, Y, X.
    """
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            x = 0
            while x < width:
                v = labels[z, y, x]
                begin = x
                x += 1
                while x < width and labels[z, y, x] == v:
                    x += 1
                if v == 0:
                    continue
                low, high = 0, ids.size
                while low < high:
                    middle = (low + high) // 2
                    if ids[middle] < v:
                        low = middle + 1
                    else:
                        high = middle
                if low < ids.size and ids[low] == v:
                    n = x - begin
                    out[low, 0] += n
                    out[low, 1] += n * z
                    out[low, 2] += n * y
                    out[low, 3] += n * (begin + x - 1) // 2
