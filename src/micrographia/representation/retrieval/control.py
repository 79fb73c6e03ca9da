"""The matched control of a stricter exclusion: as many candidates removed, but at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.average_precision import kernel_arguments
from micrographia.representation.retrieval.kernels.thinning import thinned_rows
from micrographia.representation.retrieval.neighbours import (
    Exclude,
    NeighbourResult,
    label_pairs,
    neighbour_result,
)
from micrographia.representation.retrieval.similarity import Distance, each_block, space

Array = npt.NDArray[Any]


def matched_control(
    values: npt.ArrayLike,
    labels: Any,
    exclude_less: Exclude,
    exclude_more: Exclude,
    *,
    distance: Distance = "cosine",
    workers: int | None = None,
) -> NeighbourResult:
    """Return what the nearest neighbour scores when as many candidates are removed at random as an exclusion removes.

    A stricter exclusion (not the same compound and not the same week) leaves fewer rows of the query's label, which
    alone makes the task harder. Here each query loses as many candidates of its label, and as many of other labels,
    as the stricter exclusion takes from it, drawn at random from those that the weaker one leaves. What is then lost
    between control and stricter exclusion is due to which rows are left out, not to how many.

    The expectation over all draws is computed exactly, nothing is drawn: with P candidates of its label of which P'
    stay and N of other labels of which N' stay, the first that stays is the i-th of its label (i above it, T of
    others above it) with probability ``C(P - i - 1, P' - 1) / C(P, P') * C(N - T, N') / C(N, N')``; candidates that
    tie are taken at expectation.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    labels
        What is to be found, ``n`` labels.
    exclude_less, exclude_more
        Columns of labels as for :func:`nearest_neighbour`; the second must exclude all that the first excludes.
    distance
        ``cosine``, ``correlation`` or ``euclidean``.

    Returns
    -------
    NeighbourResult
        For the same rows and with the same chance as the stricter exclusion.

    Raises
    ------
    ProfileError
        If the second exclusion leaves a query more candidates than the first, or what :func:`nearest_neighbour`
        raises.
    """
    compared = space(values, distance)
    less, majority = label_pairs(compared, labels, exclude_less)
    more, _ = label_pairs(compared, labels, exclude_more)
    queries = np.flatnonzero(more.reason == 0)
    if (more.n_positive[queries] > less.n_positive[queries]).any() or (
        more.n_negative[queries] > less.n_negative[queries]
    ).any():
        raise ProfileError(
            "",
            "the stricter exclusion leaves a row more candidates than the weaker one",
            "Let exclude_more contain all columns of exclude_less",
        )
    correct = np.full(compared.n, np.nan)
    if len(queries):
        given = kernel_arguments(compared, less)
        kept = np.stack([less.n_positive, more.n_positive, less.n_negative, more.n_negative], axis=1)
        most, factorials = int(less.n_positive[queries].max()), gammaln(np.arange(compared.n + 1) + 1.0)

        def work(block: Array, rows: Array, low: int, high: int) -> None:
            thinned_rows(block, rows, low, high, *given, most, kept, factorials, correct)

        each_block(compared, queries, work, workers=workers)
    return neighbour_result(correct, more, majority, 1)
