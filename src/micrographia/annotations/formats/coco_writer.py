"""Writing COCO JSON; ``coco.py`` says what goes where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from micrographia.annotations.codes import finding, listed
from micrographia.annotations.files import replaced
from micrographia.annotations.formats import coco_rle
from micrographia.annotations.formats.base import ClassBook, attributes_of, uncarried
from micrographia.annotations.formats.shapes import Shape, painted, rows_of, shapes
from micrographia.annotations.masks.blocks import planes
from micrographia.annotations.model import Annotations, MaskKey
from micrographia.findings import Finding

SHARED = ("image", "object_id", "class_id", "class_name", "confidence", "ignore", "attributes")
CARRIED = {
    "boxes": (*SHARED, "y0", "x0", "y1", "x1"),
    "polygons": (*SHARED, "part", "ring", "shape", "y", "x"),
}
BLANK = {"class_id": None, "class_name": "", "confidence": None, "ignore": False, "attributes": ""}


class CocoWriter:
    """Writes one COCO file.

    Parameters
    ----------
    annotations
        What to write.
    path
        The file.
    segmentation
        As in ``Coco``.
    """

    def __init__(
        self, annotations: Annotations, path: Path, segmentation: Literal["polygons", "rle", "compressed"]
    ) -> None:
        self.annotations = annotations
        self.path = path
        self.segmentation = segmentation
        self.book = ClassBook(annotations)
        self.findings: list[Finding] = []
        self.approximate = 0
        self.holes = 0
        self.unwritten = 0
        self.images = annotations.images
        self.sizes = dict(annotations.sizes)
        for key, mask in annotations.masks.items():
            self.sizes.setdefault(key.image, (mask.labels.size("Y"), mask.labels.size("X")))

    def write(self) -> list[Finding]:
        """Write the file, whole or not at all."""
        tables = {kind: table for kind, table in self.annotations.tables.items() if kind != "objects"}
        carried = Annotations(tables, classes=self.annotations.classes)
        self.findings = uncarried(carried, "COCO JSON", CARRIED, self.path)
        number_of = {image: index for index, image in enumerate(self.images, 1)}
        entries = []
        for entry in self._entries():
            entry["image_id"] = number_of[entry["image_id"]]
            entries.append(entry)
        if len({entry["id"] for entry in entries}) < len(entries):
            for index, entry in enumerate(entries, 1):
                entry["object_id"], entry["id"] = entry["id"], index
        document = {
            **{key: value for key, value in self.annotations.about.items() if key in ("info", "licenses")},
            "images": [self._image(image, index) for image, index in number_of.items()],
            "categories": [
                {
                    "id": class_id,
                    "name": entry.name,
                    **({"supercategory": entry.parent} if entry.parent else {}),
                }
                for class_id, entry in sorted(self.book.entries.items())
            ],
        }
        with replaced(self.path) as target, target.open("w", encoding="utf-8", errors="replace") as file:
            file.write(json.dumps(document, ensure_ascii=False)[:-1] + ', "annotations": [')
            for index, entry in enumerate(entries):
                file.write((",\n" if index else "\n") + json.dumps(entry, ensure_ascii=False))
            file.write("\n]}\n")
        self._tell()
        return self.findings

    def _image(self, image: str, index: int) -> dict[str, Any]:
        size = self.sizes.get(image)
        return {"id": index, "file_name": image} | (
            {"height": size[0], "width": size[1]} if size is not None else {}
        )

    def _entries(self) -> Iterator[dict[str, Any]]:
        boxes = {
            (row["image"], row["set"], row["object_id"], row["t"]): row
            for row in rows_of(self.annotations.table("boxes"))
        }
        drawn = set()
        for shape in shapes(self.annotations.table("polygons")):
            if shape.kind == "path" or shape.row["compartment"]:
                self.unwritten += 1
                continue
            key = (shape.row["image"], shape.row["set"], shape.row["object_id"], shape.row["t"])
            box = boxes.pop(key, None)
            drawn.add(key[:2])
            self.approximate += shape.kind == "ellipse"
            shape = shape.as_polygon()
            yield self._entry(shape.row, self._segmentation(shape), box, shape.extent(), shape.area)
        for row in boxes.values():
            extent = (row["y0"], row["x0"], row["y1"], row["x1"])
            area = (extent[2] - extent[0]) * (extent[3] - extent[1])
            yield self._entry(row, [], row, extent, area)
        for place, mask in self.annotations.masks.items():
            if (place.image, place.set) not in drawn and mask.kind != "annotated_region":
                yield from self._mask(place)

    def _mask(self, key: MaskKey) -> Iterator[dict[str, Any]]:
        mask = self.annotations.masks[key]
        if mask.labels.size("Z") * mask.labels.size("T") > 1:
            message = "COCO JSON holds planes; a label image with Z or T is not written"
            self.findings.append(finding("N006", message, self.path, field="masks"))
            return
        objects = self.annotations.table("objects")
        mine = objects[(objects["image"] == key.image) & (objects["set"] == key.set)]
        known = {row["label_id"]: row for row in rows_of(mine)}
        for _, _, plane in planes(mask.labels):
            for label, counts in coco_rle.encode_labels(plane):
                crop, top, left = coco_rle.crop_of(counts, plane.shape[0])
                extent = (top, left, top + crop.shape[0], left + crop.shape[1])
                row = BLANK | known.get(label, {}) | {"image": key.image, "object_id": label}
                if mask.kind == "semantic":
                    row["class_id"] = label
                yield self._entry(row, self._rle(counts, *plane.shape), None, extent, float(crop.sum()))

    def _entry(
        self,
        row: dict[str, Any],
        segmentation: Any,
        box: dict[str, Any] | None,
        extent: tuple[float, float, float, float],
        area: float,
    ) -> dict[str, Any]:
        y0, x0, y1, x1 = (box["y0"], box["x0"], box["y1"], box["x1"]) if box else extent
        entry = attributes_of(row["attributes"]) | {
            "id": row["object_id"],
            "image_id": row["image"],
            "category_id": self.book.number(row["class_id"], row["class_name"]),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "segmentation": segmentation,
            "area": area,
            "iscrowd": int(bool(row["ignore"])),
        }
        if row["confidence"] is not None:
            entry["score"] = row["confidence"]
        return entry

    def _segmentation(self, shape: Shape) -> Any:
        size = self.sizes.get(shape.row["image"])
        if size is None and shape.holes:
            self.holes += 1
        if size is not None and (shape.holes or self.segmentation != "polygons"):
            if any((2 * values % 2 != 1).any() for ring in shape.rings() for values in ring):
                self.approximate += 1
            return self._rle(coco_rle.encode(painted(shape, size)), *size)
        return [np.column_stack([x + 0.5, y + 0.5]).ravel().tolist() for (y, x), *_ in shape.parts]

    def _rle(self, counts: coco_rle.Ints, height: int, width: int) -> dict[str, Any]:
        held = (
            coco_rle.compress(counts).decode("ascii")
            if self.segmentation == "compressed"
            else counts.tolist()
        )
        return {"size": [height, width], "counts": held}

    def _tell(self) -> None:
        if self.approximate:
            message = f"{self.approximate} outlines are held approximately: as pixels, or as polygons of 64 vertices"
            self.findings.append(finding("N007", message, self.path, field="polygons"))
        if self.unwritten:
            message = f"COCO JSON has no open lines and outlines of a part; {self.unwritten} are not written"
            self.findings.append(finding("N006", message, self.path, field="polygons"))
        if self.holes:
            message = f"{self.holes} outlines lose their holes: polygons have none, and for pixels a size is missing"
            self.findings.append(
                finding(
                    "N006", message, self.path, field="polygons.ring", fix="State the sizes of the images"
                )
            )
        unsized = [image for image in self.images if image not in self.sizes]
        if unsized:
            message = f"the size of {len(unsized)} images is unknown and not written: {listed(unsized)}"
            self.findings.append(finding("N006", message, self.path, field="sizes"))
        if self.book.unnamed is not None:
            message = "objects without a class are written in a category `object`, for COCO wants one"
            self.findings.append(finding("N007", message, self.path, field="class_name"))
