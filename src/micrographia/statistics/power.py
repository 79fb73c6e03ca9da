"""What a design can tell: the smallest difference that it would find with a stated probability."""

from __future__ import annotations

from functools import lru_cache
from math import isnan, sqrt

from scipy.optimize import brentq
from scipy.stats import nct, norm, t

from micrographia.statistics.signflip import groups_needed

SIGN_FLIP = {1: 1.046, 2: 1.030, 3: 1.019, 4: 1.007}
"""How much larger a difference the sign-flip test needs than the t test, by the number of groups above the least
(7 to 10 groups at 0.05): simulated, normal differences, 80% power. See ``benchmarks/calibration_verdicts.py``."""


def minimum_detectable(sd: float, n_groups: int, *, power: float = 0.8, level: float = 0.95) -> float:
    """Return the true difference that is found with probability ``power``.

    ``nc * sd / sqrt(G)``, where ``nc`` is the noncentrality at which the two-sided t test with G - 1 degrees of freedom
    has that power (Cohen 1988): 0.89 SD for 12 groups. With few groups the sign-flip test needs more than the t test:
    1.79 SD for 6 groups, where all six signs must agree, whose chance is ``Phi(d)^6``; ``SIGN_FLIP`` beyond that.

    Parameters
    ----------
    sd
        Standard deviation of the paired difference between groups, in units of the score.
    n_groups
        Number of groups.
    power
        Probability that the difference is found.
    level
        1 minus the greatest p that counts as found.

    Returns
    -------
    Difference in units of the score; infinite if so few groups can never reach p, NaN if ``sd`` is NaN.

    Raises
    ------
    ValueError
        If ``level`` is not between 0 and 1, ``power`` not between ``1 - level`` and 1, or ``sd`` is negative.

    Examples
    --------
    >>> round(minimum_detectable(1.0, 12), 2)
    0.89
    """
    if not 0 < 1 - level < power < 1:
        raise ValueError("power and level must be between 0 and 1, and power above 1 - level")
    if sd < 0:
        raise ValueError("a standard deviation cannot be negative")
    spare = n_groups - max(2, groups_needed(1 - level))
    if spare < 0:
        return float("nan") if isnan(sd) else float("inf")
    by_t = detectable_errors(n_groups - 1, power=power, level=level) / sqrt(n_groups)
    if spare == 0:
        return max(by_t, float(norm.ppf(power ** (1 / n_groups)))) * sd
    return by_t * SIGN_FLIP.get(spare, 1.0) * sd


@lru_cache(maxsize=256)
def detectable_errors(df: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Return the true difference, in standard errors, that a two-sided t test finds with probability ``power``.

    Parameters
    ----------
    df
        Degrees of freedom of the standard error, at least 1.
    power
        Probability that the difference is found.
    level
        1 minus the greatest p that counts as found.
    """
    bound = float(t.ppf((1 + level) / 2, df))
    largest = 2.0 * bound
    # The chance to find the difference on the wrong side is left out: it is below 1 in a million at this power.
    while float(nct.sf(bound, df, largest)) < power:
        largest *= 1.5
    return float(brentq(lambda shift: float(nct.sf(bound, df, shift)) - power, 0.0, largest, xtol=1e-9))
