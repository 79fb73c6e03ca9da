"""Objects to label images: those that overlap lie on layers, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path

import numpy as np
import pandas as pd

from micrographia import images
from micrographia.annotations.codes import finding, listed
from micrographia.annotations.conforming import empty
from micrographia.annotations.files import clean
from micrographia.annotations.masks.blocks import Labels, as_image, spatial
from micrographia.annotations.masks.kernels.runs import Array, Ints, covered, paint
from micrographia.annotations.masks.objects import objects_table
from micrographia.annotations.masks.regions import runs_of, smallest_dtype
from micrographia.errors import AnnotationError
from micrographia.findings import Finding
from micrographia.images import Image

MAX_PIXELS = 1 << 32
"""Pixels that all layers may have together."""


@dataclass
class LabelLayers:
    """Label images of one image, the further ones for objects that overlap.

    Parameters
    ----------
    layers
        Unsigned integers of one shape, 0 is background; labels are unique over all layers. At least one.
    overlap_pixels
        Number of times that a pixel belongs to one object more than the first.
    objects
        An ``objects`` table with the layer, the label and the source of each object.
    findings
        Empty objects, overlaps, odd values.
    """

    layers: list[Array]
    overlap_pixels: int
    objects: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)


class LayerPainter:
    """Puts objects one after the other on the first layer on which they overlap nothing.

    Parameters
    ----------
    shape
        (Z, Y, X).
    maximum
        Largest label that will come.
    path
        File that errors name.
    """

    def __init__(self, shape: tuple[int, int, int], maximum: int, path: str = "") -> None:
        self.shape = shape
        self.dtype = smallest_dtype(maximum)
        self.path = path
        self.layers: list[Array] = []
        self.overlap_pixels = 0
        self._occupied: Array | None = None
        self._add_layer()

    def _add_layer(self) -> None:
        depth, height, width = self.shape
        if depth * height * width * (len(self.layers) + 1) > MAX_PIXELS:
            raise AnnotationError(
                self.path,
                f"overlapping objects need {len(self.layers) + 1} layers of {self.shape}",
                "Keep them as polygons, or store fewer objects a file",
            )
        if self.layers and self._occupied is None:
            self._occupied = (self.layers[0] != 0).astype(self.dtype)
        self.layers.append(np.zeros((depth * height, width), self.dtype))

    def put(self, label: int, row: Ints, x0: Ints, x1: Ints) -> tuple[int, int]:
        """Paint an object given as runs; return its layer (from 1) and how many of its pixels were taken already."""
        occupied = self.layers[0] if self._occupied is None else self._occupied
        taken = covered(occupied, row, x0, x1)
        number = 1
        while taken and number <= len(self.layers) and covered(self.layers[number - 1], row, x0, x1):
            number += 1
        if number > len(self.layers):
            self._add_layer()
        self.overlap_pixels += taken
        paint(self.layers[number - 1], row, x0, x1, np.full(len(row), label, np.int64))
        if self._occupied is not None:
            paint(self._occupied, row, x0, x1, np.ones(len(row), np.int64))
        return number, taken

    def stacked(self) -> list[Array]:
        """Return the layers, each of shape (Z, Y, X)."""
        return [layer.reshape(self.shape) for layer in self.layers]


def merge_object_masks(
    masks: Iterable[str | PathLike[str] | Labels],
    *,
    names: Sequence[str] | None = None,
    image: str = "",
    set_name: str = "",
) -> LabelLayers:
    """Merge masks of one object each into label images.

    Objects are numbered 1, 2, 3 ... in the order of their files' names (arrays and images: in the order given). An
    object that overlaps earlier ones goes to the first layer that is free under all of its pixels.

    Parameters
    ----------
    masks
        Files, images or arrays of one shape; every pixel that is not 0 belongs to the object (of colour pictures,
        every pixel with any colour, or, if they have an alpha channel, with any colour that is not transparent).
    names
        What to note as the source of each object; by default the names of the files.
    image, set_name
        Go into the table.

    Returns
    -------
    LabelLayers
        Its ``objects`` table holds layer, label, source, area and the other measures.

    Raises
    ------
    AnnotationError, ImageError
        If there is no mask, a file cannot be read, or the shapes differ.
    """
    given = list(masks)
    if not given:
        raise AnnotationError("", "there are no object masks to merge")
    if all(isinstance(mask, (str, PathLike)) for mask in given):
        order = sorted(range(len(given)), key=lambda n: (Path(str(given[n])).name, str(given[n])))
        given = [given[n] for n in order]
        names = [names[n] for n in order] if names else [clean(Path(str(mask)).name) for mask in given]
    names = list(names) if names else [str(number) for number in range(1, len(given) + 1)]
    if len(names) != len(given):
        raise AnnotationError("", f"{len(names)} names were given for {len(given)} object masks")
    with _opened(given[0]) as first:
        axes = "ZYX" if "Z" in first.axes else "YX"
        painter = LayerPainter(spatial(first), len(given), str(first.path))
    rows, void, odd = [], [], []
    for label, (mask, name) in enumerate(zip(given, names, strict=True), 1):
        with _opened(mask) as opened:
            if spatial(opened) != painter.shape:
                raise AnnotationError(
                    mask if isinstance(mask, (str, PathLike)) else name,
                    f"its size {_size(spatial(opened))} differs from {_size(painter.shape)} of the first object mask",
                    "Keep masks of one image in a folder of their own",
                )
            block, values = _foreground(opened)
        if values > 1:
            odd.append(name)
        runs = runs_of(block)
        if not len(runs):
            void.append(name)
            continue
        layer, taken = painter.put(label, runs.row, runs.x0, runs.x1)
        rows.append((label, layer, name, taken))
    layers = [layer if axes == "ZYX" else layer[0] for layer in painter.stacked()]
    findings = _findings(void, odd, painter.overlap_pixels, len(layers), sum(taken > 0 for *_, taken in rows))
    objects = measured(layers, axes, image, set_name)
    sources = {label: name for label, _, name, _ in rows}
    objects["source"] = pd.Series([sources[label] for label in objects["label_id"]], dtype="str")
    return LabelLayers(layers, painter.overlap_pixels, objects, findings)


def measured(layers: Sequence[Array], axes: str, image: str = "", set_name: str = "") -> pd.DataFrame:
    """Return the ``objects`` table of label images on layers, sorted by time and label."""
    tables = [
        objects_table(layer, axes=axes, image=image, set_name=set_name, layer=number)
        for number, layer in enumerate(layers, 1)
    ]
    table = pd.concat([table for table in tables if len(table)] or [empty("objects")], ignore_index=True)
    if len(layers) > 1:
        table = table.sort_values(["t", "label_id"], ignore_index=True, kind="stable")
    return table


def _opened(mask: str | PathLike[str] | Labels) -> Image:
    if isinstance(mask, Image):
        return mask
    if isinstance(mask, (str, PathLike)):
        return images.open_image(Path(fspath(mask)))
    return as_image(np.asarray(mask))


def _foreground(image: Image) -> tuple[Array, int]:
    """Return where the object is (Z, Y, X) as 0 and 1, and how many values other than 0 the file has (at most 2)."""
    if image.size("T") > 1:
        raise AnnotationError(image.path, f"has {image.size('T')} time points; an object mask has one")
    channels = image.size("C")
    if channels == 1:
        block = image.read().reshape(spatial(image))
        values = block[block != 0]
        inside = np.asarray(block != 0).astype(np.uint8)
        return inside, 0 if not values.size else 1 + int((values != values[0]).any())
    pixels = np.moveaxis(image.read(), image.axes.index("C"), 0).reshape(channels, -1, *image.shape[-2:])
    colours = pixels[: 3 if channels == 4 else 1 if channels == 2 else channels].any(axis=0)
    if channels in (2, 4):
        colours &= pixels[-1] != 0
    return np.asarray(colours).astype(np.uint8), 1


def _size(shape: tuple[int, int, int]) -> str:
    return " x ".join(str(length) for length in (shape if shape[0] > 1 else shape[1:]))


def _findings(void: list[str], odd: list[str], overlap: int, layers: int, overlapping: int) -> list[Finding]:
    findings = []
    if void:
        findings.append(
            finding(
                "N012",
                f"{len(void)} object masks hold no pixel: {listed(void)}",
                fix="Remove these files",
                evidence={"files": void[:20], "count": len(void)},
            )
        )
    if odd:
        findings.append(
            finding(
                "N001",
                f"{len(odd)} object masks hold several values; all that are not 0 were taken as the object: "
                f"{listed(odd)}",
                evidence={"files": odd[:20], "count": len(odd)},
            )
        )
    if overlap:
        findings.append(
            finding(
                "N009",
                f"{overlapping} objects overlap others in {overlap} pixels; they lie on {layers} layers",
                evidence={"pixels": overlap, "layers": layers, "objects": overlapping},
            )
        )
    return findings
