"""How many different assignments of labels to groups there are, also when the number has thousands of digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from micrographia.representation.probes.labels import Coded, IntArray, pair_counts
from micrographia.statistics.permutation import count_permutations

_COUNTED = 1000
"""Groups up to which the number is counted; beyond, its logarithm is enough."""


@dataclass(frozen=True)
class Assignments:
    """Distinct assignments of the labels to their groups.

    Attributes
    ----------
    groups
        Number of groups with a label.
    log10
        Logarithm of the number of assignments.
    distinct
        The number; None where it has more digits than a float.
    """

    groups: int
    log10: float
    distinct: int | None

    @property
    def shown(self) -> str:
        """The number for a sentence."""
        if self.distinct is not None and self.distinct < 10**9:
            return f"{self.distinct:,}"
        return f"about 10^{int(self.log10)}"

    @property
    def smallest_p(self) -> float:
        """The smallest p that they can give."""
        return float(10.0**-self.log10)


def labels_of_groups(groups: Coded, labels: Coded) -> tuple[IntArray, IntArray]:
    """Return the label of each group ``(G,)``, -1 for none or several, and the numbers of groups with several."""
    pairs = pair_counts(groups, labels)
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    count = np.bincount(first, minlength=groups.n)
    own = np.full(groups.n, -1, dtype=np.int64)
    single = count[first] == 1
    own[first[single]] = second[single]
    return own, np.flatnonzero(count > 1)


def assignments(own: IntArray) -> Assignments:
    """Count the distinct assignments of the labels of groups; -1 is no label."""
    known = own[own >= 0]
    sizes = np.bincount(known) if len(known) else np.zeros(1, dtype=np.int64)
    log10 = float((gammaln(len(known) + 1) - gammaln(sizes + 1).sum()) / np.log(10))
    distinct = count_permutations(known.tolist()) if 0 < len(known) <= _COUNTED else None
    if distinct is not None and distinct > 2**53:
        distinct = None
    return Assignments(len(known), max(0.0, log10), distinct)
