import numpy as np
import pytest

from micrographia.representation.confounding import shares
from micrographia.statistics.scores import Scores

GROUPS = [f"d{at}" for at in np.repeat(np.arange(10), 20)]


def scored(p, seed, weights=None):
    values = (np.random.default_rng(seed).random(200) < p).astype(float)
    return Scores(values, {"donor": GROUPS}, weights)


def test_by_hand():
    # exact scores: B 0.6, Z 0.7, both 0.8, chance 0.5
    def exact(p):
        return Scores(np.tile((np.arange(20) < 20 * p).astype(float), 10), {"donor": GROUPS})

    # groups that all score the same have no known spread: shift a little between them
    def moved(p):
        values = exact(p).values + np.repeat(np.linspace(-0.02, 0.02, 10), 20)
        return Scores(values, {"donor": GROUPS})

    told = shares(moved(0.6), moved(0.7), moved(0.8), 0.5, "donor")
    assert told.unique.value == pytest.approx(0.4)
    assert told.unique_baseline.value == pytest.approx(0.2)
    assert told.shared.value == pytest.approx(0)
    assert told.residual.value == pytest.approx(0.4)
    assert told.explained.value == pytest.approx(0)


def test_a_copy_of_the_baseline_shares_everything():
    baseline = scored(0.8, 0)
    told = shares(baseline, baseline, baseline, 0.5, "donor")
    assert told.unique.value == pytest.approx(0)
    assert told.shared.value == pytest.approx((baseline.score - 0.5) / 0.5)
    assert told.explained.value == pytest.approx(1)
    assert told.reason == ""


def test_the_interval_of_the_explained_share_covers_the_truth():
    """Groups that vary: the ratio of two means is 0.5, and the interval holds it about as often as it says."""
    inside = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        own = np.repeat(rng.normal(0.3, 0.1, 10), 20) + rng.normal(0, 0.1, 200)
        shared = own * 0.5 + np.repeat(rng.normal(0, 0.05, 10), 20)
        # Z = own, common = B + Z - BZ = shared, with B = shared and BZ = Z
        told = shares(*(Scores(v, {"donor": GROUPS}) for v in (shared, own, own)), 0.0, "donor")
        inside += told.explained.low <= 0.5 <= told.explained.high
    assert inside >= 51


def test_the_explained_share_alone_is_suppressed_if_only_the_baseline_beats_chance():
    told = shares(scored(0.9, 1), scored(0.5, 2), scored(0.9, 1), 0.5, "donor")
    assert told.reason == ""
    assert np.isfinite(told.unique.value)
    assert np.isnan(told.explained.value)
    assert "alone is not above chance" in told.explained.reason
    assert told.to_json()["explained"] is None
    assert "alone is not above chance" in told.to_json()["reason"]


def test_few_groups_have_no_interval_and_so_no_shares():
    few = Scores(np.tile([1.0, 1.0, 0.0], 4), {"donor": ["a"] * 6 + ["b"] * 6})
    told = shares(few, few, few, 0.5, "donor")
    assert np.isnan(told.unique.value)
    assert "no interval: 2 groups of donor" in told.reason


def test_items_must_be_the_same():
    one = scored(0.8, 0)
    with pytest.raises(ValueError, match="199, 200, 200"):
        shares(Scores(one.values[:199], {"donor": GROUPS[:199]}), one, one, 0.5, "donor")
    other = shares(scored(0.8, 0, np.linspace(1, 2, 200)), one, one, 0.5, "donor")
    assert "rows weigh differently" in other.reason
    nothing = Scores(np.full(200, np.nan), {"donor": GROUPS})
    assert "no item could be evaluated" in shares(nothing, one, one, 0.5, "donor").reason


def test_chance_may_be_scores_of_the_same_items():
    prior = Scores(np.full(200, 0.5), {"donor": GROUPS})
    first = shares(scored(0.7, 0), scored(0.8, 1), scored(0.9, 2), prior, "donor")
    second = shares(scored(0.7, 0), scored(0.8, 1), scored(0.9, 2), 0.5, "donor")
    assert first == second
    sure = Scores(np.ones(200), {"donor": GROUPS})
    assert "together they are not above chance" in shares(sure, sure, sure, sure, "donor").reason
