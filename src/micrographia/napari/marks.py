"""Annotation tables as layers of napari, and layers as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from micrographia.annotations.formats.shapes import corners, shapes, upright
from micrographia.images import Image
from micrographia.napari.lazy import LayerData

FEATURES = ("object_id", "label_id", "class_id", "class_name", "confidence", "annotator", "ignore", "name")
"""Columns of the tables that become features of points and shapes."""
KINDS = {"polygon": "polygon", "path": "path", "ellipse": "ellipse"}


def mark_layers(
    tables: Mapping[str, pd.DataFrame], image: Image, *, name: str, said: Mapping[str, Any]
) -> list[LayerData]:
    """Return points, boxes, polygons and tracks of one image as layers, set by set.

    A mark without a plane or time point, on an image that has several, lies on the first.

    Parameters
    ----------
    tables
        Kind to the rows of this image.
    image
        That they lie on.
    name
        Of the image.
    said
        What the metadata of the layers say.
    """
    axes = image.axes.replace("C", "")
    layers: list[LayerData] = []
    makers = {"points": _points, "boxes": _boxes, "polygons": _polygons, "tracks": _tracks}
    for kind, make in makers.items():
        table = tables.get(kind)
        if table is None:
            continue
        for set_name in sorted(set(table["set"].astype(str))):
            part = table[table["set"].astype(str) == set_name]
            data, options, layer = make(part, axes, tables.get("objects"))
            if not len(data):
                continue
            options["metadata"] = {"micrographia": {**said, "set": set_name, "kind": kind, "axes": axes}}
            options["name"] = f"{name}: {set_name or kind}"
            options["scale"] = tuple(image.scale.get(axis, 1.0) for axis in axes.lower())
            options["units"] = tuple(image.units.get(axis, "pixel") for axis in axes.lower())
            options["axis_labels"] = tuple(axes.lower())
            layers.append((data, options, layer))
    return layers


def _features(table: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of the marks beyond their places; columns that say nothing are left out."""
    held = {}
    for name in FEATURES:
        if name not in table:
            continue
        values = table[name].reset_index(drop=True)
        known = (
            values.notna() & values.ne("") if name != "ignore" else values.fillna(value=False).astype(bool)
        )
        if known.any():
            plain = (
                values if known.all() or values.dtype.kind == "f" else values.astype(object).where(known, "")
            )
            held[name] = plain.to_numpy() if values.dtype.kind == "f" else np.asarray(plain.tolist())
    return pd.DataFrame(held)


def _level(table: pd.DataFrame, axis: str) -> Any:
    if axis not in table:
        return np.zeros(len(table))
    return pd.to_numeric(table[axis]).astype("Float64").fillna(0).to_numpy(float)


def _points(table: pd.DataFrame, axes: str, _objects: Any) -> LayerData:
    data = np.column_stack([_level(table, axis) for axis in axes.lower()])
    return data, {"features": _features(table), "size": 5}, "points"


def _boxes(table: pd.DataFrame, axes: str, _objects: Any) -> LayerData:
    data = []
    flat = axes.lower()[:-2]
    planes = {"t": _level(table, "t"), "z": _level(table, "z0")}
    for number, row in enumerate(table.itertuples(index=False)):
        edges = [float(getattr(row, edge)) - 0.5 for edge in ("y0", "x0", "y1", "x1")]
        y, x = corners(*edges)
        lead = [np.full(len(y), planes[axis][number]) for axis in flat]
        data.append(np.column_stack([*lead, y, x]))
    return data, {"features": _features(table), "shape_type": ["rectangle"] * len(data)}, "shapes"


def _polygons(table: pd.DataFrame, axes: str, _objects: Any) -> LayerData:
    data, kinds, rows = [], [], []
    for shape in shapes(table):
        for y, x in shape.rings():
            lead = [np.full(len(y), float(shape.row.get(axis) or 0)) for axis in axes.lower()[:-2]]
            data.append(np.column_stack([*lead, y, x]))
            kinds.append(KINDS.get(shape.kind, "polygon"))
            rows.append(shape.row)
    features = _features(pd.DataFrame(rows)) if rows else pd.DataFrame()
    return data, {"features": features, "shape_type": kinds}, "shapes"


