from itertools import product

import numpy as np
import pytest

from micrographia.statistics.groups import Sums
from micrographia.statistics.resampling import n_resamples, quantiles, resample_counts, studentised


def by_hand(totals):
    """Every ordered resample of 4 groups, its standard error by leaving out one drawn group after the other."""
    ratios = []
    for drawn in product(range(4), repeat=4):
        above, below = totals.above[list(drawn)], totals.below[list(drawn)]
        score = above.sum() / below.sum()
        without = (above.sum() - above) / (below.sum() - below)
        error = np.sqrt(3 / 4 * ((without - score) ** 2).sum())
        distance = score - totals.score
        ratios.append(distance / error if len(set(drawn)) > 1 else np.copysign(np.inf, distance))
    return np.sort(ratios)


def test_enumerated_resamples_are_all_resamples():
    totals = Sums(np.array([1.0, 5.0, 2.0, 9.0]), np.array([1.0, 4.0, 3.0, 2.0]))
    ratios, chance = studentised(totals, 100, np.random.default_rng(0))
    assert len(ratios) == n_resamples(4, 100) == 35
    assert chance.sum() == pytest.approx(1)
    expected = by_hand(totals)
    np.testing.assert_allclose(np.repeat(ratios, np.round(256 * chance).astype(int)), expected, rtol=1e-9)


def test_probabilities_of_enumerated_resamples_are_multinomial():
    counts, chance = resample_counts(3, 0, np.random.default_rng(0))
    assert counts.sum(axis=1).tolist() == [3] * 10
    assert dict(zip(map(tuple, counts.tolist()), np.round(27 * chance).tolist(), strict=True))[1, 1, 1] == 6


def test_drawn_resamples_are_like_all_resamples():
    rng = np.random.default_rng(1)
    totals = Sums(rng.normal(size=8), np.ones(8))
    ratios, chance = studentised(totals, 0, rng)
    nine = Sums(np.append(totals.above, totals.above.mean()), np.ones(9))
    drawn, equal = studentised(nine, 20_000, rng)
    assert (len(ratios), len(drawn)) == (6435, 20_000)
    for tail in (0.05, 0.25):
        exact, near = quantiles(ratios, chance, tail), quantiles(drawn, equal, tail)
        np.testing.assert_allclose(near, exact, rtol=0.25)


def test_blocks_change_nothing(monkeypatch):
    totals = Sums(np.random.default_rng(2).normal(size=20), np.ones(20))
    whole = studentised(totals, 500, np.random.default_rng(3))
    monkeypatch.setattr("micrographia.statistics.resampling.BLOCK", 20 * 7)
    parts = studentised(totals, 500, np.random.default_rng(3))
    np.testing.assert_allclose(parts[0], whole[0])
    np.testing.assert_allclose(parts[1], whole[1])


def test_quantiles_leave_at_most_the_tail():
    ordered, chance = np.arange(40.0), np.full(40, 1 / 40)
    assert quantiles(ordered, chance, 0.025) == (1.0, 38.0)
    assert quantiles(ordered, chance, 0.024) == (0.0, 39.0)
    assert quantiles(np.array([-1.0, 0.0, 2.0]), np.array([0.02, 0.95, 0.03]), 0.025) == (0.0, 2.0)
