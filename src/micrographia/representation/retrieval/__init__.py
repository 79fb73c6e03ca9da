"""Retrieval: do the rows most like a row share its label? Ties at expectation, beside exact chance.

A score comes per query, so that groups of queries can be resampled; a query that cannot be evaluated is NaN with a
reason. No array grows with the square of the rows.
"""

from micrographia.representation.retrieval.average_precision import average_precision
from micrographia.representation.retrieval.chance import (
    expected_average_precision,
    random_average_precision,
)
from micrographia.representation.retrieval.control import matched_control
from micrographia.representation.retrieval.known_pairs import KnownPairs, Recall, known_pairs
from micrographia.representation.retrieval.mean_average_precision import mean_average_precision
from micrographia.representation.retrieval.neighbours import (
    NeighbourResult,
    nearest_neighbour,
    nearest_neighbours,
)
from micrographia.representation.retrieval.recall import recall_at_k
from micrographia.representation.retrieval.reproducibility import Reproducibility, replicate_reproducibility
from micrographia.representation.retrieval.similarity import Distance

__all__ = [
    "Distance",
    "KnownPairs",
    "NeighbourResult",
    "Recall",
    "Reproducibility",
    "average_precision",
    "expected_average_precision",
    "known_pairs",
    "matched_control",
    "mean_average_precision",
    "nearest_neighbour",
    "nearest_neighbours",
    "random_average_precision",
    "recall_at_k",
    "replicate_reproducibility",
]
