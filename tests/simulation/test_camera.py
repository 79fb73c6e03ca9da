import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.simulation import EIGHT_BIT, Camera, expose


def transfer(camera: Camera, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    flats = [expose(np.full(120_000, level), camera, rng).astype(float) for level in levels]
    return np.array([flat.mean() for flat in flats]), np.array([flat.var() for flat in flats])


@pytest.mark.parametrize("camera", [Camera(), Camera(gain=0.46, read_noise=3.0, quantum_efficiency=0.6)])
def test_the_photon_transfer_line_gives_gain_and_read_noise_back(camera: Camera) -> None:
    levels = np.linspace(0, 900, 8)
    means, variances = transfer(camera, levels)
    slope, intercept = np.polyfit(means - camera.offset, variances, 1, w=1 / (1 + levels))
    assert slope == pytest.approx(camera.gain, rel=0.02)
    dark = (camera.gain * camera.read_noise) ** 2 + 1 / 12
    assert intercept == pytest.approx(dark, rel=0.03)
    assert means == pytest.approx(camera.offset + camera.gain * camera.quantum_efficiency * levels, rel=2e-3)


def test_a_camera_saturates_where_its_bits_or_its_wells_end() -> None:
    rng = np.random.default_rng(0)
    bright = np.full(100, 1e5)
    assert (expose(bright, Camera(bits=12), rng) == 4095).all()
    assert (expose(bright, Camera(full_well=1000.0, gain=1.0, offset=0.0), rng) == 1000).all()
    eight = expose(bright, EIGHT_BIT, rng)
    assert eight.dtype == np.uint8
    assert (eight == 255).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 16))
def test_same_chance_same_counts(seed: int, bits: int) -> None:
    photons = np.linspace(0, 300, 64)
    one, other = (expose(photons, Camera(bits=bits), np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(one, other)
    assert int(one.max()) <= 2**bits - 1


@pytest.mark.parametrize(
    "wrong", [{"bits": 0}, {"bits": 17}, {"gain": 0.0}, {"quantum_efficiency": 1.5}, {"read_noise": -1}]
)
def test_impossible_cameras_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Camera(**wrong)  # type: ignore[arg-type]