def _tracks(table: pd.DataFrame, axes: str, objects: Any) -> LayerData:
    """Return tracks; where the table has no places they are the centroids of the labelled objects."""
    frame = table.copy()
    places = [axis for axis in axes.lower() if axis != "t"]
    for axis in places:
        frame[axis] = pd.to_numeric(frame[axis]).astype(float) if axis in frame else np.nan
    if objects is not None and frame[["y", "x"]].isna().any(axis=None):
        centres = objects.dropna(subset=["t"])[["t", "label_id", *places]].astype({"t": "int64"})
        merged = frame.merge(centres, on=["t", "label_id"], how="left", suffixes=("", "_object"))
        for axis in places:
            frame[axis] = merged[axis].where(merged[axis].notna(), merged[f"{axis}_object"]).to_numpy(float)
    if "z" in places:
        frame["z"] = frame["z"].fillna(0)
    frame = frame.dropna(subset=["y", "x"]).sort_values(["track_id", "t"])
    data = frame[["track_id", "t", *places]].to_numpy(float)
    known = set(frame["track_id"].tolist())
    parents = frame.dropna(subset=["parent"])
    pairs = zip(parents["track_id"].tolist(), parents["parent"].astype(int).tolist(), strict=True)
    graph = {int(child): [parent] for child, parent in pairs if parent in known and parent != child}
    return (data if "T" in axes else data[:0]), {"graph": graph, "features": _features(frame)}, "tracks"


def marks_of(layer: LayerData, image: str, set_name: str, axes: str) -> tuple[str, pd.DataFrame]:
    """Return the kind of table that a layer of points, shapes or tracks is, and its rows.

    Rectangles that are upright are boxes; a layer with any other shape is polygons.
    """
    data, options, kind = layer
    features = pd.DataFrame(options.get("features"))
    said = {name: features[name].replace("", None).tolist() for name in FEATURES if name in features}
    letters = axes.lower()
    if kind == "tracks":
        columns = ["track_id", "t", *[axis for axis in letters if axis != "t"]]
        frame = pd.DataFrame(np.asarray(data, float), columns=columns)
        graph = options.get("graph") or {}
        firsts = frame.groupby("track_id")["t"].transform("min") == frame["t"]
        parents = frame["track_id"].map({int(k): int(np.atleast_1d(v)[0]) for k, v in graph.items()})
        return "tracks", frame.assign(image=image, set=set_name, parent=parents.where(firsts), **said)
    if kind == "points":
        points = np.asarray(data, float).reshape(-1, len(letters))
        held = dict(zip(letters, points.T, strict=True))
        return "points", _numbered(pd.DataFrame(held), said, image, set_name)
    vertices = [np.asarray(one, float) for one in data]
    types = options.get("shape_type", "polygon")
    kinds = [types] * len(vertices) if isinstance(types, str) else list(types)
    edges = [
        upright(one[:, -2], one[:, -1]) if of == "rectangle" else None
        for one, of in zip(vertices, kinds, strict=True)
    ]
    rows = [_lead(one, letters) for one in vertices]
    if vertices and all(edge is not None for edge in edges):
        for row, edge in zip(rows, edges, strict=True):
            row |= dict(zip(("y0", "x0", "y1", "x1"), (side + 0.5 for side in edge or ()), strict=True))
            if "z" in row:
                row |= {"z0": row.pop("z"), "z1": row.get("z0", 0.0)}
                row["z1"] = row["z0"] + 1
        return "boxes", _numbered(pd.DataFrame(rows), said, image, set_name)
    for row, one, of in zip(rows, vertices, kinds, strict=True):
        drawn = {"line": "path", "path": "path", "ellipse": "ellipse"}.get(str(of), "polygon")
        row |= {"shape": drawn, "y": one[:, -2], "x": one[:, -1]}
    return "polygons", _numbered(pd.DataFrame(rows), said, image, set_name)


def _lead(vertices: Any, letters: str) -> dict[str, Any]:
    return {axis: float(vertices[0, index]) for index, axis in enumerate(letters[:-2])}


def _numbered(
    frame: pd.DataFrame, said: Mapping[str, Sequence[Any]], image: str, set_name: str
) -> pd.DataFrame:
    fitting = {name: values for name, values in said.items() if len(values) == len(frame)}
    result = frame.assign(image=image, set=set_name, **fitting)
    ids = pd.to_numeric(pd.Series(fitting.get("object_id", [None] * len(frame))), errors="coerce")
    if ids.isna().any() or ids.duplicated().any():
        free = iter(range(1 + int(ids.max() if ids.notna().any() else 0), 2 << 40))
        taken = ids.isna() | ids.duplicated()
        ids = ids.where(~taken, [next(free) for _ in range(len(ids))])
    return result.assign(object_id=ids.astype("int64").to_numpy())
