"""Fields with known truth for tests: cells on an uneven ground, with noise, cut into tiles and crops."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from micrographia.checks.pixel_facts import ImageFacts
from micrographia.checks.pixel_facts_image import measure_image
from micrographia.images import ArrayImage

Array = npt.NDArray[Any]


def texture(seed: int, height: int = 256, width: int = 256, noise: float = 4.0) -> Array:
    """Return a field of cells of different size and brightness (uint16), its noise included."""
    random = np.random.default_rng(seed)
    field = np.zeros((height, width))
    for spread, weight in ((4.0, 100.0), (7.0, 150.0), (12.0, 200.0)):
        part = ndimage.gaussian_filter(random.standard_normal((height, width)), spread)
        field += weight * part / part.std()
    return (1500.0 + field + noise * random.standard_normal((height, width))).clip(0, 60000).astype(np.uint16)


def measured(planes: dict[str, Array], rgb: bool = False) -> dict[str, ImageFacts]:
    """Return the facts of planes (Y, X), or (C, Y, X)."""
    return {name: measure_image(image(plane, rgb), name)[0] for name, plane in planes.items()}


def image(plane: Array, rgb: bool = False, **options: Any) -> ArrayImage:
    """Return an array (Y, X), or (C, Y, X), as an image."""
    axes = "YX" if plane.ndim == 2 else "CYX"
    return ArrayImage(np.ascontiguousarray(plane), axes, rgb=rgb, **options)


def fetch(planes: dict[str, Array]) -> Any:
    """Return what fetches the plane of an image, as the search for groups asks for it."""

    def plane(name: str) -> Array:
        found = planes[name].astype(np.float32)
        return found[None] if found.ndim == 2 else found

    return plane
