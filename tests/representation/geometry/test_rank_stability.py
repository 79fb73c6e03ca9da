"""The order of candidates across settings: by hand, against scipy, and what makes no order."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from micrographia.representation.geometry import rank_stability
from micrographia.representation.geometry.rank_stability import tau_b

TABLE = {
    "mAP": {"vit": 0.5, "cnn": 0.4, "count": 0.3},
    "probe": {"vit": 0.7, "cnn": 0.8, "count": 0.2},
    "error": {"vit": 0.1, "cnn": 0.2, "count": 0.9},
}


def test_by_hand():
    found = rank_stability(TABLE, lower_is_better=["error"])
    assert found.orders == (("vit", "cnn", "count"), ("cnn", "vit", "count"), ("vit", "cnn", "count"))
    third = 1 / 3
    np.testing.assert_allclose(found.tau, [[1, third, 1], [third, 1, third], [1, third, 1]])
    # Trusting mAP costs 0.8 - 0.7 in the probe; trusting the probe costs 0.1 in mAP and 0.1 of error.
    np.testing.assert_allclose(found.regret, [[0, 0.1, 0], [0.1, 0, 0.1], [0, 0.1, 0]], atol=1e-12)
    assert found.wins == {"vit": 2, "cnn": 1, "count": 0}
    assert found.mean_tau == pytest.approx(5 / 9)
    assert found.smallest_p == pytest.approx(1 / 6)
    assert found.sentence() == "vit is first in 2 of 3 settings; mean Kendall tau between their orders 0.56."


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), m=st.integers(2, 9), levels=st.integers(2, 6))
def test_tau_equals_scipy_with_ties_and_gaps(seed, m, levels):
    random = np.random.default_rng(seed)
    scores = random.integers(levels, size=(4, m)).astype(float)
    scores[random.random(scores.shape) < 0.1] = np.nan
    found = tau_b(scores)
    for a in range(4):
        for b in range(4):
            both = np.isfinite(scores[a]) & np.isfinite(scores[b])
            x, y = scores[a, both], scores[b, both]
            if len(set(x)) > 1 and len(set(y)) > 1:
                assert found[a, b] == pytest.approx(kendalltau(x, y).statistic)
            else:
                assert np.isnan(found[a, b])


def test_factors_say_which_choice_changes_the_order():
    rows = {}
    for metric in ("mAP", "1-NN"):
        for whitening in ("none", "ZCA"):
            order = [3, 2, 1] if whitening == "none" else [1, 2, 3]
            rows[(metric, whitening)] = dict(zip("abc", order, strict=True))
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index = pd.MultiIndex.from_tuples(list(rows), names=["metric", "whitening"])
    found = rank_stability(frame)
    assert found.settings[0] == "metric mAP, whitening none"
    assert found.by_factor == {"metric": 1.0, "whitening": -1.0}
    assert found.sentence().endswith("The order changes most with the whitening (tau -1.00).")
    assert found.sentence().startswith("a and c are first in 2 of 4 settings")


def test_ties_gaps_and_settings_without_an_order():
    table = {
        "good": {"a": 1, "b": 2, "c": None},
        "flat": {"a": 1, "b": 1, "c": 1},
        "empty": {"a": np.nan, "b": np.inf, "c": np.nan},
    }
    found = rank_stability(table)
    assert np.isnan(found.tau[1]).all()
    assert found.orders == (("b", "a"), ("a", "b", "c"), ())
    assert found.wins == {"a": 1, "b": 2, "c": 1}
    assert found.reason.startswith("2 of 3 settings have no order")
    assert "flat, empty" in found.reason
    assert np.isnan(found.mean_tau)
    assert found.sentence() == found.reason
    # Of several best candidates the mean is lost.
    assert found.regret[1, 0] == pytest.approx(0.5)
    told = found.to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["tau"][0] == [pytest.approx(1.0), None, None]


def test_errors():
    with pytest.raises(ValueError, match="no scores"):
        rank_stability({})
    with pytest.raises(ValueError, match="there is no setting 'f1'"):
        rank_stability(TABLE, lower_is_better=["f1"])
    with pytest.raises(ValueError, match="occurs twice"):
        rank_stability(pd.DataFrame([[1, 2]], columns=["a", "a"]))
