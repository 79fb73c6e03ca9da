import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing import Aggregate
from micrographia.representation.profiles import Profiles


def made():
    meta = pd.DataFrame(
        {
            "compound": ["b", "a", "b", None, "a", "b"],
            "dose": [1.0, 2.0, 1.0, 1.0, 2.0, 3.0],
            "plate": ["p1", "p1", "p2", "p1", "p1", "p1"],
            "cells": [10.0, 20.0, 30.0, 5.0, 40.0, 7.0],
            "moa": ["x", None, "x", "x", "y", "x"],
        }
    )
    values = np.array([[1.0, 1], [2, 2], [3, np.nan], [99, 99], [4, 4], [50, 50]])
    return Profiles(values, meta, ("f", "g"), "made")


def test_rows_become_one_in_the_order_of_the_first():
    found = Aggregate(["compound", "dose"]).apply(made())
    assert found.values.tolist() == [[2, 1], [3, 3], [50, 50]]
    assert found.meta["compound"].tolist() == ["b", "a", "b"]
    assert found.meta["dose"].tolist() == [1, 2, 3]
    assert found.meta["plate"].tolist() == ["p1 | p2", "p1", "p1"]
    assert found.meta["cells"].tolist() == [20, 30, 7]
    assert found.column("moa").tolist() == ["x", "y", "x"]
    assert found.meta["n_rows"].tolist() == [2, 2, 1]
    assert found.source["steps"] == ["aggregate(by=['compound', 'dose'], statistic='median')"]
    assert found.source["reasons"] == [
        "1 rows without a label by ['compound', 'dose'] are in no group and were left out"
    ]


def test_masks_follow():
    step = Aggregate("compound")
    mask = np.array([True, False, False, True, False, False])
    assert step.mask(made().meta, mask).tolist() == [True, False]
    assert step.mask(made().meta, mask, every=True).tolist() == [False, False]
    assert step.groups(made().meta).tolist() == [0, 1, 0, -1, 1, 0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=30),
    st.sampled_from(["mean", "median"]),
)
def test_it_equals_pandas(labels, statistic):
    values = np.random.default_rng(len(labels)).normal(size=(len(labels), 3))
    profiles = Profiles(values, pd.DataFrame({"label": pd.array(labels, dtype="str")}), ("x", "y", "z"))
    if not any(labels):
        with pytest.raises(ProfileError, match="no row has a label"):
            Aggregate("label", statistic).apply(profiles)
        return
    found = Aggregate("label", statistic).apply(profiles)
    frame = pd.DataFrame(values).assign(label=pd.array(labels, dtype="str"))
    wanted = frame.groupby("label", sort=False).agg(statistic)
    assert found.meta["label"].tolist() == wanted.index.tolist()
    np.testing.assert_allclose(found.values, wanted.to_numpy(), atol=1e-12)


def test_what_cannot_be_aggregated_is_told():
    with pytest.raises(ProfileError, match="no column 'compoud'"):
        Aggregate("compoud").apply(made())
    with pytest.raises(ProfileError, match="no statistic 'mode'"):
        Aggregate("compound", "mode")
    with pytest.raises(ProfileError, match="needs a column"):
        Aggregate([])


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3))
    values[rng.random((200, 3)) < 0.1] = np.nan
    values[0] = np.inf
    meta = pd.DataFrame({"label": rng.integers(0, 60, 200), "plate": rng.choice(["p1", "p2"], 200)})
    profiles = Profiles(values, meta, ("x", "y", "z"))
    for statistic in ("mean", "median"):
        whole = Aggregate("label", statistic).apply(profiles)
        monkeypatch.setattr("micrographia.representation.preprocessing.aggregating._BLOCK", 10)
        small = Aggregate("label", statistic).apply(profiles)
        np.testing.assert_array_equal(small.values, whole.values)
        assert small.meta.equals(whole.meta)
