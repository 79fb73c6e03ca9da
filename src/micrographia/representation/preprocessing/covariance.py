"""Covariances and principal axes, without an n x n array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_BLOCK = 1 << 22


def covariance(values: Array, mean: Array) -> Array:
    """Return the covariance ``(d, d)``, divisor n - 1, in float64, by blocks of rows."""
    n, d = values.shape
    total = np.zeros((d, d))
    step = max(1, _BLOCK // max(1, d))
    for start in range(0, n, step):
        block = np.asarray(values[start : start + step], dtype=np.float64) - mean
        total += block.T @ block
    return np.asarray(total / max(1, n - 1))


def principal_axes(values: Array, mean: Array) -> tuple[Array, Array]:
    """Return the variances along the principal axes, descending, and the axes as columns ``(d, k)``.

    Axes of no variance (below rounding) are left out, so ``k`` is the rank. The sign is fixed: the largest loading of
    each axis is positive. Few rows are decomposed directly, many by their covariance; both need memory of the order
    of ``n d`` or ``d d``.
    """
    n, d = values.shape
    if n <= d:
        centred = np.asarray(values, dtype=np.float64) - mean
        _, singular, rows = np.linalg.svd(centred, full_matrices=False)
        variances, axes = singular**2 / max(1, n - 1), rows.T
        limit = (
            (singular[0] * max(n, d) * np.finfo(np.float64).eps) ** 2 / max(1, n - 1)
            if len(singular)
            else 0.0
        )
    else:
        variances, axes = np.linalg.eigh(covariance(values, mean))
        variances, axes = variances[::-1], axes[:, ::-1]
        limit = variances[0] * d * np.finfo(np.float64).eps * 8 if d else 0.0
    kept = variances > max(limit, 0.0)
    variances, axes = variances[kept], axes[:, kept]
    return variances, fixed_signs(axes)


def fixed_signs(axes: Array) -> Array:
    """Return axes (columns) of which the largest loading is positive."""
    if not axes.size:
        return axes
    largest = np.argmax(np.abs(axes), axis=0)
    signs = np.sign(axes[largest, np.arange(axes.shape[1])])
    return np.asarray(axes * np.where(signs == 0, 1, signs))


def ledoit_wolf(values: Array, mean: Array) -> float:
    """Return how far to shrink a covariance towards a multiple of the identity, 0 to 1.

    Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices, J. Multivariate Analysis
    88 (2004): with ``S`` of divisor n and ``mu = tr(S) / d``, ``delta = |S - mu I|^2 / d`` and ``beta = sum_i |x_i
    x_i' - S|^2 / (n^2 d)``, the weight of ``mu I`` is ``min(beta, delta) / delta``.
    """
    centred = np.asarray(values, dtype=np.float64) - mean
    n, d = centred.shape
    held = centred.T @ centred / n if d <= n else centred @ centred.T / n
    squared = float((held**2).sum())  # |S|^2 is that of the smaller Gram matrix
    trace = float(np.trace(held))
    mu = trace / d
    delta = (squared - 2 * mu * trace + d * mu**2) / d
    lengths = (centred**2).sum(axis=1)
    beta = (float((lengths**2).sum()) / n - squared) / (n * d)
    return min(max(beta, 0.0), delta) / delta if delta > 0 else 1.0
