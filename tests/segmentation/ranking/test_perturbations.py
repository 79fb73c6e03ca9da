import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.ranking.perturbations import DEFAULT, KINDS, Perturbation, parse, spread_of


def ramp():
    """Values 0 to 1000: percentiles 1 and 99.8 are 10 and 998, their distance 988, the mean 500."""
    return np.arange(1001, dtype=np.float32).reshape(1, 7, 143)


def test_the_spread_lies_between_percentiles_that_models_normalise_by():
    spread = spread_of(ramp()[0])
    assert (spread.low, spread.high, spread.width, spread.mean) == pytest.approx((10, 998, 988, 500))


def test_an_image_that_is_almost_all_background_is_spread_from_least_to_greatest():
    sparse = np.zeros((100, 100), np.uint16)
    sparse[3, 4] = 700
    assert spread_of(sparse).width == 700


def test_brightness_adds_a_share_of_the_spread_and_clips_nothing():
    changed = Perturbation("brightness", -0.1).apply(ramp())
    np.testing.assert_allclose(changed, ramp() - 98.8, rtol=1e-5, atol=1e-3)
    assert changed.min() < 0


def test_contrast_stretches_about_the_mean():
    np.testing.assert_allclose(
        Perturbation("contrast", 1.4).apply(ramp()), 500 + 1.4 * (ramp() - 500), rtol=1e-5
    )


def test_gamma_bends_between_the_percentiles_and_is_straight_below():
    changed = Perturbation("gamma", 2.0).apply(ramp())[0].ravel()
    assert changed[10] == pytest.approx(10)
    assert changed[998] == pytest.approx(998)
    assert changed[504] == pytest.approx(10 + 988 * 0.25)
    np.testing.assert_allclose(changed[:10], np.arange(10), atol=1e-4)


def test_noise_has_the_stated_standard_deviation():
    image = np.broadcast_to(np.linspace(0, 100, 300, dtype=np.float32), (2, 300, 300))
    added = Perturbation("noise", 0.1).apply(image) - image
    assert added.std() == pytest.approx(0.1 * spread_of(image[0]).width, rel=0.02)
    assert abs(np.corrcoef(added[0].ravel(), added[1].ravel())[0, 1]) < 0.02


def test_blur_is_in_the_plane_only():
    stack = np.random.default_rng(0).random((2, 5, 20, 30), np.float32)
    changed = Perturbation("blur", 1.5).apply(stack)
    np.testing.assert_allclose(
        changed[1, 3], ndimage.gaussian_filter(stack[1, 3], 1.5, mode="nearest"), rtol=1e-5
    )


@settings(deadline=None, max_examples=40)
@given(
    perturbation=st.sampled_from(DEFAULT),
    gain=st.floats(0.05, 400),
    offset=st.floats(-500, 500),
    seed=st.integers(0, 99),
)
def test_strengths_mean_the_same_whatever_the_units_of_the_image(perturbation, gain, offset, seed):
    image = np.random.default_rng(seed).random((1, 16, 18), np.float32)
    there = perturbation.apply(gain * image + offset, seed=seed, key="a")
    here = gain * perturbation.apply(image, seed=seed, key="a") + offset
    np.testing.assert_allclose(there, here, rtol=0, atol=2e-3 * gain + 2e-4 * abs(offset))


def test_noise_depends_on_seed_and_image_only():
    noise, image = Perturbation("noise", 0.1), np.random.default_rng(0).random((1, 9, 9), np.float32)
    first = noise.apply(image, seed=1, key="a")
    np.testing.assert_array_equal(first, noise.apply(image, seed=1, key="a"))
    assert not np.array_equal(first, noise.apply(image, seed=2, key="a"))
    assert not np.array_equal(first, noise.apply(image, seed=1, key="b"))
    other = Perturbation("noise", 0.2).apply(image, seed=1, key="a") - image
    assert not np.allclose(other, 2 * (first - image))


@pytest.mark.parametrize("perturbation", DEFAULT)
def test_a_channel_without_spread_stays_as_it_is(perturbation):
    flat = np.full((1, 8, 8), 7, np.uint8)
    np.testing.assert_allclose(perturbation.apply(flat), flat, atol=1e-5)
    assert perturbation.apply(flat).dtype == np.float32


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    image = np.zeros((1, 4, 4), np.float32)
    image[0, 1, 1] = bad
    with pytest.raises(SegmentationError, match="not finite"):
        DEFAULT[0].apply(image)


@pytest.mark.parametrize(
    ("kind", "strength", "said"),
    [
        ("brightness", 0.0, "changes nothing"),
        ("contrast", 1.0, "changes nothing"),
        ("gamma", -1.0, "out of range"),
        ("noise", -0.1, "out of range"),
        ("blur", float("nan"), "out of range"),
        ("rotation", 1.0, "no perturbation 'rotation'. Choose of brightness"),
    ],
)
def test_what_is_no_perturbation_is_refused(kind, strength, said):
    with pytest.raises(SegmentationError, match=said):
        Perturbation(kind, strength)


def test_perturbations_are_read_as_people_write_them():
    assert parse([]) == DEFAULT
    assert parse(["noise=0.05,0.2", "blur"]) == (
        Perturbation("noise", 0.05),
        Perturbation("noise", 0.2),
        Perturbation("blur", 1.0),
        Perturbation("blur", 2.0),
    )
    assert [one.name for one in parse(["brightness", "gamma=2"], strength=2)] == [
        "brightness -0.2", "brightness +0.2", "gamma 4",
    ]  # fmt: skip
    assert {one.kind for one in DEFAULT} == set(KINDS)


@pytest.mark.parametrize(
    ("texts", "strength"),
    [(["noise=a"], 1), (["noise", "noise"], 1), (["fog"], 1), ([], 0), ([], float("nan"))],
)
def test_what_cannot_be_read_is_refused(texts, strength):
    with pytest.raises(SegmentationError):
        parse(texts, strength=strength)
