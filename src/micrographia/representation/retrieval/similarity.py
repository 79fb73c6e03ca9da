"""Similarities of rows in blocks: float32 matrix products in a reused buffer, so that no (n, n) array is ever made.

A similarity grows as the distance shrinks. Cosine: the product of rows of length 1. Correlation: the same of rows
less their mean. Euclidean: ``x . y - |y|^2 / 2``, which is ``(|x|^2 - |x - y|^2) / 2``, of rows less a median row and
divided by the greatest length.

What ties
---------
The product of two rows depends in its last bits on where in a block the rows stand, and rows that are sorted by label
would be told apart by that. So (1) rows that are the same to float32 after scaling (in float64) share one similarity
to any query: it is copied from the first of them; (2) similarities that differ by no more than rounding can do,
``2**-24 * (8 + sqrt(d))`` times the lengths, 1.6e-6 for d = 384, are computed again in float64 from the features as
given, and tie if they then differ by less than a millionth of that. Ranks are therefore those of float64. Where more
than ``MANY`` rows are so close to positives of one query, they all tie.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.kernels.rows import hash_rows, unequal_rows
from micrographia.work import cores

Array = npt.NDArray[Any]
Distance = Literal["cosine", "correlation", "euclidean"]
"""How far apart two rows are."""

BLOCK_BYTES = 96 << 20
"""Memory for one block of similarities."""
MOST_ROWS = 2048
"""Rows of a block, at most: larger ones make the product no faster."""
PREPARED_ROWS = 4096
CENTRE_ROWS = 4096
SMALL = 1 << 16
"""Up to so many similarities starting threads takes longer than the work."""

Work = Callable[[Array, Array, int, int], None]
"""Called with a block ``(b, m)``, the numbers of its queries ``(b,)``, and which of its rows to work on: from, to."""


@dataclass(frozen=True, eq=False)
class Space:
    """Rows made ready for products.

    Attributes
    ----------
    queries, candidates
        Rows ``(n, e)``, float32: the similarity of ``i`` and ``j`` is ``queries[i] @ candidates[j]``.
    lengths
        Length of each row ``(n,)``, float32.
    offsets
        What to take from a query's similarities to make them comparable between queries, ``(n,)``, float32.
    usable
        Which rows have only finite features, ``(n,)``.
    twins
        For each row the first that equals it, ``(n,)``, int64.
    copies
        Rows that are not the first of their kind, int64.
    tolerance
        Similarities closer than this times the lengths may tie.
    features, means, factors
        What similarities are computed from in float64: features ``(n, d)`` as given, what is taken from each row and
        what it is then multiplied with, ``(n,)``.
    euclidean
        Whether the distance is euclidean.
    scale
        What the rows were divided by (euclidean).
    """

    queries: Array
    candidates: Array
    lengths: Array
    offsets: Array
    usable: npt.NDArray[np.bool_]
    twins: Array
    copies: Array
    tolerance: float
    features: Array
    means: Array
    factors: Array
    euclidean: bool
    scale: float = 1.0

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What kernels take."""
        exact = (self.features, self.means, self.factors, self.euclidean)
        return exact, self.twins, self.copies, self.lengths, self.offsets, self.tolerance

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.queries)

    @property
    def unusable(self) -> Array:
        """Rows with a missing or infinite feature."""
        return np.flatnonzero(~self.usable)


def space(values: npt.ArrayLike, distance: Distance = "cosine") -> Space:
    """Make rows ready for products.

    Parameters
    ----------
    values
        Features ``(n, d)``. A row with NaN or Inf is not usable. A row of zeros has cosine 0 with every row, and a
        row of equal features correlation 0.
    distance
        ``cosine``, ``correlation`` or ``euclidean``.

    Raises
    ------
    ProfileError
        If the features are no (n, d) array of real numbers, or the distance is unknown.
    """
    features = checked(values)
    if distance not in get_args(Distance):
        raise ProfileError(
            "", f"there is no distance {distance!r}", f"Take one of {', '.join(get_args(Distance))}"
        )
    n, d = features.shape
    rows = np.zeros((n, d + 2 * (distance == "euclidean")), np.float32)
    usable = np.zeros(n, bool)
    means, factors = np.zeros(n), np.zeros(n)
    centre, scale = _frame(features) if distance == "euclidean" else (None, 1.0)
    for start in range(0, n, PREPARED_ROWS):
        part = features[start : start + PREPARED_ROWS].astype(np.float64)
        good = np.isfinite(part).all(axis=1)
        usable[start : start + PREPARED_ROWS] = good
        part[~good] = 0.0
        if centre is not None:
            part -= centre
            part /= scale
            part[~good] = 0.0
        else:
            held = slice(start, start + len(part))
            part, means[held], factors[held] = _unit(part, centred=distance == "correlation")
        rows[start : start + PREPARED_ROWS, :d] = part
    rows += np.float32(0.0)  # -0.0 becomes 0.0, so that equal rows have equal bits
    twins = _twins(rows)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64)).astype(np.float32)
    offsets = np.zeros(n, np.float32)
    queries = rows
    if distance == "euclidean":
        half = np.einsum("ij,ij->i", rows, rows, dtype=np.float64) / 2
        offsets = half.astype(np.float32)
        queries = rows.copy()
        queries[:, d:] = 1.0
        rows[:, d] = -offsets
        rows[:, d + 1] = offsets - half
    return Space(
        queries=queries,
        candidates=rows,
        lengths=lengths,
        offsets=offsets,
        usable=usable,
        twins=twins,
        copies=np.flatnonzero(twins != np.arange(n)),
        tolerance=2.0**-24 * (8 + math.sqrt(d)),
        features=features,
        means=means,
        factors=factors if centre is None else np.full(n, 1.0 / scale),
        euclidean=distance == "euclidean",
        scale=scale,
    )


