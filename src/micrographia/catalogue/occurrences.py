"""Which stem occurs where, out of the full-text index, as the table of a published catalogue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from micrographia.catalogue.layout import FIELD_STEP, TERMS
from micrographia.catalogue.texts import FIELDS

AT_A_TIME = 1_000_000
"""Occurrences that are held in memory."""

Whole = npt.NDArray[np.int64]


def occurrences(connection: sqlite3.Connection, numbers: Whole) -> Iterator[pa.Table]:
    """Yield the occurrences of all stems, by stem and dataset, each table with whole stems.

    Parameters
    ----------
    connection
        An open catalogue.
    numbers
        Row in the database to number of the dataset.

    Returns
    -------
    iterator of Table
        With the columns of :data:`~micrographia.catalogue.layout.TERMS`.
    """
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.occurrences USING fts5vocab ('main', 'texts', 'instance')"
    )
    stems = connection.execute("SELECT term, cnt FROM stems").fetchall()
    asked = connection.execute(_PACKED, (_PLACE, *FIELDS[:4], FIELD_STEP))
    asked.row_factory = lambda _, row: row[0]
    at = 0
    while at < len(stems):
        total, stop = 0, at
        while stop < len(stems) and (stop == at or total + stems[stop][1] <= AT_A_TIME):
            total += stems[stop][1]
            stop += 1
        packed = np.fromiter(islice(asked, total), np.int64, total)
        chosen = stems[at:stop]
        term = np.repeat(np.arange(len(chosen)), [count for _, count in chosen])
        yield _table([name for name, _ in chosen], term, packed, numbers)
        at = stop


_PLACE = 40
"""Bits of a packed occurrence that are its place in the dataset: field and number of the word."""
_PACKED = """
SELECT (doc << ?) + (CASE col WHEN ? THEN 0 WHEN ? THEN 1 WHEN ? THEN 2 WHEN ? THEN 3 ELSE 4 END) * ? + "offset"
FROM temp.occurrences
"""


def _table(stems: list[str], term: Whole, packed: Whole, numbers: Whole) -> pa.Table:
    number = numbers[packed >> _PLACE]
    position = packed & ((1 << _PLACE) - 1)
    order = np.lexsort((position, number, term))
    term, number, position = term[order], number[order], position[order]
    field = position // FIELD_STEP
    first = np.flatnonzero(np.concatenate(([True], (np.diff(term) != 0) | (np.diff(number) != 0))))
    starts = np.append(first, len(term))
    counts = [
        np.minimum(np.add.reduceat((field == at).astype(np.int64), first), 65535) for at in range(len(FIELDS))
    ]
    arrays: list[Any] = [
        pa.array(stems).take(pa.array(term[first])),
        pa.array(number[first], pa.int32()),
        *(pa.array(count, pa.uint16()) for count in counts),
        pa.ListArray.from_arrays(pa.array(starts, pa.int32()), pa.array(position, pa.int32())),
    ]
    return pa.Table.from_arrays(arrays, names=TERMS.names).cast(TERMS)
