import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from skimage.metrics import adapted_rand_error
from skimage.metrics import variation_of_information as skimage_variation

from micrographia.segmentation.metrics import (
    adapted_rand,
    adapted_rand_sums,
    contingency,
    variation_of_information,
    variation_of_information_sums,
)
from segmentation.metrics.oracle import blobs, pairs

NOTHING = np.zeros((3, 4), int)
SOMETHING = np.array([[0, 1, 1, 0]] * 3)


def singletons(predicted):
    """Return labels with a segment of its own for each background pixel."""
    own = predicted.max() + 1 + np.arange(predicted.size).reshape(predicted.shape)
    return np.where(predicted == 0, own, predicted)


@given(pairs())
@settings(deadline=None, max_examples=100)
def test_adapted_rand_is_that_of_scikit_image(pair):
    """scikit-image takes the predicted background for one segment, and leaves out pairs of a pixel with itself."""
    truth, predicted = pair
    pixels = int((truth > 0).sum())
    both, true, found = (each - pixels for each in adapted_rand_sums(contingency(truth, predicted)))
    if not true or not found:
        return
    error, *shares = adapted_rand_error(truth, singletons(predicted), ignore_labels=(0,))
    assert 1 - 2 * both / (true + found) == pytest.approx(error, abs=1e-12)
    # Sorted, because scikit-image 0.26 gives as precision what it documents as recall: see below.
    assert sorted([both / found, both / true]) == pytest.approx(sorted(map(float, shares)), abs=1e-12)


@given(pairs())
@settings(deadline=None, max_examples=100)
def test_variation_of_information_is_that_of_scikit_image(pair):
    truth, predicted = pair
    table = contingency(truth, predicted)
    whole = variation_of_information(table, background=True)
    assert (whole.split, whole.merge) == pytest.approx(tuple(skimage_variation(truth, predicted)), abs=1e-9)
    if truth.any():
        inside = variation_of_information(table)
        wanted = tuple(skimage_variation(truth, predicted, ignore_labels=(0,)))
        assert (inside.split, inside.merge) == pytest.approx(wanted, abs=1e-9)
        assert inside.total == pytest.approx(inside.split + inside.merge)


def test_halves_by_hand():
    """One object of 4 pixels cut in halves: 1 bit of split. Joined: 1 bit of merge."""
    one, two = np.array([[1, 1, 1, 1]]), np.array([[1, 1, 2, 2]])
    assert variation_of_information(contingency(one, two)) == (1, 1, 0)
    assert variation_of_information(contingency(two, one)) == (1, 0, 1)
    # Pairs of pixels (ordered, with themselves): 16 together in one, 8 in two, 8 in both.
    assert adapted_rand_sums(contingency(one, two)) == (8, 16, 8)
    assert adapted_rand(contingency(one, two)) == pytest.approx((1 - 16 / 24, 1, 1 / 2))
    assert adapted_rand(contingency(two, one)) == pytest.approx((1 - 16 / 24, 1 / 2, 1))


def test_precision_is_of_what_was_predicted():
    """By hand: all that is joined in the prediction is joined in the truth, so nothing predicted is wrong."""
    truth, predicted = np.array([[1, 1, 1]]), np.array([[2, 3, 3]])
    assert adapted_rand(contingency(truth, predicted)) == pytest.approx((1 - 10 / 14, 1, 5 / 9))


def test_missed_pixels_are_segments_of_their_own():
    """By hand: of three objects of 2 pixels one is found. Taken for one segment, the missed two would be joined."""
    truth = np.array([[1, 1, 0, 2, 2, 0, 3, 3]])
    predicted = np.array([[1, 1, 0, 0, 0, 0, 0, 0]])
    # Together: 4 in the object found and 4 single pixels; in the truth 3 * 4; in the prediction 4 + 4.
    table = contingency(truth, predicted)
    assert adapted_rand_sums(table) == (8, 12, 8)
    assert adapted_rand(table) == pytest.approx((0.2, 1, 2 / 3))
    # Pairs of different pixels: one of three is found and none is false, so 1/2; scikit-image has false ones.
    error, *_ = adapted_rand_error(truth, predicted, ignore_labels=(0,))
    assert error == pytest.approx(1 - 2 * 3 / (3 + 7))


def test_predictions_on_the_background_have_no_effect():
    truth, predicted = blobs(2)
    more = np.where((truth == 0) & (predicted == 0), 999, predicted)
    table, other = contingency(truth, predicted), contingency(truth, more)
    assert adapted_rand(table) == adapted_rand(other)
    assert variation_of_information(table) == pytest.approx(variation_of_information(other))
    assert variation_of_information(table, background=True) != variation_of_information(
        other, background=True
    )


def test_empty_images():
    nothing = contingency(NOTHING, NOTHING)
    assert adapted_rand(nothing) == (0, 1, 1)
    assert (
        variation_of_information(nothing) == variation_of_information(nothing, background=True) == (0, 0, 0)
    )
    invented = contingency(NOTHING, SOMETHING)
    assert all(map(math.isnan, (*adapted_rand(invented), *variation_of_information(invented))))
    # Background is a segment: 6 of 12 pixels became an object.
    assert variation_of_information(invented, background=True) == (1, 1, 0)
    assert adapted_rand(contingency(SOMETHING, NOTHING)) == pytest.approx((1 - 2 * 6 / 42, 1, 1 / 6))


@given(pairs())
@settings(deadline=None, max_examples=50)
def test_relations(pair):
    truth, predicted = pair
    there, back = contingency(truth, predicted), contingency(predicted, truth)
    a, b = (variation_of_information(table, background=True) for table in (there, back))
    assert a == pytest.approx((b.total, b.merge, b.split), abs=1e-9)
    own = contingency(truth, truth)
    assert variation_of_information(own, background=True).total == pytest.approx(0, abs=1e-9)
    assert variation_of_information(own).total == pytest.approx(0, abs=1e-9)
    assert adapted_rand(own) == (0, 1, 1)


@given(pairs())
@settings(deadline=None, max_examples=50)
def test_sums_of_parts_are_those_of_the_whole(pair):
    """Two images beside each other, their labels kept apart, are one image."""
    truth, predicted = pair
    other = np.where(predicted, predicted + 100, 0), np.where(truth, truth + 100, 0)
    one, two = contingency(truth, predicted), contingency(*other)
    both = contingency(np.concatenate([truth, other[0]]), np.concatenate([predicted, other[1]]))
    sums = np.add(adapted_rand_sums(one), adapted_rand_sums(two))
    assert adapted_rand_sums(both) == tuple(sums)


def test_squares_beyond_64_bits_are_exact():
    table = contingency([[1, 1]], [[1, 1]])
    size = np.array([2**40 + 1])
    huge = dataclasses.replace(table, truth_sizes=size, predicted_sizes=size, overlaps=size)
    assert adapted_rand_sums(huge) == ((2**40 + 1) ** 2,) * 3
    assert adapted_rand(huge) == (0, 1, 1)


def test_sums_of_the_variation_give_it():
    table = contingency(*blobs(5))
    split, merge, pixels = variation_of_information_sums(table)
    assert pixels == table.truth_sizes.sum()
    assert (split / pixels, merge / pixels) == variation_of_information(table)[1:]
