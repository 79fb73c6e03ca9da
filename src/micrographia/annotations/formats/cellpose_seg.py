"""Cellpose `_seg.npy`: a pickled dictionary, read without running what it holds.

| Cellpose | here |
|---|---|
| `masks` (Y, X) or (Z, Y, X) | a label image of kind `instance` |
| `filename` | `about`; only its last part |
| `colors`, `ismanual`, `chan_choose`, `est_diam`, `diameter`, `model_path`, ... | `about` |
| `img`, `outlines`, `flows` | nothing: they follow from the image and the masks |

A file holds one label image of one image: layers, classes, sets, time and tables have no place. Written
files load in Cellpose: `masks`, `outlines`, `colors`, `ismanual`, `filename`, `est_diam`, `chan_choose` and
empty `flows` are there.
"""

from __future__ import annotations

import mmap
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.codes import finding, listed
from micrographia.annotations.files import replaced, safe_name
from micrographia.annotations.formats.base import ReadOptions, file_name, one_image, split_images, uncarried
from micrographia.annotations.formats.inert_pickle import (
    ARRAY,
    InertUnpickler,
    Record,
    UnsafePickle,
    array_of,
    plain,
)
from micrographia.annotations.masks.blocks import planes
from micrographia.annotations.masks.outlines import boundary
from micrographia.annotations.model import Annotations, Mask, MaskKey
from micrographia.errors import AnnotationError
from micrographia.findings import Finding
from micrographia.images import ArrayImage

KEPT = (
    "chan_choose",
    "est_diam",
    "diameter",
    "model_path",
    "flow_threshold",
    "cellprob_threshold",
    "ismanual",
    "colors",
)
LEFT = frozenset(
    {"masks", "filename", "img", "outlines", "flows", "manual_changes", "zdraw", "current_channel", *KEPT}
)
HEADER = re.compile(
    rb"\{'descr': *'\|O', *'fortran_order': *(?:False|True), *'shape': *\(\),? *\} *\n?", re.DOTALL
)
"""The header of a .npy file that holds one object."""


