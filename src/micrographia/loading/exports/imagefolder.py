"""Hugging Face ``imagefolder``: ``SPLIT/metadata.jsonl`` with a row a picture and files beside it.

| here | imagefolder |
|---|---|
| split | ``train/``, ``validation/``, ``test/`` |
| first channel, or a colour picture | ``file_name``; a PNG, or a TIFF where PNG cannot hold its pixels |
| further channels | ``ROLE_file_name``, a picture each |
| objects | ``mask_file_name``: 16-bit PNG, 0 is background; further layers in ``mask_2_file_name`` |
| annotated region | ``region_file_name`` where the picture is annotated in part: 255 inside |
| classes and ignored objects | ``objects``: ids, categories and ignore of all objects |
| class of the image | ``label``, and a folder a class: ``images/CLASS/NAME.png`` |
| groups, pixel size | ``group_NAME``, ``pixel_size_um`` |

``datasets`` decodes every column that ends in ``file_name`` as an image, exactly.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.annotations.formats.base import file_name
from micrographia.findings import Finding
from micrographia.loading.exports.files import eight_bits, fits_png, label_array, write_png, write_tiff
from micrographia.loading.exports.sample import Array, Part, Plan, Sample, Written


@dataclass(frozen=True)
class ImageFolder:
    """Folders with ``metadata.jsonl``."""

    api_version: int = 1
    name: str = "imagefolder"
    title: str = "Hugging Face imagefolder"
    volumes: bool = False
    uniform: bool = False
    carries: frozenset[str] = frozenset({"classes", "ignored", "region", "overlaps", "spacing"})
    scaling: str = "none"

    def write(self, sample: Sample, root: Path, plan: Plan) -> Written:
        """Write the picture and its masks; its row is kept for the metadata of its split."""
        pixels = sample.pixels if plan.scaling == "none" else eight_bits(sample.pixels, plan.scaling)[0]
        folder = root / sample.split
        below = f"images/{file_name(sample.label)}" if sample.label else "images"
        row: dict[str, Any] = {}
        if sample.rgb and fits_png(pixels):
            row["file_name"] = f"{below}/{sample.name}.png"
            write_png(folder / row["file_name"], pixels.transpose(1, 2, 0))
        else:
            for at, (channel, called) in enumerate(zip(pixels, sample.channels, strict=True)):
                column = re.sub(r"\W+", "_", called.lower()).strip("_") or f"channel_{at + 1}"
                place = below if at == 0 else f"channels/{column}"
                key = "file_name" if at == 0 else f"{column}_file_name"
                row[key] = _picture(folder, f"{place}/{sample.name}", channel)
        for at, layer in enumerate(sample.layers, 1):
            named = "mask" if at == 1 else f"mask_{at}"
            row[f"{named}_file_name"] = _picture(folder, f"{named}s/{sample.name}", label_array(layer))
        if sample.region is not None:
            row["region_file_name"] = f"regions/{sample.name}.png"
            write_png(folder / row["region_file_name"], np.where(sample.region, 255, 0).astype(np.uint8))
        row |= self._facts(sample, plan)
        return Written(f"{sample.split}/{row['file_name']}", f"{sample.split}/{row['mask_file_name']}", row)

    def finish(self, root: Path, plan: Plan, parts: Sequence[Part]) -> list[Finding]:  # noqa: ARG002
        """Write ``metadata.jsonl`` of each split; every row has the same columns."""
        columns = list(dict.fromkeys(name for part in parts for name in part.data))
        for split in dict.fromkeys(part.row["split"] for part in parts):
            rows = [part.data for part in parts if part.row["split"] == split]
            text = "".join(
                json.dumps({name: row.get(name) for name in columns}, ensure_ascii=False) + "\n"
                for row in rows
            )
            (root / split / "metadata.jsonl").write_text(text, "utf-8")
        return []

    @staticmethod
    def _facts(sample: Sample, plan: Plan) -> dict[str, Any]:
        ids = sorted({label for layer in sample.layers for label in np.unique(layer).tolist()} - {0})
        size = math.sqrt(sample.spacing[1] * sample.spacing[2])
        return {
            "image_id": sample.image,
            **({"time": sample.time} if sample.time is not None else {}),
            **({"plane": sample.plane} if sample.plane is not None else {}),
            **({"label": sample.label} if sample.label else {}),
            **{
                f"group_{re.sub(r'[^0-9A-Za-z]+', '_', name)}": value for name, value in sample.groups.items()
            },
            "pixel_size_um": None if math.isnan(size) else size,
            "channels": list(sample.channels),
            "objects": {
                "id": ids,
                "category": [plan.category(sample.classes.get(label)).name for label in ids],
                "ignore": [label in sample.ignored for label in ids],
            },
        }


def _picture(folder: Path, stem: str, pixels: Array) -> str:
    """Write a plane as PNG, or as TIFF where PNG cannot hold it; return its name."""
    if fits_png(pixels):
        write_png(folder / f"{stem}.png", pixels)
        return f"{stem}.png"
    write_tiff(folder / f"{stem}.tif", pixels, "YX")
    return f"{stem}.tif"
