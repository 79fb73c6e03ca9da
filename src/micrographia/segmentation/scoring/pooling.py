"""Scores over images: pooled or image-weighted, over several datasets, and made comparable between models."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.scoring.catalogue import metric as named
from micrographia.segmentation.scoring.metrics import Metric
from micrographia.segmentation.scoring.records import PairRecord
from micrographia.statistics import Comparison, Scores, compare

Array = npt.NDArray[Any]
Weighting = Literal["pooled", "image"]
Failures = Literal["left out", "nothing found"]
Empty = Literal["left out", "perfect"]

UNIT = "group"
"""Name of the factor of the groups of images."""
DATASET = "dataset"


def scores(
    records: Mapping[str, PairRecord],
    metric: str | Metric,
    groups: Mapping[str, Hashable] | None = None,
    weighting: Weighting = "pooled",
    *,
    failures: Failures = "left out",
    empty: Empty = "perfect",
) -> Scores:
    """Return what each image scored, so that groups of images can be resampled.

    *Pooled*: the metric of all images together, such as ``sum 2 TP / sum (2 TP + FP + FN)``, as the weighted mean of
    images (:meth:`Metric.pooled`); an image weighs what it adds to the denominator, so that objects count alike.
    *Image*: the mean of the metric over images, which count alike whatever they hold.

    Parameters
    ----------
    records
        Image to what was kept of it. The items of the result are in the order of the names of images.
    metric
        Its name, such as ``"f1@0.5"``.
    groups
        Image to the group (donor, plate, field) that it belongs to; an image without is a group of its own. If None,
        groups are unknown and each image is one, which intervals say.
    weighting
        ``"pooled"`` or ``"image"``.
    failures
        What images without prediction are: ``"left out"`` of the score, or scored as though ``"nothing found"``.
    empty
        In image weighting, what an image is that has nothing, and nothing predicted: ``"perfect"``, as it is for a
        single image, or ``"left out"``. Pooled, it adds nothing.

    Returns
    -------
    Scores with the factor ``"group"``, for :func:`micrographia.statistics.interval` and
    :func:`micrographia.statistics.compare` (through :func:`paired` where denominators depend on the prediction).
    An item is NaN where the image failed or the metric was not measured, and NaN with weight 0 where it has nothing
    to score.

    Raises
    ------
    SegmentationError
        If there is no such metric, or weighting.
    """
    chosen = named(metric)
    images = sorted(records)
    listed = [records[image] for image in images]
    needed = {name for ratio in chosen.ratios for name in (*ratio.above, *ratio.below)}
    unknown = np.array([not needed <= one.sums.keys() for one in listed], np.bool_)
    failed = np.array([one.failed and (failures == "left out" or not one.sums) for one in listed], np.bool_)
    out = failed | unknown
    sums = [one.sums for one, left in zip(listed, out, strict=True) if not left]
    values, weights = np.full(len(images), np.nan), np.ones(len(images))
    values[~out], weights[~out] = _valued(chosen, sums, weighting, empty)
    return Scores(
        values,
        {} if groups is None else {UNIT: [groups.get(image) for image in images]},
        weights=weights,
        items=images,
        reason=_reason(chosen, values, weights, failed, unknown & ~failed),
        bounds=chosen.bounds if _within(values, chosen.bounds) else None,
    )


def _valued(
    metric: Metric, sums: Sequence[Mapping[str, float]], weighting: str, empty: str
) -> tuple[Array, Array]:
    if weighting == "pooled":
        return metric.pooled(sums)
    if weighting != "image":
        raise SegmentationError("", f"no weighting {weighting!r}", "It is 'pooled' or 'image'")
    values = metric.values(sums)
    if empty == "left out":
        values[metric.bare(sums)] = np.nan
    return values, np.isfinite(values).astype(np.float64)


def _reason(metric: Metric, values: Array, weights: Array, failed: Array, unknown: Array) -> str:
    said = []
    if failed.any():
        said.append(f"{_images(int(failed.sum()))} without prediction left out")
    if unknown.any():
        said.append(f"{_images(int(unknown.sum()))} for which {metric.name} was not measured left out")
    bare = int((np.isnan(values) & (weights == 0)).sum())
    if bare:
        said.append(f"{_images(bare)} with nothing to score by {metric.name}")
    return "; ".join(said)


def _within(values: Array, bounds: tuple[float, float] | None) -> bool:
    """Whether all values are possible scores of images; linearised ones may lie a little beyond."""
    known = values[np.isfinite(values)]
    return bounds is not None and bool(((known >= bounds[0]) & (known <= bounds[1])).all())


def _images(n: int) -> str:
    return f"{n} image{'' if n == 1 else 's'}"


def paired(candidates: Mapping[str, Scores]) -> dict[str, Scores]:
    """Give the scores of several models on the same images the same weights, without changing the scores.

    The denominators of F1 hold false positives, so that images weigh differently for different models, while a paired
    comparison needs one weight an image. The weight here is the share of the image in all weights, averaged over the
    models: ``W_i = mean_m w_mi / sum w_m``, and the value ``R_m + (w_mi / sum w_m) (v_mi - R_m) / W_i`` with the score
    ``R_m``. The weighted mean stays ``R_m``. For two models, what a group adds to their difference is
    ``(n_a - n_b) - (R_a + R_b) / 2 (d_a - d_b)`` with its shares ``n`` of numerators and ``d`` of denominators: it
    changes its sign if the two swap their predictions in this group, which is what sign flips ask.

    An image with nothing to score for one model but not for another (no objects, one false positive) is kept, and so
    counts against the second. An image that failed for one model is left out for all.

    Parameters
    ----------
    candidates
        Model to its scores, all on the same items.

    Returns
    -------
    Scores that :func:`micrographia.statistics.compare` and :func:`micrographia.statistics.rank_intervals` take.

    Raises
    ------
    SegmentationError
        If the items differ.
    """
    listed = list(candidates.values())
    if not listed:
        return {}
    first = listed[0]
    if any(list(one.items) != list(first.items) or one.n_items != first.n_items for one in listed):
        raise SegmentationError("", "models have different images", "Score them on the same images")
    raw = np.array([np.ones(one.n_items) if one.weights is None else one.weights for one in listed])
    values = np.array([one.values for one in listed])
    usable = ~((np.isnan(values) & (raw > 0)).any(axis=0))
    shares = np.where(usable, raw, 0.0)
    totals = shares.sum(axis=1, keepdims=True)
    if not totals.all():
        return {name: _without(one) for name, one in candidates.items()}
    shares = shares / totals
    known = np.nan_to_num(values)
    whole = (shares * known).sum(axis=1, keepdims=True)
    common = shares.mean(axis=0)
    held = common > 0
    aligned = np.full(values.shape, np.nan)
    aligned[:, held] = whole + shares[:, held] * (known - whole)[:, held] / common[held]
    same = held & (np.abs(shares - common) <= 1e-12 * common).all(axis=0)
    aligned[:, same] = values[:, same]
    weights = np.where(usable, common * held.sum(), 1.0)
    said = "; ".join(dict.fromkeys(one.reason for one in listed if one.reason))
    return {
        name: Scores(row, one.factors, weights=weights, items=one.items, reason=said)
        for (name, one), row in zip(candidates.items(), aligned, strict=True)
    }


def _without(one: Scores) -> Scores:
    reason = one.reason or "another model has no image that can be scored"
    return Scores(
        np.full(one.n_items, np.nan), one.factors, np.ones(one.n_items), one.items, reason, one.bounds
    )


def compare_models(
    a: Scores,
    b: Scores,
    *,
    delta: float,
    unit: str = UNIT,
    crossed: Sequence[str] = (),
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two models by :func:`micrographia.statistics.compare` after giving their images common weights.

    Parameters
    ----------
    a, b
        What :func:`scores` gave for both, by the same metric on the same images. The difference is ``a - b``: for an
        error, such as ``vi``, *beats* means the larger error.
    delta
        The smallest difference that matters.
    unit, crossed, level, seed
        As there.

    Raises
    ------
    SegmentationError
        If the images differ.
    ValueError
        As :func:`micrographia.statistics.compare` does.
    """
    both = paired({"a": a, "b": b})
    found = compare(both["a"], both["b"], unit, crossed, delta=delta, level=level, seed=seed)
    lost = int((np.isfinite(a.values) | np.isfinite(b.values)).sum()) - found.n_items
    if lost <= 0:
        return found
    said = f"{_images(lost)} without prediction of one of them left out"
    return replace(found, reason="; ".join(one for one in (found.reason, said) if one))


