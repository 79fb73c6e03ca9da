"""Which parts of an image become rows: the whole field, tiles of it, a grid of patches, or its objects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from micrographia.annotations import ObjectAccumulator
from micrographia.dataset import Mask
from micrographia.errors import ProfileError
from micrographia.images import Image
from micrographia.representation.encoders.inputs import Header
from micrographia.representation.encoders.sources import Source

Per = Literal["image", "patch", "object"]
Fit = Literal["resize", "tiles"]
T, Z0, Z1, Y0, Y1, X0, X1, LABEL, LAYER = range(9)
"""Columns of a window: time point, half-open ranges of slices, rows and columns, label of the object and its layer."""

MARGIN = 0.1
"""Added on each side of the square around an object, as a share of its side."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """What becomes a row.

    Parameters
    ----------
    per
        ``image``, ``patch`` or ``object``.
    fit
        Of whole fields: ``resize`` squeezes the field into the square that the encoder takes; ``tiles`` cuts it into
        squares of that size at full resolution, evenly spread and just covering it, and averages their features.
    patch, stride
        Side of a patch and step of the grid, in pixels; patches lie inside of the image, so that a rest at the far
        edges is left out. The encoder's size, and patches that touch each other, by default.
    crop
        Side of the square around the centre of an object's box, in pixels; by default the longer side of its box and a
        margin of 10% on each side, so that all objects appear equally large.
    masked
        Black out what is not the object.
    annotation_set
        The set whose label images hold the objects.
    project
        How slices become one plane: ``max``, ``mean``, or the ``middle`` one.
    """

    per: Per = "image"
    fit: Fit = "resize"
    patch: int | None = None
    stride: int | None = None
    crop: int | None = None
    masked: bool = False
    annotation_set: str | None = None
    project: Literal["max", "mean", "middle"] = "max"

    def verify(self) -> None:
        """Raise ``ProfileError`` if a choice does not exist."""
        for name, value, known in (
            ("per", self.per, ("image", "patch", "object")),
            ("fit", self.fit, ("resize", "tiles")),
            ("project", self.project, ("max", "mean", "middle")),
        ):
            if value not in known:
                raise ProfileError("", f"there is no {name} {value!r}", f"Choose one of {', '.join(known)}")
        for name, number in (("patch", self.patch), ("stride", self.stride), ("crop", self.crop)):
            if number is not None and number < 1:
                raise ProfileError("", f"a {name} of {number} pixels", "Give at least 1")


@dataclass(frozen=True, slots=True)
class Samples:
    """The windows of one image, and the row that each belongs to.

    Parameters
    ----------
    header
        Of the image.
    windows
        int64 ``(k, 9)``, columns as named above; rows and columns may reach beyond the image.
    centres
        y and x of each row in pixels, ``(rows, 2)``.
    rows
        Row of each window, int64 ``(k,)``, ascending from 0.
    """

    header: Header
    windows: npt.NDArray[np.int64]
    centres: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]


def fields(told: Header, sampling: Sampling, size: int) -> Samples:
    """Return the windows of whole fields, one row a time point."""
    if sampling.fit == "resize":
        boxes = [(0, told.height, 0, told.width)]
    else:
        boxes = [
            (y, y + size, x, x + size) for y in _cover(told.height, size) for x in _cover(told.width, size)
        ]
    windows = _windows(told, boxes)
    centre = [(told.height - 1) / 2, (told.width - 1) / 2]
    return Samples(
        told, windows, np.tile(centre, (told.times, 1)), np.repeat(np.arange(told.times), len(boxes))
    )


def patches(told: Header, sampling: Sampling, size: int) -> Samples:
    """Return a grid of patches, one row each. An image smaller than a patch is one patch, mirrored at its edges."""
    side = sampling.patch or size
    step = sampling.stride or side
    boxes = [
        (y, y + side, x, x + side)
        for y in _grid(told.height, side, step)
        for x in _grid(told.width, side, step)
    ]
    windows = _windows(told, boxes)
    return Samples(told, windows, _middles(windows), np.arange(len(windows)))


def objects(told: Header, sampling: Sampling, masks: Sequence[Mask]) -> Samples:
    """Return squares around the objects of label images, one row each, by layer, time point and label.

    Raises
    ------
    MicrographiaError
        If a label image has another size than the image, or cannot be read.
    """
    parts, centres = [np.empty((0, 9), np.int64)], [np.empty((0, 2))]
    for mask in masks:
        fitting(told, mask.image)
        summed = ObjectAccumulator(mask.image.shape, mask.image.axes, path=mask.image.path)
        for region in mask.image.blocks():
            summed.add(mask.image.read(region), [part.start for part in region])
        found = summed.measures()
        n = len(found["label_id"])
        height, width = found["y1"] - found["y0"], found["x1"] - found["x0"]
        longest = np.maximum(height, width)
        side = (
            np.full(n, sampling.crop)
            if sampling.crop
            else np.ceil(longest * (1 + 2 * MARGIN) - 1e-9).astype(np.int64)
        )
        windows = np.empty((n, 9), np.int64)
        windows[:, T] = found.get("t", np.zeros(n, np.int64))
        windows[:, Z0] = np.maximum(found["z0"], 0)
        windows[:, Z1] = np.where(found["z1"] < 0, told.planes, found["z1"])
        for low, high, first, last in ((Y0, Y1, "y0", "y1"), (X0, X1, "x0", "x1")):
            windows[:, low] = (found[first] + found[last] - side) // 2
            windows[:, high] = windows[:, low] + side
        windows[:, LABEL] = found["label_id"]
        windows[:, LAYER] = mask.layer
        parts.append(windows)
        centres.append(np.column_stack([found["y"], found["x"]]))
    held = np.concatenate(parts)
    return Samples(told, held, np.concatenate(centres), np.arange(len(held)))


def fitting(told: Header, mask: Image) -> None:
    """Raise ``ProfileError`` if a label image has another size than its image.

    A label image may lack time or depth, or have one plane: it then holds for all.
    """
    sizes = {"T": told.times, "Z": told.planes, "Y": told.height, "X": told.width}
    for axis, size in sizes.items():
        if mask.size(axis) != size and not (axis in "TZ" and mask.size(axis) == 1):
            raise ProfileError(
                told.id,
                f"has {size} pixels along {axis} and its label image {mask.size(axis)}",
                "Give a label image of the size of its image",
            )


def chosen_set(wanted: str | None, sources: Iterable[Source], kinds: Mapping[str, str]) -> str:
    """Return the annotation set whose label images hold the objects.

    Raises
    ------
    ProfileError
        If there is none, more than one to choose from, or it holds classes instead of objects.
    """
    held: dict[str, None] = {}
    for source in sources:
        if source.files is not None:
            held |= dict.fromkeys(row.set or "masks" for row in source.files.mask_rows)
    names = sorted(held)
    if not names:
        raise ProfileError(
            "", "there are no label images, so there are no objects", "Embed per image or patch"
        )
    if wanted is not None and wanted not in names:
        raise ProfileError("", f"there is no annotation set {wanted!r}", f"Sets are {', '.join(names)}")
    usable = [name for name in names if kinds.get(name, "") not in ("semantic", "binary")]
    if wanted is None and len(usable) > 1:
        raise ProfileError(
            "",
            f"objects are in {len(usable)} annotation sets",
            f"Name one of {', '.join(usable)} (--objects)",
        )
    if wanted is None and usable:
        return usable[0]
    chosen = wanted if wanted is not None else names[0]
    if chosen not in usable:
        raise ProfileError(
            "", f"the masks of set {chosen!r} hold classes, not objects", "Embed per image or patch"
        )
    return chosen


def _windows(told: Header, boxes: Sequence[tuple[int, int, int, int]]) -> npt.NDArray[np.int64]:
    """Return the same boxes at every time point, through all slices."""
    windows = np.zeros((told.times * len(boxes), 9), np.int64)
    windows[:, T] = np.repeat(np.arange(told.times), len(boxes))
    windows[:, Z1] = told.planes
    windows[:, Y0 : X1 + 1] = np.tile(np.array(boxes, np.int64), (told.times, 1))
    return windows


def _middles(windows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.column_stack(
        [(windows[:, Y0] + windows[:, Y1] - 1) / 2, (windows[:, X0] + windows[:, X1] - 1) / 2]
    )


def _cover(length: int, size: int) -> list[int]:
    """Return where tiles begin that just cover a length, evenly spread; one in the middle if it is shorter."""
    if length <= size:
        return [(length - size) // 2]
    count = math.ceil(length / size)
    return [round(at * (length - size) / (count - 1)) for at in range(count)]


def _grid(length: int, side: int, step: int) -> list[int]:
    return list(range(0, length - side + 1, step)) or [(length - side) // 2]
