"""Silhouettes against scikit-learn, truth cases, and data with copies."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples

from micrographia.errors import ProfileError
from micrographia.representation.batch import batch_silhouette, silhouette


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 2e-5)])
@pytest.mark.parametrize("n", [30, 1025, 2100])
def test_equals_scikit_learn(distance, dtype, tolerance, n):
    random = np.random.default_rng(n)
    labels = random.integers(5, size=n)
    values = (random.normal(size=(n, 12)) + labels[:, None] * 0.4 + 3).astype(dtype)
    found = silhouette(values, labels, distance=distance)
    expected = silhouette_samples(values.astype(float), labels, metric=distance)
    np.testing.assert_allclose(found.values, expected, atol=tolerance)
    assert found.reason == ""


def test_by_hand():
    # a = 1 for all; b = 9.5, 8.5, 8.5, 9.5.
    found = silhouette([[0.0], [1.0], [9.0], [10.0]], ["x", "x", "y", "y"])
    np.testing.assert_allclose(found.values, [1 - 1 / 9.5, 1 - 1 / 8.5, 1 - 1 / 8.5, 1 - 1 / 9.5])
    assert found.n_labels == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_a_constant_embedding_scores_exactly_zero(dtype, constant):
    found = silhouette(np.full((300, 5), constant, dtype), np.repeat(["a", "b", "c"], 100))
    assert (found.values == 0).all()


def test_copies_are_at_distance_zero():
    random = np.random.default_rng(1)
    distinct = random.normal(size=(20, 6)).astype(np.float32) + 100
    values = np.repeat(distinct, 10, axis=0)
    labels = np.repeat(np.arange(20), 10)
    np.testing.assert_allclose(silhouette(values, labels).values, 1, atol=1e-6)
    tight = np.concatenate([values, values + 1e-3]).astype(np.float64)
    expected = silhouette_samples(tight - tight.mean(axis=0), np.tile(labels, 2))
    np.testing.assert_allclose(silhouette(tight, np.tile(labels, 2)).values, expected, atol=1e-6)


def test_the_only_row_of_a_label_is_undefined_not_zero():
    random = np.random.default_rng(2)
    values = random.normal(size=(21, 3))
    labels = ["a"] * 10 + ["b"] * 10 + ["alone"]
    found = silhouette(values, labels)
    assert np.isnan(found.values[-1])
    assert found.reason == "1 of 21 rows are the only one of their label"
    # The lone row is still somebody's nearest other label, as in scikit-learn.
    np.testing.assert_allclose(found.values[:-1], silhouette_samples(values, labels)[:-1])


def test_missing_labels_nan_and_rows_without_direction_are_left_out():
    random = np.random.default_rng(3)
    values = random.normal(size=(40, 4))
    labels = np.array(["a", "b"] * 20, dtype=object)
    values[0], values[1, 2], labels[2] = 0, np.inf, float("nan")
    found = silhouette(values, labels, distance="cosine")
    assert np.flatnonzero(np.isnan(found.values)).tolist() == [0, 1, 2]
    assert "1 of 40 rows have length 0" in found.reason
    assert "1 of 40 rows have missing or infinite features" in found.reason
    assert "1 of 40 rows have no label" in found.reason
    kept = np.arange(3, 40)
    expected = silhouette_samples(values[kept], labels[kept].astype(str), metric="cosine")
    np.testing.assert_allclose(found.values[kept], expected)


def test_an_all_nan_feature_is_a_reason_and_one_label_too():
    values = np.ones((10, 2))
    values[:, 1] = np.nan
    assert "10 of 10 rows have missing" in silhouette(values, ["a", "b"] * 5).reason
    assert silhouette(np.eye(4), ["a"] * 4).reason == "there is only one label"
    assert np.isnan(silhouette(np.eye(4), ["a"] * 4).values).all()


def test_batches_within_biology():
    random = np.random.default_rng(4)
    biology = np.repeat(["x", "y", "z"], 40)
    batch = np.tile(["1", "2"], 60).astype(object)
    values = random.normal(size=(120, 5)) + (biology == "y")[:, None] * 50
    values[batch == "2"] += 4
    batch[biology == "z"] = "1"
    found = batch_silhouette(values, batch, biology)
    for one in ("x", "y"):
        chosen = biology == one
        expected = silhouette_samples(values[chosen], batch[chosen].astype(str))
        np.testing.assert_allclose(found.values[chosen], expected)
    assert np.isnan(found.values[biology == "z"]).all()
    assert found.reason == "40 of 120 rows have a label that occurs in one batch only"
    assert "unreliable" in found.caveat


def test_the_caveat_is_true_batches_apart_in_pairs_look_mixed():
    random = np.random.default_rng(5)
    place = np.repeat([0, 0, 100, 100], 50)
    values = random.normal(size=(200, 3)) + place[:, None]
    found = batch_silhouette(values, np.repeat(["1", "2", "3", "4"], 50))
    assert abs(found.mean) < 0.05, "two pairs of batches lie 100 standard deviations apart"


def test_errors_name_the_way_out():
    with pytest.raises(ProfileError, match="3 rows of features and 2 labels"):
        silhouette(np.eye(3), ["a", "b"])
    with pytest.raises(ProfileError, match=r"shape \(3,\)"):
        silhouette(np.ones(3), ["a", "b", "c"])
    with pytest.raises(ValueError, match="not 'euclidean' or 'cosine'"):
        silhouette(np.eye(3), ["a", "b", "c"], distance="manhattan")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_rotation_shift_scale_and_order_change_nothing(seed):
    random = np.random.default_rng(seed)
    values, labels = random.normal(size=(40, 4)), random.integers(3, size=40)
    labels[:6] = [0, 0, 1, 1, 2, 2]
    plain = silhouette(values, labels).values
    rotation = np.linalg.qr(random.normal(size=(4, 4)))[0]
    moved = silhouette(values @ rotation * 0.01 + 5, labels).values
    np.testing.assert_allclose(moved, plain, atol=1e-9)
    order = random.permutation(40)
    np.testing.assert_allclose(silhouette(values[order], labels[order]).values, plain[order], atol=1e-12)
    assert (np.abs(plain) <= 1).all()


def test_many_labels_take_no_more_memory_and_give_the_same(monkeypatch):
    random = np.random.default_rng(7)
    values, labels = random.normal(size=(2100, 5)), random.integers(40, size=2100)
    both_ways = silhouette(values, labels).values
    monkeypatch.setattr(sys.modules[silhouette.__module__], "MOST_SUMS", 0)
    np.testing.assert_allclose(silhouette(values, labels).values, both_ways, atol=1e-12)


def test_the_number_of_threads_changes_no_bit():
    random = np.random.default_rng(6)
    values, labels = random.normal(size=(1500, 5)), random.integers(4, size=1500)
    assert (
        silhouette(values, labels, workers=1).values == silhouette(values, labels, workers=3).values
    ).all()
