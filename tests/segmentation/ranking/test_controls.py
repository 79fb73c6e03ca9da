import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.segmentation.ranking.controls import blank, content_of, shuffled


@settings(deadline=None, max_examples=30)
@given(shape=st.tuples(st.integers(1, 2), st.integers(3, 40), st.integers(3, 40)), seed=st.integers(0, 9))
def test_shuffling_keeps_the_intensities_and_the_channels_of_a_pixel_together(shape, seed):
    plane = np.arange(shape[1] * shape[2], dtype=np.float32).reshape(shape[1:])
    image = np.stack([plane + 10_000 * channel for channel in range(shape[0])])
    mixed = shuffled(image, seed=seed, key="a")
    np.testing.assert_array_equal(np.sort(mixed[0].ravel()), plane.ravel())
    for channel in range(shape[0]):
        np.testing.assert_array_equal(mixed[channel] - 10_000 * channel, mixed[0])


@pytest.mark.parametrize("shape", [(1, 64, 80), (2, 32, 48, 64), (1, 5, 7)])
def test_no_block_stays_where_it_was(shape):
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    assert not (shuffled(image) == image).any()


def test_blocks_are_a_sixteenth_of_the_image_and_move_whole():
    image = np.repeat(np.repeat(np.arange(256.0).reshape(1, 16, 16), 4, axis=1), 3, axis=2)
    mixed = shuffled(image)[0].reshape(16, 4, 16, 3)
    assert (mixed == mixed[:, :1, :, :1]).all()


def test_a_far_rest_stays_and_a_single_pixel_too():
    image = np.arange(33 * 32, dtype=np.float32).reshape(1, 33, 32)
    np.testing.assert_array_equal(shuffled(image)[0, 32], image[0, 32])
    assert shuffled(np.ones((1, 1, 1))).tolist() == [[[1.0]]]


def test_the_order_depends_on_seed_and_image():
    image = np.random.default_rng(0).random((1, 32, 32), np.float32)
    np.testing.assert_array_equal(shuffled(image, seed=1, key="a"), shuffled(image, seed=1, key="a"))
    assert not np.array_equal(shuffled(image, seed=1, key="a"), shuffled(image, seed=1, key="b"))


def test_a_blank_image_has_the_median_of_each_channel():
    image = np.stack([np.array([[1, 2], [3, 90]]), np.array([[5, 5], [5, 6]])])
    np.testing.assert_array_equal(blank(image), np.stack([np.full((2, 2), 2.5), np.full((2, 2), 5)]))


def test_content_counts_objects_and_shares():
    labels = np.zeros((4, 5), np.int32)
    labels[0, :3], labels[2, 2] = 7, 9
    found = content_of(labels)
    assert (found.objects, found.foreground, found.largest) == (2, 4 / 20, 3 / 20)
    assert content_of(np.zeros((3, 3), np.uint8)).objects == 0
