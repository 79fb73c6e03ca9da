import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from micrographia.errors import MicrographiaError, ProfileError
from micrographia.representation.probes import (
    accuracy_items,
    auc_items,
    group_folds,
    leave_group_out,
    one_per_class_holdouts,
    predict,
    r2_items,
)
from micrographia.representation.probes.models import PROBES

DONOR = np.repeat(np.arange(12), 5)
STAGE = np.array(["onset", "long", "none"])[DONOR // 4]


def made(seed=0, shift=0.0, d=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(60, d)) + shift * np.eye(3, d)[DONOR // 4]


@pytest.mark.parametrize("probe", list(PROBES))
def test_a_clear_signal_is_found_and_every_row_is_tested_16_times(probe):
    folds = one_per_class_holdouts(DONOR, STAGE)
    found = predict(made(shift=8), STAGE, folds, probe=probe)
    assert accuracy_items(found).score == 1
    assert auc_items(found).score == 1
    assert np.bincount(found.rows).tolist() == [16] * 60
    assert found.classes == ("long", "none", "onset")
    assert len(found.chosen) == found.n_holdouts == 64
    assert found.reason == ""
    assert found.notes == ()


@pytest.mark.parametrize("probe", list(PROBES))
def test_noise_scores_chance_on_average(probe):
    folds = one_per_class_holdouts(DONOR, STAGE, most=4)
    scores = [accuracy_items(predict(made(seed), STAGE, folds, probe=probe)).score for seed in range(16)]
    assert np.mean(scores) == pytest.approx(1 / 3, abs=3 * np.std(scores) / 4 + 0.005)


@pytest.mark.parametrize("probe", list(PROBES))
@pytest.mark.parametrize(
    "values", [np.ones((60, 3)), np.tile([[1.0], [2.0]], (30, 1)), np.full((60, 2), np.nan)]
)
def test_degenerate_features_score_chance(probe, values):
    found = predict(values, STAGE, one_per_class_holdouts(DONOR, STAGE), probe=probe)
    items = accuracy_items(found)
    if np.isnan(values).all():
        assert np.isnan(items.score)
        assert "features are missing in all rows" in found.notes[1]
    else:
        assert items.score == pytest.approx(1 / 3, abs=0.07)


def test_the_regression_is_ridge_of_standardised_features():
    x = made()
    y = x @ np.arange(6) + np.random.default_rng(1).normal(size=60)
    folds = leave_group_out(DONOR)
    found = predict(x, y, folds, probe="ridge", task="regression")
    assert r2_items(found).score > 0.9
    for number, (train, test) in enumerate(folds):
        scaler = StandardScaler().fit(x[train])
        moved = scaler.transform(x) / np.sqrt(6)
        oracle = Ridge(alpha=found.chosen[number] * len(train)).fit(moved[train], y[train])
        lines = found.holdouts == number
        np.testing.assert_allclose(found.predicted[lines], oracle.predict(moved[test]))
        np.testing.assert_allclose(found.reference[lines], y[train].mean())


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 100), st.sampled_from(list(PROBES)))
def test_test_rows_teach_nothing(seed, probe):
    """Predictions of a hold-out are the same whatever its test rows' features and labels were in other hold-outs."""
    x = made(seed, shift=1)
    folds = leave_group_out(DONOR)
    first = predict(x, STAGE, folds, probe=probe)
    labels = STAGE.copy()
    labels[:5] = "none"  # donor 0 changes its label, which is known only where it does not train
    second = predict(x, labels, folds, probe=probe)
    lines = first.holdouts == 0
    np.testing.assert_array_equal(first.scores[lines], second.scores[lines])
    assert first.chosen[0] == second.chosen[0]


@pytest.mark.parametrize("probe", list(PROBES))
def test_the_same_whatever_the_number_of_workers_and_the_order_of_rows(probe):
    x, folds = made(shift=1), group_folds(DONOR, 4, labels=STAGE)
    one, two = (predict(x, STAGE, folds, probe=probe, workers=workers) for workers in (1, 3))
    np.testing.assert_array_equal(one.scores, two.scores)
    assert one.chosen == two.chosen
    order = np.random.default_rng(0).permutation(60)
    moved = predict(x[order], STAGE[order], group_folds(DONOR[order], 4, labels=STAGE[order]), probe=probe)
    assert accuracy_items(moved).score == pytest.approx(accuracy_items(one).score)


