"""What a lens does to light: blur, haze, vignetting and uneven illumination."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from micrographia.simulation.options import Optics
from micrographia.simulation.seeds import Stream, generator

COARSE = 8
"""Haze is computed on a grid so many times coarser than the picture."""


def psf_sigma(optics: Optics, wavelength: float) -> tuple[float, float]:
    """Return the standard deviations of the Gaussian that stands for the point-spread function.

    Parameters
    ----------
    optics
        Its numerical aperture NA, refractive index n and defocus d are used.
    wavelength
        Of the emission, in micrometers.

    Returns
    -------
    tuple of float
        Across and along the optical axis, in micrometers.

    Notes
    -----
    For the paraxial wide-field microscope the intensity near focus is ``(2 J1(v) / v)**2`` across, with
    ``v = k NA r``, and ``(sin(u/4) / (u/4))**2`` along, with ``u = k NA**2 z / n`` and ``k = 2 pi / wavelength``
    (Born & Wolf, Principles of Optics, 8.8). The Gaussians with the same curvature at the peak have
    ``sigma_xy = sqrt(2) / (k NA) = 0.225 wavelength / NA`` and ``sigma_z = 2 sqrt(6) n / (k NA**2)``; how good
    such Gaussians are, Zhang, Zerubia & Olivo-Marin have examined (Applied Optics 46:1819, 2007,
    doi:10.1364/AO.46.001819). Defocus adds the disc of geometrical optics, of radius ``d NA / sqrt(n**2 - NA**2)``,
    whose variance along an axis is a quarter of its radius squared.
    """
    wavenumber = 2 * math.pi / wavelength
    aperture, index = optics.numerical_aperture, optics.refractive_index
    across = math.sqrt(2) / (wavenumber * aperture)
    along = 2 * math.sqrt(6) * index / (wavenumber * aperture**2)
    disc = abs(optics.defocus) * aperture / math.sqrt(index**2 - aperture**2)
    return math.hypot(across, disc / 2), along


def blur(light: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
    """Convolve with a Gaussian that is integrated over each pixel; total light is kept but for the borders.

    Parameters
    ----------
    light
        Any number of axes, float32.
    sigmas
        Standard deviation for each axis, in pixels; 0 leaves an axis as it is.

    Returns
    -------
    ndarray
        float32, of the same shape. A point at the centre of a pixel gets the share of the Gaussian that falls on each
        pixel, so that narrow Gaussians stay true where sampled ones do not. Borders are reflected.
    """
    from scipy.ndimage import correlate1d

    result = light
    for axis, sigma in enumerate(sigmas):
        if sigma > 0 and light.shape[axis] > 1:
            result = correlate1d(result, kernel(sigma), axis=axis, mode="reflect", output=np.float32)
    return result


def kernel(sigma: float) -> np.ndarray:
    """Return the shares of a Gaussian of this standard deviation (pixels) that fall on pixels; odd length, sum 1."""
    from scipy.special import ndtr

    radius = max(1, math.ceil(4 * sigma + 0.5))
    edges = (np.arange(-radius, radius + 2) - 0.5) / sigma
    shares = np.diff(ndtr(edges))
    scaled: np.ndarray = shares / shares.sum()
    return scaled


def reach(optics: Optics, wavelength: float) -> int:
    """Return how many planes away light still blurs into a plane."""
    return len(kernel(psf_sigma(optics, wavelength)[1] / optics.z_step)) // 2


def coarsen(light: np.ndarray) -> np.ndarray:
    """Return the mean of the last two axes in squares of ``COARSE`` pixels, float32, the last ones cut short."""
    rows = np.arange(0, light.shape[-2], COARSE)
    columns = np.arange(0, light.shape[-1], COARSE)
    sums = np.add.reduceat(np.add.reduceat(light, rows, axis=-2), columns, axis=-1)
    heights = np.diff(np.append(rows, light.shape[-2]))
    widths = np.diff(np.append(columns, light.shape[-1]))
    mean: np.ndarray = (sums / (heights[:, None] * widths)).astype(np.float32)
    return mean


def haze(coarse: np.ndarray, optics: Optics) -> np.ndarray:
    """Return what a stack of coarse planes looks like far out of focus, (planes, y, x) float32."""
    from scipy.ndimage import gaussian_filter

    across = optics.haze_sigma / (optics.pixel_size * COARSE)
    along = optics.haze_sigma / optics.z_step if coarse.shape[0] > 1 else 0.0
    smooth: np.ndarray = gaussian_filter(coarse, (along, across, across), mode="nearest", truncate=3.0)
    return smooth


def refine(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return coarse planes (planes, y, x) at full size, linearly interpolated, float32."""
    result = coarse
    for axis, length in zip((-2, -1), shape, strict=True):
        place = np.clip((np.arange(length) + 0.5) / COARSE - 0.5, 0, result.shape[axis] - 1)
        low = np.minimum(place.astype(int), max(0, result.shape[axis] - 2))
        high = np.minimum(low + 1, result.shape[axis] - 1)
        part = (place - low).astype(np.float32)
        part = part[:, None] if axis == -2 else part
        result = np.take(result, low, axis) * (1 - part) + np.take(result, high, axis) * part
    return result


def illumination(optics: Optics, shape: tuple[int, int]) -> np.ndarray:
    """Return the factor on the light of every pixel, (Y, X) float32: vignetting times a smooth uneven pattern.

    Vignetting is ``1 - vignetting * (r / r_corner)**2``, the beginning of the cos**4 law of a lens. The pattern is a
    random quadratic surface of mean 0 and largest deviation ``unevenness``; it belongs to ``illumination_seed``.
    """
    y = np.linspace(-1, 1, shape[0])[:, None] if shape[0] > 1 else np.zeros((1, 1))
    x = np.linspace(-1, 1, shape[1])[None, :] if shape[1] > 1 else np.zeros((1, 1))
    a, b, c, d, e = generator(optics.illumination_seed, Stream.ILLUMINATION).standard_normal(5)
    surface = a * y + b * x + 0.7 * (c * (y**2 - 1 / 3) + d * (x**2 - 1 / 3) + e * y * x)
    surface = surface / max(1e-9, float(np.abs(surface).max()))
    factor: np.ndarray = (1 - optics.vignetting * (y**2 + x**2) / 2) * (1 + optics.unevenness * surface)
    return factor.astype(np.float32)
