"""Labels permuted where they were assigned: what nearest neighbours score, and how they differ, if nobody knows.

Neighbours are mutual, so the scores of two groups depend on each other, which sign flips of groups cannot see. Permuted
labels keep that: the whole design is scored again with each permutation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.protocols import Protocol, Task
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.sets import sets_of
from micrographia.statistics import Permutations, permutations

Array = npt.NDArray[Any]
MOST_ROWS, MOST_PERMUTATIONS = 1500, 1000
"""Up to how many rows labels are permuted, and how often at most: each permutation looks at all pairs of rows."""
TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Null:
    """What permuted labels score.

    Attributes
    ----------
    drawn
        The permutations.
    observed
        Contender to its score with the true labels.
    permuted
        Contender to its score with each permutation ``(N,)``; of several seeds the mean.
    """

    drawn: Permutations
    observed: Mapping[str, float]
    permuted: Mapping[str, Array]

    @property
    def count(self) -> int:
        """Number of permutations."""
        return len(self.drawn)

    def p(self, name: str) -> float:
        """Return the p of a score: how often permuted labels give as much."""
        return float(self.drawn.p(self.observed[name], self.permuted[name]))

    def p_of_difference(self, a: str, b: str) -> float:
        """Return the two-sided p of a difference of scores."""
        observed = abs(self.observed[a] - self.observed[b])
        null = np.abs(self.permuted[a] - self.permuted[b])
        return float(self.drawn.p(observed - TIE, null))


def permuted(
    values: Mapping[str, Sequence[Array]], task: Task, rows: Rows, protocol: Protocol
) -> Null | None:
    """Score all contenders with permuted labels; None where that is not done.

    It is done for nearest neighbours of up to :data:`MOST_ROWS` rows if the task says at which unit its label was
    assigned (``assigned_to``) and that unit has one label each.

    Parameters
    ----------
    values
        Contender to its features of the scored rows ``(m, d)``, one array a seed.
    """
    if task.kind != "nearest_neighbour" or not task.assigned_to or not protocol.permutations:
        return None
    labels, assigned = rows.column(task.label), rows.column(task.assigned_to)
    known = np.flatnonzero([a is not None and b is not None for a, b in zip(labels, assigned, strict=True)])
    if not 1 < len(known) <= MOST_ROWS:
        return None
    _, group = np.unique(assigned[known].astype(str), return_inverse=True)
    classes, codes = np.unique(labels[known].astype(str), return_inverse=True)
    own = np.full(group.max() + 1, -1)
    own[group] = codes
    if (own[group] != codes).any():
        return None
    count = min(protocol.permutations, MOST_PERMUTATIONS)
    drawn = permutations(own.tolist(), n=count, seed=protocol.seed)
    if not len(drawn):
        return None
    allowed = _allowed(rows, task, known)
    weights = {
        name: np.mean([_neighbours(one[known], allowed, task) for one in versions], axis=0)
        for name, versions in values.items()
    }
    balanced = task.metric == "balanced_accuracy"
    observed = _scores(codes, allowed, weights, len(classes), balanced=balanced)
    null: dict[str, list[float]] = {name: [] for name in weights}
    for moved in drawn:
        for name, score in _scores(
            moved.astype(np.int64)[group], allowed, weights, len(classes), balanced=balanced
        ).items():
            null[name].append(score)
    return Null(drawn, observed, {name: np.array(held) for name, held in null.items()})


def _allowed(rows: Rows, task: Task, known: Array) -> npt.NDArray[np.bool_]:
    """Return which rows may be neighbours of which ``(m, m)``."""
    held = np.eye(len(known)) == 0
    keys = sets_of(rows, task.exclude)
    for name in task.exclude:
        found = [one if isinstance(one, tuple) else (one,) for one in keys[name].iloc[known]]
        places = {key: at for at, key in enumerate(dict.fromkeys(key for one in found for key in one))}
        member = np.zeros((len(known), len(places)), dtype=np.float32)
        for at, one in enumerate(found):
            for key in one:
                member[at, places[key]] = key is not None
        lost = member.sum(axis=1) == 0
        held &= (member @ member.T) == 0
        held &= ~lost[:, None] & ~lost[None, :]
    return held


def _neighbours(values: Array, allowed: npt.NDArray[np.bool_], task: Task) -> Array:
    """Return the share that each row has in the ``k`` nearest of each other ``(m, m)``; ties share their places."""
    z = values.astype(np.float64)
    if task.distance == "correlation":
        z = z - z.mean(axis=1, keepdims=True)
    if task.distance == "euclidean":
        z = z - z.mean(axis=0)
        square = (z**2).sum(axis=1)
        near = 2 * z @ z.T - square[:, None] - square[None, :]
    else:
        length = np.linalg.norm(z, axis=1, keepdims=True)
        z = np.divide(z, length, out=np.zeros_like(z), where=length > 0)
        near = z @ z.T
    near = np.where(allowed, near, -np.inf)
    k = np.minimum(task.k, allowed.sum(axis=1))
    ranked = -np.sort(-near, axis=1)
    edge = np.take_along_axis(ranked, np.maximum(k - 1, 0)[:, None], axis=1)
    slack = TIE * np.maximum(1, np.abs(np.where(np.isfinite(edge), edge, 0)))
    surely = allowed & (near > edge + slack)
    tied = allowed & (np.abs(near - np.where(np.isfinite(edge), edge, 0)) <= slack)
    free = k - surely.sum(axis=1)
    share = np.divide(free, tied.sum(axis=1), out=np.zeros(len(k)), where=tied.any(axis=1))
    weights = surely + tied * share[:, None]
    return np.asarray(weights / np.maximum(k, 1)[:, None])


def _scores(
    codes: Array, allowed: npt.NDArray[np.bool_], weights: Mapping[str, Array], n: int, *, balanced: bool
) -> dict[str, float]:
    same = codes[:, None] == codes[None, :]
    kept = (same & allowed).any(axis=1)
    found = {}
    for name, weight in weights.items():
        correct = np.einsum("ij,ij->i", weight, same)
        if not kept.any():
            found[name] = float("nan")
        elif balanced:
            count = np.bincount(codes[kept], minlength=n)
            right = np.bincount(codes[kept], correct[kept], minlength=n)
            found[name] = float((right[count > 0] / count[count > 0]).mean())
        else:
            found[name] = float(correct[kept].mean())
    return found
