"""Label images to boxes, points, counts and class labels, and shapes back to label images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.annotations.codes import finding
from micrographia.annotations.conforming import conform
from micrographia.annotations.masks.blocks import Labels, as_image, frames, read_block
from micrographia.annotations.masks.kernels import fill, measure
from micrographia.annotations.masks.kernels.runs import Ints
from micrographia.annotations.masks.layers import LabelLayers, LayerPainter, measured
from micrographia.annotations.masks.regions import runs_of, slots_of
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

FARTHEST = 1e9
"""Coordinates beyond this belong to no image."""
MOST_CROSSINGS = 1 << 27
"""How often the edges of one outline may cross rows of pixels."""

COMMON = ("image", "set", "t", "class_id", "class_name", "confidence", "annotator", "ignore", "attributes")


def boxes_from_objects(objects: pd.DataFrame) -> pd.DataFrame:
    """Return the bounding boxes of measured objects: half-open, with whole numbers, one a row of ``objects``."""
    edges = [name for name in ("z0", "z1", "y0", "x0", "y1", "x1") if name in objects]
    frame = objects[[name for name in COMMON if name in objects] + edges].copy()
    frame["object_id"] = objects["label_id"]
    return conform(frame, "boxes")[0]


def counts_from_objects(objects: pd.DataFrame, *, images: Sequence[str] = ()) -> pd.DataFrame:
    """Return how many objects of each class each image and time point has, those with ``ignore`` left out.

    Parameters
    ----------
    objects
        An ``objects``, ``boxes`` or ``points`` table.
    images
        Images that are to be listed even if they have no object, with a count of 0.
    """
    kept = objects[~objects["ignore"]]
    keys = ["image", "set", "t", "class_id", "class_name"]
    counted = kept.groupby(keys, dropna=False, sort=True).size().rename("count").reset_index()
    absent = [image for image in images if image not in set(counted["image"])]
    if absent:
        counted = pd.concat([counted, pd.DataFrame({"image": absent, "count": 0})], ignore_index=True)
    return conform(counted, "counts")[0]


def class_labels_from_objects(objects: pd.DataFrame) -> pd.DataFrame:
    """Return the class of each object that has one, as a ``class_labels`` table."""
    known = objects[objects["class_id"].notna() | (objects["class_name"] != "")]
    frame = known[[name for name in COMMON if name in known and name != "ignore"]].copy()
    frame["object_id"] = known["label_id" if "label_id" in known else "object_id"]
    return conform(frame, "class_labels")[0]


def points_from_labels(
    labels: Labels, *, axes: str | None = None, image: str = "", set_name: str = ""
) -> pd.DataFrame:
    """Return one point for each object, guaranteed to lie inside it.

    The point is the centre of that pixel of the object which is nearest to its centroid (of several, the first in
    raster order). A crescent or a ring, whose centroid is outside, gets a point on its inner rim.

    Parameters
    ----------
    labels
        Integers, 0 is background; one time point at a time is read.
    axes
        Axes of an array if they are not the last letters of TZYX.
    image, set_name
        Go into the table.

    Returns
    -------
    DataFrame
        A ``points`` table; ``object_id`` is the label, coordinates are whole numbers.
    """
    source = as_image(labels, axes)
    tables = []
    for t in frames(source):
        block = read_block(source, t)
        runs = runs_of(block)
        slot, ids = slots_of(runs)
        stats = np.empty((len(ids), measure.COLUMNS), np.int64)
        measure.clear(stats)
        height = block.shape[1]
        measure.measure(runs.row, runs.x0, runs.x1, slot, height, 0, 0, 0, stats)
        centres = stats[:, measure.SUM_Z : measure.SUM_X + 1] / np.maximum(stats[:, measure.AREA, None], 1)
        place = np.zeros((len(ids), 3), np.int64)
        measure.nearest(runs.row, runs.x0, runs.x1, slot, height, centres, np.full(len(ids), np.inf), place)
        order = np.argsort(ids)
        frame = pd.DataFrame({"object_id": ids[order], "y": place[order, 1], "x": place[order, 2]})
        frame["t"] = pd.Series([t] * len(frame), dtype="Int64")
        frame["z"] = place[order, 0] if "Z" in source.axes else np.nan
        tables.append(frame)
    table = pd.concat(tables, ignore_index=True)
    table["image"], table["set"] = image, set_name
    return conform(table, "points")[0]


def boxes_from_polygons(polygons: pd.DataFrame) -> pd.DataFrame:
    """Return the box around each object of a ``polygons`` table, half-open, edges not rounded."""
    rings = polygons[polygons["compartment"] == ""]
    frame = rings[[*COMMON, "object_id", "name"]].copy()
    for axis in "yx":
        spans = [_span(values, shape) for values, shape in zip(rings[axis], rings["shape"], strict=True)]
        frame[f"{axis}0"] = [low + 0.5 for low, _ in spans]
        frame[f"{axis}1"] = [high + 0.5 for _, high in spans]
    frame["z0"], frame["z1"] = rings["z"], rings["z"] + 1
    merged = dict.fromkeys((*COMMON[3:], "name"), "first")
    merged |= {f"{axis}{end}": how for axis in "zyx" for end, how in ((0, "min"), (1, "max"))}
    keys = ["image", "set", "object_id", "t"]
    return conform(frame.groupby(keys, dropna=False, sort=False).agg(merged).reset_index(), "boxes")[0]


def _span(values: npt.NDArray[np.float64], shape: str) -> tuple[float, float]:
    """Return how far a shape reaches along one axis; ``values`` are its vertices, or corners around an ellipse."""
    if shape != "ellipse":
        return float(values.min()), float(values.max())
    centre = (values[0] + values[2]) / 2
    reach = np.hypot(values[1] - values[0], values[3] - values[0]) / 2
    return float(centre - reach), float(centre + reach)


def labels_from_polygons(
    polygons: pd.DataFrame,
    shape: Sequence[int],
    *,
    compartment: str = "",
    image: str = "",
    set_name: str = "",
) -> LabelLayers:
    """Paint the polygons and ellipses of one image and one time point into label images.

    A pixel belongs to a part if its centre lies inside an odd number of the part's rings, and to an object if it
    belongs to one of its parts. Objects that overlap lie on further layers, in the order of the table. Outlines from
    :func:`polygons_from_labels` give back the label image that they came from.

    Parameters
    ----------
    polygons
        A ``polygons`` table of one image, one annotation set, and at most one time point.
    shape
        (Y, X), or (Z, Y, X): then the column ``z`` says the plane.
    compartment
        Which outlines: empty for those of whole objects.
    image, set_name
        Go into the table of objects.

    Raises
    ------
    AnnotationError
        If an ``object_id`` is not positive, or a coordinate belongs to no image.
    """
    rows = polygons[(polygons["compartment"] == compartment) & (polygons["shape"] != "path")]
    paths = int((polygons["shape"] == "path").sum())
    findings = []
    if paths:
        message = f"{paths} open lines enclose no pixel and are not painted"
        findings.append(finding("N005", message, evidence={"count": paths}))
    ids = rows["object_id"].to_numpy(np.int64)
    _require_ids(ids)
    whole = (1, *shape) if len(shape) == 2 else tuple(shape)
    painter = LayerPainter(_three(whole), int(ids.max(initial=0)))
    for label, parts in _objects(rows, ids):
        runs = [_part_runs(label, part, painter.shape) for part in parts]
        painter.put(label, *(np.concatenate(column) for column in zip(*runs, strict=True)))
    return _finished(painter, len(shape), np.unique(ids), rows, findings, image, set_name)


def labels_from_boxes(
    boxes: pd.DataFrame, shape: Sequence[int], *, image: str = "", set_name: str = ""
) -> LabelLayers:
    """Paint the boxes of one image and one time point as filled rectangles.

    A pixel belongs to a box if its centre lies inside: ``y0 - 0.5 <= y < y1 - 0.5``, the same for X, and for Z where
    the box has one.

    Parameters
    ----------
    boxes
        A ``boxes`` table of one image, one annotation set, and at most one time point.
    shape
        (Y, X) or (Z, Y, X); a box without Z reaches through all planes.
    image, set_name
        Go into the table of objects.
    """
    ids = boxes["object_id"].to_numpy(np.int64)
    _require_ids(ids)
    whole = _three((1, *shape) if len(shape) == 2 else tuple(shape))
    painter = LayerPainter(whole, int(ids.max(initial=0)))
    low = boxes[["z0", "y0", "x0"]].to_numpy(np.float64, copy=True)
    high = boxes[["z1", "y1", "x1"]].to_numpy(np.float64, copy=True)
    low[:, 0] = np.nan_to_num(low[:, 0], nan=0.0)
    high[:, 0] = np.nan_to_num(high[:, 0], nan=float(whole[0]))
    first = np.clip(np.ceil(low - 0.5), 0, whole).astype(np.int64)
    last = np.clip(np.ceil(high - 0.5), 0, whole).astype(np.int64)
    for label, a, b in zip(ids.tolist(), first, last, strict=True):
        if (a >= b).any():
            continue
        planes, lines = np.mgrid[a[0] : b[0], a[1] : b[1]].reshape(2, -1)
        row = planes * whole[1] + lines
        painter.put(label, row, np.full(len(row), a[2]), np.full(len(row), b[2]))
    return _finished(painter, len(shape), np.unique(ids), boxes, [], image, set_name)


def labels_from_points(
    points: pd.DataFrame, shape: Sequence[int], *, radius: float = 0, image: str = "", set_name: str = ""
) -> LabelLayers:
    """Paint the points of one image and one time point as discs or balls.

    Parameters
    ----------
    points
        A ``points`` table of one image, one annotation set, and at most one time point.
    shape
        (Y, X) or (Z, Y, X).
    radius
        In pixels; pixel centres up to this far from the point belong to it. 0 marks the pixel that holds the point.
    image, set_name
        Go into the table of objects.
    """
    ids = points["object_id"].to_numpy(np.int64)
    _require_ids(ids)
    whole = _three((1, *shape) if len(shape) == 2 else tuple(shape))
    painter = LayerPainter(whole, int(ids.max(initial=0)))
    centres = points[["z", "y", "x"]].to_numpy(np.float64, copy=True)
    centres[:, 0] = 0.0 if len(shape) == 2 else np.nan_to_num(centres[:, 0], nan=0.0)
    for label, centre in zip(ids.tolist(), centres, strict=True):
        if (np.abs(centre) > FARTHEST).any():
            continue
        if radius == 0:
            at = np.ceil(centre - 0.5).astype(np.int64)
            if ((at >= 0) & (at < whole)).all():
                painter.put(label, at[:1] * whole[1] + at[1:2], at[2:], at[2:] + 1)
            continue
        first = np.clip(np.ceil(centre - radius), 0, whole).astype(np.int64)
        last = np.clip(np.floor(centre + radius) + 1, 0, whole).astype(np.int64)
        planes, lines = np.mgrid[first[0] : last[0], first[1] : last[1]].reshape(2, -1)
        room = radius**2 - (planes - centre[0]) ** 2 - (lines - centre[1]) ** 2
        half = np.sqrt(np.maximum(room, 0))
        x0 = np.clip(np.ceil(centre[2] - half), 0, whole[2]).astype(np.int64)
        x1 = np.clip(np.floor(centre[2] + half) + 1, 0, whole[2]).astype(np.int64)
        kept = (room >= 0) & (x0 < x1)
        painter.put(label, (planes * whole[1] + lines)[kept], x0[kept], x1[kept])
    return _finished(painter, len(shape), np.unique(ids), points, [], image, set_name)


def _require_ids(ids: Ints) -> None:
    if len(ids) and ids.min() < 1:
        raise AnnotationError("", f"object_id {ids.min()} cannot be a label", "Number the objects from 1")


def _three(shape: Sequence[int]) -> tuple[int, int, int]:
    depth, height, width = shape
    return int(depth), int(height), int(width)


class _Part(NamedTuple):
    plane: int
    ellipse: bool
    y: list[npt.NDArray[np.float64]]
    x: list[npt.NDArray[np.float64]]


def _objects(rows: pd.DataFrame, ids: Ints) -> Iterator[tuple[int, list[_Part]]]:
    """Yield each object with its parts, in the order in which the table first names it."""
    objects: dict[int, dict[tuple[int, int], _Part]] = {}
    planes = np.ceil(np.clip(rows["z"].fillna(0).to_numpy(), -1, FARTHEST) - 0.5).astype(np.int64)
    columns = (planes, rows["part"], rows["shape"], rows["y"], rows["x"])
    for label, plane, part, shape, y, x in zip(ids.tolist(), *(c.tolist() for c in columns), strict=True):
        found = objects.setdefault(label, {}).setdefault(
            (plane, part), _Part(plane, shape == "ellipse", [], [])
        )
        found.y.append(y)
        found.x.append(x)
    for label, parts in objects.items():
        yield label, list(parts.values())


def _part_runs(label: int, part: _Part, shape: tuple[int, int, int]) -> tuple[Ints, Ints, Ints]:
    y, x = np.concatenate(part.y), np.concatenate(part.x)
    if max(np.abs(y).max(initial=0), np.abs(x).max(initial=0)) > FARTHEST:
        raise AnnotationError(
            "", f"object {label} has coordinates beyond {FARTHEST:g}", "Give pixels of the image"
        )
    if not 0 <= part.plane < shape[0]:
        none = np.empty(0, np.int64)
        return none, none, none
    crossed = sum(float(np.abs(np.diff(np.clip(ring, 0, shape[1]), append=ring[0])).sum()) for ring in part.y)
    if crossed > MOST_CROSSINGS:
        problem = f"the outline of object {label} crosses rows {crossed:.3g} times"
        raise AnnotationError("", problem, "Simplify it")
    if part.ellipse:
        row, x0, x1 = fill.ellipse(part.y[0], part.x[0], shape[1], shape[2])
    else:
        rings = np.cumsum([0, *(len(ring) for ring in part.y)])
        row, x0, x1 = fill.polygon(y, x, rings, shape[1], shape[2])
    return row + part.plane * shape[1], x0, x1


def _finished(
    painter: LayerPainter,
    ndim: int,
    wanted: npt.NDArray[np.int64],
    rows: pd.DataFrame,
    findings: list[Finding],
    image: str,
    set_name: str,
) -> LabelLayers:
    layers = [layer[0] if ndim == 2 else layer for layer in painter.stacked()]
    objects = measured(layers, "ZYX"[-ndim:], image, set_name)
    lost = sorted(set(wanted.tolist()) - set(objects["label_id"].tolist()))
    if lost:
        message = f"{len(lost)} objects hold no pixel centre of the image, such as {lost[0]}"
        findings.append(finding("N012", message, evidence={"objects": lost[:20], "count": len(lost)}))
    if painter.overlap_pixels:
        message = f"objects overlap in {painter.overlap_pixels} pixels; they lie on {len(layers)} layers"
        findings.append(
            finding("N009", message, evidence={"pixels": painter.overlap_pixels, "layers": len(layers)})
        )
    known = rows.drop_duplicates("object_id").set_index("object_id").reindex(objects["label_id"])
    for name in ("class_id", "class_name", "confidence", "annotator", "ignore", "attributes"):
        objects[name] = known[name].to_numpy(object)
    return LabelLayers(layers, painter.overlap_pixels, conform(objects, "objects")[0], findings)
