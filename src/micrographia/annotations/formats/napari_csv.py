"""Shapes and points as napari saves them: CSV with coordinates of pixel centres, one image a file.

| napari | here |
|---|---|
| points: `index`, `axis-0`, `axis-1`, ... | `points`, the numbers as they are |
| shapes: `polygon`, `path`, `line` | `polygons`; a line is a `path` |
| shapes: `ellipse` | `polygons` of shape `ellipse` |
| shapes: `rectangle` that is upright | `boxes`; its edges are half a pixel more |
| shapes: `rectangle` that is turned | `polygons` |
| `index` | `object_id`, one more |
| three axes | the first is `z`; four: `t` and `z` |
| further columns of points | kept behind those of the schema |

Classes, names, confidence, annotators, sets, ignore, attributes, parts and holes have no place; every ring
becomes a shape of its own. Numbers are exact.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from micrographia.annotations.codes import finding
from micrographia.annotations.files import read_text, replaced
from micrographia.annotations.formats.base import (
    ReadOptions,
    file_name,
    one_image,
    outlined,
    split_images,
    uncarried,
)
from micrographia.annotations.formats.shapes import corners, rows_of, shapes, upright
from micrographia.annotations.model import Annotations
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

MARKS = ("image", "object_id", "t", "z")
CARRIED = {
    "points": (*MARKS, "y", "x"),
    "polygons": (*MARKS, "part", "ring", "shape", "y", "x"),
    "boxes": (*MARKS, "y0", "x0", "y1", "x1"),
}
SHAPES = frozenset({"rectangle", "ellipse", "polygon", "path", "line"})


@dataclass(frozen=True)
class NapariCsv:
    """Shapes and points as napari saves them."""

    api_version: int = 1
    name: str = "napari"
    title: str = "napari CSV"
    extensions: tuple[str, ...] = (".csv",)

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file has the header of napari."""
        names = head.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").strip().split(",")
        return not path.is_dir() and names[0] == "index" and {"axis-0", "axis-1"} <= set(names)

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file; see the table above."""
        text, _ = read_text(path)
        try:
            frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, na_filter=False)
        except (ValueError, OverflowError, IndexError) as error:
            raise AnnotationError(
                path, f"is no table that can be read: {' '.join(str(error).split())}"
            ) from error
        axes = [name for name in frame.columns if name.startswith("axis-")]
        if "index" not in frame or not 2 <= len(axes) <= 4 or axes != [f"axis-{k}" for k in range(len(axes))]:
            raise AnnotationError(path, "lacks the columns index, axis-0 and axis-1 of napari")
        held = {
            name: pd.to_numeric(frame[name], errors="coerce").to_numpy(float) for name in ("index", *axes)
        }
        result = Annotations()
        usable = np.all([np.isfinite(values) & (np.abs(values) < 2**53) for values in held.values()], axis=0)
        if not usable.all():
            count = int((~usable).sum())
            result.findings.append(
                finding("N003", f"{count} rows are no numbers", path, evidence={"count": count})
            )
        frame = frame[usable].reset_index(drop=True)
        place = {
            name: values[usable]
            for name, values in zip("tzyx"[-len(axes) :], (held[a] for a in axes), strict=True)
        }
        ids = held["index"][usable].astype(np.int64) + 1
        if len(axes) == 3:
            result.findings.append(finding("N011", "has three axes; the first was taken as z", path))
        image = options.image_of(path, ".csv")
        if "shape-type" in frame:
            _read_shapes(frame, ids, place, image, path, result)
        else:
            _read_points(frame, ids, place, image, path, result)
        for table in result.tables.values():
            table["set"] = pd.Series([options.set_name] * len(table), dtype="str")
        return result

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write `shapes.csv` and `points.csv` into a folder, or one of them as a file; see the table above."""
        annotations, findings = outlined(annotations, self.title, path)
        findings += uncarried(annotations, self.title, CARRIED, path)
        if path.suffix:
            one_image(annotations, self.title, path)
            drawn = len(annotations.table("polygons")) + len(annotations.table("boxes"))
            if drawn and len(annotations.table("points")):
                raise AnnotationError(
                    path, "napari keeps shapes and points in two files", "Give a path without an ending"
                )
            _write_one(annotations, path, path, findings)
            return findings
        for image, part in split_images(annotations):
            stem = file_name(image) + "_" if len(annotations.images) > 1 else ""
            _write_one(part, path / f"{stem}shapes.csv", path / f"{stem}points.csv", findings)
        return findings


