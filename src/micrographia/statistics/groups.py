"""Groups of items: sums over each, and the standard error of a score when groups, not items, are independent."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

UNKNOWN = "groups unknown, optimistic"


@dataclass(frozen=True, eq=False)
class Groups:
    """To which group each item belongs.

    Attributes
    ----------
    name
        Name of the factor; empty if groups are unknown.
    codes
        Number of the group of each item ``(n,)``, int64, from 0.
    n
        Number of groups.
    reason
        What a reader must know, such as that groups are unknown.
    """

    name: str
    codes: Array
    n: int
    reason: str = ""


def group(factors: Mapping[str, Sequence[Hashable] | Array], name: str, kept: Array) -> Groups:
    """Return the groups of a factor among the items that are kept.

    Groups are numbered by the order of their names, so that nothing depends on the order of items.

    Parameters
    ----------
    factors
        Name of a factor to the label of each item. If empty, each item is a group of its own.
    name
        The factor.
    kept
        Which items count, bool ``(n,)``.

    Raises
    ------
    ValueError
        If there are factors, but none of this name.
    """
    rows = np.flatnonzero(kept)
    if not factors or not name:
        return Groups("", np.arange(len(rows)), len(rows), UNKNOWN)
    if name not in factors:
        raise ValueError(f"no factor {name!r}; there are {', '.join(map(repr, factors))}")
    labels = factors[name]
    if isinstance(labels, np.ndarray):
        codes, n, missing = encode(labels[rows])
    else:
        listed = list(labels)
        codes, n, missing = encode([listed[row] for row in rows.tolist()])
    reason = f"{missing} items without {name} are groups of their own" if missing else ""
    return Groups(name, codes, n, reason)


def encode(labels: Iterable[Hashable] | Array) -> tuple[Array, int, int]:
    """Give labels numbers from 0 in the order of their names, each missing label (None, NaN) one of its own.

    Returns
    -------
    The number of each label ``(n,)``, how many numbers there are, and how many labels are missing.
    """
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "biuSU":
        named_once, inverse = np.unique(labels, return_inverse=True)
        order, n, _ = encode(named_once.tolist())
        return order[inverse], n, 0
    listed = [None if is_missing(label) else label for label in labels]
    named = sorted(
        {label for label in listed if label is not None}, key=lambda label: (str(label), repr(label))
    )
    numbers: dict[Hashable, int] = {label: number for number, label in enumerate(named)}
    codes = np.empty(len(listed), dtype=np.int64)
    n = len(named)
    for row, label in enumerate(listed):
        if label is None:
            codes[row] = n
            n += 1
        else:
            codes[row] = numbers[label]
    return codes, n, n - len(named)


def is_missing(label: Hashable) -> bool:
    """Whether a label says nothing: None, NaN, NaT or the missing value of pandas."""
    if label is None:
        return True
    same = label == label  # only missing values differ from themselves
    return type(label).__name__ == "NAType" or not same


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums of a score over groups, all that its resampling needs.

    Attributes
    ----------
    above
        Sum of weight times value in each group ``(G,)``.
    below
        Sum of weights in each group ``(G,)``, above 0.
    """

    above: Array
    below: Array

    @property
    def n(self) -> int:
        """Number of groups."""
        return len(self.above)

    @property
    def score(self) -> float:
        """The weighted mean."""
        return float(self.above.sum() / self.below.sum())

    @property
    def means(self) -> Array:
        """Score of each group ``(G,)``."""
        return np.asarray(self.above / self.below)

    @property
    def effective(self) -> float:
        """Number of groups that would count as much if they weighed the same (Kish 1965)."""
        return float(self.below.sum() ** 2 / (self.below**2).sum())

    @property
    def standard_error(self) -> float:
        """Standard error of the score by leaving out one group at a time; NaN for fewer than 2 groups.

        ``(G - 1) / G * sum_g (r_g / (W - W_g))^2`` with the residual ``r_g = A_g - score * W_g``: the jackknife
        centred on the score, called CV3 by MacKinnon, Nielsen & Webb (J. Appl. Econometrics 2023). It is larger than
        the linearised one if a few groups hold most of the weight, and equal to ``sd / sqrt(G)`` if all weigh the same.
        """
        total = self.below.sum()
        rest = total - self.below
        if self.n < 2 or (rest <= 1e-12 * total).any():
            return float("nan")
        shift = (self.above - self.score * self.below) / rest
        return float(np.sqrt((self.n - 1) / self.n * (shift**2).sum()))


def sums(values: Array, weights: Array, groups: Groups) -> Sums:
    """Sum over groups; groups without weight are left out.

    Parameters
    ----------
    values, weights
        Items ``(n,)``, finite.
    groups
        Groups of the same items.
    """
    below = np.bincount(groups.codes, weights, minlength=groups.n)
    above = np.bincount(groups.codes, weights * values, minlength=groups.n)
    kept = below > 0
    return Sums(above[kept], below[kept])
