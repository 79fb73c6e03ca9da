import numpy as np
import pytest
from scipy import stats

from micrographia.statistics.bounded import bounded_equivalence_p, bounded_limits, is_sparse
from micrographia.statistics.groups import Sums


@pytest.mark.parametrize(("right", "n"), [(12, 12), (11, 12), (0, 5), (3, 7), (36, 38)])
def test_for_right_and_wrong_it_is_the_interval_of_clopper_and_pearson(right, n):
    values = np.array([1.0] * right + [0.0] * (n - right))
    ((low, high),) = bounded_limits(
        Sums(values, np.ones(n)), (0, 1), [0.025], np.random.default_rng(0), draws=60_000
    )
    exact = stats.binomtest(right, n).proportion_ci(0.95, method="exact")
    np.testing.assert_allclose([low, high], [exact.low, exact.high], atol=0.01)


def test_wider_tails_are_narrower_and_bounds_hold():
    totals = Sums(np.array([1.0, 1.0, 0.5, 1.0]), np.ones(4))
    (low, high), (inner_low, inner_high) = bounded_limits(
        totals, (0, 1), [0.01, 0.1], np.random.default_rng(0)
    )
    assert 0 <= low < inner_low < totals.score < inner_high <= high <= 1


def test_p_of_equivalence_belongs_to_the_limits():
    totals = Sums(np.zeros(30), np.ones(30))
    # 1 - tail of Beta(1, 30), the weight of the group that was not seen
    exact = (1 - 0.1) ** 30
    p = bounded_equivalence_p(totals, (-1, 1), 0.1, np.random.default_rng(0), draws=40_000)
    assert p == pytest.approx(exact, abs=0.005)


def test_blocks_keep_the_limits(monkeypatch):
    totals = Sums(np.ones(12), np.ones(12))
    monkeypatch.setattr("micrographia.statistics.bounded.BLOCK", 12 * 100)
    ((low, _),) = bounded_limits(totals, (0, 1), [0.025], np.random.default_rng(0), draws=20_000)
    assert low == pytest.approx(0.025 ** (1 / 12), abs=0.01)


def test_sparse_means_repeated_scores_and_few_others():
    assert is_sparse(Sums(np.array([1.0, 1.0, 1.0, 0.5]), np.ones(4)))
    assert is_sparse(Sums(np.zeros(50), np.ones(50)))
    assert not is_sparse(Sums(np.arange(5.0), np.ones(5)))
    assert not is_sparse(Sums(np.append(np.zeros(20), np.arange(1.0, 11.0)), np.ones(30)))
