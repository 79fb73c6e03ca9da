import numpy as np
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.probes import (
    accuracy_items,
    one_per_class_holdouts,
    permutation_null,
    predict,
)

DONOR = np.repeat(np.arange(8), 3)
STAGE = np.array(["a", "b"])[DONOR // 4]


def pipeline(values):
    def score(labels):
        folds = one_per_class_holdouts(DONOR, labels, most=8)
        return accuracy_items(predict(values, labels, folds, probe="ridge")).score

    return score


def test_all_70_assignments_of_two_stages_are_tried():
    values = np.random.default_rng(0).normal(size=(24, 2)) + 5 * (DONOR[:, None] // 4)
    null = permutation_null(STAGE, DONOR, pipeline(values))
    assert null.distinct == 70
    assert len(null.permuted) == 70
    assert null.observed == 1
    # The assignment and its mirror image score the same.
    assert null.p == pytest.approx(2 / 70)
    assert null.reason == ""


def test_noise_is_at_chance_through_the_whole_pipeline():
    values = np.random.default_rng(3).normal(size=(24, 2))
    null = permutation_null(STAGE, DONOR, pipeline(values), n=40, seed=1, workers=2)
    assert len(null.permuted) == 40
    assert null.p > 0.05
    assert null.chance == pytest.approx(0.5, abs=0.1)
    again = permutation_null(STAGE, DONOR, pipeline(values), n=40, seed=1)
    np.testing.assert_array_equal(null.permuted, again.permuted)


def test_labels_move_with_their_groups():
    seen = []

    def score(labels):
        seen.append(labels)
        return 0.0

    labels = STAGE.astype(object)
    labels[DONOR == 7] = None
    permutation_null(labels, DONOR, score, n=30)
    for row in seen:
        assert all(len(set(row[donor == DONOR])) == 1 for donor in range(8))
        assert [donor for donor in range(8) if row[donor == DONOR][0] is None] == [7]
        assert sorted(row[DONOR < 7]) == ["a"] * 12 + ["b"] * 9


def test_labels_stay_within_their_blocks():
    batch = DONOR % 2

    def score(labels):
        assert sorted(labels[batch == 0]) == ["a"] * 6 + ["b"] * 6
        return 0.0

    null = permutation_null(STAGE, DONOR, score, blocks=batch)
    assert null.distinct == 36
    assert null.p == 1


def test_too_few_assignments_are_refused():
    null = permutation_null(["a", "a", "b", "b"], [0, 1, 2, 3], lambda _: 1.0)
    assert np.isnan(null.p)
    assert null.distinct == 6
    assert "only 6 distinct permutations" in null.reason
    assert np.isnan(null.chance)


def test_labels_that_vary_within_a_group_were_not_assigned_to_it():
    with pytest.raises(ProfileError, match=r"labels vary within groups .* d1"):
        permutation_null(["a", "b", "a"], ["d1", "d1", "d2"], lambda _: 1.0)
    with pytest.raises(ProfileError, match="blocks vary"):
        permutation_null(["a", "a", "b"], ["d1", "d1", "d2"], lambda _: 1.0, blocks=[0, 1, 1])


def test_an_undefined_score_has_no_p():
    null = permutation_null(STAGE, DONOR, lambda _: float("nan"))
    assert np.isnan(null.p)
    assert null.reason == "the score is not defined"
