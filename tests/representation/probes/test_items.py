"""Items against scikit-learn's scores, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, r2_score, roc_auc_score

from micrographia.representation.probes import accuracy_items, auc_items, by_name, r2_items
from micrographia.representation.probes.predictions import Part, assemble


def classified(parts, n, classes=("a", "b", "c"), reason=""):
    """Predictions from (rows, truth, scores) of each hold-out."""
    made = [
        Part(np.array(rows), np.array(truth), np.array(scores, float), np.nan, 1.0, 0.5)
        for rows, truth, scores in parts
    ]
    return assemble(
        made, task="classification", probe="linear", n=n, classes=classes,
        names=[str(at) for at in range(len(made))], reason=reason,
    )  # fmt: skip


def regressed(parts, n):
    made = [Part(np.array(rows), np.array(truth, float), np.array(found, float)[:, None], mean, 1.0, 0.5)
            for rows, truth, found, mean in parts]  # fmt: skip
    return assemble(
        made, task="regression", probe="ridge", n=n, classes=(), names=[str(at) for at in range(len(made))]
    )


RNG = np.random.default_rng(0)


def test_accuracy_and_balanced_accuracy_are_those_of_scikit_learn():
    truth = RNG.integers(0, 3, 90)
    scores = RNG.normal(size=(90, 3))
    halves = [(np.arange(45), truth[:45], scores[:45]), (np.arange(45, 90), truth[45:], scores[45:])]
    found = classified(halves, 90)
    assert accuracy_items(found).score == pytest.approx(accuracy_score(truth, scores.argmax(axis=1)))
    balanced = accuracy_items(found, balanced=True)
    assert balanced.score == pytest.approx(balanced_accuracy_score(truth, scores.argmax(axis=1)))
    assert balanced.metric == "balanced accuracy"
    assert found.predicted.tolist() == scores.argmax(axis=1).tolist()


def test_ties_count_at_expectation():
    found = classified([([0, 1, 2], [0, 1, 2], [[1, 1, 1], [2, 2, 1], [3, 1, 1]])], 3)
    np.testing.assert_allclose(accuracy_items(found).values, [1 / 3, 1 / 2, 0])


def test_a_row_is_averaged_over_its_holdouts_and_an_untested_one_is_nan():
    right, wrong = [1, 0, 0], [0, 1, 0]
    found = classified([([0, 1], [0, 0], [right, right]), ([0, 3], [0, 1], [wrong, wrong])], 4, reason="why")
    items = accuracy_items(found)
    np.testing.assert_array_equal(items.values, [0.5, 1, np.nan, 1])
    scores = items.scores({"donor": ["d1", "d1", "d2", "d2"]})
    assert scores.score == pytest.approx(2.5 / 3)
    assert (scores.n_items, scores.n_evaluable) == (4, 3)
    assert scores.reason == "why"
    assert scores.bounds == (0.0, 1.0)


def test_what_no_training_row_has_is_nan_and_told():
    nothing = [np.nan] * 3
    found = classified([([0, 1], [0, 2], [[1, 0, 0], nothing])], 2)
    items = accuracy_items(found, balanced=True)
    assert np.isnan(items.values[1])
    assert items.score == 1
    assert "1 rows were tested whose class or features no training row has" in items.reason
    assert found.predicted.tolist() == [0, -1]


@given(st.integers(0, 1000))
def test_r2_is_that_of_scikit_learn_if_the_reference_is_the_mean(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=20)
    guess = truth + rng.normal(size=20)
    found = regressed([(np.arange(20), truth, guess, truth.mean())], 20)
    assert r2_items(found).score == pytest.approx(r2_score(truth, guess))


def test_r2_by_hand_against_the_training_mean():
    found = regressed([([0, 1], [1, 3], [1, 2], 0.0), ([2], [5], [5], 1.0)], 4)
    items = r2_items(found)
    np.testing.assert_allclose(items.values, [1, 1 - 1 / 9, 1, np.nan])
    np.testing.assert_allclose(items.weights, [1, 9, 16, 0])
    assert items.score == pytest.approx(1 - 1 / 26)
    assert items.scores({}).bounds is None


def test_an_error_at_the_training_mean_still_counts():
    found = regressed([([0, 1], [0, 2], [1, 2], 0.0)], 2)
    assert r2_items(found).score == pytest.approx(1 - 1 / 4)


def test_r2_of_a_constant_target_is_undefined():
    items = r2_items(regressed([([0, 1], [2, 2], [2, 3], 2.0)], 2))
    assert np.isnan(items.score)
    assert "does not vary" in items.reason


def test_auc_is_that_of_scikit_learn_within_each_holdout():
    parts, wanted = [], []
    for at in range(3):
        truth = np.r_[0, 1, RNG.integers(0, 2, 18)]
        scores = RNG.normal(size=20).round(1)
        parts.append((np.arange(20) + 20 * at, truth, np.c_[-scores, scores]))
        wanted.append(roc_auc_score(truth, scores))
    items = auc_items(classified(parts, 60, ("no", "yes")))
    np.testing.assert_allclose(items.values, wanted)
    assert items.names == ("0", "1", "2")
    rows = auc_items(classified(parts[:1], 20, ("no", "yes")), by="row")
    assert rows.score == pytest.approx(wanted[0])
    assert len(rows.values) == 20


def test_auc_of_several_classes_is_the_macro_average_of_one_against_the_rest():
    truth = np.r_[0, 1, 2, RNG.integers(0, 3, 40)]
    scores = RNG.random((43, 3))
    scores /= scores.sum(axis=1, keepdims=True)
    found = classified([(np.arange(43), truth, scores)], 43)
    wanted = roc_auc_score(truth, scores, multi_class="ovr", average="macro")
    assert auc_items(found).score == pytest.approx(wanted)
    assert auc_items(found, by="row").score == pytest.approx(wanted)


def test_a_holdout_of_one_class_has_no_area():
    found = classified([([0, 1], [0, 0], [[1, 0, 0]] * 2), ([2, 3], [0, 1], [[1, 0, 0], [0, 1, 0]])], 4)
    items = auc_items(found)
    np.testing.assert_array_equal(items.values, [np.nan, 1])
    assert "one class only" in items.reason
    np.testing.assert_array_equal(auc_items(found, by="row").values, [np.nan, np.nan, 1, 1])


def test_equal_scores_are_chance():
    found = classified([([0, 1, 2], [0, 1, 2], [[0.2, 0.3, 0.5]] * 3)], 3)
    assert auc_items(found).score == 0.5


def test_metrics_by_name():
    found = classified([([0, 1], [0, 1], [[1, 0, 0]] * 2)], 2)
    assert by_name("balanced_accuracy", found).metric == "balanced accuracy"
    with pytest.raises(ValueError, match="no metric 'f1'"):
        by_name("f1", found)
    for maker in (accuracy_items, auc_items):
        with pytest.raises(ValueError, match="predictions of a regression"):
            maker(regressed([([0], [1], [1], 0.0)], 1))
    with pytest.raises(ValueError, match="predictions of a classification"):
        r2_items(found)


def test_no_predictions_are_nan():
    assert np.isnan(accuracy_items(classified([], 3, reason="one group")).score)
    assert np.isnan(auc_items(classified([], 3)).score)
    assert np.isnan(r2_items(regressed([], 3)).score)
