"""Tables of metadata beside profiles: read as text, empty cells missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from micrographia.errors import ProfileError
from micrographia.representation.profiles_table import clear_missing, name_metadata, read_delimited

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")


def read_table(
    path: Path, needed: Sequence[str] = (), *, missing: Sequence[str] = ("", "NA", "nan", "NaN")
) -> pd.DataFrame:
    """Return a table without the prefixes of its columns; numbers where every cell is one.

    Parameters
    ----------
    path
        CSV, or TSV if it ends with ``.tsv`` or ``.txt``; also gzipped.
    needed
        Columns that must be there.
    missing
        Texts that mean nothing.

    Raises
    ------
    ProfileError
        If it cannot be read or lacks a column.
    """
    table, _ = clear_missing(name_metadata(read_delimited(path, (), ())), missing)
    lacking = next((name for name in needed if name not in table.columns), None)
    if lacking is not None:
        columns = ", ".join(map(str, table.columns[:10]))
        raise ProfileError(path, f"has no column {lacking!r}", f"It has {columns}")
    return table


def joined(rows: pd.DataFrame, table: pd.DataFrame, on: str, path: Path) -> pd.DataFrame:
    """Return rows with the further columns of a table, found by a label; a row whose label is not there gets none.

    Raises
    ------
    ProfileError
        If the table has a label twice with different values.
    """
    import pandas as pd

    known = table.dropna(subset=[on]).drop_duplicates()
    twice = known[on].duplicated(keep=False)
    if twice.any():
        first = known.loc[twice, on].iloc[0]
        raise ProfileError(path, f"has several rows of {on} {first}", "Leave one of each")
    fresh = [name for name in known.columns if name != on and name not in rows.columns]
    found = known.set_index(on)[fresh].reindex(rows[on])
    return pd.concat([rows.reset_index(drop=True), found.reset_index(drop=True)], axis=1)
