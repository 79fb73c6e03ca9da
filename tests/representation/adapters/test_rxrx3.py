import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters import load

WELLS = [
    ("gene-001_1_AA02", "gene-001", 1, "AA02", "MTOR", "MTOR_guide_1", "CRISPR", None),
    ("gene-001_1_AB03", "gene-001", 1, "AB03", "EMPTY_control", "EMPTY_control", "CRISPR", None),
    ("gene-002_1_B04", "gene-002", 1, "B04", "TP53", "TP53_guide_2", "CRISPR", None),
    ("compound-001_2_C05", "compound-001", 2, "C05", None, "aspirin", "COMPOUND", 0.25),
    ("compound-001_2_C06", "compound-001", 2, "C06", None, "EMPTY_control", "COMPOUND", None),
]
COLUMNS = [
    *("well_id", "experiment_name", "plate", "address", "gene", "treatment"),
    *("perturbation_type", "concentration"),
]


def made(folder, wells=WELLS):
    table = pd.DataFrame(wells, columns=COLUMNS).assign(SMILES=None, cell_type="HUVEC")
    table.to_csv(folder / "metadata_rxrx3_core.csv", index=False)
    values = np.arange(2.0 * len(wells)).reshape(-1, 2).astype(np.float32)
    embeddings = pd.DataFrame(values, columns=["feature_0", "feature_1"]).assign(well_id=table["well_id"])
    order = embeddings.iloc[::-1].reset_index(drop=True)
    order.to_parquet(folder / "OpenPhenom_rxrx3_core_embeddings.parquet")
    return table, embeddings


def test_wells_are_matched_and_named(tmp_path):
    made(tmp_path)
    study = load("rxrx3", tmp_path)
    rows = study.rows
    assert rows["well_id"].tolist() == [well[0] for well in WELLS]
    assert rows["plate"].tolist() == [
        "gene-001/1",
        "gene-001/1",
        "gene-002/1",
        "compound-001/2",
        "compound-001/2",
    ]
    assert rows["row"].tolist() == [27, 28, 2, 3, 3]
    assert rows["gene"].dropna().to_dict() == {0: "MTOR", 2: "TP53"}
    assert rows["compound"].dropna().tolist() == ["aspirin"]
    assert rows["guide"].dropna().tolist() == ["MTOR_guide_1", "TP53_guide_2"]
    assert study.controls.tolist() == [False, True, False, False, True]
    assert study.candidates["OpenPhenom"].values.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert study.candidates["OpenPhenom"].values.dtype == np.float32
    assert set(study.baselines) == {"well position", "plate", "plate layout"}
    compounds = load("rxrx3", tmp_path, {"perturbation": "COMPOUND"})
    assert compounds.candidates["OpenPhenom"].values.tolist() == [[6, 7], [8, 9]]


def test_several_files_several_sites_and_wells_without_an_embedding(tmp_path):
    _, embeddings = made(tmp_path)
    sites = pd.concat([embeddings[:4], embeddings[:4].assign(feature_0=100.0)])
    sites.to_parquet(tmp_path / "other_embeddings.parquet")
    study = load("rxrx3", tmp_path)
    assert list(study.candidates) == ["OpenPhenom", "other"]
    assert len(study.rows) == 4
    assert study.notes[0] == "1 of 5 wells have no embedding in one of the files: left out."
    assert study.candidates["other"].values[:, 0].tolist() == [50, 51, 52, 53]


def test_what_is_wrong_is_told(tmp_path):
    table, _ = made(tmp_path)
    with pytest.raises(ProfileError, match="no well of type 'crispr'"):
        load("rxrx3", tmp_path, {"perturbation": "crispr"})
    path = tmp_path / "metadata_rxrx3_core.csv"
    pd.concat([table, table[:1]]).to_csv(path, index=False)
    with pytest.raises(ProfileError, match="lists well gene-001_1_AA02 twice"):
        load("rxrx3", tmp_path)
    table.assign(well_id=[f"x{at}" for at in range(5)]).to_csv(path, index=False)
    with pytest.raises(ProfileError, match="no well in common"):
        load("rxrx3", tmp_path)
    table.drop(columns="treatment").to_csv(path, index=False)
    with pytest.raises(ProfileError, match="has no column 'treatment'"):
        load("rxrx3", tmp_path)
