"""Measures of objects, summed over their runs."""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.components import find
from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array, Ints

AREA, Z0, Y0, X0, Z1, Y1, X1, SUM_Z, SUM_Y, SUM_X, RUNS, LINKS, COMPONENTS, SMALLEST, SEAM = range(15)
COLUMNS = 15
FAR = np.iinfo(np.int64).max


@kernel
def clear(stats: Ints) -> None:
    """Set rows to those of objects without pixels; the extent is inside out."""
    stats[:] = 0
    for i in range(stats.shape[0]):
        for column in (Z0, Y0, X0, SMALLEST):
            stats[i, column] = FAR


@kernel
def measure(
    row: Ints, x0: Ints, x1: Ints, slot: Ints, height: int, z: int, y: int, x: int, stats: Ints
) -> None:
    """Add runs of a block that begins at (z, y, x) to the measures of their objects."""
    for i in range(row.size):
        s = stats[slot[i]]
        rz = z + row[i] // height
        ry = y + row[i] % height
        a, b = x + x0[i], x + x1[i]
        n = b - a
        s[AREA] += n
        s[SUM_Z] += n * rz
        s[SUM_Y] += n * ry
        s[SUM_X] += n * (a + b - 1) // 2
        s[Z0] = min(s[Z0], rz)
        s[Y0] = min(s[Y0], ry)
        s[X0] = min(s[X0], a)
        s[Z1] = max(s[Z1], rz + 1)
        s[Y1] = max(s[Y1], ry + 1)
        s[X1] = max(s[X1], b)
        s[RUNS] += 1


@kernel
def sizes(component: Ints, x0: Ints, x1: Ints, slot: Ints, size: Ints, owner: Ints) -> None:
    """Add the pixels of runs to their components and note to which object each belongs."""
    for i in range(component.size):
        size[component[i]] += x1[i] - x0[i]
        owner[component[i]] = slot[i]


@kernel
def settle(parent: Ints, size: Ints, owner: Ints, live: Array, stats: Ints, number: Ints) -> int:
    """Count the components that no later block can reach, and number the others anew.

    Parameters
    ----------
    parent, size, owner
        Union-find of components, pixels and object of each; ``size`` is summed up in the roots.
    live
        Whether a root may still grow.
    stats
        Measures of the objects; changed in place.
    number
        Filled with the new number of each component, -1 where it was settled.

    Returns
    -------
    int
        How many stay.
    """
    for i in range(parent.size):
        root = find(parent, i)
        if root != i:
            size[root] += size[i]
            size[i] = 0
    count = 0
    for i in range(parent.size):
        root = find(parent, i)
        if not live[root]:
            number[i] = -1
            if root == i:
                s = stats[owner[i]]
                s[COMPONENTS] += 1
                s[SMALLEST] = min(s[SMALLEST], size[i])
        elif root == i:
            # Roots come first, so number[root] is set before its members ask for it.
            number[i] = count
            size[count] = size[i]
            owner[count] = owner[i]
            count += 1
        else:
            number[i] = number[root]
    return count


@kernel
def nearest(
    row: Ints, x0: Ints, x1: Ints, slot: Ints, height: int, centres: Array, best: Array, place: Ints
) -> None:
    """Find for each object its pixel nearest to ``centres`` (Z, Y, X); the first in raster order wins ties.

    ``best`` holds the squared distance so far (begin with infinity), ``place`` the pixel (Z, Y, X).
    """
    for i in range(row.size):
        s = slot[i]
        rz, ry = row[i] // height, row[i] % height
        near = int(np.ceil(centres[s, 2] - 0.5))
        rx = min(max(near, x0[i]), x1[i] - 1)
        distance = (rz - centres[s, 0]) ** 2 + (ry - centres[s, 1]) ** 2 + (rx - centres[s, 2]) ** 2
        if distance < best[s]:
            best[s] = distance
            place[s, 0], place[s, 1], place[s, 2] = rz, ry, rx


@kernel
def inside(row: Ints, x0: Ints, x1: Ints, slot: Ints, region: Array, counts: Ints) -> None:
    """Count for each object its pixels where ``region``, of shape (rows, X), is not 0."""
    for i in range(row.size):
        n = 0
        for x in range(x0[i], x1[i]):
            n += region[row[i], x] != 0
        counts[slot[i]] += n
