"""What a score owes to confounders."""

from micrographia.representation.confounding.decodability import Decoded, decodability, well_position
from micrographia.representation.confounding.incremental import Incremental, incremental
from micrographia.representation.confounding.matching import Matched, count_matched
from micrographia.representation.confounding.shares import Part, Shares, shares

__all__ = [
    "Decoded",
    "Incremental",
    "Matched",
    "Part",
    "Shares",
    "count_matched",
    "decodability",
    "incremental",
    "shares",
    "well_position",
]
