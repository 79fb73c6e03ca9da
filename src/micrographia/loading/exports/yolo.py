"""YOLO for segmentation, as Ultralytics reads it: ``images/SPLIT``, ``labels/SPLIT``, ``data.yaml``.

| here | YOLO |
|---|---|
| split | ``images/train``, ``images/val``, ``images/test``, and ``labels/`` beside them |
| picture | ``NAME.png`` of 8 bits: grey, or red, green and blue |
| object | a line of ``NAME.txt``: class from 0, then x and y of a polygon as fractions of the picture |
| classes | ``names`` of ``data.yaml`` |

The polygon runs along the edges of the pixels; parts and holes of an object are joined by cuts without width, so
that the object comes back as it was. Ignored objects, the annotated region, ids and the intensities beyond 8 bits have
no place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from micrographia.annotations.codes import finding
from micrographia.findings import Finding
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports.files import eight_bits, write_png
from micrographia.loading.exports.outlines import objects_rings, one_line
from micrographia.loading.exports.sample import TEST, TRAIN, VALIDATION, Part, Plan, Sample, Written

FOLDERS = {TRAIN: "train", VALIDATION: "val", TEST: "test"}


@dataclass(frozen=True)
class Yolo:
    """Images and label files of YOLO segmentation."""

    api_version: int = 1
    name: str = "yolo"
    title: str = "YOLO"
    volumes: bool = False
    uniform: bool = False
    carries: frozenset[str] = frozenset({"classes", "overlaps"})
    scaling: str = "percentile:0.1,99.9"

    def write(self, sample: Sample, root: Path, plan: Plan) -> Written:
        """Write the picture and its label file."""
        folder = FOLDERS.get(sample.split, sample.split)
        pixels, ranges = eight_bits(sample.pixels, plan.scaling)
        if len(pixels) > 3:
            problem = f"YOLO holds 3 channels, not {len(pixels)}"
            raise LoadingError(sample.name, problem, "Choose up to three with --channels")
        if len(pixels) == 2:
            pixels = np.concatenate([pixels, np.zeros_like(pixels[:1])])
        image, label = f"images/{folder}/{sample.name}.png", f"labels/{folder}/{sample.name}.txt"
        write_png(root / image, pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
        size = np.array(sample.shape, np.float64)
        lines, unnamed = [], False
        for layer in sample.layers:
            for number, rings in objects_rings(layer).items():
                category = plan.category(sample.classes.get(number))
                unnamed |= category is plan.unnamed
                at = ((one_line(rings) + 0.5) / size)[:, ::-1].ravel()
                lines.append(" ".join([str(category.number - 1), *(f"{value:.9g}" for value in at.tolist())]))
        (root / label).parent.mkdir(parents=True, exist_ok=True)
        (root / label).write_text("".join(f"{line}\n" for line in lines), "ascii")
        scaled = sample.pixels.dtype != np.uint8 or plan.scaling.startswith("fixed")
        data = {"unnamed": unnamed, "ranges": ranges if scaled else [], "two": len(sample.pixels) == 2}
        return Written(image, label, data)

    def finish(self, root: Path, plan: Plan, parts: Sequence[Part]) -> list[Finding]:
        """Write ``data.yaml`` and tell what was scaled."""
        names = [one.name for one in plan.categories]
        if any(part.data["unnamed"] for part in parts) and plan.unnamed.number > len(names):
            names.append(plan.unnamed.name)
        splits = {part.row["split"] for part in parts}
        found = _scaled(plan, parts)
        lines = [f"# {json.dumps(plan.title)}, exported by micrographia; see provenance.json"]
        for split, folder in FOLDERS.items():
            if split in splits:
                lines.append(f"{folder}: images/{folder}")
        if VALIDATION not in splits:
            lines.append("val: images/train")
            message = "there is no split validation; `val` of data.yaml names the images of train, which tells nothing"
            found.append(
                finding(
                    "N011",
                    message,
                    plan.name,
                    field="split",
                    fix="make splits: micrographia describe --split",
                )
            )
        if TRAIN not in splits:
            lines.append("train: images/train")
        lines += [f"nc: {len(names)}", "names:"]
        lines += [f"  {at}: {json.dumps(name, ensure_ascii=False)}" for at, name in enumerate(names)]
        (root / "data.yaml").write_text("\n".join(lines) + "\n", "utf-8")
        others = sorted(splits - FOLDERS.keys())
        if others:
            message = f"data.yaml names no split {', '.join(others)}; its pictures lie in images/"
            found.append(finding("N006", message, plan.name, field="split"))
        two = sum(part.data["two"] for part in parts)
        if two:
            message = f"{two} pictures of 2 channels have an empty third, for YOLO wants 1 or 3"
            found.append(finding("N007", message, plan.name, field="channels"))
        return found


def _scaled(plan: Plan, parts: Sequence[Part]) -> list[Finding]:
    """Note in each row of ``images.csv`` which intensities became 0 and 255."""
    count = 0
    for part in parts:
        if part.data["ranges"]:
            count += 1
            part.row["low"] = ";".join(f"{low:.9g}" for low, _ in part.data["ranges"])
            part.row["high"] = ";".join(f"{high:.9g}" for _, high in part.data["ranges"])
    if not count:
        return []
    message = (
        f"{count} pictures were scaled to 8 bits ({plan.scaling}): `low` to `high` of images.csv, 0 to 255"
    )
    return [finding("N007", message, plan.name, field="pixels", evidence={"count": count})]
