"""Profiles as AnnData ``.h5ad``: HDF5 groups ``X``, ``obs`` and ``var``, as the anndata on-disk format has them.

Layout: https://anndata.readthedocs.io/en/stable/fileformat-prose.html (encodings ``anndata 0.1.0``,
``dataframe 0.2.0``, ``array``, ``string-array``, ``categorical``, ``nullable-integer``, ``nullable-boolean``,
``csr_matrix``, ``csc_matrix``), and the older form in which categories stand in ``obs/__categories``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_table import said

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

_BROKEN = (
    *(OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError, AttributeError),
    *(OverflowError, MemoryError),
)
"""What h5py raises over a file that is damaged or is no AnnData."""

MAX_DENSE = 1 << 31
"""More values than this are not read at once: a small file can claim any shape."""


def read_h5ad(
    path: Path, member: str = "X", features: Sequence[str] | None = None
) -> tuple[Array, pd.DataFrame, tuple[str, ...]]:
    """Read a matrix of an AnnData file and its observations.

    Parameters
    ----------
    path
        The file.
    member
        ``X``, ``layers/NAME`` or ``obsm/NAME``; dense, CSR or CSC.
    features
        Names of variables to read, in this order; None reads all.

    Returns
    -------
    values : array of shape (n, d)
        float32 or float64.
    meta : DataFrame
        The observations, with their names in the column ``obs_name``.
    names : tuple of str
        Names of the variables; numbered for ``obsm``.

    Raises
    ------
    ProfileError
        If it is no AnnData, lacks what is asked for, or is sparse and too large to be made dense.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            lacking = next((part for part in (member, "obs") if part not in file), None)
            if lacking is not None:
                held = ", ".join(_matrices(file)) or "none"
                raise ProfileError(path, f"has no {lacking!r}", f"Matrices that it has: {held}")
            meta = _frame(file["obs"], path)
            matrix = file[member]
            shape = _shape(matrix, path)
            names = _variables(file, member, shape[1], path)
            if len(meta) != shape[0]:
                raise ProfileError(
                    path,
                    f"has {shape[0]:,} rows in {member} and {len(meta):,} observations",
                    "Write it again with anndata",
                )
            if not shape[0]:
                raise ProfileError(path, "holds no rows", "Give at least one observation")
            columns = _chosen(names, features, path)
            values = _dense(matrix, shape, columns, path)
    except _BROKEN as error:
        raise ProfileError(
            path, f"cannot be read as AnnData ({said(error)})", "Write it again with anndata"
        ) from error
    return values, meta, tuple(names) if columns is None else tuple(names[at] for at in columns)


def write_h5ad(profiles: Profiles, target: Path) -> None:
    """Write profiles as AnnData: features as ``X``, metadata as ``obs``; text as categories."""
    import h5py

    with h5py.File(target, "w", libver="earliest", track_order=False) as file:
        _tag(file, "anndata", "0.1.0")
        matrix = file.create_dataset("X", data=profiles.values, track_times=False)
        _tag(matrix, "array", "0.2.0")
        index = [str(at) for at in range(profiles.n)]
        meta = profiles.meta
        if "obs_name" in meta.columns and meta["obs_name"].notna().all():
            index = [str(value) for value in meta["obs_name"]]
            meta = meta.drop(columns="obs_name")
        _write_frame(file, "obs", index, meta)
        _write_frame(file, "var", list(profiles.names), None)
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            _tag(file.create_group(name), "dict", "0.1.0")


def _matrices(file: Any) -> Iterator[str]:
    if "X" in file:
        yield "X"
    for group in ("layers", "obsm"):
        if group in file:
            yield from (f"{group}/{name}" for name in file[group])


def _shape(matrix: Any, path: Path) -> tuple[int, int]:
    shape = tuple(int(size) for size in (matrix.shape if hasattr(matrix, "shape") else _sparse_shape(matrix)))
    if len(shape) != 2:
        raise ProfileError(path, f"has a matrix of shape {shape}", "Give one with two axes")
    return shape[0], shape[1]


