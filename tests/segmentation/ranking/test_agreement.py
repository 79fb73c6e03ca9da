import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.ranking.agreement import DEFAULT, MEASURES, agreement, soft_dice


def drawn(seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 4, (2, 7, 6)) * (rng.random((2, 7, 6)) < 0.6)


images = st.integers(0, 10_000).map(drawn)


def by_hand():
    """One object of 8 pixels of which the other has 6 and 2 more; one of 4 that is lost; one of 2 that is new."""
    first, second = np.zeros((2, 5, 8), np.int32)
    first[0, :8], first[2, :4] = 1, 2
    second[0, :6], second[1, :2] = 5, 5
    second[4, :2] = 6
    return first, second


def test_a_case_worked_by_hand():
    found = agreement(*by_hand())
    assert found["f1"] == 2 * 1 / 4
    assert found["mean_f1"] == pytest.approx(3 * 0.5 / 10)  # IoU 6 / 10 passes 0.50, 0.55 and 0.60
    assert found["rand"] == 2 * 36 / ((64 + 16) + (64 + 4))
    assert found["hamming"] == 6 / (12 + 10 - 6)
    assert found["dice"] == 12 / 22


@settings(deadline=None, max_examples=60)
@given(pair=images)
def test_every_measure_agrees_with_its_definition(pair):
    first, second = pair
    found = agreement(first, second)
    if not first.any() and not second.any():
        assert all(np.isnan(value) for value in found.values())
        return
    one, two = first != 0, second != 0
    assert found["hamming"] == pytest.approx(1 - (one ^ two).sum() / (one | two).sum())
    assert found["dice"] == pytest.approx(2 * (one & two).sum() / (one.sum() + two.sum()))
    a, b = first.ravel(), second.ravel()
    same_a = (a[:, None] == a) & (a > 0)
    same_b = (b[:, None] == b) & (b > 0)
    assert found["rand"] == pytest.approx(2 * (same_a & same_b).sum() / (same_a.sum() + same_b.sum()))
    assert found["f1"] == pytest.approx(matched(first, second, 50))
    assert found["mean_f1"] == pytest.approx(
        np.mean([matched(first, second, percent) for percent in range(50, 100, 5)])
    )


def matched(first, second, percent):
    a, b = (np.unique(held[held > 0]) for held in (first, second))
    if not len(a) or not len(b):
        return 0.0
    good = np.array(
        [
            [
                100 * ((first == i) & (second == j)).sum() >= percent * ((first == i) | (second == j)).sum()
                for j in b
            ]
            for i in a
        ]
    )
    rows, columns = linear_sum_assignment(~good)
    return 2 * good[rows, columns].sum() / (len(a) + len(b))


@settings(deadline=None, max_examples=30)
@given(pair=images)
def test_neither_prediction_is_the_truth(pair):
    forth, back = agreement(*pair), agreement(*pair[::-1])
    assert forth == pytest.approx(back, nan_ok=True)
    again = agreement(pair[0] * 3, pair[1] + 7 * (pair[1] > 0))
    assert forth == pytest.approx(again, nan_ok=True)


@settings(deadline=None, max_examples=20)
@given(pair=images)
def test_a_prediction_agrees_with_itself(pair):
    found = agreement(pair[0], pair[0])
    if pair[0].any():
        assert set(found.values()) == {1.0}


def test_nothing_and_something_agree_in_nothing():
    first, _ = by_hand()
    assert set(agreement(first, np.zeros_like(first)).values()) == {0.0}


def test_agreement_on_nothing_is_undefined():
    assert all(np.isnan(value) for value in agreement(np.zeros((3, 3), int), np.zeros((3, 3), int)).values())


def test_soft_dice_uses_probabilities_where_there_are_some():
    first, second = by_hand()
    p, q = np.array([0.5, 1.0, 0.0], np.float32), np.array([0.5, 0.5, 0.0], np.float32)
    assert soft_dice(p, q) == pytest.approx(2 * 0.75 / (1.25 + 0.5))
    assert agreement(first, second, probabilities=(p, q))["dice"] == soft_dice(p, q)
    assert soft_dice(p, p) == pytest.approx(1.0)
    assert np.isnan(soft_dice(np.zeros(3), np.zeros(3)))


@pytest.mark.parametrize(
    ("p", "q"),
    [([0.1, 0.2], [0.1]), ([0.1, 1.5], [0.1, 0.2]), ([0.1, np.nan], [0.1, 0.2]), ([-1, 0], [0, 0])],
)
def test_what_is_no_probability_is_refused(p, q):
    with pytest.raises(SegmentationError):
        soft_dice(np.array(p), np.array(q))


def test_other_shapes_are_refused():
    with pytest.raises(SegmentationError, match="shape"):
        agreement(np.zeros((2, 2), int), np.zeros((2, 3), int))


def test_the_usual_measure_is_the_first():
    assert next(iter(MEASURES)) == DEFAULT == "rand"
