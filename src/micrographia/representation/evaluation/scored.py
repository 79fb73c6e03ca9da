"""What a representation scored on a task, and the groups of what was scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from micrographia.protocols import Protocol
from micrographia.representation.evaluation.rows import Rows
from micrographia.statistics import Scores

SHARE = (0.0, 1.0)
"""What the items of an accuracy, a precision or a share can be."""


@dataclass(frozen=True, eq=False)
class Scored:
    """What a representation scored on a task.

    Attributes
    ----------
    scores
        Of the items, with their groups.
    chance
        Exact chance, the mean over the items; NaN if it has none.
    chance_pipeline
        What the most frequent training label scores through the same pipeline; NaN if nothing is trained.
    majority
        What always naming the most frequent label scores; NaN if it means nothing.
    control
        For nearest neighbours with a stricter task: the score with as many neighbours removed at random.
    reason
        What a reader must know about it.
    """

    scores: Scores
    chance: float = float("nan")
    chance_pipeline: float = float("nan")
    majority: float = float("nan")
    control: Scores | None = None
    reason: str = ""


def factors(rows: Rows, protocol: Protocol) -> dict[str, list[Any]]:
    """Return the groups of the scored rows: of the unit of generalisation and of what it is crossed with."""
    return {name: list(rows.column(name)) for name in (protocol.unit, *protocol.crossed)}


def counted(reasons: Sequence[str]) -> str:
    """Return how many items cannot be evaluated for which reason."""
    count = Counter(reason for reason in reasons if reason)
    return "; ".join(f"{number:,} {reason}" for reason, number in count.most_common())
