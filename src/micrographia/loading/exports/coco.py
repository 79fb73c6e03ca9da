"""COCO: ``annotations/instances_SPLIT.json`` and ``images/SPLIT``.

| here | COCO |
|---|---|
| split | ``instances_train.json``, ``instances_val.json``, ``instances_test.json`` |
| picture | ``images/SPLIT/NAME.png``; ``.tif`` where PNG cannot hold its pixels |
| object | an annotation: run lengths (exact, holes and overlaps too) or polygons, box, area, ``object_id`` |
| class | a category with the dataset's class id |
| ignored object | ``iscrowd`` 1: a detector that covers it is neither right nor wrong |
| outside the annotated region | one ``iscrowd`` annotation for each category |
| title, version, licence, content hash | ``info``, ``licenses`` |
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from micrographia.annotations.codes import finding
from micrographia.annotations.formats import coco_rle
from micrographia.findings import Finding
from micrographia.loading.exports.files import eight_bits, fits_png, write_png, write_tiff
from micrographia.loading.exports.outlines import objects_rings
from micrographia.loading.exports.sample import (
    TEST,
    TRAIN,
    VALIDATION,
    Array,
    Category,
    Part,
    Plan,
    Sample,
    Written,
)

FOLDERS = {TRAIN: "train", VALIDATION: "val", TEST: "test"}


@dataclass(frozen=True)
class Coco:
    """Instance segmentation in COCO JSON.

    Parameters
    ----------
    outlines
        ``rle`` (compressed run lengths) or ``polygons`` (an object with holes is written as run lengths).
    """

    outlines: Literal["rle", "polygons"] = "rle"
    api_version: int = 1
    name: str = "coco"
    title: str = "COCO"
    volumes: bool = False
    uniform: bool = False
    carries: frozenset[str] = frozenset({"classes", "ignored", "region", "overlaps"})
    scaling: str = "none"

    def write(self, sample: Sample, root: Path, plan: Plan) -> Written:
        """Write the picture; its annotations are kept for the file of its split."""
        folder = FOLDERS.get(sample.split, sample.split)
        pixels = sample.pixels if plan.scaling == "none" else eight_bits(sample.pixels, plan.scaling)[0]
        png = fits_png(pixels) and (len(pixels) == 1 or sample.rgb)
        name = f"{sample.name}.{'png' if png else 'tif'}"
        image = f"images/{folder}/{name}"
        if png:
            write_png(root / image, pixels.transpose(1, 2, 0) if sample.rgb else pixels[0])
        elif len(pixels) == 1:
            write_tiff(root / image, pixels[0], "YX", spacing=sample.spacing)
        else:
            write_tiff(root / image, pixels.transpose(1, 2, 0), "YXS", spacing=sample.spacing, rgb=sample.rgb)
        data = {
            "image": {"file_name": name, "height": sample.shape[0], "width": sample.shape[1]},
            "folder": folder,
            "entries": list(self._entries(sample, plan)),
            "plain": png,
        }
        return Written(image, f"annotations/instances_{folder}.json", data)

    def finish(self, root: Path, plan: Plan, parts: Sequence[Part]) -> list[Finding]:
        """Write one file of annotations a split."""
        (root / "annotations").mkdir()
        used = {entry["category_id"] for part in parts for entry in part.data["entries"]}
        held = [*plan.categories]
        if _number(plan.unnamed, plan) in used and plan.unnamed not in held:
            held.append(plan.unnamed)
        categories = [{"id": _number(one, plan), "name": one.name} for one in held]
        for folder in dict.fromkeys(part.data["folder"] for part in parts):
            mine = [part for part in parts if part.data["folder"] == folder]
            _write_split(root / f"annotations/instances_{folder}.json", mine, categories, plan)
        odd = sum(not part.data["plain"] for part in parts)
        if not odd:
            return []
        message = f"{odd} pictures are TIFF, for PNG holds one channel or three colours of 8 or 16 bits"
        fix = "choose with --channels, or scale with --scaling percentile:0.1,99.9"
        return [finding("N011", message, plan.name, field="pixels", fix=fix)]

    def _entries(self, sample: Sample, plan: Plan) -> Iterator[dict[str, Any]]:
        for layer in sample.layers:
            rings = objects_rings(layer) if self.outlines == "polygons" else {}
            for label, counts in coco_rle.encode_labels(layer):
                crop, top, left = coco_rle.crop_of(counts, layer.shape[0])
                outline: Any = _run_lengths(counts, layer)
                ignored = label in sample.ignored
                mine = rings.get(label, [])
                if mine and not ignored and not any(ring.ring for ring in mine):
                    outline = [
                        np.column_stack([ring.x + 0.5, ring.y + 0.5]).ravel().tolist() for ring in mine
                    ]
                yield {
                    "object_id": label,
                    "category_id": _number(plan.category(sample.classes.get(label)), plan),
                    "bbox": [left, top, crop.shape[1], crop.shape[0]],
                    "area": int(crop.sum()),
                    "iscrowd": int(ignored),
                    "segmentation": outline,
                }
        if sample.region is not None:
            counts = coco_rle.encode((~sample.region).astype(np.uint8))
            rows, columns = np.nonzero(~sample.region)
            box = [int(columns.min()), int(rows.min())]
            box += [int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
            for category in plan.categories:
                yield {
                    "category_id": _number(category, plan),
                    "bbox": box,
                    "area": len(rows),
                    "iscrowd": 1,
                    "segmentation": _run_lengths(counts, sample.region),
                    "attributes": {"outside_annotated_region": True},
                }


def _run_lengths(counts: coco_rle.Ints, plane: Array) -> dict[str, Any]:
    return {"size": list(plane.shape), "counts": coco_rle.compress(counts).decode("ascii")}


def _number(category: Category, plan: Plan) -> int:
    """Return the id of a category: the dataset's, or the first that is free."""
    own = [one.id for one in plan.categories if one.id is not None]
    if category.id is not None:
        return category.id
    nameless = [one for one in (*plan.categories, plan.unnamed) if one.id is None]
    free = [number for number in range(1, len(own) + len(nameless) + 1) if number not in own]
    return free[[one.number for one in nameless].index(category.number)]


def _write_split(path: Path, parts: Sequence[Part], categories: list[dict[str, Any]], plan: Plan) -> None:
    """Write the annotations of a split, an annotation a line."""
    licence = plan.about.get("licence") or "unknown"
    document = {
        "info": {
            "description": plan.title,
            "version": plan.about.get("version") or "",
            "url": (plan.about.get("links") or [""])[0],
            "contributor": ", ".join(plan.about.get("authors") or []),
            "content_sha256": plan.about.get("content_sha256"),
        },
        "licenses": [{"id": 1, "name": licence, "url": ""}],
        "images": [{"id": at, "license": 1} | part.data["image"] for at, part in enumerate(parts, 1)],
        "categories": categories,
    }
    number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(document, ensure_ascii=False)[:-1] + ', "annotations": [')
        for at, part in enumerate(parts, 1):
            for entry in part.data["entries"]:
                number += 1
                file.write(",\n" if number > 1 else "\n")
                file.write(json.dumps({"id": number, "image_id": at} | entry, ensure_ascii=False))
        file.write("\n]}\n")
