"""Radial power spectrum of each channel: how much of its contrast lies at which scale."""

from __future__ import annotations

import numpy as np

from micrographia.representation.baselines.fields import Array, Reading
from micrographia.representation.baselines.measured import Measured

BINS = 16
"""Rings of equal width from 0 to 0.5 cycles per pixel."""


def radial_power(tile: Array) -> Array | None:
    """Return the share of the power in each of ``BINS`` rings of frequency; None for a constant tile.

    The tile is taken less its mean and tapered by a Hann window on both axes; what is not finite takes the mean. Rings
    are of equal width from 0 to 0.5 cycles per pixel, the constant term and the corners of the spectrum left out. A
    ring that is narrower than the resolution of a small tile may hold no frequency: NaN.

    Parameters
    ----------
    tile
        (Y, X), float64.
    """
    from scipy import fft

    finite = np.isfinite(tile)
    if not finite.any():
        return None
    centred = np.where(finite, tile - tile[finite].mean(), 0.0)
    if not centred.any() or tile[finite].min() == tile[finite].max():
        return None
    height, width = tile.shape
    window = np.outer(_hann(height), _hann(width))
    # A second time, because the window brings a mean back in.
    tapered = centred * window
    tapered -= window * (tapered.sum() / window.sum())
    power = np.abs(fft.rfft2(tapered)) ** 2
    # Columns of the half spectrum stand for two, but for the first and, with an even width, the last.
    twice = np.full(power.shape[1], 2.0)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    frequency = np.hypot(fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None, :])
    ring = np.minimum((frequency * 2 * BINS).astype(np.intp), BINS)
    ring[0, 0] = BINS
    weights = np.broadcast_to(twice, power.shape)
    total = np.bincount(ring.ravel(), (power * weights).ravel(), BINS + 1)[:BINS]
    count = np.bincount(ring.ravel(), weights.ravel(), BINS + 1)[:BINS]
    every = total.sum()
    if not every > 0:
        return None
    share = total / every
    share[count == 0] = np.nan
    return share


def _hann(size: int) -> Array:
    # Zero one pixel outside the tile, so that no pixel is lost.
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, size + 1) / (size + 1))


def spectrum(reading: Reading, channel: int, name: str) -> Measured:
    """Return log10 of the share of each ring, the slope over log frequency, and the mean frequency.

    Pieces and planes are averaged, weighted by their pixels.
    """
    total, weight = np.zeros(BINS), np.zeros(BINS)
    for _, _, tile in reading.tiles(channel):
        shares = radial_power(tile)
        if shares is not None:
            known = np.isfinite(shares)
            total[known] += shares[known] * tile.size
            weight[known] += tile.size
    centres = (np.arange(BINS) + 0.5) / (2 * BINS)
    names = tuple([f"{name}_power_{at}" for at in range(BINS)] + [f"{name}_slope", f"{name}_frequency"])
    values = np.full(BINS + 2, np.nan)
    if not weight.any():
        return Measured(names, values, (f"channel {name} is constant: no spectrum",))
    known = weight > 0
    share = np.full(BINS, np.nan)
    share[known] = total[known] / weight[known]
    # A ring without power would be minus infinity; the smallest share that float64 resolves stands for it.
    logs = np.log10(np.maximum(share, np.finfo(np.float64).eps))
    values[:BINS] = logs
    if known.sum() > 1:
        values[BINS] = np.polyfit(np.log10(centres[known]), logs[known], 1)[0]
    values[BINS + 1] = (share[known] * centres[known]).sum() / share[known].sum()
    reasons = () if known.all() else (f"channel {name} is too small for {BINS} rings",)
    return Measured(names, values, reasons)