def test_the_budget_is_the_same_for_every_candidate():
    """Parts and grid do not depend on features: other columns are tuned on the same rows."""

    class Spy:
        def __init__(self):
            self.rows = []

        def fit(self, _values, meta):
            self.rows.append(tuple(meta["row"]))
            return self

        def transform(self, values, _meta):
            return values

    meta = pd.DataFrame({"row": np.arange(60)})
    seen = []
    for values in (made(), made(3, shift=3, d=200), np.arange(60.0)):
        spy = Spy()
        predict(values, STAGE, one_per_class_holdouts(DONOR, STAGE, most=4), preprocess=spy, meta=meta)
        seen.append(spy.rows)
    assert seen[0] == seen[1] == seen[2]
    # Each hold-out trains once on its 9 donors and once on each of 3 parts of 6 donors, of which no donor is split.
    assert [len(rows) for rows in seen[0][:4]] == [30, 30, 30, 45]
    for rows in seen[0][:3]:
        assert len({DONOR[row] for row in rows}) == 6


def test_tuning_prefers_what_generalises():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 10))
    noise = predict(x, rng.normal(size=60), leave_group_out(DONOR), probe="ridge", task="regression")
    clear = predict(x, x @ np.arange(10), leave_group_out(DONOR), probe="ridge", task="regression")
    assert np.median(noise.chosen) >= 0.1
    assert max(clear.chosen) <= 1e-4
    assert np.isfinite(noise.inner).all()
    assert (clear.inner > 0.99).all()


def test_too_few_groups_to_tune_says_so():
    found = predict(made()[:10], ["a", "b"] * 5, leave_group_out(DONOR[:10]), probe="ridge")
    assert np.isnan(found.inner).all()
    assert "not tuned in 2 of 2 hold-outs" in found.notes[0]
    assert np.isfinite(found.scores).all()


def test_groups_kept_apart_do_not_train_in_tuning_either():
    week = np.array(["w1", "w2", "w3"])[DONOR % 3]
    folds = leave_group_out(DONOR).keep_apart(week)
    found = predict(made(shift=5), STAGE, folds)
    train, _ = folds.pair(0)
    assert set(week[train]) == {"w2", "w3"}
    assert accuracy_items(found).score > 0.9


def test_rows_without_label_neither_train_nor_test():
    labels = STAGE.astype(object)
    labels[::7] = None
    found = predict(made(shift=8), labels, leave_group_out(DONOR))
    assert not set(found.rows) & set(range(0, 60, 7))
    assert "9 rows have no label" in found.reason
    assert accuracy_items(found).score == 1


def test_a_class_that_no_training_row_has_is_not_an_error_of_the_features():
    labels = STAGE.astype(object)
    labels[:5] = "lone"
    found = predict(made(shift=8), labels, leave_group_out(DONOR))
    items = accuracy_items(found)
    assert np.isnan(items.values[:5]).all()
    assert np.isfinite(items.values[5:]).all()
    assert "5 rows were tested whose class" in items.reason


@pytest.mark.parametrize(
    ("labels", "groups", "reason"),
    [
        (["a"] * 60, DONOR, r"all rows have one label \(a\)"),
        ([None] * 60, DONOR, "no row has a label"),
        (STAGE, ["d"] * 60, "one group only"),
    ],
)
def test_what_cannot_be_asked_is_nan_with_a_reason(labels, groups, reason):
    found = predict(made(), labels, leave_group_out(groups))
    assert len(found.rows) == 0
    assert np.isnan(accuracy_items(found).score)
    assert re.search(reason, accuracy_items(found).reason)


def test_balanced_training_finds_a_rare_class():
    rng = np.random.default_rng(0)
    groups = np.arange(200) % 10
    rare = rng.random(200) < 0.1
    x = rng.normal(size=(200, 2)) + rare[:, None] * 1.0
    folds = leave_group_out(groups)
    for probe in PROBES:
        plain = accuracy_items(predict(x, rare, folds, probe=probe), balanced=True).score
        even = accuracy_items(predict(x, rare, folds, probe=probe, balanced=True), balanced=True).score
        assert even > plain + 0.05, probe


def test_bad_input_is_told():
    folds = leave_group_out(DONOR)
    with pytest.raises(ProfileError, match="60 rows of features and 59 targets"):
        predict(made(), STAGE[:59], folds)
    with pytest.raises(ProfileError, match="rows in the hold-outs"):
        predict(made()[:50], STAGE[:50], folds)
    with pytest.raises(ProfileError, match="'onset' is no number"):
        predict(made(), STAGE, folds, probe="ridge", task="regression")
    with pytest.raises(ValueError, match="use ridge"):
        predict(made(), STAGE, folds, probe="linear", task="regression")
    with pytest.raises(ValueError, match="no probe 'forest'"):
        predict(made(), STAGE, folds, probe="forest")

    class Breaks:
        def fit(self, _values, _meta):
            raise ProfileError("tvn", "needs controls")

    with pytest.raises(MicrographiaError, match="needs controls"):
        predict(made(), STAGE, folds, preprocess=Breaks())


def test_ten_million_rows_with_one_label_are_answered():
    n = 2_000_000
    labels = np.zeros(n, dtype=np.int8)
    found = predict(np.zeros((n, 1), np.float32), labels, leave_group_out(np.arange(n) % 4))
    assert "one label (0)" in found.reason
