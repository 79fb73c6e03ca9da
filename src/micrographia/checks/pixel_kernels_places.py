"""Compiled loops that recognise places: thumbnails, anchors, correlation; they hold no lock."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.kernels.jit import kernel

Array = npt.NDArray[Any]


@kernel
def area_mean(plane: Array, size: int) -> Array:
    """Return a plane (2D) shrunk to ``size`` x ``size`` (float32) by area, whatever its own shape."""
    height, width = plane.shape
    bands = np.zeros((size, width), np.float64)
    for y in range(size):
        start, stop = y * height / size, (y + 1) * height / size
        for at in range(int(np.floor(start)), min(height, int(np.ceil(stop)))):
            weight = (min(stop, at + 1.0) - max(start, float(at))) / (stop - start)
            for x in range(width):
                bands[y, x] += weight * plane[at, x]
    result = np.zeros((size, size), np.float32)
    for x in range(size):
        start, stop = x * width / size, (x + 1) * width / size
        for at in range(int(np.floor(start)), min(width, int(np.ceil(stop)))):
            weight = (min(stop, at + 1.0) - max(start, float(at))) / (stop - start)
            for y in range(size):
                result[y, x] += weight * bands[y, at]
    return result


@kernel
def coarse_lines(lines: Array, parts: int) -> Array:
    """Return lines (line, pixel) divided into parts, each line without mean and of standard deviation 32, as int8."""
    number, length = lines.shape
    result = np.zeros((number, parts), np.int8)
    means = np.empty(parts)
    for line in range(number):
        total = 0.0
        for part in range(parts):
            start, stop = part * length // parts, (part + 1) * length // parts
            value = 0.0
            for at in range(start, stop):
                value += lines[line, at]
            means[part] = value / (stop - start)
            total += means[part]
        mean = total / parts
        square = 0.0
        for part in range(parts):
            square += (means[part] - mean) ** 2
        if square > 1e-12 * mean * mean * parts:
            scale = 32.0 / np.sqrt(square / parts)
            for part in range(parts):
                result[line, part] = int(min(127.0, max(-127.0, np.round((means[part] - mean) * scale))))
    return result


@kernel
def _smooth(plane: Array, step: int, scratch: Array, result: Array) -> None:
    """Write a plane (float32) smoothed by 1 4 6 4 1, samples ``step`` apart, to ``result``; borders repeat."""
    height, width = plane.shape
    four, six, part = np.float32(4), np.float32(6), np.float32(1 / 16)
    reach = 2 * step
    for y in range(height):
        row, out = plane[y], scratch[y]
        # Slices instead of x - reach: an index that may be negative keeps the loop from being vectorised.
        a, b, c, d, e = row, row[step:], row[reach:], row[reach + step :], row[2 * reach :]
        inside = out[reach:]
        for x in range(max(0, width - 2 * reach)):
            inside[x] = ((a[x] + e[x]) + four * (b[x] + d[x]) + six * c[x]) * part
        for at in range(2 * min(reach, width)):
            x = at if at < reach else width - 1 - (at - reach)
            if 0 <= x < width:
                outer = row[max(0, x - reach)] + row[min(width - 1, x + reach)]
                inner = row[max(0, x - step)] + row[min(width - 1, x + step)]
                out[x] = (outer + four * inner + six * row[x]) * part
    for y in range(height):
        a, b = scratch[max(0, y - reach)], scratch[min(height - 1, y + reach)]
        c, d = scratch[max(0, y - step)], scratch[min(height - 1, y + step)]
        here, out = scratch[y], result[y]
        for x in range(width):
            out[x] = ((a[x] + b[x]) + four * (c[x] + d[x]) + six * here[x]) * part


@kernel
def _is_peak(response: Array, y: int, x: int) -> bool:
    """Tell whether no response within two pixels is stronger; of equals the first counts."""
    strength = abs(response[y, x])
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            other = abs(response[y + dy, x + dx])
            if other > strength or (other == strength and (dy < 0 or (dy == 0 and dx < 0))):
                return False
    return True


@kernel
def find_anchors(plane: Array, most: int, radius: int, step: int) -> tuple[Array, Array]:
    """Return the strongest blobs of a plane and what surrounds them, for recognising the same place elsewhere.

    Blobs are extrema of the difference of two smoothings; a blob is described by ``2 * radius + 1`` squared samples
    of the smoothed plane, ``step`` apart, without their mean and scaled to length 1: brightness and contrast do not
    matter.

    Parameters
    ----------
    plane
        2D, float32.
    most
        How many blobs are kept at most, the strongest first; those at equal strength in reading order.
    radius, step
        Samples on each side of the centre, and pixels between samples.

    Returns
    -------
    tuple of arrays
        Places, int32 (number, 2), as y and x; descriptions, float32 (number, samples).
    """
    height, width = plane.shape
    margin = radius * step
    side = 2 * radius + 1
    places = np.zeros((most, 2), np.int32)
    strengths = np.zeros(most, np.float64)
    found = 0
    weakest = 0.0
    fine = np.empty((height, width), np.float32)
    coarse = np.empty((height, width), np.float32)
    scratch = np.empty((height, width), np.float32)
    _smooth(plane, 1, scratch, fine)
    _smooth(fine, 2, scratch, coarse)
    for y in range(height):
        for x in range(width):
            coarse[y, x] = fine[y, x] - coarse[y, x]
    for y in range(margin, height - margin):
        for x in range(margin, width - margin):
            strength = abs(coarse[y, x])
            if strength <= weakest or strength < abs(coarse[y, x - 1]) or strength < abs(coarse[y, x + 1]):
                continue
            if not _is_peak(coarse, y, x):
                continue
            at = found if found < most else most - 1
            found = min(found + 1, most)
            while at > 0 and strengths[at - 1] < strength:
                strengths[at] = strengths[at - 1]
                places[at] = places[at - 1]
                at -= 1
            strengths[at] = strength
            places[at, 0], places[at, 1] = y, x
            weakest = strengths[most - 1]
    described = np.zeros((found, side * side), np.float32)
    kept = 0
    for at in range(found):
        y, x = places[at]
        total = 0.0
        for j in range(side):
            for i in range(side):
                value = fine[y + (j - radius) * step, x + (i - radius) * step]
                described[kept, j * side + i] = value
                total += value
        mean = total / (side * side)
        square = 0.0
        for k in range(side * side):
            described[kept, k] -= mean
            square += described[kept, k] ** 2
        if square > 0.0:
            length = np.sqrt(square)
            for k in range(side * side):
                described[kept, k] /= length
            places[kept, 0], places[kept, 1] = y, x
            kept += 1
    return places[:kept].copy(), described[:kept].copy()


@kernel
def correlate(one: Array, other: Array, y: int, x: int) -> float:
    """Return the correlation of two stacks of planes (channel, Y, X) where they overlap, the second lying at (y, x).

    The mean over channels that vary in both; 0 if none does.
    """
    top, left = max(0, y), max(0, x)
    bottom = min(one.shape[1], other.shape[1] + y)
    right = min(one.shape[2], other.shape[2] + x)
    number = max(0, bottom - top) * max(0, right - left)
    total = 0.0
    known = 0
    for channel in range(one.shape[0] if number > 0 else 0):
        first_mean, second_mean = 0.0, 0.0
        for row in range(top, bottom):
            a, b = one[channel, row, left:right], other[channel, row - y, left - x : right - x]
            s, t = 0.0, 0.0
            for at in range(a.size):
                s += a[at]
                t += b[at]
            first_mean += s
            second_mean += t
        first_mean /= number
        second_mean /= number
        xx, yy, xy = 0.0, 0.0, 0.0
        for row in range(top, bottom):
            a, b = one[channel, row, left:right], other[channel, row - y, left - x : right - x]
            for at in range(a.size):
                u, v = a[at] - first_mean, b[at] - second_mean
                xx += u * u
                yy += v * v
                xy += u * v
        if xx > 0.0 and yy > 0.0:
            total += xy / np.sqrt(xx * yy)
            known += 1
    return total / known if known else 0.0


@kernel
def agree(pairs: Array, shifts: Array, near: int, least: int) -> Array:
    """Return the shift that most votes of a pair agree on, for pairs where enough do.

    Parameters
    ----------
    pairs
        Which pair a vote is for, int64, sorted.
    shifts
        What it votes for, int64 (vote, 2).
    near
        Votes agree if they differ by no more than this along both axes.
    least
        How many must agree.

    Returns
    -------
    array of int64
        (pair, 4): the pair, how many votes agree, and their mean shift, rounded.
    """
    found = np.empty((pairs.size, 4), np.int64)
    count = 0
    start = 0
    while start < pairs.size:
        stop = start + 1
        while stop < pairs.size and pairs[stop] == pairs[start]:
            stop += 1
        most, best = 0, start
        if stop - start >= least:
            for i in range(start, stop):
                votes = 0
                for j in range(start, stop):
                    if abs(shifts[i, 0] - shifts[j, 0]) <= near and abs(shifts[i, 1] - shifts[j, 1]) <= near:
                        votes += 1
                if votes > most:
                    most, best = votes, i
        if most >= least:
            y, x = 0.0, 0.0
            for j in range(start, stop):
                if (
                    abs(shifts[best, 0] - shifts[j, 0]) <= near
                    and abs(shifts[best, 1] - shifts[j, 1]) <= near
                ):
                    y += shifts[j, 0]
                    x += shifts[j, 1]
            found[count] = pairs[start], most, int(np.rint(y / most)), int(np.rint(x / most))
            count += 1
        start = stop
    return found[:count].copy()
