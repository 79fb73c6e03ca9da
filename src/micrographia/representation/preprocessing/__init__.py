"""Preprocessing: steps that learn from training rows or controls only, and pipelines of them."""

from micrographia.representation.preprocessing.aggregating import Aggregate
from micrographia.representation.preprocessing.pipelines import (
    STEPS,
    Applied,
    FittedPipeline,
    Pipeline,
    pipeline,
)
from micrographia.representation.preprocessing.scaling import L2, Clip, RobustZ, Standardise
from micrographia.representation.preprocessing.selecting import CorrelationSelect, DropFeatures, Impute
from micrographia.representation.preprocessing.step import Fitted, Step
from micrographia.representation.preprocessing.whitening import PCA, TVN, ZCA

__all__ = [
    "L2",
    "PCA",
    "STEPS",
    "TVN",
    "ZCA",
    "Aggregate",
    "Applied",
    "Clip",
    "CorrelationSelect",
    "DropFeatures",
    "Fitted",
    "FittedPipeline",
    "Impute",
    "Pipeline",
    "RobustZ",
    "Standardise",
    "Step",
    "pipeline",
]
