"""Writing GeoJSON for QuPath; ``geojson.py`` says what goes where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from micrographia.annotations.formats.base import attributes_of
from micrographia.annotations.formats.json_stream import number
from micrographia.annotations.formats.shapes import corners, ellipse_ring, rows_of, shapes
from micrographia.annotations.model import Annotations
from micrographia.annotations.tables import TABLES

PREFIX = "micrographia."
COLUMNS = ("object_id", "set", "class_id", "confidence", "annotator", "ignore", "z", "t")
CARRIED = {kind: TABLES[kind].names for kind in ("boxes", "polygons", "points")}


def features(annotations: Annotations, colors: dict[str, str], object_type: str) -> Iterator[dict[str, Any]]:
    """Yield a feature for each shape, point and box; ``colors`` are those of the classes by name."""
    cells: dict[tuple[Any, ...], list[Any]] = {}
    for shape in shapes(annotations.table("polygons")):
        row = shape.row
        cells.setdefault((row["set"], row["object_id"], row["t"], row["z"]), []).append(shape)
    for held in cells.values():
        whole_one = next((shape for shape in held if not shape.row["compartment"]), held[0])
        feature = _feature(whole_one.row, _polygonal(whole_one), colors, object_type)
        for shape in held:
            if shape.row["compartment"] == "nucleus" and shape is not whole_one:
                feature["nucleusGeometry"] = _polygonal(shape) | _plane(shape.row)
                feature["properties"]["objectType"] = "cell"
        yield feature
        for shape in held:
            if shape is not whole_one and shape.row["compartment"] != "nucleus":
                yield _feature(shape.row, _polygonal(shape), colors, object_type)
    for row in rows_of(annotations.table("points")):
        geometry = {"type": "Point", "coordinates": [row["x"] + 0.5, row["y"] + 0.5]}
        yield _feature(row, geometry, colors, object_type)
    for row in rows_of(annotations.table("boxes")):
        y, x = corners(row["y0"], row["x0"], row["y1"], row["x1"])
        ring = np.column_stack([x, y])
        geometry = {"type": "Polygon", "coordinates": [[*ring.tolist(), ring[0].tolist()]]}
        yield _feature(row | {"z": None}, geometry, colors, object_type, box=True)


def _polygonal(shape: Any) -> dict[str, Any]:
    closed = shape.kind != "path"
    parts = []
    for rings in shape.parts:
        drawn = []
        for y, x in rings:
            if shape.kind == "ellipse":
                y, x = ellipse_ring(y, x)
            positions = np.column_stack([x + 0.5, y + 0.5]).tolist()
            drawn.append([*positions, positions[0]] if closed else positions)
        parts.append(drawn)
    if not closed:
        lines = [ring for part in parts for ring in part]
        if len(lines) == 1:
            return {"type": "LineString", "coordinates": lines[0]}
        return {"type": "MultiLineString", "coordinates": lines}
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _feature(
    row: dict[str, Any],
    geometry: dict[str, Any],
    colors: dict[str, str],
    object_type: str,
    *,
    box: bool = False,
) -> dict[str, Any]:
    geometry = geometry | _plane(row)
    attributes = attributes_of(row["attributes"])
    top = {"type": "Feature"} | {key: attributes.pop(key) for key in ("id",) if key in attributes}
    properties: dict[str, Any] = {"objectType": object_type} | attributes
    if row["name"]:
        properties["name"] = row["name"]
    if row["class_name"]:
        properties["classification"] = {"name": row["class_name"]}
        color = colors.get(row["class_name"], "")
        if len(color) == 6:
            properties["classification"]["color"] = [int(color[k : k + 2], 16) for k in (0, 2, 4)]
    held = properties.get("metadata")
    metadata = dict(held) if isinstance(held, dict) else {}
    metadata |= {
        PREFIX + name: _written(row[name]) for name in COLUMNS if row.get(name) not in (None, "", False)
    }
    if box:
        metadata[PREFIX + "kind"] = "box"
    if row.get("compartment"):
        metadata[PREFIX + "compartment"] = row["compartment"]
    properties["metadata"] = metadata
    return top | {"geometry": geometry, "properties": properties}


def _plane(row: dict[str, Any]) -> dict[str, Any]:
    z, t = row.get("z"), row["t"]
    if z is None and t is None:
        return {}
    level = int(z) if z is not None and float(z).is_integer() else 0
    return {"plane": {"c": -1, "z": level, "t": t or 0}}


def _written(value: Any) -> str:
    real = number(value)
    return repr(value) if real is not None and isinstance(value, float) else str(value)
