"""Tables as CSV or TSV: our own, and those of other programs under the names that columns have in the wild.

| CSV | here |
|---|---|
| header of a table of ours | that table, every column, exactly |
| `x`, `y` (or `pos_x`, `centroid_x`, `row`, ...) | `points`, the numbers as they are |
| `xmin`, `ymin`, `xmax`, `ymax`, or `x`, `y`, `width`, `height` | `boxes`, half-open, the numbers as they are |
| a track and a frame (also TrackMate: `TRACK_ID`, `FRAME`, `POSITION_X`) | `tracks` |
| `count` | `counts` |
| a class and no position | `class_labels` |
| `source` and `target`; a node id | `graph_edges`, `graph_nodes` |
| other columns | kept behind those of the schema |

Several tables of annotations are written as a folder of one file a kind. Label images, the class list and
sizes of images have no place. A cell is text until its column says otherwise, so nothing in it is run or
interpreted.
"""

from __future__ import annotations

import csv
import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from micrographia.annotations.codes import finding, listed
from micrographia.annotations.conforming import conform
from micrographia.annotations.files import read_text, replaced
from micrographia.annotations.formats.base import ReadOptions, uncarried
from micrographia.annotations.formats.csv_names import columns_of, kind_of, plain
from micrographia.annotations.model import Annotations
from micrographia.annotations.tables import TABLES
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

MAX_COLUMNS = 10_000


