"""Representational similarity analysis: whether two embeddings find the same pairs alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from micrographia.representation.batch.inputs import Array
from micrographia.representation.geometry.measure import Measure, undefined, usable_pair

MAX_PAIRS = 1_000_000
"""Pairs that are looked at: all of them up to 1,414 rows, a random sample beyond."""

PAIRS_AT_ONCE = 65_536


def rsa(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    distance: str = "correlation",
    max_pairs: int = MAX_PAIRS,
    seed: int = 0,
) -> Measure:
    """Return Spearman's correlation between the distances of all pairs of rows in two embeddings.

    Parameters
    ----------
    x, y
        Features ``(n, d)`` and ``(n, e)`` of the same rows; rows with NaN or infinite features in either are left out.
    distance
        ``"correlation"`` (1 minus Pearson's correlation of two rows, as published), ``"cosine"`` or ``"euclidean"``.
        Rows without a direction (constant, or of length 0) are left out of the first two.
    max_pairs
        If there are more pairs of rows, this many different ones are drawn at random, and the caveat says so. With a
        million the standard error of the draw is about 0.001.
    seed
        Of the draw.

    Returns
    -------
    Measure
        In [-1, 1]; NaN with a reason if there are fewer than 3 rows or all distances of an embedding are equal.

    Raises
    ------
    ProfileError
        If the numbers of rows differ.
    ValueError
        If the distance is unknown, or fewer than 3 pairs are asked for.

    References
    ----------
    N. Kriegeskorte, M. Mur & P. Bandettini, Representational similarity analysis, Frontiers in Systems Neuroscience 2
    (2008), 4.
    """
    if distance not in ("correlation", "cosine", "euclidean"):
        raise ValueError(f"distance is {distance!r}, not 'correlation', 'cosine' or 'euclidean'")
    if max_pairs < 3:
        raise ValueError(f"{max_pairs} pairs; 3 are needed")
    a, b, left_out = usable_pair(x, y)
    if distance != "euclidean":
        (a, first), (b, second) = (_directions(one, distance) for one in (a, b))
        kept = first & second
        if not kept.all():
            text = f"{int((~kept).sum()):,} of {len(kept):,} rows have no direction"
            left_out = f"{left_out}; {text}" if left_out else text
            a, b = a[kept], b[kept]
    n = len(a)
    if n < 3:
        return undefined(n, f"there are {n} rows; 3 are needed", left_out)
    i, j, drawn = pairs(n, max_pairs, seed)
    ranks = []
    for which, one in (("first", a), ("second", b)):
        far = distances(one, i, j, distance)
        if np.ptp(far) <= 1e-12 * max(float(np.abs(far).max()), 1e-300):
            return undefined(n, f"all distances of the {which} embedding are equal", left_out)
        ranks.append(rankdata(far))
    u, v = (one - one.mean() for one in ranks)
    value = float(u @ v / np.sqrt((u @ u) * (v @ v)))
    caveat = f"{len(i):,} of {n * (n - 1) // 2:,} pairs of rows, drawn with seed {seed}" if drawn else ""
    return Measure(float(np.clip(value, -1.0, 1.0)), n, left_out, caveat)


def pairs(n: int, max_pairs: int, seed: int) -> tuple[Array, Array, bool]:
    """Return different pairs of ``n`` rows.

    Returns
    -------
    i, j
        The rows ``(m,)``, ``i < j``, ``m`` at most ``max_pairs``.
    drawn
        Whether these are a sample.
    """
    total = n * (n - 1) // 2
    random = np.random.default_rng(seed)
    if total <= max_pairs:
        numbers = np.arange(total)
    elif total <= 4 * max_pairs:
        numbers = np.sort(random.permutation(total)[:max_pairs])
    else:
        numbers = np.unique(random.integers(total, size=max_pairs))
        while len(numbers) < max_pairs:
            more = random.integers(total, size=2 * (max_pairs - len(numbers)))
            fresh = np.setdiff1d(more, numbers)
            numbers = np.concatenate([numbers, random.permutation(fresh)[: max_pairs - len(numbers)]])
        numbers = np.sort(numbers)
    rows = np.arange(n, dtype=np.int64)
    starts = rows * (2 * n - rows - 1) // 2
    i = np.searchsorted(starts[:-1], numbers, side="right") - 1
    return i, numbers - starts[i] + i + 1, total > max_pairs


def distances(matrix: Array, i: Array, j: Array, distance: str) -> Array:
    """Return the distances of pairs of rows ``(m,)``; for correlation and cosine the rows are of length 1."""
    result = np.empty(len(i))
    step = max(1, PAIRS_AT_ONCE * 64 // (matrix.shape[1] + 64))
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        first, second = matrix[i[part]], matrix[j[part]]
        if distance == "euclidean":
            first -= second
            result[part] = np.sqrt(np.einsum("ij,ij->i", first, first))
        else:
            result[part] = 1.0 - np.einsum("ij,ij->i", first, second)
    return result


def _directions(matrix: Array, distance: str) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return rows of length 1, less their means for correlation, and which rows have a direction."""
    if distance == "correlation":
        kept = np.ptp(matrix, axis=1) > 0
        matrix = matrix - matrix.mean(axis=1, keepdims=True)
    else:
        kept = matrix.any(axis=1)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.divide(matrix, lengths, out=np.zeros_like(matrix), where=kept[:, None] & (lengths > 0)), kept
