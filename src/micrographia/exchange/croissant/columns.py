"""The columns of a table file as fields of Croissant: names and types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from micrographia.annotations.tables import TABLES
from micrographia.exchange.croissant.terms import Node, suffix

_PANDAS = (("bool", "sc:Boolean"), ("int", "sc:Integer"), ("uint", "sc:Integer"), ("float", "sc:Float"))
SAMPLED = 1000
"""Rows of a text table that its types are told by."""


def columns_of(place: Path) -> dict[str, str]:
    """Return the columns of a table on this machine with their Croissant types; empty if it cannot be read.

    A type that ends in ``[]`` is a list. Columns of other shapes are left out.
    """
    try:
        return _parquet(place) if suffix(place.name) == "parquet" else _separated(place)
    except (OSError, ValueError, ImportError):
        return {}


def _parquet(place: Path) -> dict[str, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(place)
    found = {}
    for column in schema:
        kind, many = column.type, ""
        while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            kind, many = kind.value_type, many + "[]"
        name = _arrow(pa, kind)
        if name and not column.name.startswith("__index_level_"):
            found[column.name] = name + many
    return found


def _arrow(pa: Any, kind: Any) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "sc:DateTime"
    return "sc:Text" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else ""


def _separated(place: Path) -> dict[str, str]:
    import pandas as pd

    frame = pd.read_csv(place, sep="\t" if suffix(place.name) == "tsv" else ",", nrows=SAMPLED)
    found = {}
    for name in frame.columns:
        kind = str(frame[name].dtype)
        found[str(name)] = next(
            (croissant for start, croissant in _PANDAS if kind.startswith(start)), "sc:Text"
        )
    return found


def field_kind(table: str, column: str, kind: str) -> Node:
    """Return type and description of a field.

    Parameters
    ----------
    table
        Name of the table; those of converted datasets have columns that are documented.
    column
        Name of the column.
    kind
        As :func:`columns_of` returns it.
    """
    schema = TABLES.get(table)
    known = next((one for one in schema.columns if one.name == column), None) if schema else None
    made: Node = (
        {"description": f"{known.meaning} ({known.unit})" if known.unit else known.meaning} if known else {}
    )
    made["dataType"] = kind.rstrip("[]")
    depth = kind.count("[]")
    if depth:
        made |= {"isArray": True, "arrayShape": ",".join(["-1"] * depth)}
    return made
