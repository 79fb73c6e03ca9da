"""Hubness: whether a few rows are everybody's neighbour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.inputs import Array, as_matrix, finite_rows, say_left_out
from micrographia.representation.batch.neighbours import Neighbours, given, search
from micrographia.representation.geometry.measure import Measure
from micrographia.representation.retrieval.similarity import Distance


@dataclass(frozen=True, eq=False)
class Hubness(Measure):
    """How unevenly rows occur among the neighbours of others.

    Attributes
    ----------
    value
        Skewness of the number of times that a row is a neighbour: near 0 without hubs, above 1 with marked ones.
    k
        Neighbours a row.
    occurrence
        How often each row is a neighbour ``(n,)``, int64; its mean is ``k``.
    never
        Share of the rows that are nobody's neighbour; NaN without rows.
    """

    k: int = 0
    occurrence: npt.NDArray[np.int64] | None = None
    never: float = float("nan")


def hubness(
    values: npt.ArrayLike,
    k: int = 10,
    *,
    neighbours: Neighbours | tuple[Array, Array] | None = None,
    distance: Distance = "cosine",
    seed: int = 0,
) -> Hubness:
    r"""Return the skewness of the k-occurrence.

    :math:`\mathrm{E}[(N_k - \mu)^3] / \sigma^3`, where :math:`N_k(i)` counts the rows among whose ``k`` nearest row
    ``i`` is.

    Parameters
    ----------
    values
        Features ``(n, d)``; rows with NaN or infinite features are left out.
    k
        Neighbours a row; at most the number of rows less 1.
    neighbours
        Row numbers and distances, nearest first, to be used instead of searching.
    distance
        What the search uses.
    seed
        Of the order in which equally near rows are taken.

    Returns
    -------
    Hubness
        NaN with a reason if all rows occur equally often or there are fewer than 3 rows.

    Raises
    ------
    ProfileError
        If the shapes do not fit.
    ValueError
        If ``k`` is below 1.

    References
    ----------
    M. Radovanović, A. Nanopoulos & M. Ivanović, Hubs in space: popular nearest neighbors in high-dimensional data,
    JMLR 11 (2010), 2487.
    """
    if k < 1:
        raise ValueError(f"k is {k}, not from 1 on")
    matrix = as_matrix(values)
    n = len(matrix)
    if neighbours is None:
        finite = finite_rows(matrix)
        rows = np.flatnonzero(finite)
        left_out = say_left_out(n, (int((~finite).sum()), "have missing or infinite features"))
        indices = (
            search(matrix, k, distance=distance, rows=rows, seed=seed).indices if len(rows) > 1 else None
        )
    else:
        rows, left_out = np.arange(n), ""
        indices = given(neighbours, n).indices[:, :k]
    if indices is None or len(rows) < 3:
        reason = f"there are {len(rows)} rows; 3 are needed"
        return Hubness(float("nan"), len(rows), f"{reason}; {left_out}" if left_out else reason, k=k)
    occurrence = np.bincount(indices[indices >= 0], minlength=n)
    counts = occurrence[rows].astype(np.float64)
    gap = counts - counts.mean()
    spread = float(np.sqrt((gap**2).mean()))
    never = float((counts == 0).mean())
    if spread == 0:
        reason = "all rows occur equally often"
        return Hubness(
            float("nan"), len(rows), f"{reason}; {left_out}" if left_out else reason, "", k, occurrence, never
        )
    return Hubness(float((gap**3).mean() / spread**3), len(rows), left_out, "", k, occurrence, never)
