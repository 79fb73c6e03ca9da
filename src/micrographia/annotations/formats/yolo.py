"""YOLO text: a folder of one file an image, a line an object, coordinates as fractions of the image.

| YOLO | here |
|---|---|
| `class cx cy width height` | `boxes`; centre and size times the size of the image |
| `class cx cy width height confidence` | `boxes` with `confidence` |
| `class x1 y1 x2 y2 x3 y3 ...` | `polygons`, half a pixel less |
| ... and one number more | `polygons` with `confidence` |
| `names` of `data.yaml`, lines of `classes.txt` | `classes` |
| name of the file | `image` |

The size of each image must be known. Ids, sets, time, planes, holes, annotators, ignore, names and
attributes have no place; an object with several parts becomes several. Numbers are written with all their
digits, so a round trip moves coordinates by less than a billionth of the image. Paths inside `data.yaml`
are never opened.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from micrographia.annotations.codes import finding
from micrographia.annotations.files import clean, read_text, write_text
from micrographia.annotations.formats.base import ClassBook, ReadOptions, file_name, outlined, uncarried
from micrographia.annotations.formats.shapes import ellipse_ring, rows_of, shapes
from micrographia.annotations.model import Annotations, ClassEntry
from micrographia.errors import AnnotationError, MetadataError
from micrographia.findings import Finding
from micrographia.metadata.yaml_nodes import Mapping, Scalar, Sequence
from micrographia.metadata.yaml_parsing import parse

CARRIED = {
    "boxes": ("image", "y0", "x0", "y1", "x1", "class_id", "class_name", "confidence"),
    "polygons": (
        "image",
        "part",
        "ring",
        "y",
        "x",
        "shape",
        "class_id",
        "class_name",
        "confidence",
    ),
}
NAME_FILES = frozenset({"classes.txt", "obj.names", "data.yaml", "data.yml"})
MAX_CLASSES = 1 << 16


@dataclass(frozen=True)
class Yolo:
    """YOLO text for detection and segmentation."""

    api_version: int = 1
    name: str = "yolo"
    title: str = "YOLO"
    extensions: tuple[str, ...] = (".txt",)

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file, or the first file in a folder, has lines of a class and fractions."""
        if path.is_dir():
            named = any((path / name).is_file() for name in NAME_FILES)
            first = next(iter(_label_files(path)), None)
            return first is not None and (named or _is_yolo(_start(first)))
        return path.suffix.lower() == ".txt" and _is_yolo(head)

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file or a folder; see the table above."""
        result = Annotations()
        root = path if path.is_dir() else path.parent
        names = _names(root, result)
        result.classes = [ClassEntry(number, name) for number, name in sorted(names.items())]
        files = list(_label_files(path)) if path.is_dir() else [path]
        if not files:
            raise AnnotationError(path, "holds no label files", "One .txt an image is expected")
        rows: dict[str, list[dict[str, Any]]] = {"boxes": [], "polygons": []}
        for file in files:
            _read_file(file, options.image if not path.is_dir() else "", options, names, rows, result)
        for kind, found in rows.items():
            frame = pd.DataFrame(found)
            frame["set"] = options.set_name
            result.add(kind, frame, path)
        return result

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write a folder: `labels/IMAGE.txt`, `classes.txt` and `data.yaml`; see the table above."""
        if path.suffix:
            raise AnnotationError(
                path, "YOLO is a folder of one file an image", "Give a path without an ending"
            )
        sizes = dict(annotations.sizes)
        for key, mask in annotations.masks.items():
            sizes.setdefault(key.image, (mask.labels.size("Y"), mask.labels.size("X")))
        annotations, findings = outlined(annotations, self.title, path)
        findings += uncarried(annotations, self.title, CARRIED, path)
        unsized = [image for image in annotations.images if image not in sizes]
        if unsized:
            raise AnnotationError(
                path, f"YOLO needs the size of {unsized[0]!r}", "State the sizes of the images"
            )
        writer = _Writer(annotations, sizes)
        for image, lines in writer.lines().items():
            write_text(path / "labels" / f"{file_name(image)}.txt", "".join(f"{line}\n" for line in lines))
        count = max(writer.book.entries, default=-1) + 1
        held = [writer.book.entries.get(number) for number in range(count)]
        names = [entry.name if entry else f"class {number}" for number, entry in enumerate(held)]
        flat = [" ".join(name.split()) for name in names]
        write_text(path / "classes.txt", "".join(f"{name}\n" for name in flat))
        write_text(path / "data.yaml", _data_yaml(names))
        return findings + writer.findings(path)


def _read_file(
    file: Path,
    image: str,
    options: ReadOptions,
    names: dict[int, str],
    rows: dict[str, list[dict[str, Any]]],
    result: Annotations,
) -> None:
    image = image or clean(file.stem)
    shape = options.shape_of(image)
    if shape is None:
        raise AnnotationError(
            file, f"YOLO gives fractions of the image; the size of {image!r} is unknown", "Give image_shapes"
        )
    result.sizes[image] = shape
    text, _ = read_text(file)
    bad: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        values = _floats(words)
        if (
            values is None
            or len(values) < 5
            or not values[0].is_integer()
            or not 0 <= values[0] < MAX_CLASSES
        ):
            bad.append(number)
            continue
        class_id = int(values[0])
        row = {
            "image": image,
            "object_id": number,
            "class_id": class_id,
            "class_name": names.get(class_id, ""),
            "confidence": None,
        }
        _place(row, values[1:], shape, rows)
    if bad:
        message = f"{len(bad)} lines are no class and at least four numbers"
        result.findings.append(finding("N003", message, file, line=bad[0], evidence={"lines": bad[:20]}))


