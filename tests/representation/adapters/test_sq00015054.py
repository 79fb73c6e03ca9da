import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters import load
from micrographia.representation.adapters.sq00015054 import PROFILES


def made(folder, **changes):
    table = pd.DataFrame(
        {
            "Metadata_Plate": ["SQ1"] * 3,
            "Metadata_Well": ["A01", "B02", "P24"],
            "Metadata_broad_sample": ["DMSO", "BRD-1", "BRD-2"],
            "Metadata_mmoles_per_liter": [0, 10, 0.12346],
            "Metadata_moa": [None, "CDK inhibitor", None],
            "Metadata_target": [None, None, "X"],
            "Metadata_cell_id": ["A549"] * 3,
            "Cells_Texture_Entropy": [0.1, 0.2, 0.3],
            "Cells_Intensity_MeanIntensity_DNA": [1.0, 2, 3],
            "Nuclei_AreaShape_MajorAxisLength": [1.0, 5, 3],
        }
    )
    table = table.assign(**changes) if changes else table
    table.to_csv(folder / PROFILES, index=False)


def test_a_small_plate(tmp_path):
    made(tmp_path)
    study = load("sq00015054", tmp_path)
    assert study.rows["compound_dose"].tolist() == ["DMSO 0", "BRD-1 10", "BRD-2 0.12346"]
    assert study.rows["moa"].isna().tolist() == [True, False, True]
    assert study.rows["column"].tolist() == [1, 2, 24]
    assert study.controls.tolist() == [True, False, False]
    assert study.baselines["density"].names == ("Nuclei_AreaShape_MajorAxisLength",)
    assert study.baselines["density"].source["proxy"]
    assert "plate layout" not in study.baselines, "one plate has no layout to compare with others"
    assert any("missing is no group" in note for note in study.notes)


def test_a_column_that_is_not_there_is_told(tmp_path):
    made(tmp_path)
    table = pd.read_csv(tmp_path / PROFILES).drop(columns="Metadata_moa")
    table.to_csv(tmp_path / PROFILES, index=False)
    with pytest.raises(ProfileError, match="has no column 'moa'"):
        load("sq00015054", tmp_path)


def test_the_published_plate(data):
    study = load("sq00015054", data / "lincs_SQ00015054_profiles")
    assert len(study.rows) == 384
    assert study.rows["moa"].isna().sum() == 42
    assert study.controls.sum() == 24
    sizes = study.rows.groupby("compound_dose").size()
    assert int((sizes * (sizes - 1) // 2).sum()) == 408
    assert {name: held.d for name, held in study.candidates.items()} == {
        "profiles": 454,
        "without intensity": 403,
    }
