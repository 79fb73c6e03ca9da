import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from micrographia.statistics import Scores, interval


def donors(n, per=8, seed=0, spread=0.2):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n), per)
    return Scores(
        rng.normal(0, spread, n)[groups] + rng.normal(0.5, 0.1, n * per), {"donor": groups.tolist()}
    )


@pytest.mark.parametrize("n", [4, 6, 12, 50])
def test_it_is_never_narrower_than_student(n):
    scores = donors(n)
    found = interval(scores, "donor")
    means = scores.values.reshape(n, -1).mean(axis=1)
    low, high = stats.t.interval(0.95, n - 1, means.mean(), stats.sem(means))
    assert found.low <= low + 1e-12
    assert found.high >= high - 1e-12
    assert (found.n_groups, found.level, found.reason) == (n, 0.95, "")
    assert found.method == ("bootstrap-t (all resamples)" if n <= 8 else "bootstrap-t")


def test_with_many_groups_it_agrees_with_other_bootstraps():
    values = np.random.default_rng(0).gamma(2, 1, 300)
    found = interval(Scores(values, {"donor": list(range(300))}), "donor", resamples=8000)
    bca = stats.bootstrap((values,), np.mean, n_resamples=5000, method="BCa", rng=np.random.default_rng(1))
    width = bca.confidence_interval.high - bca.confidence_interval.low
    assert found.low == pytest.approx(bca.confidence_interval.low, abs=0.08 * width)
    assert found.high == pytest.approx(bca.confidence_interval.high, abs=0.08 * width)


def test_items_of_a_group_are_not_independent():
    scores = donors(10, per=40)
    by_item = interval(Scores(scores.values, {}), "donor")
    by_donor = interval(scores, "donor")
    assert by_item.reason == "groups unknown, optimistic"
    assert by_item.n_groups == 400
    assert by_donor.high - by_donor.low > 3 * (by_item.high - by_item.low)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_below_four_groups_there_is_none(n):
    found = interval(donors(n), "donor")
    assert np.isnan([found.low, found.high]).all()
    assert found.method == "none"
    noun = "group" if n == 1 else "groups"
    assert found.reason == f"{n} {noun} of donor: an interval needs 4"


def test_nothing_to_evaluate():
    found = interval(Scores(np.full(5, np.nan), {"donor": list("abcde")}, reason="one class only"), "donor")
    assert np.isnan([found.low, found.high]).all()
    assert (found.n_groups, found.reason) == (0, "one class only")
    assert interval(Scores(np.array([]), {"donor": []}), "donor").reason == "no item can be evaluated"


def test_one_group_with_all_the_weight():
    weights = np.array([1.0, 1e-14, 1e-14, 1e-14])
    found = interval(Scores(np.arange(4.0), {"donor": list("abcd")}, weights), "donor")
    assert np.isnan(found.low)
    assert found.reason == "one group of donor holds all the weight"


