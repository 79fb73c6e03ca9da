"""Halving pixels: the mean for intensities, the mode for labels.

All kernels release the GIL. They take planes ``(Z, Y, X)`` and halve Y and X, and Z too where ``deep``; an odd size
is rounded up and its last pixel is made of the pixels that are there. Rows beyond the edge repeat the last one, which
changes neither a mean nor a mode.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from micrographia.images.image import Array


def halve(planes: Array, *, deep: bool, labels: bool) -> Array:
    """Return planes at half the resolution.

    Parameters
    ----------
    planes
        Pixels ``(Z, Y, X)``, C-contiguous.
    deep
        Whether Z is halved too.
    labels
        Take the most frequent value, of several the lowest that is not 0; otherwise take the mean, with halves
        rounded to the even integer.

    Returns
    -------
    Array
        Of the same type and ``ceil(size / 2)`` along each halved axis.
    """
    depth, height, width = planes.shape
    half = np.empty((-(-depth // 2) if deep else depth, -(-height // 2), -(-width // 2)), planes.dtype)
    if labels:
        (_mode_deep if deep else _mode_flat)(planes, half)
    elif planes.dtype == np.float16:
        return halve(planes.astype(np.float32), deep=deep, labels=False).astype(np.float16)
    elif planes.dtype.kind == "f":
        _mean_float(planes, half, deep)
    elif planes.dtype.itemsize == 8:
        _mean_wide(planes, half, deep)
    else:
        (_mean_deep if deep else _mean_flat)(planes, half)
    return half


@njit(nogil=True, cache=True)
def _mean_flat(planes: Array, half: Array) -> None:
    height, width = planes.shape[1:]
    one, two = np.int64(1), np.int64(2)
    for z in range(half.shape[0]):
        for y in range(half.shape[1]):
            upper, lower, row = planes[z, 2 * y], planes[z, min(2 * y + 1, height - 1)], half[z, y]
            for x in range(width // 2):
                total = (
                    np.int64(upper[2 * x])
                    + np.int64(upper[2 * x + 1])
                    + np.int64(lower[2 * x])
                    + np.int64(lower[2 * x + 1])
                )
                row[x] = (total + one + ((total >> two) & one)) >> two
            if width % 2:
                total = (np.int64(upper[width - 1]) + np.int64(lower[width - 1])) * two
                row[width // 2] = (total + one + ((total >> two) & one)) >> two


@njit(nogil=True, cache=True)
def _mean_deep(planes: Array, half: Array) -> None:
    depth, height, width = planes.shape
    one, three = np.int64(1), np.int64(3)
    for z in range(half.shape[0]):
        first, second = planes[2 * z], planes[min(2 * z + 1, depth - 1)]
        for y in range(half.shape[1]):
            below = min(2 * y + 1, height - 1)
            a, b, c, d, row = first[2 * y], first[below], second[2 * y], second[below], half[z, y]
            for x in range(width // 2):
                total = (
                    np.int64(a[2 * x])
                    + np.int64(a[2 * x + 1])
                    + np.int64(b[2 * x])
                    + np.int64(b[2 * x + 1])
                    + np.int64(c[2 * x])
                    + np.int64(c[2 * x + 1])
                    + np.int64(d[2 * x])
                    + np.int64(d[2 * x + 1])
                )
                row[x] = (total + three + ((total >> three) & one)) >> three
            if width % 2:
                last = width - 1
                total = np.int64(a[last]) + np.int64(b[last]) + np.int64(c[last]) + np.int64(d[last])
                total += total
                row[width // 2] = (total + three + ((total >> three) & one)) >> three


@njit(nogil=True, cache=True)
def _mean_wide(planes: Array, half: Array, deep: bool) -> None:
    """Add quotients and remainders of 64-bit integers apart, so that no sum overflows."""
    depth, height, width = planes.shape
    kind = planes.dtype.type
    bits = 3 if deep else 2
    zero, one, shift, count = kind(0), kind(1), kind(bits), kind(1 << bits)
    for z in range(half.shape[0]):
        for y in range(half.shape[1]):
            for x in range(half.shape[2]):
                quotient, remainder = zero, zero
                for corner in range(1 << bits):
                    k = min(2 * z + corner // 4, depth - 1) if deep else z
                    j, i = min(2 * y + corner // 2 % 2, height - 1), min(2 * x + corner % 2, width - 1)
                    quotient += planes[k, j, i] >> shift
                    remainder += planes[k, j, i] & (count - one)
                quotient += remainder >> shift
                remainder = (remainder & (count - one)) << one
                if remainder > count or (remainder == count and quotient & one):
                    quotient += one
                half[z, y, x] = quotient


@njit(nogil=True, cache=True)
def _mean_float(planes: Array, half: Array, deep: bool) -> None:
    depth, height, width = planes.shape
    for z in range(half.shape[0]):
        first = 2 * z if deep else z
        second = min(2 * z + 1, depth - 1) if deep else z
        for y in range(half.shape[1]):
            below = min(2 * y + 1, height - 1)
            a, b, c, d = (
                planes[first, 2 * y],
                planes[first, below],
                planes[second, 2 * y],
                planes[second, below],
            )
            for x in range(half.shape[2]):
                left, right = 2 * x, min(2 * x + 1, width - 1)
                upper = (
                    np.float64(a[left]) + np.float64(a[right]) + np.float64(b[left]) + np.float64(b[right])
                )
                if deep:
                    upper += np.float64(c[left]) + np.float64(c[right])
                    upper += np.float64(d[left]) + np.float64(d[right])
                    upper *= 0.5
                half[z, y, x] = upper * 0.25


@njit(nogil=True, cache=True)
def _mode_flat(planes: Array, half: Array) -> None:
    height, width = planes.shape[1:]
    for z in range(half.shape[0]):
        for y in range(half.shape[1]):
            upper, lower, row = planes[z, 2 * y], planes[z, min(2 * y + 1, height - 1)], half[z, y]
            for x in range(width // 2):
                row[x] = _mode_of_four(upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1])
            if width % 2:
                top, bottom = upper[width - 1], lower[width - 1]
                row[width // 2] = _mode_of_four(top, top, bottom, bottom)


@njit(nogil=True, cache=True)
def _mode_of_four(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the mode without branches, so that the loop around it runs on vectors."""
    one = np.uint64(1)
    # 0 less one is the largest value: of equal counts it never wins.
    a, b, c, d = np.uint64(a) - one, np.uint64(b) - one, np.uint64(c) - one, np.uint64(d) - one
    ab, ac, ad = np.uint8(a == b), np.uint8(a == c), np.uint8(a == d)
    bc, bd, cd = np.uint8(b == c), np.uint8(b == d), np.uint8(c == d)
    best, most = a, ab + ac + ad
    votes = ab + bc + bd
    wins = (votes > most) | ((votes == most) & (b < best))
    best, most = b if wins else best, votes if wins else most
    votes = ac + bc + cd
    wins = (votes > most) | ((votes == most) & (c < best))
    best, most = c if wins else best, votes if wins else most
    votes = ad + bd + cd
    wins = (votes > most) | ((votes == most) & (d < best))
    best = d if wins else best
    return best + one


