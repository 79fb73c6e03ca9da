"""StarDist: ``images/`` and ``masks/`` of the same names, a folder a split.

| here | StarDist |
|---|---|
| split | ``train/``, ``val/``, ``test/`` |
| picture | ``images/NAME.tif``: (Y, X), (Z, Y, X), with channels last |
| objects | ``masks/NAME.tif``, 0 is background, ids as they are |
| ignored objects, outside the annotated region | -1, which StarDist leaves out of its loss |
| class of an object | ``classes/NAME.json``: id to number of the class from 1, as its ``classes`` argument wants it |

Overlaps have no place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from micrographia.findings import Finding
from micrographia.loading.exports.files import eight_bits, label_array, write_json, write_tiff
from micrographia.loading.exports.sample import VALIDATION, Part, Plan, Sample, Written

LEFT_OUT = -1


@dataclass(frozen=True)
class StarDist:
    """Folders of images and masks."""

    api_version: int = 1
    name: str = "stardist"
    title: str = "StarDist"
    volumes: bool = True
    uniform: bool = False
    carries: frozenset[str] = frozenset({"ignored", "region", "classes", "spacing"})
    scaling: str = "none"

    def write(self, sample: Sample, root: Path, plan: Plan) -> Written:
        """Write the picture, its masks, and its classes where there are several."""
        folder = "val" if sample.split == VALIDATION else sample.split
        pixels = sample.pixels if plan.scaling == "none" else eight_bits(sample.pixels, plan.scaling)[0]
        axes = "ZYX" if sample.volume else "YX"
        image, mask = f"{folder}/images/{sample.name}.tif", f"{folder}/masks/{sample.name}.tif"
        if len(pixels) == 1:
            write_tiff(root / image, pixels[0], axes, spacing=sample.spacing)
        else:
            last = np.moveaxis(pixels, 0, -1)
            write_tiff(root / image, last, f"{axes}S", spacing=sample.spacing, rgb=sample.rgb)
        labels = label_array(sample.labels())
        out = sample.left_out()
        if out.any():
            labels = np.where(out, LEFT_OUT, labels.astype(np.int32)).astype(np.int32)
        write_tiff(root / mask, labels, axes, spacing=sample.spacing)
        if len(plan.categories) > 1:
            known = {str(label): number for label, number in sorted(sample.classes.items())}
            write_json(root / f"{folder}/classes/{sample.name}.json", known)
        return Written(image, mask)

    def finish(self, root: Path, plan: Plan, parts: Sequence[Part]) -> list[Finding]:  # noqa: ARG002
        """Write the names of the classes where there are several."""
        if len(plan.categories) > 1:
            write_json(root / "classes.json", {str(one.number): one.name for one in plan.categories})
        return []
