"""The local inverse Simpson index: how many labels there effectively are around each row."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.inputs import (
    Array,
    Floats,
    Labels,
    RowScores,
    as_matrix,
    encode,
    few_labels,
    finite_rows,
    say_left_out,
)
from micrographia.representation.batch.kernels import simpson_rows
from micrographia.representation.batch.neighbours import Neighbours, given, search
from micrographia.representation.batch.threads import over_parts
from micrographia.representation.retrieval.similarity import Distance

TOLERANCE = 1e-5
"""How near the logarithm of the perplexity is met."""

CAVEAT = (
    "an embedding that holds nothing mixes batches perfectly: read it beside a score of biology, "
    "and against the chance value, which unequal batches keep below the number of batches"
)


@dataclass(frozen=True, eq=False)
class Lisi(RowScores):
    """The local inverse Simpson index of each row.

    Attributes
    ----------
    null_medians
        The median over rows, of each random order of the labels ``(permutations,)``.
    """

    null_medians: Floats = field(default_factory=lambda: np.empty(0))


def lisi(
    values: npt.ArrayLike,
    labels: Labels,
    *,
    perplexity: float = 30,
    k: int | None = None,
    neighbours: Neighbours | tuple[Array, Array] | None = None,
    distance: Distance = "euclidean",
    permutations: int = 20,
    seed: int = 0,
    workers: int | None = None,
) -> Lisi:
    r"""Return the local inverse Simpson index of each row (LISI).

    The neighbours ``j`` of row ``i`` get weights :math:`w_{ij} \propto \exp(-\beta_i d_{ij})` that sum to 1, with
    :math:`\beta_i` such that their perplexity, the exponential of their entropy, is as asked for; then

    .. math:: \mathrm{LISI}_i = 1 / \sum_l \bigl(\sum_{j: l_j = l} w_{ij}\bigr)^2

    It lies between 1 (one label around) and the number of labels. Of batches it is iLISI (high: mixed), of biological
    labels cLISI (low: kept apart).

    Parameters
    ----------
    values
        Features ``(n, d)``. Rows with NaN or infinite features are left out.
    labels
        One a row; None or NaN is missing: such a row gets no score and counts as nobody's neighbour.
    perplexity
        Effective number of neighbours.
    k
        Neighbours that are looked at, the row itself not among them. None is ``3 * perplexity - 1``: the published
        program asks for ``3 * perplexity`` and drops the row itself. Its successors of late take one more.
    neighbours
        Row numbers and distances ``(n, k)``, nearest first, to be used instead of searching; ``values`` then only
        says how many rows there are. Missing neighbours and the row itself may stand among them.
    distance
        What the search uses: ``"euclidean"`` (as published), ``"cosine"`` or ``"correlation"``.
    permutations
        How many random orders of the labels the chance value is the mean of.
    seed
        Of these orders, and of that in which equally near rows, such as copies, are taken.
    workers
        Threads; None for one a processor. The result does not depend on it.

    Returns
    -------
    Lisi
        ``values`` is the index, NaN where too few neighbours have a label. ``chance`` is its mean over random orders
        of the labels among the rows that have one, with neighbours and weights as they are.

    Raises
    ------
    ProfileError
        If the shapes do not fit, or there is no such distance.
    ValueError
        If the perplexity is not above 1 or not below ``k``, or the number of permutations is negative.

    Notes
    -----
    Copies do not fail: rows that are equally near weigh the same, and where more rows than the perplexity are at
    distance 0 the weights are spread evenly over them, the limit of the definition.

    References
    ----------
    I. Korsunsky et al., Fast, sensitive and accurate integration of single-cell data with Harmony, Nature Methods 16
    (2019), 1289 (definition, perplexity 30, tolerance 1e-5 of the entropy, bisection from a precision of 1).
    """
    if not perplexity > 1:
        raise ValueError(f"perplexity is {perplexity}, not above 1")
    if k is not None and k <= perplexity:
        raise ValueError(f"{k} neighbours cannot have a perplexity of {perplexity:g}")
    if permutations < 0:
        raise ValueError(f"{permutations} permutations")
    matrix = as_matrix(values)
    n = len(matrix)
    codes, names = encode(labels, n)
    finite = finite_rows(matrix) if neighbours is None else np.ones(n, dtype=bool)
    rows = np.flatnonzero(finite & (codes >= 0))
    reason = say_left_out(
        n,
        (int((~finite).sum()), "have missing or infinite features"),
        (int((codes < 0).sum()), "have no label"),
    )
    n_labels = len(np.unique(codes[rows]))
    width = math.floor(3 * perplexity) - 1 if k is None else k
    if n_labels < 2:
        return _none(n, n_labels, reason or few_labels(n_labels))
    if neighbours is None and width > len(rows) - 1:
        most = len(rows) // 3
        text = f"a perplexity of {perplexity:g} looks at {width} neighbours, and there are {len(rows):,} rows"
        text += f"; {most} is possible" if most > 1 else ""
        return _none(n, n_labels, f"{reason}; {text}" if reason else text)
    if neighbours is None:
        found = search(matrix, width, distance=distance, rows=rows, seed=seed)
    else:
        found = given(neighbours, n)
    codes[~finite] = -1
    random = np.random.default_rng([seed, 1])
    labelings = np.full((n, 1 + permutations), -1, dtype=np.int32)
    labelings[:, 0] = codes
    for at in range(permutations):
        labelings[rows, 1 + at] = codes[random.permutation(rows)]
    simpson = np.empty((n, 1 + permutations))

    def weigh(part: slice) -> None:
        simpson_rows(
            part.start,
            found.indices[part],
            found.distances[part],
            labelings,
            len(names),
            float(perplexity),
            TOLERANCE,
            width,
            simpson[part],
        )

    with over_parts(workers) as apply:
        apply(weigh, n)
    short = int((np.isnan(simpson[:, 0]) & finite & (codes >= 0)).sum())
    reason = "; ".join(
        filter(
            None, [reason, say_left_out(n, (short, f"have at most {perplexity:g} neighbours with a label"))]
        )
    )
    null = 1.0 / simpson[:, 1:]
    chance = null.mean(axis=1) if permutations else np.full(n, np.nan)
    kept = np.isfinite(simpson[:, 0])
    medians = np.median(null[kept], axis=0) if kept.any() else np.empty(0)
    return Lisi(1.0 / simpson[:, 0], chance, n_labels, reason, CAVEAT, medians)


def _none(n: int, n_labels: int, reason: str) -> Lisi:
    """Return an index that no row has."""
    return Lisi(np.full(n, np.nan), np.full(n, np.nan), n_labels, reason, CAVEAT)


def scaled_ilisi(scores: Lisi) -> float:
    """Return iLISI between 0 (batches apart) and 1 (as many around each row as there are).

    ``(median - 1) / (B - 1)`` over ``B`` batches, as in Luecken et al., Nature Methods 19 (2022), 41. Batches of
    unequal size cannot reach 1: compare with :func:`scaled_chance`.
    """
    return _scaled(scores.median, scores.n_labels)


def scaled_clisi(scores: Lisi) -> float:
    """Return cLISI between 0 (labels mixed) and 1 (one label around each row).

    ``(L - median) / (L - 1)`` over ``L`` labels, as in Luecken et al., Nature Methods 19 (2022), 41.
    """
    return 1.0 - _scaled(scores.median, scores.n_labels)


def scaled_chance(scores: Lisi) -> float:
    """Return what :func:`scaled_ilisi` is by chance; one minus it is that of :func:`scaled_clisi`.

    The mean over random orders of the labels; NaN if none were made.
    """
    if not len(scores.null_medians):
        return float("nan")
    return _scaled(float(scores.null_medians.mean()), scores.n_labels)


def _scaled(value: float, n_labels: int) -> float:
    return (value - 1.0) / (n_labels - 1.0) if n_labels > 1 else float("nan")
