"""Writing ImageJ regions of interest; ``imagej_roi.py`` says what goes where."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.annotations.codes import finding
from micrographia.annotations.formats.base import attributes_of, attributes_text, file_name
from micrographia.annotations.formats.shapes import Shape, ellipse_ring, rows_of, shapes, upright
from micrographia.annotations.model import Annotations
from micrographia.annotations.tables import TABLES
from micrographia.findings import Finding

MARK = "micrographia"
"""Name of the property that holds what ImageJ has no place for."""
CARRIED = {kind: TABLES[kind].names for kind in ("boxes", "polygons", "points")}
NOTED = (
    "object_id",
    "set",
    "class_id",
    "class_name",
    "confidence",
    "annotator",
    "ignore",
    "name",
    "compartment",
)
OURS = frozenset({"properties", "c", "position", "stroke_color", "fill_color"})


def roi_files(annotations: Annotations, path: Path) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """Return the name and content of a ``.roi`` for each shape, box and point."""
    writer = _Writer()
    for shape in shapes(annotations.table("polygons")):
        writer.shape(shape)
    for row in rows_of(annotations.table("boxes")):
        writer.box(row)
    for row in rows_of(annotations.table("points")):
        writer.points(row, "POINT", [row["x"]], [row["y"]], {})
    findings = []
    if writer.rounded:
        message = f"coordinates of {writer.rounded} ROIs are rounded to single precision"
        findings.append(finding("N007", message, path))
    return writer.files, findings


class _Writer:
    def __init__(self) -> None:
        self.files: list[tuple[str, bytes]] = []
        self.rounded = 0

    def shape(self, shape: Shape) -> None:
        row = shape.row
        if shape.kind == "ellipse":
            self._ellipse(row, *shape.parts[0][0])
        elif shape.kind == "path":
            for y, x in shape.rings():
                self._line(row, y, x)
        elif len(shape.parts) == 1 and not shape.holes:
            y, x = shape.parts[0][0]
            self.points(row, "POLYGON", x + 0.5, y + 0.5, {})
        else:
            self._composite(shape)

    def box(self, row: dict[str, Any]) -> None:
        from roifile import ROI_TYPE

        edges = row["x0"], row["y0"], row["x1"], row["y1"]
        self._rectangle(row | {"z": None}, ROI_TYPE.RECT, edges)

    def points(self, row: dict[str, Any], kind: str, x: Any, y: Any, fields: dict[str, Any]) -> None:
        """Add a ROI made of vertices in the coordinates of ImageJ."""
        from roifile import ROI_OPTIONS, ROI_TYPE

        held = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
        corner = np.floor(held.min(axis=0))
        near = np.clip(np.round(held - corner), 0, 65535).astype(np.int32)
        roi = self._roi(row, ROI_TYPE[kind], fields)
        roi.n_coordinates = len(held)
        roi.left, roi.top = (int(v) for v in np.clip(corner, -5000, 60536))
        roi.right, roi.bottom = (int(v) for v in np.clip(corner + near.max(axis=0) + 1, -5000, 60536))
        roi.integer_coordinates = near
        if (near + np.array([roi.left, roi.top]) != held).any():
            roi.subpixel_coordinates = held.astype(np.float32)
            roi.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
            self._precise(held)
        self._keep(row, roi)

    def _ellipse(self, row: dict[str, Any], y: Any, x: Any) -> None:
        from roifile import ROI_SUBTYPE, ROI_TYPE

        edges = upright(y, x)
        if edges is not None:
            y0, x0, y1, x1 = (edge + 0.5 for edge in edges)
            self._rectangle(row, ROI_TYPE.OVAL, (x0, y0, x1, y1))
            return
        sides = np.array([[y[1] - y[0], x[1] - x[0]], [y[3] - y[0], x[3] - x[0]]])
        long, short = sides if np.hypot(*sides[0]) >= np.hypot(*sides[1]) else sides[::-1]
        centre = np.array([(y[0] + y[2]) / 2, (x[0] + x[2]) / 2]) + 0.5
        (y1, x1), (y2, x2) = centre - long / 2, centre + long / 2
        style, head, arc = struct.unpack(">BBh", struct.pack(">f", np.hypot(*short) / np.hypot(*long)))
        fields = {
            "subtype": ROI_SUBTYPE.ELLIPSE,
            "x1": x1, "y1": y1, "x2": x2, "y2": y2,
            "arrow_style_or_aspect_ratio": style, "arrow_head_size": head, "rounded_rect_arc_size": arc,
        }  # fmt: skip
        self._precise(np.array([x1, y1, x2, y2]))
        ring = ellipse_ring(y, x)
        self.points(row, "FREEHAND", ring[1] + 0.5, ring[0] + 0.5, fields)

    def _line(self, row: dict[str, Any], y: Any, x: Any) -> None:
        from roifile import ROI_TYPE

        if len(y) > 2:
            self.points(row, "POLYLINE", x, y, {})
            return
        roi = self._roi(row, ROI_TYPE.LINE, {})
        roi.x1, roi.x2, roi.y1, roi.y2 = float(x[0]), float(x[1]), float(y[0]), float(y[1])
        self._bounds(roi, np.array([x.min(), y.min(), x.max(), y.max()]))
        self._precise(np.array([x, y]))
        self._keep(row, roi)

    def _rectangle(self, row: dict[str, Any], kind: Any, edges: tuple[float, ...]) -> None:
        from roifile import ROI_OPTIONS

        x0, y0, x1, y1 = edges
        roi = self._roi(row, kind, {})
        self._bounds(roi, np.array(edges))
        if (roi.left, roi.top, roi.right, roi.bottom) != edges:
            roi.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
            roi.xd, roi.yd, roi.widthd, roi.heightd = x0, y0, x1 - x0, y1 - y0
            self._precise(np.array([x0, y0, x1 - x0, y1 - y0]))
        self._keep(row, roi)

    def _composite(self, shape: Shape) -> None:
        from roifile import ROI_TYPE

        path: list[float] = []
        held = []
        for y, x in shape.rings():
            for index, (a, b) in enumerate(zip((x + 0.5).tolist(), (y + 0.5).tolist(), strict=True)):
                path += [1.0 if index else 0.0, a, b]
            path.append(4.0)
            held.append(np.column_stack([x + 0.5, y + 0.5]))
        every = np.concatenate(held)
        roi = self._roi(shape.row, ROI_TYPE.RECT, {})
        self._bounds(roi, np.concatenate([every.min(axis=0), every.max(axis=0)]))
        roi.multi_coordinates = np.array(path, np.float32)
        roi.shape_roi_size = len(path)
        self._precise(every)
        self._keep(shape.row | {"rings": [len(rings) for rings in shape.parts]}, roi)

    def _roi(self, row: dict[str, Any], kind: Any, fields: dict[str, Any]) -> Any:
        from roifile import ImagejRoi

        attributes = attributes_of(row["attributes"])
        roi = ImagejRoi(roitype=kind, **fields)
        t, z = row["t"], row["z"]
        roi.t_position = t + 1 if t is not None and 0 <= t < 2**31 - 1 else 0
        roi.z_position = int(z) + 1 if z is not None and 0 <= z < 2**31 - 1 and float(z).is_integer() else 0
        if row["class_id"] is not None and 0 < row["class_id"] < 256:
            roi.group = row["class_id"]
        for key, field in (("c", "c_position"), ("position", "position")):
            value = attributes.get(key)
            if type(value) is int and 0 <= value < 2**31 - 1:
                setattr(roi, field, value + (key == "c"))
        for key in ("stroke_color", "fill_color"):
            color = attributes.get(key)
            if isinstance(color, str) and len(color) == 8 and not set(color) - set("0123456789abcdef"):
                setattr(roi, key, bytes.fromhex(color))
        return roi

    def _bounds(self, roi: Any, edges: Any) -> None:
        low, high = np.floor(edges[:2]), np.ceil(edges[2:])
        roi.left, roi.top = (int(v) for v in np.clip(low, -5000, 60536))
        roi.right, roi.bottom = (int(v) for v in np.clip(high, -5000, 60536))

    def _precise(self, values: Any) -> None:
        self.rounded += bool((np.asarray(values, np.float32) != values).any())

    def _keep(self, row: dict[str, Any], roi: Any) -> None:
        ours = {name: row[name] for name in NOTED if row.get(name) not in (None, "", False)}
        ours |= {"name": row["name"]} | ({"rings": row["rings"]} if "rings" in row else {})
        for axis, position in (("t", roi.t_position), ("z", roi.z_position)):
            if row[axis] is not None and not position:
                ours[axis] = row[axis]
        attributes = attributes_of(row["attributes"])
        more = {key: value for key, value in attributes.items() if key not in OURS}
        if more:
            ours["attributes"] = attributes_text(attributes)
        said = attributes.get("properties")
        kept = said if isinstance(said, str) else ""
        properties = (
            kept + ("" if kept.endswith("\n") or not kept else "\n") + f"{MARK}: {json.dumps(ours)}\n"
        )
        name = row["name"] or str(row["object_id"])
        index = len(self.files) + 1
        self.files.append(
            (f"{index:06d}-{file_name(name)}.roi", _with_texts(roi.tobytes(), name, properties))
        )


def _with_texts(content: bytes, name: str, properties: str) -> bytes:
    """Return a ROI with name and properties.

    roifile counts letters where ImageJ counts units of UTF-16, of which some letters have two.
    """
    (header,) = struct.unpack(">i", content[60:64])
    held = bytearray(content)
    for field, text in ((16, name), (40, properties)):
        encoded = text.encode("utf-16-be", errors="replace")
        held[header + field : header + field + 8] = struct.pack(">ii", len(held), len(encoded) // 2)
        held += encoded
    return bytes(held)
