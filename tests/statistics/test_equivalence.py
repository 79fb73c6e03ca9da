import numpy as np
import pytest
from scipy import stats

from micrographia.statistics.equivalence import equivalence_p, equivalence_p_t
from micrographia.statistics.groups import Sums


def test_it_is_the_larger_of_two_one_sided_sign_flip_tests():
    rng = np.random.default_rng(0)
    weights = rng.uniform(1, 3, 9)
    differences = rng.normal(0.02, 0.05, 9)

    def shifted(terms):
        return stats.permutation_test(
            (terms,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="greater"
        ).pvalue

    expected = max(shifted(weights * (differences + 0.1)), shifted(weights * (0.1 - differences)))
    assert equivalence_p(Sums(weights * differences, weights), 0.1) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "p"), [(4, 1 / 16), (5, 1 / 32)])
def test_five_groups_can_be_equivalent_and_four_cannot(n, p):
    assert equivalence_p(Sums(np.full(n, 0.01), np.ones(n)), 0.5) == p


def test_nothing_is_equivalent_within_nothing():
    assert equivalence_p(Sums(np.array([0.1, -0.1, 0.2, -0.1, 0.1]), np.ones(5)), 0.0) > 0.4


def test_two_one_sided_t_tests():
    values = np.random.default_rng(1).normal(0.1, 0.3, 20)
    error = values.std(ddof=1) / np.sqrt(20)
    expected = max(
        stats.ttest_1samp(values, -0.3, alternative="greater").pvalue,
        stats.ttest_1samp(values, 0.3, alternative="less").pvalue,
    )
    assert equivalence_p_t(values.mean(), error, 19, 0.3) == pytest.approx(expected)
    assert (equivalence_p_t(0.1, 0.0, 5, 0.2), equivalence_p_t(0.2, 0.0, 5, 0.2)) == (0.0, 1.0)