def _read_points(
    frame: pd.DataFrame, ids: Any, place: dict[str, Any], image: str, path: Path, result: Annotations
) -> None:
    extras = {
        f"{name}": frame[name] for name in frame.columns if name != "index" and not name.startswith("axis-")
    }
    taken = {
        name: f"napari {name}" for name in extras if name in ("image", "set", "object_id", "t", "z", "y", "x")
    }
    columns = {taken.get(name, name): values for name, values in extras.items()}
    result.add("points", pd.DataFrame({"image": image, "object_id": ids, **place, **columns}), path)


def _read_shapes(
    frame: pd.DataFrame, ids: Any, place: dict[str, Any], image: str, path: Path, result: Annotations
) -> None:
    rows: dict[str, list[dict[str, Any]]] = {"boxes": [], "polygons": []}
    problems: Counter[str] = Counter()
    for object_id, chosen in pd.DataFrame({"id": ids}).groupby("id", sort=False).indices.items():
        kind = str(frame["shape-type"].iloc[chosen[0]])
        if kind not in SHAPES:
            problems[f"shapes of type {kind[:40]} are left out"] += 1
            continue
        y, x = place["y"][chosen], place["x"][chosen]
        row: dict[str, Any] = {"image": image, "object_id": object_id}
        for axis in "tz":
            levels = np.unique(place[axis][chosen]) if axis in place else np.empty(0)
            if len(levels) > 1:
                problems["shapes are not in one plane and are left out"] += 1
                break
            if len(levels):
                row[axis] = levels[0]
        else:
            edges = upright(y, x) if kind == "rectangle" else None
            if edges is not None:
                held = dict(zip(("y0", "x0", "y1", "x1"), (edge + 0.5 for edge in edges), strict=True))
                rows["boxes"].append(row | held)
            else:
                shape = {"line": "path", "path": "path", "ellipse": "ellipse"}.get(kind, "polygon")
                rows["polygons"].append(row | {"shape": shape, "y": y, "x": x})
    for kind, found in rows.items():
        result.add(kind, pd.DataFrame(found), path)
    for problem, count in sorted(problems.items()):
        result.findings.append(finding("N005", f"{count} {problem}", path, evidence={"count": count}))


def _write_one(annotations: Annotations, to_shapes: Path, to_points: Path, findings: list[Finding]) -> None:
    rings: list[tuple[dict[str, Any], str, Any, Any]] = []
    for shape in shapes(annotations.table("polygons")):
        rings += [(shape.row, shape.kind, y, x) for y, x in shape.rings()]
    for row in rows_of(annotations.table("boxes")):
        edges = (row["y0"], row["x0"], row["y1"], row["x1"])
        rings.append((row | {"z": None}, "rectangle", *corners(*(edge - 0.5 for edge in edges))))
    points = annotations.table("points")
    ids = [row["object_id"] for row, *_ in rings]
    numbered = len(set(ids)) == len(ids)
    if rings and not numbered:
        message = "several rings have one id; each is written as a shape of its own"
        findings.append(finding("N006", message, to_shapes, field="polygons.ring"))
    if rings:
        marks = [row for row, *_ in rings]
        axes = _axes(marks)
        lines = []
        for index, (row, kind, y, x) in enumerate(rings):
            lead = [_level(row[axis]) for axis in axes[:-2]]
            number = row["object_id"] - 1 if numbered else index
            lines += [
                (number, kind, vertex, *lead, b, a)
                for vertex, (b, a) in enumerate(zip(y.tolist(), x.tolist(), strict=True))
            ]
        names = ["index", "shape-type", "vertex-index", *(f"axis-{k}" for k in range(len(axes)))]
        _save(pd.DataFrame(lines, columns=names), to_shapes)
    if len(points):
        marks = list(rows_of(points))
        axes = _axes(marks)
        lines = [(row["object_id"] - 1, *(_level(row[axis]) for axis in axes)) for row in marks]
        _save(pd.DataFrame(lines, columns=["index", *(f"axis-{k}" for k in range(len(axes)))]), to_points)


def _axes(rows: list[dict[str, Any]]) -> str:
    if any(row["t"] is not None for row in rows):
        return "tzyx"
    return "zyx" if any(row["z"] is not None for row in rows) else "yx"


def _level(value: Any) -> float:
    return 0.0 if value is None else float(value)


def _save(frame: pd.DataFrame, path: Path) -> None:
    with replaced(path) as target, target.open("w", encoding="utf-8", newline="") as file:
        frame.to_csv(file, index=False, lineterminator="\n")
