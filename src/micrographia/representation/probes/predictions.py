"""Predictions: what a probe said about each tested row in each hold-out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from micrographia.representation.probes.labels import Array, IntArray

TIE = 1e-9
"""Scores of classes that differ by no more are tied."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """One line for each row that was tested, in each hold-out in which it was.

    Attributes
    ----------
    task
        classification or regression.
    probe
        linear, ridge, knn, or prior (which ignores the features).
    n
        Number of rows of the data, tested or not.
    rows
        Row of each line ``(m,)``, int64.
    holdouts
        Hold-out of each line ``(m,)``, int64.
    truth
        Class (a number into ``classes``) or value of each line ``(m,)``.
    predicted
        Likewise, what was predicted; -1 or NaN where nothing could be.
    scores
        Score of each class ``(m, c)``; for regression ``(m, 1)``, the prediction.
    reference
        Mean of the training rows of the hold-out ``(m,)`` (regression); NaN for classification.
    classes
        Names of the classes; empty for regression.
    holdout_names
        Names of the hold-outs.
    chosen
        Hyperparameter of each hold-out; NaN if the probe has none.
    inner
        Score within the training groups by which it was chosen (balanced accuracy or R2), ``(hold-outs,)``; NaN if it
        could not be tuned.
    reason
        Why rows, or all of them, could not be tested.
    notes
        What a reader must know about the features and the tuning.
    """

    task: str
    probe: str
    n: int
    rows: IntArray
    holdouts: IntArray
    truth: Array
    predicted: Array
    scores: Array
    reference: Array
    classes: tuple[Hashable, ...]
    holdout_names: tuple[str, ...]
    chosen: tuple[float, ...]
    inner: Array
    reason: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def n_holdouts(self) -> int:
        """Number of hold-outs."""
        return len(self.holdout_names)

    @property
    def usable(self) -> Array:
        """Lines for which something could be predicted, bool ``(m,)``."""
        return np.asarray(np.isfinite(self.scores).all(axis=1))

    @property
    def correct(self) -> Array:
        """Share of the right answer among the classes with the highest score ``(m,)``; NaN where unusable.

        1 or 0, and a half for two tied classes of which one is right.
        """
        top = self.scores >= self.scores.max(axis=1, keepdims=True, initial=-np.inf) - TIE
        right = top[np.arange(len(self.truth)), self.truth.astype(np.int64)] / np.maximum(1, top.sum(axis=1))
        return np.where(self.usable, right, np.nan)


@dataclass(frozen=True, eq=False)
class Part:
    """Predictions of one hold-out."""

    rows: IntArray
    truth: Array
    scores: Array
    reference: float
    chosen: float
    inner: float


def assemble(
    parts: Sequence[Part],
    *,
    task: str,
    probe: str,
    n: int,
    classes: tuple[Hashable, ...],
    names: Sequence[str],
    reason: str = "",
    notes: Sequence[str] = (),
) -> Predictions:
    """Put the parts of hold-outs together."""
    width = len(classes) if task == "classification" else 1
    scores = np.concatenate([part.scores for part in parts]) if parts else np.empty((0, width))
    unusable = ~np.isfinite(scores).all(axis=1)
    if task == "classification":
        best = np.where(np.isnan(scores), -np.inf, scores)
        predicted: Array = best.argmax(axis=1) if width else np.zeros(len(scores), dtype=np.int64)
        predicted = np.where(unusable, -1, predicted).astype(np.int64)
    else:
        predicted = scores[:, 0].copy()
    lengths = [len(part.rows) for part in parts]
    return Predictions(
        task=task,
        probe=probe,
        n=n,
        rows=np.concatenate([part.rows for part in parts]) if parts else np.empty(0, dtype=np.int64),
        holdouts=np.repeat(np.arange(len(parts)), lengths),
        truth=np.concatenate([part.truth for part in parts]) if parts else np.empty(0),
        predicted=predicted,
        scores=scores,
        reference=np.repeat([part.reference for part in parts], lengths),
        classes=classes,
        holdout_names=tuple(names),
        chosen=tuple(part.chosen for part in parts),
        inner=np.array([part.inner for part in parts], dtype=np.float64),
        reason=reason,
        notes=tuple(notes),
    )
