"""Neighbours for the metrics that look at them: searched here, or given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.batch.copies import copy_numbers
from micrographia.representation.batch.inputs import Array, Floats
from micrographia.representation.batch.kernels import follow_circle
from micrographia.representation.retrieval.neighbours import nearest_neighbours
from micrographia.representation.retrieval.similarity import Distance


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest rows of each row, nearest first.

    Attributes
    ----------
    indices
        Row numbers ``(n, k)``, int64; -1 where a row has fewer neighbours. A row is not a neighbour of its own.
    distances
        Their distances ``(n, k)``, float64; infinite where there is none.
    """

    indices: npt.NDArray[np.int64]
    distances: Floats


def search(
    values: Array,
    k: int,
    *,
    distance: Distance = "euclidean",
    exclude: Sequence[Array] | None = None,
    rows: npt.NDArray[np.intp] | None = None,
    seed: int = 0,
) -> Neighbours:
    """Return the exact ``k`` nearest rows of each row, equally near ones in random order.

    Rows in a file are usually ordered by plate or by label. Where rows are equally near, as copies are, the order of
    the file would decide and bring the label in; so the search runs over shuffled rows. Of more than ``k`` copies
    each takes others, those that follow it on a shuffled circle, so that no few of them are everybody's neighbours.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    k
        Neighbours a row; fewer if there are fewer rows.
    distance
        ``"euclidean"``, ``"cosine"`` or ``"correlation"``.
    exclude
        Labels ``(n,)``; rows that share one of them are not each other's neighbours.
    rows
        The rows to look at, the others are neither asked for nor found; None for all.
    seed
        Of the order of equally near rows.

    Returns
    -------
    Neighbours
        ``(n, k)``; what belongs to rows that are not looked at is -1 and infinite.
    """
    n = len(values)
    chosen = np.arange(n) if rows is None else rows
    order = chosen[np.random.default_rng(seed).permutation(len(chosen))]
    k = max(0, min(k, len(chosen) - 1))
    indices = np.full((n, k), -1, dtype=np.int64)
    distances = np.full((n, k), np.inf)
    if k:
        keys = None if exclude is None else [np.asarray(key)[order] for key in exclude]
        found, far = nearest_neighbours(values[order], k, distance, exclude=keys)
        there = found >= 0
        indices[order] = np.where(there, order[np.maximum(found, 0)], -1)
        distances[order] = np.where(there, far, np.inf)
        _spread_copies(values, order, exclude or (), indices, distances)
    return Neighbours(indices, distances)


def _spread_copies(
    values: Array, order: npt.NDArray[np.intp], exclude: Sequence[Array], indices: Array, distances: Array
) -> None:
    """Give each of more than ``k`` copies the ``k`` copies that follow it in the order, around a circle."""
    k = indices.shape[1]
    numbers = copy_numbers(values[order])
    sizes = np.bincount(numbers)
    if sizes.max() <= k:
        return
    keys = np.empty((len(values), len(exclude)), dtype=np.int64)
    for at, labels in enumerate(exclude):
        keys[:, at] = np.unique(np.asarray(labels), return_inverse=True)[1]
    grouped = np.argsort(numbers, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    for number in np.flatnonzero(sizes > k):
        follow_circle(order[grouped[starts[number] : starts[number + 1]]], keys, indices, distances)


def given(neighbours: Neighbours | tuple[Array, Array], n: int) -> Neighbours:
    """Check neighbours that were found elsewhere, nearest first.

    Raises
    ------
    ProfileError
        If the shapes do not fit ``n`` rows, or a neighbour is no row.
    """
    first, second = (
        (neighbours.indices, neighbours.distances) if isinstance(neighbours, Neighbours) else neighbours
    )
    indices, distances = np.asarray(first), np.asarray(second, dtype=np.float64)
    if indices.ndim != 2 or indices.shape != distances.shape or len(indices) != n:
        raise ProfileError(
            "",
            f"neighbours have shapes {indices.shape} and {distances.shape} for {n:,} rows",
            "Give two arrays (n, k): row numbers and distances",
        )
    if indices.dtype.kind not in "iu" or (
        indices.size and not -1 <= int(indices.min()) <= int(indices.max()) < n
    ):
        raise ProfileError(
            "", "neighbours are not row numbers", f"Give whole numbers below {n:,}; -1 is none"
        )
    return Neighbours(np.ascontiguousarray(indices, dtype=np.int64), np.ascontiguousarray(distances))
