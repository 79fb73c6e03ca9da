"""What the network learns from a label image: foreground, boundary, and distance to the outside of each object.

Edges of a patch are no edges of objects: an object that is cut by one is taken to go on beyond it, in training and at
the border of an image alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

DENSE = 1 << 22
"""Largest label for which a table of all labels is made; larger ones are numbered anew."""


def targets(mask: Array, spacing: Sequence[float] | None = None) -> Floats:
    """Return what the network should say of a label image.

    Parameters
    ----------
    mask
        Labels ([Z,] Y, X), integers, 0 for background.
    spacing
        Size of a voxel along each axis, in any one unit; 1 by default.

    Returns
    -------
    array
        float32 (3, [Z,] Y, X): *foreground*, 1 in objects; *boundary*, 1 in pixels of an object that have a neighbour
        (4 in 2D, 6 in 3D) of another label or of the background; *distance*, see :func:`object_distance`.

    Raises
    ------
    SegmentationError
        If the labels are no integers, negative, or have other than two or three axes.
    """
    labels = _verified(mask)
    volume = labels[None] if labels.ndim == 2 else labels
    found = np.empty((3, *labels.shape), np.float32)
    np.greater(labels, 0, out=found[0], casting="unsafe")
    _kernels()[1](volume, found[1].reshape(volume.shape))
    found[2] = object_distance(labels, spacing)
    return found


def object_distance(mask: Array, spacing: Sequence[float] | None = None) -> Floats:
    """Return for each pixel of an object how deep inside it lies, over the depth of the object's deepest pixel.

    Depth is the Euclidean distance to the nearest pixel of another label (Felzenszwalb & Huttenlocher 2012, one pass an
    axis), so that the centre of every object has 1 whatever its size.

    Parameters
    ----------
    mask, spacing
        As for :func:`targets`.

    Returns
    -------
    array
        float32 ([Z,] Y, X), above 0 to 1 in objects and 0 outside; 1 throughout where no other label is in sight.
    """
    labels = _verified(mask)
    steps = np.ones(labels.ndim) if spacing is None else np.asarray(spacing, np.float64)
    if steps.shape != (labels.ndim,) or not (np.isfinite(steps).all() and (steps > 0).all()):
        raise SegmentationError(
            "", f"a spacing of {spacing} does not fit {labels.ndim} axes", "Give one positive size an axis"
        )
    volume, steps = (labels[None], np.array([1.0, *steps])) if labels.ndim == 2 else (labels, steps)
    squared = np.empty(volume.shape, np.float64)
    _kernels()[0](volume, steps, squared)
    depth = np.sqrt(squared)
    deepest = np.zeros(int(volume.max(initial=0)) + 1)
    _kernels()[2](volume, depth, deepest)
    endless = np.isinf(deepest)
    scale = np.where(endless, 0.0, 1.0 / np.where(deepest > 0, deepest, 1.0))
    if endless.any():
        depth = np.where(np.isinf(depth), 1.0, depth)
        scale[endless] = 1.0
    return (depth * scale[volume]).reshape(labels.shape).astype(np.float32)


def _verified(mask: Array) -> Array:
    labels = np.asarray(mask)
    if labels.dtype.kind not in "ui" or labels.ndim not in (2, 3):
        raise SegmentationError(
            "",
            f"a label image of type {labels.dtype} with {labels.ndim} axes gives no targets",
            "Give integers with axes YX or ZYX",
        )
    if labels.dtype.kind == "i" and int(labels.min(initial=0)) < 0:
        raise SegmentationError(
            "", "a label image has negative labels", "Labels count from 1; 0 is background"
        )
    if int(labels.max(initial=0)) > DENSE:
        names, number = np.unique(labels, return_inverse=True)
        labels = number.reshape(labels.shape) + int(names[0] != 0)
    # One type, so that kernels are compiled once.
    return np.ascontiguousarray(labels, np.int32)


@cache
def _kernels() -> tuple[Any, Any, Any]:
    from micrographia.segmentation.training import targets_kernels as kernels

    return kernels.squared_distance, kernels.mark_boundary, kernels.largest
