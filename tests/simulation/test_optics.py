import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.special import erf, j1

from micrographia.simulation import Optics, blur, illumination, psf_sigma
from micrographia.simulation.optics import COARSE, coarsen, haze, refine


def shares(x: np.ndarray, total: float, centre: float, sigma: float) -> np.ndarray:
    """Light of a Gaussian line that falls on each pixel."""
    root = np.sqrt(2) * sigma
    return total / 2 * (erf((x - centre + 0.5) / root) - erf((x - centre - 0.5) / root))


def fitted(line: np.ndarray) -> float:
    x = np.arange(len(line), dtype=float)
    (_, _, sigma), _ = curve_fit(shares, x, line, (float(line.sum()), len(line) / 2 - 0.5, 1.5))
    return float(abs(sigma))


@pytest.mark.parametrize(
    ("optics", "wavelength"),
    [
        (Optics(pixel_size=0.1), 0.52),
        (Optics(pixel_size=0.325), 0.461),
        (Optics(numerical_aperture=1.4, refractive_index=1.515, pixel_size=0.065), 0.6),
        (Optics(pixel_size=0.2, defocus=2.0), 0.52),
    ],
)
def test_a_bead_is_as_wide_as_the_formula_says(optics: Optics, wavelength: float) -> None:
    across, along = psf_sigma(optics, wavelength)
    bead = np.zeros((1, 61, 61), np.float32)
    bead[0, 30, 30] = 1
    image = blur(bead, (0, across / optics.pixel_size, across / optics.pixel_size))
    assert image.sum() == pytest.approx(1, abs=1e-4)
    assert fitted(image.sum((0, 1))) * optics.pixel_size == pytest.approx(across, rel=2e-3)
    column = np.zeros((81, 1, 1), np.float32)
    column[40] = 1
    step = along / 2
    assert fitted(blur(column, (along / step, 0, 0))[:, 0, 0]) * step == pytest.approx(along, rel=2e-3)


def test_the_gaussian_has_the_curvature_of_the_diffraction_pattern() -> None:
    optics, wavelength = Optics(numerical_aperture=0.9, refractive_index=1.33), 0.5
    across, along = psf_sigma(optics, wavelength)
    wavenumber = 2 * np.pi / wavelength
    r, z = 0.05 * across, 0.05 * along
    v = wavenumber * 0.9 * r
    u = wavenumber * 0.9**2 * z / 1.33
    assert -np.log((2 * j1(v) / v) ** 2) == pytest.approx(0.05**2 / 2, rel=2e-3)
    assert -np.log((np.sin(u / 4) / (u / 4)) ** 2) == pytest.approx(0.05**2 / 2, rel=2e-3)
    assert across == pytest.approx(0.225 * wavelength / 0.9, rel=1e-3)


def test_defocus_adds_the_variance_of_a_disc() -> None:
    sharp, soft = Optics(), Optics(defocus=4.0)
    radius = 4.0 * np.tan(np.arcsin(0.75))
    offsets = np.linspace(-radius, radius, 801)
    x, y = np.meshgrid(offsets, offsets)
    disc = x**2 + y**2 <= radius**2
    added = psf_sigma(soft, 0.5)[0] ** 2 - psf_sigma(sharp, 0.5)[0] ** 2
    assert added == pytest.approx((x**2)[disc].mean(), rel=0.01)


def test_vignetting_takes_its_share_from_the_corners() -> None:
    pattern = illumination(Optics(vignetting=0.3, unevenness=0), (101, 141))
    assert pattern[50, 70] == pytest.approx(1)
    assert pattern[[0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx(0.7)


def test_the_pattern_belongs_to_the_microscope() -> None:
    one = illumination(Optics(unevenness=0.2, vignetting=0, illumination_seed=1), (64, 64))
    other = illumination(Optics(unevenness=0.2, vignetting=0, illumination_seed=2), (64, 64))
    assert np.abs(one - 1).max() == pytest.approx(0.2, abs=1e-6)
    assert np.abs(one - other).max() > 0.02
    larger = illumination(Optics(unevenness=0.2, vignetting=0, illumination_seed=1), (128, 128))
    assert np.abs(larger[::2, ::2] - one).max() < 0.01


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))
def test_a_coarse_picture_keeps_its_light_and_a_flat_one_stays_flat(
    rows: int, columns: int, planes: int
) -> None:
    picture = np.random.default_rng(rows * columns).random((planes, rows, columns)).astype(np.float32)
    coarse = coarsen(picture)
    assert coarse.shape == (planes, -(-rows // COARSE), -(-columns // COARSE))
    if rows % COARSE == columns % COARSE == 0:
        assert coarse.mean() == pytest.approx(picture.mean(), rel=1e-5)
    flat = np.full_like(coarse, 3.0)
    assert refine(haze(flat, Optics()), (rows, columns)) == pytest.approx(3.0, rel=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"numerical_aperture": 1.2}, {"pixel_size": 0}, {"vignetting": 1.0}, {"haze_sigma": 0}]
)
def test_impossible_lenses_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Optics(**wrong)  # type: ignore[arg-type]
