"""Boundary pixels, how far they are from those of another image, and the band around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.compiled import compiled

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


@compiled
def gaps(labels: Array, limit: int, out: Array) -> None:
    """Write how many pixels along X the nearest boundary pixel of the same row is away, at most ``limit``.

    Parameters
    ----------
    labels
        Unsigned ``(Z, Y, X)``. A boundary pixel is not 0 and has a neighbour by a face that is of another value.
    limit
        Written where no boundary pixel is nearer; it must fit ``out``.
    out
        uint8 or uint16 ``(Z, Y, X)``; 0 at boundary pixels.
    """
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            near = limit
            for x in range(width):
                v = labels[z, y, x]
                if v != 0 and (
                    (x > 0 and labels[z, y, x - 1] != v)
                    or (x + 1 < width and labels[z, y, x + 1] != v)
                    or (y > 0 and labels[z, y - 1, x] != v)
                    or (y + 1 < height and labels[z, y + 1, x] != v)
                    or (z > 0 and labels[z - 1, y, x] != v)
                    or (z + 1 < depth and labels[z + 1, y, x] != v)
                ):
                    near = 0
                elif near < limit:
                    near += 1
                out[z, y, x] = near
            near = limit
            for x in range(width - 1, -1, -1):
                here = int(out[z, y, x])
                if here > near + 1:
                    here = near + 1
                    out[z, y, x] = here
                near = here


@compiled
def count(
    ours: Array, theirs: Array, counted: Array, bounds: Ints, rows: Ints, reach: Ints, out: Ints
) -> None:
    """Count boundary pixels, and those that have one of the other image within the tolerance.

    Parameters
    ----------
    ours, theirs
        What :func:`gaps` wrote for both images ``(Z, Y, X)``.
    counted
        Which pixels of ours count, bool ``(Z, Y, X)``; without pixels, all do.
    bounds
        First and last + 1 of the pixels to count along each axis ``(3, 2)``; others may be near to them.
    rows
        Rows in which to look, ``(k, 2)``: steps along Z and Y, the nearest first.
    reach
        For each of them how far along X the tolerance reaches ``(k,)``.
    out
        Filled with the number of those within the tolerance, and of all.
    """
    depth, height, _ = ours.shape
    every = counted.size == 0
    near = 0
    total = 0
    for z in range(bounds[0, 0], bounds[0, 1]):
        for y in range(bounds[1, 0], bounds[1, 1]):
            for x in range(bounds[2, 0], bounds[2, 1]):
                if ours[z, y, x] != 0 or not (every or counted[z, y, x]):
                    continue
                total += 1
                for k in range(rows.shape[0]):
                    a, b = z + rows[k, 0], y + rows[k, 1]
                    if 0 <= a < depth and 0 <= b < height and theirs[a, b, x] <= reach[k]:
                        near += 1
                        break
    out[0], out[1] = near, total


@compiled
def band(labels: Array, steps: Ints, out: Array) -> None:
    """Set ``out`` at pixels that have a pixel of another value, background included, within the tolerance.

    The nearest such pixel has a neighbour by a face of another value, because a step towards the first one leads to
    its value: only such pixels are visited.

    Parameters
    ----------
    labels
        Unsigned ``(Z, Y, X)``.
    steps
        The steps along Z, Y, X that lie within the tolerance ``(k, 3)``.
    out
        bool ``(Z, Y, X)``, False at first.
    """
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                v = labels[z, y, x]
                if not (
                    (x > 0 and labels[z, y, x - 1] != v)
                    or (x + 1 < width and labels[z, y, x + 1] != v)
                    or (y > 0 and labels[z, y - 1, x] != v)
                    or (y + 1 < height and labels[z, y + 1, x] != v)
                    or (z > 0 and labels[z - 1, y, x] != v)
                    or (z + 1 < depth and labels[z + 1, y, x] != v)
                ):
                    continue
                for k in range(steps.shape[0]):
                    a, b, c = z + steps[k, 0], y + steps[k, 1], x + steps[k, 2]
                    if (
                        0 <= a < depth
                        and 0 <= b < height
                        and 0 <= c < width
                        and not out[a, b, c]
                        and labels[a, b, c] != v
                    ):
                        out[a, b, c] = True


@compiled
def nearest_other(labels: Array, places: Ints, steps: Ints, out: Ints) -> None:
    """Find for each place the first step that leads to a pixel of another value; -1 if none does.

    Parameters
    ----------
    labels
        Unsigned ``(Z, Y, X)``.
    places
        Pixels ``(n, 3)``.
    steps
        Steps along Z, Y, X ``(k, 3)``, the nearest first.
    out
        Filled with the number of the step ``(n,)``.
    """
    depth, height, width = labels.shape
    for i in range(places.shape[0]):
        z, y, x = places[i, 0], places[i, 1], places[i, 2]
        out[i] = -1
        for k in range(steps.shape[0]):
            a, b, c = z + steps[k, 0], y + steps[k, 1], x + steps[k, 2]
            if 0 <= a < depth and 0 <= b < height and 0 <= c < width and labels[a, b, c] != labels[z, y, x]:
                out[i] = k
                break