def _place(
    row: dict[str, Any], values: list[float], shape: tuple[int, int], rows: dict[str, list[dict[str, Any]]]
) -> None:
    height, width = shape
    if len(values) <= 5:
        cx, cy, w, h, *rest = values
        row |= {"x0": (cx - w / 2) * width, "x1": (cx + w / 2) * width}
        row |= {"y0": (cy - h / 2) * height, "y1": (cy + h / 2) * height}
        rows["boxes"].append(row | ({"confidence": rest[0]} if rest else {}))
        return
    if len(values) % 2:
        row["confidence"] = values.pop()
    at = np.array(values)
    rows["polygons"].append(row | {"y": at[1::2] * height - 0.5, "x": at[0::2] * width - 0.5})


def _floats(words: list[str]) -> list[float] | None:
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    return values if all(math.isfinite(value) for value in values) else None


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def _is_yolo(head: bytes) -> bool:
    lines = head.decode("ascii", errors="replace").splitlines()
    lines = [line for line in (lines if len(head) < 4096 else lines[:-1]) if line.strip()]
    if not lines:
        return False
    for line in lines:
        values = _floats(line.split())
        if values is None or len(values) < 5 or not values[0].is_integer():
            return False
        if values[0] < 0 or any(not -0.1 <= value <= 1.1 for value in values[1:]):
            return False
    return True


def _label_files(path: Path) -> Iterator[Path]:
    folders = [path, *(path / name for name in ("labels", "obj_train_data") if (path / name).is_dir())]
    for folder in folders:
        yield from sorted(
            file
            for file in folder.glob("*.txt")
            if file.name.lower()
            not in NAME_FILES | {"train.txt", "valid.txt", "val.txt", "test.txt", "readme.txt"}
        )


def _names(root: Path, result: Annotations) -> dict[int, str]:
    """Return the names of classes by number, from the folder or the two above it."""
    for folder in (root, root.parent, root.parent.parent):
        for name in ("data.yaml", "data.yml"):
            if (folder / name).is_file():
                return _yaml_names(folder / name, result)
        for name in ("classes.txt", "obj.names"):
            if (folder / name).is_file():
                text, _ = read_text(folder / name, 1 << 24)
                return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    return {}


def _yaml_names(path: Path, result: Annotations) -> dict[int, str]:
    text, _ = read_text(path, 1 << 20)
    try:
        root = parse(text, path).root
    except MetadataError as error:
        result.findings.append(finding("N005", f"gives no names of classes: {error.problem}", path))
        return {}
    entries = root.entries if isinstance(root, Mapping) else []
    held = next((node for key, node in entries if key.text == "names"), None)
    if isinstance(held, Sequence):
        pairs = [(str(number), node) for number, node in enumerate(held.items)]
    else:
        pairs = [(key.text, node) for key, node in held.entries] if isinstance(held, Mapping) else []
    return {
        int(number): node.text
        for number, node in pairs[:MAX_CLASSES]
        if number.isdecimal() and len(number) < 6 and isinstance(node, Scalar)
    }


def _data_yaml(names: list[str]) -> str:
    # A JSON text in double quotes is a YAML text.
    lines = [f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for number, name in enumerate(names)]
    return f"nc: {len(names)}\nnames:{'' if names else ' {}'}\n" + "".join(lines)


class _Writer:
    def __init__(self, annotations: Annotations, sizes: dict[str, tuple[int, int]]) -> None:
        self.annotations = annotations
        self.sizes = sizes
        self.book = ClassBook(annotations, first=0)
        self.lost: Counter[str] = Counter()

    def lines(self) -> dict[str, list[str]]:
        result: dict[str, list[str]] = {image: [] for image in self.annotations.images}
        drawn = set()
        for shape in shapes(self.annotations.table("polygons")):
            row = shape.row
            if shape.kind == "path" or row["compartment"]:
                self.lost["open lines and outlines of a part are not written"] += 1
                continue
            self.lost["ellipses are written as polygons of 64 vertices"] += shape.kind == "ellipse"
            self.lost["holes are lost"] += shape.holes
            self.lost["objects with several parts are written as several objects"] += len(shape.parts) > 1
            drawn.add((row["image"], row["object_id"]))
            height, width = self.sizes[row["image"]]
            for rings in shape.parts:
                y, x = ellipse_ring(*rings[0]) if shape.kind == "ellipse" else rings[0]
                at = np.column_stack([(x + 0.5) / width, (y + 0.5) / height]).ravel().tolist()
                result[row["image"]].append(self._line(row, at))
        for row in rows_of(self.annotations.table("boxes")):
            if (row["image"], row["object_id"]) in drawn:
                self.lost["boxes are not written beside the outline of the same object"] += 1
                continue
            height, width = self.sizes[row["image"]]
            centre = [(row["x0"] + row["x1"]) / 2 / width, (row["y0"] + row["y1"]) / 2 / height]
            size = [(row["x1"] - row["x0"]) / width, (row["y1"] - row["y0"]) / height]
            result[row["image"]].append(self._line(row, centre + size))
        return result

    def _line(self, row: dict[str, Any], values: list[float]) -> str:
        held = values + ([row["confidence"]] if row["confidence"] is not None else [])
        number = self.book.number(row["class_id"], row["class_name"])
        if number < 0:
            raise AnnotationError("", f"class {number} cannot be written: YOLO numbers classes from 0")
        return " ".join([str(number), *(repr(value) for value in held)])

    def findings(self, path: Path) -> list[Finding]:
        found = [
            finding(
                "N007" if "64" in problem else "N006",
                f"{count} {problem}",
                path,
                field="polygons",
                evidence={"count": count},
            )
            for problem, count in sorted(self.lost.items())
            if count
        ]
        if self.book.unnamed is not None:
            found.append(finding("N007", "objects without a class are written in a class `object`", path))
        return found
