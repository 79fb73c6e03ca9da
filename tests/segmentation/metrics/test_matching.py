import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from micrographia.segmentation.metrics import SegmentationError, contingency, exact, match
from segmentation.metrics.oracle import blobs, dense, iou, most_matches, objects, pairs

HALVES = (np.array([[1, 1, 2, 2, 2, 2]]), np.array([[1, 1, 5, 5, 6, 6]]))
"""One object found, one cut in halves of intersection over union 1/2."""

THRESHOLDS = st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.4, 0.5, 0.6, 2 / 3, 0.75, 1.0])


def test_a_pair_at_the_threshold_matches():
    table = contingency(*HALVES)
    at, above = match(table, 0.5), match(table, 0.500001)
    assert (at.tp, at.fp, at.fn) == (2, 1, 0)
    assert (above.tp, above.fp, above.fn) == (1, 2, 1)
    assert at.iou.tolist() == [1.0, 0.5]
    assert at.predicted_matched.tolist()[0] == 0


@pytest.mark.parametrize(
    ("part", "whole", "threshold"),
    [
        (3, 5, 0.6),
        (3, 5, 0.6000000000000001),
        (3, 5, np.float32(0.6)),
        (3, 5, "0.6"),
        (3, 5, Fraction(3, 5)),
        (17, 20, 0.8500000000000003),
        (7, 10, 0.7000000000000002),
        (2, 3, 2 / 3),
        (1, 3, 1 / 3),
        (9, 10, 0.9),
        (95, 100, np.arange(0.5, 1, 0.05)[-1]),
        (99, 100, 0.99),
    ],
)
def test_thresholds_are_exact(part, whole, threshold):
    """By hand: ``part`` of ``whole`` pixels, which float32 and float64 put on either side of the threshold."""
    truth = np.ones((1, whole), int)
    predicted = np.where(np.arange(whole) < part, 1, 0)[None]
    table = contingency(truth, predicted)
    assert match(table, threshold).tp == 1
    assert match(table, Fraction(part, whole) + Fraction(1, 10**9)).tp == 0


@pytest.mark.parametrize("number", range(50, 100, 5))
def test_floats_of_ranges_are_the_hundredths_they_stand_for(number):
    for float_ in (number / 100, np.arange(0.5, 1, 0.05)[(number - 50) // 5], np.float32(number / 100)):
        assert exact(float_) == Fraction(number, 100)
    assert exact(np.linspace(0.5, 0.95, 10)[(number - 50) // 5]) == Fraction(number, 100)


def test_other_floats_are_their_shortest_decimal():
    assert exact(0.123456789) == Fraction("0.123456789")
    assert exact("1/7") == Fraction(1, 7)
    assert exact(1) == 1


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), -0.1, 1.01, "half", None, "1/0"])
def test_bad_thresholds_are_refused(threshold):
    with pytest.raises(SegmentationError, match="threshold"):
        match(contingency(*HALVES), threshold)


def test_unknown_methods_are_refused():
    with pytest.raises(SegmentationError, match="'optimal' or 'greedy'"):
        match(contingency(*HALVES), method="best")  # type: ignore[arg-type]


def test_integers_beyond_64_bits_are_compared():
    """Products of large objects and long decimals do not fit int64; a float cannot tell these apart."""
    table = contingency(np.ones((1, 1), int), np.ones((1, 1), int))
    size = np.array([10**15 + 1])
    huge = dataclasses.replace(table, truth_sizes=size, predicted_sizes=size - 1, overlaps=size - 1)
    limit = Fraction(10**15, 10**15 + 1)
    assert match(huge, limit).tp == 1
    assert match(huge, limit + Fraction(1, 10**31)).tp == 0


@given(pairs(), THRESHOLDS)
@settings(deadline=None, max_examples=100)
def test_optimal_finds_as_many_as_an_assignment_can(pair, threshold):
    truth, predicted = pair
    table = contingency(truth, predicted)
    t, p = objects(truth), objects(predicted)
    found = match(table, threshold)
    assert found.tp == most_matches(t, p, exact(threshold))
    assert (found.tp + found.fn, found.tp + found.fp) == (len(t), len(p))
    for i, j, value in zip(found.truth_matched, found.predicted_matched, found.iou, strict=True):
        true = iou(t[int(table.truth_ids[i])], p[int(table.predicted_ids[j])])
        assert true >= exact(threshold)
        assert value == pytest.approx(float(true), abs=1e-15)
    assert len(set(found.truth_matched.tolist())) == found.tp == len(set(found.predicted_matched.tolist()))


@given(pairs(), THRESHOLDS)
@settings(deadline=None, max_examples=100)
def test_greedy_finds_no_more_and_at_least_half(pair, threshold):
    table = contingency(*pair)
    optimal, greedy = match(table, threshold), match(table, threshold, method="greedy")
    assert optimal.tp / 2 <= greedy.tp <= optimal.tp
    if threshold > 0.5:
        assert greedy.truth_matched.tolist() == optimal.truth_matched.tolist()
        assert greedy.predicted_matched.tolist() == optimal.predicted_matched.tolist()


def test_greedy_takes_the_best_pair_first():
    """By hand: true 1 overlaps 5 (4/6) and 6 (1/7); true 2 overlaps only 5 (1/6)."""
    truth = np.array([[1, 1, 1, 1, 1, 2, 0, 0]])
    predicted = np.array([[6, 5, 5, 5, 5, 5, 6, 6]])
    table = contingency(truth, predicted)
    assert match(table, 0.1, method="greedy").tp == 1
    assert match(table, 0.1).tp == 2


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.5])
def test_of_the_largest_matchings_the_one_with_most_overlap(threshold):
    for seed in range(3):
        truth, predicted = blobs(seed, (64, 64), 40)
        matrix = dense(objects(truth), objects(predicted))
        possible = matrix >= threshold
        rows, columns = linear_sum_assignment(-(possible * (1000.0 + matrix)))
        chosen = possible[rows, columns]
        found = match(contingency(truth, predicted), threshold)
        assert found.tp == chosen.sum()
        assert found.iou.sum() == pytest.approx(matrix[rows, columns][chosen].sum(), abs=1e-9)


