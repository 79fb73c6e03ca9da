import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import align, align_to, concatenate


def made(wells, name="made", names=("a", "b")):
    meta = pd.DataFrame({"plate": ["p"] * len(wells), "well": wells})
    numbers = np.array([[ord(str(well)[0]), at] for at, well in enumerate(wells)], dtype=float).reshape(-1, 2)
    return Profiles(numbers[:, : len(names)], meta, names, name)


@settings(max_examples=30, deadline=None)
@given(st.permutations("ABCDEF"), st.permutations("ABCDEF"))
def test_rows_come_in_the_order_of_the_first(one, other):
    first, second = align(made(list(one)), made(list(other)), ["plate", "well"])
    assert first.meta["well"].tolist() == second.meta["well"].tolist() == list(one)
    np.testing.assert_array_equal(second.values[:, 0], first.values[:, 0])


def test_rows_that_only_one_has_are_told_or_left_out():
    first, second = made(["A", "B", "C"], "images"), made(["C", "A"], "cells")
    with pytest.raises(
        ProfileError, match=r"3 rows and cells 2, of which 2.*plate p, well B is in images and not in cells"
    ):
        align(first, second, ["plate", "well"])
    with pytest.raises(ProfileError, match="well B is in images and not in cells"):
        align(second, first, ["plate", "well"])
    both = align(first, second, ["plate", "well"], strict=False)
    assert [one.meta["well"].tolist() for one in both] == [["A", "C"], ["A", "C"]]
    with pytest.raises(ProfileError, match="no row in common"):
        align(made(["A"]), made(["B"]), ["well"], strict=False)


@pytest.mark.parametrize(
    ("wells", "on", "said"),
    [
        (["A", "A"], ["well"], "several rows with well A"),
        (["A", None], ["well"], "1 rows without 'well'"),
        (["A", "B"], ["wells"], "no column 'wells'; did you mean 'well'"),
        (["A", "B"], [], "without columns"),
    ],
)
def test_keys_must_name_rows(wells, on, said):
    with pytest.raises(ProfileError, match=said):
        align(made(["A", "B"]), made(wells, "other"), on)


def test_a_table_gives_the_order():
    rows = pd.DataFrame({"well": ["C", "A"], "moa": ["x", "y"]})
    assert align_to(made(["A", "B", "C"]), rows, ["well"]).meta["well"].tolist() == ["C", "A"]
    with pytest.raises(ProfileError, match="lacks 1 of 2 rows, the first well C"):
        align_to(made(["A", "B"], "short"), rows, ["well"])


def test_plates_are_put_together_by_the_features_that_all_have():
    one, other = made(["A", "B"], names=("a", "b")), made(["C"], names=("a",))
    both = concatenate([one, other], name="both")
    assert (both.n, both.names, both.source["left_out"]) == (3, ("a",), ["b"])
    assert both.meta["well"].tolist() == ["A", "B", "C"]
    with pytest.raises(ProfileError, match="without a feature in common"):
        concatenate([one.select(["b"]), other])
    with pytest.raises(ProfileError, match="no parts"):
        concatenate([])


def test_text_is_no_number():
    first, second = made(["1", "2"], "text"), made(["A", "B"], "numbers")
    second = Profiles(second.values, second.meta.assign(well=[1, 2]), second.names, "numbers")
    with pytest.raises(ProfileError, match="'well' is text in one and numbers in the other"):
        align(first, second, ["well"])


def test_many_rows_are_aligned_in_little_memory():
    n = 300_000
    order = np.random.default_rng(0).permutation(n)
    meta = pd.DataFrame({"plate": np.arange(n) // 384, "well": np.arange(n) % 384})
    first = Profiles(np.arange(n, dtype=float)[:, None], meta, ("a",))
    second = Profiles(order.astype(float)[:, None], meta.iloc[order], ("a",))
    found = align(first, second, ["plate", "well"])[1]
    np.testing.assert_array_equal(found.values, first.values)
