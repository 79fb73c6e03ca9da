"""What a design can tell: the smallest difference that it would find with a stated probability."""

from __future__ import annotations

from functools import lru_cache
from math import isnan, sqrt

from scipy.optimize import brentq
from scipy.stats import nct, t

from micrographia.statistics.signflip import groups_needed

POWER = 0.8
"""Probability with which a minimum detectable difference is found."""


def minimum_detectable(
    sd: float, n_groups: int, *, effective: float | None = None, power: float = POWER, level: float = 0.95
) -> float:
    """Return the true difference that is found with probability ``power``.

    ``c * nc * sd / sqrt(G)``, where ``nc`` is the noncentrality at which the two-sided t test with G - 1 degrees of
    freedom has that power (Cohen 1988), and ``c = 1 + 0.7 / (2 + spare)``, with ``spare`` the groups above the least
    that can reach p (6 at 0.05), is what a verdict needs more: its sign flips and its interval must both agree. ``c``
    was fitted to simulated normal differences (1.34 for 6 groups, 1.08 for 12, 1.02 for 50); see
    ``benchmarks/calibration_verdicts.py``. For 12 groups the t test alone needs 0.89 SD.

    Parameters
    ----------
    sd
        Standard deviation of the paired difference between groups, in units of the score.
    n_groups
        Number of groups.
    effective
        Number of groups that would count as much if they weighed the same, ``(sum W)^2 / sum W^2`` (Kish 1965); all if
        None. Degrees of freedom and ``spare`` are taken from it.
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
    0.97
    """
    if not 0 < 1 - level < power < 1:
        raise ValueError("power and level must be between 0 and 1, and power above 1 - level")
    if sd < 0:
        raise ValueError("a standard deviation cannot be negative")
    least = max(2, groups_needed(1 - level))
    if n_groups < least:
        return float("nan") if isnan(sd) else float("inf")
    counting = n_groups if effective is None else min(float(n_groups), effective)
    more = 1 + 0.7 / (2 + max(0.0, counting - least))
    errors = detectable_errors(round(max(1.0, counting - 1), 2), power=power, level=level)
    return more * errors * sd / sqrt(n_groups)


@lru_cache(maxsize=256)
def detectable_errors(df: float, *, power: float = POWER, level: float = 0.95) -> float:
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
