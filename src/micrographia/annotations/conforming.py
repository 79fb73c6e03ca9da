"""Bring any table into the form of its schema: leniently, and with a finding for whatever had to be changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.annotations.codes import finding, listed
from micrographia.annotations.files import clean
from micrographia.annotations.tables import STORAGE, TABLES, Column, TableSchema
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
FALSE = frozenset({"false", "f", "no", "n", "0", "0.0", ""})
MISSING = frozenset({"", "nan", "na", "n/a", "none", "null", "<na>"})


def empty(kind: str) -> pd.DataFrame:
    """Return a table of a kind (a key of ``TABLES``) without rows, each column of its type."""
    return built(kind, {}, 0)


def schema_of(kind: str) -> TableSchema:
    """Return the schema of a kind.

    Raises
    ------
    AnnotationError
        If there is no such kind.
    """
    if kind not in TABLES:
        raise AnnotationError("", f"there is no annotation table {kind!r}", f"Kinds are {', '.join(TABLES)}")
    return TABLES[kind]


def conform(
    df: pd.DataFrame, kind: str, path: str | PathLike[str] = ""
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return a table as its schema wants it, and what had to be changed.

    Columns that the schema lacks stay, after those of the schema. Columns that are absent are added empty. Numbers
    written as text are read; a value that cannot be read counts as missing; a row without a value that its kind
    requires is left out. Swapped corners of boxes are put right.

    Parameters
    ----------
    df
        Any table; not changed.
    kind
        Key of ``TABLES``.
    path
        File that findings name.

    Raises
    ------
    AnnotationError
        If there is no such kind.

    Examples
    --------
    >>> table, findings = conform(pd.DataFrame({"image": ["a"], "y": ["3.5"], "x": [2], "object_id": 1}), "points")
    >>> table.loc[0, ["y", "x"]].tolist()
    [3.5, 2.0]
    """
    schema = schema_of(kind)
    notes: list[Finding] = []
    frame = _renamed(df, schema, path, notes)
    columns: dict[str, Any] = {}
    unusable = np.zeros(len(frame), bool)
    for column in schema.columns:
        if column.name in frame.columns:
            values, missing = _coerce(frame[column.name], column, path, notes)
        else:
            values, missing = _absent(column, len(frame))
        columns[column.name] = values
        if column.required:
            unusable |= missing
    extras = {name: frame[name].reset_index(drop=True) for name in frame.columns if name not in columns}
    result = pd.DataFrame(columns | extras, index=pd.RangeIndex(len(frame)))
    if kind == "polygons" and len(result):
        unusable |= _broken_rings(result)
    if unusable.any():
        rows = np.flatnonzero(unusable)
        notes.append(
            finding(
                "N003",
                f"{len(rows)} of {len(result)} {kind} lack what they need "
                f"({', '.join(column.name for column in schema.columns if column.required)}); they are left out",
                path,
                fix="Complete or remove these rows",
                evidence={"rows": rows[:20].tolist(), "count": len(rows)},
            )
        )
        result = result[~unusable].reset_index(drop=True)
    if kind == "boxes":
        _mend_boxes(result, path, notes)
    return result, notes


def _renamed(
    df: pd.DataFrame, schema: TableSchema, path: str | PathLike[str], notes: list[Finding]
) -> pd.DataFrame:
    names = [str(name) for name in df.columns]
    taken = {name for name in names if name in schema.names}
    changed = {}
    for index, name in enumerate(names):
        plain = name.strip().casefold().replace(" ", "_")
        if name not in schema.names and plain in schema.names and plain not in taken:
            changed[name], names[index] = plain, plain
            taken.add(plain)
    if changed:
        said = listed([f"{old!r} as {new}" for old, new in changed.items()])
        notes.append(finding("N001", f"columns were taken under another name: {said}", path))
    frame = df.set_axis(names, axis="columns")
    doubled = frame.columns.duplicated()
    if doubled.any():
        said = listed(sorted(set(frame.columns[doubled])))
        notes.append(finding("N005", f"columns occur twice, the first is kept: {said}", path))
        frame = frame.loc[:, ~doubled]
    return frame


def _absent(column: Column, rows: int) -> tuple[Any, npt.NDArray[np.bool_]]:
    missing = np.ones(rows, bool)
    match column.dtype:
        case "text":
            return pd.array([""] * rows, dtype="str"), missing
        case "integer?":
            return pd.arrays.IntegerArray(np.zeros(rows, np.int64), missing), missing
        case "flag?":
            return pd.arrays.BooleanArray(np.zeros(rows, bool), missing), missing
        case "numbers":
            return _cells([None] * rows), missing
        case "number":
            return np.full(rows, np.nan), missing
        case "flag":
            return np.zeros(rows, bool), missing
        case _:
            return np.full(rows, column.default, np.int64), missing


