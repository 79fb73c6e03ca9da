"""What a segmentation of 3D Slicer says in an NRRD header beyond the format: layers, and where it lies in its image."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from micrographia.images.image import Array, Pixels, Region
from micrographia.images.layout import Layout

LAYER = "layer "
"""How the name of a layer begins; its number, from 1, follows."""

LARGEST = 1 << 42
"""Voxels above which nobody believes the extent of a reference image."""

OFFSET = "Segmentation_ReferenceImageExtentOffset"
"""Key of the voxel of the image on which a segmentation was drawn where that segmentation begins."""
_REFERENCE = re.compile(r"Reference image geometry\|([^|&]*)\|")

Place = tuple[tuple[int, ...], tuple[int, ...]]
"""Where the first voxel of a segmentation lies in its image, and the size of the image; axes of the image."""


def escaped(text: str) -> str:
    r"""Return a text as NRRD keeps it behind a key: ``\n`` and ``\\`` for line end and backslash, no other control."""
    plain = "".join(" " if ord(letter) < 32 and letter != "\n" else letter for letter in text)
    return plain.replace("\\", "\\\\").replace("\n", "\\n")


def unescaped(text: str) -> str:
    r"""Return a text before it was escaped; a backslash before any other letter is one.

    Examples
    --------
    >>> unescaped(r"a\\b") == "a" + chr(92) + "b"
    True
    """
    return re.sub(r"\\([n\\])", lambda found: "\n" if found[1] == "n" else "\\", text)


def reference(header: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, int]] | None:
    """Return where a segmentation begins in the image it was drawn on, and the size of that image, along X, Y and Z.

    3D Slicer leaves out the empty margin of a segmentation, and says how large the image was. None if nothing, or
    nothing that can be believed, is said.
    """
    found = _REFERENCE.search(str(header.get("Segmentation_ConversionParameters", "")))
    numbers = found[1].split(";") if found else []
    try:
        bounds = [int(number) for number in numbers[16:22]]
        moved = [int(number) for number in str(header.get(OFFSET, "")).split()]
    except ValueError:
        return None
    if len(bounds) != 6 or len(moved) != 3:
        return None
    low, high = bounds[0::2], bounds[1::2]
    size = [last - first + 1 for first, last in zip(low, high, strict=True)]
    if min(size) < 1 or math.prod(size) > LARGEST:
        return None
    start = (step - first for step, first in zip(moved, low, strict=True))
    return dict(zip("XYZ", start, strict=True)), dict(zip("XYZ", size, strict=True))


def placement(header: Mapping[str, Any], layout: Layout) -> Place | None:
    """Return where a segmentation lies in its image; None if it covers it, or does not say."""
    said = reference(header)
    if said is None:
        return None
    start, whole = said
    stored = dict(zip(layout.image_axes, layout.image_shape, strict=True))
    if all(start[axis] == 0 and whole[axis] == stored.get(axis, 1) for axis in "XYZ"):
        return None
    if "Z" not in layout.image_axes and (start["Z"], whole["Z"]) != (0, 1):
        return None
    starts = tuple(start.get(axis, 0) for axis in layout.image_axes)
    return starts, tuple(whole.get(axis, stored[axis]) for axis in layout.image_axes)


class PlacedPixels:
    """Pixels of a part of an image, with 0 where the part does not reach.

    Parameters
    ----------
    part
        The pixels.
    size
        Of the part, along each axis.
    start
        Where the part begins in the image; negative where it reaches beyond.
    shape
        Size of the image.
    dtype
        Type of the pixels as read.
    """

    def __init__(
        self,
        part: Pixels,
        size: tuple[int, ...],
        start: tuple[int, ...],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> None:
        self.part = part
        self.size = size
        self.start = start
        self.shape = shape
        self.dtype = dtype

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        out = np.zeros([axis.stop - axis.start for axis in region], self.dtype)
        inner, goal = [], []
        for axis, start, size in zip(region, self.start, self.size, strict=True):
            first, last = max(axis.start - start, 0), min(axis.stop - start, size)
            if first >= last:
                return out
            inner.append(slice(first, last))
            goal.append(slice(first + start - axis.start, last + start - axis.start))
        out[tuple(goal)] = self.part.read(tuple(inner))
        return out

    def close(self) -> None:
        """Let go of what is open."""
        self.part.close()
