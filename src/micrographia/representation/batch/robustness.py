"""The robustness index: whether neighbours share the biology or the centre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.inputs import (
    Array,
    Floats,
    Labels,
    as_matrix,
    encode,
    finite_rows,
    say_left_out,
)
from micrographia.representation.batch.kernels import count_kinds
from micrographia.representation.batch.neighbours import Neighbours, given, search
from micrographia.representation.retrieval.similarity import Distance

KINDS = ("SS", "SO", "OS", "OO")
"""Same or other biology, then same or other centre."""

SATURATED = 0.99
"""From this on, and below 1 minus it, an index is called saturated."""

THIN = 0.05
"""If fewer neighbours than this share are SO or OS, the index rests on few of them."""


@dataclass(frozen=True, eq=False)
class RobustnessIndex:
    """What kinds of neighbours there are, and the index made of two of them.

    Attributes
    ----------
    index
        ``SO / (SO + OS)``; NaN if there are none of either, or the design allows for one of them only.
    shares
        Share of each kind among all neighbours, by ``"SS"``, ``"SO"``, ``"OS"``, ``"OO"``; they sum to 1.
    chance
        The index of neighbours drawn at random from those that a row may have.
    low, high
        The least and the largest index that any embedding of this design could have with this ``k``.
    k
        Neighbours looked at.
    counts
        Neighbours of each kind, by row ``(n, 4)``, int64. ``SO / (SO + OS)`` of each row, weighted by ``SO + OS``,
        averages to the index.
    saturation
        Why the index cannot tell embeddings apart, if it cannot; empty otherwise.
    reason
        Why rows or the index cannot be evaluated; empty otherwise.
    """

    index: float
    shares: Mapping[str, float]
    chance: float
    low: float
    high: float
    k: int
    counts: npt.NDArray[np.int64]
    saturation: str = ""
    reason: str = ""

    @property
    def values(self) -> Floats:
        """``SO / (SO + OS)`` of each row ``(n,)``; NaN where it has neither."""
        return np.divide(
            self.counts[:, 1], self.weights, out=np.full(len(self.counts), np.nan), where=self.weights > 0
        )

    @property
    def weights(self) -> Floats:
        """``SO + OS`` of each row ``(n,)``: what the rows weigh in the index."""
        return (self.counts[:, 1] + self.counts[:, 2]).astype(np.float64)


def robustness_index(
    values: npt.ArrayLike,
    biology: Labels,
    centre: Labels,
    k: int = 10,
    *,
    neighbours: Neighbours | tuple[Array, Array] | None = None,
    exclude: Sequence[Labels] | None = None,
    distance: Distance = "cosine",
    seed: int = 0,
) -> RobustnessIndex:
    """Return the robustness index over the ``k`` nearest neighbours, with all four shares.

    Neighbours are SS, SO, OS or OO: of the same or another biology, from the same or another centre. The index is
    ``SO / (SO + OS)``: 1 if biology alone makes neighbours, 0 if the centre alone does.

    Parameters
    ----------
    values
        Features ``(n, d)``. Rows with NaN or infinite features are left out.
    biology, centre
        One a row; None or NaN is missing: the row is left out.
    k
        Neighbours a row.
    neighbours
        Row numbers and distances, nearest first, to be used instead of searching.
    exclude
        Labels ``(n,)``: rows that share one, such as the slide or the patient, are not each other's neighbours.
    distance
        What the search uses.
    seed
        Of the order in which equally near rows are taken.

    Returns
    -------
    RobustnessIndex
        Always read with its shares: two embeddings of one index may differ tenfold in ``SO + OS``.

    Raises
    ------
    ProfileError
        If the shapes do not fit.
    ValueError
        If ``k`` is below 1.

    References
    ----------
    J. Kömen et al., Towards robust foundation models for digital pathology, arXiv 2507.17845 (2025); after E. D. de
    Jong, E. Marcus & J. Teuwen, Current pathology foundation models are unrobust to medical center differences,
    arXiv 2501.18055 (2025).
    """
    return robustness_curve(
        values, biology, centre, [k], neighbours=neighbours, exclude=exclude, distance=distance, seed=seed
    )[0]


def robustness_curve(
    values: npt.ArrayLike,
    biology: Labels,
    centre: Labels,
    ks: Sequence[int],
    *,
    neighbours: Neighbours | tuple[Array, Array] | None = None,
    exclude: Sequence[Labels] | None = None,
    distance: Distance = "cosine",
    seed: int = 0,
) -> list[RobustnessIndex]:
    """Return the robustness index for several numbers of neighbours from one search.

    Parameters and errors are those of :func:`robustness_index`. The index approaches its chance value as ``k``
    grows, so embeddings are compared at the same ``k``, and the order should be the same at several.
    """
    if not ks or min(ks) < 1:
        raise ValueError(f"numbers of neighbours are {list(ks)}, not from 1 on")
    matrix = as_matrix(values)
    n = len(matrix)
    kind = encode(biology, n, "biological labels")[0]
    place = encode(centre, n, "centres")[0]
    finite = finite_rows(matrix) if neighbours is None else np.ones(n, dtype=bool)
    known = (kind >= 0) & (place >= 0)
    reason = say_left_out(
        n,
        (int((~finite).sum()), "have missing or infinite features"),
        (int((~known).sum()), "have no biological label or no centre"),
    )
    kind[~(known & finite)] = -1
    place[~(known & finite)] = -1
    rows = np.flatnonzero(known & finite)
    apart = None if exclude is None else [encode(labels, n, "labels to exclude by")[0] for labels in exclude]
    if neighbours is None:
        found = search(matrix, max(ks), distance=distance, exclude=_told_apart(apart), rows=rows, seed=seed)
    else:
        found = given(neighbours, n)
    available = _available(kind, place, apart)
    results = []
    for k in ks:
        counts = np.zeros((n, 4), dtype=np.int64)
        count_kinds(found.indices, kind, place, k, counts)
        results.append(_index(counts, available, k, reason))
    return results


def _told_apart(apart: list[npt.NDArray[np.int64]] | None) -> list[Array] | None:
    """Give rows without a label one of their own: what is missing excludes nobody."""
    if apart is None:
        return None
    return [np.where(codes >= 0, codes, len(codes) + np.arange(len(codes))) for codes in apart]


def _available(kind: Array, place: Array, apart: list[npt.NDArray[np.int64]] | None) -> npt.NDArray[np.int64]:
    """Count how many rows of each kind each row could have as neighbours ``(n, 4)``."""
    n = len(kind)
    used = kind >= 0
    result = np.zeros((n, 4), dtype=np.int64)
    rows = np.flatnonzero(used)
    if apart is None:
        counts = _same([kind[rows], place[rows]])
    else:
        # Rows that share any label to exclude by: inclusion and exclusion over the sets of these labels.
        counts = _same([kind[rows], place[rows]]).astype(np.int64)
        for chosen in range(1, 2 ** len(apart)):
            keys = [codes[rows] for bit, codes in enumerate(apart) if chosen >> bit & 1]
            there = np.logical_and.reduce([key >= 0 for key in keys])
            sign = -1 if chosen.bit_count() % 2 else 1
            inner = _same([kind[rows], place[rows]], [key[there] for key in keys], there)
            counts[there] += sign * inner
    result[rows] = counts
    # The row itself is of its own kind, and no neighbour; labels to exclude by have taken it out already.
    own = np.ones(n, dtype=bool)
    if apart is not None:
        own = ~np.logical_or.reduce([codes >= 0 for codes in apart])
    result[used & own, 0] -= 1
    return result


def _same(pair: list[Array], keys: Sequence[Array] = (), there: Array | None = None) -> npt.NDArray[np.int64]:
    """Count, for each row, the rows of the same keys that are SS, SO, OS and OO to it, itself among the SS."""
    kind, place = pair if there is None else (pair[0][there], pair[1][there])
    group = np.zeros(len(kind), dtype=np.int64)
    for key in keys:
        group = np.unique(np.stack([group, key], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    both = _tally(group, kind, place)
    same_kind, same_place, everyone = _tally(group, kind), _tally(group, place), _tally(group)
    return np.stack(
        [both, same_kind - both, same_place - both, everyone - same_kind - same_place + both], axis=1
    )


def _tally(*keys: Array) -> npt.NDArray[np.int64]:
    """Return how often each row's combination of keys occurs."""
    _, numbers, counts = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True, return_counts=True)
    return counts[numbers.reshape(-1)].astype(np.int64)


