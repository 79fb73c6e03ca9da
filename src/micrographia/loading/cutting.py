"""Cutting a patch out of a block: pixels normalised, labels, and where they count."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.loading.frames import Three
from micrographia.loading.geometry import Geometry
from micrographia.loading.normalising import Linear
from micrographia.loading.reading import Block
from micrographia.loading.rescaling import centres, nearest, triangle

Array = npt.NDArray[Any]
Parts = tuple[npt.NDArray[np.float32], npt.NDArray[np.int32] | None, npt.NDArray[np.bool_]]


def cut(block: Block, shape: Geometry, linear: Linear, start: Three) -> Parts:
    """Cut one patch.

    Parameters
    ----------
    block
        Holds its footprint and the margin around it, as far as the frame reaches.
    shape
        Of the frame.
    linear
        How its channels are normalised.
    start
        Where the patch begins in the frame.

    Returns
    -------
    image
        C, Z, Y, X float32. Padding, and what is no finite number, is 0.
    mask
        Z, Y, X int32; None without masks. Padding is 0.
    region
        Z, Y, X; False for padding, for what was not annotated, in ignored objects, and where a pixel is no number.
    """
    image = np.empty((len(block.image), *shape.patch), np.float32)
    mask = None if block.mask is None else np.empty(shape.patch, np.int32)
    region = np.empty(shape.patch, np.bool_)
    if shape.rescaled:
        _resample(block, shape, linear, start, image, mask, region)
    else:
        _copy(block, linear, start, image, mask, region)
    if block.image.dtype.kind == "f":
        from micrographia.loading.kernels import drop_unknown

        drop_unknown(image, region)
    return image, mask, region


def _copy(
    block: Block, linear: Linear, start: Three, image: Array, mask: Array | None, region: Array
) -> None:
    from micrographia.loading import kernels

    local = [at - low for at, low in zip(start, block.low, strict=True)]
    held = [min(side, size - at) for side, size, at in zip(region.shape, block.shape, local, strict=True)]
    at = np.array([*local, *held], np.int64)
    if block.image.dtype.itemsize > 2 and block.image.dtype != np.float32:
        # What float32 cannot hold is normalised before it becomes float32.
        wide = block.image[(slice(None), *(slice(a, a + n) for a, n in zip(local, held, strict=True)))]
        factors = linear.multiply[:, None, None, None], linear.add[:, None, None, None]
        image.fill(0)
        image[:, : held[0], : held[1], : held[2]] = wide * factors[0].astype(np.float64) + factors[1]
    else:
        kernels.cut(block.image, at, linear.multiply, linear.add, image)
    if mask is not None and block.mask is not None:
        kernels.cut_labels(block.mask, at, mask)
    if block.region is not None:
        kernels.cut_labels(block.region, at, region)
    elif tuple(held) == region.shape:
        region.fill(True)
    else:
        region.fill(False)
        region[: held[0], : held[1], : held[2]] = True


def _resample(
    block: Block,
    shape: Geometry,
    linear: Linear,
    start: Three,
    image: Array,
    mask: Array | None,
    region: Array,
) -> None:
    places = [
        centres(at, zoom, side, size)
        for at, zoom, side, size in zip(start, shape.zoom, shape.patch, shape.shape, strict=True)
    ]
    inside = tuple(slice(0, len(place)) for place in places)
    image.fill(0)
    region.fill(False)
    local = [place - low for place, low in zip(places, block.low, strict=True)]
    factors = linear.multiply[:, None, None, None], linear.add[:, None, None, None]
    image[(slice(None), *inside)] = _interpolated(block.image * factors[0] + factors[1], local, shape)
    at = np.ix_(*(nearest(place, size) for place, size in zip(local, block.shape, strict=True)))
    if mask is not None and block.mask is not None:
        mask.fill(0)
        mask[inside] = block.mask[at]
    region[inside] = True if block.region is None else block.region[at]


def _interpolated(pixels: Array, local: list[npt.NDArray[np.float64]], shape: Geometry) -> Array:
    """Resample C, Z, Y, X at places along Z, Y, X, one axis after the other."""
    from micrographia.loading import kernels

    found = pixels
    for axis, (place, zoom) in enumerate(zip(local, shape.zoom, strict=True), start=1):
        if zoom == 1:
            first = np.round(place).astype(np.int64)
            found = found.take(first, axis=axis)
            continue
        sizes = found.shape
        first, weights = triangle(place, zoom, sizes[axis])
        before, after = int(np.prod(sizes[:axis])), int(np.prod(sizes[axis + 1 :]))
        out = np.empty((before, len(place), after), np.float32)
        kernels.blend(
            np.ascontiguousarray(found, np.float32).reshape(before, sizes[axis], after), first, weights, out
        )
        found = out.reshape(*sizes[:axis], len(place), *sizes[axis + 1 :])
    return found
