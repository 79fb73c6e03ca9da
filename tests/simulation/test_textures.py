import numpy as np
import pytest

from micrographia.simulation.textures import LENGTH, SIDE, sample, tile


def test_the_noise_is_normal_and_wraps() -> None:
    cube = tile()
    assert cube.mean() == pytest.approx(0, abs=1e-6)
    assert cube.std() == pytest.approx(1, abs=1e-3)
    assert sample(cube, 3.0, 5.5, 7.25) == sample(cube, 3.0 - SIDE, 5.5 + SIDE, 7.25 + 2 * SIDE)
    assert sample(cube, 3.0, 5.0, 7.0) == pytest.approx(float(cube[3, 5, 7]))
    assert sample(cube, 3.5, 5.0, 7.0) == pytest.approx(float(cube[3:5, 5, 7].mean()))


def test_its_correlation_falls_as_stated() -> None:
    cube = tile()
    lags = np.array([float((cube * np.roll(cube, lag, 2)).mean()) for lag in (1, 2, 3)])
    assert lags == pytest.approx(np.exp(-(np.array([1, 2, 3]) ** 2) / (2 * LENGTH**2)), abs=0.04)
