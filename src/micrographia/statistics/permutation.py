"""Permutations of labels at the level at which they were assigned.

A stage belongs to a donor, a mechanism to a compound: what is permuted are the labels of donors or compounds, whole,
never those of their images. Where groups were assigned within blocks (plates, centres), labels stay within their block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.statistics.groups import encode

Array = npt.NDArray[Any]

LEAST = 20
"""With fewer distinct permutations no p can be below 0.05, and none is given."""


@dataclass(frozen=True, eq=False)
class Permutations:
    """Labels of groups, permuted again and again. Iterating gives the labels of one permutation after the other.

    Attributes
    ----------
    labels
        The labels as assigned ``(G,)``, object.
    order
        For each permutation, from which group each group takes its label ``(N, G)``, int64. No rows if refused.
    distinct
        How many different assignments there are.
    exact
        Whether each of them is listed once, the true one among them. Otherwise they are drawn.
    reason
        Why there are none; empty if there are.
    """

    labels: Array
    order: Array
    distinct: int
    exact: bool
    reason: str = ""
    blocks: int = field(default=1)

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Array]:
        for row in self.order:
            yield self.labels[row]

    @property
    def smallest_p(self) -> float:
        """The smallest p that they can give; NaN if there are none."""
        if not len(self):
            return float("nan")
        return 1 / self.distinct if self.exact else 1 / (1 + len(self))

    def p(self, observed: npt.ArrayLike, null: npt.ArrayLike) -> Any:
        """Return :func:`permutation_p` of statistics computed on these permutations."""
        return permutation_p(observed, null, exact=self.exact)


def count_permutations(
    labels_of_groups: Sequence[Hashable], *, blocks: Sequence[Hashable] | None = None
) -> int:
    """Return how many different assignments of the same labels to the groups exist.

    The multinomial coefficient ``G! / (n_1! n_2! ...)`` of each block, multiplied.

    Parameters
    ----------
    labels_of_groups
        Label of each group ``(G,)``.
    blocks
        Block of each group, within which labels were assigned; None if there is only one.

    Raises
    ------
    ValueError
        If labels and blocks are not equally many, or a label is missing.

    Examples
    --------
    Three stages of four donors each, and two of them:

    >>> count_permutations([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
    34650
    >>> count_permutations([1, 1, 1, 1, 2, 2, 2, 2])
    70
    """
    codes, members = _blocks(labels_of_groups, blocks)
    return prod(_multinomial(codes[rows]) for rows in members)


def permutations(
    labels_of_groups: Sequence[Hashable],
    *,
    blocks: Sequence[Hashable] | None = None,
    n: int = 10_000,
    seed: int = 0,
    least: int = LEAST,
) -> Permutations:
    """Permute the labels of groups, all ways if they are at most ``n``, else ``n`` drawn at random.

    Parameters
    ----------
    labels_of_groups
        Label of each group ``(G,)``: one a donor, not one an image.
    blocks
        Block of each group, within which labels were assigned; None if there is only one.
    n
        Number of permutations that are enough.
    seed
        Seed of the drawn ones.
    least
        With fewer distinct permutations none is returned, and the reason said.

    Raises
    ------
    ValueError
        If labels and blocks are not equally many, a label is missing, or ``n`` is not positive.
    """
    if n < 1:
        raise ValueError("n must be positive")
    codes, members = _blocks(labels_of_groups, blocks)
    labels = np.empty(len(codes), dtype=object)
    labels[:] = list(labels_of_groups)
    distinct = prod(_multinomial(codes[rows]) for rows in members)
    empty = np.empty((0, len(codes)), dtype=np.int64)
    if distinct < least:
        said = (
            "the label is constant in every block, so that nothing can be permuted"
            if distinct == 1
            else f"only {distinct} distinct permutations: p cannot be below {1 / distinct:.3g}"
        )
        return Permutations(labels, empty, distinct, True, said, len(members))
    if distinct <= n:
        return Permutations(labels, _all_orders(codes, members), distinct, True, "", len(members))
    rng = np.random.default_rng(seed)
    order = np.tile(np.arange(len(codes)), (n, 1))
    for rows in members:
        order[:, rows] = rng.permuted(np.tile(rows, (n, 1)), axis=1)
    return Permutations(labels, order, distinct, False, "", len(members))


def permutation_p(observed: npt.ArrayLike, null: npt.ArrayLike, *, exact: bool = False) -> Any:
    """Return the share of permutations that do as well as the true labels.

    ``# / N`` if all permutations are listed, the true one among them; ``(1 + #) / (1 + N)`` if they were drawn
    (Phipson & Smyth 2010). Values that differ only by rounding count as equal. An undefined permutation counts as
    doing as well.

    Parameters
    ----------
    observed
        Statistic of the true labels, larger is better; a number or ``(...)``.
    null
        Statistic of each permutation ``(N, ...)``.
    exact
        Whether all permutations are listed.

    Returns
    -------
    p, a float or ``(...)``; NaN where the observed statistic is, or without permutations.

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    seen = np.asarray(observed, dtype=np.float64)
    drawn = np.asarray(null, dtype=np.float64)
    if drawn.ndim == 0 or (len(drawn) and drawn.shape[1:] != seen.shape):
        raise ValueError(f"null has shape {drawn.shape}, not (N, {', '.join(map(str, seen.shape))})")
    if not len(drawn):
        return float("nan") if seen.ndim == 0 else np.full(seen.shape, np.nan)
    tolerance = 1e-12 * np.maximum(1.0, np.abs(seen))
    reached = (~(drawn < seen - tolerance)).sum(axis=0)
    p = reached / len(drawn) if exact else (1 + reached) / (1 + len(drawn))
    p = np.where(np.isnan(seen), np.nan, p)
    return float(p) if seen.ndim == 0 else p


def _blocks(labels: Sequence[Hashable], blocks: Sequence[Hashable] | None) -> tuple[Array, list[Array]]:
    codes, _, missing = encode(labels)
    if missing:
        raise ValueError(f"{missing} of {len(codes)} groups have no label; leave them out")
    if blocks is None:
        return codes, [np.arange(len(codes))]
    if len(blocks) != len(codes):
        raise ValueError(f"{len(blocks)} blocks for {len(codes)} groups")
    where, n, _ = encode(blocks)
    order = np.argsort(where, kind="stable")
    return codes, np.split(order, np.cumsum(np.bincount(where, minlength=n))[:-1])


def _multinomial(codes: Array) -> int:
    left, count = len(codes), 1
    for size in sorted(Counter(codes.tolist()).values()):
        count *= comb(left, size)
        left -= size
    return count


def _all_orders(codes: Array, members: list[Array]) -> Array:
    """Return every distinct assignment once, as the groups from which labels are taken."""
    orders = np.zeros((1, len(codes)), dtype=np.int64)
    for rows in members:
        inside = rows[_distinct_orders(codes[rows])]
        repeated = np.repeat(orders, len(inside), axis=0)
        repeated[:, rows] = np.tile(inside, (len(orders), 1))
        orders = repeated
    return orders


def _distinct_orders(codes: Array) -> Array:
    """Return for one block where the label of each place comes from, for every distinct assignment ``(N, G)``."""
    orders = np.full((1, len(codes)), -1, dtype=np.int64)
    free = np.arange(len(codes))[None, :]
    for code in np.unique(codes):
        sources = np.flatnonzero(codes == code)
        width = free.shape[1]
        chosen = np.array(list(combinations(range(width), len(sources))), dtype=np.int64)
        rest = np.ones((len(chosen), width), dtype=bool)
        rest[np.arange(len(chosen))[:, None], chosen] = False
        places = free[:, chosen].reshape(-1, len(sources))
        orders = np.repeat(orders, len(chosen), axis=0)
        orders[np.arange(len(orders))[:, None], places] = sources
        left = np.broadcast_to(
            np.nonzero(rest)[1].reshape(len(chosen), -1), (len(chosen), width - len(sources))
        )
        free = free[:, left].reshape(len(orders), width - len(sources))
    return orders
