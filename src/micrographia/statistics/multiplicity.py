"""Many tests: which correction belongs to which claim.

"Beats all baselines" is an intersection-union test: it is claimed only if every single comparison holds, so the
largest p is its p and nothing is corrected (Berger 1982). A family of confirmatory claims gets Holm's correction,
exploration that of Benjamini and Hochberg.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def holm(p: npt.ArrayLike) -> Array:
    """Return p-values adjusted so that the chance of any false claim in the family is bounded (Holm 1979).

    Parameters
    ----------
    p
        p-values ``(m,)``; NaN is not a test: it stays NaN and is not counted.

    Returns
    -------
    Adjusted p-values ``(m,)``, float64.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1, or p is not one-dimensional.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    given, order = _checked(p)
    m = len(order)
    adjusted = np.maximum.accumulate(given[order] * np.arange(m, 0, -1))
    return _placed(given, order, adjusted)


def benjamini_hochberg(p: npt.ArrayLike) -> Array:
    """Return p-values adjusted so that the expected share of false discoveries is bounded (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p
        p-values ``(m,)``; NaN is not a test: it stays NaN and is not counted.

    Returns
    -------
    Adjusted p-values ``(m,)``, float64.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1, or p is not one-dimensional.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """
    given, order = _checked(p)
    m = len(order)
    scaled = given[order] * m / np.arange(1, m + 1)
    return _placed(given, order, np.minimum.accumulate(scaled[::-1])[::-1])


def intersection_union(p: npt.ArrayLike) -> float:
    """Return p of the claim that holds only if all claims hold: the largest; NaN if one is NaN or there is none.

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1, or p is not one-dimensional.
    """
    given, order = _checked(p)
    return float(given.max()) if len(given) and len(order) == len(given) else float("nan")


def _checked(p: npt.ArrayLike) -> tuple[Array, Array]:
    given = np.asarray(p, dtype=np.float64)
    if given.ndim != 1:
        raise ValueError(f"p-values have shape {given.shape}, not (m,)")
    tests = np.flatnonzero(~np.isnan(given))
    if ((given[tests] < 0) | (given[tests] > 1)).any():
        raise ValueError("p-values must be between 0 and 1")
    return given, tests[np.argsort(given[tests], kind="stable")]


def _placed(given: Array, order: Array, adjusted: Array) -> Array:
    out = np.full(len(given), np.nan)
    out[order] = np.minimum(adjusted, 1.0)
    return out