def _sparse_shape(group: Any) -> Any:
    shape = group.attrs.get("shape", group.attrs.get("h5sparse_shape"))
    return () if shape is None else shape


def _variables(file: Any, member: str, d: int, path: Path) -> list[str]:
    if member.startswith("obsm/"):
        stem = member.removeprefix("obsm/")
        return [f"{stem}_{at}" for at in range(d)]
    if "var" not in file:
        raise ProfileError(path, "has no 'var'", "Write it again with anndata")
    names = [str(name) for name in _frame(file["var"], path)["obs_name"]]
    if len(names) != d:
        raise ProfileError(
            path, f"has {d:,} columns in {member} and {len(names):,} variables", "Write it again"
        )
    return names


def _chosen(names: list[str], features: Sequence[str] | None, path: Path) -> list[int] | None:
    if features is None:
        if len(set(names)) < len(names):
            raise ProfileError(
                path, "has two variables of one name", "Make the names of its variables unique"
            )
        return None
    places = {name: at for at, name in enumerate(names)}
    lacking = next((name for name in features if name not in places), None)
    if lacking is not None:
        raise ProfileError(path, f"has no column {lacking!r}", f"It has {', '.join(names[:8])}, ...")
    return [places[name] for name in features]


def _dense(matrix: Any, shape: tuple[int, int], columns: list[int] | None, path: Path) -> Array:
    import h5py

    n, d = shape[0], shape[1] if columns is None else len(columns)
    if n * d > MAX_DENSE:
        raise ProfileError(
            path, f"claims {n:,} rows of {d:,} features, which do not fit into memory", "Name the features"
        )
    if isinstance(matrix, h5py.Dataset):
        whole = matrix[:] if columns is None else matrix[:, sorted(set(columns))]
        if columns is not None:
            order = {column: at for at, column in enumerate(sorted(set(columns)))}
            whole = whole[:, [order[column] for column in columns]]
        return _floats(np.asarray(whole), path)
    kind = _text(matrix.attrs.get("encoding-type", matrix.attrs.get("h5sparse_format", "")))
    if not {"data", "indices", "indptr"} <= set(matrix):
        raise ProfileError(path, "has a matrix of an unknown kind", "Give a dense, CSR or CSC matrix")
    from scipy import sparse

    parts = matrix["data"][:], matrix["indices"][:], matrix["indptr"][:]
    make = sparse.csc_matrix if kind.startswith("csc") else sparse.csr_matrix
    held = make(parts, shape=shape)
    picked = held if columns is None else held.tocsc()[:, columns]
    return _floats(np.asarray(picked.toarray()), path)


def _floats(values: Array, path: Path) -> Array:
    if values.dtype.kind not in "fiub":
        raise ProfileError(path, f"has a matrix of {values.dtype}", "Give one of numbers")
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


def _frame(group: Any, path: Path) -> pd.DataFrame:
    """Return ``obs`` or ``var`` as a table, its index as the column ``obs_name``."""
    import h5py
    import pandas as pd

    if isinstance(group, h5py.Dataset):  # before anndata 0.7 a table was one compound dataset
        records = group[:]
        fields = list(records.dtype.names or ())
        table = {
            name: [_text(cell) if isinstance(cell, bytes) else cell for cell in records[name]]
            for name in fields
        }
        frame = pd.DataFrame(table)
        return frame.rename(columns={fields[0]: "obs_name"}) if fields else frame
    index = _text(group.attrs.get("_index", "_index"))
    if index not in group:
        raise ProfileError(path, f"has no index {index!r} in {group.name}", "Write it again with anndata")
    columns = {"obs_name": _column(group, index)}
    order = [_text(name) for name in group.attrs.get("column-order", [])]
    for name in order or [name for name in group if name not in (index, "__categories")]:
        if name in group and name != index:
            columns["obs_name_" if name == "obs_name" else name] = _column(group, name)
    return pd.DataFrame(columns)


