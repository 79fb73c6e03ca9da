"""Label images in any format that images are read from; written as TIFF.

| file | here |
|---|---|
| integers without channels | a label image |
| any value beside 0 once only | its kind is `binary` (0 and 255, 0 and 1, ...) |
| otherwise, or more than 268 million pixels | a file does not say, and nobody looked: the kind is empty |

Several images inside one file (scenes, series, HDF5 keys) become several label images, named
`IMAGE:MEMBER`. Tables, classes and sets have no place; a further layer is a further file.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from micrographia import images
from micrographia.annotations.codes import finding
from micrographia.annotations.files import replaced
from micrographia.annotations.formats.base import ReadOptions, file_name, split_images, uncarried
from micrographia.annotations.masks.blocks import as_image
from micrographia.annotations.masks.objects import label_facts
from micrographia.annotations.model import Annotations, Mask, MaskKey
from micrographia.errors import AnnotationError, ImageError
from micrographia.findings import Finding

MAX_LOOKED_AT = 1 << 28
"""Pixels of a label image that is read whole to find out whether it is binary."""
SUFFIXES = (
    ".ome.tiff",
    ".ome.tif",
    ".ome.zarr",
    ".seg.nrrd",
    ".nii.gz",
    ".tiff",
    ".tif",
    ".png",
    ".npy",
    ".nrrd",
    ".zarr",
)


@dataclass(frozen=True)
class LabelImage:
    """Label images."""

    api_version: int = 1
    name: str = "label_image"
    title: str = "label image"
    extensions: tuple[str, ...] = (".tif", ".tiff", ".png", ".npy", ".nrrd", ".nii", ".ome.zarr")

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file is an image of integers without channels."""
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and not path.is_dir():
            return False
        try:
            members = images.members(path)
        except ImageError:
            return False
        return bool(members) and all(
            np.dtype(member.dtype).kind in "ui"
            and dict(zip(member.axes, member.shape, strict=True)).get("C", 1) == 1
            for member in members
        )

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file lazily; see the table above."""
        result = Annotations()
        stem = options.image_of(path, *SUFFIXES)
        try:
            members = images.members(path)
            for member in members:
                name = f"{stem}:{member.name}" if len(members) > 1 else stem
                labels = as_image(images.open_image(path, member.name))
                small = math.prod(labels.shape) <= MAX_LOOKED_AT
                kind = "binary" if small and label_facts(labels).binary else ""
                result.masks[MaskKey(name, options.set_name)] = Mask(labels, kind)
                result.sizes[name] = (labels.size("Y"), labels.size("X"))
        except ImageError as error:
            raise AnnotationError(path, error.problem, error.remedy) from error
        return result

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write a TIFF, or a folder of one TIFF an image, set and layer; see the table above."""
        if not path.suffix:
            findings = uncarried(annotations, self.title, {}, path, masks=True)
            for image, part in split_images(annotations):
                for key, mask in sorted(part.masks.items()):
                    layer = f".layer{key.layer}" if key.layer > 1 else ""
                    name = ".".join(file_name(text) for text in (image, key.set) if text)
                    _write_tiff(key, mask, path / f"{name}{layer}.tif")
            return findings
        findings = uncarried(annotations, self.title, {}, path, masks=True)
        if len(annotations.masks) != 1:
            problem = f"a TIFF holds one label image, not {len(annotations.masks)}"
            raise AnnotationError(path, problem, "Give a path without an ending")
        ((key, mask),) = annotations.masks.items()
        if key.set:
            findings.append(
                finding("N006", f"{self.title} has no place for the set {key.set!r}", path, field="set")
            )
        _write_tiff(key, mask, path)
        return findings


def _write_tiff(key: MaskKey, mask: Mask, path: Path) -> None:
    import tifffile

    if path.suffix.lower() not in (".tif", ".tiff"):
        raise AnnotationError(path, f"label images are written as .tif, not as {path.suffix}")
    labels = mask.labels
    axes = labels.axes.replace("C", "")
    # tifffile would draw a random one, and the same labels would have other bytes each time.
    named = f"{key} {labels.axes} {labels.shape} {labels.dtype}"
    metadata: dict[str, Any] = {"axes": axes, "UUID": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, named)}"}
    for axis, step in labels.scale.items():
        unit = labels.units.get(axis)
        if axis in "zyx" and unit in ("micrometer", "nanometer", "millimeter"):
            metadata[f"PhysicalSize{axis.upper()}"] = step
            metadata[f"PhysicalSize{axis.upper()}Unit"] = {
                "micrometer": "µm",
                "nanometer": "nm",
                "millimeter": "mm",
            }[unit]
    shape = [labels.size(axis) for axis in axes]
    planes = (
        [slice(None) if axis in "YX" else slice(k, k + 1) for axis, k in zip(labels.axes, at, strict=True)]
        for at in np.ndindex(
            *[1 if axis in "YX" else size for axis, size in zip(labels.axes, labels.shape, strict=True)]
        )
    )
    with replaced(path) as target:
        # The temporary name does not end in .ome.tif, so what is written is said.
        tifffile.imwrite(
            target,
            (np.ascontiguousarray(labels.read(plane).reshape(shape[-2:])) for plane in planes),
            shape=shape,
            dtype=labels.dtype,
            ome=True,
            metadata=metadata,
            compression="zlib",
            photometric="minisblack",
        )
