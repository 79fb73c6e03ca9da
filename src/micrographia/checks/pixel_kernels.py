"""Single passes over one tile of pixels, compiled; they hold no lock, so threads run them side by side."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.kernels.jit import kernel

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

PERCENTILES = (0.1, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.9)
"""The percentiles that are kept of every channel."""


@kernel
def _fold(words: Array) -> Array:
    """Return four 64-bit numbers that depend on every word (uint64) and its place: the rounds of xxHash64."""
    first, second = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)
    left, right = np.uint64(31), np.uint64(33)
    a, b = first + second, second
    c, d = np.uint64(0x165667B19E3779F9), np.uint64(0x27D4EB2F165667C5)
    whole = words.size // 4 * 4
    for at in range(0, whole, 4):
        a += words[at] * second
        b += words[at + 1] * second
        c += words[at + 2] * second
        d += words[at + 3] * second
        a = ((a << left) | (a >> right)) * first
        b = ((b << left) | (b >> right)) * first
        c = ((c << left) | (c >> right)) * first
        d = ((d << left) | (d >> right)) * first
    for at in range(whole, words.size):
        a += words[at] * second
        a = ((a << left) | (a >> right)) * first
    return np.array([a, b, c, d], np.uint64)


def digest(tile: Array) -> bytes:
    """Return 32 bytes that tell a tile (C-contiguous, native little-endian) from any other by its bytes.

    Four independent lanes of 64 bits, each fed every fourth word: strong against chance, not against an adversary,
    and ten times as fast as a cryptographic hash of all bytes.
    """
    flat = tile.reshape(-1).view(np.uint8)
    whole = flat.size // 8 * 8
    state = _fold(flat[:whole].view(np.uint64))
    return hashlib.sha256(state.tobytes() + flat[whole:].tobytes() + flat.size.to_bytes(8, "little")).digest()


@kernel
def count_values(tile: Array, tables: Array) -> None:
    """Add how often each value occurs in a tile (2D, unsigned).

    Parameters
    ----------
    tile
        The tile.
    tables
        int32 (1 or 4, values); their sum is meant. Four are faster for many pixels: equal neighbours then do not wait
        for each other's increment.
    """
    height, width = tile.shape
    if tables.shape[0] == 1:
        counts = tables[0]
        for y in range(height):
            for x in range(width):
                counts[tile[y, x]] += 1
        return
    a, b, c, d = tables[0], tables[1], tables[2], tables[3]
    for y in range(height):
        row = tile[y]
        for x in range(0, width - 3, 4):
            a[row[x]] += 1
            b[row[x + 1]] += 1
            c[row[x + 2]] += 1
            d[row[x + 3]] += 1
        for x in range(width // 4 * 4, width):
            a[row[x]] += 1


@kernel
def describe_counts(counts: Array, percents: Floats) -> tuple[Floats, Floats]:
    """Return moments and percentiles of values given how often each occurs.

    Returns
    -------
    tuple of arrays
        Number, minimum, maximum, mean, variance; and the smallest value that at least each percentage of the pixels
        does not exceed.
    """
    number = np.int64(0)
    total = 0.0
    lowest, highest = -1, -1
    for value in range(counts.size):
        if counts[value] > 0:
            if lowest < 0:
                lowest = value
            highest = value
            number += counts[value]
            total += float(value) * counts[value]
    mean = total / number
    spread = 0.0
    for value in range(lowest, highest + 1):
        spread += counts[value] * (value - mean) ** 2
    found = np.empty(percents.size)
    seen = np.int64(0)
    at = 0
    for value in range(lowest, highest + 1):
        seen += counts[value]
        while at < percents.size and seen >= percents[at] / 100.0 * number:
            found[at] = value
            at += 1
    for rest in range(at, percents.size):
        found[rest] = highest
    return np.array([number, lowest, highest, mean, spread / number]), found


@kernel
def scan_values(tile: Array) -> Floats:
    """Return what one tile (2D) of any number type holds.

    Returns
    -------
    array of float64
        Finite values, NaNs, infinities, zeros, minimum, maximum, mean, sum of squared deviations, pixels at the
        maximum, values with a fraction, negative values.
    """
    finite = nans = infinite = zeros = fractional = negative = at_maximum = 0
    lowest, highest, total = np.inf, -np.inf, 0.0
    height, width = tile.shape
    for y in range(height):
        for x in range(width):
            value = float(tile[y, x])
            if np.isnan(value):
                nans += 1
                continue
            if np.isinf(value):
                infinite += 1
                continue
            finite += 1
            total += value
            zeros += value == 0.0
            negative += value < 0.0
            fractional += value != np.floor(value)
            lowest = min(lowest, value)
            if value > highest:
                highest = value
                at_maximum = 0
            at_maximum += value == highest
    mean = total / finite if finite else 0.0
    spread = 0.0
    if infinite == 0 and nans == 0:
        for y in range(height):
            for x in range(width):
                spread += (float(tile[y, x]) - mean) ** 2
    else:
        for y in range(height):
            for x in range(width):
                value = float(tile[y, x])
                if np.isfinite(value):
                    spread += (value - mean) ** 2
    return np.array(
        [
            finite,
            nans,
            infinite,
            zeros,
            lowest,
            highest,
            mean,
            spread,
            at_maximum,
            fractional,
            negative,
        ],
        np.float64,
    )


@kernel
def curvature_integers(tile: Array) -> tuple[int, Any, Any]:
    """Return number, sum and sum of squares of the 4-neighbour Laplacian inside a tile (2D, at most 18 bits)."""
    height, width = tile.shape
    total = np.int64(0)
    squares = np.int64(0)
    for y in range(1, height - 1):
        above, here, below = tile[y - 1], tile[y], tile[y + 1]
        for x in range(1, width - 1):
            value = (
                np.int32(above[x])
                + np.int32(below[x])
                + np.int32(here[x - 1])
                + np.int32(here[x + 1])
                - np.int32(4) * np.int32(here[x])
            )
            total += value
            squares += np.int64(value) * np.int64(value)
    return max(0, height - 2) * max(0, width - 2), total, squares


@kernel
def curvature_floats(tile: Array) -> tuple[int, Any, Any]:
    """Return number, sum and sum of squares of the 4-neighbour Laplacian inside a tile (2D) of any type."""
    height, width = tile.shape
    total = 0.0
    squares = 0.0
    for y in range(1, height - 1):
        above, here, below = tile[y - 1], tile[y], tile[y + 1]
        for x in range(1, width - 1):
            value = float(above[x]) + float(below[x]) + float(here[x - 1]) + float(here[x + 1])
            value -= 4.0 * float(here[x])
            total += value
            squares += value * value
    return max(0, height - 2) * max(0, width - 2), total, squares


@kernel
def sum_pairs(tile: Array, sums: Array) -> None:
    """Write the sum of each 2 x 2 block of a tile to ``sums`` (int32 or float32), without an odd last row or column."""
    for y in range(sums.shape[0]):
        upper, lower, out = tile[2 * y], tile[2 * y + 1], sums[y]
        for x in range(sums.shape[1]):
            out[x] = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1]
