"""Objects compared without a band along their true borders, where datasets draw them differently."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.boundary_steps import SLACK, Spacing, ball, deep, reach_of, sides_of
from micrographia.segmentation.metrics.contingency import Contingency, contingency
from micrographia.segmentation.metrics.overlap import seg
from micrographia.segmentation.metrics.tally import Tally

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

SLAB = 1 << 20
"""Pixels that are copied at a time."""


def tolerance_band(truth: npt.ArrayLike, *, tolerance: float = 2.0, spacing: Spacing = None) -> Mask:
    """Return the pixels whose label a slightly different border would change.

    A pixel is in the band if a pixel of another label, background included, is at most ``tolerance`` away (between
    centres): with 1 pixel the band is one pixel wide on each side of a border. An object of which nothing would be left
    keeps its deepest pixels, those that are farthest from other labels, so that no object vanishes. The edge of the
    image is no border.

    Parameters
    ----------
    truth
        Label image, integers ``(Y, X)`` or ``(Z, Y, X)``; 0 is background.
    tolerance
        Width on each side, in pixels, or in the unit of ``spacing``.
    spacing
        Size of a pixel along each axis, or along all; None for pixels.

    Returns
    -------
    bool, of the shape of ``truth``.

    Raises
    ------
    SegmentationError
        If it is no label image, or the tolerance or spacing is no such.
    """
    from micrographia.segmentation.metrics import boundary_kernels as kernels

    ids = contingency(truth, truth).truth_ids
    labels = np.asarray(truth)
    solid = deep(labels)
    steps, squares = ball(reach_of(tolerance), sides_of(spacing, labels.ndim), solid.shape)
    found = np.zeros(solid.shape, np.bool_)
    kernels.band(solid, steps, found)
    left = _outside(labels, labels, ~found.reshape(labels.shape))
    lost = np.setdiff1d(ids, left.truth_ids, assume_unique=True)
    if len(lost):
        places = np.argwhere(np.isin(labels, lost).reshape(solid.shape))
        step = np.empty(len(places), np.int64)
        kernels.nearest_other(solid, places, steps, step)
        owner = np.searchsorted(lost, labels.reshape(solid.shape)[tuple(places.T)])
        deepest = np.zeros(len(lost))
        np.maximum.at(deepest, owner, squares[step])
        core = squares[step] >= deepest[owner] * (1 - SLACK)
        found[tuple(places[core].T)] = False
    return found.reshape(labels.shape)


def tolerant_contingency(
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    tolerance: float = 2.0,
    spacing: Spacing = None,
    region: npt.ArrayLike | None = None,
    ignore: Collection[int] = (),
    table: Contingency | None = None,
) -> Contingency:
    """Count overlaps outside the :func:`tolerance_band` of the truth, so that every metric of a table is tolerant.

    Datasets draw borders differently: inside or outside of the membrane, generously or tightly. What then differs lies
    within a band along the true borders, which is left out here as the *void* border is in the PASCAL VOC challenge
    (Everingham et al., Int J Comput Vis 2010). A predicted object is neither right nor wrong if it is so with the band.

    Parameters
    ----------
    truth, predicted, tolerance, spacing, region, ignore, table
        As in :func:`~micrographia.segmentation.metrics.boundary.boundary_counts`; ``table`` is that with the band.

    Returns
    -------
    The contingency table of the pixels outside the band.

    Raises
    ------
    SegmentationError
        As :func:`~micrographia.segmentation.metrics.boundary.boundary_counts` does.
    """
    if table is None:
        table = contingency(truth, predicted, region=region, ignore=ignore)
    ours, theirs = np.asarray(truth), np.asarray(predicted)
    counted = ~tolerance_band(ours, tolerance=tolerance, spacing=spacing)
    if region is not None:
        counted &= np.asarray(region) != 0
    if len(table.not_judged):
        counted &= ~np.isin(ours, table.not_judged)
    # Not as a region, which would leave out objects that lie mostly in the band.
    found = _outside(ours, theirs, counted)
    out = np.isin(found.predicted_ids, table.predicted_ids[~table.judged])
    return replace(
        found,
        n_pixels=int(counted.sum()),
        ignored=frozenset(np.flatnonzero(out).tolist()),
        not_judged=table.not_judged,
    )


def boundary_tolerant_iou(
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    tolerance: float = 2.0,
    spacing: Spacing = None,
    region: npt.ArrayLike | None = None,
    ignore: Collection[int] = (),
) -> float:
    """Return the mean IoU of the truth objects, compared outside the band around their borders.

    ``SEG`` of :func:`tolerant_contingency`: of each truth object the IoU with the predicted object that covers more
    than half of it, 0 if none does; pixels of the :func:`tolerance_band` count for neither. NaN if there is no truth
    object though some are predicted, 1 if there is nothing and nothing is predicted. Beside ``SEG`` itself it tells how
    much of a low score is borders drawn otherwise.

    Parameters
    ----------
    truth, predicted, tolerance, spacing, region, ignore
        As in :func:`~micrographia.segmentation.metrics.boundary.boundary_counts`.

    Examples
    --------
    >>> truth = np.zeros((12, 12), np.uint8)
    >>> truth[3:9, 3:9] = 1
    >>> wider = np.zeros((12, 12), np.uint8)
    >>> wider[2:10, 2:10] = 1
    >>> boundary_tolerant_iou(truth, wider)
    1.0
    """
    return seg(
        tolerant_contingency(
            truth, predicted, tolerance=tolerance, spacing=spacing, region=region, ignore=ignore
        )
    )


def _outside(truth: Array, predicted: Array, counted: Mask) -> Contingency:
    """Return the table of labels that are background where they are not counted, slab by slab."""
    tally = Tally(truth.dtype, predicted.dtype)
    step = max(1, SLAB * len(truth) // truth.size)
    for start in range(0, len(truth), step):
        at = slice(start, start + step)
        tally.add(np.where(counted[at], truth[at], 0), np.where(counted[at], predicted[at], 0))
    return tally.result()
