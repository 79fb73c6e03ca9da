"""Labels as whole numbers: which rows share a label, and which rows a comparison leaves out.

A missing label (None, NaN, NaT, NA) equals nothing and differs from nothing: whoever cannot say which compound a well
holds can say neither that two wells hold the same nor that they hold different ones. A label may be a set (also a
list or a tuple), such as the plates of a treatment: two rows then share it if their sets have an element in common.
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.errors import ProfileError

Array = npt.NDArray[Any]
SETS = (set, frozenset, list, tuple, np.ndarray)
Columns = str | Sequence[str] | None


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows by label.

    Attributes
    ----------
    codes
        Label of each row ``(n,)``, int64; -1 is missing.
    starts
        Where the rows of each label begin in ``rows``, ``(number of labels + 1,)``, int64.
    rows
        Rows, sorted by label, then by number, int64.
    """

    codes: Array
    starts: Array
    rows: Array

    @property
    def n_labels(self) -> int:
        """Number of different labels."""
        return len(self.starts) - 1


@dataclass(frozen=True, eq=False)
class Barriers:
    """For each row, the rows that share any of several labels with it.

    Attributes
    ----------
    row_starts, row_codes
        The codes of row ``i`` are ``row_codes[row_starts[i]:row_starts[i + 1]]``, int64.
    code_starts, code_rows
        The rows that have code ``c`` are ``code_rows[code_starts[c]:code_starts[c + 1]]``, int64.
    missing
        Rows that lack one of the labels ``(n,)``.
    """

    row_starts: Array
    row_codes: Array
    code_starts: Array
    code_rows: Array
    missing: npt.NDArray[np.bool_]

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """What kernels take."""
        return self.row_starts, self.row_codes, self.code_starts, self.code_rows


def names_of(columns: Columns) -> list[str]:
    """Return names of columns, given one, several or none."""
    if columns is None:
        return []
    return [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))


def column(meta: pd.DataFrame, name: str) -> npt.NDArray[np.object_]:
    """Return a column; what is missing is None.

    Raises
    ------
    ProfileError
        If there is no such column.
    """
    if name not in meta.columns:
        known = [str(column) for column in meta.columns]
        close = difflib.get_close_matches(name, known, 1)
        raise ProfileError(
            "",
            f"there is no column {name!r}{f'; did you mean {close[0]!r}?' if close else ''}",
            f"Columns are {', '.join(known[:20])}{', ...' if len(known) > 20 else ''}",
        )
    return labels(meta[name])


def labels(held: Any, n: int | None = None) -> npt.NDArray[np.object_]:
    """Return labels as objects; what is missing is None.

    Raises
    ------
    ProfileError
        If they are not ``n``, or not one a row.
    """
    if isinstance(held, pd.Series):
        series = held
    else:
        items = list(held)
        filled = np.empty(len(items), dtype=object)
        for at, item in enumerate(items):
            filled[at] = item
        series = pd.Series(filled)
    values = series.astype(object).to_numpy(copy=True)
    values[series.isna().to_numpy()] = None
    if n is not None and len(values) != n:
        raise ProfileError(
            "", f"there are {n:,} rows of features and {len(values):,} labels", "Give one label a row"
        )
    return values


def encode(values: npt.NDArray[np.object_]) -> tuple[Array, list[Hashable]]:
    """Return codes ``(n,)``, int64, -1 for missing, and the labels in the order of their first row.

    Raises
    ------
    ProfileError
        If a label is no single value.
    """
    _reject_sets(values)
    codes, found = pd.factorize(values, use_na_sentinel=True)
    return codes.astype(np.int64), list(found)


def joined(meta: pd.DataFrame, columns: Sequence[str]) -> Array:
    """Return codes of the combinations of several columns ``(n,)``, int64; -1 where one of them is missing."""
    codes = np.zeros(len(meta), np.int64)
    for name in columns:
        codes = combine([codes, encode(column(meta, name))[0]])
    return codes


def combine(parts: Sequence[Array]) -> Array:
    """Return codes of the combinations of several codes, -1 where one is -1, numbered by their first row."""
    codes = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        width = int(part.max(initial=0)) + 1
        missing = (codes < 0) | (part < 0)
        codes = pd.factorize(codes * width + part)[0].astype(np.int64)
        if missing.any():
            codes[missing] = -1
            kept = pd.factorize(codes[~missing])[0]
            codes[~missing] = kept
    return codes


