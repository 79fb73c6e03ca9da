import math

import numpy as np
from hypothesis import given, settings

from micrographia.segmentation.metrics import contingency, count_error, merges_and_splits
from segmentation.metrics.oracle import Pixels, objects, pairs

NOTHING = np.zeros((3, 4), int)
SOMETHING = np.array([[0, 1, 1, 0]] * 3)


def holders(held: dict[int, Pixels], holding: dict[int, Pixels]) -> dict[int, int]:
    """Return of each object of ``holding`` how many of the others it holds by more than half."""
    return {
        label: sum(2 * len(pixels & other) > len(other) for other in held.values())
        for label, pixels in holding.items()
    }


def test_by_hand():
    """Prediction 7 joins 1 and 2 and takes half of 3; true 4 is cut in 8 and 9."""
    truth = np.array([[1, 1, 0, 2, 2, 2, 3, 3, 0, 4, 4, 4, 4, 4]])
    predicted = np.array([[7, 7, 7, 7, 7, 0, 7, 0, 0, 8, 8, 0, 9, 9]])
    found = merges_and_splits(contingency(truth, predicted))
    assert (found.merges, found.merged_truth) == (1, 2)
    assert (found.splits, found.split_predicted) == (1, 2)
    assert found.merging.tolist() == [0]
    assert found.split.tolist() == [3]


def test_one_object_over_everything_is_a_merge_and_specks_are_splits():
    truth = np.array([[1, 0, 0, 0, 0, 2, 0, 0, 3]])
    assert merges_and_splits(contingency(truth, np.ones_like(truth)))[:4] == (1, 0, 3, 0)
    assert merges_and_splits(contingency(np.ones_like(truth), truth))[:4] == (0, 1, 0, 3)


def test_a_found_object_is_neither():
    truth = np.array([[1, 1, 1, 2, 2, 2]])
    assert merges_and_splits(contingency(truth, truth))[:4] == (0, 0, 0, 0)
    assert merges_and_splits(contingency(NOTHING, NOTHING))[:4] == (0, 0, 0, 0)


@given(pairs())
@settings(deadline=None, max_examples=50)
def test_they_are_what_sets_of_pixels_say_and_mirror_each_other(pair):
    truth, predicted = pair
    table = contingency(truth, predicted)
    found, back = merges_and_splits(table), merges_and_splits(contingency(predicted, truth))
    t, p = objects(truth), objects(predicted)
    joins = {label: count for label, count in holders(t, p).items() if count > 1}
    cuts = {label: count for label, count in holders(p, t).items() if count > 1}
    assert {int(table.predicted_ids[index]) for index in found.merging} == set(joins)
    assert {int(table.truth_ids[index]) for index in found.split} == set(cuts)
    assert found[:4] == (len(joins), len(cuts), sum(joins.values()), sum(cuts.values()))
    assert found[:4] == (back.splits, back.merges, back.split_predicted, back.merged_truth)


def test_ignored_predictions_do_not_merge():
    truth = np.array([[1, 2, 3, 3, 3, 3]])
    predicted = np.full((1, 6), 5)
    assert merges_and_splits(contingency(truth, predicted)).merges == 1
    assert merges_and_splits(contingency(truth, predicted, ignore=[3])).merges == 0


def test_counts():
    assert count_error(contingency([[1, 2, 0, 0]], [[0, 5, 6, 7]])) == (2, 3, 1, 0.5)
    assert count_error(contingency(SOMETHING, NOTHING)) == (1, 0, -1, -1.0)
    assert count_error(contingency(NOTHING, NOTHING)) == (0, 0, 0, 0.0)
    invented = count_error(contingency(NOTHING, SOMETHING))
    assert invented[:3] == (0, 1, 1)
    assert math.isnan(invented.relative)
    assert count_error(contingency([[1, 1, 1, 0]], [[5, 5, 5, 5]], ignore=[1])) == (0, 0, 0, 0.0)
