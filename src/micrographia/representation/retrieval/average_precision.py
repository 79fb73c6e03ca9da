"""Average precision of every row as a query, at expectation where candidates tie, beside its exact chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.chance import expected_average_precision, harmonic_numbers
from micrographia.representation.retrieval.kernels.precision import precision_rows
from micrographia.representation.retrieval.keys import Columns
from micrographia.representation.retrieval.pairing import REASONS, Pairing, pairing
from micrographia.representation.retrieval.similarity import Distance, Space, each_block, space

Array = npt.NDArray[Any]


def average_precision(
    values: npt.ArrayLike,
    meta: pd.DataFrame,
    *,
    pos_sameby: Columns,
    pos_diffby: Columns = (),
    neg_sameby: Columns = (),
    neg_diffby: Columns = (),
    distance: Distance = "cosine",
    rows: npt.ArrayLike | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Return how well each row finds its positives among its negatives.

    Average precision is the mean over the positives of the share of positives among all candidates down to that one.
    Where candidates tie it is the mean over all their orders (McSherry & Najork, "Computing information retrieval
    performance measures efficiently in the presence of tied scores", ECIR 2008), so an embedding that cannot tell
    rows apart scores exactly chance. Without ties it is scikit-learn's ``average_precision_score``. What ties:
    :mod:`~micrographia.representation.retrieval.similarity`. Memory does not grow with the square of the rows.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    meta
        Metadata, ``n`` rows in the same order.
    pos_sameby, pos_diffby
        A positive equals the query in every column of the first and differs from it in every column of the second.
    neg_sameby, neg_diffby
        The same for negatives.
    distance
        ``cosine``, ``correlation`` or ``euclidean``.
    rows
        Queries, by number or boolean mask; all rows by default. Candidates are always all rows.
    workers
        Threads; as many as processors by default. The result does not depend on it.

    Returns
    -------
    A row per query: ``row`` (its number), ``average_precision``, ``n_positive``, ``n_total`` (positives and
    negatives), ``chance`` (exact, of so many positives in random order) and ``reason``, why ``average_precision`` is
    NaN.

    Raises
    ------
    ProfileError
        If the numbers of rows differ, a column is unknown or contradictory, or there is no such distance.
    """
    compared = space(values, distance)
    pairs = pairing(
        meta,
        compared.usable,
        pos_sameby=pos_sameby,
        pos_diffby=pos_diffby,
        neg_sameby=neg_sameby,
        neg_diffby=neg_diffby,
    )
    chosen = rows_of(rows, compared.n)
    scores = precision_of(compared, pairs, chosen, workers=workers)
    return query_table(pairs, chosen, {"average_precision": scores[chosen]})


def query_table(pairs: Pairing, chosen: Array, scores: dict[str, Array]) -> pd.DataFrame:
    """Return what each query scored, with its numbers of candidates, its chance and why it has no score."""
    positive, total = pairs.n_positive[chosen], (pairs.n_positive + pairs.n_negative)[chosen]
    chance = expected_average_precision(positive, total)
    chance[pairs.reason[chosen] != 0] = np.nan
    return pd.DataFrame(
        {
            "row": chosen,
            **scores,
            "n_positive": positive,
            "n_total": total,
            "chance": chance,
            "reason": [REASONS.get(int(code), "") for code in pairs.reason[chosen]],
        }
    )


def precision_of(compared: Space, pairs: Pairing, chosen: Array, *, workers: int | None = None) -> Array:
    """Return average precision ``(n,)``, NaN for rows that are not chosen or cannot be evaluated."""
    out = np.full(compared.n, np.nan)
    queries = chosen[pairs.reason[chosen] == 0]
    if not len(queries):
        return out
    harmonic = harmonic_numbers(compared.n)
    given = kernel_arguments(compared, pairs)
    most = int(pairs.n_positive[queries].max())

    def work(block: Array, rows: Array, low: int, high: int) -> None:
        precision_rows(block, rows, low, high, *given, most, harmonic, out)

    each_block(compared, queries, work, workers=workers)
    return out


def kernel_arguments(compared: Space, pairs: Pairing) -> tuple[Any, Any]:
    """Return what kernels that rank positives take: of the space, and of the pairs."""
    pos, neg, _, _, neg_whole = pairs.arrays
    return (
        compared.arrays,
        (pos, neg, neg_whole, pairs.never_negative),
    )


def rows_of(rows: npt.ArrayLike | None, n: int) -> Array:
    """Return numbers of rows, int64, from numbers, a mask, or nothing for all.

    Raises
    ------
    ProfileError
        If a row does not exist, or a mask is not as long as the rows.
    """
    if rows is None:
        return np.arange(n, dtype=np.int64)
    given = np.asarray(rows)
    if given.dtype == bool:
        if given.shape != (n,):
            raise ProfileError("", f"the mask of rows has shape {given.shape}, not ({n},)", "Give one a row")
        return np.flatnonzero(given).astype(np.int64)
    chosen = given.astype(np.int64).reshape(-1)
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= n):
        raise ProfileError("", f"rows are not all between 0 and {n - 1:,}", "Count rows from 0")
    return chosen
