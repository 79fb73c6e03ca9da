"""Small changes of an image that leave every object where it is: what a good model should not mind.

Strengths are told in units of each image's own intensity spread, so that one list serves 8-bit colour, 16-bit
fluorescence and normalised floats alike. No value is clipped: the perturbed image is float32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]

SPREAD = (1.0, 99.8)
"""Percentiles of a channel between which its intensity spread lies: those that most models normalise by."""
SAMPLED = 1 << 20
"""About so many values of a channel, evenly strided, are looked at for its percentiles."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the intensities of one channel lie: ``low`` and ``high`` percentile, mean, in the image's own units."""

    low: float
    high: float
    mean: float

    @property
    def width(self) -> float:
        """``high - low``; 0 for a channel that is the same everywhere."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One change of an image.

    Parameters
    ----------
    kind
        ``brightness``, ``contrast``, ``gamma``, ``noise`` or ``blur``; see :data:`KINDS`.
    strength
        In the unit of the kind.

    Raises
    ------
    SegmentationError
        If there is no such kind, or the strength is out of its range.
    """

    kind: str
    strength: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SegmentationError(
                "", f"there is no perturbation {self.kind!r}", f"Choose of {', '.join(KINDS)}"
            )
        low = -np.inf if self.kind == "brightness" else 0.0
        if not np.isfinite(self.strength) or self.strength < low or self.strength == KINDS[self.kind].nothing:
            said = "changes nothing" if self.strength == KINDS[self.kind].nothing else "is out of range"
            raise SegmentationError(
                "", f"{self.kind} of {self.strength:g} {said}", f"It is {KINDS[self.kind].unit}"
            )

    @property
    def name(self) -> str:
        """Such as ``noise 0.1``."""
        return (
            f"{self.kind} {self.strength:+g}"
            if self.kind == "brightness"
            else f"{self.kind} {self.strength:g}"
        )

    def apply(self, image: Array, *, seed: int = 0, key: str = "") -> Array:
        """Return the changed image.

        Parameters
        ----------
        image
            ``(C, [Z,] Y, X)``, any real type.
        seed, key
            Noise depends on both, and on nothing else: give the image's content as key, and every model sees the same
            noise.

        Returns
        -------
        float32, same shape. A channel without any spread stays as it is, except that it is blurred.

        Raises
        ------
        SegmentationError
            If a value is not finite.
        """
        pixels = np.asarray(image, dtype=np.float32)
        changed = np.empty_like(pixels)
        rng = generator(seed, self.kind, f"{self.strength:.9g}", key)
        for index, channel in enumerate(pixels):
            changed[index] = KINDS[self.kind].change(channel, spread_of(channel), self.strength, rng)
        return changed

    def scaled(self, factor: float) -> Perturbation:
        """Return the same kind, ``factor`` times as strong; factors (contrast, gamma) are raised to that power."""
        if KINDS[self.kind].nothing == 1.0:
            return Perturbation(self.kind, float(self.strength**factor))
        return Perturbation(self.kind, self.strength * factor)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of perturbation: its unit, its formula, the strength that changes nothing, and what carries it out."""

    unit: str
    formula: str
    nothing: float
    change: Callable[[Array, Spread, float, np.random.Generator], Array]


def spread_of(channel: Array) -> Spread:
    """Return where the intensities of a channel lie.

    Percentiles 1 and 99.8 of its values (of about a million, evenly strided, where there are more); least and greatest
    value where these two are equal, as in an image that is almost all background.

    Raises
    ------
    SegmentationError
        If a value is not finite.
    """
    values = np.asarray(channel)
    if not values.size:
        raise SegmentationError("", "the image has no pixels", "Leave it out")
    if not np.isfinite(values).all():
        raise SegmentationError(
            "", "the image holds values that are not finite (NaN or infinity)", "Mend or leave out the image"
        )
    step = max(1, values.size // SAMPLED)
    low, high = np.percentile(values.reshape(-1)[::step].astype(np.float64), SPREAD)
    if low == high:
        low, high = float(values.min()), float(values.max())
    return Spread(float(low), float(high), float(values.mean(dtype=np.float64)))


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return random numbers that depend on the seed and the names only."""
    digest = hashlib.sha256("\0".join((str(seed), *names)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def _brightness(channel: Array, spread: Spread, strength: float, _: np.random.Generator) -> Array:
    return channel + np.float32(strength * spread.width)


def _contrast(channel: Array, spread: Spread, strength: float, _: np.random.Generator) -> Array:
    mean = np.float32(spread.mean)
    return mean + np.float32(strength) * (channel - mean)


def _gamma(channel: Array, spread: Spread, strength: float, _: np.random.Generator) -> Array:
    if not spread.width:
        return channel
    low, width = np.float32(spread.low), np.float32(spread.width)
    share = (channel - low) / width
    inside = np.maximum(share, 0) ** np.float32(strength)
    return low + width * np.where(share > 0, inside, share)


def _noise(channel: Array, spread: Spread, strength: float, rng: np.random.Generator) -> Array:
    drawn = rng.standard_normal(channel.shape, dtype=np.float32)
    return channel + np.float32(strength * spread.width) * drawn


def _blur(channel: Array, _: Spread, strength: float, __: np.random.Generator) -> Array:
    from scipy.ndimage import gaussian_filter

    sigma = (0.0,) * (channel.ndim - 2) + (strength, strength)
    return np.asarray(gaussian_filter(channel, sigma, mode="nearest"))


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "brightness": Kind("a share of the spread that is added", "x + k s", 0.0, _brightness),
        "contrast": Kind("a positive factor about the mean", "m + k (x - m)", 1.0, _contrast),
        "gamma": Kind(
            "a positive exponent over the spread", "low + s ((x - low) / s)^k, linear below low", 1.0, _gamma
        ),
        "noise": Kind(
            "a positive share of the spread: the standard deviation", "x + k s N(0, 1)", 0.0, _noise
        ),
        "blur": Kind("a positive standard deviation in pixels, in the plane", "Gaussian(x, k)", 0.0, _blur),
    }
)
"""Kinds by name. ``x`` intensity, ``k`` strength, ``s`` the spread, ``m`` the mean of the channel."""

