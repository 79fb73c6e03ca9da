"""Metrics of boundaries: how much of them agrees within a tolerance, and objects compared without them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.contingency import Contingency, contingency
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.metrics.overlap import seg

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Spacing = float | Sequence[float] | None

SLACK = 1e-9
"""Relative; a distance that is the tolerance but for rounding is within it."""
LARGEST = 4_000_000
"""Pixels within the tolerance of one pixel."""


@dataclass(frozen=True, slots=True)
class BoundaryCounts:
    """Boundary pixels of one image, of many when summed.

    Attributes
    ----------
    predicted_near, predicted
        Boundary pixels of the prediction that have one of the truth within the tolerance, and all of them.
    truth_near, truth
        Boundary pixels of the truth that have one of the prediction within the tolerance, and all of them.
    """

    predicted_near: int
    predicted: int
    truth_near: int
    truth: int

    @property
    def precision(self) -> float:
        """Share of the predicted boundary that is right; NaN if there is none though the truth has one."""
        return _share(self.predicted_near, self.predicted, self.truth)

    @property
    def recall(self) -> float:
        """Share of the true boundary that was found; NaN if there is none though some is predicted."""
        return _share(self.truth_near, self.truth, self.predicted)

    @property
    def f1(self) -> float:
        """Harmonic mean ``2 P R / (P + R)`` of precision and recall.

        0 if only one of the images has a boundary, or nothing is near; 1 if neither has one.

        Source: Csurka, Larlus, Perronnin, *What is a good evaluation measure for semantic segmentation?*, BMVC 2013
        (the BF score), here of instances.
        """
        if not self.predicted and not self.truth:
            return 1.0
        if not self.predicted_near or not self.truth_near:
            return 0.0
        return 2 * self.precision * self.recall / (self.precision + self.recall)

    @property
    def surface_dice(self) -> float:
        """Both boundaries taken together: ``(near in P + near in T) / (P + T)``; 1 if neither has one.

        Source: Nikolov et al., *Deep learning to achieve clinically applicable segmentation of head and neck anatomy
        for radiotherapy*, J Med Internet Res 2021 (surface Dice at a tolerance), here of boundary pixels instead of
        surface elements.
        """
        total = self.predicted + self.truth
        return (self.predicted_near + self.truth_near) / total if total else 1.0

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        """Return the counts of both."""
        return BoundaryCounts(
            self.predicted_near + other.predicted_near,
            self.predicted + other.predicted,
            self.truth_near + other.truth_near,
            self.truth + other.truth,
        )


def boundary_counts(
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    tolerance: float = 2.0,
    spacing: Spacing = None,
    region: npt.ArrayLike | None = None,
    ignore: Collection[int] = (),
    table: Contingency | None = None,
) -> BoundaryCounts:
    """Count the boundary pixels of both images that lie within a tolerance of the other's.

    A boundary pixel belongs to an object and shares a face with a pixel of another value, so that two objects that
    touch both have a boundary; the edge of the image is none. The distance is that of pixel centres, and one equal to
    the tolerance is within it.

    Pixels outside the annotated region, over an ignored object, or of a predicted object that is neither right nor
    wrong are not counted. They may still be what a counted pixel is near to: a boundary does not end at the region.

    Parameters
    ----------
    truth, predicted
        Label images, integers ``(Y, X)`` or ``(Z, Y, X)``; 0 is background.
    tolerance
        Greatest distance, in pixels, or in the unit of ``spacing``.
    spacing
        Size of a pixel along each axis, or along all, such as micrometres; None for pixels.
    region
        Where the image was annotated, bool of the same shape; None for everywhere.
    ignore
        Ids of truth objects that do not count.
    table
        The contingency table of the same arguments if it is there already.

    Returns
    -------
    The counts, with precision, recall and F1.

    Raises
    ------
    SegmentationError
        If the images do not fit each other, are not label images, or the tolerance or spacing is no such.
    """
    from micrographia.segmentation.metrics import boundary_kernels as kernels

    if table is None:
        table = contingency(truth, predicted, region=region, ignore=ignore)
    ours, theirs = np.asarray(truth), np.asarray(predicted)
    rows, reach = _rows(_tolerance(tolerance), _spacing(spacing, ours.ndim), ours.shape)
    counted_truth, counted_predicted = _counted(ours, theirs, region, table)
    limit = int(reach.max()) + 1
    near_truth, near_predicted = (_gaps(labels, limit) for labels in (ours, theirs))
    found = np.zeros((2, 2), np.int64)
    kernels.count(near_predicted, near_truth, counted_predicted, rows, reach, found[0])
    kernels.count(near_truth, near_predicted, counted_truth, rows, reach, found[1])
    return BoundaryCounts(*found.ravel().tolist())


def boundary_f1(
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    tolerance: float = 2.0,
    spacing: Spacing = None,
    region: npt.ArrayLike | None = None,
    ignore: Collection[int] = (),
) -> float:
    """Return the F1 of boundary pixels within a tolerance: :attr:`BoundaryCounts.f1` of :func:`boundary_counts`.

    Examples
    --------
    >>> truth = np.zeros((8, 8), np.uint8)
    >>> truth[2:6, 2:6] = 1
    >>> boundary_f1(truth, np.roll(truth, 1, axis=1), tolerance=1)
    1.0
    >>> boundary_f1(truth, np.roll(truth, 1, axis=1), tolerance=0)
    0.5
    """
    return boundary_counts(
        truth, predicted, tolerance=tolerance, spacing=spacing, region=region, ignore=ignore
    ).f1


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
    steps, squares = _ball(_tolerance(tolerance), _spacing(spacing, labels.ndim), labels.shape)
    solid = deep(labels)
    found = np.zeros(solid.shape, np.bool_)
    kernels.band(solid, steps, found)
    left = np.where(found.reshape(labels.shape), 0, labels)
    lost = np.setdiff1d(ids, contingency(left, left).truth_ids, assume_unique=True)
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
        As in :func:`boundary_counts`; ``table`` is that with the band.

    Returns
    -------
    The contingency table of the pixels outside the band.

    Raises
    ------
    SegmentationError
        As :func:`boundary_counts` does.
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
    found = contingency(np.where(counted, ours, 0), np.where(counted, theirs, 0))
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
        As in :func:`boundary_counts`.

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


def _share(near: int, total: int, other: int) -> float:
    if not total:
        return float("nan") if other else 1.0
    return near / total


def _tolerance(tolerance: float) -> float:
    if not (isfinite(tolerance) and tolerance >= 0):
        raise SegmentationError("", f"a tolerance of {tolerance} is no distance", "Give 0 or more")
    return float(tolerance) * (1 + SLACK)


def _spacing(spacing: Spacing, ndim: int) -> tuple[float, ...]:
    """Return the size of a pixel along Z, Y, X; that along Z of 2D images does not matter."""
    if ndim not in (2, 3):
        raise SegmentationError(
            "", f"label images of {ndim} axes have no boundary", "Give (Y, X) or (Z, Y, X)"
        )
    sides = np.broadcast_to(1.0 if spacing is None else np.asarray(spacing, np.float64), _axes(spacing, ndim))
    if not (np.isfinite(sides).all() and (sides > 0).all()):
        raise SegmentationError("", f"{spacing} are no sizes of pixels", "Give sizes above 0, one an axis")
    return (1.0,) * (3 - ndim) + tuple(sides.tolist())


def _axes(spacing: Spacing, ndim: int) -> tuple[int]:
    given = np.size(1.0 if spacing is None else spacing)
    if given not in (1, ndim):
        raise SegmentationError("", f"{given} sizes of pixels for {ndim} axes", "Give one, or one an axis")
    return (ndim,)


def deep(labels: Array) -> Array:
    """Return labels as ``(Z, Y, X)`` of an unsigned type, without copying them if they are in C order."""
    plain = np.ascontiguousarray(labels, labels.dtype.newbyteorder("="))
    return plain.view(f"u{plain.dtype.itemsize}").reshape((1,) * (3 - plain.ndim) + plain.shape)


def _gaps(labels: Array, limit: int) -> Array:
    from micrographia.segmentation.metrics import boundary_kernels as kernels

    solid = deep(labels)
    out = np.empty(solid.shape, np.uint8 if limit < 255 else np.int32)
    kernels.gaps(solid, limit, out)
    return out


def _steps(tolerance: float, sides: Sequence[float], shape: Sequence[int]) -> tuple[Array, Array]:
    """Return all steps of at most the tolerance along some axes, the nearest first, and their squared lengths."""
    reach = [min(int(tolerance / side), size - 1) for side, size in zip(sides, shape, strict=True)]
    if np.prod([2.0 * most + 1 for most in reach]) > LARGEST:
        raise SegmentationError(
            "", f"a tolerance of {tolerance:g} holds too many pixels", "Use a smaller tolerance"
        )
    axes = np.meshgrid(*(np.arange(-most, most + 1) for most in reach), indexing="ij")
    steps = np.stack([axis.ravel() for axis in axes], axis=-1)
    squares = ((steps * np.asarray(sides)) ** 2).sum(axis=1)
    order = np.argsort(squares, kind="stable")
    order = order[squares[order] <= tolerance**2]
    return steps[order].astype(np.int64), squares[order]


def _ball(tolerance: float, sides: Sequence[float], shape: Sequence[int]) -> tuple[Array, Array]:
    return _steps(tolerance, sides, (1,) * (3 - len(shape)) + tuple(shape))


def _rows(tolerance: float, sides: Sequence[float], shape: Sequence[int]) -> tuple[Array, Array]:
    """Return the steps along Z and Y to rows within the tolerance, and how many pixels along X remain in each."""
    whole = (1,) * (3 - len(shape)) + tuple(shape)
    rows, squares = _steps(tolerance, sides[:2], whole[:2])
    reach = np.sqrt(tolerance**2 - squares) / sides[2]
    return rows, np.minimum(reach, whole[2]).astype(np.int64)


def _counted(
    truth: Array, predicted: Array, region: npt.ArrayLike | None, table: Contingency
) -> tuple[Mask, Mask]:
    """Return which pixels of truth and prediction count, ``(Z, Y, X)``; without pixels where all do."""
    every = np.zeros((0, 0, 0), np.bool_)
    if region is None and not len(table.not_judged):
        return every, every
    ours = np.ones(truth.shape, np.bool_) if region is None else np.asarray(region) != 0
    if len(table.not_judged):
        ours = ours & ~np.isin(truth, table.not_judged)
    theirs = ours
    if table.ignored:
        theirs = ours & ~np.isin(predicted, table.predicted_ids[~table.judged])
    whole = (1,) * (3 - truth.ndim) + truth.shape
    return np.ascontiguousarray(ours).reshape(whole), np.ascontiguousarray(theirs).reshape(whole)
