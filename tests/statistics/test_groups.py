import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.statistics.groups import UNKNOWN, Sums, encode, group, is_missing, sums

ALL = np.ones(4, dtype=bool)


def test_groups_are_numbered_by_their_names():
    found = group({"donor": ["b", "a", "b", "c"]}, "donor", np.array([True, True, True, False]))
    assert found.codes.tolist() == [1, 0, 1]
    assert found.n == 2


def test_each_item_without_a_label_is_a_group_of_its_own():
    found = group({"donor": ["a", None, float("nan"), "a"]}, "donor", ALL)
    assert found.n == 3
    assert found.codes[0] == found.codes[3]
    assert len(set(found.codes.tolist())) == 3
    assert found.reason == "2 items without donor are groups of their own"


def test_missing_labels_of_every_kind_are_seen():
    assert all(map(is_missing, [None, float("nan"), pd.NA, pd.NaT, np.float32("nan")]))
    assert not any(map(is_missing, ["", 0, False, ("a", 1), "nan"]))


def test_without_factors_groups_are_unknown():
    found = group({}, "donor", ALL)
    assert (found.n, found.reason) == (4, UNKNOWN)


def test_an_unknown_factor_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match="no factor 'doner'; there are 'donor'"):
        group({"donor": list("abcd")}, "doner", ALL)


def test_labels_of_different_kinds_are_different_groups():
    assert encode([1, "1", (1,), 1])[1] == 3


@given(st.lists(st.sampled_from(["a", "b", "c", 7, None]), max_size=30), st.randoms())
def test_groups_do_not_depend_on_the_order_of_items(labels, random):
    order = list(range(len(labels)))
    random.shuffle(order)
    codes, n, missing = encode(labels)
    shuffled, m, _ = encode([labels[place] for place in order])
    assert (n, missing) == (m, labels.count(None))
    named = [place for place in range(len(labels)) if labels[order[place]] is not None]
    assert shuffled[named].tolist() == codes[order][named].tolist()


def test_groups_without_weight_are_left_out():
    totals = sums(np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 3.0]), group({"g": [0, 1, 2]}, "g", ALL[:3]))
    assert totals.above.tolist() == [1.0, 12.0]
    assert totals.score == 13 / 4
    assert totals.means.tolist() == [1.0, 4.0]


def test_the_standard_error_leaves_out_one_group_at_a_time():
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.5, 5, 7)
    totals = Sums(rng.normal(size=7) * weights, weights)
    without = [np.delete(totals.above, g).sum() / np.delete(totals.below, g).sum() for g in range(7)]
    by_hand = np.sqrt(6 / 7 * ((np.array(without) - totals.score) ** 2).sum())
    assert totals.standard_error == pytest.approx(by_hand, rel=1e-12)


def test_the_standard_error_of_equal_groups_is_the_usual_one():
    means = np.array([0.1, 0.5, 0.4, 0.9])
    assert Sums(3 * means, np.full(4, 3.0)).standard_error == pytest.approx(means.std(ddof=1) / 2, rel=1e-12)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0]])
def test_one_group_has_no_standard_error(weights):
    assert np.isnan(Sums(np.ones(len(weights)), np.array(weights)).standard_error)


@pytest.mark.parametrize("labels", [[3, 10, 2, 10], ["b", "a", "c", "a"], [True, False, True, True]])
def test_arrays_and_series_are_numbered_as_lists(labels):
    expected = group({"g": labels}, "g", ALL)
    for same in (np.array(labels), np.array(labels, dtype=object), pd.Series(labels, index=[7, 8, 9, 6])):
        found = group({"g": same}, "g", ALL)
        assert found.codes.tolist() == expected.codes.tolist()
        assert found.n == expected.n
