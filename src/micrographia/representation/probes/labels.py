"""Labels as numbers: what is missing is -1, and nothing depends on the order of rows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]
_LONG = 40
"""Characters of a name that a sentence shows."""


@dataclass(frozen=True, eq=False)
class Coded:
    """Labels as numbers.

    Attributes
    ----------
    codes
        Number of the label of each row ``(n,)``, int64, from 0 in the order of ``names``; -1 where it is missing.
    names
        The labels that occur, sorted.
    """

    codes: IntArray
    names: tuple[Hashable, ...]

    @property
    def n(self) -> int:
        """How many different labels there are."""
        return len(self.names)

    @property
    def labels(self) -> Array:
        """The label of each row ``(n,)``, object; None where it is missing."""
        named = np.empty(self.n + 1, dtype=object)
        for at, name in enumerate(self.names):
            named[at] = name
        return np.asarray(named[self.codes])

    @property
    def missing(self) -> int:
        """How many rows have no label."""
        return int((self.codes < 0).sum())

    @property
    def counts(self) -> IntArray:
        """Number of rows of each label ``(n,)``."""
        return np.bincount(self.codes[self.codes >= 0], minlength=self.n).astype(np.int64)


def coded(labels: Sequence[Any] | Array | pd.Series[Any]) -> Coded:
    """Return labels of rows as numbers; None, NaN and NaT are missing.

    Numbers and texts are each sorted as such; of different types, the type's name comes first.

    Parameters
    ----------
    labels
        One a row, hashable: texts, numbers, tuples.

    Raises
    ------
    ProfileError
        If they are lists, arrays or other things that cannot be hashed.
    """
    listed: Any = labels
    if not isinstance(labels, np.ndarray | pd.Series):
        listed = np.empty(len(labels), dtype=object)
        listed[:] = list(labels)
    try:
        codes, uniques = pd.factorize(listed)
    except TypeError as error:
        raise ProfileError(
            "", f"labels are not comparable: {error}", "Give texts, numbers or tuples"
        ) from error
    names = [name.item() if isinstance(name, np.generic) else name for name in list(uniques)]
    order = sorted(range(len(names)), key=lambda at: _key(names[at]))
    rank = np.empty(len(names) + 1, dtype=np.int64)
    rank[order] = np.arange(len(names))
    rank[-1] = -1
    return Coded(rank[codes], tuple(names[at] for at in order))


def _key(name: Any) -> tuple[str, Any]:
    if isinstance(name, bool | int | float):
        return "", float(name)
    return type(name).__name__, name if isinstance(name, str) else repr(name)


def as_labels(codes: IntArray) -> Array:
    """Return numbers of labels ``(n,)`` as labels: float64, NaN where -1 says that there is none."""
    return np.where(codes < 0, np.nan, codes)


def cross(first: IntArray, second: IntArray) -> IntArray:
    """Return numbers for the pairs of two columns of codes ``(n,)``; -1 where either is missing."""
    width = int(second.max(initial=-1)) + 1
    return np.where((first < 0) | (second < 0), -1, first * width + second)


def pair_counts(first: Coded, second: Coded) -> pd.DataFrame:
    """Count the rows of each pair of labels that occurs.

    Returns
    -------
    Table with the columns ``first``, ``second`` (codes) and ``rows``, sorted; as long as there are pairs, so it stays
    small however many labels there are.
    """
    both = cross(first.codes, second.codes)
    found, rows = np.unique(both[both >= 0], return_counts=True)
    width = max(1, second.n)
    return pd.DataFrame({"first": found // width, "second": found % width, "rows": rows})


def listed(names: Sequence[Hashable], most: int = 5) -> str:
    """Return names for a sentence: at most so many, long ones cut, then how many more."""
    shown = ", ".join(_short(str(name)) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def _short(name: str) -> str:
    return name if len(name) <= _LONG else f"{name[: _LONG - 3]}..."
