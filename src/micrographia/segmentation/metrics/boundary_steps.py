"""Tolerances and spacings of boundary metrics, as steps between pixels."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]
Spacing = float | Sequence[float] | None

SLACK = 1e-9
"""Relative; a distance that is the tolerance but for rounding is within it."""
LARGEST = 4_000_000
"""Pixels within the tolerance of one pixel."""


def reach_of(tolerance: float) -> float:
    """Return a tolerance with its slack.

    Raises
    ------
    SegmentationError
        If it is negative or not finite.
    """
    if not (isfinite(tolerance) and tolerance >= 0):
        raise SegmentationError("", f"a tolerance of {tolerance} is no distance", "Give 0 or more")
    return float(tolerance) * (1 + SLACK)


def sides_of(spacing: Spacing, ndim: int) -> tuple[float, ...]:
    """Return the size of a pixel along Z, Y, X; that along Z of 2D images does not matter.

    Raises
    ------
    SegmentationError
        If the image is neither 2D nor 3D, a size is not above 0, or there is neither one nor one an axis.
    """
    if ndim not in (2, 3):
        raise SegmentationError(
            "", f"label images of {ndim} axes have no boundary", "Give (Y, X) or (Z, Y, X)"
        )
    given = np.atleast_1d(np.asarray(1.0 if spacing is None else spacing, np.float64))
    if given.shape not in ((1,), (ndim,)):
        raise SegmentationError(
            "", f"{given.size} sizes of pixels for {ndim} axes", "Give one, or one an axis"
        )
    if not (np.isfinite(given).all() and (given > 0).all()):
        raise SegmentationError("", f"{spacing} are no sizes of pixels", "Give sizes above 0, one an axis")
    return (1.0,) * (3 - ndim) + tuple(np.broadcast_to(given, (ndim,)).tolist())


def deep(labels: Array) -> Array:
    """Return labels as ``(Z, Y, X)`` of an unsigned type, without copying them if they are in C order."""
    plain = np.ascontiguousarray(labels, labels.dtype.newbyteorder("="))
    return plain.view(f"u{plain.dtype.itemsize}").reshape(deep_shape(plain.shape))


def deep_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape as (Z, Y, X)."""
    return (1,) * (3 - len(shape)) + tuple(shape)


def ball(reach: float, sides: Sequence[float], shape: Sequence[int]) -> tuple[Array, Array]:
    """Return the steps within reach along some axes, the nearest first, and their squared lengths.

    Parameters
    ----------
    reach
        Greatest distance.
    sides
        Size of a pixel along each axis.
    shape
        Of the image: longer steps lead out of it.

    Returns
    -------
    int64 ``(k, axes)`` and float64 ``(k,)``.

    Raises
    ------
    SegmentationError
        If they are too many.
    """
    most = [min(int(reach / side), size - 1) for side, size in zip(sides, shape, strict=True)]
    if np.prod([2.0 * one + 1 for one in most]) > LARGEST:
        raise SegmentationError(
            "", f"a tolerance of {reach:g} holds too many pixels", "Use a smaller tolerance"
        )
    axes = np.meshgrid(*(np.arange(-one, one + 1) for one in most), indexing="ij")
    steps = np.stack([axis.ravel() for axis in axes], axis=-1)
    squares = ((steps * np.asarray(sides)) ** 2).sum(axis=1)
    order = np.argsort(squares, kind="stable")
    order = order[squares[order] <= reach**2]
    return steps[order].astype(np.int64), squares[order]


def rows(reach: float, sides: Sequence[float], shape: Sequence[int]) -> tuple[Array, Array]:
    """Return the steps along Z and Y to rows within reach, and how many pixels along X remain in each.

    Parameters
    ----------
    reach
        Greatest distance.
    sides
        Size of a pixel along Z, Y, X.
    shape
        (Z, Y, X) of the image.

    Returns
    -------
    int64 ``(k, 2)`` and int64 ``(k,)``, the nearest rows first.
    """
    steps, squares = ball(reach, sides[:2], shape[:2])
    remain = np.sqrt(reach**2 - squares) / sides[2]
    return steps, np.minimum(remain, shape[2]).astype(np.int64)
