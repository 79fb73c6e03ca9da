"""Balanced hold-outs: one group of each class at a time, so that no class is rarer in training than in the test."""

from __future__ import annotations

from itertools import product
from math import lcm, prod

import numpy as np

from micrographia.representation.probes.folds import (
    Folds,
    Labels,
    group_folds,
    impossible,
    joined,
    leave_group_out,
    made,
)
from micrographia.representation.probes.labels import IntArray, coded, listed, pair_counts

_TRIES = 50
"""How often a round is drawn again if it repeats a hold-out."""


def one_per_class_holdouts(groups: Labels, labels: Labels, *, most: int = 256, seed: int = 0) -> Folds:
    """Hold out one group of each class together, in every way, or in a balanced sample of the ways.

    Leaving out one donor of 4/4/4 leaves 3/4/4: its own class is now the rarest, and a classifier that follows the
    prior is always wrong (it scores 0, not 1/3). One donor of each stage leaves 3/3/3: 4 x 4 x 4 = 64 hold-outs.
    All groups of a class are held out equally often. If there are more than ``most`` ways, shuffled rounds are drawn in
    which every group of a class is held out once before any is held out again.

    Parameters
    ----------
    groups
        Group of each row ``(n,)``.
    labels
        Class of each row ``(n,)``, the same for all rows of a group. A class with one group always trains and is
        never tested.
    most
        Greatest number of hold-outs.
    seed
        Of the sample.

    Raises
    ------
    ValueError
        If groups and labels differ in length, or ``most`` is below 1.
    """
    if len(groups) != len(labels):
        raise ValueError(f"{len(labels)} labels for {len(groups)} rows")
    if most < 1:
        raise ValueError(f"most must be at least 1, not {most}")
    kind = "one group a class"
    of, classes = coded(groups), coded(labels)
    pairs = pair_counts(of, classes)
    mixed = np.flatnonzero(np.bincount(pairs["first"], minlength=of.n) > 1)
    if len(mixed):
        names = listed([of.names[at] for at in mixed])
        return impossible(
            of, kind, f"groups hold rows of several classes, so none can stand for one: {names}"
        )
    members = [pairs["first"].to_numpy()[pairs["second"].to_numpy() == number] for number in range(classes.n)]
    usable = [group for group in members if len(group) > 1]
    lone = [number for number, group in enumerate(members) if len(group) == 1]
    if len(usable) < 2:
        return impossible(
            of,
            kind,
            f"{len(usable)} of {classes.n} classes have two groups or more; it takes two such classes",
        )
    reason = ""
    if lone:
        names = listed([classes.names[at] for at in lone])
        reason = f"in one group only, so never tested: {names}"
    if classes.missing:
        reason = joined(reason, f"{classes.missing:,} rows without a label are not tested")
    ways = prod(map(len, usable))
    if ways <= most:
        held = [sorted(map(int, chosen)) for chosen in product(*usable)]
    else:
        held, uneven = _sampled(usable, most, seed)
        reason = joined(reason, f"{len(held):,} of {ways:,} hold-outs, drawn in balanced rounds{uneven}")
    testable = (of.codes >= 0) & (classes.codes >= 0) & ~np.isin(classes.codes, lone)
    return made(of, held, kind, reason, testable)


def _sampled(usable: list[IntArray], most: int, seed: int) -> tuple[list[list[int]], str]:
    """Draw hold-outs in rounds after which every group of a class was held out equally often."""
    rng = np.random.default_rng(seed)
    whole = lcm(*map(len, usable))
    uneven = (
        "" if whole <= most else "; groups of a class differ by at most one in how often they are held out"
    )
    size = min(whole, most)
    seen: set[tuple[int, ...]] = set()
    held: list[list[int]] = []
    for _ in range(max(1, most // whole)):
        drawn: list[tuple[int, ...]] = []
        for _ in range(_TRIES):
            columns = [_shuffled(group, size, rng) for group in usable]
            drawn = [tuple(sorted(map(int, row))) for row in zip(*columns, strict=True)]
            if len(set(drawn)) == size and seen.isdisjoint(drawn):
                break
        seen.update(drawn)
        held.extend(map(list, drawn))
    return held, uneven


def _shuffled(group: IntArray, size: int, rng: np.random.Generator) -> IntArray:
    rounds = [rng.permutation(group) for _ in range(-(-size // len(group)))]
    return np.concatenate(rounds)[:size]


def holdouts(
    kind: str, groups: Labels, labels: Labels | None = None, *, k: int = 5, most: int = 256, seed: int = 0
) -> Folds:
    """Make hold-outs by the name of their kind.

    Parameters
    ----------
    kind
        ``group_k_fold``, ``leave_group_out`` or ``balanced`` (one group of each class).
    groups, labels
        Group and class of each row ``(n,)``; without labels, for regression, nothing is balanced.
    k
        Parts of a ``group_k_fold``.
    most
        Greatest number of balanced hold-outs.
    seed
        Decides what is drawn.

    Raises
    ------
    ValueError
        If there is no such kind, or balanced hold-outs get no labels.
    """
    if kind == "group_k_fold":
        return group_folds(groups, k, labels=labels, seed=seed)
    if kind == "leave_group_out":
        return leave_group_out(groups, labels=labels)
    if kind != "balanced":
        raise ValueError(f"no hold-outs {kind!r}; there are group_k_fold, leave_group_out, balanced")
    if labels is None:
        raise ValueError("balanced hold-outs hold out one group of each class, and need classes")
    return one_per_class_holdouts(groups, labels, most=most, seed=seed)
