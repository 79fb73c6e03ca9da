from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from micrographia.statistics.signflip import groups_needed, sign_flip_p, smallest_p


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8), st.sampled_from([1, 2]))
def test_every_pattern_of_signs_counts(terms, sides):
    patterns = np.array(list(product([-1, 1], repeat=len(terms)))) @ np.array(terms)
    reached = np.abs(patterns) >= abs(sum(terms)) if sides == 2 else patterns >= sum(terms)
    assert sign_flip_p(np.array(terms), sides=sides) == pytest.approx(reached.mean(), abs=1e-12)


@pytest.mark.parametrize("n", [6, 9, 12])
def test_it_agrees_with_scipy(n):
    terms = np.random.default_rng(n).normal(0.4, 1, n)
    result = stats.permutation_test((terms,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(terms) == pytest.approx(result.pvalue, rel=1e-9)
    result = stats.permutation_test(
        (terms,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="greater"
    )
    assert sign_flip_p(terms, sides=1) == pytest.approx(result.pvalue, rel=1e-9)


def test_32_groups_are_counted_exactly():
    """All alike: the number of minus signs is binomial."""
    signs = np.array([1.0] * 23 + [-1.0] * 9)
    assert sign_flip_p(signs) == pytest.approx(stats.binomtest(23, 32).pvalue, rel=1e-9)


def test_beyond_32_groups_patterns_are_drawn():
    terms = np.random.default_rng(0).normal(0.3, 1, 40)
    drawn = sign_flip_p(terms, flips=20_000, seed=1)
    assert drawn == sign_flip_p(terms, flips=20_000, seed=1)
    normal = 2 * stats.norm.sf(abs(terms.sum()) / np.sqrt((terms**2).sum()))
    assert drawn == pytest.approx(normal, abs=0.01)
    assert sign_flip_p(np.ones(40), flips=999) == 1 / 1000


def test_blocks_of_drawn_patterns_add_up(monkeypatch):
    monkeypatch.setattr("micrographia.statistics.signflip.BLOCK", 40 * 100)
    terms = np.random.default_rng(0).normal(0.3, 1, 40)
    normal = 2 * stats.norm.sf(abs(terms.sum()) / np.sqrt((terms**2).sum()))
    assert sign_flip_p(terms, flips=20_000) == pytest.approx(normal, abs=0.01)


def test_groups_that_do_not_differ_change_nothing():
    terms = np.array([1.0, 2.0, -0.5])
    assert sign_flip_p(np.append(terms, np.zeros(50))) == sign_flip_p(terms)
    assert sign_flip_p(np.zeros(5)) == 1.0


def test_rounding_does_not_break_ties():
    assert sign_flip_p(np.array([0.1, 0.2, 0.3, -0.3])) == sign_flip_p(np.array([1.0, 2.0, 3.0, -3.0]))


def test_the_smallest_p_needs_groups():
    assert smallest_p(6) == 2 / 64
    assert (smallest_p(0), smallest_p(5, sides=1)) == (1.0, 1 / 32)
    assert [groups_needed(0.05), groups_needed(0.05, sides=1), groups_needed(0.01)] == [6, 5, 8]
    assert sign_flip_p(np.arange(1.0, 7.0)) == smallest_p(6)


def test_nothing_and_not_finite():
    assert np.isnan(sign_flip_p(np.array([])))
    with pytest.raises(ValueError, match="finite"):
        sign_flip_p(np.array([1.0, np.nan]))


@settings(max_examples=30)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=14), st.floats(1e-3, 1e3), st.randoms())
def test_scale_order_and_sign_do_not_matter(terms, scale, random):
    p = sign_flip_p(np.array(terms))
    shuffled = random.sample(terms, len(terms))
    assert sign_flip_p(np.array(shuffled)) == pytest.approx(p)
    assert sign_flip_p(-scale * np.array(terms)) == pytest.approx(p)
    assert 0 < p <= 1


def test_a_great_many_groups_are_normal():
    terms = np.random.default_rng(0).normal(0.01, 1, 10_001)
    normal = stats.norm.sf(terms.sum() / np.sqrt((terms**2).sum()))
    assert sign_flip_p(terms, sides=1) == pytest.approx(normal, rel=1e-6)
    assert sign_flip_p(terms) == pytest.approx(2 * min(normal, 1 - normal), rel=1e-6)
    assert sign_flip_p(terms - terms.mean()) == pytest.approx(1.0)
    assert sign_flip_p(terms[:10_000]) == pytest.approx(sign_flip_p(terms), abs=0.03)
