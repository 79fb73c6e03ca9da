"""Tasks of known pairs: how many pairs that belong together lie in a tail of the similarities of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.protocols import Protocol, Task
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.scored import SHARE, Scored
from micrographia.representation.retrieval.known_pairs import KnownPairs, known_pairs
from micrographia.representation.retrieval.pair_lists import PairList, connected, pair_list
from micrographia.statistics import Scores

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class NamedRows:
    """The rows of each name, and the known pairs among the names.

    Attributes
    ----------
    names
        Each once, in the order of the rows.
    members
        The rows of each name.
    listed
        The known pairs.
    """

    names: tuple[str, ...]
    members: tuple[Array, ...]
    listed: PairList

    def means(self, values: Array) -> Array:
        """Return the mean features of each name ``(names, d)``."""
        return np.stack([values[rows].mean(axis=0) for rows in self.members])

    def groups(self, values: list[Any]) -> list[Any]:
        """Return the group of each name: that of its rows, or all of theirs together."""
        held = [dict.fromkeys(values[row] for row in rows.tolist()) for rows in self.members]
        return [next(iter(one)) if len(one) == 1 else tuple(sorted(map(str, one))) for one in held]


def named_rows(task: Task, rows: Rows) -> NamedRows:
    """Return the rows of each name that a task compares, and its known pairs.

    Raises
    ------
    ProfileError
        If a column is not there, or too many names share a value.
    """
    places: dict[str, list[int]] = {}
    for at, name in enumerate(rows.column(task.label)):
        if name is not None:
            places.setdefault(str(name), []).append(at)
    shared = []
    for column in task.pairs_sameby:
        sets = rows.sets(column)
        shared.append([frozenset().union(*(sets[row] for row in held)) for held in places.values()])
    listed = pair_list(list(places), task.pairs, shared)
    return NamedRows(tuple(places), tuple(np.array(held) for held in places.values()), listed)


def found_pairs(
    values: Array, held: NamedRows, task: Task, *, permutations: int, seed: int, workers: int | None
) -> KnownPairs:
    """Return the known pairs in the tails; rows of one name are averaged first."""
    pairs = [(held.names[one], held.names[other]) for one, other in held.listed.pairs]
    return known_pairs(
        held.means(values),
        np.array(held.names, dtype=object),
        pairs,
        signed=task.metric == "signed_recall",
        tail=task.tail,
        n_permutations=permutations,
        seed=seed,
        distance=task.distance,
        workers=workers,
    )


def score_pairs(values: Array, task: Task, rows: Rows, protocol: Protocol, workers: int | None) -> Scored:
    """Score a representation on a task of known pairs.

    Items are known pairs; one counts 1 if it lies in the tail: the pairs most alike (``signed_recall``), or those or
    the most opposite (``unsigned_recall``). Pairs that share names depend on each other: the group of a pair is
    everything that hangs together with it by groups of the protocol's unit. Along what the unit is crossed with, a pair
    within one group belongs to it, and any other stands for itself.

    Chance is the recall of all pairs of the names that occur in known pairs: what they give on average when they swap
    names.
    """
    held = named_rows(task, rows)
    pairs = held.listed.pairs
    own: dict[str, list[Any]] = {}
    for name in (protocol.unit, *protocol.crossed):
        of = held.groups(list(rows.column(name)))
        if name == protocol.unit:
            own[name] = [f"pairs {number}" for number in connected(pairs, of).tolist()]
        else:
            own[name] = [of[a] if of[a] == of[b] else (held.names[a], held.names[b]) for a, b in pairs]
    labels = [f"{held.names[a]} - {held.names[b]}" for a, b in pairs]
    found = found_pairs(values, held, task, permutations=0, seed=protocol.seed, workers=workers)
    known = dict(zip(found.pairs, found.answer.values.tolist(), strict=True))
    each = np.array([known.get((held.names[a], held.names[b]), np.nan) for a, b in pairs], np.float64)
    lost = int(np.isnan(each).sum())
    reasons = [found.reason, held.listed.left_out]
    if lost and not found.reason:
        reasons.append(f"{lost:,} known pairs have a name without usable features")
    reason = "; ".join(text for text in reasons if text)
    return Scored(
        Scores(each, own, items=labels, reason=reason, bounds=SHARE),
        chance=found.answer.chance_of_genes,
        reason=reason,
    )
