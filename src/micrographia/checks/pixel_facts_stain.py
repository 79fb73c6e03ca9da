"""The colours of a stained section: background, and direction and amount of stain, whatever is in the picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_FAINT = 0.15
"""Optical density below which a pixel counts as background."""
_FEWEST = 64
_SIDE = 40


@dataclass(frozen=True, slots=True)
class StainFacts:
    """Colours of one picture.

    Parameters
    ----------
    background
        Red, green and blue of the brightest parts (95th percentile), from 0 to 1.
    density, spread
        Mean and standard deviation of the optical density in red, green and blue where there is stain.
    axes
        Two unit vectors (red, green, blue), the extreme directions of stain in the plane of the two largest components
        of optical density (Macenko et al. 2009): for H&E about haematoxylin and eosin.
    """

    background: tuple[float, float, float]
    density: tuple[float, float, float]
    spread: tuple[float, float, float]
    axes: tuple[tuple[float, float, float], tuple[float, float, float]]

    def vector(self) -> npt.NDArray[np.float64]:
        """Return all of it as one vector (15 numbers)."""
        return np.concatenate([self.background, self.density, self.spread, *self.axes])

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {key: np.asarray(value).tolist() for key, value in asdict(self).items()}


def measure_stain(planes: Array, white: float) -> StainFacts | None:
    """Return the stain of a colour picture; None if there is too little stain to tell.

    Parameters
    ----------
    planes
        Red, green and blue (3, Y, X).
    white
        The largest value.
    """
    step = max(1, planes.shape[1] // _SIDE), max(1, planes.shape[2] // _SIDE)
    pixels = planes[:, :: step[0], :: step[1]].reshape(3, -1).T.astype(np.float64) / white
    background = np.percentile(pixels, 95, axis=0)
    density = -np.log(np.clip(pixels, 1 / 256, 1.0))
    stained = density[density.sum(axis=1) > 3 * _FAINT]
    if len(stained) < _FEWEST:
        return None
    values, vectors = np.linalg.eigh(np.cov(stained.T) + 1e-12 * np.eye(3))
    plane = vectors[:, np.argsort(values)[:0:-1]]
    plane = plane * np.where(plane.sum(axis=0) < 0, -1.0, 1.0)
    seen = stained @ plane
    angles = np.arctan2(seen[:, 1], seen[:, 0])
    extremes = [plane @ np.array([np.cos(angle), np.sin(angle)]) for angle in np.percentile(angles, [1, 99])]
    first, second = sorted(extremes, key=lambda axis: -float(axis[0]))
    return StainFacts(
        _three(background),
        _three(stained.mean(axis=0)),
        _three(stained.std(axis=0)),
        (_three(first), _three(second)),
    )


def _three(vector: Array) -> tuple[float, float, float]:
    red, green, blue = (round(float(value), 6) for value in vector)
    return red, green, blue
