"""Images that compress like real ones: blurred blobs over a background, with photon and read noise; seeded."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images import Image, Region

SIDE = 1024
PLANES = 8
MICROMETRES = {"z": 1.0, "y": 0.2, "x": 0.2}

Array = npt.NDArray[Any]


@cache
def tile() -> tuple[Array, Array]:
    """Return planes of intensities ``(Z, Y, X)`` and one plane of labels, from which all images are made."""
    from scipy.ndimage import gaussian_filter, label

    random = np.random.default_rng(1665)
    field = np.zeros((SIDE, SIDE), np.float32)
    places = random.integers(0, SIDE, (180, 2))
    field[places[:, 0], places[:, 1]] = random.uniform(500, 4000, len(places)) * 400
    field = gaussian_filter(field, 9, mode="wrap")
    labels = label(field > 200)[0].astype(np.uint16)
    planes = [
        (
            random.poisson(field * math.exp(-(((z - PLANES / 2) / PLANES) ** 2)) + 100)
            + random.normal(0, 3, field.shape)
        )
        .clip(0)
        .astype(np.uint16)
        for z in range(PLANES)
    ]
    return np.stack(planes), labels


class SyntheticPixels:
    """Pixels made when they are read: the planes of :func:`tile` side by side, moved from plane to plane."""

    def __init__(self, axes: str, shape: tuple[int, ...], *, labels: bool) -> None:
        self.axes = axes
        self.shape = shape
        self.labels = labels

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        planes, labels = tile()
        out = np.empty([part.stop - part.start for part in region], np.uint16)
        rows = np.arange(region[-2].start, region[-2].stop)
        columns = np.arange(region[-1].start, region[-1].stop) % SIDE
        for place in np.ndindex(*out.shape[:-2]):
            number = sum(
                (part.start + index) * (977 if axis == "C" else 1)
                for part, index, axis in zip(region, place, self.axes, strict=False)
            )
            source = labels if self.labels else planes[number % PLANES]
            out[place] = source[np.ix_((rows + 3 * number) % SIDE, columns)]
        return out

    def close(self) -> None:
        """Nothing is open."""


def lazy(axes: str, shape: tuple[int, ...], *, labels: bool = False) -> Image:
    """Return an image of any size whose pixels are made when they are read."""
    scale = {axis: step for axis, step in MICROMETRES.items() if axis.upper() in axes}
    return Image(
        SyntheticPixels(axes, shape, labels=labels),
        path=Path("synthetic"),
        axes=axes,
        shape=shape,
        dtype=np.uint16,
        scale=scale,
        units=dict.fromkeys(scale, "micrometer"),
    )


def stack(shape: tuple[int, int, int]) -> tuple[Image, Image]:
    """Return a stack ``ZYX`` and its labels."""
    return lazy("ZYX", shape), lazy("ZYX", shape, labels=True)
