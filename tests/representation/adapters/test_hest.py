import json

import h5py
import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters import load
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import write_profiles

BARCODES = {"S1": ["AA-1", "AC-1", "AG-1"], "S2": ["AA-1", "TT-1"]}


def made(folder, embed=True):
    """Write two samples; expression stands in another order than the patches, and lacks one of them."""
    for place in ("patches", "adata", "embeddings/uni"):
        (folder / place).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for sample, barcodes in BARCODES.items():
        with h5py.File(folder / f"patches/{sample}.h5", "w") as file:
            images = np.zeros((len(barcodes), 4, 4, 3), np.uint8)
            images[..., 0] = np.arange(len(barcodes))[:, None, None] * 10
            file["img"] = images
            file["coords"] = np.array([[at, 2 * at] for at in range(len(barcodes))])
            file["barcode"] = np.array(barcodes, dtype="S")[:, None]
        spots = [one for one in reversed(barcodes) if one != "AG-1"]
        meta = pd.DataFrame({"obs_name": spots})
        counts = np.array([[len(sample) + ord(one[1]), 0, 7] for one in spots], dtype=np.float32)
        write_profiles(Profiles(counts, meta, ("G1", "G2", "G3")), folder / f"adata/{sample}.h5ad")
        if embed:
            with h5py.File(folder / f"embeddings/uni/{sample}.h5", "w") as file:
                file["embeddings"] = rng.normal(size=(len(barcodes), 5)).astype(np.float32)
                file["barcodes"] = np.array(barcodes, dtype="S")[:, None]
    (folder / "var_50genes.json").write_text(json.dumps({"genes": ["G3", "G1"]}))


def test_patches_meet_their_expression(tmp_path):
    made(tmp_path)
    study = load("hest", tmp_path)
    rows = study.rows
    assert rows["sample"].tolist() == ["S1", "S1", "S2", "S2"]
    assert rows["barcode"].tolist() == ["AA-1", "AC-1", "AA-1", "TT-1"]
    assert rows["x"].tolist() == [0, 1, 0, 1]
    assert list(rows.columns[5:]) == ["expression:G3", "expression:G1"]
    wanted = np.log1p([2 + ord(one[1]) for one in rows["barcode"]])
    np.testing.assert_allclose(rows["expression:G1"], wanted)
    colour = study.baselines["colour"]
    assert colour.values[:, 0].tolist() == [0, 10, 0, 10]
    assert study.baselines["place"].source["kind"] == "layout"
    with h5py.File(tmp_path / "embeddings/uni/S2.h5") as file:
        np.testing.assert_array_equal(study.candidates["uni"].values[2:], file["embeddings"][:])
    assert any("1 patches without expression" in note for note in study.notes)
    counts = load("hest", tmp_path, {"log": False, "genes": 1})
    assert list(counts.rows.columns[5:]) == ["expression:G3"]
    assert counts.rows["expression:G3"].tolist() == [7] * 4


def test_samples_of_one_patient(tmp_path):
    made(tmp_path)
    assert load("hest", tmp_path).rows["patient"].tolist() == ["S1", "S1", "S2", "S2"]
    (tmp_path / "sample_metadata.csv").write_text("id,patient\nS1,Patient 1\nS2,Patient 1\n")
    assert set(load("hest", tmp_path).rows["patient"]) == {"Patient 1"}


def test_what_is_wrong_is_told(tmp_path):
    made(tmp_path)
    with pytest.raises(ProfileError, match="no column 'G9'"):
        load("hest", tmp_path, {"genes": ["G9"]})
    (tmp_path / "embeddings/uni/S2.h5").unlink()
    with pytest.raises(ProfileError, match=r"S2\.h5: is not there"):
        load("hest", tmp_path)
    with h5py.File(tmp_path / "embeddings/uni/S2.h5", "w") as file:
        file["embeddings"] = np.ones((1, 5))
        file["barcodes"] = np.array([b"AA-1"])
    with pytest.raises(ProfileError, match="lacks 1 of 2 rows, the first barcode TT-1"):
        load("hest", tmp_path)
    (tmp_path / "var_50genes.json").write_text("[]")
    with pytest.raises(ProfileError, match="lists no genes"):
        load("hest", tmp_path)
    (tmp_path / "patches/S1.h5").write_bytes(b"no hdf5")
    with pytest.raises(ProfileError, match="cannot be read as HDF5"):
        load("hest", tmp_path, {"genes": ["G1"]})
    (tmp_path / "adata/S2.h5ad").unlink()
    (tmp_path / "patches/S1.h5").unlink()
    with pytest.raises(ProfileError, match=r"lacks adata/S2\.h5ad, which hest needs"):
        load("hest", tmp_path, {"genes": ["G1"]})
