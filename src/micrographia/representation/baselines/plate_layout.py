"""Where a well lies and on which plate: candidates that have seen no pixel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.baselines.measured import Reasons
from micrographia.representation.profiles import Array, Profiles

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.intp]

FORMATS = ((2, 3), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))
"""Rows and columns of plates with 6 to 1,536 wells."""
WELL_COLUMNS = ("well", "wellposition", "wellname", "wellid", "assaywell", "imagemetadatawell")
PLATE_COLUMNS = (
    "plate",
    "assayplatebarcode",
    "platename",
    "plateid",
    "platebarcode",
    "imagemetadataplate",
)
MOST = 1 << 28
"""Numbers that a one-hot table may hold."""

_WELL = re.compile(r"\s*([A-Za-z]{1,2})\s*[-_]?\s*0*(\d{1,2})\s*")
_NUMBERS = re.compile(r"\s*r0*(\d{1,2})\s*[-_]?\s*c0*(\d{1,2}).*", re.IGNORECASE)


def well_place(well: object) -> tuple[int, int] | None:
    """Return row and column of a well, from 1; None if the text names none.

    Understood are ``A01``, ``a1``, ``AF48``, ``B-03`` and ``r02c03``.

    Examples
    --------
    >>> well_place("B07"), well_place("AA12"), well_place("r03c10"), well_place("control")
    ((2, 7), (27, 12), (3, 10), None)
    """
    text = str(well)
    found = _NUMBERS.fullmatch(text)
    if found:
        row, column = int(found[1]), int(found[2])
    else:
        found = _WELL.fullmatch(text)
        if not found:
            return None
        row = 0
        for letter in found[1].upper():
            row = row * 26 + ord(letter) - ord("A") + 1
        column = int(found[2])
    return (row, column) if 1 <= row <= 32 and 1 <= column <= 48 else None


def plate_format(rows: int, columns: int) -> tuple[int, int]:
    """Return rows and columns of the smallest usual plate that has a well there."""
    for shape in FORMATS:
        if rows <= shape[0] and columns <= shape[1]:
            return shape
    return FORMATS[-1]


def layout(
    meta: pd.DataFrame,
    *,
    plate: str | None = None,
    well: str | None = None,
    shape: tuple[int, int] | None = None,
) -> dict[str, Profiles]:
    """Return what the place on a plate tells: rows as those of ``meta``.

    Parameters
    ----------
    meta
        Metadata, ``n`` rows.
    plate, well
        Its columns of plate names and of wells (``B07``); by default the usual names. What there is no column for is
        left out.
    shape
        Rows and columns of the plates; by default the smallest usual format that holds all wells.

    Returns
    -------
    dict of Profiles
        ``well position``: row and column from 1, and the distance to the nearest edge in wells (0 in the outermost).
        ``plate``: one column a plate, 1 where the well is on it. ``plate and position``: one column a plate, a row of
        wells, a column of wells, and the distance. ``source["kind"]`` is ``layout``. A missing plate or well is NaN.

    Raises
    ------
    ProfileError
        If a named column is missing, no value in it names a well, or there are too many plates for a table.
    """
    plate_column = _column(meta, plate, PLATE_COLUMNS)
    well_column = _column(meta, well, WELL_COLUMNS)
    found: dict[str, Profiles] = {}
    position = None
    if well_column is not None:
        position = _position(meta, well_column, shape)
        found["well position"] = position
    if plate_column is not None:
        plates = one_hot(meta, plate_column, "plate")
        found["plate"] = plates
        if position is not None:
            found["plate and position"] = _together(meta, plates, position)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower().removeprefix("metadata_"))


def _column(meta: pd.DataFrame, named: str | None, usual: Sequence[str]) -> str | None:
    columns = [str(name) for name in meta.columns]
    if named is not None:
        if named not in columns:
            raise ProfileError("", f"has no column {named!r}", f"Columns are {', '.join(columns[:20])}")
        return named
    for wanted in usual:
        for name in columns:
            if _plain(name) == wanted:
                return name
    return None


def _coded(values: Any) -> tuple[Ints, list[Any]]:
    """Return the number of each value, -1 for a missing one, and the values."""
    import pandas as pd

    codes, known = pd.factorize(values)
    return codes, list(known)


def _position(meta: pd.DataFrame, column: str, shape: tuple[int, int] | None) -> Profiles:
    codes, wells = _coded(meta[column])
    places = np.full((len(wells) + 1, 2), np.nan)
    for at, well in enumerate(wells):
        place = well_place(well)
        if place is not None:
            places[at] = place
    values = np.full((len(meta), 3), np.nan)
    # What is missing has the code -1, and so the last place.
    values[:, :2] = places[codes]
    reasons = Reasons()
    reasons.add_rows(np.flatnonzero(codes < 0), "no well is named")
    reasons.add_rows(np.flatnonzero((codes >= 0) & np.isnan(values[:, 0])), "the text names no well")
    kept = np.isfinite(values[:, 0])
    if len(meta) and not kept.any():
        raise ProfileError("", f"no value of column {column!r} names a well", "Wells look like B07 or r02c07")
    if kept.any():
        largest = values[kept, :2].max(axis=0)
        rows, columns = shape or plate_format(int(largest[0]), int(largest[1]))
        if largest[0] > rows or largest[1] > columns:
            raise ProfileError(
                "", f"a well lies in row {largest[0]:.0f}, column {largest[1]:.0f} of {rows} x {columns}"
            )
        row, place_column = values[kept, 0], values[kept, 1]
        values[kept, 2] = np.minimum(
            np.minimum(row - 1, rows - row), np.minimum(place_column - 1, columns - place_column)
        )
        used: list[int] | None = [rows, columns]
    else:
        used = None
    source = {"kind": "layout", "column": column, "plate_shape": used, "undefined": reasons.told()}
    return Profiles(values, meta, ("row", "column", "edge_distance"), "well position", source)


def one_hot(meta: pd.DataFrame, column: str, name: str) -> Profiles:
    """Return one column a value of a column of metadata, sorted, 1 where a row has it; float32, kind ``layout``.

    Raises
    ------
    ProfileError
        If the table would be too large.
    """
    values, categories, reasons = _indicators(meta[column], column)
    source = {"kind": "layout", "column": column, "undefined": reasons.told()}
    return Profiles(values, meta, tuple(f"{name}={category}" for category in categories), name, source)


def _indicators(values: Any, column: str) -> tuple[Array, list[str], Reasons]:
    codes, known = _coded(values)
    texts = [str(value) for value in known]
    categories = sorted(set(texts))
    if len(codes) * len(categories) > MOST:
        raise ProfileError(
            "",
            f"{len(categories):,} values of {column!r} times {len(codes):,} rows are too many to tell apart",
            "Group them",
        )
    place = {text: at for at, text in enumerate(categories)}
    column_of = np.array([place[text] for text in texts] + [0], np.intp)[codes]
    out = np.zeros((len(codes), len(categories)), np.float32)
    named = np.flatnonzero(codes >= 0)
    out[named, column_of[named]] = 1
    out[codes < 0] = np.nan
    reasons = Reasons()
    reasons.add_rows(np.flatnonzero(codes < 0), f"{column} is missing")
    return out, categories, reasons


def _together(meta: pd.DataFrame, plates: Profiles, position: Profiles) -> Profiles:
    parts, names = [plates.values], list(plates.names)
    for at, word in enumerate(("row", "column")):
        held, categories, _ = _indicators(position.values[:, at], word)
        order = np.argsort([float(category) for category in categories])
        parts.append(held[:, order])
        names += [f"{word}={float(categories[place]):02.0f}" for place in order]
    parts.append(position.values[:, 2:].astype(np.float32))
    source = {
        "kind": "layout",
        "columns": [plates.source["column"], position.source["column"]],
        "plate_shape": position.source["plate_shape"],
        "undefined": [*plates.source["undefined"], *position.source["undefined"]],
    }
    return Profiles(
        np.concatenate(parts, axis=1), meta, (*names, "edge_distance"), "plate and position", source
    )
