"""COCO JSON, as detection and instance segmentation datasets are published in.

| COCO | here |
|---|---|
| `images`: `file_name` | `image`; a name that is absolute or climbs is cut down to its last part |
| `images`: `width`, `height` | `sizes` |
| `categories`: `id`, `name`, `supercategory` | `classes`; `class_id` and `class_name` of each row |
| `annotations`: `id` | `object_id` |
| `bbox` (x, y, width, height from the corner of the image) | `boxes`, half-open: the numbers stay as they are |
| `segmentation`: polygons (from the corner of the image) | `polygons`, half a pixel less |
| `segmentation`: run lengths, compressed or not | `polygons` along the edges of the pixels |
| `iscrowd` | `ignore` |
| `score` | `confidence` |
| further keys of an annotation | `attributes` |
| `info`, `licenses` | `about` |

COCO has no place for time, planes, annotators, names of objects, annotation sets, tracks, graphs, points
and counts. Its polygons have no holes: an outline with holes is written as run lengths, which needs the
size of the image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from micrographia.annotations.codes import finding, listed
from micrographia.annotations.files import safe_name
from micrographia.annotations.formats import coco_rle
from micrographia.annotations.formats.base import ReadOptions, attributes_text
from micrographia.annotations.formats.coco_writer import CocoWriter
from micrographia.annotations.formats.json_stream import JsonFile, number, numbers, opened, whole
from micrographia.annotations.model import Annotations, ClassEntry
from micrographia.errors import AnnotationError
from micrographia.findings import Finding

MAX_STRAY = 10_000
"""Entries that are no objects, beyond which a list is given up."""
KNOWN = frozenset(
    {"id", "image_id", "category_id", "bbox", "segmentation", "area", "iscrowd", "score", "object_id"}
)


@dataclass(frozen=True)
class Coco:
    """COCO JSON.

    Parameters
    ----------
    segmentation
        How outlines are written: as ``polygons`` (those with holes as run lengths), or all as ``rle`` or
        ``compressed`` run lengths.
    """

    segmentation: Literal["polygons", "rle", "compressed"] = "polygons"
    api_version: int = 1
    name: str = "coco"
    title: str = "COCO JSON"
    extensions: tuple[str, ...] = (".json",)

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file is a JSON object with images and annotations."""
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return False
        try:
            with opened(path) as file:
                members = file.members()
        except AnnotationError:
            return False
        return "images" in members and ("annotations" in members or "categories" in members)

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file; see the table above."""
        with opened(path) as file:
            return _Reader(file, options).read()

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write a file; see the table above."""
        return CocoWriter(annotations, path, self.segmentation).write()