DEFAULT: tuple[Perturbation, ...] = (
    Perturbation("brightness", -0.1),
    Perturbation("brightness", 0.1),
    Perturbation("contrast", 0.7),
    Perturbation("contrast", 1.4),
    Perturbation("gamma", 0.7),
    Perturbation("gamma", 1.4),
    Perturbation("noise", 0.05),
    Perturbation("noise", 0.1),
    Perturbation("blur", 1.0),
    Perturbation("blur", 2.0),
)
"""What images are perturbed by unless told otherwise: two strengths of each kind."""


def parse(texts: Sequence[str], *, strength: float = 1.0) -> tuple[Perturbation, ...]:
    """Return perturbations as people write them.

    Parameters
    ----------
    texts
        ``noise`` (its default strengths) or ``noise=0.05,0.2``; none for :data:`DEFAULT`.
    strength
        Makes all of them stronger (above 1) or weaker.

    Raises
    ------
    SegmentationError
        If one is unknown, no number, or named twice.
    """
    if not 0 < strength < np.inf:
        raise SegmentationError("", f"a strength of {strength:g}", "Give a positive number; 1 is usual")
    found: list[Perturbation] = []
    for text in texts:
        kind, _, values = text.partition("=")
        kind = kind.strip()
        if not values:
            usual = [one for one in DEFAULT if one.kind == kind]
            found += usual or [Perturbation(kind, 1.0)]
            continue
        for value in values.split(","):
            try:
                number = float(value)
            except ValueError:
                raise SegmentationError(
                    "", f"{value.strip()!r} in {text!r} is no number", "Write it as noise=0.05,0.1"
                ) from None
            found.append(Perturbation(kind, number))
    chosen = tuple(found) or DEFAULT
    if len(set(chosen)) < len(chosen):
        raise SegmentationError("", "a perturbation is named twice", "Name each strength once")
    return tuple(one.scaled(strength) for one in chosen) if strength != 1.0 else chosen
