"""Kernels without the GIL: cutting and normalising pixels, and resampling them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from micrographia.images.image import Array


@njit(nogil=True, cache=True)
def cut(block: Array, at: Array, multiply: Array, add: Array, out: Array) -> None:
    """Write ``block * multiply + add`` of a box into the front corner of a patch; what lies outside becomes 0.

    ``block`` is C, Z, Y, X of any number, ``out`` C, Z, Y, X float32; ``at`` holds start (3) and size (3) of the box in
    the block; ``multiply`` and ``add`` are float32, one a channel.
    """
    first, last = at[2], at[2] + at[5]
    for c in range(out.shape[0]):
        m, a = multiply[c], add[c]
        for z in range(out.shape[1]):
            for y in range(out.shape[2]):
                row = out[c, z, y]
                if z >= at[3] or y >= at[4]:
                    row[:] = 0
                    continue
                # Rows are taken out because a loop over one axis from 0 on is compiled to vector instructions.
                source = block[c, at[0] + z, at[1] + y, first:last]
                for x in range(len(source)):
                    row[x] = np.float32(source[x]) * m + a
                row[len(source) :] = 0


@njit(nogil=True, cache=True)
def cut_labels(block: Array, at: Array, out: Array) -> None:
    """Write a box of labels (Z, Y, X) into the front corner of a patch; what lies outside becomes 0."""
    first, last = at[2], at[2] + at[5]
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            row = out[z, y]
            if z >= at[3] or y >= at[4]:
                row[:] = 0
                continue
            source = block[at[0] + z, at[1] + y, first:last]
            for x in range(len(source)):
                row[x] = source[x]
            row[len(source) :] = 0


@njit(nogil=True, cache=True)
def drop_unknown(image: Array, region: Array) -> int:
    """Set pixels that are no finite numbers to 0 and their place in the region to False; return how many there are."""
    found: Any = 0
    for c in range(image.shape[0]):
        for z in range(image.shape[1]):
            for y in range(image.shape[2]):
                for x in range(image.shape[3]):
                    value = image[c, z, y, x]
                    if value - value != 0:  # infinity, or no number
                        image[c, z, y, x] = 0
                        region[z, y, x] = False
                        found += 1
    return found


@njit(nogil=True, cache=True)
def blend(block: Array, first: Array, weights: Array, out: Array) -> None:
    """Resample the middle of three axes: each output row is a weighted sum of input rows.

    ``block`` is (A, N, B) float32, ``out`` (A, M, B) float32; output row j is the sum over k of ``weights[j, k] *
    block[:, first[j] + k]``.
    """
    for a in range(block.shape[0]):
        for j in range(out.shape[1]):
            for b in range(block.shape[2]):
                out[a, j, b] = 0
            for k in range(weights.shape[1]):
                w = weights[j, k]
                if w != 0:
                    for b in range(block.shape[2]):
                        out[a, j, b] += w * block[a, first[j] + k, b]
