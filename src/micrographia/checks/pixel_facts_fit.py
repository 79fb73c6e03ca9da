"""How the objects of a mask sit on the image below: in one plane, reduced as far as the image's was."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.checks import pixel_kernels_borders as kernels
from micrographia.checks.pixel_facts_prints import PrintTaker, combined
from micrographia.images import Image, Region

Array = npt.NDArray[Any]

SHIFTS = np.array([3, 6, 12], np.int64)
"""Pixels of the reduced plane by which a mask is shifted to see whether it fits better there."""
BORDER_PIXELS = 1024
CONTRAST = 8.0
"""Least contrast at which bright places outside objects are looked for."""
LEAST_BRIGHT, FEW_PLACES = 4, 3
"""Smallest bright place in pixels of the reduced plane; and places that must have room among the bright pixels."""
_SAMPLE = 1024


@dataclass(frozen=True, slots=True)
class Fit:
    """How the borders of the objects sit on the image, in the plane that prints are taken of.

    Parameters
    ----------
    turned
        Gradient (its square root) of the image on the borders over its mean everywhere, for the mask as it is and
        turned or mirrored in the seven other ways of :data:`~micrographia.checks.pixel_facts_prints.TURNS`; NaN where
        the shapes do not fit.
    shifted
        The largest such ratio among shifts of the mask; NaN if it does not have the image's shape.
    shift
        That shift along y and x, in pixels of the image.
    points
        Border pixels that were looked at.
    contrast
        Difference of the medians inside and outside objects, over the median absolute deviation outside.
    bright, bright_pixels
        Connected places outside all objects that are as bright as the median of the objects and at least a quarter of
        the median object in size; and their pixels. 0 unless objects are much brighter than their surroundings.
    """

    turned: tuple[float, ...]
    shifted: float
    shift: tuple[int, int]
    points: int
    contrast: float
    bright: int
    bright_pixels: int


class LabelPlane:
    """The labels of the plane that the image was reduced in, thinned out as much."""

    def __init__(self, mask: Image, taker: PrintTaker | None) -> None:
        same = (
            taker is not None
            and taker.wanted
            and mask.size("Z") // 2 == taker.plane
            and sorted((mask.size("Y"), mask.size("X"))) == sorted(taker.shape)
        )
        self.taker = taker if same else None
        self.mask = mask
        if self.taker is not None:
            factor = self.taker.factor
            self.labels = np.zeros((mask.size("Y") // factor, mask.size("X") // factor), np.uint32)

    def add(self, region: Region, block: Array) -> None:
        """Take what a region that was read (integers) contributes."""
        if self.taker is None:
            return
        at = dict(zip(self.mask.axes, region, strict=True))
        index: list[Any] = []
        for axis in self.mask.axes[:-2]:
            wanted = self.taker.plane if axis == "Z" else 0
            if not at[axis].start <= wanted < at[axis].stop:
                return
            index.append(wanted - at[axis].start)
        factor = self.taker.factor
        # Units begin at multiples of a tile, which the factor divides.
        part = block[(*index, slice(factor // 2, None, factor), slice(factor // 2, None, factor))]
        y, x = at["Y"].start // factor, at["X"].start // factor
        target = self.labels[y : y + part.shape[0], x : x + part.shape[1]]
        target[:] = part[: target.shape[0], : target.shape[1]]

    def fit(self) -> Fit | None:
        """Return how the labels sit on the image; None if there is none of this size, or no label in the plane."""
        if self.taker is None or not self.labels.any():
            return None
        plane = combined(self.taker.reduced)
        turned, shifted, points = kernels.edge_agreement(plane, self.labels, BORDER_PIXELS, SHIFTS)
        if np.isfinite(shifted).any():
            best = np.unravel_index(np.nanargmax(shifted), shifted.shape)
            step = kernels.DIRECTIONS[best[1]] * SHIFTS[best[0]] * self.taker.factor
            shift, highest = (int(step[0]), int(step[1])), float(shifted[best])
        else:
            shift, highest = (0, 0), math.nan
        contrast, bright, bright_pixels = self._outside(plane)
        return Fit(tuple(turned.tolist()), highest, shift, points, contrast, bright, bright_pixels)

    def _outside(self, plane: Array) -> tuple[float, int, int]:
        if plane.shape != self.labels.shape:
            return math.nan, 0, 0
        step = max(1, math.isqrt(plane.size // _SAMPLE))
        sample, marked = plane[::step, ::step], self.labels[::step, ::step] > 0
        inside, outside = sample[marked], sample[~marked]
        if len(inside) < 16 or len(outside) < 16:
            return math.nan, 0, 0
        middle, level = float(np.median(outside)), float(np.median(inside))
        spread = float(np.median(np.abs(outside - middle)))
        contrast = (level - middle) / max(spread, 1e-6 * max(1.0, abs(level)))
        if contrast < CONTRAST:
            return contrast, 0, 0
        pixels = kernels.count_bright(plane, self.labels, level)
        if pixels < LEAST_BRIGHT:
            return contrast, 0, pixels
        areas = np.unique(self.labels[self.labels > 0], return_counts=True)[1]
        smallest = max(float(LEAST_BRIGHT), float(np.median(areas)) / 4)
        if pixels < FEW_PLACES * smallest:
            return contrast, 0, pixels
        from scipy import ndimage

        spots, count = ndimage.label((plane >= level) & (self.labels == 0))
        sizes = np.bincount(spots.ravel(), minlength=count + 1)[1:]
        return contrast, int((sizes >= smallest).sum()), pixels
