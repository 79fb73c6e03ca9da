"""Recall among the first k."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammaln

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.average_precision import kernel_arguments, query_table, rows_of
from micrographia.representation.retrieval.kernels.precision import recall_rows
from micrographia.representation.retrieval.keys import Columns
from micrographia.representation.retrieval.pairing import pairing
from micrographia.representation.retrieval.similarity import Distance, each_block, space

Array = npt.NDArray[Any]


def recall_at_k(
    values: npt.ArrayLike,
    meta: pd.DataFrame,
    *,
    k: int,
    pos_sameby: Columns,
    pos_diffby: Columns = (),
    neg_sameby: Columns = (),
    neg_diffby: Columns = (),
    distance: Distance = "cosine",
    rows: npt.ArrayLike | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Return how many of the positives of each row are among its ``k`` nearest candidates.

    Two measures go by this name, and both are given: the share of the positives that are found, and whether any is.
    Candidates that tie are taken at expectation.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    meta
        Metadata, ``n`` rows in the same order.
    k
        How many candidates are looked at.
    pos_sameby, pos_diffby, neg_sameby, neg_diffby
        As for :func:`average_precision`.
    distance
        ``cosine``, ``correlation`` or ``euclidean``.
    rows
        Queries, by number or boolean mask; all rows by default.

    Returns
    -------
    A row per query: ``row``, ``recall`` (share of its positives), ``hit`` (probability that one is found),
    ``n_positive``, ``n_total``, ``chance`` (of ``recall``: ``k / n_total``, at most 1), ``chance_hit``
    (``1 - C(n - P, k) / C(n, k)`` for P positives among n) and ``reason``, why they are NaN.

    Raises
    ------
    ProfileError
        If ``k`` is no positive number, or what :func:`average_precision` raises.
    """
    if k < 1:
        raise ProfileError("", f"k = {k} candidates", "Ask for at least one")
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
    found, hit = np.full(compared.n, np.nan), np.full(compared.n, np.nan)
    queries = chosen[pairs.reason[chosen] == 0]
    if len(queries):
        given = kernel_arguments(compared, pairs)
        most = int(pairs.n_positive[queries].max())

        def work(block: Array, rows: Array, low: int, high: int) -> None:
            recall_rows(block, rows, low, high, *given, most, k, found, hit)

        each_block(compared, queries, work, workers=workers)
    table = query_table(
        pairs,
        chosen,
        {"recall": found[chosen] / np.maximum(pairs.n_positive[chosen], 1), "hit": hit[chosen]},
    )
    positive, total = table["n_positive"].to_numpy(), table["n_total"].to_numpy()
    evaluable = (table["reason"] == "").to_numpy()
    table["chance"] = np.where(evaluable, np.minimum(1.0, k / np.maximum(total, 1)), np.nan)
    table["chance_hit"] = np.where(evaluable, chance_of_hit(positive, total, k), np.nan)
    return table[["row", "recall", "hit", "n_positive", "n_total", "chance", "chance_hit", "reason"]]


def chance_of_hit(positive: Array, total: Array, k: int) -> Array:
    """Return the probability that the first ``k`` of ``total`` rows in random order hold one of ``positive``."""
    drawn = np.minimum(k, total)
    negative = total - positive
    possible = drawn <= negative
    held = np.where(possible, drawn, 0)
    missed = gammaln(negative + 1.0) - gammaln(negative - held + 1.0) + gammaln(total - held + 1.0)
    return np.where(possible, 1.0 - np.exp(missed - gammaln(total + 1.0)), 1.0)
