import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.errors import ProfileError
from micrographia.representation.probes.labels import as_labels, coded, cross, listed, pair_counts


def test_labels_are_numbered_in_the_order_of_their_names_and_missing_is_minus_one():
    found = coded(["b", None, "a", "b", float("nan")])
    assert found.codes.tolist() == [1, -1, 0, 1, -1]
    assert found.names == ("a", "b")
    assert found.missing == 2
    assert found.labels.tolist() == ["b", None, "a", "b", None]
    assert found.counts.tolist() == [1, 2]


def test_numbers_are_sorted_as_numbers():
    assert coded([10, 9, 100]).names == (9, 10, 100)
    assert coded(np.array([2.0, np.nan, 1.0])).codes.tolist() == [1, -1, 0]
    assert coded(pd.Series([True, False])).codes.tolist() == [1, 0]


def test_tuples_and_mixed_types_are_labels():
    found = coded([("a", 1), ("a", 2), ("a", 1), 3])
    assert found.codes.tolist() == [1, 2, 1, 0]


def test_categories_and_pandas_missing():
    found = coded(pd.Series(pd.Categorical(["x", None, "y"], categories=["y", "x", "unused"])))
    assert found.names == ("x", "y")
    assert found.codes.tolist() == [0, -1, 1]


def test_labels_that_cannot_be_hashed_are_refused():
    with pytest.raises(ProfileError, match="Give texts, numbers or tuples"):
        coded([["a"], ["b"]])


def test_no_rows():
    assert coded([]).n == 0
    assert coded([None]).missing == 1


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=30), st.randoms())
def test_codes_do_not_depend_on_the_order_of_rows(labels, random):
    order = list(range(len(labels)))
    random.shuffle(order)
    first, second = coded(labels), coded([labels[at] for at in order])
    assert first.names == second.names
    assert second.codes.tolist() == [first.codes[at] for at in order]


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), max_size=40))
def test_pairs_are_counted(rows):
    first = coded([None if a < 0 else a for a, _ in rows])
    second = coded([None if b < 0 else b for _, b in rows])
    found = pair_counts(first, second)
    wanted = pd.Series([row for row in rows if min(row) >= 0], dtype=object).value_counts()
    got = {
        (first.names[a], second.names[b]): n
        for a, b, n in zip(found["first"], found["second"], found["rows"], strict=True)
    }
    assert got == wanted.to_dict()
    both = cross(first.codes, second.codes)
    assert [at < 0 for at in both.tolist()] == [min(row) < 0 for row in rows]


def test_numbers_of_labels_become_labels_again():
    assert coded(as_labels(np.array([1, -1, 0]))).codes.tolist() == [1, -1, 0]


def test_long_lists_are_cut():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg"), 3) == "a, b, c and 4 more"
    assert listed(["x" * 50]) == "x" * 37 + "..."