def checked(values: npt.ArrayLike) -> Array:
    """Return features as an (n, d) array.

    Raises
    ------
    ProfileError
        If they are not one of real numbers.
    """
    features = np.asarray(values)
    if features.ndim != 2 or features.dtype.kind not in "fiub" or features.shape[1] == 0:
        raise ProfileError(
            "",
            f"features have shape {features.shape} and type {features.dtype}",
            "Give an (n, d) array of numbers",
        )
    if features.dtype not in (np.float32, np.float64):
        features = features.astype(np.float64)
    return np.ascontiguousarray(features)


def each_block(
    compared: Space,
    rows: Array,
    work: Work,
    *,
    triangle: bool = False,
    back: Work | None = None,
    workers: int | None = None,
) -> None:
    """Compute the similarities of some rows to all, a block at a time, and work on each block in threads.

    Parameters
    ----------
    compared
        The rows.
    rows
        Numbers of the queries, int64; ascending and consecutive if ``triangle``.
    work
        Called in several threads with disjoint rows of the block; it may write into them. What it writes elsewhere
        must not depend on which thread it is.
    triangle
        Compare each block only with the candidates from its first query on, for pairs that count once; column 0 of
        the block then is that query.
    back
        Called as ``work``, after it is done with a block, with disjoint columns beyond the block's own queries: from,
        to. Only if ``triangle``.
    workers
        Threads; as many as processors by default.
    """
    n, total = compared.n, len(rows)
    if not n or not total:
        return
    threads = max(1, workers or cores()) if total * n > SMALL else 1
    height = max(1, min(MOST_ROWS, BLOCK_BYTES // (4 * n), total))
    buffer = np.empty(height * n, np.float32)
    consecutive = total == int(rows[-1]) - int(rows[0]) + 1 and bool((np.diff(rows) == 1).all())
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, total, height):
            chosen = rows[start : start + height]
            first = int(chosen[0]) if triangle else 0
            taken = (
                compared.queries[int(chosen[0]) : int(chosen[-1]) + 1]
                if consecutive
                else compared.queries[chosen]
            )
            block = buffer[: len(chosen) * (n - first)].reshape(len(chosen), n - first)
            np.matmul(taken, compared.candidates[first:].T, out=block)
            parts = threads * (4 if triangle else 1)
            _share(pool, work, block, chosen, (0, len(chosen)), parts)
            if back is not None and n - first > len(chosen):
                _share(pool, back, block, chosen, (len(chosen), n - first), threads)


def _share(
    pool: ThreadPoolExecutor, work: Work, block: Array, chosen: Array, span: tuple[int, int], parts: int
) -> None:
    """Work on a block in several threads, each on its part of the span."""
    edges = np.linspace(*span, min(parts, span[1] - span[0]) + 1).astype(int).tolist()
    if len(edges) == 2:
        work(block, chosen, *span)
        return
    tasks = [pool.submit(work, block, chosen, low, high) for low, high in itertools.pairwise(edges)]
    for task in tasks:
        task.result()


def _unit(part: Array, *, centred: bool) -> tuple[Array, Array, Array]:
    """Scale rows to length 1; what is 0 but for rounding becomes 0. Return them, what was taken, the factors."""
    largest = np.abs(part).max(axis=1, keepdims=True)
    largest[largest == 0] = 1.0
    part = part / largest  # so that squares neither overflow nor vanish
    means = part.mean(axis=1, keepdims=True) if centred else np.zeros((len(part), 1))
    part -= means
    length = np.sqrt(np.einsum("ij,ij->i", part, part))[:, None]
    nothing = length <= (np.finfo(np.float64).eps * part.shape[1] * 4 if centred else 0.0)
    factors = np.where(nothing, 0.0, 1.0 / np.where(nothing, 1.0, length))
    return part * factors, (means * largest)[:, 0], (factors / largest)[:, 0]


def _frame(features: Array) -> tuple[Array, float]:
    """Return a centre that outliers do not move, and the greatest distance from it."""
    some = features[:: max(1, len(features) // CENTRE_ROWS)].astype(np.float64)
    some = some[np.isfinite(some).all(axis=1)]
    centre = np.median(some, axis=0) if len(some) else np.zeros(features.shape[1])
    greatest = 0.0
    for start in range(0, len(features), PREPARED_ROWS):
        part = features[start : start + PREPARED_ROWS].astype(np.float64) - centre
        part = part[np.isfinite(part).all(axis=1)]
        if len(part):
            top = float(np.abs(part).max())
            if top > 0:
                greatest = max(greatest, top * float(np.sqrt(((part / top) ** 2).sum(axis=1).max())))
    return centre, greatest or 1.0


def _twins(rows: Array) -> Array:
    """Return for each row the first that is equal."""
    hashes = hash_rows(rows)
    _, first, kind = np.unique(hashes, return_index=True, return_inverse=True)
    twins = first[kind].astype(np.int64)
    wrong = unequal_rows(rows, twins)
    twins[wrong] = np.flatnonzero(wrong)
    return twins
