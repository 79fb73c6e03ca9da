"""Rows in the order in which they were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd


def in_order(found: Mapping[str, Profiles], rows: pd.DataFrame, per: str) -> dict[str, Profiles]:
    """Return profiles with the rows asked for, in that order; metadata begins with the columns asked by.

    Raises
    ------
    ProfileError
        If a column is missing, or a row asked for is not there or is there twice.
    """
    import pandas as pd

    keys = ["image"]
    if per == "object":
        if "label_id" not in rows.columns:
            raise ProfileError("", "the rows asked for have no column 'label_id'", "Name image and label")
        keys += [key for key in ("label_id", "layer", "t") if key in rows.columns]
    result: dict[str, Profiles] = {}
    for name, profiles in found.items():
        places = _places(profiles, keys)
        where = np.array(
            [_place(places, key, keys) for key in zip(*(_plain(rows, name) for name in keys), strict=True)],
            np.intp,
        )
        taken = profiles.take(where)
        more = [column for column in taken.meta.columns if column not in rows.columns]
        meta = pd.concat([rows.reset_index(drop=True), taken.meta[more]], axis=1)
        result[name] = Profiles(taken.values, meta, taken.names, taken.name, taken.source)
    return result


def _plain(frame: pd.DataFrame, column: str) -> list[Any]:
    return [str(value) if column == "image" else int(value) for value in frame[column]]


def _places(profiles: Profiles, keys: list[str]) -> dict[tuple[Any, ...], int]:
    places: dict[tuple[Any, ...], int] = {}
    for at, key in enumerate(zip(*(_plain(profiles.meta, name) for name in keys), strict=True)):
        # A second row of the same name cannot be asked for by it.
        places[key] = -1 if key in places else at
    return places


def _place(places: dict[tuple[Any, ...], int], key: tuple[Any, ...], keys: list[str]) -> int:
    told = ", ".join(f"{name} {value}" for name, value in zip(keys, key, strict=True))
    at = places.get(key)
    if at is None:
        raise ProfileError("", f"there is no {told}", "Ask for rows that there are")
    if at < 0:
        raise ProfileError("", f"{told} is there several times", "Give layer and t too")
    return at
