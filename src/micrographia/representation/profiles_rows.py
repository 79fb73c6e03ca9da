"""Rows of several profiles: put them into one order, or one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

Numbers = npt.NDArray[np.int64]


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
    keys = _keys(first, second, on)
    order = np.argsort(keys[1], kind="stable")
    at = np.searchsorted(keys[1], keys[0], sorter=order)
    place = order[np.minimum(at, second.n - 1)] if second.n else np.zeros(first.n, dtype=np.intp)
    here = keys[1][place] == keys[0] if second.n else np.zeros(first.n, dtype=bool)
    if strict and (not here.all() or int(here.sum()) < second.n):
        owner, other, row = first, second, int(np.argmin(here))
        if here.all():
            taken = np.zeros(second.n, dtype=bool)
            taken[place] = True
            owner, other, row = second, first, int(np.argmin(taken))
        raise ProfileError(
            first.name,
            f"has {first.n:,} rows and {second.name or 'the other'} {second.n:,}, of which {int(here.sum()):,} are "
            f"the same by {', '.join(on)}; {_shown(owner, on, row)} is in {owner.name or 'one'} and not in "
            f"{other.name or 'the other'}{_types(first, second, on)}",
            "Leave these rows out of both, or align with strict=False",
        )
    if not here.any():
        raise ProfileError(
            first.name,
            f"has no row in common with {second.name}{_types(first, second, on)}",
            f"Compare their {', '.join(on)}",
        )
    return first.take(here), second.take(place[here])


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
        keys = _keys(asked, profiles, on)
        row = int(np.argmin(np.isin(keys[0], keys[1])))
        raise ProfileError(
            profiles.name,
            f"lacks {asked.n - both.n:,} of {asked.n:,} rows, the first {_shown(asked, on, row)}",
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


def _keys(first: Profiles, second: Profiles, on: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Return a number for each row of both, the same for the same labels."""
    import pandas as pd

    if not on:
        raise ProfileError(first.name, "cannot be aligned without columns", "Name them, e.g. plate and well")
    codes = np.zeros(first.n + second.n, dtype=np.int64)
    for name in on:
        parts = [profiles.column(name) for profiles in (first, second)]
        for profiles, part in zip((first, second), parts, strict=True):
            lacking = int(pd.isna(part).sum())
            if lacking:
                raise ProfileError(
                    profiles.name,
                    f"has {lacking:,} rows without {name!r}",
                    "Align by columns that every row has",
                )
        further, labels = pd.factorize(np.concatenate(parts))
        _, codes = np.unique(codes * max(1, len(labels)) + further, return_inverse=True)
    found = codes[: first.n], codes[first.n :]
    for profiles, held in zip((first, second), found, strict=True):
        _, places, counts = np.unique(held, return_index=True, return_counts=True)
        if (counts > 1).any():
            row = int(places[np.argmax(counts > 1)])
            raise ProfileError(
                profiles.name,
                f"has several rows with {_shown(profiles, on, row)}",
                "Align by columns that name each row once",
            )
    return found


def _shown(profiles: Profiles, on: Sequence[str], row: int) -> str:
    return ", ".join(f"{name} {profiles.meta[name].iloc[row]}" for name in on)


def _types(first: Profiles, second: Profiles, on: Sequence[str]) -> str:
    """Return a clause on columns that are text in one and numbers in the other, which are never equal."""
    for name in on:
        kinds = [isinstance(profiles.column(name)[0], str) for profiles in (first, second) if profiles.n]
        if len(set(kinds)) > 1:
            return f"; {name!r} is text in one and numbers in the other"
    return ""
