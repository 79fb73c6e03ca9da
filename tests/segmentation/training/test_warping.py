"""Where changed patches come from, and how they are read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.interpolate import BSpline

from micrographia.segmentation.training.warping import KNOTS, plane_places, read_at, smooth_field


def test_equal_coefficients_are_a_constant():
    np.testing.assert_allclose(smooth_field((5, 9), np.full((KNOTS + 3, KNOTS + 3), 2.5)), 2.5)


@pytest.mark.parametrize("size", [(16, 40), (7, 5)])
def test_the_field_is_that_of_scipy(size):
    coefficients = np.random.default_rng(0).standard_normal((KNOTS + 3, KNOTS + 3))
    knots = np.arange(-3, KNOTS + 4, dtype=float)
    rows, columns = (
        BSpline.design_matrix((np.arange(side) + 0.5) * KNOTS / side, knots, 3).toarray() for side in size
    )
    np.testing.assert_allclose(smooth_field(size, coefficients), rows @ coefficients @ columns.T, atol=1e-12)


def test_places_by_hand():
    # A quarter turn: the first pixel of the patch comes from where the last row begins.
    places = plane_places((2, 2), np.array([[0.0, -1.0], [1.0, 0.0]]))
    np.testing.assert_array_equal(places[:, 0, 0], [0.5, -0.5])
    np.testing.assert_array_equal(places[:, 0, 1], [-0.5, -0.5])
    # Twice as far apart, then one pixel of the patch (two of the source) further down.
    bend = np.zeros((2, KNOTS + 3, KNOTS + 3))
    bend[0] = 1.0
    np.testing.assert_allclose(plane_places((2, 2), 2.0 * np.eye(2), bend)[0], [[1, 1], [3, 3]])


def test_reading_by_hand():
    line = np.array([[0.0, 1.0, 2.0, 3.0]], np.float32)
    ids = np.array([[5, 6, 7, 8]], np.int32)
    places = np.array([[[0.0] * 5], [[-0.6, -0.4, 0.5, 2.25, 3.49]]])
    found = read_at({"image": line, "mask": ids, "region": ids > 0}, places, ("image",))
    np.testing.assert_allclose(found["image"], [[0, 0, 0.5, 2.25, 3]])
    np.testing.assert_array_equal(found["mask"], [[0, 5, 6, 7, 8]])
    np.testing.assert_array_equal(found["region"], [[False, True, True, True, True]])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.sampled_from([(1,), (2,), (2, 3)]))
def test_reading_agrees_with_scipy(seed, before):
    random = np.random.default_rng(seed)
    image = random.random((*before, 9, 13), np.float32)
    mask = random.integers(0, 9, (9, 13)).astype(np.int32)
    places = random.uniform(0.01, 0.99, (2, 6, 7)) * np.array([8.0, 12.0])[:, None, None]
    found = read_at({"image": image, "mask": mask}, places, ("image",))
    expected = [
        ndimage.map_coordinates(plane, places, order=1, mode="nearest") for plane in image.reshape(-1, 9, 13)
    ]
    np.testing.assert_allclose(found["image"], np.reshape(expected, (*before, 6, 7)), atol=1e-6)
    np.testing.assert_array_equal(found["mask"], mask[tuple(np.floor(places + 0.5).astype(int))])
