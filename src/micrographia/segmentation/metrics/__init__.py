"""Metrics of a segmentation against the truth, from one pass over both label images.

:func:`contingency` counts how the objects of two label images overlap; everything else here is a function of its table.
Two images without objects agree perfectly: scores are 1, errors 0. What is undefined otherwise is NaN, never 0.
"""

from micrographia.segmentation.metrics.contingency import contingency, contingency_blockwise
from micrographia.segmentation.metrics.detection import (
    THRESHOLDS,
    average_precision,
    f1,
    mean_average_precision,
    precision,
    recall,
)
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.metrics.matching import Matching, exact, match
from micrographia.segmentation.metrics.overlap import (
    PanopticQuality,
    aji,
    aji_plus,
    aji_plus_sums,
    aji_sums,
    dice,
    dice_sums,
    object_dice,
    panoptic_quality,
    panoptic_quality_of,
    seg,
    seg_sums,
)
from micrographia.segmentation.metrics.partitions import (
    AdaptedRand,
    VariationOfInformation,
    adapted_rand,
    adapted_rand_sums,
    variation_of_information,
    variation_of_information_sums,
)
from micrographia.segmentation.metrics.ranked import ranked_average_precision
from micrographia.segmentation.metrics.structure import (
    CountError,
    MergesAndSplits,
    count_error,
    merges_and_splits,
)
from micrographia.segmentation.metrics.table import Contingency

__all__ = [
    "THRESHOLDS",
    "AdaptedRand",
    "Contingency",
    "CountError",
    "Matching",
    "MergesAndSplits",
    "PanopticQuality",
    "SegmentationError",
    "VariationOfInformation",
    "adapted_rand",
    "adapted_rand_sums",
    "aji",
    "aji_plus",
    "aji_plus_sums",
    "aji_sums",
    "average_precision",
    "contingency",
    "contingency_blockwise",
    "count_error",
    "dice",
    "dice_sums",
    "exact",
    "f1",
    "match",
    "mean_average_precision",
    "merges_and_splits",
    "object_dice",
    "panoptic_quality",
    "panoptic_quality_of",
    "precision",
    "ranked_average_precision",
    "recall",
    "seg",
    "seg_sums",
    "variation_of_information",
    "variation_of_information_sums",
]
