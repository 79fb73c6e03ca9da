from itertools import permutations as orders

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from micrographia.statistics import Scores, kendall_tau, pooled_kendall_tau, rank_intervals, regret


@pytest.mark.parametrize(("n", "least"), [(3, 1 / 6), (4, 1 / 24), (5, 1 / 120)])
def test_few_models_have_a_smallest_p(n, least):
    found = kendall_tau(range(n), range(n))
    assert (found.tau, found.method) == (1.0, "exact")
    assert found.p == pytest.approx(least)
    assert found.smallest_p == pytest.approx(least)
    assert kendall_tau(range(n), range(n), sides=2).smallest_p == pytest.approx(2 * least)


@pytest.mark.parametrize("n", [5, 9, 25])
def test_without_ties_it_agrees_with_scipy(n):
    rng = np.random.default_rng(n)
    for _ in range(5):
        x, y = rng.normal(size=n), rng.normal(size=n)
        expected = stats.kendalltau(x, y, method="exact")
        found = kendall_tau(x, y, sides=2)
        assert found.tau == pytest.approx(expected.statistic)
        assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
        greater = stats.kendalltau(x, y, method="exact", alternative="greater")
        assert kendall_tau(x, y).p == pytest.approx(greater.pvalue, rel=1e-9)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=6))
def test_with_ties_all_orders_are_counted(pairs):
    x, y = np.array(pairs).T
    found = kendall_tau(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(found.tau)
        assert found.reason == "a ranking without two different scores has no order"
        return
    assert found.tau == pytest.approx(stats.kendalltau(x, y).statistic)
    taus = np.array([stats.kendalltau(x, y[list(order)]).statistic for order in orders(range(len(x)))])
    assert found.p == pytest.approx((taus >= found.tau - 1e-9).mean())
    assert found.smallest_p == pytest.approx((taus >= taus.max() - 1e-9).mean())


def test_many_models_with_ties_are_drawn():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 6, 20)
    y = x + rng.integers(0, 8, 20)
    found = kendall_tau(x, y, sides=2)
    assert found.method == "20000 drawn orders"
    assert found.p == pytest.approx(stats.kendalltau(x, y, method="asymptotic").pvalue, abs=0.01)
    assert found == kendall_tau(x, y, sides=2)


def test_datasets_are_pooled():
    found = pooled_kendall_tau([([1, 2, 3], [1, 2, 3]), ([1, 2, 3], [1, 3, 2])])
    # Of 36 pairs of orders, 1 has 6 concordant minus discordant pairs, 4 have 4.
    assert found.p == pytest.approx(5 / 36)
    assert found.smallest_p == pytest.approx(1 / 36)
    assert found.tau == pytest.approx(4 / 6)
    assert found.n == 6
    assert pooled_kendall_tau([([1, 2, 3], [1, 2, 3])] * 3).p == pytest.approx(1 / 216)


def test_models_without_a_score_are_left_out():
    assert kendall_tau([1, 2, np.nan, 4], [1, 2, 3, np.nan]).n == 2
    assert np.isnan(kendall_tau([], []).tau)
    with pytest.raises(ValueError, match="shapes"):
        kendall_tau([1, 2], [1, 2, 3])


def test_regret_is_what_trust_costs():
    assert regret([0.9, 0.7, 0.8], [1, 2, 3]) == pytest.approx(0.1)
    assert regret([0.9, 0.7], [5, 5]) == pytest.approx(0.1)
    assert regret([0.9, np.nan], [1, 2]) == 0
    assert np.isnan(regret([], []))


def models(levels, groups=10, noise=0.02, seed=0):
    rng = np.random.default_rng(seed)
    donor = np.repeat(np.arange(groups), 4)
    common = rng.normal(0, 1, groups)[donor]
    return {
        name: Scores(common + level + rng.normal(0, noise, len(donor)), {"donor": donor.tolist()})
        for name, level in levels.items()
    }


def test_clear_places_and_shared_ones():
    found, said = rank_intervals(models({"best": 1.0, "b": 0.5, "c": 0.5, "worst": 0.0}), "donor")
    assert [(one.name, one.low, one.high) for one in found] == [
        ("best", 1, 1),
        ("b", 2, 3),
        ("c", 2, 3),
        ("worst", 4, 4),
    ]
    assert sorted(one.rank for one in found) == [1, 2, 3, 4]
    assert said == ""


def test_below_four_groups_every_place_is_possible():
    found, said = rank_intervals(models({"a": 1.0, "b": 0.0}, groups=3), "donor")
    assert [(one.low, one.high) for one in found] == [(1, 2), (1, 2)]
    assert said == "3 groups: every place is possible"


def test_few_groups_are_enumerated():
    candidates = models({"a": 1.0, "b": 0.9, "c": 0.0}, groups=7)
    assert rank_intervals(candidates, "donor", seed=1) == rank_intervals(candidates, "donor", seed=2)


def test_ties_and_what_cannot_be_evaluated():
    same = models({"a": 1.0})["a"]
    found, _ = rank_intervals({"a": same, "b": same}, "donor")
    assert [(one.rank, one.low, one.high) for one in found] == [(1.5, 1, 2), (1.5, 1, 2)]
    empty = Scores(np.full(40, np.nan), same.factors)
    found, _ = rank_intervals({"a": same, "b": empty}, "donor")
    assert all(np.isnan(one.rank) and (one.low, one.high) == (1, 2) for one in found)
    assert rank_intervals({}, "donor") == ([], "")


def test_candidates_must_share_items():
    with pytest.raises(ValueError, match="same items"):
        rank_intervals(models({"a": 1.0}) | {"b": models({"b": 1.0}, groups=5)["b"]}, "donor")


def test_intervals_hold_the_true_places_together():
    """Four of six models are equal: a false order among them, or a wrong place, in at most 5% of datasets."""
    levels = {"a": 0.6, "b": 0.3, "c": 0.3, "d": 0.3, "e": 0.3, "f": 0.0}
    wrong = 0
    for seed in range(150):
        found, _ = rank_intervals(models(levels, groups=8, noise=0.4, seed=seed), "donor")
        true = {"a": (1, 1), "f": (6, 6)}
        wrong += any(
            one.low > true.get(one.name, (2, 5))[0] or one.high < true.get(one.name, (2, 5))[1]
            for one in found
        )
    assert wrong <= stats.binom.ppf(0.999, 150, 0.05)