def test_if_all_groups_are_right_the_bounds_decide():
    found = interval(Scores(np.ones(36), {"donor": [item // 3 for item in range(36)]}), "donor")
    assert found.high == 1
    assert found.low == pytest.approx(0.025 ** (1 / 12), abs=0.02)
    assert found.method == "bounds of the score"


def test_if_all_groups_are_alike_and_no_bounds_are_known_nothing_is():
    found = interval(Scores(np.full(12, 3.0), {"donor": list(range(12))}), "donor")
    assert np.isnan([found.low, found.high]).all()
    assert found.reason == "all 12 groups of donor score the same, so their spread is unknown"
    known = interval(Scores(np.full(12, 3.0), {"donor": list(range(12))}, bounds=(0, 3)), "donor")
    assert (known.high, known.low > 1.5) == (3.0, True)


def test_an_interval_stays_within_bounds():
    values = np.repeat([1.0, 1.0, 0.0, 1.0, 1.0, 1.0], 4)
    values[::7] = 0
    found = interval(Scores(values, {"donor": [item // 4 for item in range(24)]}), "donor")
    assert 0 <= found.low < found.high <= 1


def weeks(seed, week_spread):
    rng = np.random.default_rng(seed)
    compound, week = np.divmod(np.arange(120), 8)
    values = rng.normal(0, 0.2, 15)[compound] + rng.normal(0, week_spread, 8)[week] + rng.normal(0, 0.1, 120)
    return Scores(
        values, {"compound": compound.tolist(), "week": week.tolist(), "batch": (week * 10).tolist()}
    )


def test_crossed_factors_are_at_least_as_wide_as_each():
    for seed in range(3):
        scores = weeks(seed, 0.3)
        both = interval(scores, "compound", ["week"])
        for single in (interval(scores, "compound"), interval(scores, "week")):
            assert both.low <= single.low + 0.02
            assert both.high >= single.high - 0.02
        assert both.n_groups == 15
        assert both.method == "bootstrap-t, widest of pigeonhole and single factors"


def test_a_factor_named_twice_or_dividing_the_same_counts_once():
    scores = weeks(0, 0.3)
    assert interval(scores, "week", ["week", "batch"]) == interval(scores, "week")


def test_a_crossed_factor_with_few_levels_forbids_it():
    scores = Scores(
        np.random.default_rng(0).random(24), {"compound": list(range(12)) * 2, "week": [0] * 12 + [1] * 12}
    )
    found = interval(scores, "compound", ["week"])
    assert np.isnan(found.low)
    assert found.reason == "2 groups of week: an interval needs 4"
    assert found.n_groups == 12


def test_the_seed_and_nothing_else_decides():
    scores = donors(12)
    assert interval(scores, "donor", seed=1) == interval(scores, "donor", seed=1)
    assert interval(scores, "donor", seed=1) != interval(scores, "donor", seed=2)
    assert interval(donors(6), "donor", seed=1) == interval(donors(6), "donor", seed=2)


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 14), st.floats(-5, 5), st.floats(0.01, 100), st.randoms())
def test_order_names_shift_and_scale(n, shift, scale, random):
    scores = donors(n, per=3)
    found = interval(scores, "donor", resamples=200)
    order = random.sample(range(3 * n), 3 * n)
    labels = [scores.factors["donor"][place] for place in order]
    moved = interval(Scores(shift + scale * scores.values[order], {"donor": labels}), "donor", resamples=200)
    np.testing.assert_allclose(
        [moved.low, moved.high], [shift + scale * x for x in (found.low, found.high)], rtol=1e-6
    )


def test_wrong_arguments():
    with pytest.raises(ValueError, match="no factor 'plate'"):
        interval(donors(6), "plate")
    with pytest.raises(ValueError, match="level"):
        interval(donors(6), "donor", level=95)


def nearest_is_right(values, compound, moa):
    values = values / np.linalg.norm(values, axis=1, keepdims=True)
    similarity = values @ values.T
    similarity[compound[:, None] == compound] = -np.inf
    return (moa[similarity.argmax(axis=1)] == moa).astype(float)


def test_103_treatments_are_38_compounds(data):
    """Treatments of one compound succeed and fail together: by compound the interval is wider."""
    wells = pd.read_csv(data / "bbbc021_profiles" / "BBBC021_feature_selected_mad_robustize.csv")
    names = {"Metadata_Compound": "compound", "Metadata_Concentration": "dose", "Metadata_moa": "moa"}
    wells = wells.rename(columns=names)
    features = [name for name in wells.columns if name.startswith(("Nuclei_", "Cells_", "Cytoplasm_"))]
    wells = wells[wells["compound"] != "DMSO"]
    wells = pd.concat([wells[list(names.values())], wells[features].clip(-20, 20)], axis=1)
    table = wells.groupby(["compound", "dose", "moa"])[features].median()
    compound = table.index.get_level_values("compound").to_numpy()
    right = nearest_is_right(table.to_numpy(), compound, table.index.get_level_values("moa").to_numpy())
    assert (len(features), len(right), right.sum()) == (189, 103, 94)
    scores = Scores(right, {"compound": compound.tolist(), "treatment": list(range(103))})
    by_compound, by_treatment = interval(scores, "compound"), interval(scores, "treatment")
    assert (by_compound.n_groups, by_treatment.n_groups) == (38, 103)
    assert by_compound.low < by_treatment.low < 94 / 103 < by_treatment.high
    assert by_compound.high - by_compound.low > by_treatment.high - by_treatment.low
    assert by_treatment.low == pytest.approx(0.84, abs=0.02)
    assert by_compound.low == pytest.approx(0.80, abs=0.05)


def test_a_great_many_groups_are_quick_and_students():
    values = np.random.default_rng(0).normal(size=200_000)
    found = interval(Scores(values, {}), "")
    expected = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    np.testing.assert_allclose([found.low, found.high], expected)
    assert found.method == "t"
