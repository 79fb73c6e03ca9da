import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.segmentation.metrics import (
    aji,
    aji_plus,
    aji_plus_sums,
    aji_sums,
    contingency,
    dice,
    dice_sums,
    f1,
    match,
    object_dice,
    panoptic_quality,
    panoptic_quality_of,
    seg,
    seg_sums,
)
from segmentation.metrics import oracle
from segmentation.metrics.oracle import blobs, objects, pairs

NOTHING = np.zeros((3, 4), int)
SOMETHING = np.array([[0, 1, 1, 0]] * 3)
CUT = (np.array([[1, 1, 1, 1, 0, 2, 2, 2, 2]]), np.array([[1, 1, 1, 1, 0, 5, 5, 6, 6]]))
"""One object found, one cut in halves."""
SCORES = (aji, aji_plus, seg, dice, object_dice, lambda table: panoptic_quality(table).pq)


def test_a_cut_object_by_hand():
    """Kumar's index adds the second half to the denominator: 6 / 10, not 6 / 8."""
    table = contingency(*CUT)
    assert aji_sums(table) == (6, 10)
    assert aji(table) == aji_plus(table) == 0.6
    # The half does not hold the majority of the object, only half of it.
    assert seg(table) == 0.5
    assert dice(table) == 1
    # Truth: (4 * 1 + 4 * 2/3) / 8; prediction: (4 * 1 + 2 * 2/3 + 2 * 2/3) / 8.
    assert object_dice(table) == pytest.approx(5 / 6)
    quality = panoptic_quality(table)
    assert quality == pytest.approx((0.6, 0.75, 0.8))


def test_one_prediction_may_serve_two_objects_in_kumars_index_only():
    """By hand: one prediction over two objects of 4 pixels and a gap of 1."""
    table = contingency([[1, 1, 1, 1, 0, 2, 2, 2, 2]], [[7] * 9])
    assert aji_sums(table) == (8, 18)
    assert aji_plus_sums(table) == (4, 13)
    assert seg_sums(table) == (pytest.approx(8 / 9), 2)
    assert dice_sums(table) == (16, 17)


def test_the_assignment_of_aji_plus_gives_up_a_good_pair_for_two():
    """By hand: IoU of (1, 5) is 50/110; of (1, 6) 45/100 and of (2, 5) 5/60, larger together."""
    row = [(1, 5, 50), (1, 6, 45), (1, 0, 5), (2, 5, 10), (0, 0, 3)]
    truth = np.repeat([t for t, _, _ in row], [n for _, _, n in row])[None]
    predicted = np.repeat([p for _, p, _ in row], [n for _, _, n in row])[None]
    table = contingency(truth, predicted)
    # (1, 5): 50 / 110, against (1, 6) and (2, 5): 45 / 100 + 10 / 60.
    assert aji_plus_sums(table) == (55, 160)
    assert aji_sums(table) == (60, 110 + 60 + 45)


def test_panoptic_quality_counts_a_pair_at_one_half():
    """The source says more than one half; the threshold here is reached by what equals it."""
    table = contingency([[1, 1, 0]], [[1, 0, 0]])
    assert panoptic_quality(table) == (0.5, 0.5, 1.0)
    nothing = panoptic_quality(table, 0.50001)
    assert (nothing.pq, nothing.rq) == (0, 0)
    assert math.isnan(nothing.sq)
    assert panoptic_quality_of(match(table, 0.5)) == panoptic_quality(table)


def test_majority_is_more_than_half_whatever_the_intersection_over_union():
    """By hand: 3 of 5 pixels in a prediction of 30 count for SEG; 2 of 4 do not."""
    truth = np.array([[1] * 5 + [2] * 4 + [0] * 30])
    predicted = np.array([[7] * 3 + [0] * 2 + [8] * 2 + [0] * 2 + [7] * 27 + [0] * 3])
    assert seg(contingency(truth, predicted)) == pytest.approx((3 / 32) / 2)


@pytest.mark.parametrize("score", SCORES)
def test_empty_images(score):
    assert score(contingency(NOTHING, NOTHING)) == 1
    assert score(contingency(SOMETHING, NOTHING)) == 0


def test_predictions_in_an_empty_image_are_wrong_unless_the_score_sees_only_truth():
    table = contingency(NOTHING, SOMETHING)
    assert aji(table) == aji_plus(table) == dice(table) == object_dice(table) == 0
    assert math.isnan(seg(table))
    assert panoptic_quality(contingency(NOTHING, NOTHING)) == (1, 1, 1)


@given(pairs())
@settings(deadline=None, max_examples=100)
def test_all_agree_with_plain_versions(pair):
    truth, predicted = pair
    table = contingency(truth, predicted)
    t, p = objects(truth), objects(predicted)
    if not t or not p:
        return
    assert aji(table) == pytest.approx(float(oracle.kumar(t, p)), abs=1e-15)
    assert seg(table) == pytest.approx(oracle.seg(t, p), abs=1e-12)
    assert dice(table) == pytest.approx(
        2 * ((truth > 0) & (predicted > 0)).sum() / ((truth > 0).sum() + (predicted > 0).sum())
    )
    assert object_dice(table) == pytest.approx(oracle.object_dice(t, p), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_aji_plus_is_that_of_a_dense_assignment(seed):
    """Unlike small cases, sizes of blobs leave the best assignment no tie."""
    truth, predicted = blobs(seed, (80, 80), 50)
    wanted = oracle.aji_plus(objects(truth), objects(predicted))
    assert aji_plus(contingency(truth, predicted)) == pytest.approx(wanted, abs=1e-12)


@given(pairs(), st.permutations(range(1, 20)))
@settings(deadline=None, max_examples=50)
def test_relations(pair, numbers):
    truth, predicted = pair
    table, back = contingency(truth, predicted), contingency(predicted, truth)
    assert dice(table) == dice(back)
    assert object_dice(table) == pytest.approx(object_dice(back), abs=1e-12)
    assert panoptic_quality(table).rq == f1(table)
    quality = panoptic_quality(table)
    if quality.pq:
        assert quality.pq == pytest.approx(quality.sq * quality.rq)
    assert 0 <= aji(table) <= 1
    renamed = contingency(np.array([0, *numbers])[truth], predicted * 3)
    assert dice(renamed) == dice(table)
    assert seg(renamed) == pytest.approx(seg(table), nan_ok=True)


@given(pairs())
@settings(deadline=None, max_examples=50)
def test_truth_against_itself_is_perfect(pair):
    table = contingency(pair[0], pair[0])
    assert all(score(table) == pytest.approx(1) for score in SCORES)


def test_predictions_on_what_is_ignored_lower_no_score():
    truth = np.array([[1, 1, 0, 2, 2, 2, 0]])
    predicted = np.array([[1, 1, 0, 7, 7, 7, 7]])
    table = contingency(truth, predicted, ignore=[2])
    assert aji(table) == aji_plus(table) == seg(table) == object_dice(table) == 1
    assert panoptic_quality(table) == (1, 1, 1)
    # Its pixel on the background is counted, as every counted pixel is.
    assert dice(table) == pytest.approx(4 / 5)
