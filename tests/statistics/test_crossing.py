import numpy as np
import pytest

from micrographia.statistics.crossing import distinct, pigeonhole
from micrographia.statistics.groups import Groups


def crossed(rows, columns):
    row, column = np.divmod(np.arange(rows * columns), columns)
    return [Groups("row", row, rows), Groups("column", column, columns)]


def one_by_one(values, weights, factors, resamples, rng):
    """The pigeonhole bootstrap item by item, each drawn level left out in turn."""
    score = (weights * values).sum() / weights.sum()
    counts = [rng.multinomial(one.n, np.full(one.n, 1 / one.n), resamples) for one in factors]
    ratios = []
    for number in range(resamples):
        times = weights * np.prod([c[number][f.codes] for c, f in zip(counts, factors, strict=True)], axis=0)
        drawn = (times * values).sum() / times.sum()
        variance = 0.0
        for count, factor in zip(counts, factors, strict=True):
            for level in range(factor.n):
                if count[number][level]:
                    left = times * np.where(factor.codes == level, 1 - 1 / count[number][level], 1.0)
                    without = (left * values).sum() / left.sum()
                    variance += count[number][level] * (factor.n - 1) / factor.n * (without - drawn) ** 2
        ratios.append((drawn - score) / np.sqrt(variance))
    return np.sort(ratios)


def test_it_is_the_bootstrap_item_by_item():
    rng = np.random.default_rng(0)
    factors = crossed(6, 5)
    values, weights = rng.normal(size=30), rng.uniform(1, 2, 30)
    expected = one_by_one(values, weights, factors, 50, np.random.default_rng(4))
    np.testing.assert_allclose(
        pigeonhole(values, weights, factors, 50, np.random.default_rng(4)), expected, rtol=1e-8
    )


def test_items_of_one_cell_are_summed():
    rng = np.random.default_rng(0)
    values = rng.normal(size=30)
    once = crossed(6, 5)
    twice = [Groups(one.name, np.concatenate([one.codes, one.codes]), one.n) for one in once]
    spread = np.concatenate([values + 1, values - 1])
    np.testing.assert_allclose(
        pigeonhole(spread, np.ones(60), twice, 40, np.random.default_rng(1)),
        pigeonhole(values, np.full(30, 2.0), once, 40, np.random.default_rng(1)),
        rtol=1e-8,
    )


def test_resamples_without_items_are_left_out():
    factors = [Groups("a", np.arange(4), 4), Groups("b", np.array([0, 1, 2, 2]), 3)]
    found = pigeonhole(np.arange(4.0), np.ones(4), factors, 300, np.random.default_rng(0))
    assert 200 < len(found) < 300
    assert not np.isnan(found).any()


def test_blocks_keep_the_distribution(monkeypatch):
    factors, values = crossed(6, 5), np.random.default_rng(0).normal(size=30)
    whole = pigeonhole(values, np.ones(30), factors, 4000, np.random.default_rng(0))
    monkeypatch.setattr("micrographia.statistics.crossing.BLOCK", 30 * 64)
    parts = pigeonhole(values, np.ones(30), factors, 4000, np.random.default_rng(0))
    assert len(parts) == len(whole)
    np.testing.assert_allclose(
        np.quantile(parts, [0.1, 0.5, 0.9]), np.quantile(whole, [0.1, 0.5, 0.9]), atol=0.15
    )


def test_a_factor_that_divides_the_same_counts_once():
    a = Groups("a", np.array([0, 0, 1, 2]), 3)
    renamed = Groups("b", np.array([2, 2, 0, 1]), 3)
    other = Groups("c", np.array([0, 1, 1, 2]), 3)
    assert [one.name for one in distinct([a, renamed, other])] == ["a", "c"]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_ratios_have_no_unit(scale):
    factors, values = crossed(5, 5), np.random.default_rng(0).normal(size=25)
    np.testing.assert_allclose(
        pigeonhole(values * scale, np.ones(25), factors, 50, np.random.default_rng(0)),
        pigeonhole(values, np.ones(25), factors, 50, np.random.default_rng(0)),
        rtol=1e-6,
    )