def _index(counts: Array, available: Array, k: int, reason: str) -> RobustnessIndex:
    total = counts.sum(axis=0)
    everything = int(total.sum())
    informative = int(total[1] + total[2])
    index = float(total[1] / informative) if informative else float("nan")
    shares = {
        name: float(total[at] / everything) if everything else float("nan") for at, name in enumerate(KINDS)
    }
    possible = available.sum(axis=1, keepdims=True)
    at_random = np.divide(available, possible, out=np.zeros(available.shape), where=possible > 0).sum(axis=0)
    reasons = [reason] if reason else []
    saturation = ""
    low = high = chance = float("nan")
    if at_random[1] == 0 or at_random[2] == 0:
        # One label, one centre, or one of them deciding the other: the index would say nothing of the embedding.
        index = float("nan")
        lacking = [
            text for text, count in zip(("biology", "centre"), at_random[1:3], strict=True) if count == 0
        ]
        reasons.append(
            f"no two rows share only their {' or only their '.join(lacking)}, whatever the embedding"
        )
    else:
        chance = float(at_random[1] / (at_random[1] + at_random[2]))
        low, high = _limits(available, k)
        if not informative:
            reasons.append(
                f"none of the {k} neighbours of any row shares only the biology or only the centre"
            )
        saturation = _saturation(index, chance, informative, everything, high - low)
    return RobustnessIndex(index, shares, chance, low, high, k, counts, saturation, "; ".join(reasons))


def _limits(available: Array, k: int) -> tuple[float, float]:
    """Return the least and the largest index that the design allows with ``k`` neighbours."""
    wanted = np.minimum(k, available.sum(axis=1))
    ends = []
    for good, bad in ((2, 1), (1, 2)):
        # As many of the one kind as there are, and of the other only what nothing else can fill.
        most = np.minimum(wanted, available[:, good])
        rest = np.maximum(0, wanted - available[:, good] - available[:, 0] - available[:, 3])
        least = np.minimum(rest, available[:, bad])
        favoured, opposed = int(most.sum()), int(least.sum())
        ends.append(favoured / (favoured + opposed) if favoured + opposed else float("nan"))
    return 1.0 - ends[0], ends[1]


def _saturation(index: float, chance: float, informative: int, everything: int, spread: float) -> str:
    said = []
    if index >= SATURATED:
        said.append(f"the index is {index:.3f}: better embeddings cannot score higher")
    if index <= 1 - SATURATED:
        said.append(f"the index is {index:.3f}: worse embeddings cannot score lower")
    if everything and informative < THIN * everything:
        said.append(f"it rests on {informative:,} of {everything:,} neighbours; the others say nothing")
    if spread < 0.1:
        said.append("so many neighbours are looked at that the design alone nearly fixes the index")
    if chance >= SATURATED or chance <= 1 - SATURATED:
        said.append(f"random neighbours give {chance:.3f} already")
    return "; ".join(said)
