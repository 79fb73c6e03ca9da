"""Tables of profiles: which columns are features and which metadata, and what their cells say."""

from __future__ import annotations

import csv
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

PREFIXES = ("Metadata_", "Image_Metadata_")
"""Prefixes of columns that are metadata, in the tables of CellProfiler and of those who build on it."""

IDENTIFIERS = frozenset(("TableNumber", "ImageNumber", "ObjectNumber", "index"))
"""Numbers that say which row it is, and are no features even without a prefix."""

MISSING_WORDS = ("nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL")
"""Texts of a label that mean that there is none."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]\d+)?")
_PADDED = re.compile(r"[+-]?0\d")
_LONGEST_INTEGER = 15


def plain_name(column: str) -> str:
    """Return the name of a column of metadata without its prefix."""
    for prefix in PREFIXES:
        if column.startswith(prefix) and len(column) > len(prefix):
            return column[len(prefix) :]
    return column


def is_prefixed(column: str) -> bool:
    """Tell whether a column says by its name that it is metadata."""
    return plain_name(column) != column


def read_delimited(path: Path, text_columns: Sequence[str], features: Sequence[str] | None) -> pd.DataFrame:
    """Read a CSV or TSV file, also gzipped; metadata as text, what may be features as numbers where they are.

    Parameters
    ----------
    path
        The file; the ending ``.tsv`` or ``.txt`` means tabulators.
    text_columns
        Columns that are metadata although their name does not say so.
    features
        The columns that are features; all others are metadata. None decides by prefix.

    Raises
    ------
    ProfileError
        If it cannot be read, is empty, or names a column twice.
    """
    import pandas as pd

    separator = "\t" if path.name.removesuffix(".gz").endswith((".tsv", ".txt")) else ","
    header = _header(path, separator)
    told = set(text_columns) | IDENTIFIERS
    asked = None if features is None else set(features)
    texts = [
        name
        for name in header
        if name in told or is_prefixed(name) or (asked is not None and name not in asked)
    ]
    empty: dict[Any, list[str]] = {name: [""] for name in texts}
    empty |= {name: ["", *MISSING_WORDS] for name in header if name not in empty}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=separator,
                header=0,
                names=header,
                index_col=False,
                dtype=dict.fromkeys(texts, "str"),
                keep_default_na=False,
                na_values=empty,
                encoding="utf-8-sig",
                low_memory=False,
                compression="infer",
            )
    except pd.errors.ParserWarning as error:
        raise ProfileError(
            path, "has rows with more cells than its header", "Give every column a name"
        ) from error
    except (pd.errors.ParserError, UnicodeDecodeError, OSError, EOFError, zlib.error, ValueError) as error:
        problem = f"cannot be read as a table ({said(error)})"
        raise ProfileError(path, problem, "Write it as CSV in UTF-8") from error
    for name in texts:
        frame[name] = _typed(frame[name])
    return frame


def _header(path: Path, separator: str) -> list[str]:
    try:
        with ExitStack() as stack:
            raw: Any = stack.enter_context(path.open("rb"))
            if path.name.endswith(".gz"):
                raw = stack.enter_context(gzip.GzipFile(fileobj=raw))
            stream = stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))
            row = next(csv.reader(stream, delimiter=separator), None)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise ProfileError(path, f"cannot be read ({said(error)})", "Check the file") from error
    if not row or not any(name.strip() for name in row):
        raise ProfileError(path, "is empty", "Give a table with a header")
    other = next((mark for mark in ";\t," if mark != separator and row[0].count(mark) > 1), None)
    if len(row) == 1 and other is not None:
        shown = "tabulators" if other == "\t" else repr(other)
        hint = "Call it .tsv" if other == "\t" else "Call it .csv" if other == "," else "Write it with commas"
        raise ProfileError(path, f"is separated by {shown}", hint)
    names = [name.strip() or "index" for name in row]
    twice = (
        next((name for at, name in enumerate(names) if name in names[:at]), None)
        if len(set(names)) < len(names)
        else None
    )
    if twice is not None:
        raise ProfileError(path, f"has two columns called {twice!r}", "Give every column a name of its own")
    return names


def said(error: BaseException) -> str:
    """Return the first line of what an error says, cut to fit into a sentence; its type if it says nothing."""
    lines = str(getattr(error, "strerror", "") or error).splitlines()
    return lines[0][:120] if lines and lines[0].strip() else type(error).__name__


def _typed(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of text as numbers if every cell is one and none would lose a leading zero."""
    import pandas as pd

    known = texts.dropna()
    distinct = [str(value) for value in known.unique()]
    words = {word for word in distinct if word not in MISSING_WORDS}
    if not words or not all(
        _NUMBER.fullmatch(word) and not _PADDED.match(word) and len(word.lstrip("+-")) <= 2 * _LONGEST_INTEGER
        for word in words
    ):
        return texts
    cleared = texts.mask(texts.isin(MISSING_WORDS)) if len(words) < len(distinct) else texts
    if all(word.lstrip("+-").isdigit() for word in words):
        if max(map(len, words)) > _LONGEST_INTEGER:
            return texts
        return pd.to_numeric(cleared).astype("Int64" if cleared.isna().any() else "int64")
    return pd.to_numeric(cleared).astype("float64")


