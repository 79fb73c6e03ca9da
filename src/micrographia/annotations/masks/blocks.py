"""Label images as what the rest needs: arrays or lazily read images, frame by frame, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import AnnotationError
from micrographia.images import ArrayImage, Image

Array = npt.NDArray[Any]
Labels = npt.NDArray[Any] | Image
"""A label image: an array, or an image that is read lazily."""

BLOCK_BYTES = 32 << 20
"""About how many bytes are read at once."""


def as_image(labels: Labels, axes: str | None = None) -> Image:
    """Return a label image as an :class:`Image` without channels.

    Parameters
    ----------
    labels
        Integers or booleans. An array of 2 axes is (Y, X), one of 3 axes (Z, Y, X), one of 4 (T, Z, Y, X), unless
        ``axes`` says something else.
    axes
        One letter of TZYX an axis, in this order.

    Raises
    ------
    AnnotationError
        If the values are no integers, or there are several channels.
    """
    if isinstance(labels, Image):
        image = labels
    else:
        array = np.asarray(labels)
        if array.dtype.kind == "b":
            array = array.view(np.uint8)
        if array.dtype.kind not in "ui":
            raise _no_labels(str(array.dtype), "")
        if array.size == 0 or not 2 <= array.ndim <= 4:
            raise AnnotationError(
                "", f"an array of shape {array.shape} is no label image", "Give (Y, X) to (T, Z, Y, X)"
            )
        native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        image = ArrayImage(native, axes or "TZYX"[-array.ndim :])
    if image.dtype.kind not in "ui":
        raise _no_labels(str(image.dtype), str(image.path))
    if image.size("C") != 1:
        raise AnnotationError(
            image.path,
            f"has {image.size('C')} channels; a label image has none",
            "Store one integer a pixel, and overlapping objects in further files",
        )
    return image


def _no_labels(dtype: str, path: str) -> AnnotationError:
    return AnnotationError(path, f"holds {dtype} where labels are integers", "Store the labels as integers")


def spatial(image: Image) -> tuple[int, int, int]:
    """Return the size of one time point as (Z, Y, X)."""
    return image.size("Z"), image.size("Y"), image.size("X")


def frames(image: Image) -> list[int | None]:
    """Return the time points of an image; [None] if it has no time."""
    return [*range(image.size("T"))] if "T" in image.axes else [None]


def read_block(
    image: Image, t: int | None, z: slice = slice(None), y: slice = slice(None), x: slice = slice(None)
) -> Array:
    """Return pixels of one time point, of shape (Z, Y, X)."""
    at = {"T": slice(t or 0, (t or 0) + 1), "C": slice(0, 1), "Z": z, "Y": y, "X": x}
    block = image.read([at[axis] for axis in image.axes])
    depth = block.shape[image.axes.index("Z")] if "Z" in image.axes else 1
    return block.reshape(depth, *block.shape[-2:])


def tiles(image: Image, target: int = BLOCK_BYTES) -> Iterator[tuple[slice, slice, slice]]:
    """Yield (Z, Y, X) regions that tile one time point: whole blocks of the file, about ``target`` bytes each."""
    size = spatial(image)
    own = dict(zip(image.axes, image.block_shape, strict=True))
    step = [min(own.get(axis, 1), length) for axis, length in zip("ZYX", size, strict=True)]
    for axis in (2, 1, 0):
        # Grow along X first, then Y, then Z, by whole blocks: few seams, and no block is decoded twice.
        room = target // max(1, math.prod(step) * image.dtype.itemsize)
        if room > 1:
            step[axis] = min(size[axis], step[axis] * room)
    ranges = [range(0, length, stride) for length, stride in zip(size, step, strict=True)]
    for z in ranges[0]:
        for y in ranges[1]:
            for x in ranges[2]:
                yield (
                    slice(z, min(z + step[0], size[0])),
                    slice(y, min(y + step[1], size[1])),
                    slice(x, min(x + step[2], size[2])),
                )


def planes(image: Image) -> Iterator[tuple[int | None, int | None, Array]]:
    """Yield time point, plane (None where the image has no such axis) and pixels (Y, X)."""
    for t in frames(image):
        for z in range(image.size("Z")):
            yield t, (z if "Z" in image.axes else None), read_block(image, t, slice(z, z + 1))[0]
