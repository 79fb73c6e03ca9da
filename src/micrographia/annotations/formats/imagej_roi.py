"""ImageJ regions of interest: one `.roi`, or many in a `RoiSet.zip`; one image a file.

| ImageJ | here |
|---|---|
| polygon, freehand, traced, composite (with holes) | `polygons`, half a pixel less |
| rectangle | `boxes`, the numbers as they are |
| oval, fitted ellipse, rotated rectangle | `polygons`: shape `ellipse`, or a polygon of four vertices |
| straight, segmented and freehand line, angle | `polygons` of shape `path`, the numbers as they are |
| point, multi-point | `points`, the numbers as they are |
| name, group | `name`; `class_id` where a group is set |
| position in Z and T (from 1) | `z`, `t` (from 0) |
| position in C, stack position, stroke and fill colour, properties | `attributes` |

Areas are measured from the corner of the image, lines and points from the centre of its first pixel: so
ImageJ draws them. Coordinates are single precision. What ImageJ has no place for goes into the property
`micrographia` of each ROI, which ImageJ keeps; only tables of other kinds and label images are lost, and
objects of label images are written as outlines.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from micrographia.annotations.codes import finding
from micrographia.annotations.files import clean, read_bytes, replaced, write_bytes
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
from micrographia.annotations.formats.imagej_writer import CARRIED, MARK, roi_files
from micrographia.annotations.formats.json_stream import mended, whole
from micrographia.annotations.formats.shapes import corners
from micrographia.annotations.model import Annotations
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

MAX_ROI = 64 << 20
MAX_TOTAL = 2 << 30
MAX_MEMBERS = 2_000_000
POLYGON, RECT, OVAL, LINE, FREELINE, POLYLINE, NOROI, FREEHAND, TRACED, ANGLE, POINT = range(11)
BROKEN = (ValueError, TypeError, IndexError, KeyError, RuntimeError, struct.error, OverflowError, MemoryError)
"""What roifile raises, and what impossible values raise later."""
TEXT, ARROW, ELLIPSE, IMAGE, ROTATED = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class ImageJRoi:
    """ImageJ regions of interest."""

    api_version: int = 1
    name: str = "imagej"
    title: str = "ImageJ ROI"
    extensions: tuple[str, ...] = (".roi", ".zip")

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file is an ImageJ ROI, or a zip file that holds one."""
        if head.startswith(b"Iout"):
            return True
        if not head.startswith(b"PK"):
            return False
        try:
            with zipfile.ZipFile(path) as archive:
                return any(name.lower().endswith(".roi") for name in archive.namelist()[:1000])
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
            return False

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file; see the table above."""
        reader = _Reader(path, options)
        for member, content in _contents(path, reader.problems):
            reader.add(member, content)
        return reader.finish()

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write one `.roi`, a zip file, or a folder of one zip file an image; see the table above."""
        if not path.suffix:
            return [
                note
                for image, part in split_images(annotations)
                for note in self.write(part, path / f"{file_name(image)}.zip")
            ]
        one_image(annotations, self.title, path)
        annotations, findings = outlined(annotations, self.title, path)
        findings += uncarried(annotations, self.title, CARRIED, path)
        findings += without_depth(annotations, self.title, path)
        rois, notes = roi_files(annotations, path)
        findings += notes
        if path.suffix.lower() == ".roi":
            if len(rois) != 1:
                raise AnnotationError(
                    path, f"a .roi file holds one ROI, not {len(rois)}", "Write a .zip file"
                )
            write_bytes(path, rois[0][1])
            return findings
        with replaced(path) as target, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in rois:
                # The date of a member would make the bytes depend on the time of writing.
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        return findings


