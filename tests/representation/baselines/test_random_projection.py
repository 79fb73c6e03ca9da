import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist

from micrographia.errors import ProfileError
from micrographia.representation.baselines import projections
from micrographia.representation.profiles import Profiles

RNG = np.random.default_rng(4)


def profiles(values):
    values = np.asarray(values, float)
    names = tuple(f"f{at}" for at in range(values.shape[1]))
    return Profiles(values, pd.DataFrame({"row": np.arange(len(values))}), names, "pixels")


@pytest.mark.parametrize("kind", ["gaussian", "sparse"])
def test_distances_are_nearly_kept(kind):
    given = profiles(RNG.normal(size=(40, 500)))
    found = projections(given, 2000, seed=1, kind=kind)
    assert found.values.shape == (40, 2000)
    assert found.source["kind"] == "random"
    assert np.abs(pdist(found.values) / pdist(given.values) - 1).max() < 0.15


def test_sparse_entries_have_three_values():
    found = projections(profiles(np.eye(400)), 100, kind="sparse").values
    size = np.sqrt(20 / 100)
    assert set(np.round(np.unique(found), 12)) == set(np.round([-size, 0, size], 12))
    assert (found != 0).mean() == pytest.approx(1 / 20, abs=0.01)


def test_a_row_does_not_depend_on_the_others_and_the_seed_decides(monkeypatch):
    given = profiles(RNG.normal(size=(50, 30)))
    whole = projections(given, 8, seed=3).values
    np.testing.assert_allclose(projections(given.take([7, 2]), 8, seed=3).values, whole[[7, 2]])
    assert not np.allclose(projections(given, 8, seed=4).values, whole)
    monkeypatch.setattr("micrographia.representation.baselines.random_projection.ROWS", 7)
    np.testing.assert_allclose(projections(given, 8, seed=3).values, whole)


def test_a_missing_feature_makes_its_row_missing():
    values = RNG.normal(size=(5, 6))
    values[2, 3] = np.nan
    found = projections(profiles(values), 4)
    assert np.isnan(found.values).any(axis=1).tolist() == [False, False, True, False, False]
    assert np.isnan(found.values[2]).all()
    assert found.source["undefined"] == [{"reason": "a feature that is projected is missing", "rows": 1}]


@pytest.mark.parametrize(("dimension", "kind"), [(0, "gaussian"), (1 << 30, "gaussian"), (4, "fast")])
def test_what_cannot_be_is_told(dimension, kind):
    with pytest.raises(ProfileError):
        projections(profiles(np.ones((2, 2))), dimension, kind=kind)
    with pytest.raises(ProfileError, match="no features"):
        projections(profiles(np.ones((2, 0))), 3)
