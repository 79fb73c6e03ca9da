"""Mean average precision when labels are dealt out anew to the units to which they were assigned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.chance import harmonic_numbers
from micrographia.representation.retrieval.kernels.permuting import permuted_rows, sum_groups
from micrographia.representation.retrieval.keys import column, encode, groups, joined
from micrographia.representation.retrieval.pairing import Pairing, pairing_of
from micrographia.representation.retrieval.similarity import Space, each_block
from micrographia.statistics import permutations

Array = npt.NDArray[Any]
SCORES = 1 << 24
"""Most scores (of rows under permutations) that are held at a time."""


@dataclass(frozen=True, eq=False)
class Null:
    """What groups score with permuted labels.

    Attributes
    ----------
    observed
        Mean of each group with the true labels ``(groups,)``.
    drawn
        The same for each permutation ``(N, groups)``; NaN where no query of the group can be evaluated.
    exact
        Whether each assignment is there once.
    n_units
        Number of units.
    reason
        Why there are no permutations.
    """

    observed: Array
    drawn: Array
    exact: bool
    n_units: int
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Units:
    """Units and the label of each; rows without label or unit have unit -1."""

    codes: Array
    labels: Array
    blocks: list[int] | None


def permuted_means(
    compared: Space,
    meta: pd.DataFrame,
    *,
    pos_sameby: Sequence[str],
    pos_diffby: Sequence[str],
    neg_sameby: Sequence[str],
    neg_diffby: Sequence[str],
    group_by: Sequence[str],
    group_codes: Array,
    permute: str,
    assigned_to: Sequence[str],
    within: Sequence[str],
    n: int,
    least: int,
    seed: int,
    workers: int | None = None,
) -> Null:
    """Return means of groups under permutations of a label; arguments as of :func:`mean_average_precision`.

    Similarities that are equal in float32 tie here; the same similarities serve the true and the permuted labels, so
    that p does not depend on what ties.

    Raises
    ------
    ProfileError
        If the label decides what it may not, varies within a unit, or a unit lies in several blocks.
    """
    for name, columns in (("pos_diffby", pos_diffby), ("neg_sameby", neg_sameby)):
        if permute in columns:
            raise ProfileError(
                "",
                f"the label {permute!r} is permuted and stands in {name}",
                "Permute a label that positives share, and take another null here",
            )
    if permute in group_by and list(group_by) != [permute]:
        raise ProfileError(
            "", f"groups are combinations of the permuted label {permute!r} with others", "Group by it alone"
        )
    label_codes, _ = encode(column(meta, permute))
    units = _units(meta, label_codes, permute, assigned_to, within)
    held = (
        permutations(units.labels.tolist(), blocks=units.blocks, n=n, seed=seed, least=least)
        if len(units.labels)
        else None
    )
    by_label = permute in group_by
    count = int((label_codes if by_label else group_codes).max(initial=-1)) + 1
    if held is None or held.reason:
        reason = held.reason if held is not None else f"no row has the label {permute!r}"
        return Null(np.full(count, np.nan), np.empty((0, count)), False, len(units.labels), reason)
    codes = np.empty(0, np.int64) if by_label else group_codes
    orders = np.concatenate([np.arange(len(units.labels))[None], held.order])
    rest_pos = joined(meta, [name for name in pos_sameby if name != permute])
    rest_neg = joined(meta, neg_sameby) if neg_sameby else None
    known = compared.usable & (units.codes >= 0)
    barred = permute in neg_diffby
    base = pairing_of(
        rest_pos,
        [column(meta, name) for name in pos_diffby],
        rest_neg,
        [column(meta, name) for name in neg_diffby if name != permute],
        known if barred else compared.usable,
    )
    means = _means(compared, base, units, orders, codes, count, barred=barred, workers=workers)
    return Null(means[0], means[1:], held.exact, len(units.labels))


def _means(
    compared: Space,
    base: Pairing,
    units: _Units,
    orders: Array,
    codes: Array,
    count: int,
    *,
    barred: bool,
    workers: int | None,
) -> Array:
    """Return the mean of each group under each order of the units' labels, ``(orders, groups)``."""
    pos_ok = base.pos_ok & (units.codes >= 0)
    queries = np.flatnonzero(pos_ok & base.neg_ok & ((codes >= 0) if codes.size else True))
    members = groups(units.codes)
    starts = np.zeros(int(units.labels.max()) + 2, np.int64)
    np.cumsum(np.bincount(units.labels), out=starts[1:])
    pos, neg, _, neg_ok, _ = base.arrays
    harmonic = harmonic_numbers(compared.n)
    out = np.full((len(orders), count), np.nan)
    step = max(1, SCORES // max(compared.n, len(units.labels)))
    for first in range(0, len(orders), step):
        given = units.labels.astype(np.int32)[orders[first : first + step]]
        by_label = np.argsort(given, axis=1, kind="stable").astype(np.int32)
        scores = np.full((compared.n, len(given)), np.nan)

        def work(
            block: Array,
            rows: Array,
            low: int,
            high: int,
            given: Array = given,
            by_label: Array = by_label,
            scores: Array = scores,
        ) -> None:
            permuted_rows(
                block,
                rows,
                low,
                high,
                compared.arrays,
                (pos, neg, pos_ok, neg_ok),
                units.codes,
                members.starts,
                members.rows,
                given,
                by_label,
                starts,
                barred,
                harmonic,
                scores,
            )

        each_block(compared, queries, work, workers=workers)
        sums, counts = np.zeros((len(given), count)), np.zeros((len(given), count), np.int64)
        sum_groups(scores, queries, codes, given, units.codes, sums, counts)
        out[first : first + step] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return out


def _units(
    meta: pd.DataFrame, label_codes: Array, permute: str, assigned_to: Sequence[str], within: Sequence[str]
) -> _Units:
    """Return the unit of each row, the label of each unit, and its block."""
    rows = np.flatnonzero(label_codes >= 0)
    codes = np.full(len(meta), -1, np.int64)
    given = joined(meta, assigned_to) if assigned_to else np.arange(len(meta), dtype=np.int64)
    rows = rows[given[rows] >= 0]
    codes[rows] = pd.factorize(given[rows])[0]
    count = int(codes.max(initial=-1)) + 1
    labels = np.full(count, -1, np.int64)
    labels[codes[rows]] = label_codes[rows]
    if (labels[codes[rows]] != label_codes[rows]).any():
        row = int(rows[np.flatnonzero(labels[codes[rows]] != label_codes[rows])[0]])
        where = ", ".join(f"{name} {meta[name].iloc[row]!r}" for name in assigned_to)
        raise ProfileError(
            "",
            f"{permute!r} varies within a unit ({where})",
            "Name in assigned_to the columns that say to what the label was assigned",
        )
    blocks = None
    if within:
        held = joined(meta, within)
        place = np.full(count, -1, np.int64)
        place[codes[rows]] = held[rows]
        if (place[codes[rows]] != held[rows]).any() or (place < 0).any():
            raise ProfileError(
                "", f"a unit has no {' and '.join(within)}, or several", "Name blocks that hold whole units"
            )
        blocks = place.tolist()
    return _Units(codes, labels, blocks)
