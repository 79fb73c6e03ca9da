import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.representation.probes import group_folds, leave_group_out

DONOR = np.repeat(np.arange(12), 10)
STAGE = np.array(["onset", "long", "none"])[DONOR // 4]


def test_each_group_is_held_out_once_and_never_trains_meanwhile():
    folds = leave_group_out(DONOR)
    assert len(folds) == 12
    for number, (train, test) in enumerate(folds):
        assert test.tolist() == list(range(number * 10, number * 10 + 10))
        assert sorted([*train, *test]) == list(range(120))
    assert set(folds.times_tested) == {1}
    assert folds.reason == ""
    assert folds.title(3) == "3"


def test_parts_hold_as_many_groups_of_every_class():
    for seed in range(5):
        folds = group_folds(DONOR, 4, labels=STAGE, seed=seed)
        for _, test in folds:
            assert {
                stage: len(set(DONOR[test][STAGE[test] == stage])) for stage in set(STAGE)
            } == dict.fromkeys(set(STAGE), 1)


def test_parts_have_about_as_many_rows():
    groups = np.repeat(np.arange(20), np.arange(1, 21))
    sizes = [len(test) for _, test in group_folds(groups, 4)]
    assert max(sizes) - min(sizes) <= 10
    assert sum(sizes) == len(groups)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), min_size=1, max_size=60),
    st.integers(2, 6),
    st.integers(0, 3),
)
def test_groups_are_never_split(rows, k, seed):
    groups = np.array([group for group, _ in rows])
    labels = np.array([label for _, label in rows])
    for folds in (group_folds(groups, k, labels=labels, seed=seed), leave_group_out(groups, labels=labels)):
        if len(set(groups)) < 2:
            assert len(folds) == 0
            assert "one group only" in folds.reason
            continue
        for train, test in folds:
            assert not set(groups[train]) & set(groups[test])
        for label in set(labels):
            lone = len(set(groups[labels == label])) == 1
            assert set(folds.times_tested[labels == label]) == ({0} if lone else {1})
            assert (f"{label}" in folds.reason) or not lone


def test_the_same_seed_gives_the_same_parts():
    first = [test.tolist() for _, test in group_folds(DONOR, 3, seed=4)]
    assert first == [test.tolist() for _, test in group_folds(DONOR, 3, seed=4)]
    assert first != [test.tolist() for _, test in group_folds(DONOR, 3, seed=5)]


def test_one_group_only_says_so():
    folds = leave_group_out(["d1"] * 5)
    assert len(folds) == 0
    assert "one group only (d1)" in folds.reason
    assert len(group_folds([None, None])) == 0


def test_rows_without_a_group_are_not_used_and_fewer_groups_make_fewer_parts():
    folds = group_folds(["a", "b", None, "b"], 5)
    assert len(folds) == 2
    assert "2 parts instead of 5" in folds.reason
    assert "1 rows without a group" in folds.reason
    assert folds.times_tested.tolist() == [1, 1, 0, 1]
    for train, test in folds:
        assert 2 not in [*train, *test]


def test_a_class_in_one_group_trains_and_is_not_tested():
    folds = leave_group_out(["a", "a", "b", "c"], labels=["x", "lone", "x", "x"])
    assert "in one group only, so never tested: lone" in folds.reason
    assert folds.times_tested.tolist() == [1, 0, 1, 1]
    train, test = folds.pair(1)
    assert train.tolist() == [0, 1, 3]
    assert test.tolist() == [2]


def test_rows_that_share_a_week_with_a_tested_row_do_not_train():
    compound = ["a", "a", "b", "c", "d"]
    week = ["w1", "w1", "w1", "w2", None]
    folds = leave_group_out(compound).keep_apart(week)
    assert folds.pair(0)[0].tolist() == [3, 4]
    assert folds.pair(2)[0].tolist() == [0, 1, 2, 4]
    assert folds.pair(3)[0].tolist() == [0, 1, 2, 3]  # an unknown week is shared with nothing
    with pytest.raises(ValueError, match="4 labels for 5 rows"):
        folds.keep_apart(week[:4])


def test_wrong_lengths_and_parts():
    with pytest.raises(ValueError, match="at least 2"):
        group_folds(DONOR, 1)
    with pytest.raises(ValueError, match="3 labels for 120 rows"):
        leave_group_out(DONOR, labels=["a"] * 3)


def test_memory_does_not_grow_with_the_number_of_holdouts():
    groups = np.repeat(np.arange(5000), 20)
    folds = leave_group_out(groups)
    held = sum(part.nbytes for part in folds.held_out) + folds.groups.nbytes
    assert held < 2_000_000
    train, test = folds.pair(4999)
    assert len(train) == 99_980
    assert test.tolist() == list(range(99_980, 100_000))
