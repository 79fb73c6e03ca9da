"""Predict rows of held-out groups; hyperparameters are chosen inside the training groups of each hold-out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from micrographia import work
from micrographia.errors import ProfileError
from micrographia.representation.probes.blas import one_blas_thread
from micrographia.representation.probes.features import Features, Preprocess, as_features
from micrographia.representation.probes.folds import Folds, Labels, group_folds, groups_per_class, joined
from micrographia.representation.probes.labels import Array, IntArray, as_labels, coded
from micrographia.representation.probes.models import PROBES, Probe, classify, regress
from micrographia.representation.probes.predictions import Part, Predictions, assemble

Task = Literal["classification", "regression"]
ProbeName = Literal["linear", "ridge", "knn"]


def predict(
    values: Array | Features | Sequence[Array],
    target: Labels,
    folds: Folds,
    groups: Labels | None = None,
    *,
    probe: ProbeName = "linear",
    task: Task = "classification",
    preprocess: Preprocess | None = None,
    meta: pd.DataFrame | None = None,
    balanced: bool = False,
    tuning: int = 5,
    seed: int = 0,
    workers: int | None = 1,
) -> Predictions:
    """Fit a probe on the training rows of each hold-out and predict its test rows.

    Everything that learns does so on training rows: preprocessing, scale, the probe, and its one hyperparameter,
    which is chosen over a fixed grid by ``tuning`` parts of the training groups, with preprocessing fitted anew in
    each. The grid and the parts depend on groups, labels and seed, never on the features: every candidate gets the
    same. Of equally good values the simplest model is taken.

    Parameters
    ----------
    values
        Features ``(n, d)``; or several such arrays side by side, each with variance 1 in total; or any ``Features``.
    target
        Class or number of each row ``(n,)``; rows without one neither train nor test.
    folds
        Hold-outs.
    groups
        Groups within which tuning never splits ``(n,)``; those of the hold-outs if None.
    probe
        ``linear`` (multinomial logistic regression), ``ridge`` or ``knn``.
    task
        ``classification`` or ``regression``; the linear probe is for classes.
    preprocess
        Step, or chain of steps, with ``fit(values, meta)``.
    meta
        Metadata of the rows, for the steps.
    balanced
        Whether every class weighs the same in training.
    tuning
        Number of parts of the training groups; fewer where a class has fewer groups.
    seed
        Of the parts.
    workers
        Threads over hold-outs; None for one a processor. The result does not depend on it.

    Raises
    ------
    ProfileError
        If the numbers of rows differ, the target of a regression holds texts, or the preprocessing fails.
    ValueError
        If the probe is unknown or does not fit the task.
    """
    if probe not in PROBES or task not in ("classification", "regression"):
        raise ValueError(f"no probe {probe!r} for {task!r}; probes are {', '.join(PROBES)}")
    if probe == "linear" and task == "regression":
        raise ValueError("the linear probe is for classes; use ridge for numbers")
    features = as_features(values, preprocess, meta)
    for name, count in (("targets", len(target)), ("rows in the hold-outs", folds.n)):
        if count != features.n:
            raise ProfileError("", f"{features.n:,} rows of features and {count:,} {name}", "Give one a row")
    goal = Goal.of(target, task)
    inner = folds.groups if groups is None else coded(groups).codes
    fitter = _Fitter(features, goal, folds, inner, PROBES[probe], balanced, tuning, seed)
    reason = joined(folds.reason, goal.reason)
    parts: list[Part] = []
    if goal.possible and len(folds):
        names = [f"hold-out {folds.title(number)}" for number in range(len(folds))]
        tasks = range(len(folds))
        with one_blas_thread():
            outcomes = work.stream(
                fitter.part, tasks, workers=workers, kind="threads", name=lambda number: names[number]
            )
            parts = [outcome.result() for outcome in outcomes]
    notes = list(features.notes)
    untuned = sum(bool(np.isnan(part.inner)) for part in parts)
    if untuned:
        notes.append(
            f"not tuned in {untuned} of {len(parts)} hold-outs, whose training groups are too few to split"
        )
    empty = sum(not len(part.rows) for part in parts)
    if empty:
        reason = joined(reason, f"{empty} of {len(parts)} hold-outs have nothing to test or to train on")
    titles = [folds.title(number) for number in range(len(parts))]
    return assemble(
        parts,
        task=task,
        probe=probe,
        n=features.n,
        classes=goal.classes,
        names=titles,
        reason=reason,
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class Goal:
    """What is to be predicted: classes as numbers, or numbers; and which rows have one."""

    task: str
    y: Array
    known: Array
    classes: tuple[Any, ...]
    reason: str

    @property
    def possible(self) -> bool:
        """Whether there is anything to tell apart."""
        return len(self.classes) > 1 if self.task == "classification" else bool(self.known.sum() > 1)

    @classmethod
    def of(cls, target: Labels, task: str) -> Goal:
        """Read the target.

        Raises
        ------
        ProfileError
            If the target of a regression is not numeric.
        """
        if task == "classification":
            found = coded(target)
            reason = joined(
                f"{found.missing:,} rows have no label" if found.missing else "",
                f"all rows have one label ({found.names[0]}): there is nothing to tell apart"
                if found.n == 1
                else "",
                "" if found.n else "no row has a label",
            )
            return cls(task, found.codes, found.codes >= 0, found.names, reason)
        values = numbers(target)
        known = np.isfinite(values)
        lost = int((~known).sum())
        return cls(task, values, known, (), f"{lost:,} rows have no finite target" if lost else "")

    def rows(self, features: Array, rows: IntArray) -> IntArray:
        """Return which of the rows have a target and features."""
        return np.flatnonzero(self.known[rows] & np.isfinite(features).all(axis=1))


def numbers(target: Labels) -> Array:
    """Return a column of numbers ``(n,)``, float64, NaN where one is missing.

    Raises
    ------
    ProfileError
        If it holds anything else.
    """
    series = pd.Series(list(target) if not isinstance(target, np.ndarray | pd.Series) else target)
    values = pd.to_numeric(series, errors="coerce").astype(np.float64).to_numpy()
    wrong = np.flatnonzero(np.isnan(values) & series.notna().to_numpy())
    if len(wrong):
        raise ProfileError(
            "", f"{series.iloc[wrong[0]]!r} is no number (row {wrong[0]})", "Choose classification for labels"
        )
    return np.where(np.isfinite(values), values, np.nan)


@dataclass(frozen=True, eq=False)
class _Fitter:
    features: Features
    goal: Goal
    folds: Folds
    groups: IntArray
    probe: Probe
    balanced: bool
    tuning: int
    seed: int

    def part(self, number: int) -> Part:
        train, test = self.folds.pair(number)
        train, test = train[self.goal.known[train]], test[self.goal.known[test]]
        if not self._fits(train) or not len(test):
            return Part(
                test[:0], self.goal.y[test[:0]], self._nothing(0), float("nan"), float("nan"), float("nan")
            )
        place, inner = self._tuned(train)
        grid = (self.probe.grid[place],)
        scores, reference = self._scores(train, test, grid)
        return Part(test, self.goal.y[test], scores[0], reference, grid[0], inner)

    def _fits(self, train: IntArray) -> bool:
        y = self.goal.y[train]
        return len(train) > 1 and (self.goal.task == "regression" or len(np.unique(y)) > 1)

    def _nothing(self, rows: int) -> Array:
        return np.full((rows, max(1, len(self.goal.classes))), np.nan)

    def _scores(self, train: IntArray, test: IntArray, grid: tuple[float, ...]) -> tuple[Array, float]:
        """Return scores ``(len(grid), m, c)`` of test rows, NaN where there can be none, and the training mean."""
        goal = self.goal
        transform = self.features.fit(train)
        x, moved = transform(train), transform(test)
        kept, asked = goal.rows(x, train), goal.rows(moved, test)
        scores = np.stack([self._nothing(len(test))] * len(grid))
        y = goal.y[train[kept]]
        mean = float(y.mean()) if goal.task == "regression" and len(y) else float("nan")
        if len(kept) < 2 or not len(asked):
            return scores, mean
        if goal.task == "regression":
            scores[:, asked, 0] = regress(self.probe.name, x[kept], y, moved[asked], grid)
            return scores, mean
        # A class that no training row has cannot be predicted: that is no error of the features.
        asked = asked[np.isin(goal.y[test[asked]], y)]
        if len(asked):
            scores[:, asked] = classify(
                self.probe.name, x[kept], y, moved[asked], grid, len(goal.classes), self.balanced
            )
        return scores, mean

    def _tuned(self, train: IntArray) -> tuple[int, float]:
        """Return the place in the grid that is best within the training groups, and its score there."""
        grid = self.probe.grid
        folds = self._inner(train)
        right = np.zeros((len(grid), max(1, len(self.goal.classes))))
        total = np.zeros(right.shape[1])
        for inside, asked in folds:
            rows, test = train[inside], train[asked]
            if not self._fits(rows) or not len(test):
                continue
            scores, mean = self._scores(rows, test, grid)
            usable = np.isfinite(scores[0]).all(axis=1)
            y = self.goal.y[test[usable]]
            if self.goal.task == "regression":
                right[:, 0] += ((scores[:, usable, 0] - y) ** 2).sum(axis=1)
                total[0] += ((y - mean) ** 2).sum()
            else:
                top = scores[:, usable] >= scores[:, usable].max(axis=2, keepdims=True) - 1e-9
                share = np.take_along_axis(top, y[None, :, None], axis=2)[:, :, 0] / top.sum(axis=2)
                for place in range(len(grid)):
                    right[place] += np.bincount(y, share[place], minlength=right.shape[1])
                total += np.bincount(y, minlength=right.shape[1])
        if not total.any():
            return len(grid) // 2, float("nan")
        if self.goal.task == "regression":
            reached = 1 - right[:, 0] / total[0]
        else:
            reached = (right[:, total > 0] / total[total > 0]).mean(axis=1)
        place = int(np.flatnonzero(reached >= reached.max() - 1e-12)[0])
        return place, float(reached[place])

    def _inner(self, train: IntArray) -> Folds:
        """Return the parts of the training groups: as many as every class with two groups can fill, two at least."""
        groups = as_labels(self.groups[train])
        labels = None
        k = self.tuning
        if self.goal.task == "classification":
            labels = as_labels(self.goal.y[train])
            each = groups_per_class(coded(groups), coded(labels))
            k = min(k, int(each[each > 1].min(initial=k)))
        folds = group_folds(groups, max(2, k), labels=labels, seed=self.seed)
        return folds.keep_apart(*(as_labels(key[train]) for key in self.folds.apart))
