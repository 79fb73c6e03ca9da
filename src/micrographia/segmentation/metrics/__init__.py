"""Metrics of a segmentation against the truth, from one pass over both label images.

:func:`contingency` counts how the objects of two label images overlap; everything else here is a function of its table.
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
from micrographia.segmentation.metrics.table import Contingency

__all__ = [
    "THRESHOLDS",
    "Contingency",
    "Matching",
    "SegmentationError",
    "average_precision",
    "contingency",
    "contingency_blockwise",
    "exact",
    "f1",
    "match",
    "mean_average_precision",
    "precision",
    "recall",
]
