"""Silhouettes: whether rows are nearer to their own label than to the nearest other one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.copies import copy_numbers
from micrographia.representation.batch.inputs import (
    Array,
    Labels,
    RowScores,
    as_matrix,
    encode,
    few_labels,
    finite_rows,
    nothing,
    say_left_out,
)
from micrographia.representation.batch.kernels import add_distances, add_to_columns, silhouette_rows
from micrographia.representation.batch.threads import over_parts

BLOCK = 1024
"""Rows and columns of a block of distances."""

MOST_SUMS = 1 << 25
"""Sums of distances (rows times labels) that are held at once: 256 MB."""

CAVEAT = (
    "a silhouette of batches is unreliable: it looks at the nearest other batch only, so that batches that lie "
    "apart in pairs look mixed (Rautenstrauch & Ohler, Nature Biotechnology 2025); an embedding that holds nothing "
    "looks perfectly mixed"
)

Apply = Callable[[Callable[[slice], None], int], None]


def silhouette(
    values: npt.ArrayLike,
    labels: Labels,
    *,
    distance: str = "euclidean",
    workers: int | None = None,
) -> RowScores:
    """Return the silhouette of each row, exactly, by blocks.

    ``s = (b - a) / max(a, b)``, where ``a`` is the mean distance to the other rows of the label and ``b`` the mean
    distance to the rows of the other label that is nearest on average; 0 if ``a = b``. It lies in [-1, 1] and is
    **not** rescaled: some programs report ``(s + 1) / 2``, where an embedding that holds nothing gets 0.5.

    Parameters
    ----------
    values
        Features ``(n, d)``; in float32 the products are too. Rows with NaN or infinite features are left out.
    labels
        One a row; None or NaN is missing.
    distance
        ``"euclidean"`` or ``"cosine"`` (1 minus the cosine; rows of length 0 have none and are left out).
    workers
        Threads; None for one a processor. The result does not depend on it.

    Returns
    -------
    RowScores
        ``values`` is the silhouette; NaN, with a reason, for the only row of a label, whose distance to others of its
        label does not exist. ``chance`` is 0.

    Raises
    ------
    ProfileError
        If the shapes do not fit.
    ValueError
        If the distance is unknown.

    Notes
    -----
    Memory is that of two copies of the features, a block of 1024 x 1024 distances, and at most 256 MB of sums.
    Distances between rows so near that their inner products cannot tell them are measured again from the differences,
    so that copies are at 0.

    References
    ----------
    P. J. Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, Journal of
    Computational and Applied Mathematics 20 (1987), 53.
    """
    if distance not in ("euclidean", "cosine"):
        raise ValueError(f"distance is {distance!r}, not 'euclidean' or 'cosine'")
    matrix = as_matrix(values)
    n = len(matrix)
    codes, _ = encode(labels, n)
    finite = finite_rows(matrix)
    straight = np.ones(n, dtype=bool)
    if distance == "cosine":
        straight = np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64) > 0
    used = np.flatnonzero(finite & straight & (codes >= 0))
    reasons = [
        say_left_out(
            n,
            (int((~finite).sum()), "have missing or infinite features"),
            (int((~straight & finite).sum()), "have length 0 and so no direction"),
            (int((codes < 0).sum()), "have no label"),
        )
    ]
    present, own = np.unique(codes[used], return_inverse=True)
    if len(present) < 2:
        return nothing(n, len(present), reasons[0] or few_labels(len(present)))
    sizes = np.bincount(own)
    reasons.append(say_left_out(n, (int((sizes == 1).sum()), "are the only one of their label")))
    result = np.full(n, np.nan)
    with over_parts(workers) as apply:
        result[used] = _blocked(_prepared(matrix[used], distance), own, sizes, distance == "euclidean", apply)
    chance = np.where(np.isfinite(result), 0.0, np.nan)
    return RowScores(result, chance, len(present), "; ".join(filter(None, reasons)))


def batch_silhouette(
    values: npt.ArrayLike,
    batch: Labels,
    within: Labels | None = None,
    *,
    distance: str = "euclidean",
    workers: int | None = None,
) -> RowScores:
    """Return the silhouette of each row by batch, among rows of the same biological label.

    The plain ``s``: 0 where batches are mixed, 1 where they lie apart. Other programs report ``1 - abs(s)``, the same
    for mixed batches and for batches that lie inside each other.

    Parameters
    ----------
    values
        Features ``(n, d)``.
    batch
        One a row; None or NaN is missing.
    within
        The biological label of each row; each label is looked at alone. None looks at all rows at once, where a
        biology that differs between batches is mistaken for a batch effect.
    distance, workers
        As for :func:`silhouette`.

    Returns
    -------
    RowScores
        NaN where a biological label occurs in one batch only. ``caveat`` says why not to rely on it.

    Raises
    ------
    ProfileError
        If the shapes do not fit.
    """
    matrix = as_matrix(values)
    n = len(matrix)
    batches, names = encode(batch, n, "batches")
    groups = np.zeros(n, dtype=np.int64) if within is None else encode(within, n)[0]
    result = np.full(n, np.nan)
    alone = 0
    for group in np.unique(groups[groups >= 0]):
        rows = np.flatnonzero(groups == group)
        known = batches[rows]
        if len(np.unique(known[known >= 0])) < 2:
            alone += len(rows)
            continue
        labels = [None if code < 0 else int(code) for code in known]
        result[rows] = silhouette(matrix[rows], labels, distance=distance, workers=workers).values
    missing = int(np.isnan(result).sum()) - alone - int((groups < 0).sum())
    reason = say_left_out(
        n,
        (alone, "have a label that occurs in one batch only" if within is not None else "are in one batch"),
        (int((groups < 0).sum()), "have no label"),
        (missing, "are the only one of their batch, or have no batch or missing features"),
    )
    return RowScores(result, np.where(np.isfinite(result), 0.0, np.nan), len(names), reason, CAVEAT)


def _prepared(matrix: Array, distance: str) -> Array:
    """Return rows whose products serve the distance: centred, or of unit length."""
    if distance == "euclidean":
        # Distances do not change, and products of centred rows lose fewer digits.
        middle = matrix.mean(axis=0, dtype=np.float64)
        return np.ascontiguousarray(matrix - middle.astype(matrix.dtype))
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
    return np.ascontiguousarray(matrix / lengths[:, None].astype(matrix.dtype))


def _blocked(matrix: Array, own: Array, sizes: Array, euclidean: bool, apply: Apply) -> Array:
    """Return the silhouettes of all rows, a block of rows at a time."""
    n = len(matrix)
    norms = np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64)
    copies = copy_numbers(matrix)
    result = np.empty(n)
    room = np.empty((BLOCK, BLOCK), dtype=matrix.dtype)
    # A distance serves both of its rows, if there is room for the sums of all rows.
    both_ways = n * len(sizes) <= MOST_SUMS
    held = np.zeros((n if both_ways else BLOCK, len(sizes)))
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        m = rows.stop - start
        sums = held[rows] if both_ways else held[:m]
        if not both_ways:
            sums[:] = 0.0
        for left in range(start if both_ways else 0, n, BLOCK):
            columns = slice(left, min(left + BLOCK, n))
            block = room[:m, : columns.stop - left]
            np.matmul(matrix[rows], matrix[columns].T, out=block)

            def add(
                part: slice,
                start: int = start,
                columns: slice = columns,
                sums: Array = sums,
                block: Array = block,
            ) -> None:
                at = slice(start + part.start, start + part.stop)
                add_distances(
                    block[part],
                    norms[at],
                    norms[columns],
                    matrix[at],
                    matrix[columns],
                    copies[at],
                    copies[columns],
                    own[columns],
                    euclidean,
                    sums[part],
                )

            def add_back(part: slice, rows: slice = rows, left: int = left, block: Array = block) -> None:
                add_to_columns(block[:, part], own[rows], held[left + part.start : left + part.stop])

            apply(add, m)
            if both_ways and left > start:
                apply(add_back, columns.stop - left)
        silhouette_rows(sums, own[rows], sizes, result[rows])
    return result
