"""What is wrong with profiles, in sentences with counts: reported before anything is scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_table import MISSING_WORDS

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

SUSPICIOUS = frozenset((*MISSING_WORDS, "", "none", "None", "NONE", "unknown", "Unknown", "-", "?", "."))
"""Texts that may mean that there is no label."""

_BLOCK = 1 << 22
_SHOWN = 3


def problems(profiles: Profiles, labels: Sequence[str] | None = None) -> list[str]:
    """Return what may spoil a score, one sentence each, with counts.

    Looked for are features that are NaN, infinite or constant, rows without any variation between features, rows
    that are identical, labels that are missing or say so in words, labels that differ only in case or spaces, and
    columns with one label only. Memory is bounded by one block of rows and one number a row.

    Parameters
    ----------
    profiles
        The profiles.
    labels
        Columns of metadata to look at; None looks at those that are text. An unknown column is an error.

    Returns
    -------
    list of str
        Sentences without a full stop; empty if there is nothing to say.

    Raises
    ------
    ProfileError
        If there is no such column.
    """
    return [*_values(profiles), *_duplicates(profiles), *_labels(profiles, labels)]


def duplicate_sets(profiles: Profiles) -> npt.NDArray[np.int64]:
    """Return for each row the number of the first row that is identical to it, ``(n,)``; NaN equals NaN.

    Rows are compared by a 64-bit hash, then value by value among those with one hash.
    """
    values = profiles.values
    hashes = _hashes(values)
    order = np.argsort(hashes, kind="stable")
    begins = np.concatenate([[True], np.diff(hashes[order]) != 0])[: profiles.n]
    heads = order[np.maximum.accumulate(np.where(begins, np.arange(profiles.n), 0))]
    first = np.arange(profiles.n, dtype=np.int64)
    collided: dict[int, list[int]] = {}
    step = max(1, _BLOCK // max(1, profiles.d))
    places = np.flatnonzero(~begins)
    for start in range(0, len(places), step):
        rows, of = order[places[start : start + step]], heads[places[start : start + step]]
        same = _equal(values[rows], values[of])
        first[rows[same]] = of[same]
        for row, head in zip(rows[~same], of[~same], strict=True):
            known = collided.setdefault(int(head), [])
            twin = next((one for one in known if _equal(values[[one]], values[[row]])[0]), None)
            if twin is None:
                known.append(int(row))
            else:
                first[row] = twin
    return first


def _equal(one: Array, other: Array) -> npt.NDArray[np.bool_]:
    return ((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1)


def _hashes(values: Array) -> npt.NDArray[np.uint64]:
    """Return one number a row: a sum of the bits of each value times an odd number of the column, modulo 2^64."""
    n, d = values.shape
    keys = np.random.default_rng(0).integers(1, 1 << 63, d, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    found = np.zeros(n, dtype=np.uint64)
    for start in range(0, n, max(1, _BLOCK // max(1, d))):
        block = values[start : start + max(1, _BLOCK // max(1, d))].astype(np.float64) + 0.0  # -0.0 is 0.0
        block[np.isnan(block)] = np.nan
        bits = block.view(np.uint64)
        bits ^= bits >> np.uint64(29)
        found[start : start + len(block)] = (bits * keys).sum(axis=1, dtype=np.uint64)
    return found


def _values(profiles: Profiles) -> Iterator[str]:
    n, d = profiles.values.shape
    nan = np.zeros(d, dtype=np.int64)
    inf = np.zeros(d, dtype=np.int64)
    low, high = np.full(d, np.inf), np.full(d, -np.inf)
    flat = 0
    for start in range(0, n, max(1, _BLOCK // max(1, d))):
        block = profiles.values[start : start + max(1, _BLOCK // max(1, d))]
        bad = ~np.isfinite(block)
        if bad.any():
            nan += np.isnan(block).sum(axis=0)
            inf += np.isinf(block).sum(axis=0)
        low = np.minimum(low, np.where(bad, np.inf, block).min(axis=0, initial=np.inf))
        high = np.maximum(high, np.where(bad, -np.inf, block).max(axis=0, initial=-np.inf))
        flat += int((block == block[:, :1]).all(axis=1).sum()) if d > 1 else 0
    names = np.array(profiles.names, dtype=object)
    for counts, what in ((nan, "NaN"), (inf, "infinite")):
        if counts.any():
            whole = int((counts == n).sum())
            yield (
                f"{_number(int(counts.sum()), 'value')} {'is' if counts.sum() == 1 else 'are'} {what}, in "
                f"{_number(int((counts > 0).sum()), 'feature')} of {d:,}: {_few(names[counts > 0])}"
                + (f"; {whole:,} of them hold nothing else" if whole else "")
            )
    constant = (low == high) & (nan + inf < n)
    if constant.any() and n > 1:
        yield (
            f"{_number(int(constant.sum()), 'feature')} of {d:,} "
            f"{'has' if constant.sum() == 1 else 'have'} one value only: {_few(names[constant])}"
        )
    if flat:
        yield f"{_number(flat, 'row')} of {n:,} {'has' if flat == 1 else 'have'} the same value in every feature"


def _duplicates(profiles: Profiles) -> Iterator[str]:
    if profiles.n < 2:
        return
    first = duplicate_sets(profiles)
    copies = first != np.arange(profiles.n)
    if copies.any():
        sets = len(np.unique(first[copies]))
        example = int(np.flatnonzero(copies)[0])
        yield (
            f"{_number(int(copies.sum()) + sets, 'row')} of {profiles.n:,} are identical to another, in "
            f"{_number(sets, 'set')}: row {example + 1:,} equals row {int(first[example]) + 1:,}"
        )


def _labels(profiles: Profiles, labels: Sequence[str] | None) -> Iterator[str]:
    import pandas as pd

    read = profiles.source.get("missing_words", {})
    for name in labels if labels is not None else [str(column) for column in profiles.meta.columns]:
        if name not in profiles.meta.columns:
            profiles.column(name)  # says what there is
        series = profiles.meta[name]
        missing = int(series.isna().sum())
        words = read.get(name, {})
        if missing and missing < profiles.n:
            told = ", ".join(f"{count:,} of them said {word!r}" for word, count in words.items())
            yield (
                f"{name!r} is missing in {_number(missing, 'row')} of {profiles.n:,}"
                f"{f' ({told})' if told else ''}: {'it is' if missing == 1 else 'they are'} never one group"
            )
        elif missing:
            if labels is not None:
                yield f"{name!r} is missing in all {profiles.n:,} rows"
            continue
        if not (
            isinstance(series.dtype, pd.CategoricalDtype)
            or pd.api.types.is_string_dtype(series.dtype)
            or series.dtype == object
        ):
            if labels is not None and series.nunique() == 1 and profiles.n > 1:
                yield f"{name!r} has one label only: {series.dropna().iloc[0]}"
            continue
        yield from _texts(name, series, profiles.n, asked=labels is not None)


def _texts(name: str, series: pd.Series[Any], n: int, *, asked: bool) -> Iterator[str]:
    counts = series.astype(object).map(str, na_action="ignore").value_counts()
    distinct = [str(value) for value in counts.index]
    for word in sorted(set(distinct) & SUSPICIOUS):
        rows = _number(int(counts[word]), "row")
        yield f"{name!r} says {word!r} in {rows} of {n:,}, which may mean that it is missing"
    if asked and len(distinct) == 1 and n > 1:
        yield f"{name!r} has one label only: {distinct[0][:40]!r}"
    if len(distinct) > n // 2 and n > 20:
        return  # names of rows, not labels
    alike: dict[str, list[str]] = {}
    for value in distinct:
        alike.setdefault(" ".join(value.split()).casefold(), []).append(value)
    for spelled in alike.values():
        if len(spelled) > 1:
            shown = " and ".join(repr(value[:40]) for value in sorted(spelled)[:_SHOWN])
            yield f"{name!r} spells a label in {len(spelled)} ways, which are {len(spelled)} groups: {shown}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _few(names: Sequence[str] | Array) -> str:
    shown = ", ".join(str(name) for name in names[:_SHOWN])
    return f"{shown}, ..." if len(names) > _SHOWN else shown
