"""The tidy table and the comparisons of a result: every contender on every task after every transform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from micrographia.protocols import Protocol, Task
from micrographia.representation.evaluation.contenders import Contender, Field
from micrographia.representation.evaluation.permuting import Null, permuted
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.scored import Scored
from micrographia.representation.evaluation.shuffling import Shuffled, shuffled
from micrographia.representation.evaluation.tasks import score
from micrographia.representation.profiles import Profiles
from micrographia.statistics import Scores, Verdict, benjamini_hochberg, compare, holm, interval
from micrographia.work import Progress

MATCHED = "matched control"
"""How the metric of a matched control ends."""

Cell = tuple[str, str, str]
"""Task, transform, contender."""


@dataclass(frozen=True, eq=False)
class Board:
    """Everything that was scored.

    Attributes
    ----------
    scored
        Cell to what each seed scored.
    prepared
        Transform and contender to the features of the scored rows, a version a seed.
    problems
        What was odd about features.
    """

    scored: dict[Cell, tuple[Scored, ...]]
    prepared: dict[tuple[str, str], tuple[Profiles, ...]]
    problems: list[str]

    def one(self, task: str, transform: str, name: str) -> Scored:
        """Return what a contender scored; over several seeds the mean of each item."""
        versions = self.scored[task, transform, name]
        if len(versions) == 1:
            return versions[0]
        with np.errstate(invalid="ignore"):
            values = np.mean([one.scores.values for one in versions], axis=0)
            weights = versions[0].scores.weights
        scores = replace(versions[0].scores, values=values, weights=weights)
        controls = [one.control.values for one in versions if one.control is not None]
        control = versions[0].control
        if control is not None:
            control = replace(control, values=np.mean(controls, axis=0))
        return replace(versions[0], scores=scores, control=control)


def score_all(
    rows: Rows, field: Field, protocol: Protocol, progress: Progress, *, workers: int | None
) -> Board:
    """Score every contender on every task after every transform.

    Raises
    ------
    ProfileError
        If the profiles of a contender do not fit the rows.
    """
    scored: dict[Cell, tuple[Scored, ...]] = {}
    prepared: dict[tuple[str, str], tuple[Profiles, ...]] = {}
    problems: list[str] = []
    for transform, steps in protocol.transforms.items():
        for one in field:
            versions = []
            for version in one.versions:
                made, said = rows.prepare(version, steps)
                versions.append(made)
                problems += [text for text in said if text not in problems]
            prepared[transform, one.name] = tuple(versions)
            for task in protocol.tasks:
                scored[task.name, transform, one.name] = tuple(
                    score(made.values, task, rows, protocol, workers=workers) for made in versions
                )
                progress.advance()
    return Board(scored, prepared, problems)


Shuffles = Mapping[tuple[str, str], Shuffled]
"""Task and transform to what permuted labels or names score."""


def shuffles_of(
    board: Board, rows: Rows, field: Field, protocol: Protocol, *, workers: int | None = None
) -> Shuffles:
    """Return what all contenders score with permuted labels on each task of retrieval and of known pairs."""
    found = {}
    for task in protocol.tasks:
        for transform in protocol.transforms:
            values = {
                one.name: [held.values for held in board.prepared[transform, one.name]] for one in field
            }
            made = shuffled(values, task, rows, protocol, workers=workers)
            if made is not None:
                found[task.name, transform] = made
    return found


def null_of(
    board: Board, rows: Rows, field: Field, protocol: Protocol, shuffles: Shuffles
) -> Null | Shuffled | None:
    """Return what all contenders score on the primary task with permuted labels; None where that is not done."""
    if protocol.primary_task.kind != "nearest_neighbour":
        return shuffles.get((protocol.primary, protocol.primary_transform))
    prepared = {
        one.name: [held.values for held in board.prepared[protocol.primary_transform, one.name]]
        for one in field
    }
    return permuted(prepared, protocol.primary_task, rows, protocol)


def table(
    board: Board,
    field: Field,
    protocol: Protocol,
    null: Null | Shuffled | None,
    shuffles: Shuffles | None = None,
) -> list[dict[str, Any]]:
    """Return one row for each task, transform and contender, and one for each matched control.

    ``null_p`` is how often permuted labels score as much: of the primary task, and of every task of retrieval or known
    pairs under every transform.
    """
    found = []
    for task in protocol.tasks:
        for transform in protocol.transforms:
            for one in field:
                scored = board.one(task.name, transform, one.name)
                row = _row(task, transform, one, scored, board, protocol)
                dealt = (shuffles or {}).get(
                    (task.name, transform), null if row["role"] == "primary" else None
                )
                if dealt is not None:
                    row |= {"null_p": dealt.p(one.name), "null_n": dealt.count}
                if isinstance(dealt, Shuffled) and dealt.reason:
                    told = f"no permutation p: {dealt.reason}"
                    row["reason"] = "; ".join(text for text in (row["reason"], told) if text)
                found.append(row)
                if scored.control is not None:
                    found.append(_control_row(row, scored.control, protocol))
    return found


def _row(
    task: Task, transform: str, one: Contender, scored: Scored, board: Board, protocol: Protocol
) -> dict[str, Any]:
    spread = interval(
        scored.scores, protocol.unit, protocol.crossed, level=protocol.level, seed=protocol.seed
    )
    primary = task.name == protocol.primary and transform == protocol.primary_transform
    reasons = [scored.reason, spread.reason]
    return {
        "task": task.name,
        "task_title": task.shown,
        "metric": task.measured,
        "role": "primary" if primary else "exploratory",
        "transform": transform,
        "candidate": one.name,
        "kind": one.kind,
        "twin_of": one.twin_of,
        "seeds": len(one.versions),
        "score": scored.scores.score,
        "low": spread.low,
        "high": spread.high,
        "level": spread.level,
        "method": spread.method,
        "n_items": scored.scores.n_items,
        "n_evaluable": scored.scores.n_evaluable,
        "n_groups": spread.n_groups,
        "unit": protocol.unit,
        "chance": scored.chance,
        "chance_pipeline": scored.chance_pipeline,
        "majority": scored.majority,
        "null_p": None,
        "null_n": 0,
        "n_features": board.prepared[transform, one.name][0].d,
        "reason": "; ".join(dict.fromkeys(text for text in reasons if text)),
    }


def _control_row(row: dict[str, Any], control: Scores, protocol: Protocol) -> dict[str, Any]:
    spread = interval(control, protocol.unit, protocol.crossed, level=protocol.level, seed=protocol.seed)
    own = {
        "metric": f"{row['metric']}, {MATCHED}",
        "role": "exploratory",
        "score": control.score,
        "low": spread.low,
        "high": spread.high,
        "n_evaluable": control.n_evaluable,
        "reason": "with as many neighbours removed at random as the stricter task removes",
    }
    return {**row, **own}


def comparisons(
    board: Board, field: Field, protocol: Protocol, null: Null | Shuffled | None
) -> list[dict[str, Any]]:
    """Return every candidate against its twins and every baseline, with verdicts.

    Where labels were permuted, the p of a primary row is the larger of that of sign flips and that of the permutations:
    neighbours are mutual, so groups are not quite independent.

    Primary rows of several candidates get Holm's correction over the candidates; what explores gets that of Benjamini
    and Hochberg over everything that explores. A verdict that does not survive is ``undecided``.
    """
    found = []
    for task in protocol.tasks:
        for transform in protocol.transforms:
            for candidate in field.candidates:
                own = board.one(task.name, transform, candidate.name).scores
                for other in field.opponents(candidate):
                    versions = [one.scores for one in board.scored[task.name, transform, other.name]]
                    row = compared(task, transform, candidate, own, other, versions, protocol)
                    if null is not None and row["role"] == "primary":
                        held_against(row, null.p_of_difference(candidate.name, other.name), protocol)
                    found.append(row)
    _adjust(found, protocol)
    return found


def compared(
    task: Task,
    transform: str,
    candidate: Contender,
    own: Scores,
    other: Contender,
    versions: Sequence[Scores],
    protocol: Protocol,
) -> dict[str, Any]:
    """Compare the scores of a candidate with those of another contender, one a seed, and return the row."""
    against = versions[0] if len(versions) == 1 else versions
    done = compare(
        own,
        against,
        protocol.unit,
        protocol.crossed,
        delta=protocol.delta,
        level=protocol.level,
        seed=protocol.seed,
    )
    primary = task.name == protocol.primary and transform == protocol.primary_transform
    return {
        "task": task.name,
        "role": "primary" if primary else "exploratory",
        "transform": transform,
        "candidate": candidate.name,
        "against": other.name,
        "against_kind": other.kind,
        "difference": done.difference,
        "low": done.low,
        "high": done.high,
        "p": done.p,
        "p_adjusted": done.p,
        "p_equivalence": done.p_equivalence,
        "minimum_detectable": done.minimum_detectable,
        "delta": done.delta,
        "n_groups": done.n_groups,
        "method": done.method,
        "verdict": str(done.verdict),
        "reason": done.reason,
    }


def held_against(row: dict[str, Any], p: float, protocol: Protocol) -> None:
    """Take the larger p; a verdict that permuted labels give too often is ``undecided``."""
    if not p > row["p"]:
        return
    row["p"] = row["p_adjusted"] = p
    row["method"] = f"{row['method']}; labels permuted"
    if row["verdict"] in (Verdict.BEATS, Verdict.LOSES) and p > 1 - protocol.level + 1e-12:
        row["verdict"] = str(Verdict.UNDECIDED)
        told = f"permuted labels differ as much with p {p:.3g}"
        row["reason"] = "; ".join(text for text in (row["reason"], told) if text)


def _adjust(rows: list[dict[str, Any]], protocol: Protocol) -> None:
    families: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        key: tuple[str, ...] = ("primary", row["against"]) if row["role"] == "primary" else ("exploratory",)
        families.setdefault(key, []).append(row)
    for (kind, *_), family in families.items():
        known = [row for row in family if np.isfinite(row["p"])]
        if len(known) < 2:
            continue
        correct = holm if kind == "primary" else benjamini_hochberg
        for row, adjusted in zip(known, correct([row["p"] for row in known]), strict=True):
            row["p_adjusted"] = float(adjusted)
            decided = row["verdict"] in (Verdict.BEATS, Verdict.LOSES)
            if decided and adjusted > 1 - protocol.level + 1e-12:
                row["verdict"] = str(Verdict.UNDECIDED)
                told = f"p is {row['p']:.3g}, {adjusted:.3g} after correction for {len(known):,} comparisons"
                row["reason"] = "; ".join(text for text in (row["reason"], told) if text)
