"""Compiled loops of :mod:`~micrographia.segmentation.training.targets`: distances within labels, and boundaries."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrographia.segmentation.metrics.compiled import compiled


@compiled
def squared_distance(labels: Any, steps: Any, squared: Any) -> None:
    """Write the squared distance of each voxel to the nearest one of another label; 0 in the background.

    Parameters
    ----------
    labels
        (Z, Y, X), integers.
    steps
        float64 (3,), size of a voxel along each axis.
    squared
        float64 (Z, Y, X), written; infinite where no other label is in sight.
    """
    depth, height, width = labels.shape
    longest = max(depth, height, width)
    parabolas = np.empty(longest + 2, np.int64)
    reach = np.empty(longest + 3, np.float64)
    held = np.empty(longest + 2, np.float64)
    for z in range(depth):
        for y in range(height):
            _runs(labels[z, y], steps[2], squared[z, y])
    for z in range(depth):
        for x in range(width):
            _envelopes(labels[z, :, x], steps[1], squared[z, :, x], parabolas, reach, held)
    if depth > 1:
        for y in range(height):
            for x in range(width):
                _envelopes(labels[:, y, x], steps[0], squared[:, y, x], parabolas, reach, held)


@compiled
def _runs(labels: Any, step: Any, squared: Any) -> None:
    """Write the squared distance to the nearest other label along one line."""
    n = len(labels)
    start = 0
    while start < n:
        stop = start + 1
        while stop < n and labels[stop] == labels[start]:
            stop += 1
        for at in range(start, stop):
            if labels[start] == 0:
                squared[at] = 0.0
                continue
            left = (at - start + 1) * step if start > 0 else np.inf
            right = (stop - at) * step if stop < n else np.inf
            nearest = min(left, right)
            squared[at] = nearest * nearest
        start = stop


@compiled
def _envelopes(labels: Any, step: Any, squared: Any, parabolas: Any, reach: Any, held: Any) -> None:
    """Lower ``squared`` along one line to the lower envelope of parabolas, run by run of one label.

    Voxels of another label right before and after a run have distance 0.
    """
    n = len(labels)
    area = step * step
    start = 0
    while start < n:
        stop = start + 1
        while stop < n and labels[stop] == labels[start]:
            stop += 1
        if labels[start] != 0:
            first, last = max(start - 1, 0), min(stop, n - 1)
            for at in range(first, last + 1):
                held[at - first] = squared[at] if start <= at < stop else 0.0
            count = 0
            for at in range(last - first + 1):
                if held[at] == np.inf:
                    continue
                crossing = -np.inf
                while count > 0:
                    before = parabolas[count - 1]
                    crossing = (held[at] - held[before]) / (2.0 * area * (at - before)) + 0.5 * (at + before)
                    if crossing > reach[count - 1]:
                        break
                    count -= 1
                parabolas[count] = at
                reach[count] = crossing if count > 0 else -np.inf
                count += 1
            if count > 0:
                piece = 0
                for at in range(start - first, stop - first):
                    while piece + 1 < count and reach[piece + 1] < at:
                        piece += 1
                    across = (at - parabolas[piece]) * step
                    squared[at + first] = held[parabolas[piece]] + across * across
        start = stop


@compiled
def mark_boundary(labels: Any, boundary: Any) -> None:
    """Write 1 into ``boundary`` (Z, Y, X) where an object has a neighbour of another label, else 0."""
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                own = labels[z, y, x]
                boundary[z, y, x] = own != 0 and (
                    (x > 0 and labels[z, y, x - 1] != own)
                    or (x + 1 < width and labels[z, y, x + 1] != own)
                    or (y > 0 and labels[z, y - 1, x] != own)
                    or (y + 1 < height and labels[z, y + 1, x] != own)
                    or (z > 0 and labels[z - 1, y, x] != own)
                    or (z + 1 < depth and labels[z + 1, y, x] != own)
                )


@compiled
def largest(numbers: Any, values: Any, found: Any) -> None:
    """Raise ``found`` (label,) to the largest value of each label."""
    flat, depth = numbers.ravel(), values.ravel()
    for at in range(len(flat)):
        label = flat[at]
        if depth[at] > found[label]:
            found[label] = depth[at]