def _coerce(
    series: pd.Series[Any], column: Column, path: str | PathLike[str], notes: list[Finding]
) -> tuple[Any, npt.NDArray[np.bool_]]:
    if series.dtype == STORAGE[column.dtype] and column.dtype != "numbers":
        done = _already(series, column)
        if done is not None:
            return done
    series = series.reset_index(drop=True)
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype)
    match column.dtype:
        case "text":
            text = _text(series)
            return text, (text == "").to_numpy(bool)
        case "integer" | "integer?":
            values, bad = _integers(series)
        case "number":
            values, bad = _numbers(series)
        case "flag" | "flag?":
            values, bad = _flags(series)
        case _:
            values, bad = _arrays(series)
    if bad.any():
        rows = np.flatnonzero(bad)
        sample = listed([repr(str(value)[:40]) for value in series.iloc[rows[:6]]], 3)
        notes.append(
            finding(
                "N002",
                f"{len(rows)} values of column {column.name} are no {column.dtype.rstrip('?')}: {sample}",
                path,
                field=column.name,
                evidence={"rows": rows[:20].tolist(), "count": len(rows)},
            )
        )
    if column.dtype == "numbers":
        return values, np.array([array is None for array in values], bool)
    missing = values.isna().to_numpy(bool)
    if column.dtype == "integer":
        values = values.fillna(column.default).astype("int64")
    elif column.dtype == "flag":
        values = values.fillna(value=False).astype("bool")
    return values, missing


def _already(series: pd.Series[Any], column: Column) -> tuple[Any, npt.NDArray[np.bool_]] | None:
    """Return a column that has the type of the schema as it is, if its values are as they should be."""
    missing = series.isna().to_numpy(bool)
    if column.dtype == "text":
        if missing.any():
            return None
        missing = series.to_numpy(object) == ""
    elif column.dtype == "number" and np.isinf(series.to_numpy()).any():
        return None
    return series.reset_index(drop=True) if not _ranged(series) else series, missing


def _ranged(series: pd.Series[Any]) -> bool:
    index = series.index
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def built(kind: str, columns: Mapping[str, npt.NDArray[Any]], rows: int) -> pd.DataFrame:
    """Return a table from arrays that are known to be right; columns that are absent are empty.

    In an ``integer?`` or ``flag?`` column, negative numbers mean missing.
    """
    made: dict[str, Any] = {}
    for column in schema_of(kind).columns:
        if column.name not in columns:
            made[column.name] = _absent(column, rows)[0]
            continue
        values = columns[column.name]
        match column.dtype:
            case "integer?":
                made[column.name] = pd.arrays.IntegerArray(values.astype(np.int64), values < 0)
            case "flag?":
                made[column.name] = pd.arrays.BooleanArray(values > 0, values < 0)
            case _:
                made[column.name] = values.astype(STORAGE[column.dtype])
    return pd.DataFrame(made)


def _text(series: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(series.dtype, pd.StringDtype):
        return series.fillna("").astype("str")
    values = ["" if _is_missing(value) else str(value) for value in series.tolist()]
    try:
        return pd.Series(values, dtype="str")
    except UnicodeEncodeError:
        return pd.Series([clean(value) for value in values], dtype="str")


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value) or value is pd.NaT


