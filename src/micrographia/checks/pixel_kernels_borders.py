"""Compiled loops over the borders of labels and what is beside them; they hold no lock."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.kernels.jit import kernel

Array = npt.NDArray[Any]

DIRECTIONS = np.array([(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)], np.int64)
"""Eight directions, as steps along y and x."""


@kernel
def count_bright(plane: Array, labels: Array, level: float) -> int:
    """Return how many pixels of a plane without a label are at least as bright as a level."""
    found = 0
    for y in range(plane.shape[0]):
        row, marks = plane[y], labels[y]
        for x in range(row.size):
            found += (row[x] >= level) & (marks[x] == 0)
    return found


@kernel
def edge_agreement(plane: Array, labels: Array, most: int, radii: Array) -> tuple[Array, Array, int]:
    """Return how much stronger a plane's gradient is on the borders of labels than everywhere.

    Of the gradient the square root counts, so that a few bright places do not outweigh all others.

    Parameters
    ----------
    plane
        2D, float32.
    labels
        2D, integers; of the same shape, or transposed.
    most
        At most about so many border pixels are looked at, evenly spread in reading order.
    radii
        Distances in pixels by which the labels are also shifted, in eight directions.

    Returns
    -------
    tuple of (array, array, int)
        The ratio for the labels turned and mirrored in eight ways, NaN where the shapes do not fit; the ratio for the
        labels shifted, (radius, direction), directions as :data:`DIRECTIONS`; how many border pixels were looked at.
    """
    height, width = plane.shape
    gradient = np.zeros((height, width), np.float32)
    total = 0.0
    for y in range(1, height - 1):
        left, right = plane[y, : width - 2], plane[y, 2:]
        above, below, steep = plane[y - 1, 1:], plane[y + 1, 1:], gradient[y, 1:]
        for x in range(width - 2):
            steep[x] = np.sqrt(abs(right[x] - left[x]) + abs(below[x] - above[x]))
        line = 0.0
        for x in range(width - 2):
            line += steep[x]
        total += line
    rows, columns = labels.shape
    border = np.zeros((rows, columns), np.uint8)
    found = 0
    for y in range(1, rows - 1):
        here, left, right = labels[y, 1:], labels[y], labels[y, 2:]
        above, below, edge = labels[y - 1, 1:], labels[y + 1, 1:], border[y, 1:]
        for x in range(columns - 2):
            edge[x] = (
                (here[x] != left[x]) | (here[x] != right[x]) | (here[x] != above[x]) | (here[x] != below[x])
            )
        for x in range(columns - 2):
            found += edge[x]
    stride = max(1, found // most)
    used = found // stride
    ys, xs = np.empty(used, np.int32), np.empty(used, np.int32)
    seen = 0
    for y in range(1, rows - 1):
        for x in range(1, columns - 1):
            if border[y, x]:
                if seen % stride == 0 and seen // stride < used:
                    ys[seen // stride], xs[seen // stride] = y, x
                seen += 1
    turned = np.full(8, np.nan)
    shifted = np.full((radii.size, 8), np.nan)
    inner = max(1, (height - 2) * (width - 2))
    if used == 0 or total <= 0.0:
        return turned, shifted, used
    mean = total / inner
    for turn in range(8):
        if (turn % 2 == 0 and (rows, columns) != (height, width)) or (
            turn % 2 == 1 and (columns, rows) != (height, width)
        ):
            continue
        part = 0.0
        for at in range(used):
            y, x = ys[at], xs[at]
            if turn >= 4:
                x = columns - 1 - x
            if turn % 4 == 0:
                part += gradient[y, x]
            elif turn % 4 == 1:
                part += gradient[columns - 1 - x, y]
            elif turn % 4 == 2:
                part += gradient[rows - 1 - y, columns - 1 - x]
            else:
                part += gradient[x, rows - 1 - y]
        turned[turn] = part / used / mean
    if (rows, columns) != (height, width):
        return turned, shifted, used
    for i in range(radii.size):
        for direction in range(8):
            dy, dx = radii[i] * DIRECTIONS[direction, 0], radii[i] * DIRECTIONS[direction, 1]
            part = 0.0
            seen = 0
            for at in range(used):
                y, x = ys[at] + dy, xs[at] + dx
                if 0 <= y < height and 0 <= x < width:
                    part += gradient[y, x]
                    seen += 1
            if 2 * seen > used:
                shifted[i, direction] = part / seen / mean
    return turned, shifted, used
