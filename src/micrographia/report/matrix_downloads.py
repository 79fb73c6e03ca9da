"""The numbers of a transfer matrix as tables, and the whole result, to be saved from the page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.report.charts import csv_uri
from micrographia.report.matrix_result import Cell, Matrix, Row, listed, mapping, number, rows_of, text

Parts = dict[str, Any]

LARGEST = 4_000_000
"""Bytes of a result up to which it lies in the page as a whole."""

ABOUT = ("status", "n_images", "n_failed", "n_groups")
COST = ("seconds_per_megapixel", "peak_mb")


def downloads(matrix: Matrix) -> list[Parts]:
    """Return the numbers of the page as CSV data URIs, and the whole result as JSON where it is not too large."""
    cells = list(matrix.cells.values())
    tables: dict[str, list[Row]] = {
        "scores": [
            _row(cell, {"metric": name, **mapping(mapping(cell.row, "scores"), name)}, ABOUT)
            for cell in cells
            for name in mapping(cell.row, "scores")
        ],
        "counts": [_row(cell, found) for cell in cells if (found := mapping(cell.row, "counts"))],
        "comparisons": [_row(cell, row) for cell in cells for row in listed(cell.row, "versus")],
        "curves": _curves(matrix),
        "ranks": rows_of(matrix, "rank_intervals"),
        "failure": [
            {**{key: row.get(key) for key in ("model", "dataset", "factor")}, **one}
            for row in rows_of(matrix, "failure")
            for one in listed(row, "bins")
        ],
        "cost": [_row(cell, {}, COST) for cell in cells],
        "ledger": [_row(cell, {}, ("status", "status_reason")) for cell in cells],
        "failed-images": [_row(cell, row) for cell in cells for row in listed(cell.row, "failures")],
    }
    made = [_csv(name, rows) for name, rows in tables.items() if rows]
    whole = json.dumps(matrix.result, ensure_ascii=False, default=str).encode(errors="replace")
    if len(whole) <= LARGEST:
        uri = "data:application/json;base64," + base64.b64encode(whole).decode()
        made.append({"name": "result.json", "rows": "everything", "uri": uri})
    return made


def _row(cell: Cell, more: Mapping[str, Any], about: Sequence[str] = ()) -> dict[str, Any]:
    place = {"model": cell.model.key, "dataset": cell.dataset.key}
    return {**place, **more, **{key: cell.row.get(key) for key in about}}


def _curves(matrix: Matrix) -> list[Row]:
    thresholds = matrix.result.get("thresholds") or []
    return [
        _row(cell, {"threshold": threshold, "f1": value})
        for cell in matrix.cells.values()
        if isinstance(found := mapping(cell.row, "curve").get("f1"), list)
        for threshold, value in zip(thresholds, found, strict=False)
    ]


def _csv(name: str, rows: Sequence[Row]) -> Parts:
    header = list(dict.fromkeys(str(column) for row in rows for column in row))
    body = [[_plain(row.get(column)) for column in header] for row in rows]
    return {
        "name": f"{name}.csv",
        "rows": f"{len(rows):,} rows",
        "uri": csv_uri([text(column) for column in header], body),
    }


def _plain(value: object) -> object:
    if value is None or (isinstance(value, float) and number(value) is None):
        return ""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text(value)
