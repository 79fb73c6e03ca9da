"""How strongly two columns go together, from counts of the pairs that occur: no table of all labels by all labels."""

from __future__ import annotations

import numpy as np

from micrographia.representation.probes.labels import Array, Coded, pair_counts


def cramers_v(first: Coded, second: Coded) -> float:
    """Return Cramer's V with Bergsma's correction of its bias (J. Korean Stat. Soc. 2013).

    ``phi2 = chi2 / n = sum n_ij^2 / (n_i n_j) - 1``, less its expectation ``(r - 1)(c - 1) / (n - 1)`` without
    association, over the largest value that it could have after the same correction of r and c.

    Parameters
    ----------
    first, second
        Labels of the same rows; rows without either are left out.

    Returns
    -------
    0 (no more than chance) to 1; NaN if either has fewer than two labels.
    """
    pairs = pair_counts(first, second)
    rows = pairs["rows"].to_numpy(dtype=np.float64)
    n = rows.sum()
    left = np.bincount(pairs["first"], rows)
    right = np.bincount(pairs["second"], rows)
    r, c = int((left > 0).sum()), int((right > 0).sum())
    if r < 2 or c < 2:
        return float("nan")
    phi2 = float((rows**2 / (left[pairs["first"]] * right[pairs["second"]])).sum()) - 1
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    most = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi2 / most))) if most > 0 else float("nan")


def epsilon_squared(values: Array, classes: Coded) -> float:
    """Return the share of the variance of a number that classes explain, corrected for chance (Kelley 1935).

    ``1 - (SS_within / (n - k)) / (SS_total / (n - 1))``.

    Parameters
    ----------
    values
        Numbers ``(n,)``; NaN is left out.
    classes
        Class of the same rows.

    Returns
    -------
    At most 1, about 0 without association, and as far below as chance goes; NaN if it is undefined.
    """
    known = np.isfinite(values) & (classes.codes >= 0)
    y, of = values[known], classes.codes[known]
    count = np.bincount(of, minlength=1)
    k, n = int((count > 0).sum()), len(y)
    if k < 2 or n <= k:
        return float("nan")
    total = float(((y - y.mean()) ** 2).sum())
    if total <= 1e-20 * max(1.0, float((y**2).sum())):
        return float("nan")
    means = np.bincount(of, y, minlength=len(count)) / np.maximum(count, 1)
    within = float(((y - means[of]) ** 2).sum())
    return 1 - (within / (n - k)) / (total / (n - 1))


def determines(first: Coded, second: Coded) -> bool:
    """Whether each label of the first goes with one label of the second only (the first is nested in the second)."""
    pairs = pair_counts(first, second)
    return bool(len(pairs)) and not bool((np.bincount(pairs["first"]) > 1).any())


def several(first: Coded, second: Coded) -> Array:
    """Return the numbers of the labels of the first that go with more than one label of the second."""
    return np.flatnonzero(np.bincount(pair_counts(first, second)["first"], minlength=first.n) > 1)


def only_in_one(first: Coded, second: Coded) -> Array:
    """Return the numbers of the labels of the first that go with exactly one label of the second."""
    return np.flatnonzero(np.bincount(pair_counts(first, second)["first"], minlength=first.n) == 1)
