"""CKA against Gram matrices, Procrustes against scipy, RSA against scipy, and what each must not depend on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from micrographia.errors import ProfileError
from micrographia.representation.geometry import linear_cka, procrustes, products, rank_me, rsa
from micrographia.representation.geometry.rsa import pairs

SHAPES = [(50, 7, 7), (50, 7, 12), (30, 80, 5), (25, 60, 90), (4, 3, 3), (60, 6, 1050)]


def gram_cka(x, y, debiased):
    """From the n x n matrices, with the traces of the published estimate."""
    n = len(x)
    k, m = x @ x.T, y @ y.T
    if not debiased:
        h = np.eye(n) - 1 / n
        return np.trace(k @ h @ m @ h) / np.sqrt(np.trace(k @ h @ k @ h) * np.trace(m @ h @ m @ h))

    def estimate(p, q):
        p, q = p - np.diag(np.diag(p)), q - np.diag(np.diag(q))
        one = np.ones(n)
        return (
            np.trace(p @ q)
            + (one @ p @ one) * (one @ q @ one) / ((n - 1) * (n - 2))
            - 2 / (n - 2) * one @ p @ q @ one
        ) / (n * (n - 3))

    return estimate(k, m) / np.sqrt(estimate(k, k) * estimate(m, m))


def related(n, d, e, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, d)) + 2
    y = x[:, :1] * random.normal(size=e) + random.normal(size=(n, e)) - 5
    return x, y


@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize(("n", "d", "e"), SHAPES)
def test_cka_equals_that_of_gram_matrices(n, d, e, debiased):
    x, y = related(n, d, e)
    found = linear_cka(x, y, debiased=debiased)
    assert found.value == pytest.approx(gram_cka(x, y, debiased), rel=1e-8)
    assert found.reason == ""
    assert linear_cka(y, x, debiased=debiased).value == pytest.approx(found.value)


@pytest.mark.parametrize(("n", "d", "e"), SHAPES[:4])
def test_blocks_change_nothing(n, d, e, monkeypatch):
    x, y = related(n, d, e)
    whole = linear_cka(x, y).value, rank_me(x).value
    monkeypatch.setattr(products, "BLOCK", 16)
    assert (linear_cka(x, y).value, rank_me(x).value) == pytest.approx(whole, rel=1e-10)


def test_debiased_cka_of_unrelated_embeddings_is_zero_and_plain_is_high():
    random = np.random.default_rng(1)
    drawn = [(random.normal(size=(30, 300)), random.normal(size=(30, 400))) for _ in range(40)]
    fair = np.array([float(linear_cka(x, y)) for x, y in drawn])
    assert abs(fair.mean()) < 4 * fair.std() / np.sqrt(40)
    plain = [linear_cka(x, y, debiased=False) for x, y in drawn]
    assert min(float(one) for one in plain) > 0.85
    assert all("plain CKA is high for unrelated embeddings" in one.caveat for one in plain)
    assert linear_cka(*related(400, 5, 5), debiased=False).caveat == ""


@pytest.mark.parametrize(("n", "d", "e"), [(50, 7, 12), (30, 80, 5), (20, 60, 90), (200, 3, 3)])
def test_procrustes_equals_scipy(n, d, e):
    x, y = related(n, d, e)
    wide = max(d, e)
    padded = [np.pad(one, ((0, 0), (0, wide - one.shape[1]))) for one in (x, y)]
    assert procrustes(x, y).value == pytest.approx(scipy_procrustes(*padded)[2], abs=1e-10)


@pytest.mark.parametrize("distance", ["correlation", "cosine", "euclidean"])
def test_rsa_equals_scipy(distance):
    x, y = related(60, 9, 14)
    expected = spearmanr(pdist(x, distance), pdist(y, distance)).statistic
    found = rsa(x, y, distance=distance)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.caveat == ""


def test_rsa_with_ties_equals_scipy():
    random = np.random.default_rng(2)
    x, y = random.integers(3, size=(40, 2)), random.integers(3, size=(40, 2))
    expected = spearmanr(pdist(x), pdist(y)).statistic
    assert rsa(x, y, distance="euclidean").value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("n", "most"), [(100, 4950), (100, 4000), (100, 1000), (300, 500)])
def test_pairs_are_different_and_all_or_as_many_as_asked(n, most):
    i, j, drawn = pairs(n, most, 3)
    assert len(i) == most
    assert len({*zip(i.tolist(), j.tolist(), strict=True)}) == most
    assert (i >= 0).all()
    assert (i < j).all()
    assert (j < n).all()
    assert drawn == (most < n * (n - 1) // 2)


def test_pairs_are_drawn_evenly():
    drawn = np.zeros((30, 30), int)
    for seed in range(300):
        i, j, _ = pairs(30, 50, seed)
        drawn[i, j] += 1
    counts = drawn[np.triu_indices(30, 1)]
    # 300 draws of 50 of 435: a mean of 34.5 and a standard deviation of 5.5 each.
    assert counts.sum() == 15_000
    assert abs(counts - 34.5).max() < 4.5 * 5.5


def test_rsa_of_drawn_pairs_is_near_repeats_and_says_so():
    x, y = related(400, 6, 6)
    whole = rsa(x, y)
    some = rsa(x, y, max_pairs=20_000, seed=1)
    assert some.value == pytest.approx(whole.value, abs=0.03)
    assert some.value == rsa(x, y, max_pairs=20_000, seed=1).value
    assert some.value != rsa(x, y, max_pairs=20_000, seed=2).value
    assert some.caveat == "20,000 of 79,800 pairs of rows, drawn with seed 1"


def test_rsa_of_many_rows_looks_at_a_million_pairs():
    random = np.random.default_rng(3)
    x = random.normal(size=(60_000, 2))
    found = rsa(x, x + random.normal(size=x.shape), distance="euclidean", max_pairs=100_000)
    assert found.n == 60_000
    assert 0.4 < found.value < 0.6


@pytest.mark.parametrize("measure", [linear_cka, procrustes, rsa])
def test_constant_embeddings_and_few_rows_are_undefined_with_a_reason(measure):
    x, _ = related(20, 5, 5)
    for constant in (np.full((20, 4), 0.1), np.tile(np.arange(4.0), (20, 1))):
        found = measure(x, constant)
        assert np.isnan(found.value)
        assert found.reason in (
            "the second embedding is constant",
            "all distances of the second embedding are equal",
            "there are 0 rows; 3 are needed; 20 of 20 rows have no direction",
        )
    assert "there are 1 rows" in measure(x[:1], x[:1]).reason
    with pytest.raises(ProfileError, match="20 and 19 rows"):
        measure(x, x[:19])


@pytest.mark.parametrize("measure", [linear_cka, procrustes, rsa])
def test_rows_with_nan_in_either_are_left_out(measure):
    x, y = related(40, 5, 5)
    expected = measure(x[2:], y[2:]).value
    x[0, 1], y[1, 2] = np.nan, np.inf
    found = measure(x, y)
    assert found.value == pytest.approx(expected)
    assert found.n == 38
    assert found.reason == "2 of 40 rows have missing or infinite features"


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_extreme_scales_neither_overflow_nor_vanish(factor):
    x, y = related(40, 5, 5)
    assert linear_cka(x * factor, y).value == pytest.approx(linear_cka(x, y).value)
    assert procrustes(x * factor, y).value == pytest.approx(procrustes(x, y).value)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 40), d=st.integers(2, 30))
def test_rotation_shift_scale_and_order_change_nothing(seed, n, d):
    random = np.random.default_rng(seed)
    x, y = related(n, d, 6, seed)
    rotation = np.linalg.qr(random.normal(size=(d, d)))[0]
    order = random.permutation(n)
    moved = (x @ rotation * 2.5 + random.normal(size=d))[order]
    for measure, options in ((linear_cka, {}), (procrustes, {}), (rsa, {"distance": "euclidean"})):
        plain = measure(x, y, **options).value
        assert measure(moved, y[order], **options).value == pytest.approx(plain, abs=1e-7)
        assert measure(x, x @ rotation * 3, **options).value == pytest.approx(
            0 if measure is procrustes else 1, abs=1e-7
        )
    assert 0 <= linear_cka(x, y, debiased=False).value <= 1 + 1e-9
    assert 0 <= procrustes(x, y).value <= 1
    assert -1 <= rsa(x, y, distance="euclidean").value <= 1
