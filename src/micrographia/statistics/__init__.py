"""Statistics of evaluations: groups are independent, not rows; verdicts come with what the design can tell."""

from micrographia.statistics.intervals import Interval, interval
from micrographia.statistics.multiplicity import benjamini_hochberg, holm, intersection_union
from micrographia.statistics.permutation import Permutations, count_permutations, permutation_p, permutations
from micrographia.statistics.power import minimum_detectable
from micrographia.statistics.rank import (
    RankCorrelation,
    RankInterval,
    kendall_tau,
    pooled_kendall_tau,
    rank_intervals,
    regret,
)
from micrographia.statistics.scores import Scores
from micrographia.statistics.signflip import sign_flip_p
from micrographia.statistics.verdicts import Comparison, Verdict, beats_all, compare

__all__ = [
    "Comparison",
    "Interval",
    "Permutations",
    "RankCorrelation",
    "RankInterval",
    "Scores",
    "Verdict",
    "beats_all",
    "benjamini_hochberg",
    "compare",
    "count_permutations",
    "holm",
    "intersection_union",
    "interval",
    "kendall_tau",
    "minimum_detectable",
    "permutation_p",
    "permutations",
    "pooled_kendall_tau",
    "rank_intervals",
    "regret",
    "sign_flip_p",
]
