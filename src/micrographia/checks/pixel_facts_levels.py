"""Whether the smaller levels of a pyramid show what level 0 shows: only small ones are read, and one plane of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia import images
from micrographia.checks import pixel_kernels_places as kernels
from micrographia.checks.pixel_facts_prints import THUMBNAIL, PrintTaker
from micrographia.images import Image

Array = npt.NDArray[Any]

FIRST = 2
"""The level from which levels are read; level 1, a quarter of all pixels, only if there is no other."""
MOST_FOREIGN = 16
_ZARR = "OME-Zarr"


@dataclass(frozen=True, slots=True)
class LevelFacts:
    """One level of the pyramid of an image, compared with level 0.

    Parameters
    ----------
    level
        Its number.
    shape
        Along the axes of the image.
    correlation
        Of thumbnails of the same plane at both levels, the smallest among channels; NaN where either is constant.
    offset
        Difference of their means, over the standard deviation of level 0; the largest among channels.
    """

    level: int
    shape: tuple[int, ...]
    correlation: float
    offset: float


def measure_levels(image: Image, taker: PrintTaker) -> tuple[LevelFacts, ...]:
    """Compare the levels of an image with what was taken of level 0; empty if it has none.

    Raises
    ------
    ImageError
        If a level cannot be read.
    """
    if not taker.wanted:
        return ()
    found = []
    for level in _levels(image):
        with images.open_level(image.path, image.member, level) as small:
            planes = _plane(small, image, taker)
            pairs = [_compare(one, other) for one, other in zip(taker.reduced, planes, strict=True)]
            correlation = min((r for r, _ in pairs if math.isfinite(r)), default=math.nan)
            found.append(LevelFacts(level, small.shape, correlation, max(offset for _, offset in pairs)))
    return tuple(found)


def foreign_labels(mask: Image, taker: PrintTaker | None, labels: Array) -> tuple[int, ...]:
    """Return labels that occur in a level of a mask but not in level 0, as averaging makes them; at most 16.

    Raises
    ------
    ImageError
        If a level cannot be read.
    """
    if taker is None or mask.dtype.kind == "f":
        return ()
    found: set[int] = set()
    for level in _levels(mask):
        with images.open_level(mask.path, mask.member, level) as small:
            values = _distinct(_plane(small, mask, taker, channels=1))
            found.update(np.setdiff1d(values, labels).tolist())
    found.discard(0)
    return tuple(sorted(found)[:MOST_FOREIGN])


def _levels(image: Image) -> list[int]:
    if image.file_format != _ZARR:
        return []
    count = images.count_levels(image.path, image.member)
    return list(range(FIRST, count)) if count > FIRST else list(range(1, count))


def _plane(small: Image, image: Image, taker: PrintTaker, channels: int | None = None) -> Array:
    """Return the plane that prints were taken of, at another level: (channel, Y, X)."""
    factor = max(1, round(image.size("Z") / small.size("Z")))
    middle = min(small.size("Z") - 1, taker.plane // factor)
    at = {
        "T": slice(0, 1),
        "Z": slice(middle, middle + 1),
        "C": slice(0, taker.count if channels is None else channels),
    }
    pixels = small.read([at.get(axis, slice(None)) for axis in small.axes])
    return pixels.reshape(-1, *pixels.shape[-2:])


def _distinct(plane: Array) -> Array:
    if plane.dtype in (np.uint8, np.uint16):
        return np.flatnonzero(np.bincount(plane.ravel()))
    return np.unique(plane)


def _compare(reduced: Array, plane: Array) -> tuple[float, float]:
    side = min(THUMBNAIL, *plane.shape)
    one = kernels.area_mean(reduced, side).astype(np.float64)
    other = kernels.area_mean(plane.astype(np.float32), side).astype(np.float64)
    spread = float(reduced.std())
    offset = abs(float(one.mean() - other.mean())) / spread if spread > 0 else 0.0
    x, y = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return (float((x * y).sum()) / scale if scale > 0 else math.nan), offset