def split_columns(
    frame: pd.DataFrame,
    path: Path,
    *,
    metadata: Sequence[str] = (),
    features: Sequence[str] | None = None,
) -> tuple[Array, pd.DataFrame, tuple[str, ...]]:
    """Divide a table into features and metadata.

    A column is metadata if its name has a prefix, is an identifier, or is listed; or if no or few of its cells are
    numbers. All other columns are features. A column of which at least half of the cells are numbers and some are text
    is an error, because dropping it or the cells in silence would change every score.

    Parameters
    ----------
    frame
        The table; it is not changed.
    path
        What errors name.
    metadata
        Columns that are metadata although they have no prefix.
    features
        The features, in this order; all other columns are metadata. None decides by name and cells.

    Returns
    -------
    values : array of shape (n, d)
        float32 if all features are, else float64.
    meta : DataFrame
        Names without prefixes.
    names : tuple of str
        Names of the features.

    Raises
    ------
    ProfileError
        If a listed column is not there, a feature holds text, or there is no row or no feature.
    """
    columns = [str(name) for name in frame.columns]
    _known(columns, [*metadata, *(features or ())], path)
    if not len(frame):
        raise ProfileError(path, "holds no rows", "Give a table with at least one row")
    chosen: list[tuple[str, Array]] = []
    told: list[str] = []
    listed = set(metadata) | IDENTIFIERS
    asked = None if features is None else set(features)
    for name, (_, series) in zip(columns, frame.items(), strict=True):
        if asked is not None:
            told += [name] if name not in asked else []
            continue
        numbers = None if name in listed or is_prefixed(name) else _numbers(series, name, path, certain=False)
        if numbers is None:
            told.append(name)
        else:
            chosen.append((name, numbers))
    for name in features or ():
        numbers = _numbers(frame[name], name, path, certain=True)
        if numbers is not None:
            chosen.append((name, numbers))
    if not chosen:
        raise ProfileError(path, "holds no features", "Features are columns of numbers without Metadata_")
    single = all(numbers.dtype in (np.float32, np.float16) for _, numbers in chosen)
    values = np.empty((len(frame), len(chosen)), np.float32 if single else np.float64)
    for at, (_, numbers) in enumerate(chosen):
        values[:, at] = numbers
    return values, name_metadata(frame[told]), tuple(name for name, _ in chosen)


def _known(columns: Sequence[str], wanted: Sequence[str], path: Path) -> None:
    import difflib

    here = set(columns)
    for name in wanted:
        if name not in here:
            close = difflib.get_close_matches(name, columns, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"It has {', '.join(columns[:8])}, ..."
            raise ProfileError(path, f"has no column {name!r}", hint)


def name_metadata(meta: pd.DataFrame) -> pd.DataFrame:
    """Take the prefixes off the columns of metadata; one whose name would then be there twice keeps its own."""
    taken: set[str] = {str(name) for name in meta.columns if not is_prefixed(str(name))}
    names = []
    for name in map(str, meta.columns):
        plain = plain_name(name)
        kept = name if plain != name and plain in taken else plain
        taken.add(kept)
        names.append(kept)
    return meta.set_axis(names, axis=1).reset_index(drop=True)


def _numbers(series: pd.Series[Any], name: str, path: Path, *, certain: bool) -> Array | None:
    """Return a column as numbers, or None if it is no feature."""
    import pandas as pd

    kind = series.dtype.kind if isinstance(series.dtype, np.dtype) else "extension"
    if kind in "fiu":
        return series.to_numpy()
    if kind == "b":
        return series.to_numpy().astype(np.float64) if certain else None
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if kind in "mM" or not (pd.api.types.is_string_dtype(series.dtype) or series.dtype == object):
        if certain:
            raise ProfileError(path, f"feature {name!r} holds {series.dtype}, not numbers", "Leave it out")
        return None
    texts = series.astype(object)
    parsed = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    missing = (texts.isna() | texts.isin(["", *MISSING_WORDS])).to_numpy(dtype=bool)
    wrong = parsed.isna().to_numpy() & ~missing
    if wrong.any():
        if certain or 2 * int(wrong.sum()) <= int((~missing).sum()):
            first = int(np.flatnonzero(wrong)[0])
            raise ProfileError(
                path,
                f"feature {name!r} holds text in {int(wrong.sum()):,} of {len(series):,} rows, the first "
                f"{str(texts.iloc[first])[:40]!r} in row {first + 1:,}",
                "Correct these cells, or call the column Metadata_...",
            )
        return None
    if missing.all() and not certain and len(texts.dropna()):
        return None
    return parsed.to_numpy()


def clear_missing(
    meta: pd.DataFrame, words: Sequence[str]
) -> tuple[pd.DataFrame, Mapping[str, Mapping[str, int]]]:
    """Make texts that mean "nothing" missing; return the table, and for each column how often each text stood there."""
    import pandas as pd

    found: dict[str, dict[str, int]] = {}
    cleared = meta
    for name in meta.columns:
        series = meta[name]
        if isinstance(series.dtype, pd.CategoricalDtype):
            hit = series.isin([word for word in words if word in set(series.cat.categories)])
        elif pd.api.types.is_string_dtype(series.dtype) or series.dtype == object:
            hit = series.isin(list(words))
        else:
            continue
        if not hit.any():
            continue
        counts = series[hit].astype(str).value_counts()
        found[str(name)] = {str(word): int(counts[word]) for word in sorted(map(str, counts.index))}
        if cleared is meta:
            cleared = meta.copy()
        emptied = series.mask(hit)
        cleared[name] = (
            emptied.cat.remove_unused_categories()
            if isinstance(series.dtype, pd.CategoricalDtype)
            else emptied
        )
    return cleared, found
