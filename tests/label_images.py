"""Label images for tests: small random ones for properties, known ones for hand cases."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

Array = npt.NDArray[Any]

IDS = (0, 0, 0, 1, 2, 7)
"""Few values, so that regions touch, enclose each other and fall apart."""


def planes(side: int = 9) -> st.SearchStrategy[Array]:
    """Small label images (Y, X)."""
    shape = st.tuples(st.integers(1, side), st.integers(1, side))
    return shape.flatmap(lambda size: arrays(np.uint16, size, elements=st.sampled_from(IDS)))


def volumes(side: int = 5) -> st.SearchStrategy[Array]:
    """Small label images (Z, Y, X)."""
    shape = st.tuples(*[st.integers(1, side)] * 3)
    return shape.flatmap(lambda size: arrays(np.uint8, size, elements=st.sampled_from(IDS)))


def discs(side: int = 256, pitch: int = 24, seed: int = 0) -> Array:
    """Discs of different size on a grid, numbered from 1, some cut by the border."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((side, side), np.uint16)
    y, x = np.mgrid[:side, :side]
    centres = [(a, b) for a in range(8, side, pitch) for b in range(8, side, pitch)]
    for number, (a, b) in enumerate(centres, 1):
        radius = rng.uniform(3, pitch / 2 - 1)
        labels[(y - a) ** 2 + (x - b) ** 2 <= radius**2] = number
    return labels
