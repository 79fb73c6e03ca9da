"""Which objects are missed: by size, by density, by pixel size."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, isnan
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.scoring.objects import Objects
from micrographia.segmentation.scoring.records import PairRecord
from micrographia.statistics import Scores, interval

Array = npt.NDArray[Any]
Factor = Literal["size", "density", "pixel size"]

FACTORS: Mapping[str, str] = {
    "size": "counted pixels of an object",
    "density": "other objects nearby: centroids within two median diameters",
    "pixel size": "size of a pixel along X in micrometres",
}
BINS = 5
"""Bins with about as many truth objects each, unless they are given."""


def failure_by(
    records: Mapping[str, PairRecord],
    factor: Factor | str = "size",
    bins: int | Sequence[float] = BINS,
    *,
    groups: Mapping[str, Hashable] | None = None,
    threshold: float = 0.5,
    level: float = 0.95,
) -> list[dict[str, Any]]:
    """Return how well objects are found, by a property of objects or of their images.

    Parameters
    ----------
    records
        Image to what was kept of it, with objects. Failed images are left out.
    factor
        ``"size"`` (counted pixels), ``"density"`` (number of other objects nearby), or ``"pixel size"`` (micrometres
        along X; each value a bin if there are no more than asked for).
    bins
        Their number, or their edges, ascending: a bin holds its lower edge and not its upper one. A number gives bins
        with about as many truth objects each, the first without lower, the last without upper edge; where the factor is
        a whole number both edges are told as the least and greatest that the bin holds.
    groups
        Image to its group, for intervals of recall; None for no intervals.
    threshold
        IoU at which an object is found, 0.5 or more.
    level
        Of the intervals.

    Returns
    -------
    A row a bin, from low to high, only numbers and None: ``low``, ``high`` (None without edge, equal where a bin is one
    value), ``n`` (truth objects), ``recall``, ``recall_low``, ``recall_high``, ``mean_iou`` (of each truth object with
    the predicted object that it overlaps best, 0 without overlap), ``n_predicted`` (judged), ``precision``. Predicted
    objects are in the bin of their own size and density. Empty if no object is known.

    Raises
    ------
    SegmentationError
        If the factor is unknown, the threshold is below 0.5, or edges are not ascending.
    """
    if factor not in FACTORS:
        raise SegmentationError("", f"no factor {factor!r}", f"There are {', '.join(FACTORS)}")
    if not 0.5 <= threshold <= 1:
        raise SegmentationError("", f"objects are not found at IoU {threshold}", "Give 0.5 to 1")
    images = [image for image in sorted(records) if not records[image].failed]
    truth = _gathered([(records[image], records[image].truth) for image in images], factor, threshold)
    predicted = _gathered([(records[image], records[image].predicted) for image in images], factor, threshold)
    edges = _edges(truth.values, bins, whole=factor != "pixel size")
    labels = None if groups is None else [groups.get(image) for image in images]
    return [_row(truth, predicted, edge, labels, level) for edge in edges]


@dataclass(frozen=True, eq=False)
class _All:
    """The objects of all images: the factor, whether found, IoU, and the number of the image, ``(n,)`` each."""

    values: Array
    found: Array
    iou: Array
    image: Array


@dataclass(frozen=True)
class _Bin:
    """Values from ``least`` on and below ``most``, and how its ends are told."""

    least: float
    most: float
    low: float | None
    high: float | None


def _gathered(pairs: Sequence[tuple[PairRecord, Objects | None]], factor: str, threshold: float) -> _All:
    values: list[Array] = [np.zeros(0)]
    found: list[Array] = [np.zeros(0, np.bool_)]
    iou: list[Array] = [np.zeros(0)]
    image: list[Array] = [np.zeros(0, np.int64)]
    for place, (record, objects) in enumerate(pairs):
        if objects is None or (factor == "pixel size" and record.pixel_size is None):
            continue
        if factor == "pixel size" and record.pixel_size is not None:
            values.append(np.full(len(objects), float(f"{record.pixel_size[-1]:.4g}")))
        else:
            values.append((objects.sizes if factor == "size" else objects.density).astype(np.float64))
        # Above 0.5 whoever overlaps best is the match; at 0.5 two may reach it.
        found.append(objects.matched if threshold == 0.5 else objects.iou >= threshold)
        iou.append(objects.iou)
        image.append(np.full(len(objects), place))
    return _All(*(np.concatenate(parts) for parts in (values, found, iou, image)))


def _edges(values: Array, bins: int | Sequence[float], *, whole: bool) -> list[_Bin]:
    if not isinstance(bins, int | np.integer):
        given = [float(edge) for edge in bins]
        if len(given) < 2 or any(isnan(edge) for edge in given) or (np.diff(given) <= 0).any():
            raise SegmentationError("", f"{given} are no edges of bins", "Give two or more, ascending")
        return [_Bin(low, high, _told(low), _told(high)) for low, high in pairwise(given)]
    if bins < 1:
        raise SegmentationError("", f"{bins} bins", "Give 1 or more")
    distinct = np.unique(values)
    if not len(distinct):
        return []
    if not whole and len(distinct) <= bins:
        ends = [*distinct.tolist(), float("inf")]
        return [_Bin(low, high, low, low) for low, high in pairwise(ends)]
    inner = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="higher"))
    ends = [float("-inf"), *inner[inner > distinct[0]].tolist(), float("inf")]
    return [_Bin(low, high, _told(low), _told(high - 1 if whole else high)) for low, high in pairwise(ends)]


def _told(edge: float) -> float | None:
    return edge if isfinite(edge) else None


def _row(
    truth: _All, predicted: _All, edge: _Bin, groups: Sequence[Hashable] | None, level: float
) -> dict[str, Any]:
    ours = (truth.values >= edge.least) & (truth.values < edge.most)
    theirs = (predicted.values >= edge.least) & (predicted.values < edge.most)
    n, m = int(ours.sum()), int(theirs.sum())
    low, high = None, None
    if groups is not None and n:
        below = np.bincount(truth.image[ours], minlength=len(groups))
        above = np.bincount(truth.image[ours & truth.found], minlength=len(groups))
        values = np.divide(above, below, out=np.full(len(groups), np.nan), where=below > 0)
        within = interval(Scores(values, {"group": groups}, below, bounds=(0.0, 1.0)), "group", level=level)
        low, high = _told(within.low), _told(within.high)
    return {
        "low": edge.low,
        "high": edge.high,
        "n": n,
        "recall": float(truth.found[ours].mean()) if n else None,
        "recall_low": low,
        "recall_high": high,
        "mean_iou": float(truth.iou[ours].mean()) if n else None,
        "n_predicted": m,
        "precision": float(predicted.found[theirs].mean()) if m else None,
    }
