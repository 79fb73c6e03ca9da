"""LISI against a dense implementation of the published formula, truth cases, and data with copies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.spatial.distance import cdist

from micrographia.errors import ProfileError
from micrographia.representation.batch import lisi, scaled_chance, scaled_clisi, scaled_ilisi


def dense_lisi(values, labels, perplexity, k=None):
    """The definition, with the precision of each row found by a root finder of scipy instead of bisection."""
    distances = cdist(values, values)
    np.fill_diagonal(distances, np.inf)
    labels = np.asarray(labels)
    result = []
    for row in range(len(values)):
        nearest = np.argsort(distances[row])[: k or 3 * perplexity - 1]
        gaps = distances[row, nearest]

        def weights(log_beta, gaps=gaps):
            w = np.exp(-(gaps - gaps.min()) * np.exp(log_beta))
            return w / w.sum()

        def surplus(log_beta, weights=weights):
            w = weights(log_beta)
            return -(w[w > 0] * np.log(w[w > 0])).sum() - np.log(perplexity)

        w = weights(brentq(surplus, -30, 30, xtol=1e-12))
        result.append(1 / sum(w[labels[nearest] == one].sum() ** 2 for one in np.unique(labels)))
    return np.array(result)


@pytest.mark.parametrize("perplexity", [5, 12, 30])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_equals_the_dense_definition(perplexity, scale):
    random = np.random.default_rng(perplexity)
    values = random.normal(size=(150, 7))
    labels = random.choice(["a", "b", "c"], 150, p=[0.6, 0.3, 0.1])
    values[labels == "a"] += 0.8
    found = lisi(values * scale, labels, perplexity=perplexity)
    np.testing.assert_allclose(found.values, dense_lisi(values, labels, perplexity), rtol=2e-5)
    assert found.reason == ""
    more = lisi(values * scale, labels, perplexity=perplexity, k=100)
    np.testing.assert_allclose(more.values, dense_lisi(values, labels, perplexity, 100), rtol=2e-5)


def test_one_label_around_is_one_and_even_mixing_is_the_number_of_labels():
    random = np.random.default_rng(0)
    apart = random.normal(size=(200, 3)) + np.repeat([0, 1000], 100)[:, None]
    np.testing.assert_allclose(lisi(apart, np.repeat(["x", "y"], 100), perplexity=10).values, 1)
    # All rows are copies: the weights are even, and two of three neighbours of every second row have the other label.
    even = lisi(np.zeros((60, 2)), ["x", "y"] * 30, perplexity=20)
    assert even.n_evaluable == 60
    assert even.values.max() == pytest.approx(2, abs=1e-3)


@pytest.mark.parametrize("copies", [2, 5, 40, 200])
def test_copies_do_not_fail_and_score_chance(copies):
    random = np.random.default_rng(copies)
    distinct = random.normal(size=(400 // copies, 5))
    values = np.repeat(distinct, copies, axis=0)
    # A file is ordered by label, copies are not related to labels.
    values = values[random.permutation(len(values))]
    labels = np.repeat(["a", "b", "c", "d"], len(values) // 4)
    found = lisi(values, labels, perplexity=10)
    assert found.n_evaluable == len(values)
    assert found.mean == pytest.approx(found.chance.mean(), rel=0.03)


def test_a_constant_embedding_scores_chance_whatever_the_order_of_the_file():
    labels = np.repeat(["a", "b", "c", "d"], 100)
    found = lisi(np.full((400, 8), 0.1), labels, perplexity=30)
    assert found.mean == pytest.approx(found.chance.mean(), rel=0.03)
    assert scaled_ilisi(found) == pytest.approx(scaled_chance(found), abs=0.03)
    assert scaled_ilisi(found) + scaled_clisi(found) == pytest.approx(1)


def test_chance_is_the_mean_over_permutations():
    random = np.random.default_rng(3)
    values = random.normal(size=(80, 4))
    labels = np.repeat(["a", "b", "c"], [50, 20, 10])
    found = lisi(values, labels, perplexity=8, permutations=2000)
    options = {"perplexity": 8, "permutations": 0, "workers": 1}
    drawn = [lisi(values, random.permutation(labels), **options).values for _ in range(250)]
    error = np.std(drawn, axis=0) * np.sqrt(1 / 250 + 1 / 2000)
    assert (np.abs(np.mean(drawn, axis=0) - found.chance) < 4.5 * error).all()
    assert np.isnan(lisi(values, labels, perplexity=8, permutations=0).chance).all()


def test_neighbours_can_be_given_with_the_row_itself_among_them():
    random = np.random.default_rng(4)
    values = random.normal(size=(120, 6))
    labels = random.integers(3, size=120)
    distances = cdist(values, values)
    order = np.argsort(distances, axis=1)
    far = np.take_along_axis(distances, order, 1)
    expected = lisi(values, labels, perplexity=10).values
    for first, last in ((0, 30), (0, 50), (1, 30), (1, 50)):
        some = order[:, first:last], far[:, first:last]
        found = lisi(values, labels, perplexity=10, neighbours=some)
        np.testing.assert_allclose(found.values, expected, rtol=1e-9)


def test_rows_without_label_or_with_nan_are_left_out_and_counted():
    random = np.random.default_rng(5)
    values = random.normal(size=(90, 4))
    labels = np.array(["a", "b", "c"] * 30, dtype=object)
    values[3, 1] = np.nan
    labels[7] = None
    found = lisi(values, labels, perplexity=8)
    assert np.flatnonzero(np.isnan(found.values)).tolist() == [3, 7]
    assert found.reason == "1 of 90 rows have missing or infinite features; 1 of 90 rows have no label"
    kept = np.setdiff1d(np.arange(90), [3, 7])
    np.testing.assert_allclose(found.values[kept], lisi(values[kept], labels[kept], perplexity=8).values)


def test_too_few_rows_and_one_label_are_undefined_with_a_reason():
    values = np.random.default_rng(0).normal(size=(40, 3))
    few = lisi(values, ["a", "b"] * 20)
    assert np.isnan(few.values).all()
    assert "looks at 89 neighbours, and there are 40 rows; 13 is possible" in few.reason
    assert lisi(values, ["a", "b"] * 20, perplexity=13).n_evaluable == 40
    one = lisi(values, ["a"] * 40)
    assert np.isnan(one.values).all()
    assert one.reason == "there is only one label"
    assert np.isnan(one.mean)
    assert np.isnan(scaled_ilisi(one))


def test_millions_of_rows_of_one_label_are_told_without_a_search():
    found = lisi(np.zeros((2_000_000, 1), np.float32), np.zeros(2_000_000, int))
    assert found.reason == "there is only one label"


def test_mismatched_rows_are_one_error():
    with pytest.raises(ProfileError, match="10 rows of features and 9 labels"):
        lisi(np.zeros((10, 2)), ["a"] * 9)
    with pytest.raises(ProfileError, match="not row numbers"):
        lisi(np.zeros((10, 2)), ["a", "b"] * 5, neighbours=(np.full((10, 3), 10), np.zeros((10, 3))))
    with pytest.raises(ValueError, match="20 neighbours cannot have a perplexity of 30"):
        lisi(np.zeros((100, 2)), ["a", "b"] * 50, k=20)
    with pytest.raises(ValueError, match="not above 1"):
        lisi(np.zeros((10, 2)), ["a"] * 10, perplexity=1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), workers=st.integers(1, 4))
def test_rotation_scale_order_and_names_of_labels_change_nothing(seed, workers):
    random = np.random.default_rng(seed)
    values = random.normal(size=(70, 5))
    labels = random.choice(["a", "b", "c"], 70)
    plain = lisi(values, labels, perplexity=7).values
    rotation = np.linalg.qr(random.normal(size=(5, 5)))[0]
    moved = values @ rotation * 3.7 + random.normal(size=5)
    np.testing.assert_allclose(lisi(moved, labels, perplexity=7).values, plain, rtol=3e-5)
    order = random.permutation(70)
    renamed = np.array([{"a": 7, "b": 1, "c": 3}[one] for one in labels])
    shuffled = lisi(values[order], renamed[order], perplexity=7, workers=workers).values
    np.testing.assert_allclose(shuffled, plain[order], rtol=1e-9)
    assert (plain >= 1 - 1e-9).all()
    assert (plain <= 3 + 1e-9).all()


def test_the_number_of_threads_changes_no_bit():
    random = np.random.default_rng(6)
    values, labels = random.normal(size=(300, 5)), random.integers(4, size=300)
    one = lisi(values, labels, perplexity=10, workers=1).values
    assert (one == lisi(values, labels, perplexity=10, workers=3).values).all()