def _column(group: Any, name: str) -> Any:
    import h5py
    import pandas as pd

    held = group[name]
    if isinstance(held, h5py.Dataset):
        values = _cells(held)
        categories = group.get("__categories")
        if categories is not None and name in categories:
            return pd.Categorical.from_codes(values, _unique(_cells(categories[name])))
        return values
    kind = _text(held.attrs.get("encoding-type", ""))
    if kind == "categorical":
        ordered = bool(held.attrs.get("ordered", False))
        return pd.Categorical.from_codes(
            held["codes"][:], _unique(_cells(held["categories"])), ordered=ordered
        )
    values, mask = _cells(held["values"]), held["mask"][:].astype(bool)
    if kind == "nullable-boolean":
        return pd.arrays.BooleanArray(values.astype(bool), mask)
    if values.dtype.kind in "iu":
        return pd.arrays.IntegerArray(values.astype(np.int64), mask)
    plain = values.astype(object)
    plain[mask] = None
    return plain


def _unique(values: Array) -> Any:
    import pandas as pd

    return pd.Index(values)


def _cells(dataset: Any) -> Array:
    values = dataset.asstr()[:] if dataset.dtype.kind in "OS" else dataset[:]
    return np.asarray(values)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _tag(target: Any, kind: str, version: str) -> None:
    target.attrs["encoding-type"] = kind
    target.attrs["encoding-version"] = version


def _write_frame(file: Any, name: str, index: list[str], meta: pd.DataFrame | None) -> None:
    import h5py

    group = file.create_group(name, track_order=False)
    _tag(group, "dataframe", "0.2.0")
    columns = {} if meta is None else {str(column): series for column, series in meta.items()}
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(list(columns), dtype=h5py.string_dtype())
    _write_strings(group, "_index", index)
    for column, series in columns.items():
        if column == "_index" or "/" in column:
            raise ProfileError("", f"AnnData cannot hold a column called {column!r}", "Rename it")
        _write_column(group, column, series)


def _write_column(group: Any, name: str, series: pd.Series[Any]) -> None:
    import pandas as pd

    missing = series.isna().to_numpy()
    kind = series.dtype.kind if isinstance(series.dtype, np.dtype) else "extension"
    if kind in "fiu" or (kind == "b" and not missing.any()):
        _tag(group.create_dataset(name, data=series.to_numpy(), track_times=False), "array", "0.2.0")
        return
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_integer_dtype(series.dtype):
        boolean = pd.api.types.is_bool_dtype(series.dtype)
        part = group.create_group(name)
        _tag(part, "nullable-boolean" if boolean else "nullable-integer", "0.1.0")
        values = series.astype(object).where(~missing, False if boolean else 0)
        filled = values.to_numpy().astype(bool if boolean else np.int64)
        _tag(part.create_dataset("values", data=filled, track_times=False), "array", "0.2.0")
        _tag(part.create_dataset("mask", data=missing, track_times=False), "array", "0.2.0")
        return
    if isinstance(series.dtype, pd.CategoricalDtype) and pd.api.types.is_string_dtype(
        series.cat.categories.dtype
    ):
        codes, categories, ordered = series.cat.codes.to_numpy(), series.cat.categories, series.cat.ordered
    else:
        texts = series.astype(object).map(str, na_action="ignore")
        made = pd.Categorical(texts)
        codes, categories, ordered = made.codes, made.categories, False
    part = group.create_group(name)
    _tag(part, "categorical", "0.2.0")
    part.attrs["ordered"] = bool(ordered)
    _tag(part.create_dataset("codes", data=codes, track_times=False), "array", "0.2.0")
    _write_strings(part, "categories", [str(one) for one in categories])


def _write_strings(group: Any, name: str, texts: Sequence[str]) -> None:
    import h5py

    data = np.array(list(texts), dtype=object)
    made = group.create_dataset(name, data=data, dtype=h5py.string_dtype("utf-8"), track_times=False)
    _tag(made, "string-array", "0.2.0")
