"""Boundary F1: how much of the boundaries of objects agrees within a tolerance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images.image import Image
from micrographia.segmentation.metrics.blocks import BLOCK_PIXELS, open_source, tiles
from micrographia.segmentation.metrics.boundary_steps import (
    Spacing,
    deep,
    deep_shape,
    reach_of,
    rows,
    sides_of,
)
from micrographia.segmentation.metrics.contingency import Contingency, contingency, contingency_blockwise
from micrographia.work import Progress, cores

Array = npt.NDArray[Any]


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

        Source: Csurka et al., *What is a good evaluation measure for semantic segmentation?*, BMVC 2013
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

        Source: Nikolov et al., *Clinically applicable segmentation of head and neck anatomy for radiotherapy*, J Med
        Internet Res 2021 (surface Dice at a tolerance), here of boundary pixels instead of
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
    if table is None:
        table = contingency(truth, predicted, region=region, ignore=ignore)
    ours, theirs = np.asarray(truth), np.asarray(predicted)
    within = rows(reach_of(tolerance), sides_of(spacing, ours.ndim), deep_shape(ours.shape))
    inside = None if region is None else np.asarray(region)
    return _count(ours, theirs, inside, table, within, [slice(0, size) for size in ours.shape])


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


def boundary_counts_blockwise(
    truth: Image | Any,
    predicted: Image | Any,
    *,
    tolerance: float = 2.0,
    spacing: Spacing = None,
    region: Image | Any | None = None,
    ignore: Collection[int] = (),
    table: Contingency | None = None,
    threads: int | None = None,
    quiet: bool = True,
) -> BoundaryCounts:
    """Count boundary pixels of two label images that are larger than memory.

    Each block is read with a margin as wide as the tolerance; what is held at once is, for each thread, one block of
    about four million pixels of each image.

    Parameters
    ----------
    truth, predicted, region
        As in :func:`~micrographia.segmentation.metrics.contingency_blockwise`.
    tolerance, spacing, ignore, table
        As in :func:`boundary_counts`.
    threads
        None for one a processor.
    quiet
        False shows progress on a terminal.

    Returns
    -------
    The same as :func:`boundary_counts` gives for the whole arrays.

    Raises
    ------
    SegmentationError
        As :func:`boundary_counts`; also if an image has several channels or time points.
    """
    if table is None:
        table = contingency_blockwise(
            truth, predicted, region=region, ignore=ignore, threads=threads, quiet=quiet
        )
    whole = table
    t, p = open_source(truth, "truth"), open_source(predicted, "prediction")
    r = None if region is None else open_source(region, "region")
    within = rows(reach_of(tolerance), sides_of(spacing, len(t.shape)), deep_shape(t.shape))
    margin = [*np.abs(within[0]).max(axis=0).tolist(), int(within[1].max())][-len(t.shape) :]
    parts = list(product(*tiles(t.shape, t.block, BLOCK_PIXELS)))

    with Progress("comparing boundaries", len(parts), quiet=quiet) as progress:

        def work(core: tuple[slice, ...]) -> BoundaryCounts:
            # One pixel more, because a pixel at the edge of what is read does not show all its neighbours.
            start = [max(part.start - width - 1, 0) for part, width in zip(core, margin, strict=True)]
            at = tuple(
                slice(first, min(part.stop + width + 1, size))
                for first, part, width, size in zip(start, core, margin, t.shape, strict=True)
            )
            own = [slice(part.start - s, part.stop - s) for part, s in zip(core, start, strict=True)]
            return _count(t[at], p[at], None if r is None else r[at], whole, within, own)

        found = BoundaryCounts(0, 0, 0, 0)
        with ThreadPoolExecutor(max(1, threads or cores())) as pool:
            for one in pool.map(work, parts):
                found = found + one
                progress.advance()
    return found


def _share(near: int, total: int, other: int) -> float:
    if not total:
        return float("nan") if other else 1.0
    return near / total


def _count(
    truth: Array,
    predicted: Array,
    region: Array | None,
    table: Contingency,
    within: tuple[Array, Array],
    core: Sequence[slice],
) -> BoundaryCounts:
    """Count the boundary pixels of a part of two arrays; what lies around it may be what they are near to."""
    from micrographia.segmentation.metrics import boundary_kernels as kernels

    limit = int(within[1].max()) + 1
    bounds = np.array([(0, 1)] * (3 - len(core)) + [(part.start, part.stop) for part in core], np.int64)
    counted = _counted(truth, predicted, region, table)
    gaps = []
    for labels in (truth, predicted):
        gaps.append(np.empty(deep_shape(labels.shape), np.uint8 if limit < 255 else np.int32))
        kernels.gaps(deep(labels), limit, gaps[-1])
    found = np.zeros((2, 2), np.int64)
    kernels.count(gaps[1], gaps[0], counted[1], bounds, *within, found[0])
    kernels.count(gaps[0], gaps[1], counted[0], bounds, *within, found[1])
    return BoundaryCounts(*found.ravel().tolist())


def _counted(truth: Array, predicted: Array, region: Array | None, table: Contingency) -> tuple[Array, Array]:
    """Return which pixels of truth and prediction count, bool ``(Z, Y, X)``; without pixels where all do."""
    every = np.zeros((0, 0, 0), np.bool_)
    if region is None and not len(table.not_judged):
        return every, every
    ours = np.ones(truth.shape, np.bool_) if region is None else region != 0
    if len(table.not_judged):
        ours = ours & ~np.isin(truth, table.not_judged)
    theirs = ours
    if table.ignored:
        theirs = ours & ~np.isin(predicted, table.predicted_ids[~table.judged])
    whole = deep_shape(truth.shape)
    return np.ascontiguousarray(ours).reshape(whole), np.ascontiguousarray(theirs).reshape(whole)
