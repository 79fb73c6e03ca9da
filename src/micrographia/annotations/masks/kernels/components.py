"""Connected components of runs: union-find over neighbouring rows."""

from __future__ import annotations

import numpy as np

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import Ints


@kernel
def find(parent: Ints, i: int) -> int:
    """Return the root of ``i``, halving the path to it."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def _join(parent: Ints, i: int, j: int) -> None:
    # The smaller index becomes the root, so that components are numbered in raster order.
    i, j = find(parent, i), find(parent, j)
    if i < j:
        parent[j] = i
    else:
        parent[i] = j


@kernel
def _touch(x0: Ints, x1: Ints, slot: Ints, reach: int, i: int, j: int) -> bool:
    return slot[i] == slot[j] and x0[i] < x1[j] + reach and x0[j] < x1[i] + reach


@kernel
def _rows(
    i: int,
    i_end: int,
    j: int,
    j_end: int,
    x0: Ints,
    x1: Ints,
    slot: Ints,
    reach: int,
    parent: Ints,
    links: Ints,
) -> None:
    """Join the runs of two rows that touch; ``reach`` 1 counts corners."""
    while i < i_end and j < j_end:
        if _touch(x0, x1, slot, reach, i, j):
            _join(parent, i, j)
            links[slot[i]] += 1
        if x1[i] == x1[j]:
            # Both end here: each may still touch the other's successor by a corner.
            if i + 1 < i_end and _touch(x0, x1, slot, reach, i + 1, j):
                _join(parent, i + 1, j)
                links[slot[j]] += 1
            if j + 1 < j_end and _touch(x0, x1, slot, reach, i, j + 1):
                _join(parent, i, j + 1)
                links[slot[i]] += 1
            i += 1
            j += 1
        elif x1[i] < x1[j]:
            i += 1
        else:
            j += 1


@kernel
def link(
    starts: Ints, depth: int, height: int, x0: Ints, x1: Ints, slot: Ints, connectivity: int, links: Ints
) -> Ints:
    """Join touching runs of equal slot and return the parent of each run.

    Parameters
    ----------
    starts, x0, x1, slot
        The runs, rows of (depth, height).
    connectivity
        How many axes two neighbouring voxels may differ in: 1 (faces), 2 or 3 (corners).
    links
        Counts for each slot how often two of its runs in neighbouring rows touch; changed in place.
    """
    parent = np.arange(x0.size)
    flat = 1 if connectivity >= 2 else 0
    for z in range(depth):
        for y in range(height):
            r = z * height + y
            i, i_end = starts[r], starts[r + 1]
            if i == i_end:
                continue
            for k in range(i + 1, i_end):
                # Only where runs of several blocks were put together can two of one slot meet in a row.
                if slot[k] == slot[k - 1] and x0[k] == x1[k - 1]:
                    _join(parent, k - 1, k)
            if y > 0:
                _rows(starts[r - 1], i, i, i_end, x0, x1, slot, flat, parent, links)
            if z > 0:
                below = r - height
                _rows(starts[below], starts[below + 1], i, i_end, x0, x1, slot, flat, parent, links)
                if connectivity >= 2:
                    corner = 1 if connectivity >= 3 else 0
                    if y > 0:
                        _rows(starts[below - 1], starts[below], i, i_end, x0, x1, slot, corner, parent, links)
                    if y + 1 < height:
                        _rows(
                            starts[below + 1],
                            starts[below + 2],
                            i,
                            i_end,
                            x0,
                            x1,
                            slot,
                            corner,
                            parent,
                            links,
                        )
    return parent


@kernel
def compact(parent: Ints) -> tuple[Ints, int]:
    """Return the component of each run, numbered from 0 in raster order, and their number."""
    component = np.empty(parent.size, np.int64)
    count = 0
    for i in range(parent.size):
        if parent[i] == i:
            component[i] = count
            count += 1
        else:
            component[i] = component[find(parent, i)]
    return component, count


@kernel
def merge(local: Ints, component: Ints, parent: Ints) -> None:
    """Carry the joins of some runs (``local``) over to the components that they belong to."""
    for i in range(local.size):
        root = find(local, i)
        if root != i:
            _join(parent, component[root], component[i])
