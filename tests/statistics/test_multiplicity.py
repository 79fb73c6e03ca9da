import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from micrographia.statistics import benjamini_hochberg, holm, intersection_union

P_VALUES = st.lists(st.floats(0, 1), max_size=12)


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])


@given(P_VALUES)
def test_benjamini_hochberg_agrees_with_scipy(p):
    if p:
        np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p), rtol=1e-12)


@given(P_VALUES, st.randoms())
def test_order_does_not_matter_and_no_p_becomes_smaller(p, random):
    order = random.sample(range(len(p)), len(p))
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p)
        np.testing.assert_allclose(adjust([p[place] for place in order]), adjusted[order])
        assert (adjusted >= np.array(p) * (1 - 1e-15)).all()
        assert (adjusted <= 1).all()
    assert (holm(p) >= benjamini_hochberg(p) * (1 - 1e-15)).all()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_what_is_not_a_test_is_not_counted(adjust):
    adjusted = adjust([0.01, np.nan, 0.04])
    assert np.isnan(adjusted[1])
    np.testing.assert_allclose(adjusted[[0, 2]], adjust([0.01, 0.04]))
    assert adjust([]).shape == (0,)
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjust([0.5, 1.5])
    with pytest.raises(ValueError, match="shape"):
        adjust([[0.5]])


def test_all_must_hold():
    assert intersection_union([0.01, 0.04]) == 0.04
    assert np.isnan(intersection_union([0.01, np.nan]))
    assert np.isnan(intersection_union([]))