def groups(codes: Array, usable: npt.NDArray[np.bool_] | None = None) -> Groups:
    """Return rows by code; rows that are not usable are in no group."""
    count = int(codes.max(initial=-1)) + 1
    kept = codes >= 0 if usable is None else (codes >= 0) & usable
    where = np.flatnonzero(kept)
    order = where[np.argsort(codes[where], kind="stable")]
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(codes[where], minlength=count), out=starts[1:])
    return Groups(codes, starts, order.astype(np.int64))


def barriers(columns: Iterable[npt.NDArray[np.object_]], n: int) -> Barriers:
    """Return for each row those that share any of its labels in any of the columns; elements of sets count singly."""
    row_parts: list[Array] = []
    code_parts: list[Array] = []
    missing = np.zeros(n, bool)
    used = 0
    for values in columns:
        rows, items = _elements(values)
        codes = pd.factorize(items, use_na_sentinel=True)[0].astype(np.int64) if len(items) else items
        known = codes >= 0
        lacking = np.ones(n, bool)
        lacking[rows[known]] = False
        missing |= lacking
        row_parts.append(rows[known])
        code_parts.append(codes[known] + used)
        used += int(codes.max(initial=-1)) + 1
    rows = np.concatenate([*row_parts, np.empty(0, np.int64)])
    codes = np.concatenate([*code_parts, np.empty(0, np.int64)]).astype(np.int64)
    by_row, by_code = np.argsort(rows, kind="stable"), np.argsort(codes, kind="stable")
    row_starts, code_starts = np.zeros(n + 1, np.int64), np.zeros(used + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=row_starts[1:])
    np.cumsum(np.bincount(codes, minlength=used), out=code_starts[1:])
    return Barriers(row_starts, codes[by_row], code_starts, rows[by_code], missing)


def fingerprint(values: npt.NDArray[np.object_]) -> Array:
    """Return codes of labels that may be sets, ``(n,)``, int64, -1 for missing; equal sets have one code."""
    if any(isinstance(value, SETS) for value in values):
        frozen = np.empty(len(values), dtype=object)
        for at, value in enumerate(values):
            frozen[at] = frozenset(value) if isinstance(value, SETS) else value
        values = frozen
    return pd.factorize(values, use_na_sentinel=True)[0].astype(np.int64)


def barrier_columns(
    exclude: Mapping[str, Any] | Sequence[Any] | pd.DataFrame | None, n: int
) -> list[npt.NDArray[np.object_]]:
    """Return the columns of an exclusion: a sequence of labels a row each, or a table or mapping of such.

    Raises
    ------
    ProfileError
        If a column has not one label a row.
    """
    if exclude is None:
        return []
    if isinstance(exclude, pd.DataFrame):
        return [labels(exclude[name], n) for name in exclude.columns]
    held = list(exclude.values()) if isinstance(exclude, Mapping) else list(exclude)
    if held and (isinstance(held[0], str) or not hasattr(held[0], "__len__")):
        raise ProfileError(
            "", "exclude is one column of labels", "Give a list of columns, also where there is but one"
        )
    return [labels(one, n) for one in held]


def _elements(values: npt.NDArray[np.object_]) -> tuple[Array, Array]:
    """Return rows and single labels, a set giving as many as it has elements."""
    if not any(isinstance(value, SETS) for value in values):
        return np.arange(len(values), dtype=np.int64), values
    rows: list[int] = []
    items: list[Any] = []
    for at, value in enumerate(values):
        for item in dict.fromkeys(value) if isinstance(value, SETS) else (value,):
            rows.append(at)
            items.append(item)
    held = np.empty(len(items), dtype=object)
    for at, item in enumerate(items):
        held[at] = item
    return np.array(rows, np.int64), held


def _reject_sets(values: npt.NDArray[np.object_]) -> None:
    for at, value in enumerate(values):
        if isinstance(value, SETS):
            raise ProfileError(
                "",
                f"row {at:,} has several labels ({value!r}) where rows are matched by equality",
                "Columns of sets can only be kept apart (pos_diffby, neg_diffby, exclude)",
            )
