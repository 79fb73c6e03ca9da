"""What the annotation tables of a dataset hold: read once, summed up by image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from micrographia.dataset import Dataset
from micrographia.errors import DatasetError, MicrographiaError
from micrographia.findings import Finding

if TYPE_CHECKING:
    import pandas as pd

LOWEST = {"y": ("y0", "y"), "x": ("x0", "x"), "z": ("z0", "z")}
HIGHEST = {"y": ("y1", "y"), "x": ("x1", "x"), "z": ("z1", "z")}
BOXED = ("y1", "x1", "z1")
"""Columns that are half-open edges: the last pixel is one below."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the marks of one kind and set in one image lie.

    Parameters
    ----------
    kind, set, image
        Of the marks.
    rows
        Number of rows.
    lowest, highest
        Smallest and largest coordinate of a pixel along ``z``, ``y`` and ``x``, where there is one.
    classes
        Ids of the classes that occur.
    """

    kind: str
    set: str
    image: str
    rows: int
    lowest: Mapping[str, float] = field(default_factory=dict)
    highest: Mapping[str, float] = field(default_factory=dict)
    classes: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What the annotation tables hold.

    Parameters
    ----------
    extents
        One a kind, set and image.
    findings
        What reading had to say.
    errors
        Tables that cannot be read.
    """

    extents: tuple[Extent, ...] = ()
    findings: tuple[Finding, ...] = ()
    errors: tuple[MicrographiaError, ...] = ()


def gather_tables(dataset: Dataset) -> TableFacts:
    """Read the annotation tables of a dataset and sum them up."""
    if not dataset.table_rows():
        return TableFacts()
    from micrographia.dataset.tables import read_tables

    tables = read_tables(dataset)
    extents = [
        _extent(kind, str(name), str(image), part)
        for kind, frame in tables.frames.items()
        for (name, image), part in frame.groupby(["set", "image"], sort=True)
    ]
    findings = (replace(told, path=_relative(told.path, dataset)) for told in tables.findings)
    errors = (
        DatasetError(_relative(error.path, dataset), error.problem, error.remedy) for error in tables.errors
    )
    return TableFacts(tuple(extents), tuple(findings), tuple(errors))


def _relative(path: str, dataset: Dataset) -> str:
    full = Path(path)
    return full.relative_to(dataset.path).as_posix() if full.is_relative_to(dataset.path) else path


def _extent(kind: str, name: str, image: str, part: pd.DataFrame) -> Extent:
    lowest, highest = {}, {}
    for axis in "zyx":
        low, high = _edge(part, LOWEST[axis], least=True), _edge(part, HIGHEST[axis], least=False)
        if low is not None and high is not None:
            lowest[axis], highest[axis] = low, high
    ids = part["class_id"].dropna().unique() if "class_id" in part.columns else ()
    return Extent(kind, name, image, len(part), lowest, highest, frozenset(int(value) for value in ids))


def _edge(part: pd.DataFrame, columns: tuple[str, ...], *, least: bool) -> float | None:
    for name in columns:
        if name not in part.columns:
            continue
        column = part[name]
        if column.dtype == object:
            lengths = [values for values in column if values is not None and len(values)]
            found = [float(min(values) if least else max(values)) for values in lengths]
            value = (min(found) if least else max(found)) if found else None
        else:
            kept = column.dropna().astype("float64")
            value = float(kept.min() if least else kept.max()) if len(kept) else None
        if value is not None:
            return value - 1 if name in BOXED else value
    return None
