"""Planes of images that are compared in full: fetched again for the few pairs that seem to belong together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.checks import pixel_kernels_places as kernels
from micrographia.checks.pixel_facts_prints import CHANNELS
from micrographia.dataset import Dataset
from micrographia.errors import ImageError, MicrographiaError

Array = npt.NDArray[Any]
Planes = Callable[[str], Array]
"""Image id to the plane that prints were taken of, float32 (channel, Y, X); colour pictures have one channel."""

CACHE_BYTES = 256 << 20
LARGEST = 1 << 26
"""Planes of more pixels are not fetched."""
_WINDOW = 9


def reference_plane(dataset: Dataset, image: str) -> Array:
    """Return the plane of an image that prints were taken of: first time point, middle of the stack.

    Returns
    -------
    array
        float32 (channel, Y, X): the first channels, or the mean of red, green and blue.

    Raises
    ------
    DatasetError, ImageError
        If the image cannot be read, or the plane is too large to be held in memory twice.
    """
    with dataset.image(image) as opened:
        if opened.size("Y") * opened.size("X") > LARGEST:
            raise ImageError(
                opened.path, "has planes too large to be compared in full", "Compare smaller crops"
            )
        middle = opened.size("Z") // 2
        at = {"T": slice(0, 1), "Z": slice(middle, middle + 1), "C": slice(0, CHANNELS)}
        pixels = opened.read([at.get(axis, slice(None)) for axis in opened.axes]).astype(np.float32)
        planes = pixels.reshape(-1, *pixels.shape[-2:])
        return planes.mean(axis=0, keepdims=True) if opened.rgb else planes


class PlaneCache:
    """Fetches planes and keeps those used last, up to :data:`CACHE_BYTES`.

    Parameters
    ----------
    fetch
        Image id to plane. A plane that cannot be fetched is empty, and the reason is kept.

    Attributes
    ----------
    failed
        Image id to why it could not be fetched.
    """

    def __init__(self, fetch: Planes) -> None:
        self.fetch = fetch
        self.held: OrderedDict[str, Array] = OrderedDict()
        self.failed: dict[str, str] = {}
        self.bytes = 0

    def __call__(self, image: str) -> Array:
        """Return the plane of an image."""
        if image in self.held:
            self.held.move_to_end(image)
            return self.held[image]
        try:
            plane = self.fetch(image)
        except MicrographiaError as error:
            self.failed[image] = error.problem
            plane = np.zeros((0, 0, 0), np.float32)
        self.held[image] = plane
        self.bytes += plane.nbytes
        while len(self.held) > 2 and self.bytes > CACHE_BYTES:
            self.bytes -= self.held.popitem(last=False)[1].nbytes
        return plane


def correlation(one: Array, other: Array, y: int = 0, x: int = 0) -> float:
    """Return the correlation of two stacks of planes (channel, Y, X) where they overlap, the second lying at (y, x).

    The mean over channels that vary in both; 0 if none does.
    """
    return float(kernels.correlate(np.ascontiguousarray(one), np.ascontiguousarray(other), y, x))


def details(planes: Array) -> Array:
    """Return planes (channel, Y, X) without their smooth parts: the mean of 9 x 9 pixels around each.

    A margin of 4 pixels, where that would be a guess, is left out unless little else would remain.
    """
    from scipy import ndimage

    floats = planes.astype(np.float32)
    fine: Array = floats - ndimage.uniform_filter(floats, (0, _WINDOW, _WINDOW), mode="nearest")
    margin = _WINDOW // 2 if min(planes.shape[1:]) >= 4 * _WINDOW else 0
    return fine[:, margin : planes.shape[1] - margin, margin : planes.shape[2] - margin]


def halved(planes: Array) -> Array:
    """Return planes (channel, Y, X) with each 2 x 2 pixels averaged; an odd last row or column is left out."""
    height, width = planes.shape[1] // 2 * 2, planes.shape[2] // 2 * 2
    whole = planes[:, :height, :width]
    return (whole[:, ::2, ::2] + whole[:, 1::2, ::2] + whole[:, ::2, 1::2] + whole[:, 1::2, 1::2]) / 4
