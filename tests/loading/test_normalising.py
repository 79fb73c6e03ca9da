"""Normalisation is that of the whole image, whatever the patch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from loading import made
from micrographia.loading import normalising as module
from micrographia.loading import patches
from micrographia.loading.normalising import Normaliser, normaliser, sample_boxes


@settings(max_examples=150, deadline=None)
@given(
    values=arrays.arrays(st.sampled_from([np.uint8, np.uint16]), st.integers(1, 60)),
    low=st.floats(0, 40),
    high=st.floats(60, 100),
)
def test_percentiles_agree_with_numpy(values, low, high):
    found = Normaliser("percentile", low, high).of(values[None])
    a, b = np.percentile(values, (low, high))
    if b > a:
        np.testing.assert_allclose(
            values * found.multiply[0] + found.add[0], (values - a) / (b - a), atol=2e-3
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32, np.float64])
def test_zscore_has_mean_0_and_deviation_1(dtype):
    values = np.random.default_rng(0).integers(0, 100, (2, 50, 60)).astype(dtype)
    values[1] *= 2
    found = normaliser("zscore").of(values)
    for channel, multiply, add in zip(values, found.multiply, found.add, strict=True):
        scaled = channel.astype(float) * multiply + add
        assert abs(scaled.mean()) < 1e-5
        assert scaled.std() == pytest.approx(1, abs=1e-5)


def test_worked_by_hand(tmp_path):
    """0 to 100 in steps of 1: percentile 10 is 10, percentile 90 is 90, so 50 becomes one half."""
    pixels = np.arange(101, dtype=np.uint8).reshape(1, 101)
    made.raw(tmp_path, {"a": np.repeat(pixels, 3, axis=0)})
    image = patches(tmp_path, (3, 101), masks=False, normalise=(10, 90))[0]["image"]
    np.testing.assert_allclose(image[0, 0, [10, 50, 90]], [0, 0.5, 1], atol=1e-6)
    whole = patches(tmp_path, (3, 101), masks=False, normalise="dtype")[0]["image"]
    np.testing.assert_allclose(whole[0, 0], np.arange(101) / 255, rtol=1e-6)


@pytest.mark.parametrize("method", ["percentile", "zscore"])
def test_an_image_without_contrast_becomes_0(tmp_path, method):
    made.raw(tmp_path, {"a": np.full((9, 9), 77, np.uint16), "b": np.full((9, 9), 3.5, np.float32)})
    for patch in patches(tmp_path, (9, 9), masks=False, normalise=method):
        np.testing.assert_allclose(patch["image"], 0, atol=1e-5)


def test_a_few_bright_pixels_do_not_blow_up(tmp_path):
    pixels = np.zeros((50, 50), np.uint16)
    pixels[3, 3] = 60_000
    made.raw(tmp_path, {"a": pixels})
    image = patches(tmp_path, (50, 50), masks=False)[0]["image"]
    assert image.max() == pytest.approx(1)


def test_all_patches_of_an_image_are_scaled_alike(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 4000, (40, 50)).astype(np.uint16)
    made.raw(tmp_path, {"a": pixels})
    low, high = np.percentile(pixels, module.PERCENTILES)
    for patch in patches(tmp_path, (12, 12), masks=False, per_epoch=5):
        y, x = patch["start"]
        expected = (pixels[y : y + 12, x : x + 12] - low) / (high - low)
        np.testing.assert_allclose(patch["image"][0], expected, atol=1e-4)


def test_large_images_are_sampled_evenly():
    from loading.test_geometry import frame

    one = frame((8, 1024, 1024), (1, 128, 128))
    boxes = sample_boxes(one, 1 << 20)
    assert len(boxes) == 64
    assert len({(z.start, y.start, x.start) for z, y, x in boxes}) == 64
    assert {z.start for z, _, _ in boxes} == set(range(8))
    assert len({y.start for _, y, _ in boxes}) >= 6
    assert len({x.start for _, _, x in boxes}) >= 6
    assert sample_boxes(one, 1 << 40) == [(slice(0, 8), slice(0, 1024), slice(0, 1024))]


def test_sampled_statistics_are_near_those_of_all(tmp_path, monkeypatch):
    random = np.random.default_rng(5)
    pixels = random.poisson(200 + 50 * np.sin(np.arange(256) / 20), (256, 256)).astype(np.uint16)
    made.zarr(tmp_path, {"a": pixels}, {"a": np.zeros((256, 256), np.uint8)}, "YX", chunk={"y": 16, "x": 16})
    whole = patches(tmp_path, (64, 64))[0]
    monkeypatch.setattr(module, "SAMPLED", 1 << 13)
    monkeypatch.setattr(module.sample_boxes, "__defaults__", (1 << 13,))
    part = patches(tmp_path, (64, 64))[0]
    np.testing.assert_allclose(part["image"], whole["image"], atol=0.1)
    assert (part["image"] != whole["image"]).any()
