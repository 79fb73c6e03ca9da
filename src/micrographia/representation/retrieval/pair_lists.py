"""Lists of known pairs: which are among the names, which are not, and which pairs hang together by shared names."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError

MOST_PAIRS = 5_000_000
"""Pairs of names that share a value, beyond which a column is no list of pairs."""


@dataclass(frozen=True, slots=True)
class PairList:
    """Known pairs among names.

    Attributes
    ----------
    pairs
        Numbers of the two names of each pair, the smaller first; each pair once, in the order given.
    n_unknown, n_repeated, n_self
        Pairs that were left out: a name is not there; given before, in either order; of a name with itself.
    """

    pairs: tuple[tuple[int, int], ...]
    n_unknown: int = 0
    n_repeated: int = 0
    n_self: int = 0

    @property
    def left_out(self) -> str:
        """What was left out, as a clause; empty if nothing was."""
        told = (
            (self.n_unknown, "name what is not among the rows"),
            (self.n_repeated, "were given twice"),
            (self.n_self, "are of a name with itself"),
        )
        return "; ".join(f"{count:,} known pairs {what}" for count, what in told if count)


def pair_list(
    names: Sequence[str],
    given: Iterable[tuple[str, str]] = (),
    shared: Iterable[Sequence[Iterable[Hashable]]] = (),
) -> PairList:
    """Return the known pairs among names.

    Parameters
    ----------
    names
        Each once.
    given
        Pairs of names.
    shared
        For each column the values of each name; names with a value in common are a pair.

    Raises
    ------
    ProfileError
        If more than :data:`MOST_PAIRS` pairs share a value.
    """
    places = {name: at for at, name in enumerate(names)}
    found: dict[tuple[int, int], None] = {}
    unknown = repeated = same = 0
    for one, other in given:
        if one == other:
            same += 1
        elif one not in places or other not in places:
            unknown += 1
        else:
            a, b = sorted((places[one], places[other]))
            repeated += (a, b) in found
            found[a, b] = None
    for column in shared:
        members: dict[Hashable, list[int]] = {}
        for at, values in enumerate(column):
            for value in dict.fromkeys(values):
                members.setdefault(value, []).append(at)
        count = sum(len(held) * (len(held) - 1) // 2 for held in members.values())
        if count > MOST_PAIRS:
            raise ProfileError(
                "", f"{count:,} pairs of names share a value", "Name a column of smaller groups"
            )
        for held in members.values():
            found |= dict.fromkeys(combinations(held, 2))
    return PairList(tuple(found), unknown, repeated, same)


def connected(pairs: Sequence[tuple[int, int]], groups: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    """Return the component of each pair: pairs that share a group, directly or over others, are in one.

    Parameters
    ----------
    pairs
        Numbers of the two ends of each pair.
    groups
        Group of each end; None is a group of its own.

    Returns
    -------
    ndarray
        int64 ``(pairs,)``, from 0 in the order of first occurrence.

    Examples
    --------
    >>> connected([(0, 1), (2, 3), (1, 4)], ["a", "b", "c", "d", "e"]).tolist()
    [0, 1, 0]
    """
    codes: dict[Hashable, int] = {}
    own = [
        codes.setdefault(("", at) if group is None else group, len(codes)) for at, group in enumerate(groups)
    ]
    parent = list(range(len(codes)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for one, other in pairs:
        parent[root(own[one])] = root(own[other])
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root(own[one]), len(numbers)) for one, _ in pairs], np.int64)
