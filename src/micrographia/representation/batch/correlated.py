"""Training rows in which biology and centre are correlated step by step, groups kept together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.batch.inputs import Array, Labels, encode

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class CorrelatedSplit:
    """Rows to train and to test on.

    Attributes
    ----------
    step, repeat
        Which one it is, from 0.
    strength
        Cramér's V between biology and centre among the training rows: 0 in step 0, 1 in the last.
    train
        Row numbers; each class as often as any other, and as often in every step.
    inside
        Test rows of the training centres: of other groups, the same in all steps of a repeat.
    outside
        Test rows of the other centres.
    """

    step: int
    repeat: int
    strength: float
    train: Rows
    inside: Rows
    outside: Rows


def correlated_splits(
    biology: Labels,
    centre: Labels,
    groups: Labels | None = None,
    *,
    outside: Iterable[object] = (),
    steps: int = 8,
    repeats: int = 20,
    test_share: float = 0.3,
    seed: int = 0,
) -> Iterator[CorrelatedSplit]:
    """Yield splits in which biology and centre get correlated among the training rows.

    In each repeat every class gets a home centre at random, groups are divided into training and test groups, and
    step ``s`` of ``S`` takes of each class the share ``(1 - t) / C + t`` from its home and ``(1 - t) / C`` from each
    other of the ``C`` centres, ``t = s / (S - 1)``. The number of training rows and of rows of each class is the same
    in all steps; rows are taken from as many groups as there are. Test rows are the same in all steps, so only
    the correlation changes.

    Parameters
    ----------
    biology, centre, groups
        One a row ``(n,)``. Rows without biology or centre are left out; a row without a group is its own. A group
        that spans classes or centres is either in training or in test, whole.
    outside
        Centres that are never trained on.
    steps
        At least 2.
    repeats
        At least 1.
    test_share
        Share of the groups of each class and centre that is held out, at least one.
    seed
        Of homes, groups and rows.

    Yields
    ------
    CorrelatedSplit
        Repeat by repeat, step by step.

    Raises
    ------
    ProfileError
        If there are fewer than two classes or training centres, or a class lacks rows of two groups in a centre.
    ValueError
        If a number is out of range.

    References
    ----------
    After J. Kömen et al., arXiv 2507.17845 (2025), who do so for given classes and centres; homes at random, groups and
    any number of classes and centres are choices made here.
    """
    if steps < 2 or repeats < 1 or not 0 < test_share < 1:
        raise ValueError("steps must be at least 2, repeats at least 1, the test share between 0 and 1")
    n = len(biology)
    kind, kinds = encode(biology, n, "biological labels")
    place, places = encode(centre, n, "centres")
    unit = np.arange(n, dtype=np.int64) if groups is None else encode(groups, n, "groups")[0]
    unit[unit < 0] = n + np.flatnonzero(unit < 0)
    unknown = [str(name) for name in outside if name not in places]
    if unknown:
        raise ProfileError(
            "", f"there is no centre {unknown[0]!r}", f"Centres are {', '.join(map(str, places[:20]))}"
        )
    away = np.isin(place, [places.index(name) for name in outside])
    known = (kind >= 0) & (place >= 0)
    inner = np.flatnonzero(known & ~away)
    classes, centres = np.unique(kind[inner]), np.unique(place[inner])
    if len(classes) < 2 or len(centres) < 2:
        raise ProfileError(
            "",
            f"{len(classes)} biological labels and {len(centres)} training centres",
            "At least two of each are needed to correlate them",
        )
    for one in classes:
        for where in centres:
            if len(np.unique(unit[inner[(kind[inner] == one) & (place[inner] == where)]])) < 2:
                raise ProfileError(
                    "",
                    f"{kinds[one]!r} has rows of fewer than two groups in centre {places[where]!r}",
                    "Leave the class or the centre out; biology and centre cannot be told apart there",
                )
    # Rows of a group that also has rows outside would be known from training.
    for repeat in range(repeats):
        random = np.random.default_rng([seed, repeat])
        test_units = _held_out(kind[inner], place[inner], unit[inner], test_share, random)
        held = np.isin(unit[inner], test_units)
        pool, inside = inner[~held], inner[held]
        others = np.flatnonzero(known & away & ~np.isin(unit, unit[pool]) & np.isin(kind, classes))
        homes = random.permutation(len(centres))[np.arange(len(classes)) % len(centres)]
        cells = [
            [_spread(pool[(kind[pool] == one) & (place[pool] == where)], unit, random) for where in centres]
            for one in classes
        ]
        size = _class_size(cells, homes)
        if size < len(centres):
            raise ProfileError(
                "",
                "too few training rows in a class and centre once groups are held out",
                "Hold out a smaller share, or leave out the smallest class or centre",
            )
        for step in range(steps):
            taken = []
            for index, home in enumerate(homes):
                counts = _counts(size, len(centres), int(home), step / (steps - 1))
                taken += [cells[index][at][:count] for at, count in enumerate(counts)]
            train = np.sort(np.concatenate(taken))
            strength = cramers_v(kind[train], place[train])
            yield CorrelatedSplit(step, repeat, strength, train, inside, others)


def _held_out(kind: Array, place: Array, unit: Array, share: float, random: np.random.Generator) -> Array:
    """Return groups for testing: of each class and centre the share, at least one, and never all."""
    cells = np.unique(np.stack([kind, place], axis=1), axis=0)
    members = [np.unique(unit[(kind == one) & (place == where)]) for one, where in cells]
    order = random.permutation(np.unique(unit))
    held: list[int] = []
    # Groups that are in many cells count in all of them.
    missing = [max(1, round(share * len(own))) for own in members]
    spare = [len(own) - 1 for own in members]
    inside = {int(one): [at for at, own in enumerate(members) if one in own] for one in order}
    for one in order.tolist():
        touched = inside[one]
        if any(missing[at] > 0 for at in touched) and all(spare[at] > 0 for at in touched):
            held.append(one)
            for at in touched:
                missing[at] -= 1
                spare[at] -= 1
    return np.array(held, dtype=np.int64)


def _spread(rows: Rows, unit: Array, random: np.random.Generator) -> Rows:
    """Return rows in random order, one of each group before a second of any."""
    rows = random.permutation(rows)
    if not len(rows):
        return rows
    _, own = np.unique(unit[rows], return_inverse=True)
    order = np.argsort(own, kind="stable")
    starts = np.searchsorted(own[order], np.arange(own.max() + 1))
    turn = np.empty(len(rows), dtype=np.intp)
    turn[order] = np.arange(len(rows)) - starts[own[order]]
    return rows[np.argsort(turn, kind="stable")]


def _class_size(cells: list[list[Rows]], homes: Array) -> int:
    """Return how many training rows a class can have in every step."""
    centres = len(cells[0])
    at_home = min(len(cells[index][home]) for index, home in enumerate(homes))
    smallest = min(len(cell) for row in cells for cell in row)
    size = min(at_home, smallest * centres)
    return size - size % centres


def _counts(size: int, centres: int, home: int, t: float) -> list[int]:
    """Return how many rows of a class come from each centre; they sum to ``size``."""
    each = int((1.0 - t) * size / centres + 1e-9)
    counts = [each] * centres
    counts[home] = size - each * (centres - 1)
    return counts


def cramers_v(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return Cramér's V of two labelings, from 0 (independent) to 1 (one decides the other).

    ``sqrt(chi2 / (n (min(r, c) - 1)))``, H. Cramér, Mathematical Methods of Statistics (1946), 21.9; NaN if either
    has one label only.
    """
    rows, columns = (np.unique(np.asarray(labels), return_inverse=True)[1] for labels in (first, second))
    if not len(rows) or rows.max() < 1 or columns.max() < 1:
        return float("nan")
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    chi2 = ((table - expected) ** 2 / expected).sum()
    return float(np.sqrt(chi2 / (table.sum() * (min(table.shape) - 1))))
