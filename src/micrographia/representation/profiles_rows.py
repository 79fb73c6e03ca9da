"""Rows of several profiles: put them into one order, or one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd


def align(
    first: Profiles, second: Profiles, on: Sequence[str], *, strict: bool = True
) -> tuple[Profiles, Profiles]:
    """Put the rows of two profiles of the same things into the order of the first.

    Parameters
    ----------
    first, second
        The profiles.
    on
        Columns of metadata that together name a row (``["plate", "well"]``).
    strict
        Refuse rows that only one of them has; if not, only rows that both have are returned.

    Returns
    -------
    tuple of Profiles
        As many rows each, in the same order.

    Raises
    ------
    ProfileError
        If a column is not there, labels are missing, two rows have the same labels, or (strict) a row has no partner.
    """
    import pandas as pd

    keys = [_keys(profiles, on) for profiles in (first, second)]
    place = pd.Series(np.arange(second.n), index=pd.Index(keys[1], tupleize_cols=False))
    found = place.reindex(pd.Index(keys[0], tupleize_cols=False)).to_numpy(dtype=float)
    here = np.isfinite(found)
    if strict and (not here.all() or int(here.sum()) < second.n):
        lone = [(first, second, keys[0][int(at)]) for at in np.flatnonzero(~here)[:1]]
        if not lone:
            taken = np.zeros(second.n, dtype=bool)
            taken[found[here].astype(np.intp)] = True
            lone = [(second, first, keys[1][int(np.flatnonzero(~taken)[0])])]
        owner, other, key = lone[0]
        raise ProfileError(
            first.name,
            f"has {first.n:,} rows and {second.name or 'the other'} {second.n:,}, of which {int(here.sum()):,} are "
            f"the same by {', '.join(on)}; {_shown(on, key)} is in {owner.name or 'one'} and not in "
            f"{other.name or 'the other'}",
            "Leave these rows out of both, or align with strict=False",
        )
    if not here.any():
        raise ProfileError(
            first.name, f"has no row in common with {second.name}", f"Compare their {', '.join(on)}"
        )
    return first.take(here), second.take(found[here].astype(np.intp))


def align_to(profiles: Profiles, rows: pd.DataFrame, on: Sequence[str]) -> Profiles:
    """Return profiles in the order of the rows of a table; rows that the table does not have are left out.

    Parameters
    ----------
    profiles
        The profiles.
    rows
        The table, for example the rows of a study.
    on
        Columns that both have and that together name a row.

    Raises
    ------
    ProfileError
        If a column is not there, labels are missing or name several rows, or the profiles lack a row of the table.
    """
    asked = Profiles(np.empty((len(rows), 0)), rows, (), "the study")
    both, found = align(asked, profiles, on, strict=False)
    if both.n < asked.n:
        have = set(_keys(profiles, on))
        lone = next(key for key in _keys(asked, on) if key not in have)
        raise ProfileError(
            profiles.name,
            f"lacks {asked.n - both.n:,} of {asked.n:,} rows, the first {_shown(on, lone)}",
            "Give a row for each",
        )
    return found


def concatenate(parts: Sequence[Profiles], *, name: str = "") -> Profiles:
    """Put profiles one below the other; features and columns that not all of them have are left out, and noted.

    Parameters
    ----------
    parts
        The profiles, for example one a plate.
    name
        What a report calls them.

    Returns
    -------
    Profiles
        ``source["parts"]`` lists the sources, ``source["left_out"]`` the features that not all have.

    Raises
    ------
    ProfileError
        If there is nothing to put together, or no feature is in all of them.
    """
    import pandas as pd

    if not parts:
        raise ProfileError(name, "has no parts", "Give at least one")
    shared = set(parts[0].names).intersection(*(part.names for part in parts[1:]))
    names = tuple(one for one in parts[0].names if one in shared)
    if not names:
        raise ProfileError(name, "has parts without a feature in common", "Read the same files of each plate")
    every: dict[str, None] = dict.fromkeys(one for part in parts for one in part.names)
    left = sorted(set(every) - shared)
    kind = np.result_type(*(part.values.dtype for part in parts))
    values = np.empty((sum(part.n for part in parts), len(names)), kind)
    at = 0
    for part in parts:
        values[at : at + part.n] = part.values if part.names == names else part.select(list(names)).values
        at += part.n
    meta = pd.concat([part.meta for part in parts], ignore_index=True)
    source: dict[str, Any] = {"parts": [dict(part.source) for part in parts]}
    if left:
        source["left_out"] = left
    return Profiles(values, meta, names, name or parts[0].name, source)


def _keys(profiles: Profiles, on: Sequence[str]) -> list[tuple[Any, ...]]:
    if not on:
        raise ProfileError(
            profiles.name, "cannot be aligned without columns", "Name them, e.g. plate and well"
        )
    columns = [profiles.column(name) for name in on]
    for name, column in zip(on, columns, strict=True):
        lacking = sum(value is None for value in column)
        if lacking:
            raise ProfileError(
                profiles.name, f"has {lacking:,} rows without {name!r}", "Align by columns that every row has"
            )
    keys = list(zip(*columns, strict=True))
    if len(set(keys)) < len(keys):
        seen: set[tuple[Any, ...]] = set()
        twice = next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ProfileError(
            profiles.name,
            f"has several rows with {_shown(on, twice)}",
            "Align by columns that name each row once",
        )
    return keys


def _shown(on: Sequence[str], key: tuple[Any, ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(on, key, strict=True))
