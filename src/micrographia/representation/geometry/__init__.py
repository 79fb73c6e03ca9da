"""The shape of a representation, how alike two of them are, and which metrics a hollow one would fool."""

from micrographia.representation.geometry.describe import describe
from micrographia.representation.geometry.hubness import Hubness, hubness
from micrographia.representation.geometry.measure import Measure
from micrographia.representation.geometry.rank_stability import RankStability, rank_stability
from micrographia.representation.geometry.rsa import rsa
from micrographia.representation.geometry.self_test import self_test, untrusted
from micrographia.representation.geometry.similarity import linear_cka, procrustes
from micrographia.representation.geometry.spectrum import (
    constant_features,
    mean_cosine,
    participation_ratio,
    rank_me,
)
from micrographia.representation.geometry.tried_metrics import TriedMetric

__all__ = [
    "Hubness",
    "Measure",
    "RankStability",
    "TriedMetric",
    "constant_features",
    "describe",
    "hubness",
    "linear_cka",
    "mean_cosine",
    "participation_ratio",
    "procrustes",
    "rank_me",
    "rank_stability",
    "rsa",
    "self_test",
    "untrusted",
]