def _floats(series: pd.Series[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the values as floats, NaN where there is none, and where there was one that is no finite number."""
    if series.dtype.kind in "iufb" and not pd.api.types.is_extension_array_dtype(series.dtype):
        numbers = series.to_numpy(np.float64, copy=True)
        was_missing = np.isnan(numbers)
    elif pd.api.types.is_numeric_dtype(series.dtype):
        numbers = series.to_numpy(np.float64, na_value=np.nan)
        was_missing = np.isnan(numbers)
    else:
        text = _text(series).str.strip()
        numbers = np.asarray(pd.to_numeric(text, errors="coerce"), np.float64).copy()
        was_missing = text.str.casefold().isin(MISSING).to_numpy(bool)
    bad = ~np.isfinite(numbers) & ~was_missing
    numbers[bad] = np.nan
    return numbers, bad


def _numbers(series: pd.Series[Any]) -> tuple[pd.Series[Any], npt.NDArray[np.bool_]]:
    numbers, bad = _floats(series)
    return pd.Series(numbers, dtype="float64"), bad


def _integers(series: pd.Series[Any]) -> tuple[pd.Series[Any], npt.NDArray[np.bool_]]:
    if series.dtype.kind in "ib" and pd.api.types.is_numeric_dtype(series.dtype):
        return series.astype("Int64"), np.zeros(len(series), bool)
    if not pd.api.types.is_numeric_dtype(series.dtype):
        return _written_integers(_text(series).str.strip())
    if series.dtype.kind == "u":
        large = (series > np.iinfo(np.int64).max).fillna(value=False).to_numpy(bool)
        return series.mask(large, 0).astype("Int64").mask(large), large
    numbers, bad = _floats(series)
    whole = np.isfinite(numbers) & (numbers == np.floor(numbers)) & (np.abs(numbers) < 2.0**63)
    bad |= np.isfinite(numbers) & ~whole
    values = np.where(whole, numbers, 0).astype(np.int64)
    return pd.Series(pd.arrays.IntegerArray(values, ~whole)), bad


def _written_integers(text: pd.Series[Any]) -> tuple[pd.Series[Any], npt.NDArray[np.bool_]]:
    values = np.zeros(len(text), np.int64)
    missing = np.zeros(len(text), bool)
    bad = np.zeros(len(text), bool)
    for index, word in enumerate(text.tolist()):
        number = _written_integer(word)
        if number is not None:
            values[index] = number
        else:
            missing[index] = True
            bad[index] = word.casefold() not in MISSING
    return pd.Series(pd.arrays.IntegerArray(values, missing)), bad


def _written_integer(word: str) -> int | None:
    if len(word) > 400:
        return None
    try:
        number = int(word)
    except ValueError:
        try:
            real = float(word)
        except ValueError:
            return None
        if not real.is_integer():
            return None
        number = int(real)
    return number if -(2**63) <= number < 2**63 else None


def _flags(series: pd.Series[Any]) -> tuple[pd.Series[Any], npt.NDArray[np.bool_]]:
    if pd.api.types.is_bool_dtype(series.dtype):
        return series.astype("boolean"), np.zeros(len(series), bool)
    words = _text(series).str.strip().str.casefold()
    true, false = words.isin(TRUE).to_numpy(bool), words.isin(FALSE).to_numpy(bool)
    missing = words.isin(MISSING).to_numpy(bool)
    return pd.Series(pd.arrays.BooleanArray(true, missing)), ~(true | false | missing)


def _arrays(series: pd.Series[Any]) -> tuple[pd.Series[Any], npt.NDArray[np.bool_]]:
    arrays = [_array(value) for value in series.tolist()]
    bad = np.array([array is None for array in arrays], bool)
    return pd.Series(_cells(arrays), dtype=object), bad


def _cells(arrays: list[Any]) -> npt.NDArray[np.object_]:
    cells = np.empty(len(arrays), object)
    for index, array in enumerate(arrays):
        cells[index] = array
    return cells


def _array(value: Any) -> npt.NDArray[np.float64] | None:
    if type(value) is np.ndarray and value.dtype == np.float64 and value.ndim == 1:
        return value if np.isfinite(value).all() else None
    try:
        if isinstance(value, str):
            value = json.loads(value)
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError, RecursionError):
        return None
    return array if array.ndim == 1 and np.isfinite(array).all() else None


def _broken_rings(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    least = {"path": 2, "ellipse": 4}
    shapes = frame["shape"].where(frame["shape"] != "", "polygon")
    frame["shape"] = shapes
    return np.array(
        [
            y is None or x is None or len(y) != len(x) or len(y) < least.get(shape, 3)
            for y, x, shape in zip(frame["y"], frame["x"], shapes, strict=True)
        ],
        bool,
    )


def _mend_boxes(frame: pd.DataFrame, path: str | PathLike[str], notes: list[Finding]) -> None:
    swapped = np.zeros(len(frame), bool)
    for low, high in (("z0", "z1"), ("y0", "y1"), ("x0", "x1")):
        first, last = frame[low].to_numpy(copy=True), frame[high].to_numpy(copy=True)
        wrong = first > last
        frame[low], frame[high] = np.where(wrong, last, first), np.where(wrong, first, last)
        swapped |= wrong
    if swapped.any():
        message = f"{swapped.sum()} boxes had their corners swapped; they were put right"
        notes.append(finding("N004", message, path, evidence={"rows": np.flatnonzero(swapped)[:20].tolist()}))
