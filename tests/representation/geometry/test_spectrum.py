"""Effective dimensions by hand and against eigenvalues, mean cosine against all pairs, hubness against a count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import skew

from micrographia.representation.geometry import (
    constant_features,
    describe,
    hubness,
    mean_cosine,
    participation_ratio,
    rank_me,
)


def test_by_hand():
    # Two directions of variance 4 and 1: (4 + 1)^2 / (16 + 1).
    cross = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    assert participation_ratio(cross).value == pytest.approx(25 / 17)
    # Singular values sqrt(8) and sqrt(2): shares 2/3 and 1/3.
    assert rank_me(cross).value == pytest.approx(np.exp(-(2 / 3) * np.log(2 / 3) - np.log(1 / 3) / 3))
    assert participation_ratio(np.outer(np.arange(9.0), [1, 2, 3])).value == pytest.approx(1)
    assert rank_me(np.eye(7)).value == pytest.approx(7)
    # Cosines of the pairs: -1, -1, and four times 0.
    assert mean_cosine(cross).value == pytest.approx(-2 / 6)
    assert mean_cosine(np.tile([0.1, 0.2], (50, 1))).value == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("n", "d"), [(60, 9), (20, 50), (3000, 5)])
def test_equals_what_the_definitions_give(n, d):
    random = np.random.default_rng(n)
    values = random.normal(size=(n, d)) * np.arange(1, d + 1) + 1
    eigenvalues = np.linalg.eigvalsh(np.cov(values.T))
    assert participation_ratio(values).value == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
    for centre in (False, True):
        held = values - values.mean(axis=0) if centre else values
        p = np.linalg.svd(held, compute_uv=False)
        p = p[p > 1e-10 * p[0]] / p.sum()
        assert rank_me(values, centre=centre).value == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-6)
    cosines = 1 - cdist(values, values, "cosine")
    assert mean_cosine(values).value == pytest.approx(cosines[~np.eye(n, dtype=bool)].mean())


def test_few_rows_are_a_caveat():
    random = np.random.default_rng(0)
    assert "10 rows cannot show more than 10 of 30 dimensions" in rank_me(random.normal(size=(10, 30))).caveat
    assert "cannot show" not in rank_me(random.normal(size=(30, 10))).caveat
    assert "ranks no methods" in participation_ratio(random.normal(size=(30, 10))).caveat


@pytest.mark.parametrize("constant", [0.0, 0.1, -3e5])
def test_constant_embeddings_have_no_dimensions(constant):
    values = np.full((30, 4), constant)
    assert np.isnan(participation_ratio(values).value)
    assert participation_ratio(values).reason == "no feature varies"
    assert np.isnan(rank_me(values, centre=True).value)
    if constant:
        assert rank_me(values).value == pytest.approx(1)
    else:
        assert rank_me(values).reason == "all features are 0"
        assert mean_cosine(values).reason.startswith("0 rows have a direction")


def test_rows_with_nan_or_without_direction_are_left_out():
    random = np.random.default_rng(1)
    values = random.normal(size=(30, 4))
    expected = mean_cosine(values[2:]).value
    values[0], values[1, 0] = 0, np.nan
    found = mean_cosine(values)
    assert found.value == pytest.approx(expected)
    assert found.reason == (
        "1 of 30 rows have missing or infinite features; 1 of 30 rows have length 0 and so no direction"
    )
    values[:, 3] = np.nan
    for measure in (participation_ratio, rank_me, mean_cosine, hubness):
        assert np.isnan(measure(values).value)
        assert "30 of 30 rows have missing or infinite features" in measure(values).reason


@pytest.mark.parametrize("k", [1, 5, 10])
def test_hubness_equals_a_count(k):
    random = np.random.default_rng(2)
    values = random.normal(size=(150, 40))
    distances = cdist(values, values, "cosine")
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, :k]
    counts = np.bincount(nearest.ravel(), minlength=150)
    found = hubness(values, k)
    assert (found.occurrence == counts).all()
    assert found.value == pytest.approx(skew(counts))
    assert found.never == (counts == 0).mean()
    given_them = hubness(values, k, neighbours=(nearest, np.take_along_axis(distances, nearest, 1)))
    assert given_them.value == pytest.approx(found.value)


def test_hubs_are_seen_and_copies_are_none():
    random = np.random.default_rng(3)
    star = np.concatenate([random.normal(size=(300, 60)), np.full((1, 60), 1e-3)])
    assert hubness(star, 5, distance="euclidean").value > 10
    # All rows are copies: neighbours are spread evenly, not all on the first rows of the file.
    even = hubness(np.ones((200, 3)), 5)
    assert np.isnan(even.value)
    assert even.reason == "all rows occur equally often"
    assert hubness(np.eye(2)).reason == "there are 2 rows; 3 are needed"
    with pytest.raises(ValueError, match="not from 1 on"):
        hubness(star, 0)


def test_describe_says_all_of_it_and_counts_copies_and_constants():
    random = np.random.default_rng(4)
    values = random.normal(size=(50, 6))
    values[:, 2], values[10:14] = 7, values[9]
    found = describe(values)
    assert found["duplicates"] == 4
    assert found["constant"] == 1
    assert found["participation_ratio"] == participation_ratio(values).value
    assert found["rank_me"] == rank_me(values).value
    assert found["mean_cosine"] == mean_cosine(values).value
    assert found["hubness"] == hubness(values).value
    assert found["reason"] == ""
    empty = describe(np.zeros((5, 2)))
    assert empty["participation_ratio"] is None
    assert "participation ratio: no feature varies" in empty["reason"]
    assert empty["constant"] == 2
    assert empty["duplicates"] == 4


def test_constant_features_may_be_nan():
    values = np.array([[1.0, np.nan, 2.0], [1.0, np.nan, 3.0]])
    assert constant_features(values) == 2
    assert constant_features(np.empty((0, 3))) == 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 30), d=st.integers(2, 40))
def test_rotation_scale_and_order_change_nothing(seed, n, d):
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, d)) + 1
    rotation = np.linalg.qr(random.normal(size=(d, d)))[0]
    moved = (values @ rotation * 17)[random.permutation(n)]
    for measure in (participation_ratio, rank_me, mean_cosine):
        assert measure(moved).value == pytest.approx(measure(values).value, rel=1e-7, abs=1e-9)
    assert 1 - 1e-9 <= participation_ratio(values).value <= min(n - 1, d) + 1e-9
    assert 1 - 1e-9 <= rank_me(values).value <= min(n, d) + 1e-9
    shifted = participation_ratio(values + random.normal(size=d) * 10)
    assert shifted.value == pytest.approx(participation_ratio(values).value)
