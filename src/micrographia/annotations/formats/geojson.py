"""GeoJSON as QuPath writes it: one image a file, coordinates in pixels from the corner of the image.

| GeoJSON | here |
|---|---|
| `Polygon`, `MultiPolygon` | `polygons` with parts and holes, half a pixel less |
| `LineString`, `MultiLineString` | `polygons` of shape `path` |
| `Point`, `MultiPoint` | `points`, half a pixel less |
| `geometry.plane`: `z`, `t` | `z`, `t`, where they are not 0 |
| `nucleusGeometry` | `polygons` of compartment `nucleus` with the same `object_id` |
| `properties.classification`: `name` (or `names`), `color` | `class_name`, `classes` |
| `properties.name` | `name` |
| `id`, `objectType` (unless `annotation`), `isLocked`, `measurements` and the rest | `attributes` |
| `properties.metadata`: keys that begin with `micrographia.` | the column of that name |

What QuPath has no place for (ids, sets, classes' numbers, confidence, annotators, ignore) goes into the
text `metadata` of each object, which QuPath keeps; boxes go there as rectangles marked as boxes. So only
tables of other kinds and label images are lost; objects of label images are written as outlines.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from micrographia.annotations.codes import finding
from micrographia.annotations.files import replaced
from micrographia.annotations.formats.base import (
    ReadOptions,
    attributes_text,
    file_name,
    one_image,
    outlined,
    split_images,
    uncarried,
    without_depth,
)
from micrographia.annotations.formats.geojson_writer import CARRIED, PREFIX, features
from micrographia.annotations.formats.json_stream import JsonFile, numbers, opened, whole
from micrographia.annotations.formats.shapes import upright
from micrographia.annotations.model import Annotations, ClassEntry
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

MAX_STRAY = 100_000
"""Entries without a geometry, beyond which a list is given up."""
GEOMETRIES = frozenset({"Polygon", "MultiPolygon", "LineString", "MultiLineString", "Point", "MultiPoint"})


@dataclass(frozen=True)
class GeoJson:
    """GeoJSON as QuPath writes it.

    Parameters
    ----------
    object_type
        ``objectType`` of what does not say its own: ``annotation`` or ``detection``.
    """

    object_type: str = "annotation"
    api_version: int = 1
    name: str = "geojson"
    title: str = "GeoJSON (QuPath)"
    extensions: tuple[str, ...] = (".geojson", ".json")

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file holds features."""
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if not start.startswith((b"{", b"[")) or b'"Feature' not in head:
            return False
        try:
            with opened(path) as file:
                members = file.members()
                return file.top == "[" or "features" in members or {"geometry", "type"} <= members.keys()
        except AnnotationError:
            return False

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file; see the table above."""
        with opened(path) as file:
            return _Reader(path, options).read(file)

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write a file, or a folder of one file an image; see the table above."""
        if not path.suffix:
            return [
                note
                for image, part in split_images(annotations)
                for note in self.write(part, path / f"{file_name(image)}.geojson")
            ]
        one_image(annotations, self.title, path)
        annotations, findings = outlined(annotations, self.title, path)
        findings += uncarried(annotations, self.title, CARRIED, path)
        colors = {entry.name: entry.color for entry in annotations.classes}
        findings += without_depth(annotations, self.title, path)
        ovals = (annotations.table("polygons")["shape"] == "ellipse").sum()
        if ovals:
            message = f"{ovals} ellipses are written as polygons of 64 vertices"
            findings.append(finding("N007", message, path, field="polygons.shape"))
        with replaced(path) as target, target.open("w", encoding="utf-8", errors="replace") as file:
            file.write('{"type": "FeatureCollection", "features": [')
            for index, feature in enumerate(features(annotations, colors, self.object_type)):
                file.write((",\n" if index else "\n") + json.dumps(feature, ensure_ascii=False))
            file.write("\n]}\n")
        return findings


