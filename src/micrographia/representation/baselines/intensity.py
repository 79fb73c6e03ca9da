"""Intensity of each channel: moments and percentiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from micrographia.representation.baselines.fields import Array, Reading
from micrographia.representation.baselines.kernels import pixels
from micrographia.representation.baselines.measured import Measured

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SAMPLED = 1 << 22
"""Pixels of a channel up to which percentiles are exact; of more, every k-th row and column is taken."""


@dataclass(frozen=True)
class Levels:
    """The intensities of one channel.

    Attributes
    ----------
    moments
        Columns of ``kernels.pixels``.
    percentiles
        As ``PERCENTILES``, float64, linear between neighbours.
    """

    moments: Array
    percentiles: Array

    @property
    def constant(self) -> bool:
        """Whether all finite pixels are equal."""
        return bool(self.moments[pixels.LOW] >= self.moments[pixels.HIGH])

    @property
    def empty(self) -> bool:
        """Whether no pixel is finite."""
        return bool(self.moments[pixels.COUNT] == 0)

    @property
    def span(self) -> tuple[float, float]:
        """The 1st and 99th percentile; the extremes where these two are equal."""
        low, high = float(self.percentiles[0]), float(self.percentiles[-1])
        return (low, high) if low < high else (self.moments[pixels.LOW], self.moments[pixels.HIGH])


def merged(a: Array, b: Array) -> Array:
    """Return the moments of two sets of pixels together (Pébay 2008, SAND2008-6212)."""
    n, m = a[pixels.COUNT], b[pixels.COUNT]
    out = np.zeros(pixels.COLUMNS)
    out[pixels.LEFT_OUT] = a[pixels.LEFT_OUT] + b[pixels.LEFT_OUT]
    out[pixels.LOW] = min(a[pixels.LOW], b[pixels.LOW])
    out[pixels.HIGH] = max(a[pixels.HIGH], b[pixels.HIGH])
    if n == 0 or m == 0:
        kept = a if m == 0 else b
        out[: pixels.LOW] = kept[: pixels.LOW]
        return out
    total = n + m
    d = b[pixels.MEAN] - a[pixels.MEAN]
    out[pixels.COUNT] = total
    out[pixels.MEAN] = a[pixels.MEAN] + d * m / total
    out[pixels.M2] = a[pixels.M2] + b[pixels.M2] + d * d * n * m / total
    out[pixels.M3] = (
        a[pixels.M3]
        + b[pixels.M3]
        + d**3 * n * m * (n - m) / total**2
        + 3 * d * (n * b[pixels.M2] - m * a[pixels.M2]) / total
    )
    out[pixels.M4] = (
        a[pixels.M4]
        + b[pixels.M4]
        + d**4 * n * m * (n * n - n * m + m * m) / total**3
        + 6 * d * d * (n * n * b[pixels.M2] + m * m * a[pixels.M2]) / total**2
        + 4 * d * (n * b[pixels.M3] - m * a[pixels.M3]) / total
    )
    return out


def levels(reading: Reading, channel: int) -> Levels:
    """Return the intensities of a channel, in one pass."""
    size = reading.source.size
    total = size("T") * size("Z") * size("Y") * size("X")
    step = max(1, int(np.ceil(np.sqrt(total / SAMPLED))))
    summed: Array | None = None
    kept = []
    for _, _, tile in reading.tiles(channel):
        part = pixels.moments(tile)
        summed = part if summed is None else merged(summed, part)
        chosen = tile[::step, ::step]
        kept.append(chosen[np.isfinite(chosen)])
    assert summed is not None  # noqa: S101 - an image has at least one pixel
    every = np.concatenate(kept)
    found = np.percentile(every, PERCENTILES) if len(every) else np.full(len(PERCENTILES), np.nan)
    return Levels(summed, found)


def intensity(found: Levels, channel: str) -> Measured:
    """Return the features of a channel: mean, SD (n), skewness and excess kurtosis (population), extremes, percentiles.

    Skewness is ``m3 / m2^1.5`` and kurtosis ``m4 / m2^2 - 3`` with the central moments ``m``.
    """
    m = found.moments
    names = ["mean", "sd", "skewness", "kurtosis", "min", "max", *(f"p{p}" for p in PERCENTILES)]
    full = tuple(f"{channel}_{name}" for name in names)
    if found.empty:
        return Measured(full, np.full(len(full), np.nan), (f"channel {channel} has no finite pixel",))
    n = m[pixels.COUNT]
    variance = m[pixels.M2] / n
    skewness = kurtosis = np.nan
    reasons: tuple[str, ...] = ()
    if variance > 0 and variance**2 > 0:
        skewness = m[pixels.M3] / n / variance**1.5
        kurtosis = m[pixels.M4] / n / variance**2 - 3
    else:
        reasons = (f"channel {channel} is constant",)
    moments = [m[pixels.MEAN], np.sqrt(variance), skewness, kurtosis, m[pixels.LOW], m[pixels.HIGH]]
    return Measured(full, np.concatenate([moments, found.percentiles]), reasons)
