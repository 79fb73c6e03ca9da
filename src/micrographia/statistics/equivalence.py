"""Equivalence: a difference that is shown to be smaller than the one that matters.

"Not significant" is not "equal". Equivalence within +-delta is claimed only if both one-sided tests reject: that the
difference is -delta or less, and that it is delta or more (Schuirmann 1987).
"""

from __future__ import annotations

from scipy.stats import t

from micrographia.statistics.groups import Sums
from micrographia.statistics.signflip import sign_flip_p


def equivalence_p(differences: Sums, delta: float, *, seed: int = 0) -> float:
    """Return p of two one-sided sign-flip tests of the differences shifted by delta: the larger of both.

    Parameters
    ----------
    differences
        Sums over groups of weight times difference, and of weights.
    delta
        The smallest difference that matters, at least 0, in units of the score.
    seed
        Seed of drawn signs if there are more than 32 groups.
    """
    above = sign_flip_p(differences.above + delta * differences.below, sides=1, seed=seed)
    below = sign_flip_p(delta * differences.below - differences.above, sides=1, seed=seed)
    return max(above, below)


def equivalence_p_t(difference: float, error: float, df: float, delta: float) -> float:
    """Return p of two one-sided t tests: the larger of both.

    Parameters
    ----------
    difference, error
        The difference and its standard error.
    df
        Degrees of freedom of the standard error.
    delta
        The smallest difference that matters, at least 0.
    """
    if error == 0:
        return 0.0 if abs(difference) < delta else 1.0
    return float(t.sf((delta - abs(difference)) / error, df))