class _Reader:
    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.image = options.image_of(path, ".geojson", ".json")
        self.set = options.set_name
        self.result = Annotations()
        self.problems: Counter[str] = Counter()
        self.rows: dict[str, list[dict[str, Any]]] = {"polygons": [], "points": [], "boxes": []}
        self.classes: dict[str, ClassEntry] = {}
        self.numbers: list[int | None] = []

    def read(self, file: JsonFile) -> Annotations:
        for feature in self._listed(file):
            self._feature(feature)
        ids = self._ids()
        for kind, rows in self.rows.items():
            frame = pd.DataFrame(rows)
            if len(frame):
                frame["object_id"] = [ids[number] for number in frame["object_id"]]
                for name in ("class_id", "t"):
                    frame[name] = pd.array(frame[name].tolist(), dtype="Int64")
            self.result.add(kind, frame, self.path)
        self.result.classes = list(self.classes.values())
        for problem, count in sorted(self.problems.items()):
            code = "N005" if problem.startswith("geometries of type") else "N003"
            note = finding(code, f"{count} {problem}", self.path, evidence={"count": count})
            self.result.findings.append(note)
        if file.latin:
            self.result.findings.append(finding("N001", "is not UTF-8; it was read as Latin-1", self.path))
        return self.result

    def _listed(self, file: JsonFile) -> Iterator[Any]:
        members = file.members()
        if file.top == "[":
            yield from file.elements()
        elif "features" in members:
            yield from file.elements(members["features"])
        elif "geometry" in members:
            yield {name: file.value(span) for name, span in members.items()}
        else:
            raise AnnotationError(self.path, "holds no features", "Is it GeoJSON?")

    def _feature(self, feature: Any) -> None:
        if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
            self.problems["features have no geometry"] += 1
            if self.problems["features have no geometry"] > MAX_STRAY:
                raise AnnotationError(self.path, "holds a list of other things than features")
            return
        said = feature.get("properties")
        properties = dict(said) if isinstance(said, dict) else {}
        meta = properties.get("metadata")
        own = dict(meta) if isinstance(meta, dict) else {}
        ours = {key[len(PREFIX) :]: own.pop(key) for key in list(own) if key.startswith(PREFIX)}
        if own:
            properties["metadata"] = own
        else:
            properties.pop("metadata", None)
        name = properties.pop("name", "")
        if properties.get("objectType") == "annotation":
            del properties["objectType"]
        rest = {
            key: value
            for key, value in feature.items()
            if key not in ("type", "geometry", "properties", "nucleusGeometry")
        }
        row = {
            "image": self.image,
            "set": ours.get("set", self.set),
            "object_id": self._number(whole(ours.get("object_id"))),
            "class_id": whole(ours.get("class_id")),
            "class_name": self._class(properties.pop("classification", None)),
            "confidence": ours.get("confidence"),
            "annotator": ours.get("annotator", ""),
            "ignore": ours.get("ignore", ""),
            "name": name if isinstance(name, str) else "",
            "attributes": attributes_text(rest | properties),
        }
        self._geometry(feature["geometry"], row, ours, str(ours.get("compartment", "")))
        if isinstance(feature.get("nucleusGeometry"), dict):
            nucleus = {"plane": feature["geometry"].get("plane")} | feature["nucleusGeometry"]
            self._geometry(nucleus, row, ours, "nucleus")

    def _number(self, stated: int | None) -> int:
        self.numbers.append(stated)
        return len(self.numbers) - 1

    def _ids(self) -> list[int]:
        """Return the id of each feature: its own, or the next that no other has."""
        taken = {number for number in self.numbers if number is not None}
        free = itertools.filterfalse(taken.__contains__, itertools.count(1))
        return [next(free) if number is None else number for number in self.numbers]

    def _class(self, said: Any) -> str:
        if not isinstance(said, dict):
            return said if isinstance(said, str) else ""
        names = said.get("names")
        name = said.get("name") or (": ".join(str(part) for part in names) if isinstance(names, list) else "")
        if not isinstance(name, str) or not name:
            return ""
        if name not in self.classes or not self.classes[name].color:
            self.classes[name] = ClassEntry(None, name, _color(said))
        return name

    def _geometry(
        self, geometry: dict[str, Any], row: dict[str, Any], ours: dict[str, Any], part_of: str
    ) -> None:
        kind, held = geometry.get("type"), geometry.get("coordinates")
        if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list):
            for inner in geometry["geometries"]:
                if isinstance(inner, dict):
                    self._geometry({"plane": geometry.get("plane")} | inner, row, ours, part_of)
            return
        if kind not in GEOMETRIES:
            self.problems[f"geometries of type {str(kind)[:40]} are left out"] += 1
            return
        place = row | {"t": whole(ours.get("t")), "z": ours.get("z")}
        plane = geometry.get("plane")
        if isinstance(plane, dict):
            for axis in "zt":
                index = whole(plane.get(axis))
                if index and place[axis] is None:
                    place[axis] = index
        if not isinstance(held, list):
            self.problems["geometries have no coordinates"] += 1
        elif kind in ("Point", "MultiPoint"):
            for position in [held] if kind == "Point" else held:
                self._point(position, place)
        elif kind in ("LineString", "MultiLineString"):
            lines = [held] if kind == "LineString" else held
            self._rings(
                [[line] for line in lines], place | {"shape": "path", "compartment": part_of}, closed=False
            )
        else:
            parts = [held] if kind == "Polygon" else held
            if ours.get("kind") == "box":
                self._box(parts, place)
            else:
                self._rings(parts, place | {"shape": "polygon", "compartment": part_of}, closed=True)

    def _point(self, position: Any, row: dict[str, Any]) -> None:
        values = numbers(position)
        if values is None or len(values) < 2:
            self.problems["points are not two numbers"] += 1
            return
        self.rows["points"].append(row | {"y": values[1] - 0.5, "x": values[0] - 0.5})

    def _box(self, parts: list[Any], row: dict[str, Any]) -> None:
        ring = _vertices(parts[0][0]) if parts and isinstance(parts[0], list) and parts[0] else None
        edges = upright(ring[:4, 1], ring[:4, 0]) if ring is not None and len(ring) in (4, 5) else None
        if edges is None:
            self.problems["boxes are no upright rectangles"] += 1
            return
        self.rows["boxes"].append(row | dict(zip(("y0", "x0", "y1", "x1"), edges, strict=True)))

    def _rings(self, parts: list[Any], row: dict[str, Any], *, closed: bool) -> None:
        kept = 0
        for rings in parts:
            if not isinstance(rings, list):
                self.problems["outlines are no lists of positions"] += 1
                continue
            within = 0
            for position, ring in enumerate(rings):
                vertices = _vertices(ring)
                if (
                    vertices is not None
                    and closed
                    and len(vertices) > 1
                    and (vertices[0] == vertices[-1]).all()
                ):
                    vertices = vertices[:-1]
                if vertices is None or len(vertices) < (3 if closed else 2):
                    self.problems["outlines are no lists of positions"] += 1
                    if position == 0:
                        break
                    continue
                self.rows["polygons"].append(
                    row | {"part": kept, "ring": within, "y": vertices[:, 1] - 0.5, "x": vertices[:, 0] - 0.5}
                )
                within += 1
            kept += within > 0


def _vertices(ring: Any) -> Any:
    """Return positions as an array (vertices, 2) of x and y, or None."""
    if not isinstance(ring, list) or not all(isinstance(at, list) and len(at) >= 2 for at in ring):
        return None
    x, y = numbers([at[0] for at in ring]), numbers([at[1] for at in ring])
    return None if x is None or y is None or not len(x) else np.column_stack([x, y])


def _color(said: dict[str, Any]) -> str:
    color = said.get("color")
    if isinstance(color, list) and len(color) == 3 and all(type(c) is int and 0 <= c < 256 for c in color):
        return "{:02X}{:02X}{:02X}".format(*color)
    packed = whole(said.get("colorRGB"))
    return f"{packed & 0xFFFFFF:06X}" if packed is not None else ""
