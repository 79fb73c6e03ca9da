"""Probes: each predicts for all strengths of its regularisation at once, strongest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from micrographia.representation.probes.labels import Array, IntArray
from micrographia.representation.probes.logistic import logistic_path

_BLOCK = 4_000_000
"""Distances held at a time."""


@dataclass(frozen=True)
class Probe:
    """A probe and the values of its one hyperparameter.

    Attributes
    ----------
    name
        linear, ridge or knn.
    hyperparameter
        What the grid varies.
    grid
        Its values, from the simplest model to the most flexible; the same for every candidate.
    """

    name: str
    hyperparameter: str
    grid: tuple[float, ...]


PROBES: Mapping[str, Probe] = {
    "linear": Probe("linear", "penalty", tuple(10.0**power for power in range(1, -6, -1))),
    "ridge": Probe("ridge", "penalty", tuple(10.0**power for power in range(2, -7, -1))),
    "knn": Probe("knn", "neighbours", (45, 25, 15, 9, 5, 3, 1)),
}

Path = Callable[[Array, Array, Array, tuple[float, ...], "Array | None"], Array]


def classify(
    probe: str,
    train: Array,
    classes: IntArray,
    test: Array,
    grid: tuple[float, ...],
    n_classes: int,
    balanced: bool,
) -> Array:
    """Return the score of each class for test rows, for each value of the hyperparameter.

    Parameters
    ----------
    probe
        One of ``PROBES``.
    train, test
        Features ``(n, d)`` and ``(m, d)``, finite, scaled to variance 1 in total.
    classes
        Class of each training row, from 0.
    grid
        Values of the hyperparameter.
    n_classes
        Number of classes; those without training rows score 0.
    balanced
        Whether each class weighs the same in training, however many rows it has.

    Returns
    -------
    Scores ``(len(grid), m, n_classes)``, float64: probabilities (linear), shares of votes (knn), or regressed
    indicators (ridge; they sum to 1 but may leave 0 to 1).
    """
    present, inverse = np.unique(classes, return_inverse=True)
    onehot = np.zeros((len(train), len(present)))
    onehot[np.arange(len(train)), inverse] = 1.0
    rows = onehot.sum(axis=0)
    weights = (len(train) / (len(present) * rows))[inverse] if balanced else None
    path = {"linear": logistic_path, "ridge": ridge_path, "knn": knn_path}[probe]
    scores = np.zeros((len(grid), len(test), n_classes))
    if len(present) == 1 or not train.shape[1]:
        prior = np.full(len(present), 1 / len(present)) if balanced else rows / rows.sum()
        scores[:, :, present] = prior
    else:
        scores[:, :, present] = path(train, onehot, test, grid, weights)
    return scores


def regress(probe: str, train: Array, target: Array, test: Array, grid: tuple[float, ...]) -> Array:
    """Return predictions ``(len(grid), m)`` of a number; see :func:`classify`.

    Raises
    ------
    ValueError
        If the probe is ``linear``, which is for classes.
    """
    if probe == "linear":
        raise ValueError("the linear probe is for classes; use ridge for numbers")
    if not train.shape[1]:
        return np.full((len(grid), len(test)), target.mean())
    path = {"ridge": ridge_path, "knn": knn_path}[probe]
    return np.asarray(path(train, target[:, None], test, grid, None)[:, :, 0])


def ridge_path(
    train: Array, target: Array, test: Array, grid: tuple[float, ...], weights: Array | None
) -> Array:
    """Ridge regression with all penalties from one decomposition.

    ``argmin |Y - 1 b' - X W|^2 / n + penalty |W|^2`` with an unpenalised intercept (Hoerl & Kennard 1970). With
    ``X'X = V E V'`` the prediction is ``b + T (E + n penalty)^-1 V'X'Y``, ``T = test V``; where there are more features
    than rows, the same with ``XX'``, which is then the smaller of the two.

    Returns
    -------
    Predictions ``(len(grid), m, t)``.
    """
    n = len(train)
    w = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    mean, level = w @ train, w @ target
    root = np.sqrt(w)[:, None]
    x, y = (train - mean) * root, (target - level) * root
    moved = test - mean
    if x.shape[1] <= n:
        values, vectors = np.linalg.eigh(x.T @ x)
        left, right = moved @ vectors, vectors.T @ (x.T @ y)
    else:
        values, vectors = np.linalg.eigh(x @ x.T)
        left, right = moved @ (x.T @ vectors), vectors.T @ y
    values = np.maximum(values, 0.0)[:, None]
    return np.stack([level + left @ (right / (values + penalty)) for penalty in grid])


def knn_path(
    train: Array, target: Array, test: Array, grid: tuple[float, ...], weights: Array | None
) -> Array:
    """Mean target of the nearest training rows by Euclidean distance, for several numbers of neighbours.

    Rows that are equally far as the last neighbour share its place, so that the order of rows does not matter. More
    neighbours than training rows means all of them.

    Returns
    -------
    Predictions ``(len(grid), m, t)``.
    """
    n = len(train)
    w = np.ones(n) if weights is None else weights
    pulled = np.column_stack([target * w[:, None], w])
    squares = (train**2).sum(axis=1)
    found = np.empty((len(grid), len(test), target.shape[1]))
    size = max(1, _BLOCK // n)
    sizes = [min(int(k), n) for k in grid]
    for start in range(0, len(test), size):
        part = test[start : start + size]
        distances = (part**2).sum(axis=1)[:, None] + squares - 2 * part @ train.T
        # Products of sums leave rounding errors of this size, also between copies of one row.
        slack = 1e-12 * ((part**2).sum(axis=1) + squares.max())
        order = np.partition(distances, sorted({k - 1 for k in sizes}), axis=1)
        for number, k in enumerate(sizes):
            last = order[:, k - 1]
            nearer = distances < (last - slack)[:, None]
            level = (distances <= (last + slack)[:, None]) & ~nearer
            share = (k - nearer.sum(axis=1)) / level.sum(axis=1)
            sums = nearer @ pulled + (level @ pulled) * share[:, None]
            found[number, start : start + size] = sums[:, :-1] / sums[:, -1:]
    return found
