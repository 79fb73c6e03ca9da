"""Multinomial logistic regression with an L2 penalty, along a path of penalties."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from micrographia.representation.probes.labels import Array

_ITERATIONS = 500
_GRADIENT = 1e-5
"""Greatest component of the gradient of the mean loss at which the search ends."""


def logistic_path(
    train: Array, target: Array, test: Array, grid: tuple[float, ...], weights: Array | None
) -> Array:
    """Return probabilities of classes for test rows, for each penalty.

    ``argmin -mean log p + penalty / 2 |W|^2`` with an unpenalised intercept, by L-BFGS (Liu & Nocedal 1989), each
    penalty starting from the solution of the one before. With more features than rows the search runs in the space of
    the rows, where the solution lies.

    Parameters
    ----------
    train, test
        Features ``(n, d)`` and ``(m, d)``.
    target
        Indicators of the class of each training row ``(n, c)``.
    grid
        Penalties, best from strong to weak.
    weights
        Weights of training rows ``(n,)``; all 1 if None.

    Returns
    -------
    Probabilities ``(len(grid), m, c)``.
    """
    n, d = train.shape
    w = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    mean = w @ train
    x, moved = train - mean, test - mean
    # In the principal axes the penalised problem is close to round after each axis is scaled by what is known of its
    # curvature; so a few steps do, and the axes are the same for all penalties.
    root = np.sqrt(w)[:, None]
    if d > n:
        values, vectors = np.linalg.eigh((x * root) @ (x * root).T)
        kept = values > 1e-12 * max(values[-1], 1e-300)
        axes = (x * root).T @ (vectors[:, kept] / np.sqrt(values[kept]))
    else:
        values, axes = np.linalg.eigh((x * root).T @ (x * root))
        kept = values > 1e-12 * max(values[-1], 1e-300)
        axes = axes[:, kept]
    values, x, moved = values[kept], x @ axes, moved @ axes
    found = np.zeros((len(values) + 1, target.shape[1]))
    found[-1] = np.log(np.maximum(w @ target, 1e-12))
    weighted = target * w[:, None]
    ones = np.ones((n, 1))
    probabilities = np.empty((len(grid), len(test), target.shape[1]))
    for number, penalty in enumerate(grid):
        scale = 1 / np.sqrt(values / 4 + penalty)
        start = np.vstack([found[:-1] / scale[:, None], found[-1:]])
        x1 = np.hstack([x * scale, ones])
        found = _solve(x1, weighted, w, penalty * scale[:, None] ** 2, start)
        found[:-1] *= scale[:, None]
        probabilities[number] = softmax(moved @ found[:-1] + found[-1])[0]
    return probabilities


def _solve(x1: Array, weighted: Array, w: Array, penalty: Array, start: Array) -> Array:
    shape = start.shape
    back = np.ascontiguousarray(x1.T)
    column = w[:, None]

    def loss(flat: Array) -> tuple[float, Array]:
        beta = flat.reshape(shape)
        probabilities, logs = softmax(x1 @ beta)
        pulled = penalty * beta[:-1]
        value = 0.5 * float(np.vdot(pulled, beta[:-1])) - float(np.vdot(weighted, logs))
        probabilities *= column
        probabilities -= weighted
        gradient = back @ probabilities
        gradient[:-1] += pulled
        return value, gradient.ravel()

    options = {"maxiter": _ITERATIONS, "gtol": _GRADIENT, "ftol": 1e-11, "maxcor": 10}
    return np.asarray(minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options).x).reshape(
        shape
    )


def softmax(scores: Array) -> tuple[Array, Array]:
    """Return probabilities and their logarithms of scores ``(n, c)``."""
    moved = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(moved)
    total = exponentials.sum(axis=1, keepdims=True)
    return exponentials / total, moved - np.log(total)
