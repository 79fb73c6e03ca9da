import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from micrographia.representation.probes import (
    accuracy_items,
    group_folds,
    leave_group_out,
    majority_accuracy,
    one_per_class_holdouts,
    predict_prior,
    r2_items,
)

DONOR = np.repeat(np.arange(12), 10)
STAGE = np.array(["onset", "long", "none"])[DONOR // 4]


def test_leaving_one_donor_out_of_4_4_4_gives_0_and_the_64_triples_a_third():
    one = leave_group_out(DONOR)
    triples = one_per_class_holdouts(DONOR, STAGE)
    assert accuracy_items(predict_prior(STAGE, one)).score == 0
    assert majority_accuracy(STAGE, one) == (0, 0)
    assert accuracy_items(predict_prior(STAGE, triples)).score == pytest.approx(1 / 3)
    assert majority_accuracy(STAGE, triples) == pytest.approx((1 / 3, 1 / 3))


def test_the_prior_is_the_dummy_of_scikit_learn():
    labels = np.array(["a"] * 70 + ["b"] * 30 + ["c"] * 20)
    groups = np.arange(120) % 7
    folds = leave_group_out(groups)
    found = predict_prior(labels, folds)
    right = 0
    for number, (train, test) in enumerate(folds):
        oracle = DummyClassifier(strategy="prior").fit(np.zeros((len(train), 1)), labels[train])
        wanted = oracle.predict_proba(np.zeros((len(test), 1)))
        np.testing.assert_allclose(found.scores[found.holdouts == number], wanted)
        right += (oracle.predict(np.zeros((len(test), 1))) == labels[test]).sum()
    assert accuracy_items(found).score == pytest.approx(right / 120)
    assert majority_accuracy(labels, folds)[0] == pytest.approx(right / 120)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", "c", None])), min_size=1, max_size=50),
    st.sampled_from(["leave", "k", "balanced", "apart"]),
)
def test_counting_groups_gives_what_counting_rows_gives(rows, kind):
    groups = np.array([group for group, _ in rows])
    labels = np.array([label for _, label in rows], dtype=object)
    if kind == "balanced":
        labels = np.array(
            [None if label is None else "abc"[group % 3] for group, label in rows], dtype=object
        )
        folds = one_per_class_holdouts(groups, labels, most=5)
    elif kind == "k":
        folds = group_folds(groups, 3, labels=labels)
    else:
        folds = leave_group_out(groups)
    if kind == "apart":
        folds = folds.keep_apart(np.arange(len(rows)) % 3)
    found = predict_prior(labels, folds)
    wanted = accuracy_items(found).score, accuracy_items(found, balanced=True).score
    np.testing.assert_allclose(majority_accuracy(labels, folds), wanted)


def test_the_mean_of_the_training_rows_has_an_r2_of_0():
    y = np.random.default_rng(0).normal(size=120)
    found = predict_prior(y, leave_group_out(DONOR), task="regression")
    assert r2_items(found).score == pytest.approx(0)
    np.testing.assert_allclose(found.reference, found.predicted)


def test_one_label_has_no_chance():
    folds = leave_group_out(DONOR)
    assert np.isnan(majority_accuracy(["a"] * 120, folds)).all()
    assert "one label (a)" in accuracy_items(predict_prior(["a"] * 120, folds)).reason
