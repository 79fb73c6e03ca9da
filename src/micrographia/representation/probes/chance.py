"""Chance through the whole pipeline: what the same hold-outs give when the features say nothing."""

from __future__ import annotations

import numpy as np

from micrographia.representation.probes.folds import Folds, Labels
from micrographia.representation.probes.items import by_name
from micrographia.representation.probes.labels import coded
from micrographia.representation.probes.predict import Goal
from micrographia.representation.probes.predictions import Part, Predictions, assemble


def predict_prior(target: Labels, folds: Folds, *, task: str = "classification") -> Predictions:
    """Predict from the training rows alone: the most frequent class, or the mean.

    Scores are the shares of the classes in training, so tied classes count at expectation. Leaving one donor out of
    4/4/4 it is always wrong; with one donor of each stage held out it is right for a third.

    Parameters
    ----------
    target
        Class or number of each row ``(n,)``.
    folds
        Hold-outs.
    task
        ``classification`` or ``regression``.

    Raises
    ------
    ProfileError
        If the target of a regression holds texts.
    """
    goal = Goal.of(target, task)
    parts = []
    nan = float("nan")
    for train, test in folds if goal.possible else ():
        train, test = train[goal.known[train]], test[goal.known[test]]
        y = goal.y[train]
        if task == "regression":
            mean = float(y.mean()) if len(y) else nan
            parts.append(Part(test, goal.y[test], np.full((len(test), 1), mean), mean, nan, nan))
            continue
        count = np.bincount(y, minlength=len(goal.classes))
        scores = np.tile(count / max(1, count.sum()), (len(test), 1))
        scores[count[goal.y[test]] == 0] = nan
        parts.append(Part(test, goal.y[test], scores, nan, nan, nan))
    titles = [folds.title(number) for number in range(len(parts))]
    return assemble(
        parts,
        task=task,
        probe="prior",
        n=folds.n,
        classes=goal.classes,
        names=titles,
        reason="; ".join(part for part in (folds.reason, goal.reason) if part),
    )


def majority_accuracy(target: Labels, folds: Folds) -> tuple[float, float]:
    """Return the accuracy and balanced accuracy of the most frequent training class, from counts alone.

    The same as scoring :func:`predict_prior`, without touching rows more than once: for the audit of large tables.

    Parameters
    ----------
    target
        Class of each row ``(n,)``.
    folds
        Hold-outs; if rows are kept apart by further keys, rows are gone through.

    Returns
    -------
    Accuracy and balanced accuracy; NaN if nothing can be tested.
    """
    if folds.apart:
        found = predict_prior(target, folds)
        return by_name("accuracy", found).score, by_name("balanced accuracy", found).score
    classes = coded(target)
    known = (classes.codes >= 0) & (folds.groups >= 0)
    if classes.n < 2 or not len(folds):
        return float("nan"), float("nan")
    place, kind = folds.groups[known], classes.codes[known]
    pairs, which = np.unique(place * classes.n + kind, return_inverse=True)
    rows = np.bincount(which).astype(np.float64)
    tested = np.bincount(which, folds.testable[known])
    group, column = pairs // classes.n, pairs % classes.n
    total = np.bincount(column, rows, minlength=classes.n)
    starts = np.searchsorted(group, np.arange(len(folds.names) + 1))
    right, times = np.zeros(len(pairs)), np.zeros(len(pairs))
    for held in folds.held_out:
        cells = np.concatenate([np.arange(starts[at], starts[at + 1]) for at in held.tolist()])
        left = total - np.bincount(column[cells], rows[cells], minlength=classes.n)
        top = left == left.max()
        cells = cells[left[column[cells]] > 0]
        right[cells] += top[column[cells]] / top.sum()
        times[cells] += 1
    kept = (times > 0) & (tested > 0)
    if not kept.any():
        return float("nan"), float("nan")
    each = right[kept] / times[kept]
    weight = tested[kept]
    by_class = np.bincount(column[kept], weight * each, minlength=classes.n)
    of_class = np.bincount(column[kept], weight, minlength=classes.n)
    recalls = by_class[of_class > 0] / of_class[of_class > 0]
    return float((weight * each).sum() / weight.sum()), float(recalls.mean())
