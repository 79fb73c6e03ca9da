"""One task on one representation: scores of items, with chance and majority beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.protocols import Protocol, Task
from micrographia.representation.evaluation.known_pairs import score_pairs
from micrographia.representation.evaluation.rows import Rows
from micrographia.representation.evaluation.scored import SHARE, Scored, counted, factors
from micrographia.representation.evaluation.sets import sets_of
from micrographia.representation.probes.chance import predict_prior
from micrographia.representation.probes.features import Features
from micrographia.representation.probes.folds import Folds, group_folds, leave_group_out
from micrographia.representation.probes.holdouts import one_per_class_holdouts
from micrographia.representation.probes.items import Items, accuracy_items, auc_items, r2_items
from micrographia.representation.probes.predict import predict
from micrographia.representation.retrieval.average_precision import average_precision
from micrographia.representation.retrieval.control import matched_control
from micrographia.representation.retrieval.neighbours import nearest_neighbour
from micrographia.representation.retrieval.recall import recall_at_k
from micrographia.representation.retrieval.reproducibility import replicate_reproducibility
from micrographia.statistics import Scores

Array = npt.NDArray[Any]


def score(
    values: Array | Features, task: Task, rows: Rows, protocol: Protocol, *, workers: int | None = None
) -> Scored:
    """Score a representation on a task.

    Parameters
    ----------
    values
        Features of the scored rows ``(m, d)``; for predictions also what is fitted on training rows.
    task, protocol
        What is asked.
    rows
        The scored rows.
    workers
        Threads; the result does not depend on it.

    Raises
    ------
    ProfileError
        If a column that the task names is not there.
    """
    return _KINDS[task.kind](values, task, rows, protocol, workers)


def _neighbours(values: Array, task: Task, rows: Rows, protocol: Protocol, workers: int | None) -> Scored:
    labels = rows.column(task.label)
    keys = sets_of(rows, task.exclude)
    found = nearest_neighbour(
        values,
        labels,
        exclude=[keys[name] for name in task.exclude],
        k=task.k,
        distance=task.distance,
        workers=workers,
    )
    own = factors(rows, protocol)
    control = None
    if task.control_for:
        stricter = next(one for one in protocol.tasks if one.name == task.control_for)
        more = sets_of(rows, stricter.exclude)
        matched = matched_control(
            values,
            labels,
            [keys[name] for name in task.exclude],
            [more[name] for name in stricter.exclude],
            distance=task.distance,
            workers=workers,
        )
        control = Scores(matched.correct, own, bounds=SHARE)
    weights = _class_weights(labels, found.correct) if task.metric == "balanced_accuracy" else None
    reason = counted(found.reason)
    kept = np.isfinite(found.correct)
    chance = float("nan")
    if kept.any():
        chance = float(np.average(found.chance[kept], weights=None if weights is None else weights[kept]))
    return Scored(
        Scores(found.correct, own, weights, reason=reason, bounds=SHARE),
        chance=chance,
        majority=found.majority if weights is None else float("nan"),
        control=control,
        reason=reason,
    )


def _class_weights(labels: npt.NDArray[np.object_], correct: Array) -> Array:
    kept = np.isfinite(correct)
    count = pd.Series(labels[kept]).value_counts()
    return np.array([1 / count[label] if label in count.index else 0.0 for label in labels])


def _retrieval(values: Array, task: Task, rows: Rows, protocol: Protocol, workers: int | None) -> Scored:
    same = task.pos_sameby or [task.label]
    differ = task.neg_diffby or [task.label]
    meta = sets_of(rows, [*same, *task.pos_diffby, *task.neg_sameby, *differ])
    found = average_precision(
        values,
        meta,
        pos_sameby=same,
        pos_diffby=task.pos_diffby,
        neg_sameby=task.neg_sameby,
        neg_diffby=differ,
        distance=task.distance,
        workers=workers,
    )
    kept = found["average_precision"].notna()
    reason = counted(list(found["reason"]))
    values_of = found["average_precision"].to_numpy(dtype=np.float64)
    return Scored(
        Scores(values_of, factors(rows, protocol), reason=reason, bounds=SHARE),
        chance=float(found.loc[kept, "chance"].mean()),
        reason=reason,
    )


def _recall(values: Array, task: Task, rows: Rows, protocol: Protocol, workers: int | None) -> Scored:
    same = task.pos_sameby or [task.label]
    differ = task.neg_diffby or [task.label]
    meta = sets_of(rows, [*same, *task.pos_diffby, *task.neg_sameby, *differ])
    found = recall_at_k(
        values,
        meta,
        k=task.k,
        pos_sameby=same,
        pos_diffby=task.pos_diffby,
        neg_sameby=task.neg_sameby,
        neg_diffby=differ,
        distance=task.distance,
        workers=workers,
    )
    each = found[task.metric].to_numpy(dtype=np.float64)
    chance = found["chance" if task.metric == "recall" else "chance_hit"].to_numpy(dtype=np.float64)
    kept = np.isfinite(each)
    reason = counted(list(found["reason"]))
    return Scored(
        Scores(each, factors(rows, protocol), reason=reason, bounds=SHARE),
        chance=float(chance[kept].mean()) if kept.any() else float("nan"),
        reason=reason,
    )


def _reproducibility(
    values: Array, task: Task, rows: Rows, protocol: Protocol, workers: int | None
) -> Scored:
    labels = rows.column(task.label)
    found = replicate_reproducibility(values, labels, missing=task.missing, workers=workers)
    shown = np.array(["missing" if label is None else str(label) for label in labels], dtype=object)
    members = {name: np.flatnonzero(shown == name) for name in found.groups["label"]}
    # Items are labels: one that lies within one group of the unit belongs to it, any other stands for itself.
    own: dict[str, list[Any]] = {}
    for name, column in factors(rows, protocol).items():
        held = {label: {column[row] for row in places} for label, places in members.items()}
        own[name] = [next(iter(values)) if len(values) == 1 else label for label, values in held.items()]
    scores = Scores(
        found.groups["share"].to_numpy(dtype=np.float64),
        own,
        found.groups["n_pairs"].to_numpy(dtype=np.float64),
        [str(label) for label in found.groups["label"]],
        found.reason,
        bounds=SHARE,
    )
    return Scored(scores, chance=found.chance, reason=found.reason)


def _prediction(
    values: Array | Features, task: Task, rows: Rows, protocol: Protocol, workers: int | None
) -> Scored:
    target, unit = rows.column(task.label), rows.column(protocol.unit)
    how: Literal["regression", "classification"] = (
        "regression" if task.kind == "regression" else "classification"
    )
    folds = folds_of(task, rows, protocol)
    found = predict(
        values,
        target,
        folds,
        unit,
        probe=task.probe,
        task=how,
        meta=rows.meta,
        balanced=task.metric == "balanced_accuracy",
        seed=protocol.seed,
        workers=workers,
    )
    prior = predict_prior(target, folds, task=how)
    items, through = _items(task, found), _items(task, prior)
    own = factors(rows, protocol)
    scores = items.scores(own)
    if task.metric != "r2":
        scores = replace(scores, bounds=SHARE)
    classes = len({label for label in target if label is not None})
    return Scored(
        scores,
        chance=_chance(task, classes),
        chance_pipeline=through.score,
        majority=through.score if task.metric == "accuracy" else float("nan"),
        reason=items.reason,
    )


def folds_of(task: Task, rows: Rows, protocol: Protocol) -> Folds:
    """Return the hold-outs of a prediction: whole groups of the protocol's unit."""
    unit, target = rows.column(protocol.unit), rows.column(task.label)
    labels = target if task.kind == "classification" else None
    if task.folds.kind == "balanced":
        return one_per_class_holdouts(unit, target, most=task.folds.limit, seed=protocol.seed)
    if task.folds.kind == "group_k_fold":
        return group_folds(unit, task.folds.k, labels=labels, seed=protocol.seed)
    return leave_group_out(unit, labels=labels)


def _items(task: Task, found: Any) -> Items:
    if task.metric == "r2":
        return r2_items(found)
    if task.metric == "auc":
        return auc_items(found, by="row")
    return accuracy_items(found, balanced=task.metric == "balanced_accuracy")


def _chance(task: Task, classes: int) -> float:
    if task.metric == "auc":
        return 0.5
    if task.metric == "balanced_accuracy" and classes:
        return 1 / classes
    return 0.0 if task.metric == "r2" else float("nan")


_KINDS: dict[str, Callable[[Any, Task, Rows, Protocol, int | None], Scored]] = {
    "nearest_neighbour": _neighbours,
    "retrieval": _retrieval,
    "recall": _recall,
    "known_pairs": score_pairs,
    "reproducibility": _reproducibility,
    "classification": _prediction,
    "regression": _prediction,
}
