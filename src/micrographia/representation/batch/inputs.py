"""What every metric over rows does first: check the array, number the labels, say which rows cannot be used."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Labels = Sequence[Hashable] | npt.NDArray[Any]

ROWS_AT_ONCE = 4096
"""Rows that are looked at together where a whole pass over an array needs scratch space."""


@dataclass(frozen=True, eq=False)
class RowScores:
    """What each row scores.

    Attributes
    ----------
    values
        Score of each row ``(n,)``, float64; NaN where a row cannot be evaluated.
    chance
        What the row would score if the labels had nothing to do with the features ``(n,)``.
    n_labels
        Number of different labels.
    reason
        Why rows cannot be evaluated, if some cannot; empty if all can.
    caveat
        What to keep in mind when the score is read; empty if nothing in particular.
    """

    values: Floats
    chance: Floats
    n_labels: int
    reason: str = ""
    caveat: str = ""

    @property
    def n_evaluable(self) -> int:
        """Number of rows that could be evaluated."""
        return int(np.isfinite(self.values).sum())

    @property
    def mean(self) -> float:
        """The mean over the rows that could be evaluated; NaN if there is none."""
        return average(self.values)

    @property
    def median(self) -> float:
        """The median over the rows that could be evaluated; NaN if there is none."""
        kept = self.values[np.isfinite(self.values)]
        return float(np.median(kept)) if len(kept) else float("nan")


def average(values: Floats) -> float:
    """Return the mean of the finite values; NaN if there is none."""
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if len(kept) else float("nan")


def as_matrix(values: npt.ArrayLike, what: str = "features") -> Array:
    """Return features as a C-contiguous array ``(n, d)`` of float32 or float64.

    Raises
    ------
    ProfileError
        If it is not a table of real numbers, or has no columns.
    """
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise ProfileError(
            "",
            f"{what} have shape {array.shape} and type {array.dtype}",
            "Give an (n, d) array of real numbers",
        )
    if array.shape[1] == 0:
        raise ProfileError("", f"{what} have no columns", "Give at least one feature")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    return np.ascontiguousarray(array)


def encode(labels: Labels, n: int, what: str = "labels") -> tuple[npt.NDArray[np.int64], list[Hashable]]:
    """Return a number for each label, counted in the order in which they first occur.

    Parameters
    ----------
    labels
        One label a row; None, NaN, NaT and NA are missing.
    n
        How many there must be.
    what
        What an error calls them.

    Returns
    -------
    codes
        Number of each label ``(n,)``; -1 where it is missing.
    names
        The labels by number.

    Raises
    ------
    ProfileError
        If there are not ``n``.
    """
    if len(labels) != n:
        raise ProfileError("", f"{n:,} rows of features and {len(labels):,} {what}", "Give one a row")
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "biufSU":
        held: Any = labels
    else:
        held = np.empty(n, dtype=object)
        held[:] = list(labels)
    codes, names = pd.factorize(held)
    return codes.astype(np.int64), list(names)


def finite_rows(values: Array) -> npt.NDArray[np.bool_]:
    """Tell which rows hold neither NaN nor infinite values ``(n,)``, looking at some thousand rows at a time."""
    kept = np.empty(len(values), dtype=bool)
    for start in range(0, len(values), ROWS_AT_ONCE):
        kept[start : start + ROWS_AT_ONCE] = np.isfinite(values[start : start + ROWS_AT_ONCE]).all(axis=1)
    return kept


def say_left_out(n: int, *reasons: tuple[int, str]) -> str:
    """Return ``"2 of 10 rows have no label; ..."`` for the counts that are not zero."""
    return "; ".join(f"{count:,} of {n:,} rows {text}" for count, text in reasons if count)


def few_labels(count: int) -> str:
    """Return why nothing can be compared with fewer than two labels."""
    return "there is only one label" if count else "no row has a label"


def nothing(n: int, n_labels: int, reason: str, caveat: str = "") -> RowScores:
    """Return scores of which none can be evaluated."""
    empty = np.full(n, np.nan)
    return RowScores(empty, empty.copy(), n_labels, reason, caveat)
