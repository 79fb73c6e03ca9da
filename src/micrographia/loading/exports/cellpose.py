"""Cellpose: an image and its masks beside it, a folder a split.

| here | Cellpose |
|---|---|
| split | ``train/``, ``test/``, ``validation/`` |
| picture | ``NAME.tif``: (Y, X), (C, Y, X), or (Y, X, 3) of a colour picture, as stored |
| objects | ``NAME_masks.tif``: (Y, X), 0 is background, ids as they are |

It trains on planes, so each plane of a volume is a picture. Classes, ignored objects, the annotated region and
overlaps have no place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from micrographia.annotations.codes import finding
from micrographia.findings import Finding
from micrographia.loading.exports.files import eight_bits, label_array, write_tiff
from micrographia.loading.exports.sample import Part, Plan, Sample, Written

MOST_CHANNELS = 3
FEWEST_OBJECTS = 5
"""Objects of a picture below which Cellpose leaves it out of training unless it is told otherwise."""


@dataclass(frozen=True)
class Cellpose:
    """Folders of images with ``_masks.tif`` beside them."""

    api_version: int = 1
    name: str = "cellpose"
    title: str = "Cellpose"
    volumes: bool = False
    uniform: bool = False
    carries: frozenset[str] = frozenset()
    scaling: str = "none"

    def write(self, sample: Sample, root: Path, plan: Plan) -> Written:
        """Write the picture and its masks."""
        pixels = sample.pixels if plan.scaling == "none" else eight_bits(sample.pixels, plan.scaling)[0]
        image = f"{sample.split}/{sample.name}.tif"
        mask = f"{sample.split}/{sample.name}_masks.tif"
        if sample.rgb:
            write_tiff(root / image, pixels.transpose(1, 2, 0), "YXS", spacing=sample.spacing, rgb=True)
        elif len(pixels) == 1:
            write_tiff(root / image, pixels[0], "YX", spacing=sample.spacing)
        else:
            write_tiff(root / image, pixels, "CYX", spacing=sample.spacing)
        labels = sample.labels()
        write_tiff(root / mask, label_array(labels), "YX", spacing=sample.spacing)
        return Written(image, mask, len(pixels))

    def finish(self, root: Path, plan: Plan, parts: Sequence[Part]) -> list[Finding]:  # noqa: ARG002
        """Tell what Cellpose would not use."""
        found = []
        wide = sum(part.data > MOST_CHANNELS for part in parts)
        if wide:
            message = (
                f"{wide} pictures have more than {MOST_CHANNELS} channels, of which Cellpose uses the first"
            )
            found.append(
                finding("N006", message, plan.name, field="channels", fix="choose some with --channels")
            )
        few = sum(part.counts["objects"] < FEWEST_OBJECTS for part in parts)
        if few:
            message = f"{few} pictures have fewer than {FEWEST_OBJECTS} objects; Cellpose leaves them out by default"
            found.append(finding("N011", message, plan.name, fix="train with --min_train_masks 0"))
        return found
