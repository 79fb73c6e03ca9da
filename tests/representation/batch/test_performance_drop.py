"""The average performance drop: published figures to 12 digits, by hand, and the procedure that makes accuracies."""

import json

import numpy as np
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.batch import (
    average_performance_drop,
    correlated_accuracies,
    correlated_splits,
    cramers_v,
)


@pytest.mark.real_data
@pytest.mark.parametrize("study", ["camelyon", "tcga", "tolkach_esca"])
@pytest.mark.parametrize(("raw", "summary"), [("ID", "id"), ("OOD", "ood")])
def test_reproduces_published_drops(data, study, raw, summary):
    folder = data / "golden/pathorob_apd"
    accuracies = json.loads((folder / f"uni2h_{study}_raw.json").read_text())[f"{raw}_test_accuracies"]
    told = json.loads((folder / f"uni2h_{study}_summary.json").read_text())
    found = average_performance_drop(accuracies)
    assert found.drop == pytest.approx(told[f"apd_{summary}"], abs=1e-12)
    means = np.mean(accuracies, axis=1)
    np.testing.assert_allclose(means, told[f"{raw}_test_accuracy_means"], rtol=1e-12)
    assert found.by_step[1:].mean() == pytest.approx(found.drop)
    assert found.by_repeat.mean() == pytest.approx(found.drop)


@pytest.mark.real_data
def test_is_the_mean_of_ratios_not_the_ratio_of_means(data):
    raw = json.loads((data / "golden/pathorob_apd/uni2h_camelyon_raw.json").read_text())
    inside = average_performance_drop(raw["ID_test_accuracies"])
    assert inside.drop == pytest.approx(-0.0462926520863586, abs=1e-12)
    assert average_performance_drop(raw["OOD_test_accuracies"]).drop == pytest.approx(
        -0.0131458909083446, abs=1e-12
    )
    means = np.mean(raw["ID_test_accuracies"], axis=1)
    assert (means[1:] / means[0] - 1).mean() == pytest.approx(-0.0463712, abs=1e-7)
    assert inside.n_repeats == 20


def test_by_hand():
    found = average_performance_drop([[0.8, 1.0], [0.8, 0.5], [0.4, 0.5]])
    assert found.drop == pytest.approx((0 - 0.5 - 0.5 - 0.5) / 4)
    np.testing.assert_allclose(found.by_step, [0, -0.25, -0.5])
    np.testing.assert_allclose(found.by_repeat, [-0.25, -0.5])
    assert average_performance_drop(np.full((4, 3), 0.7)).drop == 0


def test_what_cannot_be_evaluated_is_nan_with_a_reason():
    one = average_performance_drop([[0.5, 0.6]])
    assert np.isnan(one.drop)
    assert one.reason == "there is one step only"
    some = average_performance_drop([[0.5, 0.0, np.nan], [0.25, 0.5, 0.5]])
    assert some.drop == -0.5
    assert some.reason == "2 of 3 repeats lack accuracies or start at 0"
    assert np.isnan(some.by_repeat).tolist() == [False, True, True]
    none = average_performance_drop([[0.0], [0.5]])
    assert np.isnan(none.drop)
    assert "starts above 0" in none.reason
    with pytest.raises(ValueError, match="not within 0 and 1"):
        average_performance_drop([[90.0], [80.0]])
    with pytest.raises(ValueError, match="steps, repeats"):
        average_performance_drop([0.9, 0.8])


def design(seed=0, classes=2, centres=2, patients=6, rows=10, away=True):
    """Patients nested in centres, each with rows of every class; the centre ``far`` is not trained on."""
    random = np.random.default_rng(seed)
    biology, centre, patient = [], [], []
    for place in [f"c{at}" for at in range(centres)] + (["far"] if away else []):
        for number in range(patients):
            for kind in range(classes):
                biology += [f"k{kind}"] * rows
                centre += [place] * rows
                patient += [f"{place}-{number}"] * rows
    order = random.permutation(len(biology))
    return np.array(biology)[order], np.array(centre)[order], np.array(patient)[order]


