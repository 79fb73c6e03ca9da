"""Which rows are positives of a query and which are negatives, from columns of metadata.

The four lists of columns mean what they mean in copairs: a positive has the same value as the query in every column
of ``pos_sameby`` and another in every column of ``pos_diffby``; a negative likewise with ``neg_sameby`` and
``neg_diffby``. A row is never its own positive or negative. A row that would be both is a positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.representation.retrieval.kernels.pairs import count_pairs
from micrographia.representation.retrieval.keys import (
    Barriers,
    Columns,
    Groups,
    barriers,
    column,
    combine,
    fingerprint,
    groups,
    joined,
    names_of,
)

Array = npt.NDArray[Any]
REASONS = {
    1: "features are missing",
    2: "a label is missing",
    3: "no positives",
    4: "no negatives",
}


@dataclass(frozen=True, eq=False)
class Pairing:
    """The positives and negatives of every row.

    Attributes
    ----------
    pos, neg
        Rows by the columns in which they must be the same; all rows one group if there are none.
    pos_apart, neg_apart
        Rows that share a value of a column in which they must differ.
    pos_whole, neg_whole
        Whether no column must be the same.
    pos_ok, neg_ok
        Rows that can be a positive, a negative: features and labels are there, ``(n,)``.
    n_positive, n_negative
        How many each row has ``(n,)``, int64.
    reason
        Why a row cannot be evaluated, ``(n,)``, int8: 0 if it can, else a key of ``REASONS``.
    """

    pos: Groups
    neg: Groups
    pos_apart: Barriers
    neg_apart: Barriers
    neg_whole: bool
    pos_ok: npt.NDArray[np.bool_]
    neg_ok: npt.NDArray[np.bool_]
    n_positive: Array
    n_negative: Array
    reason: Array

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What kernels take."""
        return (
            (self.pos.codes, self.pos.starts, self.pos.rows, *self.pos_apart.arrays),
            (self.neg.codes, self.neg.starts, self.neg.rows, *self.neg_apart.arrays),
            self.pos_ok,
            self.neg_ok,
            self.neg_whole,
        )

    @property
    def never_negative(self) -> Array:
        """Rows that are no query's negative, int64."""
        return np.flatnonzero(~self.neg_ok)


def pairing(
    meta: pd.DataFrame,
    usable: npt.NDArray[np.bool_],
    *,
    pos_sameby: Columns,
    pos_diffby: Columns = (),
    neg_sameby: Columns = (),
    neg_diffby: Columns = (),
) -> Pairing:
    """Find out who is compared with whom.

    Parameters
    ----------
    meta
        Metadata, ``n`` rows.
    usable
        Rows whose features are finite ``(n,)``.
    pos_sameby, pos_diffby, neg_sameby, neg_diffby
        Names of columns.

    Raises
    ------
    ProfileError
        If the numbers of rows differ, a column is unknown, nothing says what is the same in positives, or a column
        must be both the same and different.
    """
    n = len(usable)
    if len(meta) != n:
        raise ProfileError(
            "",
            f"there are {n:,} rows of features and {len(meta):,} of metadata",
            "Give both in the same order, a row each",
        )
    same, apart = names_of(pos_sameby), names_of(pos_diffby)
    neg_same, neg_apart = names_of(neg_sameby), names_of(neg_diffby)
    if not same:
        raise ProfileError(
            "", "pos_sameby names no column", "Say in which columns a positive equals the query"
        )
    for what, both in (("pos", set(same) & set(apart)), ("neg", set(neg_same) & set(neg_apart))):
        if both:
            raise ProfileError(
                "",
                f"{what}_sameby and {what}_diffby both name {min(both)!r}",
                "No pair is the same and different",
            )
    return pairing_of(
        joined(meta, same),
        [column(meta, name) for name in apart],
        joined(meta, neg_same) if neg_same else None,
        [column(meta, name) for name in neg_apart],
        usable,
    )


def pairing_of(
    pos_codes: Array,
    pos_apart: Sequence[npt.NDArray[np.object_]],
    neg_codes: Array | None,
    neg_apart: Sequence[npt.NDArray[np.object_]],
    usable: npt.NDArray[np.bool_],
) -> Pairing:
    """Find out who is compared with whom, from codes (-1 is missing) and labels."""
    n = len(usable)
    pos_barriers, neg_barriers = barriers(pos_apart, n), barriers(neg_apart, n)
    held = np.zeros(n, np.int64) if neg_codes is None else neg_codes
    pos_ok = usable & (pos_codes >= 0) & ~pos_barriers.missing
    neg_ok = usable & (held >= 0) & ~neg_barriers.missing
    pos, neg = groups(pos_codes, pos_ok), groups(held, neg_ok)
    evaluable = pos_ok & neg_ok
    reason = np.where(usable, np.where(evaluable, 0, 2), 1).astype(np.int8)
    n_positive, n_negative = np.zeros(n, np.int64), np.zeros(n, np.int64)
    made = Pairing(
        pos=pos,
        neg=neg,
        pos_apart=pos_barriers,
        neg_apart=neg_barriers,
        neg_whole=neg_codes is None,
        pos_ok=pos_ok,
        neg_ok=neg_ok,
        n_positive=n_positive,
        n_negative=n_negative,
        reason=reason,
    )
    rows = np.flatnonzero(evaluable)
    if len(rows):
        kinds = combine([pos_codes, held, *(fingerprint(values) for values in (*pos_apart, *neg_apart))])[
            rows
        ]
        _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
        counts = np.empty((len(first), 2), np.int64)
        pos_side, neg_side, _, _, whole = made.arrays
        count_pairs(
            rows[first].astype(np.int64), pos_side, neg_side, neg_ok, whole, int(neg_ok.sum()), counts
        )
        n_positive[rows], n_negative[rows] = counts[kind, 0], counts[kind, 1]
        reason[rows[n_negative[rows] == 0]] = 4
        reason[rows[n_positive[rows] == 0]] = 3
    return made
