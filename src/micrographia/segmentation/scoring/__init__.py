"""Scores of many images: what is kept of each, pooled, weighted, with intervals, beside human agreement.

Everything is imported when it is first used: the kernels need numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from micrographia.segmentation.scoring.annotators import Annotators, Opinion
    from micrographia.segmentation.scoring.catalogue import METRICS, metric
    from micrographia.segmentation.scoring.ceiling import (
        Agreement,
        HumanCeiling,
        human_agreement,
        human_ceiling,
        score_annotators,
    )
    from micrographia.segmentation.scoring.failure import FACTORS, failure_by
    from micrographia.segmentation.scoring.metrics import THRESHOLDS, Metric, Ratio
    from micrographia.segmentation.scoring.objects import Objects
    from micrographia.segmentation.scoring.pooling import (
        compare_models,
        over_datasets,
        paired,
        scores,
    )
    from micrographia.segmentation.scoring.records import (
        PairRecord,
        counted,
        failed_pair,
        score_blockwise,
        score_pair,
    )
    from micrographia.segmentation.scoring.sums import SUMS

__all__ = [
    "FACTORS",
    "METRICS",
    "SUMS",
    "THRESHOLDS",
    "Agreement",
    "Annotators",
    "HumanCeiling",
    "Metric",
    "Objects",
    "Opinion",
    "PairRecord",
    "Ratio",
    "compare_models",
    "counted",
    "failed_pair",
    "failure_by",
    "human_agreement",
    "human_ceiling",
    "metric",
    "over_datasets",
    "paired",
    "score_annotators",
    "score_blockwise",
    "score_pair",
    "scores",
]

_HOMES = {
    "annotators": ("Annotators", "Opinion"),
    "catalogue": ("METRICS", "metric"),
    "ceiling": ("Agreement", "HumanCeiling", "human_agreement", "human_ceiling", "score_annotators"),
    "failure": ("FACTORS", "failure_by"),
    "metrics": ("THRESHOLDS", "Metric", "Ratio"),
    "objects": ("Objects",),
    "pooling": ("compare_models", "over_datasets", "paired", "scores"),
    "records": ("PairRecord", "counted", "failed_pair", "score_blockwise", "score_pair"),
    "sums": ("SUMS",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return value
