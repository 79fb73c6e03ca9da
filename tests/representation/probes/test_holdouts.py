from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.representation.probes import holdouts, one_per_class_holdouts

DONOR = np.repeat(np.arange(12), 10)
STAGE = np.array(["onset", "long", "none"])[DONOR // 4]


def test_four_donors_of_three_stages_make_64_triples():
    folds = one_per_class_holdouts(DONOR, STAGE)
    assert len(folds) == 64
    wanted = set(product(range(4), range(4, 8), range(8, 12)))
    assert {tuple(held.tolist()) for held in folds.held_out} == wanted
    assert set(folds.times_tested) == {16}
    for train, test in folds:
        assert {stage: (STAGE[train] == stage).sum() for stage in set(STAGE)} == dict.fromkeys(set(STAGE), 30)
        assert {stage: (STAGE[test] == stage).sum() for stage in set(STAGE)} == dict.fromkeys(set(STAGE), 10)


@given(st.lists(st.integers(2, 6), min_size=2, max_size=4), st.integers(1, 60), st.integers(0, 3))
def test_groups_of_a_class_are_held_out_equally_often(sizes, most, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    groups = np.arange(len(labels))
    folds = one_per_class_holdouts(groups, labels, most=most, seed=seed)
    assert 1 <= len(folds) <= max(most, 1)
    ways, whole = int(np.prod(sizes)), int(np.lcm.reduce(sizes))
    for label in range(len(sizes)):
        often = folds.times_tested[labels == label]
        assert often.sum() == len(folds)
        assert often.max() - often.min() <= (0 if ways <= most or whole <= most else 1)
    for held in folds.held_out:
        assert sorted(labels[held]) == list(range(len(sizes)))


def test_a_sample_repeats_no_holdout_and_is_the_same_for_a_seed():
    groups, labels = np.arange(24), np.repeat(np.arange(4), 6)
    folds = one_per_class_holdouts(groups, labels, most=100, seed=1)
    assert len(folds) == 96  # whole rounds of 6
    assert len({tuple(held.tolist()) for held in folds.held_out}) == 96
    assert "96 of 1,296 hold-outs" in folds.reason
    again = one_per_class_holdouts(groups, labels, most=100, seed=1)
    assert [held.tolist() for held in again.held_out] == [held.tolist() for held in folds.held_out]


def test_a_class_with_one_group_trains_and_is_never_tested():
    folds = one_per_class_holdouts(["a", "b", "c", "d", "e"], ["x", "x", "y", "y", "lone"])
    assert len(folds) == 4
    assert "never tested: lone" in folds.reason
    assert folds.times_tested.tolist() == [2, 2, 2, 2, 0]
    assert all(4 in train for train, _ in folds)


def test_where_it_is_impossible_it_says_why():
    few = one_per_class_holdouts(["a", "b", "c"], ["x", "x", "y"])
    assert len(few) == 0
    assert "1 of 2 classes have two groups or more" in few.reason
    mixed = one_per_class_holdouts(["a", "a", "b"], ["x", "y", "x"])
    assert len(mixed) == 0
    assert "several classes" in mixed.reason
    assert "a" in mixed.reason


def test_rows_without_group_or_label_are_not_tested():
    folds = one_per_class_holdouts(["a", "b", "c", "d", None, "a"], ["x", "x", "y", "y", "x", None])
    assert folds.times_tested.tolist() == [2, 2, 2, 2, 0, 0]
    assert "1 rows without a label" in folds.reason
    assert "1 rows without a group" in folds.reason


def test_holdouts_by_name():
    assert holdouts("balanced", DONOR, STAGE).kind == "one group a class"
    assert len(holdouts("group_k_fold", DONOR, STAGE, k=3)) == 3
    assert len(holdouts("leave_group_out", DONOR)) == 12
    with pytest.raises(ValueError, match="no hold-outs 'random'"):
        holdouts("random", DONOR)
    with pytest.raises(ValueError, match="need classes"):
        holdouts("balanced", DONOR)
    with pytest.raises(ValueError, match="at least 1"):
        one_per_class_holdouts(DONOR, STAGE, most=0)
    with pytest.raises(ValueError, match="2 labels for 120 rows"):
        one_per_class_holdouts(DONOR, ["a", "b"])
