"""How much of a representation is batch: LISI, silhouettes, robustness index, average performance drop."""

from micrographia.representation.batch.correlated import CorrelatedSplit, correlated_splits, cramers_v
from micrographia.representation.batch.inputs import RowScores
from micrographia.representation.batch.lisi import Lisi, lisi, scaled_chance, scaled_clisi, scaled_ilisi
from micrographia.representation.batch.neighbours import Neighbours
from micrographia.representation.batch.performance_drop import (
    CorrelatedAccuracies,
    PerformanceDrop,
    average_performance_drop,
    correlated_accuracies,
)
from micrographia.representation.batch.robustness import RobustnessIndex, robustness_curve, robustness_index
from micrographia.representation.batch.silhouette import batch_silhouette, silhouette

__all__ = [
    "CorrelatedAccuracies",
    "CorrelatedSplit",
    "Lisi",
    "Neighbours",
    "PerformanceDrop",
    "RobustnessIndex",
    "RowScores",
    "average_performance_drop",
    "batch_silhouette",
    "correlated_accuracies",
    "correlated_splits",
    "cramers_v",
    "lisi",
    "robustness_curve",
    "robustness_index",
    "scaled_chance",
    "scaled_clisi",
    "scaled_ilisi",
    "silhouette",
]
