import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.distance import distance_inside
from micrographia.segmentation.models.postprocessing import (
    TUNED,
    Postprocessing,
    fill_holes,
    instances,
    without_small,
)


def discs(centres, radius, shape, spacing=(1.0, 1.0, 1.0)):
    places = np.indices(shape)
    found = np.zeros(shape, bool)
    for centre in centres:
        squares = sum(
            ((axis - at) * step) ** 2
            for axis, at, step in zip(places, centre, spacing[-len(shape) :], strict=True)
        )
        found |= squares < radius**2
    return found.astype(np.float32)


def test_two_touching_discs_are_two_and_one_disc_is_one():
    both = discs([(30, 20), (30, 38)], 11, (60, 60))
    labels = instances(both)
    assert labels.dtype == np.int32
    assert labels.max() == 2
    assert labels[30, 20] == 1
    assert labels[30, 38] == 2
    assert ((labels > 0) == (both > 0)).all()
    assert instances(discs([(30, 30)], 11, (60, 60))).max() == 1


def test_a_boundary_map_cuts_what_the_shape_does_not():
    block = np.zeros((20, 40), np.float32)
    block[4:16, 4:36] = 0.9
    fence = np.zeros_like(block)
    fence[:, 19:21] = 1.0
    assert instances(block).max() == 1
    assert instances(block, fence).max() == 2
    assert instances(block, fence, settings=Postprocessing(boundary_weight=0)).max() == 1
    far = distance_inside(block > 0)
    assert instances(block, fence, far).max() == 2
    assert ((instances(block, fence, far) > 0) == (block > 0)).all()


def test_a_distance_map_may_have_any_unit():
    both = discs([(30, 20), (30, 38)], 11, (60, 60))
    far = distance_inside(both > 0)
    first = instances(both, distance=far)
    assert first.max() == 2
    np.testing.assert_array_equal(first, instances(both, distance=far / 50))


def test_flat_balls_in_voxels_longer_than_wide_are_found_with_their_spacing():
    spacing = (4.0, 1.0, 1.0)
    balls = discs([(6, 20, 20), (6, 20, 38)], 11, (13, 40, 60), spacing)
    assert instances(balls, spacing=spacing).max() == 2


def test_small_objects_and_holes():
    image = discs([(20, 20)], 10, (40, 40))
    image[20, 20] = 0
    image[2, 2] = 1
    labels = instances(image)
    assert labels.max() == 1
    assert labels[20, 20] == 1
    assert instances(image, settings=Postprocessing(min_size=1)).max() == 2


def test_enclosed_background_of_two_objects_stays():
    labels = np.ones((5, 6), np.int32)
    labels[:, 3:] = 2
    labels[2, 2:4] = 0
    labels[1, 1] = 0
    fill_holes(labels)
    assert labels[2, 2:4].tolist() == [0, 0]
    assert labels[1, 1] == 1


def test_holes_of_a_ball_are_filled_but_not_those_at_the_border():
    labels = np.ones((5, 5, 5), np.int32)
    labels[2, 2, 2] = 0
    labels[0, 2, 2] = 0
    fill_holes(labels)
    assert labels[2, 2, 2] == 1
    assert labels[0, 2, 2] == 0


def test_numbers_are_without_gaps():
    assert without_small(np.array([[5, 5, 0, 2]]), 2).tolist() == [[1, 1, 0, 0]]
    assert without_small(np.array([[9, 0, 2]]), 1).tolist() == [[2, 0, 1]]


@given(st.integers(0, 10_000), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_turning_an_image_turns_what_covers_it(seed, turns):
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.random((30, 30)), 2)
    image = ((image - image.min()) / np.ptp(image)).astype(np.float32)
    here = instances(image, settings=Postprocessing(smoothing=0.0, depth=1.0))
    there = instances(np.rot90(image, turns), settings=Postprocessing(smoothing=0.0, depth=1.0))
    np.testing.assert_array_equal(np.rot90(here, turns) > 0, there > 0)
    assert here.max() == there.max()


def test_nothing_gives_nothing():
    assert instances(np.zeros((4, 4))).max() == 0


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        ((np.zeros((4, 4)), np.zeros((4, 5))), "shape"),
        ((np.full((4, 4), np.nan),), "finite"),
        ((np.zeros(4),), "no image"),
    ],
)
def test_maps_that_cannot_be_used_are_refused(maps, said):
    with pytest.raises(SegmentationError, match=said):
        instances(*maps)


@pytest.mark.parametrize(
    ("held", "said"),
    [({"depth": 2}, "depth"), ({"min_size": -1}, "min_size"), ({"x": 1}, "'x'"), ({"seed": "a"}, "number")],
)
def test_settings_that_mean_nothing_are_refused(held, said):
    with pytest.raises(SegmentationError, match=said):
        Postprocessing.from_json(held)


def test_settings_round_trip():
    chosen = Postprocessing(depth=0.5, min_size=3)
    assert Postprocessing.from_json(chosen.to_json()) == chosen
    assert set(TUNED) <= set(chosen.to_json())
