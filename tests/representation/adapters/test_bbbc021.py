import shutil

import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters import load
from micrographia.representation.adapters.bbbc021 import IMAGES, PROFILES, RAW


def made(folder, raw=True):
    """Write four wells of two plates in the layout of the published files."""
    rng = np.random.default_rng(0)
    wells = pd.DataFrame(
        {
            "Metadata_Plate": ["Week1_1", "Week1_1", "Week2_2", "Week2_2"],
            "Metadata_Well": ["B02", "C03", "B02", "C03"],
            "Metadata_Compound": ["DMSO", "taxol", "DMSO", "emetine"],
            "Metadata_Concentration": [0.0, 1, 0, 0.3],
            "Metadata_moa": ["DMSO", "Microtubule stabilizers", "DMSO", "Protein synthesis"],
        }
    )
    for name in ("Cells_AreaShape_FormFactor", "Cells_Intensity_MeanIntensity_DNA", "Cells_Parent_Nuclei"):
        wells[name] = rng.normal(size=4) * 40
    wells.to_csv(folder / PROFILES, index=False)
    if raw:
        means = pd.DataFrame(
            {
                "Image_Metadata_Plate": wells["Metadata_Plate"][::-1],
                "Image_Metadata_Well": wells["Metadata_Well"][::-1],
                "Cells_AreaShape_Area": [900.0, 1000, 1100, 1200],
                "Cells_Intensity_MeanIntensity_DNA": rng.normal(size=4),
                "Cells_Neighbors_NumberOfNeighbors_10": [1.0, 2, 3, 4],
                "Nuclei_Number_Object_Number": [10.5, 20.5, 30.5, 40.5],
            }
        )
        means.to_csv(folder / RAW, index=False)


def test_a_small_folder(tmp_path):
    made(tmp_path)
    study = load("bbbc021", tmp_path)
    assert study.rows["week"].tolist() == ["Week1", "Week1", "Week2", "Week2"]
    assert study.rows["row"].tolist() == [2, 3, 2, 3]
    assert study.rows["cells_per_image"].tolist() == [80, 60, 40, 20], "rows are matched by plate and well"
    assert study.controls.tolist() == [True, False, True, False]
    assert list(study.candidates) == ["profiles", "without intensity"]
    assert study.candidates["without intensity"].names == (
        "Cells_AreaShape_FormFactor",
        "Cells_Parent_Nuclei",
    )
    assert np.abs(study.candidates["profiles"].values).max() <= 20
    assert set(study.baselines) == {
        "intensity",
        "density",
        "cell size",
        "well position",
        "plate",
        "plate layout",
    }
    assert study.baselines["density"].source["kind"] == "density"
    assert study.baselines["plate layout"].source["kind"] == "layout"
    assert any("proxy" in note for note in study.notes)
    assert any("Cells_Parent_Nuclei" in note for note in study.notes)
    assert np.abs(load("bbbc021", tmp_path, {"clip": None}).candidates["profiles"].values).max() > 20


def test_without_the_means_of_wells(tmp_path):
    made(tmp_path, raw=False)
    study = load("bbbc021", tmp_path)
    assert study.baselines["intensity"].names == ("Cells_Intensity_MeanIntensity_DNA",)
    assert "density" not in study.baselines
    assert any("are not there" in note for note in study.notes)


def test_wells_that_do_not_match_are_told(tmp_path):
    made(tmp_path)
    table = pd.read_csv(tmp_path / RAW)
    table.iloc[1:].to_csv(tmp_path / RAW, index=False)
    with pytest.raises(ProfileError, match=r"4 rows and .* 3, of which 3 are the same by Plate, Well"):
        load("bbbc021", tmp_path)
    table.drop(columns="Image_Metadata_Well").to_csv(tmp_path / RAW, index=False)
    with pytest.raises(ProfileError, match="no column 'Well'"):
        load("bbbc021", tmp_path)


def test_the_published_folder(data, tmp_path):
    folder = data / "bbbc021_profiles"
    study = load("bbbc021", folder)
    assert len(study.rows) == 632
    assert study.controls.sum() == 330
    assert study.rows["plate"].nunique() == 55
    assert study.rows["week"].nunique() == 10
    treated = study.rows[~study.controls]
    assert treated["compound"].nunique() == 38
    assert treated["moa"].nunique() == 12
    assert (treated.groupby(["compound", "concentration"])["week"].nunique() == 1).all()
    assert study.rows["images"].tolist() == [4] * 632
    assert {name: held.d for name, held in study.candidates.items()} == {
        "profiles": 189,
        "without intensity": 175,
        "without intensity and density": 172,
    }
    assert all(held.n == 632 for held in study.baselines.values())
    assert study.rows["cells_per_image"].between(1, 2100).all()
    shutil.copy(folder / PROFILES, tmp_path)
    alone = load("bbbc021", tmp_path)
    assert alone.sha256 != study.sha256
    assert "images" not in alone.rows
    assert not (tmp_path / IMAGES).exists()
