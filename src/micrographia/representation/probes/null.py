"""Labels permuted where they were assigned, and the whole pipeline run again for each permutation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from micrographia import work
from micrographia.errors import ProfileError
from micrographia.representation.probes.folds import Labels
from micrographia.representation.probes.labels import Array, Coded, coded, listed, pair_counts
from micrographia.statistics import permutations

Score = Callable[[Array], float]
"""Labels of rows ``(n,)``, None where there is none, to the score of the whole pipeline, hold-outs included."""


@dataclass(frozen=True, eq=False)
class Null:
    """Scores of the whole pipeline after labels were permuted where they were assigned.

    Attributes
    ----------
    observed
        Score of the labels as they are.
    permuted
        Score of each permutation ``(N,)``.
    p
        Share of permutations that do as well; NaN with a reason.
    distinct
        How many different assignments of the labels there are.
    reason
        Why there is no p.
    """

    observed: float
    permuted: Array
    p: float
    distinct: int
    reason: str = ""

    @property
    def chance(self) -> float:
        """Mean score of permuted labels: chance through the whole pipeline; NaN if there are none."""
        known = self.permuted[np.isfinite(self.permuted)]
        return float(known.mean()) if len(known) else float("nan")


def permutation_null(
    labels: Labels,
    assigned_to: Labels,
    score: Score,
    *,
    blocks: Labels | None = None,
    n: int = 200,
    seed: int = 0,
    workers: int | None = 1,
) -> Null:
    """Permute the labels of whole groups and score each permutation by the whole pipeline.

    ``score`` makes its own hold-outs: those that hold out one group of each class depend on the labels.

    Parameters
    ----------
    labels
        Label of each row ``(n,)``, the same for all rows of a group.
    assigned_to
        Group to which the label was assigned: a donor, a compound.
    score
        The pipeline.
    blocks
        Block of each row within which labels were assigned; None if there is one.
    n
        Number of permutations; all of them if there are no more.
    seed
        Of those that are drawn.
    workers
        Threads over permutations; None for one a processor.

    Raises
    ------
    ProfileError
        If labels, or blocks, vary within a group.
    """
    groups, names = coded(assigned_to), coded(labels)
    own = _constant(groups.codes, names.codes, groups.n, groups.names, "labels")
    known = np.flatnonzero(own >= 0)
    inside = None
    if blocks is not None:
        of = coded(blocks)
        inside = _constant(groups.codes, of.codes, groups.n, groups.names, "blocks")[known].tolist()
    classes = np.empty(names.n + 1, dtype=object)
    classes[: names.n] = names.names
    drawn = permutations(own[known].tolist(), blocks=inside, n=n, seed=seed)

    def permuted(order: Array) -> float:
        moved = np.full(groups.n + 1, -1, dtype=np.int64)
        moved[known] = own[known][order]
        return score(classes[np.where(groups.codes >= 0, moved[groups.codes], -1)])

    observed = score(classes[np.where(groups.codes >= 0, names.codes, -1)])
    outcomes = work.stream(
        permuted, list(drawn.order), workers=workers, kind="threads", name=lambda _: "a permutation"
    )
    null = np.array([outcome.result() for outcome in outcomes], dtype=np.float64)
    p = float(drawn.p(observed, null))
    reason = drawn.reason or ("the score is not defined" if np.isnan(observed) else "")
    return Null(observed, null, p, drawn.distinct, reason)


def _constant(groups: Array, codes: Array, n: int, names: tuple[object, ...], what: str) -> Array:
    """Return the code of each group, -1 if it has none."""
    pairs = pair_counts(Coded(groups, ()), Coded(codes, tuple(range(int(codes.max(initial=-1)) + 1))))
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    mixed = np.flatnonzero(np.bincount(first, minlength=n) > 1)
    if len(mixed):
        shown = listed([str(names[at]) for at in mixed])
        raise ProfileError(
            "",
            f"{what} vary within groups to which they should have been assigned as a whole: {shown}",
            "Name the unit at which they were assigned",
        )
    own = np.full(n, -1, dtype=np.int64)
    own[first] = second
    return own
