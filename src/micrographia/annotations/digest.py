"""A checksum of what an annotation table says, whatever the order of its rows and the file it came from."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.annotations.conforming import conform, schema_of
from micrographia.annotations.tables import Column


def table_digest(df: pd.DataFrame, kind: str) -> bytes:
    """Return the SHA-256 of the canonical form of an annotation table.

    The canonical form holds the columns of the schema that say anything (a column of missing values, empty text or
    all defaults is left out), in alphabetical order; rows in an order that depends on their values alone; integers as
    little-endian int64 with a mask of what is missing; floats as little-endian float64, not rounded, negative zero as
    zero, NaN as missing; text as UTF-8 with its length before it. Columns outside the schema do not count.

    Parameters
    ----------
    df
        The table; it is conformed first.
    kind
        Key of ``TABLES``.

    Returns
    -------
    bytes
        32 bytes; the same for tables that say the same.
    """
    frame, _ = conform(df, kind)
    columns = sorted(schema_of(kind).columns, key=lambda column: column.name)
    parts = [(column, _encode(frame[column.name], column)) for column in columns]
    kept = [(column, keys) for column, keys in parts if not _says_nothing(column, keys, frame)]
    order = (
        np.lexsort([key for _, keys in reversed(kept) for key in reversed(keys)])
        if kept
        else np.arange(len(frame))
    )
    digest = hashlib.sha256(f"micrographia table {kind} {len(frame)}\n".encode())
    for column, keys in kept:
        digest.update(f"{column.name} {column.dtype.rstrip('?')}\n".encode())
        if column.dtype == "text":
            _update_text(digest, frame[column.name].to_numpy(object)[order])
        else:
            for key in keys:
                digest.update(np.ascontiguousarray(key[order]).tobytes())
    return digest.digest()


Keys = list[npt.NDArray[Any]]


def _encode(series: pd.Series[Any], column: Column) -> Keys:
    """Return a column as arrays that together order its values the same way everywhere."""
    if column.dtype == "text":
        values = series.to_numpy(object)
        ranks = {text: rank for rank, text in enumerate(sorted(set(values), key=_utf8))}
        return [np.fromiter((ranks[text] for text in values), "<i8", len(values))]
    if column.dtype == "numbers":
        return _array_keys(series)
    if column.dtype == "number":
        numbers = series.to_numpy("<f8") + 0.0
        missing = np.isnan(numbers)
        return [(~missing).astype("u1"), np.where(missing, 0.0, numbers).astype("<f8")]
    known = series.notna().to_numpy(bool)
    integers = (
        series.fillna(0).to_numpy("<i8") if column.dtype[:7] == "integer" else series.fillna(value=False)
    )
    return [known.astype("u1"), np.asarray(integers).astype("<i8")]


def _array_keys(series: pd.Series[Any]) -> Keys:
    hashes = b"".join(
        hashlib.sha256((np.asarray(array, "<f8") + 0.0).astype("<f8").tobytes()).digest() for array in series
    )
    table = np.frombuffer(hashes, "<u8").reshape(-1, 4)
    return [table[:, column] for column in range(4)]


def _says_nothing(column: Column, keys: Keys, frame: pd.DataFrame) -> bool:
    values = frame[column.name]
    match column.dtype:
        case "text":
            return bool((values == "").all())
        case "numbers":
            return len(values) == 0
        case "number" | "integer?" | "flag?":
            return not keys[0].any()
        case "integer":
            return not column.required and bool((values == column.default).all())
        case _:
            return not values.any()


def _update_text(digest: Any, values: npt.NDArray[np.object_]) -> None:
    for text in values:
        encoded = _utf8(text)
        digest.update(struct.pack("<q", len(encoded)) + encoded)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")
