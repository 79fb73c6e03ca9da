"""The rims of objects: which pixels lie on them, how long they are, whom they touch."""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Array, Ints


@kernel
def rims(labels: Array, row: Ints, x0: Ints, x1: Ints, height: int, edge: Array) -> None:
    """Set ``edge`` (rows, X) where a pixel of an object has a neighbour by a face outside of it, or the image ends."""
    rows = labels.shape[0]
    depth = rows // height
    for i in range(row.size):
        r = row[i]
        v = labels[r, x0[i]]
        y, z = r % height, r // height
        first, last = x0[i], x1[i] - 1
        open_up = y == 0 or y == height - 1
        open_deep = depth > 1 and (z == 0 or z == depth - 1)
        if open_up or open_deep:
            for x in range(first, last + 1):
                edge[r, x] = 1
            continue
        above, below = labels[r - 1], labels[r + 1]
        for x in range(first, last + 1):
            edge[r, x] = (above[x] != v) | (below[x] != v)
        if depth > 1:
            before, behind = labels[r - height], labels[r + height]
            for x in range(first, last + 1):
                edge[r, x] |= (before[x] != v) | (behind[x] != v)
        edge[r, first] = 1
        edge[r, last] = 1


@kernel
def perimeters(labels: Array, edge: Array, row: Ints, x0: Ints, x1: Ints, slot: Ints, out: Array) -> None:
    """Add the length of the rim of each object of a plane.

    A rim pixel with neighbours on the rim counts 1 where they are straight, the square root of 2 where both are
    diagonal and the mean of the two where one is (Benkrid & Crookes 2000): with 10 for each diagonal neighbour, 2 for
    each direct one and 1 for itself, sums of 5, 7, 15, 17, 25, 27 count 1, 21 and 33 the root, 13 and 23 the mean.
    """
    height, width = labels.shape
    weight = np.zeros(50)
    for straight in (5, 7, 15, 17, 25, 27):
        weight[straight] = 1.0
    weight[21] = weight[33] = np.sqrt(2.0)
    weight[13] = weight[23] = (1.0 + np.sqrt(2.0)) / 2.0
    for i in range(row.size):
        y = row[i]
        v = labels[y, x0[i]]
        total = 0.0
        for x in range(x0[i], x1[i]):
            if edge[y, x] == 0:
                continue
            code = 1
            for dy in (-1, 0, 1):
                if y + dy < 0 or y + dy >= height:
                    continue
                for dx in (-1, 0, 1):
                    if (dy == 0 and dx == 0) or x + dx < 0 or x + dx >= width:
                        continue
                    if edge[y + dy, x + dx] and labels[y + dy, x + dx] == v:
                        code += 10 if dy != 0 and dx != 0 else 2
            total += weight[code]
        out[slot[i]] += total


@kernel
def touching(
    labels: Array,
    edge: Array,
    row: Ints,
    x0: Ints,
    x1: Ints,
    slot: Ints,
    height: int,
    out: Ints,
    pairs: Array,
) -> int:
    """Count for each object its rim pixels and those of them that touch another object, corners included.

    Parameters
    ----------
    labels, edge
        (rows, X).
    row, x0, x1, slot
        The runs.
    height
        Rows of a plane.
    out
        (objects, 2), begun with zeros.
    pairs
        (n, 2) of int64: filled with the object and the label that it touches as far as there is room; one that
        follows its like in the scan is left out.

    Returns
    -------
    int
        How many pairs there are; fill again with more room if there was too little.
    """
    rows, width = labels.shape
    depth = rows // height
    found = 0
    for i in range(row.size):
        r = row[i]
        s = slot[i]
        v = labels[r, x0[i]]
        y, z = r % height, r // height
        previous = v
        for x in range(x0[i], x1[i]):
            if edge[r, x] == 0:
                continue
            out[s, 0] += 1
            touches = False
            for dz in (-1, 0, 1):
                if z + dz < 0 or z + dz >= depth:
                    continue
                for dy in (-1, 0, 1):
                    if y + dy < 0 or y + dy >= height:
                        continue
                    other = r + dz * height + dy
                    for dx in (-1, 0, 1):
                        if x + dx < 0 or x + dx >= width:
                            continue
                        u = labels[other, x + dx]
                        if u == 0 or u == v:
                            continue
                        touches = True
                        if u != previous:
                            if found < pairs.shape[0]:
                                pairs[found, 0] = s
                                pairs[found, 1] = np.int64(u)
                            found += 1
                            previous = u
            out[s, 1] += touches
    return found
