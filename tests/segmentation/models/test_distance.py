import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from micrographia.segmentation.models.distance import distance_inside


@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.6, 0.95, 0.999]))
@settings(max_examples=40, deadline=None)
def test_is_that_of_scipy(seed, share):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 14, rng.integers(2, 4)))
    spacing = tuple(rng.uniform(0.3, 4, len(shape)))
    mask = rng.random(shape) < share
    if mask.all():
        mask.flat[0] = False
    np.testing.assert_allclose(
        distance_inside(mask, spacing), distance_transform_edt(mask, sampling=spacing), rtol=1e-5
    )


@pytest.mark.parametrize("shape", [(4, 9), (3, 4, 5)])
def test_without_outside_everything_is_as_far_as_the_largest_side(shape):
    assert (distance_inside(np.ones(shape, bool)) == max(shape)).all()


def test_the_border_of_the_image_is_not_outside():
    mask = np.ones((3, 6), bool)
    mask[:, 0] = False
    assert distance_inside(mask)[1].tolist() == [0, 1, 2, 3, 4, 5]
