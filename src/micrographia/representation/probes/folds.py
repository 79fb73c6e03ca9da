"""Hold-outs of whole groups: by parts, one group at a time, or one group of each class at a time."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.probes.labels import Array, Coded, IntArray, coded, listed

Labels = Sequence[Any] | Array


@dataclass(frozen=True, eq=False)
class Folds:
    """Which groups are held out together, and so which rows train and which test.

    Rows are told from groups when a hold-out is asked for, so that memory does not grow with the number of hold-outs.
    Iterating gives pairs of row numbers ``(train, test)``.

    Attributes
    ----------
    groups
        Number of the group of each row ``(n,)``, int64; -1 for a row without a group, which is never used.
    names
        Names of the groups.
    held_out
        Numbers of the groups of each hold-out.
    kind
        How they were made.
    reason
        Why there are none, or why some rows are never tested; empty if neither.
    testable
        Rows that may be tested, bool ``(n,)``.
    apart
        Columns of numbers ``(n,)``: rows that share one with any row tested do not train.
    """

    groups: IntArray
    names: tuple[Hashable, ...]
    held_out: tuple[IntArray, ...]
    kind: str
    reason: str
    testable: npt.NDArray[np.bool_]
    apart: tuple[IntArray, ...] = ()

    @property
    def n(self) -> int:
        """Number of rows, also of those that are never used."""
        return len(self.groups)

    def __len__(self) -> int:
        return len(self.held_out)

    def __iter__(self) -> Iterator[tuple[IntArray, IntArray]]:
        return (self.pair(number) for number in range(len(self)))

    def pair(self, number: int) -> tuple[IntArray, IntArray]:
        """Return the rows that train and the rows that are tested in a hold-out."""
        held = np.zeros(len(self.names) + 1, dtype=bool)
        held[self.held_out[number]] = True
        inside = held[self.groups]
        inside[self.groups < 0] = False
        test = np.flatnonzero(inside & self.testable)
        train = ~inside & (self.groups >= 0)
        for key in self.apart:
            shared = np.unique(key[test])
            train &= ~np.isin(key, shared[shared >= 0])
        return np.flatnonzero(train), test

    @property
    def times_tested(self) -> IntArray:
        """How often each row is tested ``(n,)``."""
        often = np.zeros(len(self.names) + 1, dtype=np.int64)
        for held in self.held_out:
            often[held] += 1
        return np.where((self.groups >= 0) & self.testable, often[self.groups], 0)

    def title(self, number: int) -> str:
        """Name a hold-out by its groups."""
        return listed([self.names[at] for at in self.held_out[number]])

    def keep_apart(self, *keys: Labels) -> Folds:
        """Return the same hold-outs, in which rows that share a key with a tested row do not train.

        So a compound is held out and every plate (or week) that it was on. A missing key is shared with nothing.
        """
        for key in keys:
            if len(key) != self.n:
                raise ValueError(f"a key has {len(key)} labels for {self.n} rows")
        return replace(self, apart=(*self.apart, *(coded(key).codes for key in keys)))


def group_folds(groups: Labels, k: int = 5, *, labels: Labels | None = None, seed: int = 0) -> Folds:
    """Split groups into ``k`` parts of about as many rows; each part is held out once.

    With labels, the groups of each class are dealt to the parts in turn, largest first, so that each part has about as
    many groups of every class. A group counts to the class that most of its rows have.

    Parameters
    ----------
    groups
        Group of each row ``(n,)``.
    k
        Number of parts; as many as there are groups if there are fewer.
    labels
        Class of each row ``(n,)``, to balance parts. Rows of a class that occurs in one group are never tested.
    seed
        Decides between groups of equal size.

    Raises
    ------
    ValueError
        If ``k`` is below 2, or groups and labels differ in length.
    """
    if k < 2:
        raise ValueError(f"k must be at least 2, not {k}")
    of = coded(groups)
    testable, reason = _testable(of, labels)
    if of.n < 2:
        return impossible(of, "k groups")
    parts: list[list[int]] = [[] for _ in range(min(k, of.n))]
    rows = np.zeros(len(parts))
    sizes = of.counts
    rng = np.random.default_rng(seed)
    classes = np.zeros(of.n, dtype=np.int64) if labels is None else _main_class(of, coded(labels))
    order = rng.permutation(of.n)
    # The class with the fewest groups is dealt first, while every part is still open to it.
    frequency = np.bincount(classes, minlength=1)[classes]
    order = order[np.lexsort((-sizes[order], classes[order], frequency[order]))]
    held = np.zeros((len(parts), int(classes.max()) + 1), dtype=np.int64)
    for group in order.tolist():
        kind = classes[group]
        members = np.array([len(members) for members in parts])
        part = int(np.lexsort((rows, members, held[:, kind]))[0])
        parts[part].append(group)
        held[part, kind] += 1
        rows[part] += sizes[group]
    if of.n < k:
        reason = joined(reason, f"{of.n} parts instead of {k}: there are {of.n} groups")
    return made(of, [sorted(part) for part in parts], "k groups", reason, testable)


def leave_group_out(groups: Labels, *, labels: Labels | None = None) -> Folds:
    """Hold out each group once.

    Parameters
    ----------
    groups
        Group of each row ``(n,)``.
    labels
        Class of each row ``(n,)``; rows of a class that occurs in one group are never tested.

    Raises
    ------
    ValueError
        If groups and labels differ in length.
    """
    of = coded(groups)
    testable, reason = _testable(of, labels)
    if of.n < 2:
        return impossible(of, "leave group out")
    return made(of, [[group] for group in range(of.n)], "leave group out", reason, testable)


def made(
    of: Coded, held: Sequence[Sequence[int]], kind: str, reason: str, testable: npt.NDArray[np.bool_]
) -> Folds:
    """Put hold-outs together, given as numbers of groups."""
    if of.missing:
        reason = joined(reason, f"{of.missing:,} rows without a group are not used")
    arrays = tuple(np.asarray(part, dtype=np.int64) for part in held)
    return Folds(of.codes, of.names, arrays, kind, reason, testable)


def impossible(of: Coded, kind: str, reason: str = "") -> Folds:
    """Return no hold-outs, and why."""
    if not reason:
        found = f"there is one group only ({of.names[0]})" if of.n else "no row has a group"
        reason = f"{found}: nothing can be held out and something left to train on"
    return Folds(of.codes, of.names, (), kind, reason, np.zeros(len(of.codes), dtype=bool))


def _testable(of: Coded, labels: Labels | None) -> tuple[npt.NDArray[np.bool_], str]:
    """Return the rows that have a group and a class that occurs in another group too, and why others have not."""
    testable = of.codes >= 0
    if labels is None:
        return testable, ""
    if len(labels) != len(of.codes):
        raise ValueError(f"{len(labels)} labels for {len(of.codes)} rows")
    classes = coded(labels)
    n_groups = groups_per_class(of, classes)
    lone = np.flatnonzero(n_groups < 2)
    testable &= (classes.codes >= 0) & ~np.isin(classes.codes, lone)
    said = ""
    if len(lone):
        names = listed([classes.names[at] for at in lone])
        said = f"in one group only, so never tested: {names}"
    if classes.missing:
        said = joined(said, f"{classes.missing:,} rows without a label are not tested")
    return testable, said


def groups_per_class(of: Coded, classes: Coded) -> IntArray:
    """Return the number of groups in which each class occurs."""
    known = (of.codes >= 0) & (classes.codes >= 0)
    pairs = np.unique(of.codes[known] * max(1, classes.n) + classes.codes[known])
    return np.bincount(pairs % max(1, classes.n), minlength=classes.n).astype(np.int64)


def _main_class(of: Coded, classes: Coded) -> IntArray:
    """Return the class that most rows of each group have; one more than there are classes for a group without."""
    known = (of.codes >= 0) & (classes.codes >= 0)
    found, rows = np.unique(of.codes[known] * max(1, classes.n) + classes.codes[known], return_counts=True)
    order = np.lexsort((found, -rows))[::-1]
    main = np.full(of.n, classes.n, dtype=np.int64)
    main[found[order] // max(1, classes.n)] = found[order] % max(1, classes.n)
    return main


def joined(*said: str) -> str:
    """Return what was said, without what is empty, as one text."""
    return "; ".join(part for part in said if part)
