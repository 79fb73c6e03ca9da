"""Columns of rows that were made of several: all values are kept, for neighbours that share any of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from micrographia.representation.evaluation.rows import Rows


def sets_of(rows: Rows, names: list[str]) -> pd.DataFrame:
    """Return columns in which a row that was made of several keeps the values of all of them."""
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(names):
        sets = rows.sets(name)
        columns[name] = [
            next(iter(one)) if len(one) == 1 else (tuple(sorted(one, key=str)) if one else None)
            for one in sets
        ]
    frame = pd.DataFrame(index=range(rows.n))
    for name, column in columns.items():
        held = np.empty(rows.n, dtype=object)
        held[:] = column
        frame[name] = pd.Series(held, dtype=object)
    return frame
