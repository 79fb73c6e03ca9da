import numpy as np
import pytest

from micrographia.images import ArrayImage
from micrographia.representation.baselines.fields import Reading
from micrographia.representation.baselines.spectrum import BINS, radial_power, spectrum

RNG = np.random.default_rng(11)


def measured(plane):
    found = spectrum(Reading(ArrayImage(np.asarray(plane, float), "YX")), 0, "c")
    return dict(zip(found.names, found.values, strict=True)), found.reasons


@pytest.mark.parametrize("cycles", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_wave_is_found_at_its_frequency(cycles, axis):
    at = np.indices((128, 96))[axis]
    shares = radial_power(10 + np.cos(2 * np.pi * cycles * at))
    assert shares.argmax() == int(cycles * 2 * BINS)
    assert shares[max(0, shares.argmax() - 1) : shares.argmax() + 2].sum() > 0.99


def test_white_noise_has_power_by_the_area_of_the_rings():
    shares = np.mean([radial_power(RNG.normal(size=(128, 128))) for _ in range(30)], axis=0)
    expected = 2 * np.arange(BINS) + 1
    # The lowest ring lacks the mean, which is taken out.
    np.testing.assert_allclose(shares[1:], expected[1:] / expected.sum(), rtol=0.1)
    assert shares.sum() == pytest.approx(1)


def test_it_is_the_power_of_the_full_transform():
    tile = RNG.normal(size=(33, 40))
    hann = [0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1)) for n in tile.shape]
    window = np.outer(*hann)
    tapered = (tile - tile.mean()) * window
    tapered -= window * tapered.sum() / window.sum()
    power = np.abs(np.fft.fft2(tapered)) ** 2
    radius = np.hypot(np.fft.fftfreq(33)[:, None], np.fft.fftfreq(40)[None])
    rings = [
        power[(radius >= low) & (radius < low + 0.5 / BINS)].sum() for low in np.arange(BINS) / (2 * BINS)
    ]
    rings[0] -= power[0, 0]
    np.testing.assert_allclose(radial_power(tile), np.array(rings) / sum(rings), rtol=1e-9)


def test_it_is_blind_to_brightness_and_contrast_and_turns():
    plane = RNG.normal(size=(64, 64)).cumsum(axis=0)
    one, _ = measured(plane)
    for other in (plane * 7 + 300, plane.T, plane[::-1]):
        assert list(measured(other)[0].values()) == pytest.approx(list(one.values()), abs=1e-9)


def test_smooth_pictures_fall_off_more_steeply():
    rough = RNG.normal(size=(128, 128))
    smooth = rough.cumsum(axis=0).cumsum(axis=1)
    assert measured(smooth)[0]["c_slope"] < -1.5 < 0 < measured(rough)[0]["c_slope"]
    assert measured(smooth)[0]["c_frequency"] < measured(rough)[0]["c_frequency"]


def test_constant_planes_and_nan_have_no_spectrum():
    for plane in (np.full((32, 32), 4.0), np.full((32, 32), np.nan), [[1.0]]):
        found, reasons = measured(plane)
        assert np.isnan(list(found.values())).all()
        assert reasons == ("channel c is constant: no spectrum",)


def test_small_planes_say_that_rings_are_missing():
    found, reasons = measured(RNG.normal(size=(8, 8)))
    assert reasons == (f"channel c is too small for {BINS} rings",)
    assert np.isfinite(found["c_slope"])


def test_holes_take_the_mean():
    plane = RNG.normal(size=(64, 64))
    plane[:4, :4] = np.nan
    found, reasons = measured(plane)
    assert not reasons
    assert np.isfinite(list(found.values())).all()