class _Reader:
    def __init__(self, file: JsonFile, options: ReadOptions) -> None:
        self.file = file
        self.options = options
        self.result = Annotations()
        self.problems: Counter[str] = Counter()
        self.names: dict[Any, str] = {}
        self.classes: dict[int, str] = {}
        self.boxes: list[tuple[Any, ...]] = []
        self.rings: list[tuple[Any, ...]] = []

    def read(self) -> Annotations:
        members = self.file.members()
        if "images" not in members:
            raise AnnotationError(self.file.path, "has no list `images`", "Is it COCO JSON?")
        for entry in self._list(members, "categories"):
            self._category(entry)
        for entry in self._list(members, "images"):
            self._image(entry)
        ids: list[int | None] = []
        rows: list[dict[str, Any]] = []
        for entry in self._list(members, "annotations"):
            row = self._annotation(entry)
            if row is not None:
                rows.append(row)
                ids.append(whole(entry.get("object_id", entry.get("id"))))
        for row, object_id in zip(rows, self._numbered(rows, ids), strict=True):
            row["object_id"] = object_id
        self._tables(rows)
        for key in ("info", "licenses"):
            if key in members:
                self.result.about[key] = self.file.value(members[key])
        self._findings(set(members))
        return self.result

    def _list(self, members: dict[str, tuple[int, int]], name: str) -> Iterator[dict[str, Any]]:
        if name not in members:
            return
        for entry in self.file.elements(members[name]):
            if isinstance(entry, dict):
                yield entry
                continue
            problem = f"entries of {name} are no objects"
            self.problems[problem] += 1
            if self.problems[problem] > MAX_STRAY:
                raise AnnotationError(self.file.path, f"has a list `{name}` of other things than objects")

    def _category(self, entry: dict[str, Any]) -> None:
        class_id = whole(entry.get("id"))
        if class_id is None:
            self.problems["categories have no id"] += 1
            return
        name = str(entry.get("name", ""))
        self.classes[class_id] = name
        parent = entry.get("supercategory")
        self.result.classes.append(
            ClassEntry(class_id, name, parent=parent if isinstance(parent, str) else "")
        )

    def _image(self, entry: dict[str, Any]) -> None:
        named = entry.get("file_name")
        key = entry.get("id")
        if not isinstance(key, (int, str)):
            self.problems["images have no id"] += 1
            return
        name = named if isinstance(named, str) and named else str(key)
        safe, inside = safe_name(name)
        if not inside:
            message = f"an image is called {name[:200]!r}; it is taken as {safe!r}"
            self.result.findings.append(finding("N008", message, self.file.path, field="images.file_name"))
        self.names[key] = safe
        height, width = whole(entry.get("height")), whole(entry.get("width"))
        if height and width and height > 0 and width > 0:
            self.result.sizes[safe] = (height, width)

    def _annotation(self, entry: dict[str, Any]) -> dict[str, Any] | None:
        key = entry.get("image_id")
        image = self.names.get(key) if isinstance(key, (int, str)) else None
        if image is None:
            self.problems["annotations are of no image in the list"] += 1
            return None
        rings = self._rings(entry.get("segmentation"))
        box = numbers(entry.get("bbox"))
        if box is not None and len(box) != 4:
            box = None
        if box is None and entry.get("bbox"):
            self.problems["boxes are not four numbers"] += 1
        if box is None and not rings:
            self.problems["annotations have neither box nor outline"] += 1
            return None
        class_id = whole(entry.get("category_id"))
        if class_id is not None and class_id not in self.classes:
            self.problems["annotations are of no category in the list"] += 1
        return {
            "image": image,
            "box": box,
            "rings": rings,
            "class_id": class_id,
            "class_name": self.classes.get(class_id, "") if class_id is not None else "",
            "confidence": number(entry.get("score")),
            "ignore": bool(whole(entry.get("iscrowd")) or entry.get("iscrowd") is True),
            "attributes": attributes_text({k: v for k, v in entry.items() if k not in KNOWN}),
        }

    def _rings(self, said: Any) -> list[tuple[int, int, Any, Any]]:
        if not said:
            return []
        if isinstance(said, dict):
            try:
                return [(ring.part, ring.ring, ring.y, ring.x) for ring in coco_rle.rings_of_rle(said)]
            except ValueError as error:
                self.problems[f"masks were left out: {error}"] += 1
                return []
        rings: list[tuple[int, int, Any, Any]] = []
        flat = isinstance(said, list) and isinstance(said[0], (int, float))
        for outline in [said] if flat else said if isinstance(said, list) else [None]:
            values = numbers(outline)
            if values is None or len(values) < 6 or len(values) % 2:
                self.problems["outlines are not three or more pairs of numbers"] += 1
            else:
                rings.append((len(rings), 0, values[1::2] - 0.5, values[0::2] - 0.5))
        return rings

    def _numbered(self, rows: list[dict[str, Any]], ids: list[int | None]) -> list[int]:
        keys = {(row["image"], object_id) for row, object_id in zip(rows, ids, strict=True)}
        if len(keys) == len(rows) and None not in ids:
            return [object_id for object_id in ids if object_id is not None]
        self.problems["ids are missing, doubled in an image, or no integers"] += (
            len(rows) - len(keys) + ids.count(None)
        )
        seen: Counter[str] = Counter()
        numbered = []
        for row in rows:
            seen[row["image"]] += 1
            numbered.append(seen[row["image"]])
        return numbered

    def _tables(self, rows: list[dict[str, Any]]) -> None:
        common = ("image", "object_id", "class_id", "class_name", "confidence", "ignore", "attributes")
        boxes: dict[str, list[Any]] = {name: [] for name in (*common, "y0", "x0", "y1", "x1")}
        rings: dict[str, list[Any]] = {name: [] for name in (*common, "part", "ring", "y", "x")}
        for row in rows:
            if row["box"] is not None:
                x, y, w, h = row["box"].tolist()
                for name in common:
                    boxes[name].append(row[name])
                for name, value in zip(("y0", "x0", "y1", "x1"), (y, x, y + h, x + w), strict=True):
                    boxes[name].append(value)
            for ring in row["rings"]:
                for name in common:
                    rings[name].append(row[name])
                for name, value in zip(("part", "ring", "y", "x"), ring, strict=True):
                    rings[name].append(value)
        for kind, columns in (("boxes", boxes), ("polygons", rings)):
            frame = pd.DataFrame(columns)
            frame["class_id"] = pd.array(columns["class_id"], dtype="Int64")
            frame["set"] = self.options.set_name
            self.result.add(kind, frame, self.file.path)

    def _findings(self, members: set[str]) -> None:
        path = self.file.path
        for problem, count in sorted(self.problems.items()):
            code = "N010" if problem.startswith("ids") else "N003" if "no category" not in problem else "N002"
            self.result.findings.append(finding(code, f"{count} {problem}", path, evidence={"count": count}))
        unknown = sorted(members - {"images", "annotations", "categories", "info", "licenses"})
        if unknown:
            message = f"has parts that COCO does not know: {listed(unknown)}"
            self.result.findings.append(finding("N005", message, path))
        if self.file.latin:
            self.result.findings.append(finding("N001", "is not UTF-8; it was read as Latin-1", path))
