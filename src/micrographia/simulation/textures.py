"""Smooth noise that repeats in all directions, from which chromatin, cytoplasm and fibres take their texture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from micrographia.simulation.compiled import compiled

SIDE = 64
LENGTH = 1.7
"""Correlation length of the tile in texels: a Gaussian filter of 1.2 gives an autocorrelation of 1.2 * sqrt(2)."""


@lru_cache(maxsize=1)
def tile() -> np.ndarray:
    """Return a (64, 64, 64) float32 cube of correlated noise, exactly standard normal, that wraps around.

    It is the same in every process; cells look different because each reads it elsewhere.
    """
    from scipy.ndimage import gaussian_filter
    from scipy.special import ndtri

    noise = np.random.Generator(np.random.PCG64(1665)).standard_normal((SIDE,) * 3).astype(np.float32)
    smooth = gaussian_filter(noise, 1.2, mode="wrap").ravel()
    ranks = np.empty(smooth.size)
    ranks[np.argsort(smooth, kind="stable")] = (np.arange(smooth.size) + 0.5) / smooth.size
    cube: np.ndarray = ndtri(ranks).astype(np.float32).reshape((SIDE,) * 3)
    cube.flags.writeable = False
    return cube


@compiled
def sample(cube: np.ndarray, z: float, y: float, x: float) -> float:
    """Return the noise between texels, linearly interpolated; the coordinates wrap around."""
    fz, fy, fx = np.floor(z), np.floor(y), np.floor(x)
    pz, py, px = z - fz, y - fy, x - fx
    z0, y0, x0 = int(fz) & (SIDE - 1), int(fy) & (SIDE - 1), int(fx) & (SIDE - 1)
    y1, x1 = (y0 + 1) & (SIDE - 1), (x0 + 1) & (SIDE - 1)
    value = (
        cube[z0, y0, x0] * (1 - py) * (1 - px)
        + cube[z0, y0, x1] * (1 - py) * px
        + cube[z0, y1, x0] * py * (1 - px)
        + cube[z0, y1, x1] * py * px
    )
    if pz > 0:
        z1 = (z0 + 1) & (SIDE - 1)
        above = (
            cube[z1, y0, x0] * (1 - py) * (1 - px)
            + cube[z1, y0, x1] * (1 - py) * px
            + cube[z1, y1, x0] * py * (1 - px)
            + cube[z1, y1, x1] * py * px
        )
        value = value * (1 - pz) + above * pz
    return float(value)


@compiled
def fibres(cube: np.ndarray, seed: int, rows: int, columns: int, step: float) -> np.ndarray:
    """Return the wavy fibres of connective tissue, (Y, X) float32, about 0 to 2."""
    result = np.zeros((rows, columns), np.float32)
    a, b, c = seed & 63, (seed >> 6) & 63, (seed >> 12) & 63
    for y in range(rows):
        for x in range(columns):
            v, u = y * step, x * step
            bend = 6.0 * sample(cube, a, b + v / 18.0, c + u / 18.0)
            wave = sample(cube, a + 9, c + (v + bend) / 1.1, b + (u - bend) / 9.0)
            cloud = sample(cube, a + 21, b + v / 12.0, c + u / 12.0)
            strand = max(0.0, 1 - abs(wave) / 0.9)
            result[y, x] = max(0.0, 0.35 + 0.9 * strand + 0.25 * cloud)
    return result
