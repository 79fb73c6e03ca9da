"""The probes against scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from micrographia.representation.probes.models import PROBES, classify, knn_path, regress, ridge_path


def made(n=60, d=8, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = rng.normal(size=(n, d)) + 0.8 * np.eye(classes, d)[y] if d >= classes else rng.normal(size=(n, d))
    return x, y, rng.normal(size=(17, d))


@pytest.mark.parametrize("d", [1, 8, 200])
@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_is_that_of_scikit_learn_for_every_penalty(d, weighted):
    x, y, test = made(d=d)
    target = np.column_stack([y == 0, y == 1, x[:, 0] * 3 + y]).astype(float)
    weights = np.linspace(0.5, 2, len(x)) if weighted else None
    grid = PROBES["ridge"].grid
    found = ridge_path(x, target, test, grid, weights)
    for penalty, got in zip(grid, found, strict=True):
        total = len(x) if weights is None else weights.sum()
        oracle = Ridge(alpha=penalty * total).fit(x, target, sample_weight=weights)
        np.testing.assert_allclose(got, oracle.predict(test), atol=1e-7)


@pytest.mark.parametrize(("d", "classes"), [(1, 2), (8, 2), (8, 3), (200, 4)])
@pytest.mark.parametrize("balanced", [False, True])
def test_logistic_is_that_of_scikit_learn_for_every_penalty(d, classes, balanced):
    x, y, test = made(d=d, classes=classes)
    kept = np.r_[: len(x) : 2, 1:20:2]  # classes of different size
    # Scaled as probes get them: variance 1 in total.
    x, y, test = x[kept] / np.sqrt(d), y[kept], test / np.sqrt(d)
    grid = PROBES["linear"].grid[:5]
    found = classify("linear", x, y, test, grid, classes, balanced)
    for penalty, got in zip(grid, found, strict=True):
        oracle = LogisticRegression(
            C=1 / (penalty * len(x)),
            class_weight="balanced" if balanced else None,
            tol=1e-10,
            max_iter=100_000,
        ).fit(x, y)
        np.testing.assert_allclose(got, _multinomial(oracle, x, y, test, penalty, balanced), atol=1e-3)
        np.testing.assert_allclose(got.sum(axis=1), 1)


def _multinomial(oracle, x, y, test, penalty, balanced):
    """Probabilities of scikit-learn; with two classes its one vector stands for the difference of ours."""
    if len(oracle.classes_) > 2:
        return oracle.predict_proba(test)
    halved = LogisticRegression(
        C=2 / (penalty * len(x)),
        class_weight="balanced" if balanced else None,
        tol=1e-10,
        max_iter=100_000,
    ).fit(x, y)
    return halved.predict_proba(test)


def test_separable_classes_do_not_run_away():
    x = np.r_[np.full((20, 2), -1.0), np.full((20, 2), 1.0)] + np.random.default_rng(0).normal(
        0, 0.01, (40, 2)
    )
    y = np.repeat([0, 1], 20)
    found = classify("linear", x, y, x, PROBES["linear"].grid, 2, False)
    assert np.isfinite(found).all()
    assert (found.argmax(axis=2) == y).all()


def test_neighbours_are_those_of_scikit_learn():
    x, y, test = made()
    grid = PROBES["knn"].grid
    found = classify("knn", x, y, test, grid, 3, False)
    numbers = regress("knn", x, x[:, 0], test, grid)
    for place, k in enumerate(grid):
        oracle = KNeighborsClassifier(int(k), algorithm="brute").fit(x, y)
        np.testing.assert_allclose(found[place], oracle.predict_proba(test))
        oracle = KNeighborsRegressor(int(k), algorithm="brute").fit(x, x[:, 0])
        np.testing.assert_allclose(numbers[place], oracle.predict(test))


def test_equally_near_rows_share_their_place():
    train = np.array([[0.0], [1.0], [1.0], [1.0], [5.0]])
    target = np.array([[0.0], [3.0], [6.0], [9.0], [100.0]])
    found = knn_path(train, target, np.array([[0.0]]), (1, 2, 3, 4, 9), None)[:, 0, 0]
    np.testing.assert_allclose(found, [0, 3, 4, 4.5, 23.6])


def test_neighbours_do_not_depend_on_the_order_of_rows_even_if_all_are_copies():
    x = np.tile([[1.0, -1.0], [-1.0, 1.0]], (10, 1))
    y = np.r_[np.zeros(14, int), np.ones(6, int)]
    order = np.random.default_rng(0).permutation(20)
    test = np.array([[0.5, 0.4], [3, -3.0]])
    for k in (1, 5, 9):
        first = classify("knn", x, y, test, (k,), 2, False)
        np.testing.assert_allclose(first, classify("knn", x[order], y[order], test, (k,), 2, False))


def test_a_block_at_a_time_gives_the_same(monkeypatch):
    x, y, test = made()
    whole = classify("knn", x, y, test, (3,), 3, False)
    monkeypatch.setattr("micrographia.representation.probes.models._BLOCK", 200)
    np.testing.assert_array_equal(whole, classify("knn", x, y, test, (3,), 3, False))


@pytest.mark.parametrize("probe", list(PROBES))
def test_without_features_the_prior_is_predicted(probe):
    nothing = np.zeros((4, 0))
    found = classify(probe, nothing, np.array([0, 0, 0, 2]), np.zeros((2, 0)), (1.0,), 4, False)
    np.testing.assert_allclose(found[0], [[0.75, 0, 0.25, 0]] * 2)
    found = classify(probe, nothing, np.array([0, 0, 0, 2]), np.zeros((2, 0)), (1.0,), 4, True)
    np.testing.assert_allclose(found[0], [[0.5, 0, 0.5, 0]] * 2)


def test_numbers_without_features_are_the_mean_and_linear_is_for_classes():
    found = regress("ridge", np.zeros((4, 0)), np.array([1.0, 2, 3, 6]), np.zeros((2, 0)), (1.0, 2.0))
    assert found.tolist() == [[3.0, 3.0]] * 2
    with pytest.raises(ValueError, match="use ridge"):
        regress("linear", np.zeros((4, 1)), np.zeros(4), np.zeros((2, 1)), (1.0,))


def test_the_strongest_penalty_comes_first():
    for probe in ("linear", "ridge"):
        assert list(PROBES[probe].grid) == sorted(PROBES[probe].grid, reverse=True)
    assert list(PROBES["knn"].grid) == sorted(PROBES["knn"].grid, reverse=True)
