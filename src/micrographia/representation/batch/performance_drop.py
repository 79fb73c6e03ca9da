"""The average performance drop: what a classifier loses as biology and centre get correlated in its training rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.representation.batch.correlated import CorrelatedSplit, correlated_splits
from micrographia.representation.batch.inputs import Array, Floats, Labels, as_matrix, encode, finite_rows
from micrographia.representation.batch.ridge import ridge_classifier
from micrographia.representation.probes.blas import one_blas_thread

Classifier = Callable[[Array, Array, Array], Array]
"""Features ``(n, d)`` and classes ``(n,)`` of training rows, features ``(m, d)`` of test rows -> classes ``(m,)``."""


@dataclass(frozen=True, eq=False)
class PerformanceDrop:
    """How accuracy falls as biology and centre get correlated.

    Attributes
    ----------
    drop
        Mean over steps ``s >= 1`` and repeats ``r`` of ``accuracies[s, r] / accuracies[0, r] - 1``; negative if
        accuracy falls, 0 if it does not.
    by_step
        The mean over repeats of each step ``(steps,)``; the first is 0.
    by_repeat
        The mean over steps ``s >= 1`` of each repeat ``(repeats,)``; they average to ``drop``. Repeats share rows:
        their spread is that of drawing, not of new patients.
    n_repeats
        Repeats that could be used.
    reason
        Why repeats or the drop cannot be evaluated; empty otherwise.
    """

    drop: float
    by_step: Floats
    by_repeat: Floats
    n_repeats: int
    reason: str = ""


def average_performance_drop(accuracies: npt.ArrayLike) -> PerformanceDrop:
    """Return the average performance drop of accuracies by step and repeat.

    Each repeat is held against its own first step, so it is the mean of ratios, not the ratio of means.

    Parameters
    ----------
    accuracies
        ``(steps, repeats)``; in the first step biology and centre are not correlated.

    Returns
    -------
    PerformanceDrop
        NaN with a reason where there is one step only; a repeat that holds NaN, or starts at accuracy 0, is left out.

    Raises
    ------
    ValueError
        If the array is not two-dimensional, or an accuracy is not within 0 and 1.

    References
    ----------
    J. Kömen et al., Towards robust foundation models for digital pathology, arXiv 2507.17845 (2025).
    """
    table = np.asarray(accuracies, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"accuracies have shape {table.shape}, not (steps, repeats)")
    if ((table < 0) | (table > 1)).any():
        raise ValueError("accuracies are not within 0 and 1")
    steps, repeats = table.shape
    used = np.isfinite(table).all(axis=0) & (table[:1] > 0).all(axis=0)
    by_step, by_repeat = np.full(steps, np.nan), np.full(repeats, np.nan)
    if steps < 2 or not used.any():
        text = (
            "there is one step only"
            if steps < 2
            else "no repeat has accuracies at all steps and starts above 0"
        )
        return PerformanceDrop(float("nan"), by_step, by_repeat, 0, text)
    changes = table[:, used] / table[0, used] - 1.0
    by_step[:] = changes.mean(axis=1)
    by_repeat[used] = changes[1:].mean(axis=0)
    left_out = repeats - int(used.sum())
    reason = f"{left_out} of {repeats} repeats lack accuracies or start at 0" if left_out else ""
    return PerformanceDrop(float(changes[1:].mean()), by_step, by_repeat, int(used.sum()), reason)


@dataclass(frozen=True, eq=False)
class CorrelatedAccuracies:
    """Accuracies of one embedding as biology and centre get correlated in the training rows.

    Attributes
    ----------
    inside
        Balanced accuracy on held-out groups of the training centres ``(steps, repeats)``.
    outside
        The same on the other centres; NaN if there are none.
    strength
        Cramér's V between biology and centre among the training rows, mean of the repeats ``(steps,)``.
    n_train
        Training rows of each step and repeat, always the same number of each class.
    chance
        One over the number of classes.
    """

    inside: Floats
    outside: Floats
    strength: Floats
    n_train: int
    chance: float

    @property
    def drop_inside(self) -> PerformanceDrop:
        """The average performance drop on the training centres."""
        return average_performance_drop(self.inside)

    @property
    def drop_outside(self) -> PerformanceDrop:
        """The average performance drop on the other centres."""
        return average_performance_drop(self.outside)


def correlated_accuracies(
    values: npt.ArrayLike,
    biology: Labels,
    centre: Labels,
    groups: Labels | None = None,
    *,
    outside: Iterable[object] = (),
    steps: int = 8,
    repeats: int = 20,
    test_share: float = 0.3,
    classifier: Classifier = ridge_classifier,
    seed: int = 0,
) -> CorrelatedAccuracies:
    """Train classifiers of biology on rows in which biology and centre are more and more correlated.

    Parameters
    ----------
    values
        Features ``(n, d)``; rows with NaN or infinite features are left out.
    biology, centre
        One a row; rows without either are left out.
    groups
        What must not be both in training and in test rows, such as the patient or the slide. None: each row is its
        own, and the accuracies are optimistic.
    outside
        Centres that are never trained on.
    steps, repeats, test_share, seed
        As for :func:`~micrographia.representation.batch.correlated.correlated_splits`.
    classifier
        Trained and asked once a step and repeat; by default a linear one with standardised features.

    Returns
    -------
    CorrelatedAccuracies
        Accuracies are the mean of the recalls of the classes that occur in the test rows.

    Raises
    ------
    ProfileError
        If the shapes do not fit, or the design has no rows of a class in a centre, so that nothing can be concluded.
    """
    matrix = as_matrix(values)
    n = len(matrix)
    finite = finite_rows(matrix)
    kind = encode(biology, n, "biological labels")[0]
    kind[~finite] = -1
    splits = correlated_splits(
        [None if code < 0 else int(code) for code in kind],
        centre,
        groups,
        outside=outside,
        steps=steps,
        repeats=repeats,
        test_share=test_share,
        seed=seed,
    )
    accuracies = np.full((2, steps, repeats), np.nan)
    strength = np.zeros(steps)
    n_train = 0
    for split in splits:
        with one_blas_thread():
            accuracies[:, split.step, split.repeat] = _accuracies(matrix, kind, split, classifier)
        strength[split.step] += split.strength / repeats
        n_train = len(split.train)
    classes = len(np.unique(kind[kind >= 0]))
    return CorrelatedAccuracies(accuracies[0], accuracies[1], strength, n_train, 1.0 / classes)


def _accuracies(
    matrix: Array, kind: Array, split: CorrelatedSplit, classifier: Classifier
) -> tuple[float, float]:
    test = np.concatenate([split.inside, split.outside])
    said = np.asarray(classifier(matrix[split.train], kind[split.train], matrix[test]))
    right = said == kind[test]
    cut = len(split.inside)
    return _balanced(right[:cut], kind[split.inside]), _balanced(right[cut:], kind[split.outside])


def _balanced(right: Array, kind: Array) -> float:
    """Return the mean of the recalls of the classes; NaN without rows."""
    if not len(kind):
        return float("nan")
    return float(np.mean([right[kind == one].mean() for one in np.unique(kind)]))
