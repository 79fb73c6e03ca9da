"""The items of a design: rows of metadata without controls, put together as profiles are aggregated."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from micrographia.errors import ProfileError
from micrographia.representation.probes.labels import Array, Coded, IntArray, coded


@dataclass(eq=False)
class Items:
    """Items and their columns as numbers, each read once.

    Attributes
    ----------
    meta
        The rows that are scored.
    item
        Number of the item of each row ``(rows,)``.
    n
        Number of items.
    left_out
        Number of rows that are controls or left out.
    """

    meta: pd.DataFrame
    item: IntArray
    n: int
    left_out: int
    _known: dict[str, Coded] = field(default_factory=dict)

    def column(self, name: str) -> Coded:
        """Return a column of the items; an item whose rows differ holds the set of their labels.

        Raises
        ------
        ProfileError
            If there is no such column.
        """
        if name not in self._known:
            of = coded(_named(self.meta, name))
            self._known[name] = of if self.n == len(self.meta) else self._gathered(of)
        return self._known[name]

    def _gathered(self, of: Coded) -> Coded:
        known = of.codes >= 0
        pairs = np.unique(self.item[known] * max(1, of.n) + of.codes[known])
        item, code = pairs // max(1, of.n), pairs % max(1, of.n)
        count = np.bincount(item, minlength=self.n)
        ends = np.cumsum(count)
        labels = np.empty(self.n, dtype=object)
        single = np.flatnonzero(count == 1)
        for at in single.tolist():
            labels[at] = of.names[code[ends[at] - 1]]
        for at in np.flatnonzero(count > 1).tolist():
            labels[at] = " + ".join(str(of.names[place]) for place in code[ends[at] - count[at] : ends[at]])
        return coded(labels)

    def numbers(self, name: str) -> Array | None:
        """Return the mean of a numeric column over the rows of each item ``(n,)``; None if it is not numeric."""
        column = _named(self.meta, name)
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            return None
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(values)
        count = np.bincount(self.item[known], minlength=self.n)
        total = np.bincount(self.item[known], values[known], minlength=self.n)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.meta.columns


def items(
    meta: pd.DataFrame,
    by: Sequence[str] = (),
    controls: Mapping[str, Sequence[str]] | None = None,
    leave_out: Mapping[str, Sequence[str]] | None = None,
) -> Items:
    """Read the items of a design.

    Parameters
    ----------
    meta
        Metadata, one row a profile.
    by
        Columns by which rows are made one; none if every row is an item.
    controls, leave_out
        Columns to the values of rows that are not scored.

    Raises
    ------
    ProfileError
        If a column is not there.
    """
    kept = np.ones(len(meta), dtype=bool)
    for rule in (controls or {}, leave_out or {}):
        for name, values in rule.items():
            kept &= ~_named(meta, name).astype(str).isin([str(value) for value in values]).to_numpy()
    rows = meta.loc[kept] if not kept.all() else meta
    rows = rows.reset_index(drop=True)
    left_out = int((~kept).sum())
    if not by:
        return Items(rows, np.arange(len(rows), dtype=np.int64), len(rows), left_out)
    for name in by:
        _named(rows, name)
    item = rows.groupby(list(by), sort=True, dropna=False, observed=True).ngroup()
    number: IntArray = item.to_numpy().astype(np.int64)
    return Items(rows, number, int(number.max(initial=-1)) + 1, left_out)


def _named(meta: pd.DataFrame, name: str) -> pd.Series:
    if name in meta.columns:
        return meta[name]
    known = [str(column) for column in meta.columns]
    close = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    shown = f"{', '.join(known[:20])}{', ...' if len(known) > 20 else ''}"
    raise ProfileError("", f"the metadata have no column {name!r}{hint}", f"Columns are {shown}")
