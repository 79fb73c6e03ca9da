import math

import numpy as np
import pytest
from scipy import stats

from micrographia.segmentation.ranking.checking import check, check_all, sentences, spearman


def entry(key, score, true, status="ranked", consensus=math.nan):
    return {
        "key": key,
        "status": status,
        "score": score,
        "consensus": consensus,
        "true": None if true is None else {"f1": true},
        "by_measure": {"rand": score},
        "by_kind": {"noise": score},
    }


def test_four_models_can_give_no_p_below_one_in_twenty_four():
    found = check([entry(str(at), at / 10, at / 5) for at in range(4)])
    assert found["tau"] == found["spearman"] == 1
    assert found["p"] == found["smallest_p"] == found["spearman_p"] == pytest.approx(1 / 24)


def test_three_models_are_said_to_be_too_few():
    found = check([entry("a", 0.9, 0.8), entry("b", 0.8, 0.7), entry("c", 0.7, 0.1)])
    said = " ".join(sentences(found, 3))
    assert found["p"] == pytest.approx(1 / 6)
    assert "is not shown to agree" in said
    assert "With 3 models no p below 0.167 is possible" in said


def test_regret_is_what_trusting_the_order_costs_against_every_model():
    models = [
        entry("steady", 0.9, 0.5, consensus=0.4),
        entry("right", 0.8, 0.7, consensus=0.9),
        entry("empty", 0.0, 0.8, "worthless"),
    ]
    found = check(models)
    assert (found["taken"], found["best"]) == ("steady", "empty")
    assert found["regret"] == pytest.approx(0.3)
    assert found["regret_random"] == pytest.approx(0.8 - 2.0 / 3)
    assert found["regret_consensus"] == pytest.approx(0.1)
    assert found["best_left_out"] == 0.8
    assert found["tau"] == -1
    assert found["n_models"] == 2


def test_without_labels_there_is_nothing_to_check():
    assert check([entry("a", 0.9, None), entry("b", 0.8, None)]) is None
    assert check_all([[entry("a", 0.9, 0.8), entry("b", 0.8, 0.2)], [entry("a", 0.9, None)]]) is None


def test_equal_scores_have_no_order():
    found = check([entry("a", 0.9, 0.5), entry("b", 0.9, 0.7)])
    assert math.isnan(found["tau"])
    assert "cannot judge" in sentences(found, 2)[0]
    assert found["regret"] == pytest.approx(0.1)  # the mean of both that come first


def test_a_dataset_on_which_nothing_is_ranked_has_no_regret():
    found = check([entry("a", 0.0, 0.5, "worthless"), entry("b", math.nan, 0.7, "failed")])
    assert math.isnan(found["regret"])
    assert found["taken"] is None


def test_datasets_are_pooled():
    one = [entry("a", 0.9, 0.8), entry("b", 0.8, 0.7), entry("c", 0.7, 0.1)]
    other = [entry("a", 0.9, 0.4), entry("b", 0.8, 0.7), entry("c", 0.7, 0.1)]
    found = check_all([one, other])
    # Concordant minus discordant pairs: 3 and 1 of 3; at least 4 of 6 by chance: (1 + 2 + 2) / 36.
    assert found["tau"] == pytest.approx(4 / 6)
    assert found["p"] == pytest.approx(5 / 36)
    assert (found["regret"], found["regret_worst"]) == (pytest.approx(0.15), pytest.approx(0.3))


@pytest.mark.parametrize("seed", range(2))
def test_spearman_agrees_with_scipy(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 4, 6), rng.random(6)
    rho, p = spearman(x, y)
    assert rho == pytest.approx(stats.spearmanr(x, y).statistic)
    orders = stats.permutation_test(
        (x,), lambda held: stats.spearmanr(held, y).statistic, permutation_type="pairings", n_resamples=6000,
        alternative="greater", vectorized=False,
    )  # fmt: skip
    assert p == pytest.approx(orders.pvalue)


def test_spearman_of_many_models_is_drawn():
    x = np.arange(12.0)
    assert spearman(x, x) == (pytest.approx(1.0), pytest.approx(1 / 20_001))
    assert math.isnan(spearman([1.0], [2.0])[0])
    assert math.isnan(spearman([1.0, 1.0], [2.0, 3.0])[1])
    with pytest.raises(ValueError, match="scores"):
        spearman([1.0, 2.0], [1.0])
