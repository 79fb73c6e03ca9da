import math

import numpy as np
import pytest
from hypothesis import given, settings

from micrographia.segmentation.metrics import (
    THRESHOLDS,
    SegmentationError,
    average_precision,
    contingency,
    f1,
    match,
    mean_average_precision,
    precision,
    recall,
)
from segmentation.metrics.oracle import blobs, pairs

FIVE = (
    np.array([[1, 1, 0, 2, 2, 0, 3, 3, 0, 0, 0]]),
    np.array([[1, 1, 0, 4, 4, 0, 0, 0, 0, 5, 5]]),
)
"""By hand: two found, one missed, one invented."""
NOTHING = np.zeros((3, 4), int)
SOMETHING = np.array([[0, 1, 1, 0]] * 3)
SCORES = (precision, recall, f1, average_precision, mean_average_precision)


def test_by_hand():
    table = contingency(*FIVE)
    assert [score(table) for score in SCORES] == pytest.approx([2 / 3, 2 / 3, 2 / 3, 1 / 2, 1 / 2])


def test_thresholds_of_the_mean():
    """By hand: intersection over union 3/4 reaches six of the ten thresholds."""
    table = contingency([[1, 1, 1, 1]], [[1, 1, 1, 0]])
    assert mean_average_precision(table) == pytest.approx(0.6)
    assert mean_average_precision(table, np.arange(0.5, 1, 0.05)) == pytest.approx(0.6)
    assert mean_average_precision(table, [0.75]) == 1
    assert [str(each) for each in THRESHOLDS[:2]] == ["1/2", "11/20"]
    with pytest.raises(SegmentationError, match="no threshold"):
        mean_average_precision(table, [])


@pytest.mark.parametrize("score", SCORES)
def test_nothing_in_nothing_is_perfect(score):
    assert score(contingency(NOTHING, NOTHING)) == 1


def test_what_is_undefined_is_not_a_number():
    missed, invented = contingency(SOMETHING, NOTHING), contingency(NOTHING, SOMETHING)
    assert math.isnan(precision(missed))
    assert math.isnan(recall(invented))
    assert (recall(missed), precision(invented)) == (0, 0)
    for score in (f1, average_precision, mean_average_precision):
        assert score(missed) == score(invented) == 0


@pytest.mark.parametrize("score", SCORES)
def test_nothing_judged_and_nothing_found_is_nothing_in_nothing(score):
    region = np.zeros(SOMETHING.shape, bool)
    assert score(contingency(SOMETHING, SOMETHING, region=region)) == 1
    assert score(contingency(SOMETHING, NOTHING, ignore=[1])) == 1


@given(pairs())
@settings(deadline=None, max_examples=50)
def test_relations(pair):
    truth, predicted = pair
    table, back = contingency(truth, predicted), contingency(predicted, truth)
    assert f1(table) == f1(back)
    assert average_precision(table) == average_precision(back)
    assert precision(table) == pytest.approx(recall(back), nan_ok=True)
    value = f1(table)
    assert average_precision(table) == pytest.approx(value / (2 - value))
    found = match(table, 0.5)
    if found.tp:
        p, r = precision(table), recall(table)
        assert value == pytest.approx(2 * p * r / (p + r))
    by_threshold = [f1(table, each) for each in THRESHOLDS]
    assert by_threshold == sorted(by_threshold, reverse=True)


@given(pairs())
@settings(deadline=None, max_examples=50)
def test_truth_against_itself_is_perfect(pair):
    table = contingency(pair[0], pair[0])
    assert all(score(table) == 1 for score in SCORES)


def test_greedy_is_offered():
    table = contingency(*blobs(1))
    assert precision(table, 0.1, method="greedy") <= precision(table, 0.1)
    assert mean_average_precision(table, method="greedy") == mean_average_precision(table)
