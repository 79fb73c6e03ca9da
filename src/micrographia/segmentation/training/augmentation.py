"""Patches made different each time: turned, mirrored, scaled, stretched, bent; brightness, contrast, noise, blur.

Intensities are changed after normalisation, where 0 and 1 are the first and the 99.8th percentile of an image.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.training.warping import KNOTS, plane_places, read_at

Array = npt.NDArray[Any]
Patch = dict[str, Any]


@dataclass(frozen=True)
class Augmentation:
    """How patches are changed; called with a patch and a generator, it returns a patch of the size asked for.

    Parameters
    ----------
    size
        Of the patch that is returned, [Z,] Y, X.
    zoom
        Y and X are enlarged or reduced by up to this factor, log-uniformly; 1 does nothing. Reducing needs a patch
        that is larger than ``size``; :meth:`margin` says how much.
    stretch
        One of Y and X is longer than the other by up to this factor, log-uniformly; 1 does nothing.
    flips
        Mirror along any axis and turn in the plane by right angles (by half turns where Y and X differ).
    turns
        Turn in the plane by any angle.
    bend
        Pixels are moved in the plane by a smooth random field whose coefficients have at most this standard deviation,
        in hundredths of the side of the patch.
    gain, offset, gamma
        Largest factor, shift and exponent (or one over it) of intensities; each drawn for an image, and once more, less
        strongly, for each channel.
    noise
        Largest standard deviation of added Gaussian noise.
    blur
        Largest standard deviation, in pixels, of a Gaussian blur in the plane; every other patch has none.

    Notes
    -----
    What reaches beyond the patch that is given is 0 and counts nowhere (``region``).
    """

    size: tuple[int, ...]
    zoom: float = 1.6
    stretch: float = 1.3
    flips: bool = True
    turns: bool = True
    bend: float = 4.0
    gain: float = 1.5
    offset: float = 0.1
    gamma: float = 1.6
    noise: float = 0.06
    blur: float = 1.0

    def margin(self) -> tuple[int, ...]:
        """Return the size of the patches that it should be given: large enough for every zoom."""
        plane = tuple(int(np.ceil(side * max(1.0, self.zoom))) for side in self.size[-2:])
        return (*self.size[:-2], *plane)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"size": list(self.size)}

    def __call__(self, patch: Patch, random: np.random.Generator) -> Patch:
        """Return a changed copy of ``image`` (C, [Z,] Y, X), ``mask`` and ``region`` ([Z,] Y, X) of a patch."""
        held = {name: patch[name] for name in ("image", "mask", "region") if patch.get(name) is not None}
        held = self._moved(held, random)
        held["image"] = self._intensities(held["image"], random)
        return patch | {name: np.ascontiguousarray(array) for name, array in held.items()}

    def _moved(self, held: Patch, random: np.random.Generator) -> Patch:
        size = self.size[-2], self.size[-1]
        bend = None
        if self.bend > 0:
            strength = random.random() * self.bend / 100.0 * min(size)
            bend = random.standard_normal((2, KNOTS + 3, KNOTS + 3)) * strength
        places = plane_places(size, self._matrix(random), bend)
        low = -places.min((1, 2))
        # Padding at the far ends of a small image is no place to look at.
        room = _known(held) - 1.0 - places.max((1, 2)) - low
        steps = np.where(room < 0, np.floor(room / 2), np.floor(random.random(2) * (np.floor(room) + 1.0)))
        found = read_at(held, places + (low + steps)[:, None, None], ("image",))
        if self.flips and len(self.size) == 3 and random.integers(2):
            found = {name: array[..., ::-1, :, :] for name, array in found.items()}
        return found

    def _matrix(self, random: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return the matrix from steps in the new patch to steps in the old one."""
        reach, longer = np.log(max(1.0, self.zoom)), np.log(max(1.0, self.stretch)) / 2
        scale = random.uniform(-reach, reach) + random.uniform(-longer, longer) * np.array([1.0, -1.0])
        matrix = np.diag(np.exp(scale))
        if self.flips:
            quarters = (
                int(random.integers(4)) if self.size[-1] == self.size[-2] else 2 * int(random.integers(2))
            )
            mirrored = np.diag([1.0, 1.0 - 2.0 * int(random.integers(2))])
            matrix = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), quarters) @ mirrored @ matrix
        if self.turns:
            sine, cosine = np.sin(angle := random.uniform(0.0, 2.0 * np.pi)), np.cos(angle)
            matrix = np.array([[cosine, -sine], [sine, cosine]]) @ matrix
        return np.asarray(matrix)

    def _intensities(self, image: Array, random: np.random.Generator) -> Array:
        channels = len(image)
        shape = (channels, *([1] * (image.ndim - 1)))

        def drawn(reach: float) -> Array:
            own = random.uniform(-reach, reach, channels) * 0.3 if channels > 1 else np.zeros(channels)
            return np.asarray(random.uniform(-reach, reach) + own, np.float32).reshape(shape)

        gain, offset, gamma = (
            drawn(np.log(self.gain)),
            drawn(self.offset),
            drawn(np.log(self.gamma)),
        )
        result = np.maximum(image, 0) ** np.exp(gamma) + np.minimum(image, 0)
        result = result * np.exp(gain) + offset
        spread = random.uniform(0.0, self.blur) if random.integers(2) else 0.0
        if spread > 0.2:
            from scipy import ndimage

            sigma = [0.0] * (result.ndim - 2) + [spread, spread]
            result = ndimage.gaussian_filter(result, sigma, mode="nearest", truncate=3.0)
        strength = self.noise * random.random() ** 2
        if strength > 0:
            result = result + random.standard_normal(result.shape, np.float32) * np.float32(strength)
        return np.asarray(result, np.float32)


def _known(held: Patch) -> npt.NDArray[np.float64]:
    """Return how far along Y and X a patch is more than padding."""
    there = held["image"].shape[-2:]
    region = held.get("region")
    if region is None or not region.any():
        return np.array(there, float)
    flat = region.reshape(-1, *there).any(0)
    return np.array([np.flatnonzero(flat.any(axis))[-1] + 1.0 for axis in (1, 0)])
