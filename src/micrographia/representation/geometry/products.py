"""Sums over products of embeddings, by blocks: neither n x n nor, where it would be large, d x d arrays."""

from __future__ import annotations

import numpy as np

from micrographia.representation.batch.inputs import Array

BLOCK = 1024
"""Rows or columns of a block."""


def squared_norm_of_product(x: Array, y: Array) -> float:
    """Return the squared Frobenius norm of ``x.T @ y`` for ``(n, d)`` and ``(n, e)``.

    It equals the sum over pairs of rows of the products of their inner products in ``x`` and in ``y``; whichever takes
    fewer operations is computed, a block at a time.
    """
    n, d, e = len(x), x.shape[1], y.shape[1]
    total = 0.0
    if n * (d + e) < 2 * d * e:
        for start in range(0, n, BLOCK):
            rows = slice(start, start + BLOCK)
            total += float(np.vdot(x[rows] @ x.T, y[rows] @ y.T))
        return total
    for start in range(0, e, BLOCK):
        product = x.T @ y[:, start : start + BLOCK]
        total += float(np.vdot(product, product))
    return total


def triangle(x: Array) -> Array:
    """Return a matrix of at most ``d`` rows with the singular values and right vectors of ``x`` ``(n, d)``.

    The triangle of the QR decomposition, of blocks of rows one after another, so that ``n`` does not matter.
    """
    step = max(BLOCK, 4 * x.shape[1])
    result = x[:0]
    for start in range(0, len(x), step):
        stacked = np.concatenate([result, x[start : start + step]])
        result = np.asarray(np.linalg.qr(stacked, mode="r")) if len(stacked) > x.shape[1] else stacked
    return result
