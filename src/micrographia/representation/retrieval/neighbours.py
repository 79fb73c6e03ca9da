"""Nearest neighbours: whether they have the query's label, when rows that share something else are left out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.average_precision import kernel_arguments
from micrographia.representation.retrieval.kernels.nearest import (
    ROOM,
    SPARE,
    gather_columns,
    gather_rows,
    nearest_rows,
    settle_rows,
)
from micrographia.representation.retrieval.kernels.precision import recall_rows
from micrographia.representation.retrieval.keys import barrier_columns, barriers, encode, labels
from micrographia.representation.retrieval.pairing import Pairing, pairing_of
from micrographia.representation.retrieval.similarity import Distance, Space, each_block, space
from micrographia.work import cores

Array = npt.NDArray[Any]
Exclude = Mapping[str, Any] | Sequence[Any] | pd.DataFrame | None
"""Columns of labels: a row is no candidate if it shares a label with the query in any of them."""

TRIANGLE_ROWS = 1024
"""From so many rows on each product serves both of its rows."""
KEPT_BYTES = 1 << 29
"""Memory for the best of all rows."""

REASONS = {
    1: "features are missing",
    2: "a label is missing",
    3: "no other candidate has its label",
    4: "all candidates have its label",
}


@dataclass(frozen=True, eq=False)
class NeighbourResult:
    """How often neighbours have the label of the query.

    Attributes
    ----------
    correct
        Expected share of the ``k`` nearest candidates that have the query's label ``(n,)``, float64; NaN where a row
        cannot be evaluated.
    chance
        The same for candidates in random order ``(n,)``, exact: the share of its label among its candidates.
    n_candidates, n_same
        Candidates of each row, and those that have its label ``(n,)``, int64.
    majority
        Share of the most frequent label: what answering always with it scores.
    reason
        Why a row cannot be evaluated ``(n,)``; empty if it can.
    k
        Number of neighbours.
    """

    correct: Array
    chance: Array
    n_candidates: Array
    n_same: Array
    majority: float
    reason: tuple[str, ...]
    k: int = 1

    @property
    def evaluable(self) -> npt.NDArray[np.bool_]:
        """Which rows can be evaluated ``(n,)``."""
        return np.isfinite(self.correct)

    @property
    def n_evaluable(self) -> int:
        """Number of rows that can be evaluated."""
        return int(self.evaluable.sum())

    @property
    def accuracy(self) -> float:
        """Mean of ``correct`` over the rows that can be evaluated; NaN if there is none."""
        return float(self.correct[self.evaluable].mean()) if self.n_evaluable else float("nan")

    @property
    def expected(self) -> float:
        """Mean of ``chance`` over the rows that can be evaluated; NaN if there is none."""
        return float(self.chance[self.evaluable].mean()) if self.n_evaluable else float("nan")


def nearest_neighbour(
    values: npt.ArrayLike,
    labels: Any,
    *,
    exclude: Exclude = None,
    k: int = 1,
    distance: Distance = "cosine",
    workers: int | None = None,
) -> NeighbourResult:
    """Return whether the nearest neighbours of each row have its label.

    Not-same-compound accuracy (Ljosa et al., "Comparison of methods for image-based profiling of cellular
    morphological responses to small-molecule treatment", J Biomol Screen 18(10), 2013): ``labels`` are mechanisms and
    ``exclude`` is ``[compounds]``. Not-same-compound-and-batch: ``[compounds, batches]``. A row never is its own
    neighbour.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    labels
        What is to be found, ``n`` labels. Rows whose label is missing are neither queries nor candidates.
    exclude
        Columns of ``n`` labels: rows that share a label with the query in any of them are no candidates. A label may
        be a set, such as all weeks in which a treatment was imaged; one element in common is enough.
    k
        Number of neighbours. With several, a row scores the share of them that have its label.
    distance
        ``cosine``, ``correlation`` or ``euclidean``.

    Returns
    -------
    NeighbourResult
        Candidates that tie for the last places are taken at expectation. NaN with a reason for a row whose label no
        candidate has, or all have.

    Raises
    ------
    ProfileError
        If a column has not one label a row, ``k`` is no positive number, or there is no such distance.
    """
    if k < 1:
        raise ProfileError("", f"k = {k} neighbours", "Ask for at least one")
    compared = space(values, distance)
    pairs, majority = label_pairs(compared, labels, exclude)
    expected = np.full(compared.n, np.nan)
    queries = np.flatnonzero(pairs.reason == 0)
    total = pairs.n_positive + pairs.n_negative
    if len(queries):
        given = kernel_arguments(compared, pairs)
        most, ignored = int(pairs.n_positive[queries].max()), np.empty(compared.n)

        def work(block: Array, rows: Array, low: int, high: int) -> None:
            recall_rows(block, rows, low, high, *given, most, k, expected, ignored)

        each_block(compared, queries, work, workers=workers)
    return neighbour_result(expected / np.minimum(k, np.maximum(total, 1)), pairs, majority, k)


def neighbour_result(correct: Array, pairs: Pairing, majority: float, k: int) -> NeighbourResult:
    """Return scores with their chance and reasons."""
    total = pairs.n_positive + pairs.n_negative
    chance = np.where(pairs.reason == 0, pairs.n_positive / np.maximum(total, 1), np.nan)
    return NeighbourResult(
        correct=correct,
        chance=chance,
        n_candidates=total,
        n_same=pairs.n_positive,
        majority=majority,
        reason=tuple(REASONS.get(int(code), "") for code in pairs.reason),
        k=k,
    )


def label_pairs(compared: Space, given: Any, exclude: Exclude) -> tuple[Pairing, float]:
    """Return who has the same label and who another among those that are not excluded, and the majority's share."""
    held = labels(given, compared.n)
    codes, _ = encode(held)
    apart = barrier_columns(exclude, compared.n)
    pairs = pairing_of(codes, apart, None, [held, *apart], compared.usable)
    known = codes[(codes >= 0) & compared.usable]
    majority = float(np.bincount(known).max() / len(known)) if len(known) else float("nan")
    return pairs, majority


def nearest_neighbours(
    values: npt.ArrayLike,
    k: int,
    distance: Distance = "cosine",
    exclude: Exclude = None,
    *,
    workers: int | None = None,
) -> tuple[Array, Array]:
    """Return the ``k`` nearest rows of each row, and how far they are.

    Neighbours are sought by float32 products in blocks, a few more than asked for; the distances of these are
    computed in float64 and put them in order. Of rows equally far the one with the lower number comes first.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    k
        Number of neighbours; a row never is its own.
    distance
        ``cosine`` and ``correlation`` are 1 minus the similarity, from 0 to 2; ``euclidean`` is in units of the
        features.
    exclude
        Columns of labels: rows that share one with the query in any of them are no candidates.

    Returns
    -------
    indices : numpy.ndarray
        Rows ``(n, k)``, int64; -1 where a row has fewer candidates or has missing features.
    distances : numpy.ndarray
        ``(n, k)``, float64, ascending; Inf where there is no candidate.

    Raises
    ------
    ProfileError
        If ``k`` is no positive number, a column has not one label a row, or there is no such distance.
    """
    if k < 1:
        raise ProfileError("", f"k = {k} neighbours", "Ask for at least one")
    compared = space(values, distance)
    apart = barriers(barrier_columns(exclude, compared.n), compared.n)
    indices = np.full((compared.n, k), -1, np.int64)
    distances = np.full((compared.n, k), np.inf)
    barred = np.flatnonzero(~compared.usable | apart.missing)
    queries = np.flatnonzero(compared.usable & ~apart.missing)

    width = min(k + SPARE, compared.n)
    alone = len(queries) == compared.n and not len(compared.copies) and exclude is None
    if alone and compared.n >= TRIANGLE_ROWS and compared.n * ROOM * width * 12 <= KEPT_BYTES:
        _both_ways(compared, width, indices, distances, workers)
    else:

        def work(block: Array, rows: Array, low: int, high: int) -> None:
            nearest_rows(block, rows, low, high, compared.arrays, apart.arrays, barred, indices, distances)

        each_block(compared, queries, work, workers=workers)
    if distance == "euclidean":
        distances = np.sqrt(2 * distances) * compared.scale
    return indices, distances


def _both_ways(compared: Space, width: int, indices: Array, distances: Array, workers: int | None) -> None:
    """Find neighbours with half the products: each serves both of its rows, whose best are kept meanwhile."""
    n = compared.n
    tops, wheres = np.empty((n, ROOM * width), np.float32), np.empty((n, ROOM * width), np.int64)
    sizes, leasts = np.zeros(n, np.int64), np.full(n, -np.inf, np.float32)

    def work(block: Array, rows: Array, low: int, high: int) -> None:
        gather_rows(block, rows, low, high, width, tops, wheres, sizes, leasts)

    def back(block: Array, rows: Array, low: int, high: int) -> None:
        gather_columns(block, rows, low, high, compared.offsets, width, tops, wheres, sizes, leasts)

    each_block(compared, np.arange(n, dtype=np.int64), work, triangle=True, back=back, workers=workers)
    threads = max(1, workers or cores())
    edges = np.linspace(0, n, threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        tasks = [
            pool.submit(
                settle_rows, low, high, compared.arrays, width, tops, wheres, sizes, indices, distances
            )
            for low, high in itertools.pairwise(edges)
        ]
        for task in tasks:
            task.result()
