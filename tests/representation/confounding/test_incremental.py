"""Simulated plates on which what an encoder sees is known."""

import numpy as np
import pytest

from micrographia.representation.confounding import count_matched, incremental, shares
from micrographia.representation.probes import group_folds, one_per_class_holdouts, predict
from micrographia.statistics import Verdict, compare

N_DONORS, PER = 20, 12
DONOR = np.repeat(np.arange(N_DONORS), PER)
FOLDS = group_folds(DONOR, 5)


def plates(seed=0, confounded=0.0, effect=2.0):
    """Rows of two treatments on every donor: density and texture set independently, density moved by ``confounded``."""
    rng = np.random.default_rng(seed)
    label = np.tile([0, 1], N_DONORS * PER // 2)
    donor = rng.normal(0, 0.5, (N_DONORS, 6))[DONOR]
    density = rng.normal(size=len(DONOR)) + confounded * label
    texture = rng.normal(size=len(DONOR)) + effect * label
    return rng, np.where(label, "treated", "control"), density[:, None], texture, donor


def seen(rng, donor, *signals):
    """An encoder that mixes what it sees into six features."""
    values = donor + rng.normal(0, 0.3, donor.shape)
    for signal in signals:
        values = values + np.outer(signal, rng.normal(size=6))
    return values


def groups(items):
    return items.scores({"donor": DONOR.tolist()})


def test_an_encoder_that_sees_only_density_adds_nothing_to_it():
    rng, label, density, _, donor = plates(confounded=1.5)
    found = incremental(density, seen(rng, donor, density[:, 0]), label, FOLDS, probe="ridge")
    assert found.metric == "accuracy"
    assert found.marginal.score > 0.7  # it looks as if it knew the treatment
    told = compare(groups(found.both), groups(found.baseline), "donor", delta=0.1)
    assert told.verdict in (Verdict.EQUIVALENT, Verdict.UNDECIDED, Verdict.LOSES)
    assert abs(found.increment) < 0.05
    assert found.residualised.score < 0.6
    assert found.chance.score == pytest.approx(0.5, abs=0.01)


def test_an_encoder_that_sees_the_phenotype_adds_it():
    rng, label, density, texture, donor = plates(confounded=1.5)
    found = incremental(density, seen(rng, donor, density[:, 0], texture), label, FOLDS, probe="ridge")
    told = compare(groups(found.both), groups(found.baseline), "donor", delta=0.02)
    assert told.verdict == Verdict.BEATS
    assert found.residualised.score > 0.65
    assert found.increment == pytest.approx(found.both.score - found.baseline.score)


def test_a_null_plate_gives_no_verdict_for_either():
    rng, label, density, texture, donor = plates(effect=0.0)
    found = incremental(density, seen(rng, donor, texture), label, FOLDS, probe="ridge")
    told = compare(groups(found.both), groups(found.baseline), "donor", delta=0.1)
    assert told.verdict in (Verdict.EQUIVALENT, Verdict.UNDECIDED)


def test_one_baseline_feature_is_not_drowned_by_hundreds():
    rng, label, density, _, _ = plates(confounded=3)
    noise = rng.normal(size=(len(DONOR), 400))
    found = incremental(density, noise, label, FOLDS, probe="ridge")
    assert found.both.score > found.baseline.score - 0.06


def test_regression_and_other_metrics():
    rng, label, density, texture, donor = plates()
    values = seen(rng, donor, texture)
    found = incremental(density, values, texture, FOLDS, task="regression", probe="ridge")
    assert found.metric == "r2"
    assert found.increment > 0.4
    assert incremental(density, values, label, FOLDS, metric="auc", probe="ridge").chance.score == 0.5


def test_a_wide_baseline_is_not_regressed_out_and_says_so():
    rng, label, _, _, donor = plates()
    wide = rng.normal(size=(len(DONOR), 120))
    found = incremental(wide, donor, label, FOLDS, probe="ridge")
    assert found.residualised is None
    assert "120 features for 192 training rows" in found.reason


def test_shares_of_an_encoder_of_density_are_shared_and_of_one_of_texture_unique():
    rng, label, density, texture, donor = plates(confounded=1.5)
    told = {}
    for name, signals in (("density", [density[:, 0]]), ("texture", [texture])):
        found = incremental(density, seen(rng, donor, *signals), label, FOLDS, probe="ridge")
        told[name] = shares(
            *(groups(items) for items in (found.baseline, found.marginal, found.both, found.chance)), "donor"
        )
    parts = told["density"]
    assert parts.explained.value > 0.8
    assert parts.unique.low < 0.05
    total = parts.unique.value + parts.unique_baseline.value + parts.shared.value + parts.residual.value
    assert total == pytest.approx(1)
    assert told["texture"].unique.low > 0.05
    assert told["texture"].explained.value < parts.explained.value
    assert parts.shared.low < parts.shared.value < parts.shared.high


def test_shares_are_suppressed_where_nothing_beats_chance():
    rng, label, density, _, donor = plates(effect=0.0)
    found = incremental(density, seen(rng, donor), label, FOLDS, probe="ridge")
    told = shares(
        *(groups(items) for items in (found.baseline, found.marginal, found.both, found.chance)), "donor"
    )
    assert np.isnan(told.unique.value)
    assert "not above chance" in told.reason
    json = told.to_json()
    assert json["unique"] is None
    assert json["reason"] == told.reason


def test_matching_takes_the_density_out_of_the_labels():
    rng, label, density, _, donor = plates(confounded=1.5)
    values = seen(rng, donor, density[:, 0])
    kept = count_matched(density[:, 0], label, DONOR, bins=20)
    rows = np.flatnonzero(kept.rows)
    folds = group_folds(DONOR[rows], 5)
    before = predict(values, label, FOLDS, probe="ridge").correct.mean()
    after = predict(values[rows], label[rows], folds, probe="ridge").correct.mean()
    assert before > 0.7
    assert after < 0.62
    assert kept.n < len(DONOR)


def test_one_donor_per_class_held_out_works_throughout():
    stage = np.where(DONOR < 10, "a", "b")
    rng = np.random.default_rng(0)
    folds = one_per_class_holdouts(DONOR, stage, most=20)
    density = rng.normal(size=(len(DONOR), 1))
    values = rng.normal(size=(len(DONOR), 3)) + (DONOR < 10)[:, None] * 3
    found = incremental(density, values, stage, folds, probe="ridge")
    assert found.chance.score == pytest.approx(0.5)
    assert found.both.score > 0.95
    assert found.baseline.score == pytest.approx(0.5, abs=0.12)
