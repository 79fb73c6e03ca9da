"""Boundaries: cases by hand, against plain versions with scipy's distance transform, and on real nuclei."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import filters, io, measure, segmentation

from label_images import discs
from micrographia.images import ArrayImage
from micrographia.segmentation.metrics import SegmentationError, boundary, contingency
from micrographia.segmentation.metrics.boundary import (
    BoundaryCounts,
    boundary_counts,
    boundary_counts_blockwise,
    boundary_f1,
)
from micrographia.segmentation.metrics.boundary_tolerant import (
    boundary_tolerant_iou,
    tolerance_band,
    tolerant_contingency,
)
from micrographia.segmentation.metrics.overlap import seg
from segmentation.metrics.oracle import blobs, pairs

TOLERANCES = st.sampled_from((0.0, 0.7, 1.0, 1.5, 2.0, 5.0, 40.0))
SIDES = st.sampled_from((None, 0.5, 2.0, "anisotropic"))


def square(y=2, x=2, side=4, size=12, value=1):
    labels = np.zeros((size, size), np.uint8)
    labels[y : y + side, x : x + side] = value
    return labels


def spacing_of(kind, ndim):
    return (2.5, 0.29, 1.0)[-ndim:] if kind == "anisotropic" else kind


def plain_boundary(labels):
    return segmentation.find_boundaries(labels, connectivity=1, mode="inner") & (labels != 0)


def plain_counts(truth, predicted, tolerance, spacing, count_truth=True, count_predicted=True):
    """Count by whole distance transforms."""
    ours, theirs = plain_boundary(truth), plain_boundary(predicted)
    near = [np.zeros(truth.shape, bool), np.zeros(truth.shape, bool)]
    for place, other in enumerate((ours, theirs)):
        if other.any():
            away = ndimage.distance_transform_edt(~other, sampling=spacing)
            near[place] = away <= tolerance * (1 + 1e-9)
    theirs, ours = theirs & count_predicted, ours & count_truth
    return BoundaryCounts(
        int((theirs & near[0]).sum()), int(theirs.sum()), int((ours & near[1]).sum()), int(ours.sum())
    )


def plain_band(truth, tolerance, spacing):
    """The band by a distance transform of each object."""
    depth = np.full(truth.shape, np.inf)
    for value in np.unique(truth):
        own = truth == value
        if not own.all():
            depth[own] = ndimage.distance_transform_edt(own, sampling=spacing)[own]
    band = depth <= tolerance * (1 + 1e-9)
    for value in np.unique(truth[truth != 0]):
        own = truth == value
        if band[own].all():
            band[own] = depth[own] < depth[own].max() * (1 - 1e-9)
    return band


def test_a_square_that_is_moved_by_one_pixel():
    truth, moved = square(), square(x=3)
    # 12 boundary pixels each. The columns x = 2 and 6 are alone; the rows y = 2 and 5 share x = 3, 4, 5, and of the
    # sides of one square only the corners, which are in those rows, lie on the boundary of the other.
    assert boundary_counts(truth, moved, tolerance=0) == BoundaryCounts(6, 12, 6, 12)
    assert boundary_counts(truth, moved, tolerance=1) == BoundaryCounts(12, 12, 12, 12)
    assert boundary_f1(truth, moved, tolerance=0) == 0.5


def test_precision_and_recall_differ():
    truth = square() + square(y=8, x=8, side=2, value=2)
    found = boundary_counts(truth, square(), tolerance=1)
    assert found == BoundaryCounts(12, 12, 12, 16)
    assert (found.precision, found.recall) == (1.0, 0.75)
    assert found.f1 == pytest.approx(2 * 0.75 / 1.75)
    assert found.surface_dice == 24 / 28
    swapped = boundary_counts(square(), truth, tolerance=1)
    assert (swapped.precision, swapped.recall, swapped.f1) == (0.75, 1.0, found.f1)


@pytest.mark.parametrize(("tolerance", "near"), [(5.0, 1), (4.99, 0)])
def test_a_distance_equal_to_the_tolerance_is_within(tolerance, near):
    one, other = np.zeros((9, 9), np.int64), np.zeros((9, 9), np.int64)
    one[1, 1] = other[4, 5] = 7
    assert boundary_counts(one, other, tolerance=tolerance) == BoundaryCounts(near, 1, near, 1)


def test_distances_are_physical_in_anisotropic_stacks():
    truth = np.zeros((5, 8, 8), np.uint16)
    truth[1:3, 2:6, 2:6] = 1
    deeper, aside = np.roll(truth, 1, 0), np.roll(truth, 1, 2)
    spacing = (2.0, 0.5, 0.5)
    assert boundary_f1(truth, aside, tolerance=0.5, spacing=spacing) == 1
    assert boundary_f1(truth, deeper, tolerance=1.9, spacing=spacing) < 1
    assert boundary_f1(truth, deeper, tolerance=2.0, spacing=spacing) == 1
    # Both planes of the moved block are whole boundary: 16 of its 32 pixels lie where the truth is boundary too.
    assert boundary_counts(truth, deeper, tolerance=0.4, spacing=spacing) == BoundaryCounts(16, 32, 16, 32)


def test_touching_objects_have_a_boundary_between_them():
    two = square(side=4)
    two[2:6, 4:6] = 2
    one = (two > 0).astype(np.uint8)
    found = boundary_counts(two, one, tolerance=0)
    assert (found.truth, found.predicted) == (16, 12)
    assert (found.truth_near, found.predicted_near) == (12, 12)


def test_the_edge_of_the_image_is_no_boundary():
    whole = np.ones((5, 5), np.uint8)
    assert boundary_counts(whole, whole) == BoundaryCounts(0, 0, 0, 0)
    assert boundary_f1(whole, whole) == 1


def test_empty_images():
    bare = np.zeros((6, 6), np.uint8)
    nothing = boundary_counts(bare, bare)
    assert (nothing.f1, nothing.precision, nothing.recall, nothing.surface_dice) == (1, 1, 1, 1)
    missed = boundary_counts(square(size=12), np.zeros((12, 12), np.uint8))
    assert np.isnan(missed.precision)
    assert (missed.recall, missed.f1, missed.surface_dice) == (0, 0, 0)
    invented = boundary_counts(np.zeros((12, 12), np.uint8), square())
    assert np.isnan(invented.recall)
    assert (invented.precision, invented.f1) == (0, 0)


def test_only_the_annotated_region_counts_and_partners_may_be_outside():
    truth, predicted = square(), square(x=3) + square(y=8, x=8, side=3, value=2)
    region = np.zeros(truth.shape, bool)
    region[:, :5] = True
    # Of the truth the column x = 2 and two pixels at each of x = 3 and 4, of the prediction x = 3 and two pixels at 4.
    assert boundary_counts(truth, predicted, tolerance=1, region=region) == BoundaryCounts(6, 6, 8, 8)
    region[:, 2] = False
    assert boundary_counts(truth, predicted, tolerance=1, region=region) == BoundaryCounts(6, 6, 4, 4)
    assert boundary_counts(truth, predicted, tolerance=0, region=region) == BoundaryCounts(4, 6, 4, 4)


def test_ignored_objects_count_on_neither_side():
    truth = square() + square(y=7, x=7, side=4, value=2)
    predicted = square() + square(y=8, x=8, side=3, value=5)
    assert boundary_counts(truth, predicted, tolerance=0, ignore=[2]) == BoundaryCounts(12, 12, 12, 12)
    # A prediction that only grazes the ignored object is judged where it lies outside of it.
    grazing = square() + square(y=2, x=7, side=6, value=5)
    found = boundary_counts(truth, grazing, tolerance=0, ignore=[2])
    assert found.predicted == int(plain_boundary(grazing)[truth != 2].sum())
    assert found.truth == 12


@settings(deadline=None, max_examples=40)
@given(pairs(), TOLERANCES, SIDES)
def test_counts_are_those_of_distance_transforms(pair, tolerance, kind):
    truth, predicted = pair
    spacing = spacing_of(kind, truth.ndim)
    assert boundary_counts(truth, predicted, tolerance=tolerance, spacing=spacing) == plain_counts(
        truth, predicted, tolerance, spacing
    )


@settings(deadline=None, max_examples=40)
@given(pairs(), TOLERANCES, SIDES)
def test_the_band_is_that_of_distance_transforms(pair, tolerance, kind):
    truth, _ = pair
    spacing = spacing_of(kind, truth.ndim)
    found = tolerance_band(truth, tolerance=tolerance, spacing=spacing)
    assert np.array_equal(found, plain_band(truth, tolerance, spacing))


@settings(deadline=None, max_examples=40)
@given(pairs(), TOLERANCES, st.randoms(use_true_random=False))
def test_names_of_objects_order_of_axes_and_types_do_not_matter(pair, tolerance, random):
    truth, predicted = pair
    expected = boundary_counts(truth, predicted, tolerance=tolerance)
    tolerant = boundary_tolerant_iou(truth, predicted, tolerance=tolerance)
    order = list(range(truth.ndim))
    random.shuffle(order)
    names = np.array([0, *random.sample(range(1, 2**31), 40)])
    for dtype in (np.uint32, np.int64, np.dtype(">u4")):
        other = [names[labels].astype(dtype).transpose(order)[::-1] for labels in pair]
        assert boundary_counts(*other, tolerance=tolerance) == expected
        assert boundary_tolerant_iou(*other, tolerance=tolerance) == pytest.approx(tolerant, nan_ok=True)


@settings(deadline=None, max_examples=40)
@given(pairs(), TOLERANCES)
def test_exchanging_truth_and_prediction_exchanges_the_counts(pair, tolerance):
    found = boundary_counts(*pair, tolerance=tolerance)
    swapped = boundary_counts(*pair[::-1], tolerance=tolerance)
    assert (found.truth_near, found.truth) == (swapped.predicted_near, swapped.predicted)
    assert found.f1 == pytest.approx(swapped.f1)


@settings(deadline=None, max_examples=40)
@given(pairs())
def test_a_plane_is_a_stack_of_one(pair):
    if pair[0].ndim == 2:
        stacks = [labels[None] for labels in pair]
        assert boundary_counts(*pair) == boundary_counts(*stacks)
        assert np.array_equal(tolerance_band(pair[0])[None], tolerance_band(stacks[0]))


@settings(deadline=None, max_examples=40)
@given(pairs(), st.integers(0, 5), TOLERANCES)
def test_region_and_ignored_objects_against_plain_masks(pair, left_out, tolerance):
    truth, predicted = pair
    region = np.indices(truth.shape).sum(axis=0) >= left_out
    table = contingency(truth, predicted, region=region, ignore=[1])
    judged = region & ~np.isin(truth, table.not_judged)
    unjudged = table.predicted_ids[sorted(table.ignored)]
    found = boundary_counts(truth, predicted, tolerance=tolerance, region=region, ignore=[1])
    expected = plain_counts(truth, predicted, tolerance, None, judged, judged & ~np.isin(predicted, unjudged))
    assert found == expected
    assert (
        boundary_counts(truth, predicted, tolerance=tolerance, region=region, ignore=[1], table=table)
        == found
    )


def test_borders_drawn_wider_cost_nothing_outside_the_band():
    truth, wider = square(y=3, x=3, side=6), square(side=8)
    assert seg(contingency(truth, wider)) == 36 / 64
    assert boundary_tolerant_iou(truth, wider, tolerance=1.5) == 1
    assert boundary_tolerant_iou(truth, square(y=4, x=4, side=4), tolerance=1.5) == 1
    # Outside a band of 1 pixel 4x4 of the truth remain, and the corners of the wider one, sqrt(2) away.
    assert boundary_tolerant_iou(truth, wider, tolerance=1) == 16 / (16 + 4)
    # Of the widest, 10x10, the outermost ring remains besides these corners.
    widest = square(y=1, x=1, side=10)
    assert boundary_tolerant_iou(truth, widest, tolerance=1) == 16 / (16 + 36 + 4)


def test_the_band_has_the_tolerance_on_both_sides():
    truth = square(y=4, x=4, side=4)
    band = tolerance_band(truth, tolerance=1)
    assert band.sum() == 12 + 16
    assert not band[3, 3]  # its corner is sqrt(2) away
    assert tolerance_band(truth, tolerance=1.5)[3, 3]


@pytest.mark.parametrize("side", [1, 2, 3])
def test_no_object_vanishes_in_the_band(side):
    truth = square(side=side) + square(y=7, x=7, side=4, value=2)
    band = tolerance_band(truth, tolerance=2)
    assert (truth[~band] == 1).sum() == {1: 1, 2: 4, 3: 1}[side]
    assert boundary_tolerant_iou(truth, truth, tolerance=2) == 1
    assert boundary_tolerant_iou(truth, np.where(truth == 2, 2, 0), tolerance=2) == 0.5
    found = tolerant_contingency(truth, truth, tolerance=2)
    assert found.truth_ids.tolist() == found.predicted_ids.tolist() == [1, 2]
    assert not found.ignored


def test_tolerance_does_not_forgive_merges():
    truth = square(side=4) + square(x=6, side=4, value=2)
    merged = (truth > 0).astype(np.uint8)
    assert boundary_tolerant_iou(truth, merged, tolerance=1) == 0.5


@settings(deadline=None, max_examples=40)
@given(pairs())
def test_without_a_band_the_table_is_the_plain_one(pair):
    truth, predicted = pair
    region = np.indices(truth.shape).sum(axis=0) >= 2
    plain = contingency(truth, predicted, region=region, ignore=[2])
    found = tolerant_contingency(truth, predicted, tolerance=0, region=region, ignore=[2])
    for name in (
        "truth_ids",
        "truth_sizes",
        "predicted_ids",
        "overlaps",
        "n_pixels",
        "ignored",
        "not_judged",
    ):
        assert np.array_equal(getattr(plain, name), getattr(found, name)) or name == "ignored"
    assert plain.ignored == found.ignored


@settings(deadline=None, max_examples=40)
@given(pairs(), TOLERANCES)
def test_a_perfect_prediction_is_perfect_at_any_tolerance(pair, tolerance):
    truth, _ = pair
    assert boundary_tolerant_iou(truth, truth, tolerance=tolerance) == 1
    assert boundary_f1(truth, truth, tolerance=tolerance) == 1


def test_larger_tolerances_find_more():
    truth, predicted = blobs(3)
    found = [boundary_f1(truth, predicted, tolerance=tolerance) for tolerance in (0, 1, 2, 4, 8, 300)]
    assert found == sorted(found)
    assert found[0] < found[-1] == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tolerance": -1}, "is no distance"),
        ({"tolerance": float("nan")}, "is no distance"),
        ({"spacing": (1.0, 1.0, 1.0)}, "3 sizes of pixels for 2 axes"),
        ({"spacing": 0.0}, "no sizes of pixels"),
        ({"predicted": square(size=11)}, r"shape \(12, 12\)"),
        ({"predicted": square() / 2}, "holds float64"),
        ({"predicted": -square().astype(np.int16)}, "negative label"),
    ],
)
def test_bad_input_is_one_clear_error(change, problem):
    arguments = {"truth": square(), "predicted": square()} | change
    with pytest.raises(SegmentationError, match=problem):
        boundary_counts(**arguments)
    with pytest.raises(SegmentationError, match=problem):
        tolerant_contingency(**arguments)


def test_axes_and_sizes_have_limits():
    with pytest.raises(SegmentationError, match="1 axes have no boundary"):
        boundary_counts(np.ones(4, int), np.ones(4, int))
    large = np.zeros((3, 2100, 2100), np.uint8)
    with pytest.raises(SegmentationError, match="holds too many pixels"):
        tolerance_band(large, tolerance=2000)


@pytest.mark.real_data
def test_real_nuclei_against_distance_transforms(data):
    root = data / "dsb2018"
    for path in sorted((root / "labels").glob("*.png"))[::40]:
        truth = io.imread(path)
        image = io.imread(root / "images" / path.name)
        grey = image if image.ndim == 2 else image[..., :3].mean(axis=-1)
        predicted = measure.label(grey > filters.threshold_otsu(grey))
        for tolerance in (1, 2.5):
            found = boundary_counts(truth, predicted, tolerance=tolerance)
            assert found == plain_counts(truth, predicted, tolerance, None)
            band = tolerance_band(truth, tolerance=tolerance)
            if truth.max() < 30:
                assert np.array_equal(band, plain_band(truth, tolerance, None))
            kept = np.unique(truth[~band])
            assert np.array_equal(kept[kept > 0], np.unique(truth[truth > 0]))


@settings(deadline=None, max_examples=40)
@given(pairs(), TOLERANCES, SIDES, st.integers(1, 4), st.integers(0, 4))
def test_blocks_give_the_same_as_the_whole(pair, tolerance, kind, chunk, left_out):
    truth, predicted = pair
    region = np.indices(truth.shape).sum(axis=0) >= left_out
    arguments = {"tolerance": tolerance, "spacing": spacing_of(kind, truth.ndim), "ignore": [2]}
    whole = boundary_counts(truth, predicted, region=region, **arguments)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(boundary, "BLOCK_PIXELS", chunk)
        found = boundary_counts_blockwise(truth, predicted, region=region, threads=2, **arguments)
    assert found == whole


def test_blocks_of_a_memory_map_and_of_images(tmp_path):
    truth, predicted = blobs(5, (20, 60, 60), 30)
    mapped = np.memmap(tmp_path / "truth.raw", truth.dtype, "w+", shape=truth.shape)
    mapped[:] = truth
    image = ArrayImage(predicted, "ZYX")
    found = boundary_counts_blockwise(mapped, image, spacing=(2.0, 0.5, 0.5))
    assert found == boundary_counts(truth, predicted, spacing=(2.0, 0.5, 0.5))
    with pytest.raises(SegmentationError, match="holds float32"):
        boundary_counts_blockwise(mapped, predicted.astype(np.float32))


def test_a_part_that_was_annotated_counts_less():
    truth, predicted = discs(96), np.roll(discs(96), 2, 0)
    halves = [
        boundary_counts(truth, predicted, region=region)
        for region in (np.indices(truth.shape)[1] < 40, np.indices(truth.shape)[1] >= 40)
    ]
    whole = boundary_counts(truth, predicted)
    both = halves[0] + halves[1]
    assert 0.8 * whole.truth < both.truth <= whole.truth
    assert both.f1 == pytest.approx(whole.f1, abs=0.1)
