"""Recall of pairs that are known to belong together, such as genes of one complex, at each tail of all pairs."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.kernels.tails import similarities_of
from micrographia.representation.retrieval.keys import labels
from micrographia.representation.retrieval.similarity import Distance, Space, space
from micrographia.representation.retrieval.tails import Tails, count_beyond, tails
from micrographia.statistics import permutation_p
from micrographia.work import cores

Array = npt.NDArray[Any]
AT_ONCE = 1 << 19
"""Pairs whose similarity is computed at a time."""


@dataclass(frozen=True, eq=False)
class Recall:
    """Share of known pairs in a tail of the similarities of all pairs.

    Attributes
    ----------
    recall
        The share.
    chance
        Share of all pairs in the tail: exact.
    chance_of_genes
        Share of all pairs of the genes that occur in known pairs: what recall is on average when these genes swap
        names.
    null
        Recall with names permuted among these genes ``(N,)``.
    p
        ``(1 + #) / (1 + N)``.
    values
        For each known pair whether it is in the tail ``(m,)``: 1, 0, or a part if it ties with the threshold.
    """

    recall: float
    chance: float
    chance_of_genes: float
    null: Array
    p: float
    values: Array


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """Recall of known pairs at each tail.

    Attributes
    ----------
    upper
        Pairs more alike than the upper quantile.
    lower
        Pairs less alike than the lower quantile: opposite phenotypes. Not part of ``upper``.
    both
        Either: what recall is when anti-correlation counts.
    pairs
        The names of the known pairs that were found, each once, ``(m,)``; in the order of ``values``.
    similarity
        Their similarity ``(m,)``.
    signed
        Whether ``upper`` alone is the answer.
    n_unknown, n_repeated, n_self
        Pairs that were left out: a name is not among the rows; given before, in either order; of a name with itself.
    reason
        Why recall is NaN, or empty.
    """

    upper: Recall
    lower: Recall
    both: Recall
    pairs: tuple[tuple[Any, Any], ...]
    similarity: Array
    signed: bool = True
    n_unknown: int = 0
    n_repeated: int = 0
    n_self: int = 0
    reason: str = field(default="")

    @property
    def recall(self) -> float:
        """Recall at the upper tail if signed, otherwise at both."""
        return self.answer.recall

    @property
    def answer(self) -> Recall:
        """The upper tail if signed, otherwise both."""
        return self.upper if self.signed else self.both


def known_pairs(
    values: npt.ArrayLike,
    names: Any,
    pairs: Iterable[tuple[Any, Any]],
    *,
    signed: bool = True,
    tail: float = 0.05,
    n_permutations: int = 1000,
    seed: int = 0,
    distance: Distance = "cosine",
    workers: int | None = None,
) -> KnownPairs:
    """Return how many known pairs lie in the tails of the similarities of all pairs.

    Recall of known relationships (Celik et al., "Building, benchmarking, and exploring perturbative maps of
    transcriptional and morphological data", PLOS Computational Biology 20(10), 2024) takes pairs at either tail.
    There opposite phenotypes count as found, and chance is twice the tail; here each tail is reported by itself.

    The null swaps names among the genes that occur in known pairs. Pairs share genes, and genes that are studied much
    have strong phenotypes, so neither pairs nor all genes are exchangeable.

    Parameters
    ----------
    values
        Features ``(n, d)``, one row a gene.
    names
        ``n`` names, each once.
    pairs
        Known pairs of names, in any order.
    signed
        Whether only alike counts (True) or also opposite.
    tail
        Share of all pairs that is one tail, below 0.5.
    n_permutations, seed
        Of the names.
    distance
        ``cosine``, ``correlation`` or ``euclidean``.

    Returns
    -------
    KnownPairs
        All NaN, with ``reason``, if no known pair is among the rows or there are fewer than three rows.

    Raises
    ------
    ProfileError
        If names are not one a row, repeated or missing, a pair is no pair, or ``tail`` is not between 0 and 0.5.
    """
    if not 0 < tail < 0.5:
        raise ProfileError("", f"tail is {tail}", "Give a share between 0 and 0.5, such as 0.05")
    compared = space(values, distance)
    held = labels(names, compared.n)
    places = _places(held, compared)
    listed, skipped = _listed(pairs, places)
    if not len(listed) or int(compared.usable.sum()) < 3:
        empty = np.empty(0)
        nan = float("nan")
        nothing = Recall(nan, nan, nan, empty, nan, empty)
        said = "no known pair is among the rows" if not len(listed) else "there are fewer than three rows"
        return KnownPairs(nothing, nothing, nothing, (), empty, signed, *skipped, reason=said)
    none = np.full(compared.n, -1, np.int64)
    found = tails(compared, none, [1 - tail, tail], workers=workers)
    genes = np.unique(listed)
    local = _only(compared, genes)
    inside = _among_genes(local, found, tail, workers)
    places_in = np.searchsorted(genes, listed)
    weights = _members(_similarity(local, places_in), found, tail)
    drawn = _swapped(local, places_in, found, tail, n_permutations, seed, workers)

    def recall(chosen: list[int]) -> Recall:
        mine, null = weights[chosen].sum(axis=0), drawn[:, chosen].sum(axis=1)
        return Recall(
            recall=float(mine.mean()),
            chance=tail * len(chosen),
            chance_of_genes=float(inside[chosen].sum()),
            null=null,
            p=permutation_p(float(mine.mean()), null),
            values=mine,
        )

    return KnownPairs(
        recall([0]),
        recall([1]),
        recall([0, 1]),
        tuple((held[one], held[other]) for one, other in listed.tolist()),
        _similarity(local, places_in),
        signed,
        *skipped,
    )


def _swapped(
    local: Space, pairs: Array, found: Tails, tail: float, n: int, seed: int, workers: int | None
) -> Array:
    """Return recall at the upper and at the lower tail when genes swap names ``(n, 2)``."""
    rng = np.random.default_rng(seed)
    drawn = np.empty((n, 2))
    step = max(1, AT_ONCE // len(pairs))

    def score(first: int, orders: Array) -> None:
        similarity = _similarity(local, orders[:, pairs].reshape(-1, 2))
        weights = _members(similarity, found, tail).reshape(2, len(orders), -1)
        drawn[first : first + len(orders)] = weights.mean(axis=2).T

    with ThreadPoolExecutor(max(1, workers or cores())) as pool:
        tasks = [
            pool.submit(
                score, first, np.stack([rng.permutation(local.n) for _ in range(min(step, n - first))])
            )
            for first in range(0, n, step)
        ]
        for task in tasks:
            task.result()
    return drawn


def _places(held: npt.NDArray[np.object_], compared: Space) -> dict[Any, int]:
    places: dict[Any, int] = {}
    for at, name in enumerate(held.tolist()):
        if name is None:
            raise ProfileError("", f"row {at:,} has no name", "Name every row, or leave it out")
        if name in places:
            raise ProfileError(
                "", f"{name!r} names rows {places[name]:,} and {at:,}", "Aggregate to one row a name first"
            )
        places[name] = at
    return {name: at for name, at in places.items() if compared.usable[at]}


def _listed(pairs: Iterable[tuple[Any, Any]], places: dict[Any, int]) -> tuple[Array, tuple[int, int, int]]:
    """Return rows of the known pairs ``(m, 2)``, and how many were unknown, repeated, and of a name with itself."""
    found: dict[tuple[int, int], None] = {}
    unknown = repeated = same = 0
    for pair in pairs:
        if isinstance(pair, str) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise ProfileError("", f"{pair!r} is no pair of names", "Give pairs such as ('RPL3', 'RPL4')")
        one, other = pair
        if one == other:
            same += 1
        elif one not in places or other not in places:
            unknown += 1
        else:
            ordered = (min(places[one], places[other]), max(places[one], places[other]))
            repeated += ordered in found
            found[ordered] = None
    return np.array(list(found), np.int64).reshape(-1, 2), (unknown, repeated, same)


def _only(compared: Space, rows: Array) -> Space:
    """Return some rows of a space, in the same units."""
    return Space(
        queries=compared.queries[rows],
        candidates=compared.candidates[rows],
        lengths=compared.lengths[rows],
        offsets=compared.offsets[rows],
        usable=compared.usable[rows],
        twins=np.arange(len(rows)),
        copies=np.empty(0, np.int64),
        tolerance=compared.tolerance,
        features=compared.features[rows],
        means=compared.means[rows],
        factors=compared.factors[rows],
        euclidean=compared.euclidean,
        scale=compared.scale,
    )


def _similarity(compared: Space, pairs: Array) -> Array:
    out = np.empty(len(pairs))
    similarities_of(pairs[:, 0], pairs[:, 1], compared.queries, compared.candidates, compared.offsets, out)
    return out


def _members(similarity: Array, found: Tails, tail: float) -> Array:
    """Return how much each pair is in the upper and in the lower tail ``(2, m)``."""
    weights = np.empty((2, len(similarity)))
    for which, sign in ((0, 1.0), (1, -1.0)):
        beyond = sign * (similarity - found.thresholds[which])
        at = found.weight_at(which, tail, upper=which == 0)
        weights[which] = np.where(beyond > found.reach, 1.0, np.where(beyond >= -found.reach, at, 0.0))
    return weights


def _among_genes(local: Space, found: Tails, tail: float, workers: int | None) -> Array:
    """Return the share of all pairs of some genes in the upper and in the lower tail ``(2,)``."""
    none = np.full(local.n, -1, np.int64)
    counts, _ = count_beyond(local, none, found.thresholds, found.reach, workers=workers)
    upper = counts[0, 0] + found.weight_at(0, tail, upper=True) * counts[0, 1]
    lower = counts[1, 2] + found.weight_at(1, tail, upper=False) * counts[1, 1]
    return np.array([upper, lower]) / (local.n * (local.n - 1) / 2)
