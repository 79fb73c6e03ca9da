"""Reading and writing profiles: Parquet, CSV, ``.npz`` with a table beside it, AnnData ``.h5ad``."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.files import replaced
from micrographia.dataset.identity import file_checksum
from micrographia.errors import MicrographiaError, ProfileError
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_h5ad import read_h5ad, write_h5ad
from micrographia.representation.profiles_problems import problems
from micrographia.representation.profiles_rows import align, align_to, concatenate
from micrographia.representation.profiles_table import (
    MISSING_WORDS,
    PREFIXES,
    clear_missing,
    name_metadata,
    read_delimited,
    said,
    split_columns,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "align", "align_to", "concatenate", "problems", "read_profiles", "write_profiles"]

Array = npt.NDArray[Any]

FORMATS = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".npz", ".h5ad")
"""Endings of the files that can be read and written."""

_KEY = b"micrographia"
_ARRAYS = ("values", "embeddings", "features", "X", "x", "arr_0")
_NAMES = ("names", "feature_names", "columns")
_BROKEN = (
    *(OSError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError, SyntaxError),
    *(RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error),
)
"""What numpy and zipfile raise over an archive that is damaged or claims what it does not hold."""
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


def read_profiles(
    path: str | PathLike[str],
    metadata: str | PathLike[str] | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    *,
    name: str = "",
    member: str = "X",
    missing: Sequence[str] = MISSING_WORDS,
) -> Profiles:
    """Read profiles.

    Parameters
    ----------
    path
        A table (``.parquet``, ``.csv``, ``.tsv``, also ``.gz``), an array (``.npz``), or AnnData (``.h5ad``). In
        tables, columns whose names begin with ``Metadata_`` or ``Image_Metadata_`` are metadata, and other columns of
        numbers are features. A Parquet column of lists becomes one feature an element.
    metadata
        For a table: the columns that are metadata although they have no prefix, or a second table with the same rows in
        the same order. For ``.npz``: the table with the metadata; if None, the one beside it with the same stem.
    features
        The features to read; all other columns are metadata (tables) or left out (``.npz``, ``.h5ad``).
    name
        What a report calls them; the file's name without its ending if empty.
    member
        For ``.h5ad``: ``X``, ``layers/NAME`` or ``obsm/NAME``. For ``.npz``: the name of the array.
    missing
        Texts of metadata that mean that there is no label. They become missing, which is counted in
        ``source["missing_words"]`` and told by :func:`problems`; ``()`` keeps them.

    Returns
    -------
    Profiles
        ``source`` says the file's name, its SHA-256 and its format.

    Raises
    ------
    ProfileError
        If the file cannot be read, is empty, names a column twice, holds text in a feature, lacks a column that is
        asked for, or its metadata has another number of rows.
    """
    place = Path(path)
    ending = _ending(place)
    if not place.is_file():
        raise ProfileError(place, "there is no such file", f"Profiles are {', '.join(FORMATS)}")
    if place.stat().st_size == 0:
        raise ProfileError(place, "is empty", "Write it again")
    listed = () if metadata is None or isinstance(metadata, str | PathLike) else tuple(metadata)
    beside = Path(metadata) if isinstance(metadata, str | PathLike) else None
    written: Mapping[str, Any] = {}
    if ending == ".h5ad":
        values, meta, names = read_h5ad(place, member, features)
    elif ending == ".npz":
        values, names = _read_npz(place, member, features)
        beside = beside or _beside(place)
        meta = _empty_meta(len(values)) if beside is None else _read_meta(beside)
    else:
        frame, written = _read_parquet(place) if ending == ".parquet" else (None, {})
        if frame is None:
            frame = read_delimited(place, listed, features)
        values, meta, names = split_columns(frame, place, metadata=listed, features=features)
    if beside is not None:
        further = _read_meta(beside)
        if len(further) != len(values):
            raise ProfileError(
                place,
                f"has {len(values):,} rows, and its metadata {beside.name} {len(further):,}",
                "Give both in the same order, a row each",
            )
        meta = further if ending == ".npz" else _joined(meta, further, beside)
    meta, words = clear_missing(meta, missing)
    source: dict[str, Any] = {**_source(place, ending), **({"member": member} if ending == ".h5ad" else {})}
    if beside is not None:
        source["metadata"] = _source(beside, _ending(beside))
    if words:
        source["missing_words"] = words
    if written.get("source"):
        source["written"] = written["source"]
        source |= {key: written["source"][key] for key in ("steps", "kind") if key in written["source"]}
    called = name or str(written.get("name") or "") or _stem(place, ending)
    return Profiles(values, meta, names, called, source)


def write_profiles(profiles: Profiles, path: str | PathLike[str]) -> None:
    """Write profiles; the same profiles give the same bytes.

    Parameters
    ----------
    profiles
        The profiles.
    path
        The file; its ending says the format (:data:`FORMATS`). It appears whole or not at all. ``.npz`` comes with a
        table ``STEM.csv`` of its metadata. CSV cannot tell an empty text from a missing one, nor a text ``NA``.

    Raises
    ------
    ProfileError
        If the ending is no format, a feature is called like metadata, or the file cannot be written.
    """
    place = Path(path)
    ending = _ending(place)
    odd = [name for name in profiles.names if name.startswith(PREFIXES)]
    if odd and ending not in (".npz", ".h5ad"):
        raise ProfileError(place, f"the feature {odd[0]!r} is called like metadata", "Rename it")
    try:
        if ending == ".npz":
            _write_npz(profiles, place)
        else:
            with replaced(place) as target:
                _WRITERS[ending](profiles, target)
    except MicrographiaError as error:
        raise ProfileError(error.path, error.problem, error.remedy) from error


def _ending(path: Path) -> str:
    lower = path.name.lower()
    if lower.endswith(".pq"):
        return ".parquet"
    for ending in (".txt", ".txt.gz"):
        if lower.endswith(ending):
            return ".tsv" if ending == ".txt" else ".tsv.gz"
    found = next((ending for ending in FORMATS if lower.endswith(ending)), None)
    if found is None:
        raise ProfileError(path, "has no ending of a known format", f"Formats are {', '.join(FORMATS)}")
    return found


def _stem(path: Path, ending: str) -> str:
    endings = (ending, ending.replace(".tsv", ".txt"), ".pq")
    return next((path.name[: -len(one)] for one in endings if path.name.lower().endswith(one)), path.name)


def _source(path: Path, ending: str) -> dict[str, Any]:
    try:
        return {"file": path.name, "sha256": file_checksum(path)[1], "format": ending.lstrip(".")}
    except MicrographiaError as error:
        raise ProfileError(error.path, error.problem, error.remedy) from error


def _empty_meta(n: int) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(index=pd.RangeIndex(n))


def _beside(path: Path) -> Path | None:
    stem = path.name[: -len(".npz")]
    names = [f"{stem}{ending}" for ending in (".csv", ".csv.gz", ".tsv", ".parquet")]
    return next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)


def _read_meta(path: Path) -> pd.DataFrame:
    """Read a table of which every column is metadata."""
    if not path.is_file():
        raise ProfileError(path, "there is no such file", "Give the table of the metadata")
    if _ending(path) == ".parquet":
        return name_metadata(_read_parquet(path)[0])
    if path.stat().st_size == 0:
        raise ProfileError(path, "is empty", "Give a table with a header")
    return name_metadata(read_delimited(path, (), ()))


def _joined(meta: pd.DataFrame, further: pd.DataFrame, path: Path) -> pd.DataFrame:
    import pandas as pd

    both = [str(name) for name in further.columns if name in meta.columns]
    if both:
        raise ProfileError(path, f"has a column {both[0]!r} that the profiles have too", "Leave one out")
    return pd.concat([meta, further], axis=1)


def _read_parquet(path: Path) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        names = list(table.column_names)
        told = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
        lists = [
            field.name for field in table.schema if pa.types.is_list(field.type) or _fixed(pa, field.type)
        ]
        twice = len(set(names)) < len(names)
        frame: pd.DataFrame = table.drop_columns(lists).to_pandas() if not twice else pd.DataFrame()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise ProfileError(path, f"cannot be read as Parquet ({said(error)})", "Write it again") from error
    if twice:
        raise ProfileError(path, "has two columns of one name", "Give every column a name of its own")
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    parts = [_unrolled(table.column(name), name, path) for name in lists]
    return (pd.concat([frame, *parts], axis=1) if parts else frame), told if isinstance(told, dict) else {}


def _fixed(pa: Any, kind: Any) -> bool:
    return bool(pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind))


def _unrolled(column: Any, name: str, path: Path) -> pd.DataFrame:
    """Return a column of lists of numbers, all equally long, as one column an element."""
    import pandas as pd

    rows = column.combine_chunks()
    lengths = np.unique(rows.value_lengths().to_numpy(zero_copy_only=False))
    if len(lengths) != 1 or not np.isfinite(lengths[0]) or rows.null_count:
        raise ProfileError(path, f"column {name!r} holds lists of different lengths", "Give one length")
    flat = rows.flatten().to_numpy(zero_copy_only=False)
    if flat.dtype.kind not in "fiu":
        raise ProfileError(path, f"column {name!r} holds lists that are no numbers", "Leave it out")
    width = int(lengths[0])
    return pd.DataFrame(flat.reshape(len(rows), width), columns=[f"{name}_{at}" for at in range(width)])


def _read_npz(path: Path, member: str, features: Sequence[str] | None) -> tuple[Array, tuple[str, ...]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            keys = list(held.files)
            planes = [key for key in keys if key == member] or [key for key in _ARRAYS if key in keys] or keys
            if member != "X" and member not in keys:
                raise ProfileError(path, f"has no array {member!r}", f"It has {', '.join(keys) or 'none'}")
            values: Array = held[planes[0]] if planes else np.empty(0)
            named = next((held[key] for key in _NAMES if key in keys), None)
    except _BROKEN as error:
        raise ProfileError(
            path, f"cannot be read as .npz ({said(error)})", "Save it without pickle"
        ) from error
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise ProfileError(
            path, f"has an array of shape {values.shape} and type {values.dtype}", "Save an (n, d) array"
        )
    names = tuple(map(str, named)) if named is not None else _numbered(values.shape[1])
    if len(names) != values.shape[1]:
        raise ProfileError(path, f"has {values.shape[1]:,} features and {len(names):,} names", "Name each")
    if not len(values):
        raise ProfileError(path, "holds no rows", "Save at least one row")
    if features is None:
        return values, names
    places = {one: at for at, one in enumerate(names)}
    lacking = next((one for one in features if one not in places), None)
    if lacking is not None:
        raise ProfileError(path, f"has no column {lacking!r}", f"It has {', '.join(names[:8])}, ...")
    return values[:, [places[one] for one in features]], tuple(features)


def _numbered(d: int) -> tuple[str, ...]:
    return tuple(f"f{at}" for at in range(d))


def _table(profiles: Profiles) -> pd.DataFrame:
    import pandas as pd

    meta = profiles.meta.add_prefix("Metadata_")
    return pd.concat([meta, pd.DataFrame(profiles.values, columns=list(profiles.names))], axis=1)


def _write_parquet(profiles: Profiles, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrays = {
            f"Metadata_{name}": pa.array(profiles.meta[name], from_pandas=True) for name in profiles.meta
        }
    except (pa.ArrowException, TypeError, ValueError) as error:
        problem = f"a column of metadata cannot be stored ({said(error)})"
        raise ProfileError(profiles.name, problem, "Use plain types") from error
    arrays |= {name: pa.array(profiles.values[:, at]) for at, name in enumerate(profiles.names)}
    note = {"profiles": 1, "name": profiles.name, "source": _plain(profiles.source)}
    table = pa.table(arrays).replace_schema_metadata({_KEY: json.dumps(note, sort_keys=True).encode()})
    pq.write_table(table, target, compression="zstd")


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what JSON has not becomes text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, np.ndarray | list | tuple | set | frozenset):
        return [
            _plain(held) for held in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)
        ]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _write_text(profiles: Profiles, target: Path, separator: str, zipped: bool) -> None:
    with _text(target, zipped) as stream:
        _table(profiles).to_csv(stream, sep=separator, index=False, lineterminator="\n")


@contextmanager
def _text(target: Path, zipped: bool) -> Iterator[io.TextIOWrapper]:
    with ExitStack() as stack:
        raw: Any = stack.enter_context(target.open("wb"))
        if zipped:  # without name and time, which would be other bytes each time
            raw = stack.enter_context(gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0))
        yield stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", newline=""))


def _write_npz(profiles: Profiles, place: Path) -> None:
    beside = place.with_name(f"{place.name[: -len('.npz')]}.csv")
    with replaced(place) as target, replaced(beside) as table:
        meta = profiles.meta.add_prefix("Metadata_")
        with _text(table, zipped=False) as stream:
            if not len(meta.columns):
                meta["index"] = np.arange(len(meta))
            meta.to_csv(stream, index=False, lineterminator="\n")
        names = np.array(profiles.names, dtype=np.str_)
        with zipfile.ZipFile(target, "w") as archive:
            for key, array in (("values", profiles.values), ("names", names)):
                entry = zipfile.ZipInfo(f"{key}.npy", _FIXED_DATE)
                with archive.open(entry, "w", force_zip64=True) as stream_of:
                    np.lib.format.write_array(stream_of, array, allow_pickle=False)


_WRITERS: dict[str, Callable[[Profiles, Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": lambda profiles, target: _write_text(profiles, target, ",", False),
    ".csv.gz": lambda profiles, target: _write_text(profiles, target, ",", True),
    ".tsv": lambda profiles, target: _write_text(profiles, target, "\t", False),
    ".tsv.gz": lambda profiles, target: _write_text(profiles, target, "\t", True),
    ".h5ad": write_h5ad,
}