@dataclass(frozen=True)
class CsvTables:
    """Tables as CSV or TSV."""

    api_version: int = 1
    name: str = "csv"
    title: str = "CSV"
    extensions: tuple[str, ...] = (".csv", ".tsv", ".txt")

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file has a header that makes a table, or a folder has such files of ours."""
        if path.is_dir():
            return any((path / f"{kind}{ending}").is_file() for kind in TABLES for ending in (".csv", ".tsv"))
        if b"\0" in head[:4096] or not head.strip():
            return False
        text = head.decode("utf-8-sig", errors="replace")
        header = text.splitlines()[0] if text.splitlines() else ""
        names = next(csv.reader([header], delimiter=_delimiter(header)), [])
        return len(header) < 60_000 and len(names) > 1 and kind_of(names) is not None

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file, or a folder of files of ours; see the table above."""
        result = Annotations()
        if path.is_dir():
            files = [path / f"{kind}{ending}" for kind in TABLES for ending in (".csv", ".tsv")]
            for file in files:
                if file.is_file():
                    _read_one(file, options, result, file.stem)
            if not result.tables and not result.findings:
                raise AnnotationError(
                    path, "holds no table that is named after its kind", f"Such as {files[1].name}"
                )
            return result
        _read_one(path, options, result, None)
        return result

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write one table as a file, or all into a folder; TSV if the path ends so."""
        findings = uncarried(
            annotations, self.title, {kind: _all(annotations, kind) for kind in TABLES}, path
        )
        if annotations.classes:
            message = f"{self.title} has no class list; ids and names stand in the rows"
            findings.append(finding("N006", message, path, field="classes"))
        tables = {kind: table for kind, table in annotations.tables.items() if len(table)}
        if not path.suffix:
            for kind, table in tables.items():
                findings += _write_one(table, kind, path / f"{kind}.csv", ",")
            return findings
        if len(tables) != 1:
            raise AnnotationError(
                path, f"a CSV file holds one table, not {len(tables)}", "Give a path without an ending"
            )
        ((kind, table),) = tables.items()
        return findings + _write_one(table, kind, path, "\t" if path.suffix.lower() == ".tsv" else ",")


def _all(annotations: Annotations, kind: str) -> list[str]:
    return [str(name) for name in annotations.table(kind).columns]


def _write_one(table: pd.DataFrame, kind: str, path: Path, delimiter: str) -> list[Finding]:
    frame, findings = conform(table, kind, path)
    schema = TABLES[kind]
    for column in schema.columns:
        if column.dtype == "numbers":
            frame[column.name] = [json.dumps(array.tolist()) for array in frame[column.name]]
    with replaced(path) as target, target.open("w", encoding="utf-8", errors="replace", newline="") as file:
        frame.to_csv(file, index=False, sep=delimiter, lineterminator="\n")
    return findings


def _read_one(path: Path, options: ReadOptions, result: Annotations, kind: str | None) -> None:
    text, is_utf8 = read_text(path)
    if not is_utf8:
        result.findings.append(finding("N001", "is not UTF-8; it was read as Latin-1", path))
    frame = _parse(path, text, result)
    renames = columns_of(frame.columns)
    found = kind or kind_of(frame.columns)
    if found is None:
        raise AnnotationError(
            path,
            f"has columns that make no annotation table: {listed([str(name) for name in frame.columns], 8)}",
            "Name columns such as image, x, y",
        )
    frame = _without_units(frame, renames, path, result)
    own = set(TABLES[found].names) <= set(frame.columns)
    renames = {} if own else _useful(renames, found)
    taken = [f"{old!r} as {new}" for old, new in renames.items() if old != new]
    if taken:
        message = f"columns were taken under another name: {listed(taken, 12)}"
        result.findings.append(finding("N001", message, path))
    clashing = [name for name in frame.columns if name not in renames and name in renames.values()]
    frame = frame.drop(columns=clashing).rename(columns=renames)
    frame = _prepared(frame, found, text, path, result)
    for column, value in (("image", options.image), ("set", options.set_name)):
        if value and (column not in frame or (frame[column] == "").all()):
            frame[column] = value
    result.add(found, _typed_extras(frame, found), path)


def _delimiter(header: str) -> str:
    counts = {delimiter: header.count(delimiter) for delimiter in ("\t", ",", ";")}
    return max(counts, key=lambda delimiter: counts[delimiter])


def _parse(path: Path, text: str, result: Annotations) -> pd.DataFrame:
    first = text.split("\n", 1)[0]
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            frame = pd.read_csv(
                io.StringIO(text),
                sep=_delimiter(first),
                dtype=str,
                keep_default_na=False,
                na_filter=False,
                index_col=False,
            )
    except (ValueError, OverflowError, csv.Error, IndexError) as error:
        raise AnnotationError(
            path, f"is no table that can be read: {' '.join(str(error).split())}"
        ) from error
    if told:
        message = "rows have more cells than the header has names; the further cells are left out"
        result.findings.append(finding("N005", message, path))
    if len(frame.columns) > MAX_COLUMNS:
        raise AnnotationError(path, f"has {len(frame.columns)} columns; at most {MAX_COLUMNS} are read")
    return frame


def _without_units(
    frame: pd.DataFrame, renames: dict[str, str], path: Path, result: Annotations
) -> pd.DataFrame:
    """Drop the rows of long names and units that TrackMate puts under its header."""
    by_column = {column: name for name, column in renames.items()}
    numeric = [by_column[column] for column in ("x", "y", "t", "track_id") if column in by_column]
    if len(numeric) < 3 or "POSITION_X" not in frame.columns:
        return frame
    head = frame[numeric].head(4)
    words = [
        all(pd.isna(pd.to_numeric(cell, errors="coerce")) for cell in row)
        for row in head.itertuples(index=False)
    ]
    skipped = words.index(False) if False in words else len(words)
    units = {str(cell).strip("() ") for cell in frame["POSITION_X"].head(skipped)}
    pixel = bool(units & {"pixel", "pixels", "px"})
    if not pixel:
        unit = next((word for word in units if word and " " not in word and word != "X"), "an unknown unit")
        message = f"positions are in {unit}, as TrackMate writes them; they were read as pixels"
        fix = "Divide by the pixel size, or export from an image without calibration"
        result.findings.append(finding("N011", message, path, field="tracks.x", fix=fix))
    return frame.iloc[skipped:].reset_index(drop=True)


def _useful(renames: dict[str, str], kind: str) -> dict[str, str]:
    """Keep the names that the kind has a column for."""
    wanted = set(TABLES[kind].names)
    if kind == "boxes":
        wanted |= {"width", "height", "x", "y"}
    result = {name: column for name, column in renames.items() if column in wanted}
    swaps = {"tracks": ("object_id", "label_id"), "objects": ("object_id", "label_id")}
    swaps["graph_nodes"] = ("object_id", "node_id")
    old, new = swaps.get(kind, ("", ""))
    if new and new not in result.values():
        result |= {name: new for name, column in renames.items() if column == old and plain(name) != "index"}
    return result


def _prepared(frame: pd.DataFrame, kind: str, text: str, path: Path, result: Annotations) -> pd.DataFrame:
    first = text.split("\n", 1)[0]
    numeric = [column.name for column in TABLES[kind].columns if column.dtype == "number"]
    if _delimiter(first) == ";":
        for name in (*numeric, "width", "height"):
            if name in frame:
                frame[name] = frame[name].str.replace(",", ".", regex=False)
    if kind == "boxes" and "x1" not in frame:
        frame = _boxes_of_sizes(frame, path, result)
    if kind in ("boxes", "polygons", "points") and "object_id" not in frame:
        frame["object_id"] = (
            frame.groupby("image", sort=False).cumcount() if "image" in frame else frame.index
        ) + 1
        result.findings.append(finding("N010", "rows have no id; they were numbered image by image", path))
    return frame


def _boxes_of_sizes(frame: pd.DataFrame, path: Path, result: Annotations) -> pd.DataFrame:
    """Turn corner and size, or centre and size, into edges."""
    corner = "x0" in frame
    size = {
        axis: pd.to_numeric(frame[name], errors="coerce") for axis, name in (("x", "width"), ("y", "height"))
    }
    for axis in "xy":
        start = pd.to_numeric(frame[f"{axis}0" if corner else axis], errors="coerce")
        frame[f"{axis}0"], frame[f"{axis}1"] = start, start + size[axis]
    if not corner:
        message = "boxes have x, y, width and height; x and y were taken as their upper left corner"
        result.findings.append(finding("N011", message, path, field="boxes.x0"))
        frame = frame.drop(columns=["x", "y"])
    return frame.drop(columns=["width", "height"])


def _typed_extras(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Give further columns whose cells are all numbers the type of numbers."""
    for name in [name for name in frame.columns if name not in TABLES[kind].names]:
        cells = frame[name]
        numbers: Any = pd.to_numeric(cells.where(cells.str.strip() != ""), errors="coerce")
        if len(cells) and (numbers.notna() | (cells.str.strip() == "")).all() and numbers.notna().any():
            frame[name] = numbers
    return frame
