"""The sums of one image that are added up over images."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from micrographia.segmentation.metrics.boundary import BoundaryCounts, boundary_counts
from micrographia.segmentation.metrics.boundary_tolerant import tolerant_contingency
from micrographia.segmentation.metrics.contingency import Contingency, match
from micrographia.segmentation.metrics.overlap import aji_plus_sums, aji_sums, dice_sums, seg_sums
from micrographia.segmentation.metrics.partitions import adapted_rand_sums, variation_of_information_sums
from micrographia.segmentation.metrics.structure import merges_and_splits
from micrographia.segmentation.scoring.metrics import THRESHOLDS

Array = npt.NDArray[Any]

SUMS: Mapping[str, str] = MappingProxyType(
    {
        "truth": "truth objects",
        "predicted": "predicted objects that are judged",
        "ignored": "predicted objects that are not judged",
        "tp@T": "matches at IoU T or more",
        "fp@T": "predicted objects that are judged and not matched",
        "fn@T": "truth objects that are not matched",
        "iou@T": "sum of the IoU of matches",
        "aji_above, aji_below": "intersections and unions of the aggregated Jaccard index (pixels)",
        "aji+_above, aji+_below": "the same, one to one",
        "seg": "sum of the IoU of truth objects with what covers more than half of them",
        "dice_above, dice_below": "twice the common foreground, and both foregrounds (pixels)",
        "are_above, are_below": "pairs of pixels that disagree, and all pairs, of the adapted Rand error",
        "vi": "variation of information times the pixels of truth objects (bits)",
        "vi_split, vi_merge": "its parts",
        "truth_pixels": "pixels of truth objects",
        "merges, splits": "predicted objects that merge, truth objects that are split",
        "count_error": "absolute difference of the numbers of objects",
        "boundary_predicted, boundary_truth": "boundary pixels",
        "boundary_predicted_near, boundary_truth_near": "of these, within the tolerance of the other boundary",
        "tolerant_truth": "truth objects with pixels outside the band",
        "tolerant_predicted": "judged predicted objects with pixels outside the band",
        "tolerant_tp, tolerant_fp": "matches and others at IoU 0.5 outside the band",
        "tolerant_seg": "as seg, outside the band",
    }
)
"""What each sum of a record is; T stands for a threshold of IoU, such as ``tp@0.5``."""


def table_sums(table: Contingency) -> dict[str, float]:
    """Return the sums that follow from a contingency table."""
    sums: dict[str, float] = {
        "truth": table.n_truth,
        "predicted": table.n_predicted,
        "ignored": len(table.ignored),
    }
    for threshold in THRESHOLDS:
        found = match(table, threshold)
        sums[f"tp@{threshold:g}"] = found.tp
        sums[f"fp@{threshold:g}"] = found.fp
        sums[f"fn@{threshold:g}"] = found.fn
        sums[f"iou@{threshold:g}"] = float(found.iou.sum())
    sums["aji_above"], sums["aji_below"] = aji_sums(table)
    sums["aji+_above"], sums["aji+_below"] = aji_plus_sums(table)
    sums["seg"], _ = seg_sums(table)
    sums["dice_above"], sums["dice_below"] = dice_sums(table)
    both, ours, theirs = adapted_rand_sums(table)
    # Without truth it is not defined, and what is predicted there has no effect.
    sums["are_above"], sums["are_below"] = ours + theirs - 2 * both, ours + theirs
    split, merge, pixels = variation_of_information_sums(table)
    sums |= {"vi": split + merge, "vi_split": split, "vi_merge": merge, "truth_pixels": pixels}
    structure = merges_and_splits(table)
    sums |= {"merges": structure.merges, "splits": structure.splits}
    sums["count_error"] = abs(table.n_predicted - table.n_truth)
    return sums


def boundary_sums(
    truth: Array,
    predicted: Array,
    table: Contingency,
    tolerance: float,
    spacing: tuple[float, ...] | None,
    region: npt.ArrayLike | None,
    ignore: Collection[int],
) -> dict[str, float]:
    """Return the sums that need the pixels.

    Parameters
    ----------
    truth, predicted
        Label images.
    table
        Their contingency table.
    tolerance
        In the unit of ``spacing``.
    spacing
        Size of a pixel along each axis; None for 1.
    region, ignore
        As those of the table.
    """
    counts = boundary_counts(
        truth, predicted, tolerance=tolerance, spacing=spacing, region=region, ignore=ignore, table=table
    )
    tolerant = tolerant_contingency(
        truth, predicted, tolerance=tolerance, spacing=spacing, region=region, ignore=ignore, table=table
    )
    found = match(tolerant, 0.5)
    return near_sums(counts) | {
        "tolerant_truth": tolerant.n_truth,
        "tolerant_predicted": tolerant.n_predicted,
        "tolerant_tp": found.tp,
        "tolerant_fp": found.fp,
        "tolerant_seg": seg_sums(tolerant)[0],
    }


def near_sums(counts: BoundaryCounts) -> dict[str, float]:
    """Return the sums of boundary pixels."""
    return {
        "boundary_predicted": counts.predicted,
        "boundary_predicted_near": counts.predicted_near,
        "boundary_truth": counts.truth,
        "boundary_truth_near": counts.truth_near,
    }