@given(pairs(), THRESHOLDS)
@settings(deadline=None, max_examples=50)
def test_exchanging_both_exchanges_false_and_missed(pair, threshold):
    truth, predicted = pair
    there, back = (
        match(contingency(truth, predicted), threshold),
        match(contingency(predicted, truth), threshold),
    )
    assert (there.tp, there.fp, there.fn) == (back.tp, back.fn, back.fp)


@given(pairs(), st.permutations(range(1, 20)), THRESHOLDS)
@settings(deadline=None, max_examples=50)
def test_new_numbers_change_no_count(pair, numbers, threshold):
    truth, predicted = pair
    names = np.array([0, *numbers])
    there = match(contingency(truth, predicted), threshold)
    other = match(contingency(names[truth], predicted * 1000), threshold)
    assert (there.tp, there.fp, there.fn) == (other.tp, other.fp, other.fn)
    assert there.iou.sum() == pytest.approx(other.iou.sum(), abs=1e-9)


def test_ignored_predictions_may_be_right_and_are_never_wrong():
    """By hand: prediction 5 lies by 3/5 outside the region and finds what is left of 1; 6 is there and finds none."""
    truth = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0]])
    predicted = np.array([[0, 0, 5, 5, 5, 5, 5, 6, 6, 6]])
    region = np.array([[0, 0, 1, 1, 0, 0, 0, 0, 0, 1]], bool)
    table = contingency(truth, predicted, region=region)
    assert table.ignored == {0, 1}
    found = match(table, 0.5)
    assert (found.tp, found.fp, found.fn) == (1, 0, 0)
    nothing = match(contingency(truth, np.where(predicted == 6, 6, 0), region=region))
    assert (nothing.tp, nothing.fp, nothing.fn) == (0, 0, 1)


@pytest.mark.parametrize("method", ["optimal", "greedy"])
def test_judged_predictions_are_matched_before_those_that_are_not(method):
    """By hand: halves 5 and 6 of true 1, of which 5 goes on outside the region."""
    truth = np.array([[1, 1, 1, 1, 0, 0, 0]])
    predicted = np.array([[6, 6, 5, 5, 5, 5, 5]])
    region = np.array([[1, 1, 1, 1, 0, 0, 0]], bool)
    table = contingency(truth, predicted, region=region)
    assert table.ignored == {0}
    found = match(table, 0.5, method=method)
    assert (found.tp, found.fp, found.fn) == (1, 0, 0)
    assert found.predicted_matched.tolist() == [1]
