import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from micrographia.errors import ProfileError
from micrographia.representation import profiles_problems
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_problems import duplicate_sets, problems


def made(values, **columns):
    values = np.asarray(values, dtype=float)
    meta = pd.DataFrame(columns, index=range(len(values)))
    return Profiles(values, meta, tuple(f"f{at}" for at in range(values.shape[1])))


def test_nothing_is_said_of_good_profiles():
    rng = np.random.default_rng(0)
    assert problems(made(rng.normal(size=(30, 4)), moa=["a", "b", "c"] * 10)) == []


def test_values_are_counted():
    values = np.random.default_rng(0).normal(size=(5, 5))
    values[0, 0] = np.nan
    values[:, 1] = np.nan
    values[2, 2] = -np.inf
    values[:, 3] = 7
    said = problems(made(values))
    assert said == [
        "6 values are NaN, in 2 features of 5: f0, f1; 1 of them hold nothing else",
        "1 value is infinite, in 1 feature of 5: f2",
        "1 feature of 5 has one value only: f3",
    ]


def test_identical_rows_are_counted():
    values = np.random.default_rng(0).normal(size=(6, 3))
    values[4] = values[1]
    values[5] = values[1]
    values[3, 0] = np.nan
    values[2] = values[3]
    said = problems(made(values))
    assert said[-1] == "5 rows of 6 are identical to another, in 2 sets: row 4 equals row 3"


def test_rows_of_one_value_are_counted():
    said = problems(made([[1, 1, 1], [1, 2, 3], [3, 2, 9]]))
    assert said == ["1 row of 3 has the same value in every feature"]


def test_labels_are_never_silently_grouped():
    profiles = made(np.arange(12).reshape(6, 2), moa=["x", None, "none", "X ", "x", "y"], note=[None] * 6)
    assert problems(profiles) == [
        "'moa' is missing in 1 row of 6: it is never one group",
        "'moa' says 'none' in 1 row of 6, which may mean that it is missing",
        "'moa' spells a label in 2 ways, which are 2 groups: 'X ' and 'x'",
    ]
    assert problems(profiles, ["note"]) == ["'note' is missing in all 6 rows"]
    with pytest.raises(ProfileError, match=r"no column 'mao'.*did you mean 'moa'"):
        problems(profiles, ["mao"])


def test_words_that_were_read_as_missing_are_told():
    profiles = made(np.arange(8).reshape(4, 2), moa=["a", None, None, "b"])
    told = Profiles(profiles.values, profiles.meta, profiles.names, "", {"missing_words": {"moa": {"NA": 2}}})
    assert problems(told) == [
        "'moa' is missing in 2 rows of 4 (2 of them said 'NA'): they are never one group"
    ]


def test_one_label_for_many_rows_is_told_quickly():
    n = 300_000
    meta = pd.DataFrame({"moa": pd.Categorical.from_codes(np.zeros(n, dtype=np.int8), ["DMSO"])})
    said = problems(Profiles(np.zeros((n, 2), np.float32), meta, ("a", "b")), ["moa"])
    assert said[-1] == "'moa' has one label only: 'DMSO'"
    assert "300,000 rows of 300,000 are identical" in said[-2]


CELLS = st.sampled_from([0.0, -0.0, 1.0, np.nan, np.inf, 1e-300])


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=CELLS))
def test_sets_of_duplicates_equal_the_plain_search(values):
    found = duplicate_sets(made(values))
    for row in range(len(values)):
        same = [at for at in range(row + 1) if np.array_equal(values[at], values[row], equal_nan=True)]
        assert found[row] == same[0]


def test_rows_with_one_hash_are_told_apart(monkeypatch):
    values = np.array([[1.0, 2], [3, 4], [1, 2], [3, 4], [5, 6]])
    monkeypatch.setattr(profiles_problems, "_hashes", lambda held: np.zeros(len(held), dtype=np.uint64))
    assert duplicate_sets(made(values)).tolist() == [0, 1, 0, 1, 4]