def _contents(path: Path, problems: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the ROIs of a file; nothing is unpacked to disk, and names in the archive are only names."""
    content = read_bytes(path, MAX_ROI) if not zipfile.is_zipfile(path) else b""
    if content:
        yield path.name, content
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            claimed = sum(member.file_size for member in members)
            if len(members) > MAX_MEMBERS or claimed > MAX_TOTAL:
                raise AnnotationError(
                    path, f"unpacks to {len(members)} files of {claimed:,} bytes", "Split it"
                )
            for member in members:
                if not member.filename.lower().endswith(".roi"):
                    problems["members are no .roi and are left out"] += not member.is_dir()
                    continue
                with archive.open(member) as file:
                    held = file.read(MAX_ROI + 1)
                if len(held) > MAX_ROI:
                    raise AnnotationError(path, f"a member unpacks to more than {MAX_ROI:,} bytes")
                yield member.filename, held
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        NotImplementedError,
        EOFError,
        RuntimeError,
        struct.error,
        zlib.error,
    ) as error:
        raise AnnotationError(path, f"is no zip file that can be read: {error}") from error


class _Reader:
    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.image = options.image_of(path, "_rois.zip", "_roi.zip", ".zip", ".roi")
        self.set = options.set_name
        self.problems: Counter[str] = Counter()
        self.rows: dict[str, list[dict[str, Any]]] = {"boxes": [], "polygons": [], "points": []}
        self.count = 0

    def add(self, member: str, content: bytes) -> None:
        """Read one ROI."""
        from roifile import ImagejRoi

        self.count += 1
        # The type is checked first: roifile logs a warning for those it does not know, and ends in odd errors.
        if len(content) < 64 or content[:4] != b"Iout" or content[6] > POINT:
            self._refuse(member, "it is no ImageJ ROI")
            return
        try:
            roi = ImagejRoi.frombytes(content)
            self._shape(roi, content, *self._common(roi, member))
        except BROKEN as error:
            self._refuse(member, str(error) or type(error).__name__)

    def _refuse(self, member: str, problem: str) -> None:
        if self.count == 1 and member == self.path.name:
            raise AnnotationError(self.path, f"is no ImageJ ROI that can be read: {problem}")
        self.problems["ROIs cannot be read and are left out"] += 1

    def finish(self) -> Annotations:
        """Return what was read."""
        result = Annotations()
        for kind, rows in self.rows.items():
            frame = pd.DataFrame(rows)
            if len(frame):
                for name in ("class_id", "t"):
                    frame[name] = pd.array([whole(value) for value in frame[name]], dtype="Int64")
            result.add(kind, frame, self.path)
        for problem, count in sorted(self.problems.items()):
            code = "N003" if problem.startswith("ROIs cannot") else "N005"
            result.findings.append(finding(code, f"{count} {problem}", self.path, evidence={"count": count}))
        if not self.count:
            raise AnnotationError(self.path, "holds no ImageJ ROI")
        return result

    def _common(self, roi: Any, member: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the columns that all kinds share, and what our own writer noted."""
        properties, ours = _properties(roi.props)
        attributes: dict[str, Any] = {"properties": properties} if properties else {}
        if roi.c_position > 0:
            attributes["c"] = roi.c_position - 1
        if roi.position > 0 and not roi.z_position and not roi.t_position:
            attributes["position"] = roi.position
        for key, color in (("stroke_color", roi.stroke_color), ("fill_color", roi.fill_color)):
            if color != b"\0\0\0\0":
                attributes[key] = color.hex()
        stem = clean(member.rsplit("/", 1)[-1])
        row = {
            "image": self.image,
            "set": ours.get("set", self.set),
            "object_id": whole(ours.get("object_id", self.count)) or self.count,
            "t": ours.get("t", roi.t_position - 1 if roi.t_position > 0 else None),
            "z": ours.get("z", roi.z_position - 1 if roi.z_position > 0 else None),
            "class_id": ours.get("class_id", roi.group or None),
            "class_name": ours.get("class_name", ""),
            "confidence": ours.get("confidence"),
            "annotator": ours.get("annotator", ""),
            "ignore": ours.get("ignore", False),
            "name": ours["name"] if "name" in ours else roi.name or stem[:-4],
            "attributes": ours.get("attributes", attributes_text(attributes)),
            "compartment": ours.get("compartment", ""),
        }
        return row, ours

    def _shape(self, roi: Any, content: bytes, row: dict[str, Any], ours: dict[str, Any]) -> None:
        kind, subtype = int(roi.roitype), int(roi.subtype)
        if subtype in (TEXT, IMAGE) or kind == NOROI:
            self.problems["texts, pictures and empty ROIs are left out"] += 1
        elif roi.composite and kind == RECT:
            self._composite(roi, row, ours.get("rings"))
        elif kind in (RECT, OVAL):
            edges = _rectangle(roi)
            if kind == RECT:
                del row["compartment"]
                self.rows["boxes"].append(row | dict(zip(("y0", "x0", "y1", "x1"), edges, strict=True)))
            else:
                y, x = corners(*(edge - 0.5 for edge in edges))
                self._ring(row | {"shape": "ellipse"}, y, x)
        elif kind == FREEHAND and subtype in (ELLIPSE, ROTATED):
            self._turned(roi, content, row, subtype)
        elif kind == LINE:
            ends = np.array([roi.y1, roi.y2], float), np.array([roi.x1, roi.x2], float)
            self._ring(row | {"shape": "path"}, *ends)
        else:
            self._vertices(roi, row, kind)

    def _vertices(self, roi: Any, row: dict[str, Any], kind: int) -> None:
        x, y = _coordinates(roi)
        if kind == POINT:
            del row["compartment"]
            counters = roi.counters if roi.counters is not None and len(roi.counters) == len(x) else None
            for index in range(len(x)):
                counter = (
                    {} if counters is None or not counters[index] else {"class_id": int(counters[index])}
                )
                self.rows["points"].append(row | {"y": float(y[index]), "x": float(x[index])} | counter)
            if roi.counter_positions is not None and roi.counter_positions.any():
                self.problems["multi-point ROIs have a stack position for each point, which is not read"] += 1
        elif kind in (POLYGON, FREEHAND, TRACED):
            self._ring(row | {"shape": "polygon"}, y - 0.5, x - 0.5)
        else:
            self._ring(row | {"shape": "path"}, y, x)

    def _composite(self, roi: Any, row: dict[str, Any], counts: Any) -> None:
        rings = []
        for ring in roi.coordinates(multi=True):
            vertices = np.asarray(ring, float)
            if not np.isfinite(vertices).all():
                raise ValueError("its coordinates are no numbers")
            if len(vertices) > 1 and (vertices[0] == vertices[-1]).all():
                vertices = vertices[:-1]
            if len(vertices) >= 3:
                rings.append(vertices - 0.5)
        # ImageJ fills where an odd number of rings overlap and does not say which ring is a hole of which: where our
        # own note does not tell, one part holds all.
        noted = isinstance(counts, list) and all(type(n) is int and 0 < n <= len(rings) for n in counts)
        sizes = counts if noted and sum(counts) == len(rings) else [len(rings)]
        numbers = [(part, index) for part, size in enumerate(sizes) for index in range(size)]
        for (part, index), ring in zip(numbers, rings, strict=True):
            self._ring(row | {"shape": "polygon", "part": part, "ring": index}, ring[:, 1], ring[:, 0])
        if not rings:
            self.problems["texts, pictures and empty ROIs are left out"] += 1

    def _turned(self, roi: Any, content: bytes, row: dict[str, Any], subtype: int) -> None:
        """Read an ellipse or rectangle around the axis from (x1, y1) to (x2, y2)."""
        a, b = np.array([roi.y1, roi.x1], float), np.array([roi.y2, roi.x2], float)
        along = b - a
        length = float(np.hypot(*along))
        # An ellipse has the ratio of its axes here, a turned rectangle its width, others the style of an arrow.
        (held,) = struct.unpack(">f", content[52:56])
        wide = held * length if subtype == ELLIPSE else held
        if not (0 < length < 1e6 and 0 < wide < 1e6):
            raise ValueError("its axes have no length")
        half = np.array([along[1], -along[0]]) / length * wide / 2
        y, x = (np.array([a - half, b - half, b + half, a + half]) - 0.5).T
        self._ring(row | {"shape": "ellipse" if subtype == ELLIPSE else "polygon"}, y, x)

    def _ring(self, row: dict[str, Any], y: Any, x: Any) -> None:
        self.rows["polygons"].append(
            {"part": 0, "ring": 0} | row | {"y": np.asarray(y, float), "x": np.asarray(x, float)}
        )


def _coordinates(roi: Any) -> tuple[Any, Any]:
    if roi.subpixel_coordinates is not None:
        held = np.asarray(roi.subpixel_coordinates, float)
    elif roi.integer_coordinates is not None:
        held = np.asarray(roi.integer_coordinates, float) + np.array([roi.left, roi.top])
    else:
        raise ValueError("it has no coordinates")
    if not np.isfinite(held).all():
        raise ValueError("its coordinates are no numbers")
    return held[:, 0], held[:, 1]


def _rectangle(roi: Any) -> tuple[float, float, float, float]:
    if roi.subpixelrect:
        left, top, width, height = (float(v) for v in (roi.xd, roi.yd, roi.widthd, roi.heightd))
        return top, left, top + height, left + width
    return float(roi.top), float(roi.left), float(roi.bottom), float(roi.right)


def _properties(text: str) -> tuple[str, dict[str, Any]]:
    """Return the properties of a ROI without ours, and ours."""
    kept, ours = [], {}
    for line in io.StringIO(text):
        if line.startswith(f"{MARK}:"):
            try:
                said = mended(json.loads(line[len(MARK) + 1 :]))
            except (ValueError, RecursionError):
                said = None
            if isinstance(said, dict):
                ours = said
                continue
        kept.append(line)
    return "".join(kept), ours
