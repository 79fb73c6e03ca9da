"""What chance gives: average precision of random ranks, exactly and sampled."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.kernels.sampling import sample_ranks
from micrographia.work import cores

Array = npt.NDArray[Any]


def harmonic_numbers(n: int) -> Array:
    """Return ``H_0 .. H_n``, ``(n + 1,)``, float64: sums of the reciprocals."""
    sums = np.zeros(n + 1)
    np.cumsum(1.0 / np.arange(1, n + 1), out=sums[1:])
    return sums


def expected_average_precision(n_positive: npt.ArrayLike, n_total: npt.ArrayLike) -> Array:
    """Return the mean of average precision over all orders of ``n_total`` rows of which ``n_positive`` are positives.

    ``(H_n + (k - 1) / (n - 1) * (n - H_n)) / n`` for k of n, with the harmonic number H_n (Bestgen, "Exact expected
    average precision of the random baseline for system evaluation", Prague Bulletin of Mathematical Linguistics 103,
    2015): the place i holds a positive with probability k / n, and then (i - 1)(k - 1) / (n - 1) positives are above
    it on average.

    Parameters
    ----------
    n_positive, n_total
        Numbers, of any shapes that fit each other.

    Returns
    -------
    Expected average precision, float64; NaN where there is no positive.

    Raises
    ------
    ProfileError
        If there are more positives than rows, or a number is negative.

    Examples
    --------
    >>> round(float(expected_average_precision(4, 99)), 4)
    0.0813
    """
    positives, total = np.broadcast_arrays(np.asarray(n_positive), np.asarray(n_total))
    if (positives < 0).any() or (positives > total).any():
        raise ProfileError("", "there are more positives than rows to choose from", "Give 0 <= k <= n")
    sums = harmonic_numbers(int(total.max(initial=0)))[total.astype(np.int64)]
    n, k = np.maximum(total, 1).astype(np.float64), positives.astype(np.float64)
    expected = (sums + (k - 1) / np.maximum(n - 1, 1) * (n - sums)) / n
    return np.where(k > 0, expected, np.nan)


def random_average_precision(
    n_positive: int, n_total: int, size: int, *, seed: int = 0, workers: int | None = None
) -> Array:
    """Draw the average precision of ``n_positive`` positives at random places among ``n_total``.

    Only the places of the positives are drawn (Floyd's algorithm: Bentley & Floyd, Communications of the ACM 30(9),
    1987), so a draw costs about ``n_positive`` steps. It is the null distribution of one query if every order of its
    candidates is equally likely. Embeddings of one data set do not give that: queries share candidates, and rows of
    one plate or batch resemble each other whatever their label. A mean over queries therefore varies more than
    independent draws say; use a permutation of labels for a claim.

    Parameters
    ----------
    n_positive, n_total
        Positives, and all candidates.
    size
        Number of draws.
    seed
        The same seed gives the same draws, whatever the number of workers.

    Returns
    -------
    Average precision ``(size,)``, float64.

    Raises
    ------
    ProfileError
        If there is no positive, or more than candidates.
    """
    if not 0 < n_positive <= n_total or size < 0:
        raise ProfileError(
            "",
            f"{n_positive:,} positives among {n_total:,} cannot be drawn {size:,} times",
            "Give 1 <= k <= n",
        )
    out = np.empty(size)
    threads = max(1, workers or cores())
    edges = np.linspace(0, size, threads * 4 + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        tasks = [
            pool.submit(sample_ranks, n_positive, n_total, np.uint64(seed % 2**64), low, out[low:high])
            for low, high in itertools.pairwise(edges)
        ]
        for task in tasks:
            task.result()
    return out
