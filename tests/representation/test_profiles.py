import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Profiles


def made(n=4, d=3):
    meta = pd.DataFrame({"well": [f"A{at:02}" for at in range(n)], "moa": (["x", None, "y", "x"] * n)[:n]})
    values = np.arange(n * d, dtype=float).reshape(n, d)
    return Profiles(values, meta, tuple(f"f{at}" for at in range(d)), "made")


def test_rows_and_features_are_taken_together():
    profiles = made()
    some = profiles.take([2, 0]).select(["f2", "f0"])
    assert some.values.tolist() == [[8, 6], [2, 0]]
    assert some.meta["well"].tolist() == ["A02", "A00"]
    assert some.meta.index.tolist() == [0, 1]
    assert some.names == ("f2", "f0")
    assert profiles.take(np.array([False, True, False, True])).meta["well"].tolist() == ["A01", "A03"]
    assert profiles.select(np.array([True, False, False])).names == ("f0",)


def test_values_are_contiguous_floats():
    profiles = Profiles(np.arange(6).reshape(2, 3).T, pd.DataFrame(index=range(3)), ("a", "b"))
    assert profiles.values.dtype == np.float64
    assert profiles.values.flags.c_contiguous
    single = Profiles(np.ones((2, 1), np.float32), pd.DataFrame(index=range(2)), ("a",))
    assert single.values.dtype == np.float32


def test_a_missing_label_is_none():
    assert made().column("moa").tolist() == ["x", None, "y", "x"]


@pytest.mark.parametrize(
    ("values", "names", "said"),
    [
        (np.ones((3, 2)), ("a", "b"), "3 rows of features and 2 of metadata"),
        (np.ones((2, 2)), ("a",), "2 features and 1 names"),
        (np.ones(2), ("a",), r"shape \(2,\)"),
        (np.array([["a"], ["b"]]), ("a",), "type <U1"),
        (np.ones((2, 2)), ("a", "a"), "twice"),
    ],
)
def test_what_does_not_fit_is_refused(values, names, said):
    with pytest.raises(ProfileError, match=said):
        Profiles(values, pd.DataFrame({"x": [1, 2]}), names, "odd")


def test_unknown_names_are_told_with_close_ones():
    with pytest.raises(ProfileError, match="did you mean 'well'"):
        made().column("wel")
    with pytest.raises(ProfileError, match="did you mean 'f1'"):
        made().select(["f1x"])


def test_steps_are_remembered():
    profiles = (
        made().with_values(np.zeros((4, 1)), ["z"], step="one").with_values(np.ones((4, 1)), step="two")
    )
    assert profiles.source["steps"] == ["one", "two"]
    assert profiles.names == ("z",)
