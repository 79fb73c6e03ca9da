"""The shape of a representation, how alike two of them are, and which metrics a hollow one would fool."""

from micrographia.representation.geometry.describe import describe
from micrographia.representation.geometry.hubness import Hubness, hubness
from micrographia.representation.geometry.measure import Measure
from micrographia.representation.geometry.rsa import rsa
from micrographia.representation.geometry.similarity import linear_cka, procrustes
from micrographia.representation.geometry.spectrum import (
    constant_features,
    mean_cosine,
    participation_ratio,
    rank_me,
)

__all__ = [
    "Hubness",
    "Measure",
    "constant_features",
    "describe",
    "hubness",
    "linear_cka",
    "mean_cosine",
    "participation_ratio",
    "procrustes",
    "rank_me",
    "rsa",
]
