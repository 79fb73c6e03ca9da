"""Annotation tables as Parquet: written whole or not at all, with the version of their schema inside."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from micrographia.annotations.conforming import conform, schema_of
from micrographia.annotations.files import replaced
from micrographia.annotations.tables import SCHEMA_VERSION, TableSchema
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

METADATA_KEY = b"micrographia"
MAX_ROWS = 200_000_000
"""More rows than this are refused: a small file can claim any number."""


def write_table(df: pd.DataFrame, kind: str, path: str | PathLike[str]) -> list[Finding]:
    """Write an annotation table as Parquet.

    Parameters
    ----------
    df
        The table; it is conformed first.
    kind
        Key of ``TABLES``.
    path
        File to write; it appears whole or not at all.

    Returns
    -------
    list of Finding
        What had to be changed before it could be written.

    Raises
    ------
    AnnotationError
        If a further column cannot be stored, or the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = schema_of(kind)
    frame, findings = conform(df, kind, path)
    try:
        table = pa.table({str(name): _arrow(frame[name], str(name), schema) for name in frame.columns})
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise AnnotationError(
            path, f"a column cannot be stored as Parquet: {error}", "Use plain types"
        ) from error
    note = json.dumps({"table": kind, "schema": SCHEMA_VERSION}).encode()
    table = table.replace_schema_metadata({METADATA_KEY: note})
    with replaced(path) as target:
        pq.write_table(table, target, compression="zstd")
    return findings


def _arrow(series: pd.Series[Any], name: str, schema: TableSchema) -> Any:
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "integer?": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "flag?": pa.bool_(),
        "numbers": pa.list_(pa.float64()),
    }
    if name not in schema.names:
        return pa.array(series, from_pandas=True)
    dtype = schema.column(name).dtype
    # NaN in a number column means missing; Parquet says so with a null.
    return pa.array(series.tolist() if dtype == "numbers" else series, types[dtype], from_pandas=True)


def read_table(path: str | PathLike[str], kind: str | None = None) -> tuple[pd.DataFrame, list[Finding]]:
    """Read an annotation table from Parquet.

    Parameters
    ----------
    path
        The file.
    kind
        Key of ``TABLES``; by default what the file says, or else its name (``boxes.parquet``).

    Returns
    -------
    table : DataFrame
        As its schema wants it.
    findings : list of Finding
        What had to be changed.

    Raises
    ------
    AnnotationError
        If the file is no Parquet, its kind is unknown, or a newer version wrote it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    remedy = "Write it again from its source"
    try:
        with pq.ParquetFile(Path(path)) as file:
            rows = file.metadata.num_rows
            if not 0 <= rows <= MAX_ROWS:
                raise AnnotationError(
                    path, f"claims {rows:,} rows; at most {MAX_ROWS:,} are read", "Split it"
                )
            said = table_kind(dict(file.schema_arrow.metadata or {}), path)
            frame = file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise AnnotationError(path, f"is no Parquet file that can be read: {error}", remedy) from error
    return conform(frame, kind or said or Path(path).stem, path)


def table_kind(metadata: dict[bytes, bytes], path: str | PathLike[str] = "") -> str:
    """Return the kind of table that the metadata of a Parquet file state; empty if they state none.

    Raises
    ------
    AnnotationError
        If a newer version of the schemas wrote the file.
    """
    try:
        said = json.loads(metadata.get(METADATA_KEY, b"{}"))
        kind, version = str(said.get("table", "")), int(said.get("schema", SCHEMA_VERSION))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ""
    if version > SCHEMA_VERSION:
        raise AnnotationError(
            path,
            f"was written with version {version} of the annotation tables; this program knows {SCHEMA_VERSION}",
            "Install a newer micrographia",
        )
    return kind
