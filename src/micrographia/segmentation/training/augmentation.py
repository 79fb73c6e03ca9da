"""Patches made different each time: flips, right angles, mild scale, brightness, contrast, gamma, noise, blur.

Intensities are changed after normalisation, where 0 and 1 are the first and the 99.8th percentile of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

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
    flips
        Mirror along any axis and turn in the plane by right angles (by half turns where Y and X differ).
    gain, offset, gamma
        Largest factor, shift and exponent (or one over it) of intensities; each drawn for an image, and once more, less
        strongly, for each channel.
    noise
        Largest standard deviation of added Gaussian noise.
    blur
        Largest standard deviation, in pixels, of a Gaussian blur in the plane; every other patch has none.
    """

    size: tuple[int, ...]
    zoom: float = 1.25
    flips: bool = True
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
        held = self._zoomed(held, random)
        if self.flips:
            held = self._turned(held, random)
        held["image"] = self._intensities(held["image"], random)
        return patch | {name: np.ascontiguousarray(array) for name, array in held.items()}

    def _zoomed(self, held: Patch, random: np.random.Generator) -> Patch:
        reach = np.log(max(1.0, self.zoom))
        factor = float(np.exp(random.uniform(-reach, reach)))
        place = random.random(len(self.size))
        there = held["image"].shape[1:]
        wanted = [*self.size[:-2], *(max(1, round(side * factor)) for side in self.size[-2:])]
        cut = [min(side, whole) for side, whole in zip(wanted, there, strict=True)]
        starts = [
            int(where * (whole - side + 1)) for where, whole, side in zip(place, there, cut, strict=True)
        ]
        region = tuple(slice(start, start + side) for start, side in zip(starts, cut, strict=True))
        return {
            name: resized(array[(..., *region)], self.size, smooth=name == "image")
            for name, array in held.items()
        }

    def _turned(self, held: Patch, random: np.random.Generator) -> Patch:
        square = self.size[-1] == self.size[-2]
        quarter = int(random.integers(4)) if square else 2 * int(random.integers(2))
        mirrored = bool(random.integers(2))
        upside = bool(random.integers(2)) and len(self.size) == 3
        result = {}
        for name, array in held.items():
            turned = np.rot90(array, quarter, (-2, -1))
            if mirrored:
                turned = turned[..., ::-1]
            result[name] = turned[..., ::-1, :, :] if upside else turned
        return result

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


def resized(array: Array, size: Sequence[int], *, smooth: bool) -> Array:
    """Return an array whose last axes have another size: linear between pixels, or the nearest pixel.

    Pixels are areas: the outer edges of the old and the new grid lie on each other.

    Parameters
    ----------
    array
        Any shape; as many of the last axes as ``size`` has are resized.
    size
        New size of these axes.
    smooth
        Interpolate linearly, giving float32; otherwise take the nearest pixel and keep the type.
    """
    result = array
    for back, wanted in enumerate(reversed(list(size)), 1):
        axis, there = array.ndim - back, array.shape[-back]
        if there == wanted:
            continue
        place = (np.arange(wanted) + 0.5) * (there / wanted) - 0.5
        if not smooth:
            result = np.take(result, np.clip(np.floor(place + 0.5), 0, there - 1).astype(np.intp), axis)
            continue
        place = np.clip(place, 0, there - 1)
        low = np.minimum(place.astype(np.intp), max(there - 2, 0))
        weight = (place - low).astype(np.float32).reshape([-1] + [1] * (back - 1))
        one = np.take(result, low, axis)
        other = np.take(result, np.minimum(low + 1, there - 1), axis)
        result = one + (other - one) * weight
    return np.asarray(result, np.float32) if smooth else result
