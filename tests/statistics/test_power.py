import numpy as np
import pytest
from scipy import stats

from micrographia.statistics import Scores, Verdict, compare, minimum_detectable
from micrographia.statistics.groups import Sums
from micrographia.statistics.power import detectable_errors


def test_twelve_donors_need_about_a_standard_deviation():
    assert minimum_detectable(1.0, 12) == pytest.approx(0.97, abs=0.005)
    assert minimum_detectable(0.1, 12) == pytest.approx(minimum_detectable(1.0, 12) / 10)
    assert detectable_errors(11) / np.sqrt(12) == pytest.approx(0.89, abs=0.005)


@pytest.mark.parametrize("n", [12, 40, 300])
def test_the_t_test_has_this_power(n):
    shift = detectable_errors(n - 1)
    bound = stats.t.ppf(0.975, n - 1)
    assert stats.nct.sf(bound, n - 1, shift) == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("n", [6, 8, 12])
def test_verdicts_have_this_power(n):
    rng = np.random.default_rng(n)
    factors = {"donor": list(range(n))}
    nothing = Scores(np.zeros(n), factors)
    drawn = rng.normal(minimum_detectable(1.0, n), 1, (300, n))
    found = [
        compare(Scores(row, factors), nothing, "donor", delta=0.0).verdict is Verdict.BEATS for row in drawn
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 300))


def test_too_few_groups_detect_nothing():
    assert minimum_detectable(1.0, 5) == np.inf
    assert minimum_detectable(1.0, 6, level=0.99) == np.inf
    assert np.isnan(minimum_detectable(np.nan, 12))
    assert np.isnan(minimum_detectable(np.nan, 3))


def test_more_groups_detect_less_and_more_power_needs_more():
    found = [minimum_detectable(1.0, n) for n in range(6, 60)]
    assert np.all(np.diff(found) < 0)
    assert minimum_detectable(1.0, 20, power=0.9) > minimum_detectable(1.0, 20)
    assert minimum_detectable(1.0, 20, level=0.99) > minimum_detectable(1.0, 20)


@pytest.mark.parametrize("df", [1, 1.5, 3, 1e6])
def test_any_degrees_of_freedom(df):
    shift = detectable_errors(df)
    assert stats.nct.sf(stats.t.ppf(0.975, df), df, shift) == pytest.approx(0.8, abs=1e-5)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="power"):
        minimum_detectable(1.0, 12, power=0.04)
    with pytest.raises(ValueError, match="level"):
        minimum_detectable(1.0, 12, level=1.0)
    with pytest.raises(ValueError, match="negative"):
        minimum_detectable(-1.0, 12)


def test_unequal_groups_count_less():
    assert minimum_detectable(1.0, 12, effective=12.0) == minimum_detectable(1.0, 12)
    assert minimum_detectable(1.0, 12, effective=5.5) > 1.3 * minimum_detectable(1.0, 12)
    equal = Sums(np.ones(12), np.full(12, 3.0))
    assert equal.effective == pytest.approx(12)
    assert Sums(np.ones(3), np.array([8.0, 1.0, 1.0])).effective == pytest.approx(100 / 66)
