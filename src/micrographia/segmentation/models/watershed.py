"""Seeded watershed: pixels flood from the peaks of a landscape; a peak that hardly rises above its pass is no seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.compiled import compiled

Array = npt.NDArray[Any]


def watershed(landscape: Array, mask: Array, *, depth: float = 0.0, seed: float = -np.inf) -> Array:
    """Return basins of a landscape inside a mask, flooded from its peaks downwards.

    Pixels are taken from the highest to the lowest (ties in raster order) and join the highest of the neighbours by a
    face that were taken before; without one they are a new peak. Where two basins meet at a pass, the lower peak ``p``
    is kept apart only if the pass lies below ``(1 - depth) p``: depth is the dynamics of a peak (Grimaud 1992) as a
    share of its height, so that it means the same for large and small objects. Basins below that join, in the manner of
    a watershed by union and find (Najman and Couprie 2006).

    Parameters
    ----------
    landscape
        Floats, of shape ``(Y, X)`` or ``(Z, Y, X)``; high inside objects.
    mask
        Boolean, of the same shape; pixels outside stay 0.
    depth
        0 keeps every peak apart, 1 only those that meet at or below 0.
    seed
        A peak lower than this is no seed: its basin joins the first that it meets, and is dropped if there is none.

    Returns
    -------
    Array
        int32 labels, 1 to n in the raster order of their first pixels.
    """
    pad = [(1, 1)] * landscape.ndim
    values = np.pad(np.asarray(landscape, np.float32), pad)
    inside = np.pad(np.asarray(mask, bool), pad).reshape(-1)
    places = np.flatnonzero(inside)
    order = places[np.argsort(-values.reshape(-1)[places], kind="stable")]
    steps = np.array([stride // values.itemsize for stride in values.strides], np.int64)
    labels = np.zeros(values.size, np.int32)
    most = int(_peaks(values.reshape(-1), order, np.concatenate([-steps, steps]), inside))
    _flood(
        values.reshape(-1),
        order,
        np.concatenate([-steps, steps]),
        float(depth),
        float(seed),
        labels,
        np.zeros(most + 1, np.int32),
        np.zeros(most + 1, np.float32),
    )
    whole = labels.reshape(values.shape)
    return np.ascontiguousarray(whole[(slice(1, -1),) * values.ndim])


@compiled
def _peaks(values: Array, order: Array, steps: Array, inside: Array) -> int:
    """Return how many pixels have no higher neighbour inside: as many peaks or more, as plateaus count often."""
    count = 0
    for k in range(order.size):
        place = order[k]
        highest = True
        for s in range(steps.size):
            other = place + steps[s]
            if inside[other] and values[other] > values[place]:
                highest = False
        if highest:
            count += 1
    return count


@compiled
def _root(parents: Array, basin: Any) -> Any:
    """Return the basin that a basin has become part of; the way there is halved."""
    while parents[basin] != basin:
        parents[basin] = parents[parents[basin]]
        basin = parents[basin]
    return basin


@compiled
def _flood(
    values: Array,
    order: Array,
    steps: Array,
    depth: float,
    seed: float,
    labels: Array,
    parents: Array,
    peaks: Array,
) -> None:
    """Write the labels; ``parents`` and ``peaks`` have room for every peak, from 1 on."""
    count = 0
    share = 1.0 - depth
    for k in range(order.size):
        place = order[k]
        here = values[place]
        best, highest = 0, np.float32(0.0)
        for s in range(steps.size):
            other = place + steps[s]
            if labels[other] != 0 and (best == 0 or values[other] > highest):
                best, highest = labels[other], values[other]
        if best == 0:
            count += 1
            parents[count] = count
            peaks[count] = here
            labels[place] = count
            continue
        labels[place] = best
        for s in range(steps.size):
            other = labels[place + steps[s]]
            if other == 0:
                continue
            first, second = _root(parents, best), _root(parents, other)
            if first == second:
                continue
            # Peaks that are equal: the one found first is the higher.
            if peaks[first] < peaks[second] or (peaks[first] == peaks[second] and first > second):
                first, second = second, first
            if peaks[second] < seed or here >= share * peaks[second]:
                parents[second] = first
    # Numbers in raster order; parents become the final numbers, negative so that they are not taken for basins.
    final = 0
    for place in range(labels.size):
        basin = labels[place]
        if basin == 0:
            continue
        root = _root_until(parents, basin)
        if peaks[root] < seed:
            labels[place] = 0
            continue
        if parents[root] > 0:
            final += 1
            parents[root] = -final
        labels[place] = -parents[root]


@compiled
def _root_until(parents: Array, basin: Any) -> Any:
    """Return the root of a basin when roots may hold their final number, negative."""
    while parents[basin] > 0 and parents[basin] != basin:
        basin = parents[basin]
    return basin
