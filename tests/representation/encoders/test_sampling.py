import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.measure import label, regionprops

from micrographia.dataset import Mask
from micrographia.errors import ProfileError
from micrographia.images import ArrayImage
from micrographia.representation.encoders.inputs import header
from micrographia.representation.encoders.sampling import (
    LABEL,
    X0,
    X1,
    Y0,
    Y1,
    Z0,
    Z1,
    Sampling,
    T,
    chosen_set,
    fields,
    objects,
    patches,
)


def image(*shape, axes="YX"):
    return header("a", ArrayImage(np.zeros(shape, np.uint8), axes))


def boxes(samples):
    return samples.windows[:, [Y0, Y1, X0, X1]].tolist()


def test_a_field_is_one_window_a_time_point_through_all_slices():
    found = fields(image(2, 5, 30, 40, axes="TZYX"), Sampling(), 16)
    assert found.windows[:, [T, Z0, Z1, Y0, Y1, X0, X1]].tolist() == [[t, 0, 5, 0, 30, 0, 40] for t in (0, 1)]
    assert found.centres.tolist() == [[14.5, 19.5]] * 2


@given(st.integers(1, 200), st.integers(1, 200), st.integers(8, 64))
def test_tiles_cover_every_pixel_and_stay_inside(height, width, size):
    found = fields(image(height, width), Sampling(fit="tiles"), size)
    covered = np.zeros((height, width), bool)
    for y0, y1, x0, x1 in boxes(found):
        assert (y1 - y0, x1 - x0) == (size, size)
        assert (y0 >= 0 and y1 <= height) or height < size
        covered[max(0, y0) : y1, max(0, x0) : x1] = True
    assert covered.all()
    assert found.rows.tolist() == [0] * len(found.windows)


def test_patches_are_a_grid_inside():
    found = patches(image(20, 33), Sampling("patch", patch=10, stride=8), 16)
    assert boxes(found) == [[y, y + 10, x, x + 10] for y in (0, 8) for x in (0, 8, 16)]
    assert found.centres[1].tolist() == [4.5, 12.5]


def test_an_image_smaller_than_a_patch_is_one_patch():
    assert boxes(patches(image(6, 9), Sampling("patch"), 10)) == [[-2, 8, -1, 9]]


def test_objects_are_squares_around_boxes():
    labels = np.zeros((40, 50), np.uint16)
    labels[10:15, 20:30] = 3
    labels[0:4, 0:2] = 9
    found = objects(image(40, 50), Sampling("object"), [Mask("nuclei", 1, ArrayImage(labels, "YX"), ())])
    assert found.windows[:, LABEL].tolist() == [3, 9]
    # The longer sides are 10 and 4, with a margin of a tenth on each side 12 and 4.8, which makes 5.
    assert boxes(found) == [[6, 18, 19, 31], [-1, 4, -2, 3]]
    assert found.centres.tolist() == [[12, 24.5], [1.5, 0.5]]


def test_objects_of_a_given_square():
    labels = np.zeros((40, 50), np.uint16)
    labels[10:15, 20:30] = 3
    mask = Mask("nuclei", 1, ArrayImage(labels, "YX"), ())
    assert boxes(objects(image(40, 50), Sampling("object", crop=8), [mask])) == [[8, 16, 21, 29]]


def test_centres_agree_with_regionprops():
    random = np.random.default_rng(0)
    labels = label(random.random((60, 70)) > 0.6).astype(np.uint16)
    found = objects(image(60, 70), Sampling("object"), [Mask("nuclei", 1, ArrayImage(labels, "YX"), ())])
    theirs = {region.label: region for region in regionprops(labels)}
    assert len(theirs) == len(found.windows)
    for window, centre in zip(found.windows.tolist(), found.centres.tolist(), strict=True):
        region = theirs[window[LABEL]]
        assert centre == pytest.approx(region.centroid)
        y0, x0, y1, x1 = region.bbox
        assert window[Y0] <= y0 < y1 <= window[Y1]
        assert window[X0] <= x0 < x1 <= window[X1]


def test_objects_in_depth_and_time_know_their_slices():
    labels = np.zeros((2, 6, 20, 20), np.uint8)
    labels[1, 2:4, 5:9, 5:9] = 1
    found = objects(
        image(2, 6, 20, 20, axes="TZYX"), Sampling("object"), [Mask("a", 1, ArrayImage(labels, "TZYX"), ())]
    )
    assert found.windows[:, [T, Z0, Z1]].tolist() == [[1, 2, 4]]


def test_a_mask_of_another_size_is_refused():
    mask = Mask("nuclei", 1, ArrayImage(np.zeros((9, 9), np.uint8), "YX"), ())
    with pytest.raises(ProfileError, match="has 40 pixels along Y and its label image 9"):
        objects(image(40, 50), Sampling("object"), [mask])


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (Sampling("cell"), "no per 'cell'"),
        (Sampling(fit="squash"), "no fit 'squash'"),
        (Sampling(project="sum"), "no project 'sum'"),
        (Sampling(patch=0), "a patch of 0 pixels"),
    ],
)
def test_choices_that_do_not_exist(sampling, message):
    with pytest.raises(ProfileError, match=message):
        sampling.verify()


class Rows:
    def __init__(self, *sets):
        self.files = self
        self.mask_rows = [type("Row", (), {"set": name})() for name in sets]


@pytest.mark.parametrize(
    ("wanted", "sets", "kinds", "found"),
    [
        (None, ["nuclei"], {}, "nuclei"),
        ("cells", ["nuclei", "cells"], {}, "cells"),
        (None, ["nuclei", "tissue"], {"tissue": "semantic"}, "nuclei"),
        (None, [""], {}, "masks"),
    ],
)
def test_the_set_of_the_objects(wanted, sets, kinds, found):
    assert chosen_set(wanted, [Rows(*sets)], kinds) == found


@pytest.mark.parametrize(
    ("wanted", "sets", "kinds", "message"),
    [
        (None, [], {}, "no label images"),
        ("cell", ["nuclei"], {}, "no annotation set 'cell'"),
        (None, ["a", "b"], {}, "in 2 annotation sets. Name one of a, b"),
        (None, ["a"], {"a": "binary"}, "hold classes, not objects"),
        ("a", ["a", "b"], {"a": "semantic"}, "hold classes, not objects"),
    ],
)
def test_no_set_of_objects(wanted, sets, kinds, message):
    with pytest.raises(ProfileError, match=message):
        chosen_set(wanted, [Rows(*sets)], kinds)