def over_datasets(datasets: Mapping[str, Scores]) -> Scores:
    """Return the mean of the scores of several datasets, each counting alike whatever its size.

    Parameters
    ----------
    datasets
        Dataset to the scores of its images.

    Returns
    -------
    Scores over all images, whose weights add up to the same in each dataset. Factors are ``"dataset"`` (a claim about
    further datasets) and ``"group"`` (about further groups of these datasets; groups of different datasets are
    different). For a comparison, take :func:`paired` of each dataset first. A dataset without score is left out.
    """
    values, weights, items, homes, groups, said = [], [], [], [], [], []
    for name, one in datasets.items():
        raw = np.ones(one.n_items) if one.weights is None else one.weights
        kept = one.evaluable & (raw > 0)
        if not kept.any():
            said.append(f"{name} left out: {one.reason or 'no image can be scored'}")
            continue
        values.append(one.values)
        weights.append(np.where(one.evaluable, raw / raw[kept].sum(), raw > 0))
        items += [f"{name}/{item}" for item in one.items or range(one.n_items)]
        homes += [name] * one.n_items
        labels = one.factors.get(UNIT, [None] * one.n_items)
        groups += [None if label is None else (name, label) for label in labels]
        said += [f"{name}: {one.reason}"] if one.reason else []
    bounds = {one.bounds for one in datasets.values()}
    whole = np.concatenate(weights) if weights else np.zeros(0)
    return Scores(
        np.concatenate(values) if values else np.zeros(0),
        {DATASET: homes, UNIT: groups},
        weights=whole * len(whole) / max(len(homes and set(homes)), 1),
        items=items,
        reason="; ".join(said),
        bounds=bounds.pop() if len(bounds) == 1 else None,
    )