@njit(nogil=True, cache=True)
def _mode_deep(planes: Array, half: Array) -> None:
    depth, height, width = planes.shape
    one = np.uint64(1)
    corners = np.empty(8, np.uint64)
    for z in range(half.shape[0]):
        first, second = planes[2 * z], planes[min(2 * z + 1, depth - 1)]
        for y in range(half.shape[1]):
            below = min(2 * y + 1, height - 1)
            a, b, c, d, row = first[2 * y], first[below], second[2 * y], second[below], half[z, y]
            for x in range(half.shape[2]):
                left, right = 2 * x, min(2 * x + 1, width - 1)
                value = a[left]
                if (
                    (value == a[right])
                    & (value == b[left])
                    & (value == b[right])
                    & (value == c[left])
                    & (value == c[right])
                    & (value == d[left])
                    & (value == d[right])
                ):
                    row[x] = value
                    continue
                corners[0], corners[1] = np.uint64(value) - one, np.uint64(a[right]) - one
                corners[2], corners[3] = np.uint64(b[left]) - one, np.uint64(b[right]) - one
                corners[4], corners[5] = np.uint64(c[left]) - one, np.uint64(c[right]) - one
                corners[6], corners[7] = np.uint64(d[left]) - one, np.uint64(d[right]) - one
                best, most = corners[0], 0
                for i in range(8):
                    votes = 0
                    for j in range(8):
                        votes += corners[i] == corners[j]
                    if votes > most or (votes == most and corners[i] < best):
                        best, most = corners[i], votes
                row[x] = best + one
