"""Labels and names dealt out anew: what every contender scores if they mean nothing, and how they then differ.

The same permutations serve all contenders, so that differences have a null, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.protocols import Protocol, Task
from micrographia.representation.evaluation.known_pairs import found_pairs, named_rows
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.sets import sets_of
from micrographia.representation.retrieval.keys import joined
from micrographia.representation.retrieval.null import permuted_means
from micrographia.representation.retrieval.similarity import space
from micrographia.statistics import permutation_p

Array = npt.NDArray[Any]
MOST_PERMUTATIONS = 1000
LEAST = 20
"""Distinct assignments of labels with fewer than which there is no p."""
TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Shuffled:
    """What permuted labels or names score.

    Attributes
    ----------
    observed
        Contender to its score as labels are.
    drawn
        Contender to its score with each permutation ``(N,)``; of several seeds the mean.
    exact
        Whether each assignment is there once.
    reason
        Why there are no permutations.
    """

    observed: Mapping[str, float] = field(default_factory=dict)
    drawn: Mapping[str, Array] = field(default_factory=dict)
    exact: bool = False
    reason: str = ""

    @property
    def count(self) -> int:
        """Number of permutations."""
        return max((len(one) for one in self.drawn.values()), default=0)

    def p(self, name: str) -> float:
        """Return the p of a score; NaN where there is none."""
        if name not in self.drawn:
            return float("nan")
        return float(permutation_p(self.observed[name], self.drawn[name], exact=self.exact))

    def p_of_difference(self, a: str, b: str) -> float:
        """Return the two-sided p of a difference of scores; NaN where there is none."""
        if a not in self.drawn or b not in self.drawn or len(self.drawn[a]) != len(self.drawn[b]):
            return float("nan")
        observed = abs(self.observed[a] - self.observed[b])
        null = np.abs(self.drawn[a] - self.drawn[b])
        return float(permutation_p(observed - TIE, null, exact=self.exact))


def shuffled(
    values: Mapping[str, Sequence[Array]],
    task: Task,
    rows: Rows,
    protocol: Protocol,
    *,
    workers: int | None = None,
) -> Shuffled | None:
    """Score all contenders with labels (retrieval) or names (known pairs) dealt out anew; None for other tasks.

    Labels are dealt out to whole units: those of ``assigned_to``, else those of the protocol's unit. Names are swapped
    among those that occur in known pairs.

    Parameters
    ----------
    values
        Contender to its features of the scored rows ``(m, d)``, one array a seed.
    """
    if task.kind not in ("retrieval", "known_pairs") or not protocol.permutations:
        return None
    count = min(protocol.permutations, MOST_PERMUTATIONS)
    draw = _retrieval if task.kind == "retrieval" else _known_pairs
    try:
        made = {
            name: draw(versions, task, rows, protocol, count, workers) for name, versions in values.items()
        }
    except ProfileError as error:
        return Shuffled(reason=error.problem)
    reasons = {one.reason for one in made.values() if one.reason}
    if reasons:
        return Shuffled(reason=min(reasons))
    return Shuffled(
        {name: one.observed for name, one in made.items()},
        {name: one.drawn for name, one in made.items()},
        all(one.exact for one in made.values()),
    )


@dataclass(frozen=True, eq=False)
class _One:
    observed: float
    drawn: Array
    exact: bool = False
    reason: str = ""


def _retrieval(
    versions: Sequence[Array], task: Task, rows: Rows, protocol: Protocol, count: int, workers: int | None
) -> _One:
    same = task.pos_sameby or [task.label]
    differ = task.neg_diffby or [task.label]
    assigned = task.assigned_to or protocol.unit
    if task.label not in same:
        return _One(np.nan, np.empty(0), reason=f"{task.label} does not say what is positive")
    labels, units = rows.column(task.label), rows.column(assigned)
    pairs = zip(units, labels, strict=True)
    known = {(unit, label) for unit, label in pairs if unit is not None and label is not None}
    if len({unit for unit, _ in known}) == len({label for _, label in known}) == len(known):
        # Any order of them makes the same pairs.
        return _One(
            np.nan, np.empty(0), reason=f"each {assigned} has a {task.label} of its own: nothing to permute"
        )
    meta = sets_of(rows, [*same, *task.pos_diffby, *task.neg_sameby, *differ, assigned])
    observed, drawn, exact = [], [], False
    for one in versions:
        found = permuted_means(
            space(one, task.distance),
            meta,
            pos_sameby=same,
            pos_diffby=task.pos_diffby,
            neg_sameby=task.neg_sameby,
            neg_diffby=differ,
            group_by=(),
            group_codes=joined(meta, []),
            permute=task.label,
            assigned_to=[assigned],
            within=(),
            n=count,
            least=LEAST,
            seed=protocol.seed,
            workers=workers,
        )
        if found.reason:
            return _One(np.nan, np.empty(0), reason=found.reason)
        observed.append(float(found.observed[0]))
        drawn.append(found.drawn[:, 0])
        exact = found.exact
    return _One(float(np.mean(observed)), np.mean(drawn, axis=0), exact)


def _known_pairs(
    versions: Sequence[Array], task: Task, rows: Rows, protocol: Protocol, count: int, workers: int | None
) -> _One:
    held = named_rows(task, rows)
    found = [
        found_pairs(one, held, task, permutations=count, seed=protocol.seed, workers=workers)
        for one in versions
    ]
    reason = next((one.reason for one in found if one.reason), "")
    if reason:
        return _One(np.nan, np.empty(0), reason=reason)
    drawn = np.mean([one.answer.null for one in found], axis=0)
    return _One(float(np.mean([one.recall for one in found])), drawn)