@pytest.mark.parametrize(("classes", "centres"), [(2, 2), (3, 2), (2, 3), (4, 4)])
def test_splits_change_only_the_correlation(classes, centres):
    biology, centre, patient = design(classes=classes, centres=centres)
    splits = list(correlated_splits(biology, centre, patient, outside=["far"], steps=5, repeats=3))
    assert [(split.repeat, split.step) for split in splits] == [(r, s) for r in range(3) for s in range(5)]
    sizes = {len(split.train) for split in splits if split.repeat == 0}
    assert len(sizes) == 1
    for split in splits:
        assert len(np.unique(split.train)) == len(split.train)
        assert len(set(np.unique(biology[split.train], return_counts=True)[1])) == 1
        assert not set(patient[split.train]) & set(patient[np.concatenate([split.inside, split.outside])])
        assert set(centre[split.outside]) == {"far"}
        assert "far" not in centre[np.concatenate([split.train, split.inside])]
        assert split.strength == pytest.approx(cramers_v(biology[split.train], centre[split.train]))
        first = splits[split.repeat * 5]
        assert (split.inside == first.inside).all()
    strengths = np.array([split.strength for split in splits]).reshape(3, 5)
    np.testing.assert_allclose(strengths[:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(strengths[:, -1], 1)
    assert (np.diff(strengths, axis=1) > 0).all()
    assert len({tuple(split.train) for split in splits if split.step == 4}) == 3


def test_splits_are_the_same_for_the_same_seed_and_differ_for_another():
    biology, centre, patient = design()
    draw = [list(correlated_splits(biology, centre, patient, repeats=2, seed=seed)) for seed in (1, 1, 2)]
    assert all((a.train == b.train).all() for a, b in zip(draw[0], draw[1], strict=True))
    assert any(
        len(a.train) != len(c.train) or (a.train != c.train).any()
        for a, c in zip(draw[0], draw[2], strict=True)
    )


def embedding(biology, centre, patient, biological, central, seed=0):
    random = np.random.default_rng(seed)
    kinds, places = (np.unique(labels, return_inverse=True)[1] for labels in (biology, centre))
    values = random.normal(size=(len(biology), 12))
    values[:, 0] += biological * kinds
    values[:, 1] += central * places
    values[:, 2] += central * (places == 1)
    return values + random.normal(size=(60, 12))[np.unique(patient, return_inverse=True)[1]] * 0.2


def test_an_embedding_that_sees_the_centre_loses_and_one_that_does_not_keeps():
    biology, centre, patient = design(patients=8)
    options = {"outside": ["far"], "steps": 4, "repeats": 5}
    keeps = correlated_accuracies(
        embedding(biology, centre, patient, 3, 0), biology, centre, patient, **options
    )
    loses = correlated_accuracies(
        embedding(biology, centre, patient, 1.5, 6), biology, centre, patient, **options
    )
    assert keeps.inside.shape == (4, 5)
    assert keeps.inside[0].mean() > 0.85
    assert abs(keeps.drop_inside.drop) < 0.03
    assert abs(keeps.drop_outside.drop) < 0.03
    assert loses.drop_inside.drop < -0.08
    assert (loses.drop_inside.by_repeat < 0).all()
    np.testing.assert_allclose(keeps.strength[[0, -1]], [0, 1], atol=1e-12)
    assert keeps.chance == 0.5
    assert keeps.drop_inside.by_step[-1] > loses.drop_inside.by_step[-1]


def test_a_constant_embedding_is_at_chance_and_drops_nothing():
    biology, centre, patient = design(classes=3)
    found = correlated_accuracies(np.ones((len(biology), 4)), biology, centre, patient, steps=3, repeats=2)
    np.testing.assert_allclose(found.inside, 1 / 3)
    assert found.drop_inside.drop == 0
    assert np.isnan(found.outside).all()
    assert np.isnan(found.drop_outside.drop)


def test_another_classifier_can_be_given():
    biology, centre, patient = design()
    asked = []

    def first_class(train, classes, test):
        asked.append(len(train))
        return np.full(len(test), classes.min())

    found = correlated_accuracies(
        np.ones((len(biology), 2)), biology, centre, patient, steps=2, repeats=2, classifier=first_class
    )
    assert len(asked) == 4
    assert set(asked) == {found.n_train}
    np.testing.assert_allclose(found.inside, 0.5)


def test_designs_that_cannot_tell_are_one_error():
    biology, centre, patient = design()
    with pytest.raises(ProfileError, match="1 biological labels and 3 training centres"):
        next(correlated_splits(np.full(len(biology), "t"), centre, patient))
    aliased = np.where(centre == "c0", "t", "n")
    with pytest.raises(ProfileError, match="biology and centre cannot be told apart there"):
        next(correlated_splits(aliased, centre, patient))
    with pytest.raises(ProfileError, match="there is no centre 'mars'"):
        next(correlated_splits(biology, centre, patient, outside=["mars"]))
    with pytest.raises(ValueError, match="steps must be at least 2"):
        next(correlated_splits(biology, centre, patient, steps=1))


def test_rows_without_label_or_features_take_no_part():
    biology, centre, patient = design()
    values = np.ones((len(biology), 2))
    biology = biology.astype(object)
    biology[:5] = None
    values[5:10] = np.nan
    seen = []

    def remember(train, classes, test):
        seen.append(np.isfinite(train).all() and np.isfinite(test).all() and (classes >= 0).all())
        return np.zeros(len(test), int)

    correlated_accuracies(values, biology, centre, patient, steps=2, repeats=1, classifier=remember)
    assert all(seen)


def test_cramers_v_by_hand():
    assert cramers_v(["a", "a", "b", "b"], ["x", "x", "y", "y"]) == pytest.approx(1)
    assert cramers_v(["a", "a", "b", "b"], ["x", "y", "x", "y"]) == 0
    # Table [[3, 1], [1, 3]]: chi2 = 8 * (9 - 1)^2 / 4^4 = 2; V = sqrt(2 / 8).
    assert cramers_v([0] * 4 + [1] * 4, [0, 0, 0, 1, 0, 1, 1, 1]) == pytest.approx(0.5)
    assert np.isnan(cramers_v([0, 0], [0, 1]))
