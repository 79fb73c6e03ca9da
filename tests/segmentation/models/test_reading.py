from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.images import ArrayImage, Image
from micrographia.representation.encoders.resample import weights
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import ModelInfo
from micrographia.segmentation.models.reading import SAMPLED, Plane, view

MICRON = {"y": "micrometer", "x": "micrometer"}


class Watched:
    """Pixels that are made when read, and remember what was."""

    def __init__(self):
        self.read_pixels = 0

    def read(self, region):
        sizes = [part.stop - part.start for part in region]
        self.read_pixels += int(np.prod(sizes))
        rows = np.arange(region[-2].start, region[-2].stop, dtype=np.uint32)[:, None]
        columns = np.arange(region[-1].start, region[-1].stop, dtype=np.uint32)[None]
        return np.broadcast_to((rows * 7 + columns * 13) % 251, sizes).astype(np.uint8)

    def close(self):
        pass


@given(st.integers(9, 40), st.floats(0.3, 3.0), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_a_window_of_the_rescaled_image_is_that_of_the_whole(side, factor, seed):
    pixels = np.random.default_rng(seed).random((2, side, side + 5)).astype(np.float32)
    image = ArrayImage(pixels, "CYX", scale={"y": 1.0, "x": 1.0}, units=MICRON)
    shown = view(image, ModelInfo("any", pixel_size=1 / factor))
    height, width = shown.shape
    whole = shown.read((slice(0, height), slice(0, width)))
    assert whole.shape == (2, height, width)
    window = (slice(height // 3, height), slice(width // 4, width // 4 + 1))
    np.testing.assert_allclose(shown.read(window), whole[(slice(None), *window)], atol=1e-6)
    if shown.shape != shown.original:
        down, across = weights(side, height), weights(side + 5, width)
        np.testing.assert_allclose(whole[1], down @ pixels[1].astype(float) @ across.T.toarray(), atol=1e-5)


def test_statistics_of_large_images_are_those_of_blocks_all_over_it():
    pixels = Watched()
    image = Image(
        pixels, path=Path("v"), axes="YX", shape=(8192, 8192), dtype="uint8", block_shape=(256, 256)
    )
    context = view(image, ModelInfo("any")).context
    assert context.sample.shape[1] <= SAMPLED
    assert context.sample.shape[1] > SAMPLED // 2
    assert pixels.read_pixels == context.sample.shape[1]
    low, high = context.limits
    assert low[0] == pytest.approx(2, abs=1)
    assert high[0] == pytest.approx(250, abs=1)


def test_statistics_of_small_images_are_those_of_all_pixels():
    pixels = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    context = view(ArrayImage(pixels, "CYX"), ModelInfo("any")).context
    np.testing.assert_array_equal(context.sample, pixels.reshape(2, 12))
    assert context.white == 65535


def test_spacing_is_that_after_rescaling():
    image = ArrayImage(
        np.zeros((4, 10, 10), np.uint8),
        "ZYX",
        scale={"z": 2.0, "y": 0.5, "x": 0.5},
        units={"z": "micrometer", **MICRON},
    )
    assert view(image, ModelInfo("any")).context.spacing == (4.0, 1.0, 1.0)
    assert view(image, ModelInfo("any", pixel_size=0.25)).context.spacing == (8.0, 1.0, 1.0)


def test_a_plane_is_that_of_the_stack_with_the_statistics_of_the_stack():
    pixels = np.random.default_rng(0).integers(0, 255, (2, 3, 6, 5)).astype(np.uint8)
    shown = view(ArrayImage(pixels, "CZYX"), ModelInfo("any"))
    plane = Plane(shown, 2)
    np.testing.assert_array_equal(plane.read((slice(1, 4), slice(0, 5))), pixels[:, 2, 1:4])
    assert plane.context is shown.context
    assert plane.shape == (6, 5)


def test_an_absurd_pixel_size_is_refused():
    image = ArrayImage(np.zeros((10, 10)), "YX", scale={"y": 1000.0, "x": 1000.0}, units=MICRON)
    with pytest.raises(SegmentationError, match="1000 micrometres"):
        view(image, ModelInfo("any", pixel_size=0.5))
    with pytest.raises(SegmentationError, match="no length"):
        view(image, ModelInfo("any"), pixel_size=-1.0)
