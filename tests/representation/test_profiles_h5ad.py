import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from micrographia.errors import ProfileError
from micrographia.representation import profiles_h5ad
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import read_profiles, write_profiles

VALUES = np.array([[0.0, 1.5, 0.0], [2.0, 0.0, 3.0]], dtype=np.float32)


def strings(group, name, texts):
    group.create_dataset(name, data=np.array(texts, dtype=object), dtype=h5py.string_dtype())


def frame(file, name, index, order=()):
    group = file.create_group(name)
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(list(order), dtype=h5py.string_dtype())
    strings(group, "_index", index)
    return group


def anndata(path, matrix="dense"):
    """Write what anndata 0.8 and later write."""
    with h5py.File(path, "w") as file:
        for name in ("X", "layers/raw"):
            if matrix == "dense":
                file.create_dataset(name, data=VALUES)
                continue
            held = sparse.csr_matrix(VALUES) if matrix == "csr" else sparse.csc_matrix(VALUES)
            group = file.create_group(name)
            group.attrs["encoding-type"] = f"{matrix}_matrix"
            group.attrs["shape"] = VALUES.shape
            for part in ("data", "indices", "indptr"):
                group.create_dataset(part, data=getattr(held, part))
        file.create_dataset("obsm/X_uni", data=np.ones((2, 4)))
        obs = frame(file, "obs", ["c1", "c2"], ["donor", "age", "batch", "rin"])
        donor = obs.create_group("donor")
        donor.attrs["encoding-type"] = "categorical"
        donor.attrs["ordered"] = False
        donor.create_dataset("codes", data=np.array([1, -1], dtype=np.int8))
        strings(donor, "categories", ["d1", "d2"])
        obs.create_dataset("age", data=np.array([50, 60]))
        strings(obs, "batch", ["b", "b"])
        rin = obs.create_group("rin")
        rin.attrs["encoding-type"] = "nullable-integer"
        rin.create_dataset("values", data=np.array([7, 0]))
        rin.create_dataset("mask", data=np.array([False, True]))
        frame(file, "var", ["GENE1", "GENE2", "GENE3"])


@pytest.mark.parametrize("matrix", ["dense", "csr", "csc"])
def test_matrices_and_observations(tmp_path, matrix):
    path = tmp_path / "x.h5ad"
    anndata(path, matrix)
    profiles = read_profiles(path)
    np.testing.assert_array_equal(profiles.values, VALUES)
    assert profiles.names == ("GENE1", "GENE2", "GENE3")
    assert profiles.column("donor").tolist() == ["d2", None]
    assert profiles.column("obs_name").tolist() == ["c1", "c2"]
    assert profiles.column("rin").tolist() == [7, None]
    assert profiles.meta["age"].tolist() == [50, 60]
    some = read_profiles(path, features=["GENE3", "GENE1"])
    np.testing.assert_array_equal(some.values, VALUES[:, [2, 0]])
    np.testing.assert_array_equal(read_profiles(path, member="layers/raw").values, VALUES)
    embedded = read_profiles(path, member="obsm/X_uni")
    assert embedded.names == ("X_uni_0", "X_uni_1", "X_uni_2", "X_uni_3")


def test_the_older_form_of_categories_and_tables(tmp_path):
    path = tmp_path / "old.h5ad"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=VALUES)
        obs = frame(file, "obs", ["a", "b"], ["stage"])
        obs.create_dataset("stage", data=np.array([1, 0], dtype=np.int8))
        strings(obs.create_group("__categories"), "stage", ["early", "late"])
        var = np.array([(b"g1",), (b"g2",), (b"g3",)], dtype=[("index", "S4")])
        file.create_dataset("var", data=var)
    profiles = read_profiles(path)
    assert profiles.column("stage").tolist() == ["late", "early"]
    assert profiles.names == ("g1", "g2", "g3")


def test_names_of_observations_and_types_survive(tmp_path):
    meta = pd.DataFrame(
        {
            "obs_name": ["x", "y"],
            "kind": pd.Categorical(["b", "a"], categories=["a", "b"], ordered=True),
            "yes": pd.array([True, None], dtype="boolean"),
            "dose": [0.5, np.nan],
        }
    )
    write_profiles(Profiles(VALUES, meta, ("a", "b", "c")), tmp_path / "x.h5ad")
    with h5py.File(tmp_path / "x.h5ad") as file:
        assert file.attrs["encoding-type"] == "anndata"
        assert list(file["obs"]["_index"].asstr()) == ["x", "y"]
        assert file["obs"]["kind"].attrs["encoding-type"] == "categorical"
    read = read_profiles(tmp_path / "x.h5ad")
    assert read.column("kind").tolist() == ["b", "a"]
    assert read.meta["kind"].cat.ordered
    assert read.column("yes").tolist() == [True, None]
    assert read.column("dose").tolist() == [0.5, None]


def test_what_is_wrong_is_told(tmp_path, monkeypatch):
    path = tmp_path / "x.h5ad"
    anndata(path, "csr")
    with pytest.raises(ProfileError, match=r"no 'obsm/none'.*X, layers/raw, obsm/X_uni"):
        read_profiles(path, member="obsm/none")
    with pytest.raises(ProfileError, match="no column 'GENE9'"):
        read_profiles(path, features=["GENE9"])
    monkeypatch.setattr(profiles_h5ad, "MAX_DENSE", 5)
    with pytest.raises(ProfileError, match=r"do not fit into memory.*Name the features"):
        read_profiles(path)
    assert read_profiles(path, features=["GENE1", "GENE2"]).d == 2
    with h5py.File(path, "a") as file:
        del file["obs"]
        frame(file, "obs", ["only"])
    with pytest.raises(ProfileError, match="2 rows in X and 1 observations"):
        read_profiles(path)
