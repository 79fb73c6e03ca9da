import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.training.targets import object_distance, targets


def slow_distance(mask, spacing):
    """Return the same, pair of pixels by pair of pixels."""
    places = np.argwhere(np.ones(mask.shape, bool))
    scaled = places * np.asarray(spacing)
    found = np.zeros(mask.shape)
    for label in set(np.unique(mask).tolist()) - {0}:
        inside = scaled[(mask == label).ravel()]
        outside = scaled[(mask != label).ravel()]
        if not len(outside):
            found[mask == label] = 1.0
            continue
        depth = np.sqrt(((inside[:, None] - outside[None]) ** 2).sum(-1)).min(1)
        found[mask == label] = depth / depth.max()
    return found


def test_a_case_by_hand():
    mask = np.zeros((5, 7), int)
    mask[1:4, 1:4] = 4  # 3 x 3, its middle two pixels from the outside
    mask[1:4, 4:6] = 9  # touches the other, and nowhere the edge
    foreground, boundary, distance = targets(mask)
    np.testing.assert_array_equal(foreground, mask > 0)
    wanted = mask > 0
    wanted[2, 2] = False  # the only pixel without a neighbour of another label
    np.testing.assert_array_equal(boundary, wanted)
    np.testing.assert_allclose(distance[2], [0, 0.5, 1, 0.5, 1, 1, 0])
    np.testing.assert_allclose(distance[1], [0, 0.5, 0.5, 0.5, 1, 1, 0])


def test_an_edge_of_the_patch_is_no_edge_of_an_object():
    mask = np.zeros((3, 6), int)
    mask[:, :3] = 1
    _, boundary, distance = targets(mask)
    np.testing.assert_allclose(distance[1], [1, 2 / 3, 1 / 3, 0, 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(boundary[1], [0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(object_distance(np.ones((3, 3), int)), np.ones((3, 3)))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (0.5, 2.0, 0.7)])
@pytest.mark.parametrize("seed", range(3))
def test_distances_in_3d_agree_with_all_pairs(seed, spacing):
    random = np.random.default_rng(seed)
    mask = np.kron(random.integers(0, 4, (2, 3, 3)), np.ones((2, 3, 3), int))[:4, :8, :7]
    np.testing.assert_allclose(object_distance(mask, spacing), slow_distance(mask, spacing), atol=1e-5)


@settings(deadline=None)
@given(arrays(np.int16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)))
def test_distances_agree_with_all_pairs(mask):
    np.testing.assert_allclose(object_distance(mask), slow_distance(mask, (1, 1)), atol=1e-5)


@settings(deadline=None)
@given(
    arrays(np.int32, (6, 7), elements=st.integers(0, 3)),
    st.integers(0, 3),
    st.booleans(),
    st.permutations([1, 2, 3]),
)
def test_turning_mirroring_and_renaming_change_nothing(mask, quarters, mirrored, names):
    def turned(array):
        found = np.rot90(array, quarters, (-2, -1))
        return found[..., ::-1] if mirrored else found

    renamed = np.array([0, *names])[mask]
    np.testing.assert_allclose(
        targets(np.ascontiguousarray(turned(renamed))), turned(targets(mask)), atol=1e-6
    )


def test_large_labels_and_real_nuclei(data):
    from PIL import Image

    path = sorted((data / "dsb2018/labels").glob("*.png"))[3]
    with Image.open(path) as picture:
        mask = np.array(picture).astype(np.int64)
    distance = object_distance(mask)
    for label in np.unique(mask[mask > 0])[:10]:
        depth = ndimage.distance_transform_edt(mask == label)
        np.testing.assert_allclose(distance[mask == label], (depth / depth.max())[mask == label], atol=1e-5)
    np.testing.assert_array_equal(object_distance(np.where(mask > 0, mask * 10**11, 0)), distance)


@pytest.mark.parametrize(
    "mask", [np.zeros((4, 4)), np.array([[-1, 0]]), np.zeros(4, int), np.zeros((1, 2, 2, 2), int)]
)
def test_what_are_no_labels(mask):
    with pytest.raises(SegmentationError):
        targets(mask)


@pytest.mark.parametrize("spacing", [(1.0,), (0.0, 1.0), (np.nan, 1.0)])
def test_what_is_no_spacing(spacing):
    with pytest.raises(SegmentationError, match="spacing"):
        object_distance(np.ones((2, 2), int), spacing)