@dataclass(frozen=True)
class CellposeSeg:
    """Cellpose `_seg.npy`."""

    api_version: int = 1
    name: str = "cellpose"
    title: str = "Cellpose _seg.npy"
    extensions: tuple[str, ...] = ("_seg.npy",)

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether a file is a pickled NumPy object."""
        return head.startswith(b"\x93NUMPY") and b"'descr': '|O'" in head[:256] and not path.is_dir()

    def read(self, path: Path, options: ReadOptions) -> Annotations:
        """Read a file; see the table above."""
        held = _dictionary(path)
        try:
            masks = array_of(held.get("masks"))
            about = {key: plain(held.get(key)) for key in ("filename", *KEPT)}
        except UnsafePickle as error:
            raise AnnotationError(path, f"is damaged: {error}", "Save it again with Cellpose") from error
        if masks is None:
            raise AnnotationError(path, "holds no array `masks`", "Is it a _seg.npy of Cellpose?")
        labels = _labels(masks, path)
        image = options.image_of(path, "_seg.npy")
        result = Annotations()
        view = ArrayImage(labels, "ZYX"[-labels.ndim :], path=path)
        result.masks[MaskKey(image, options.set_name)] = Mask(view, "instance")
        result.sizes[image] = (labels.shape[-2], labels.shape[-1])
        named = about.pop("filename")
        if isinstance(named, str) and named:
            # Cellpose writes the whole path of the machine that it ran on: expected, so no finding.
            result.about["filename"] = PurePosixPath(PureWindowsPath(safe_name(named)[0]).name).name
        result.about |= {key: value for key, value in about.items() if value not in (None, [], "")}
        unknown = sorted(str(key) for key in held if key not in LEFT)
        if unknown:
            message = f"has entries that are not read: {listed(unknown)}"
            result.findings.append(finding("N005", message, path, evidence={"entries": unknown[:50]}))
        return result

    def write(self, annotations: Annotations, path: Path) -> list[Finding]:
        """Write a file, or a folder of `IMAGE_seg.npy`; see the table above."""
        if not path.suffix:
            return [
                note
                for image, part in split_images(annotations)
                for note in self.write(part, path / f"{file_name(image)}_seg.npy")
            ]
        one_image(annotations, self.title, path)
        findings = uncarried(annotations, self.title, {}, path, masks=True)
        chosen = [
            (key, mask) for key, mask in sorted(annotations.masks.items()) if mask.kind != "annotated_region"
        ]
        if not chosen:
            raise AnnotationError(
                path, "there is no label image to write", "Cellpose holds label images only"
            )
        if len(chosen) > 1:
            message = (
                f"{self.title} holds one label image; {len(annotations.masks) - 1} others are not written"
            )
            findings.append(finding("N006", message, path, field="masks"))
        key, mask = chosen[0]
        if mask.labels.size("T") > 1:
            raise AnnotationError(path, "Cellpose holds no time points", "Write each time point alone")
        if key.set:
            findings.append(
                finding("N006", f"{self.title} has no place for the set {key.set!r}", path, field="set")
            )
        content = _content(key.image, mask, annotations.about)
        with replaced(path) as target, target.open("wb") as file:
            np.save(file, np.array(content, dtype=object), allow_pickle=True)
        return findings


def _dictionary(path: Path) -> dict[Any, Any]:
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) == 0:
                raise AnnotationError(path, "is empty")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise AnnotationError(path, f"cannot be read: {error}") from error
    begin = _header_end(mapped[:512], path)
    try:
        top = InertUnpickler(memoryview(mapped)[begin:]).load()
        # NumPy pickles the dictionary as the only item of an array of objects.
        if (
            isinstance(top, Record)
            and top.name in ARRAY
            and isinstance(top.state, tuple)
            and len(top.state) == 5
        ):
            items = top.state[4]
            top = items[0] if isinstance(items, list) and len(items) == 1 else None
    except UnsafePickle as error:
        remedy = "Only plain data are read, nothing is run: save it again with Cellpose"
        raise AnnotationError(path, f"holds a pickle that is not plain data: {error}", remedy) from error
    if not isinstance(top, dict):
        raise AnnotationError(path, "holds no dictionary", "Is it a _seg.npy of Cellpose?")
    return top


def _header_end(start: bytes, path: Path) -> int:
    """Return where the pickle begins; the header must be that of one object, so that nothing in it is evaluated."""
    if not start.startswith(b"\x93NUMPY") or start[6:8] not in (b"\1\0", b"\2\0"):
        raise AnnotationError(path, "is no .npy file that can be read", "Is it a _seg.npy of Cellpose?")
    size = 2 if start[6] == 1 else 4
    end = 8 + size + int.from_bytes(start[8 : 8 + size], "little")
    if end > len(start) or not HEADER.fullmatch(start[8 + size : end]):
        remedy = "Read it as a label image"
        raise AnnotationError(path, "holds an array, or nothing, in place of Cellpose's dictionary", remedy)
    return end


def _labels(masks: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    while masks.ndim > 2 and masks.shape[0] == 1:
        masks = masks[0]
    if masks.ndim not in (2, 3) or masks.dtype.kind not in "uib" or not masks.size:
        raise AnnotationError(
            path, f"its masks are {masks.dtype} of shape {masks.shape}", "They should be integers (Y, X)"
        )
    if masks.dtype.kind == "b":
        masks = masks.view(np.uint8)
    return np.ascontiguousarray(masks, masks.dtype.newbyteorder("="))


def _content(image: str, mask: Mask, about: dict[str, Any]) -> dict[str, Any]:
    labels = mask.labels.read()
    labels = labels.reshape(
        [size for axis, size in zip(mask.labels.axes, labels.shape, strict=True) if axis in "ZYX"]
    )
    if labels.ndim == 3 and labels.shape[0] == 1:
        labels = labels[0]
    top = int(labels.max(initial=0))
    if int(labels.min(initial=0)) < 0:
        raise AnnotationError(
            "", "labels are negative, which Cellpose does not know", "Number the objects from 1"
        )
    labels = labels.astype(np.uint16 if top < 2**16 else np.uint32)
    rims = [
        np.where(boundary(plane), plane, 0)
        for _, _, plane in planes(ArrayImage(labels, "ZYX"[-labels.ndim :]))
    ]
    outlines = np.stack(rims).reshape(labels.shape).astype(labels.dtype)
    held = {key: about[key] for key in ("est_diam", "diameter", "chan_choose") if key in about}
    colors = np.array([_color(k) for k in range(min(top, 1 << 20))], np.uint8).reshape(-1, 3)
    manual = np.zeros(min(top, 1 << 20), bool)
    with suppress(TypeError, ValueError):
        said = np.asarray(about.get("ismanual", []), bool)
        if said.shape == manual.shape:
            manual = said
    return {
        "outlines": outlines,
        "colors": colors,
        "masks": labels,
        "chan_choose": [0, 0],
        "ismanual": manual,
        "filename": str(about.get("filename") or image),
        "flows": [],
        "est_diam": 0.0,
        "diameter": 0.0,
    } | held


def _color(index: int) -> tuple[int, int, int]:
    """Return one of many colours that are easily told apart: steps of the golden angle around the circle of hues."""
    import colorsys

    red, green, blue = colorsys.hsv_to_rgb((index * 0.618034) % 1, 0.75, 0.95)
    return int(red * 255), int(green * 255), int(blue * 255)
