import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters import load

BATCH = "2020_11_04_CPJUMP1"
WELLS = ["A01", "A02", "B01"]
FEATURES = [
    "Cells_AreaShape_FormFactor",
    "Cells_Intensity_MeanIntensity_DNA",
    "Cells_Neighbors_NumberOfNeighbors_5",
]


def plate(folder, batch, name, kind, features=FEATURES, ending=".csv.gz", **meta):
    place = folder / batch / name
    place.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(len(name)).normal(size=(3, len(features)))
    table = pd.DataFrame({"Metadata_Plate": name, "Metadata_Well": WELLS, **meta})
    table = pd.concat([table, pd.DataFrame(values, columns=features)], axis=1)
    path = place / f"{name}{'_' if kind else ''}{kind}{ending}"
    table.to_parquet(path) if ending == ".parquet" else table.to_csv(path, index=False)


def pilot(folder):
    """Write two plates of the pilot, one of compounds and one of guides, with their platemaps."""
    for name in ("BR1", "BR22"):
        plate(folder / "profiles", BATCH, name, "normalized_feature_select_negcon")
        plate(folder / "profiles", BATCH, name, "normalized")
    plate(folder / "profiles", BATCH, "BR1", "normalized_feature_select_negcon_batch")
    maps = folder / "metadata" / "platemaps" / BATCH
    (maps / "platemap").mkdir(parents=True)
    (maps / "barcode_platemap.csv").write_text(
        "Assay_Plate_Barcode,Plate_Map_Name\nBR1,compounds\nBR22,guides\nBR99,elsewhere\n"
    )
    (maps / "platemap/compounds.txt").write_text(
        "plate_map_name\twell_position\tbroad_sample\tmmoles_per_liter\tsolvent\n"
        "c\tA01\t\t\tDMSO\nc\tA02\tBRD-1\t5.0\tDMSO\nc\tB01\tBRD-2\t5.0\tDMSO\n"
    )
    (maps / "platemap/guides.txt").write_text(
        "plate_map_name\twell_position\tbroad_sample\ng\tA01\tBRDN1\ng\tA02\tBRDN2\ng\tB01\t\n"
    )
    external = folder / "metadata" / "external_metadata"
    external.mkdir()
    (external / "JUMP-Target-1_compound_metadata.tsv").write_text(
        "broad_sample\tInChIKey\tpert_iname\ttarget\tpert_type\tcontrol_type\n"
        "BRD-1\tAAA\tamlodipine\tCA1\ttrt\t\nBRD-2\tBBB\thexestrol\tESR1\ttrt\t\n"
    )
    (external / "JUMP-Target-1_compound_metadata_targets.tsv").write_text(
        "broad_sample\ttarget\nBRD-1\tCA1\nBRD-1\tCACNA1B\n"
    )
    (external / "JUMP-Target-1_crispr_metadata.tsv").write_text(
        "broad_sample\tgene\tpert_type\tcontrol_type\nBRDN1\tMTOR\ttrt\t\nBRDN2\tno_site\tcontrol\tnegcon\n"
    )
    (folder / "metadata/experiment-metadata.tsv").write_text(
        f"Batch\tAssay_Plate_Barcode\tPerturbation\tCell_type\tTime\n{BATCH}\tBR1\tcompound\tA549\t24\n"
        f"{BATCH}\tBR22\tcrispr\tU2OS\t96\n"
    )


def known(series):
    return series.astype(object).where(series.notna(), None).tolist()


def test_the_layout_of_the_pilot(tmp_path):
    pilot(tmp_path)
    study = load("jump", tmp_path)
    rows = study.rows
    assert rows["plate"].tolist() == ["BR1"] * 3 + ["BR22"] * 3
    assert rows["row"].tolist() == [1, 1, 2] * 2
    assert known(rows["perturbation"]) == ["DMSO", "BRD-1", "BRD-2", "BRDN1", "BRDN2", None]
    assert known(rows["compound"]) == ["DMSO", "amlodipine", "hexestrol", None, None, None]
    assert known(rows["gene"]) == [None, "CA1", "ESR1", "MTOR", "no_site", None]
    assert rows["cell_line"].tolist() == ["A549"] * 3 + ["U2OS"] * 3
    assert study.controls.tolist() == [True, False, False, False, True, False]
    assert study.notes[0].startswith(
        "Profiles are those of the files PLATE_normalized_feature_select_negcon of 2"
    )
    assert study.notes[1:3] == [
        "JUMP-Target-1_compound_metadata_targets.tsv tells of a sample in several rows and was not used.",
        "1 of 6 wells hold nothing that is named, and no control.",
    ]
    assert {name: held.d for name, held in study.candidates.items()} == {
        "profiles": 3,
        "without intensity": 2,
        "without intensity and density": 1,
    }
    assert set(study.baselines) == {"intensity", "density", "well position", "plate", "plate layout"}
    one = load("jump", tmp_path, {"plates": ["BR1"]})
    assert "negcon_batch" in one.notes[0]
    assert len(one.rows) == 3
    assert "normalized of 2" in load("jump", tmp_path, {"kind": "normalized"}).notes[0]


def test_the_layout_of_the_production_data(tmp_path):
    for source, name in (("source_4", "BR00121"), ("source_7", "CP1")):
        root = tmp_path / source / "workspace" / "profiles"
        features = FEATURES if source == "source_4" else [*FEATURES[:2], "Nuclei_Texture_Entropy"]
        plate(root, "Batch1", name, "", features, ".parquet", Metadata_Source=source)
    meta = tmp_path / "metadata"
    meta.mkdir()
    wells = pd.DataFrame(
        {
            "Metadata_Source": ["source_4"] * 3 + ["source_7"] * 3 + ["source_9"],
            "Metadata_Plate": ["BR00121"] * 3 + ["CP1"] * 3 + ["other"],
            "Metadata_Well": WELLS * 2 + ["A01"],
            "Metadata_JCP2022": [
                *("JCP2022_033924", "JCP2022_000001", "JCP2022_000002"),
                *("JCP2022_800001", "JCP2022_800002", "JCP2022_900001", "x"),
            ],
        }
    )
    wells.to_csv(meta / "well.csv.gz", index=False)
    (meta / "plate.csv.gz").unlink(missing_ok=True)
    pd.DataFrame(
        {"Metadata_Source": ["source_4"], "Metadata_Plate": ["BR00121"], "Metadata_PlateType": ["TARGET2"]}
    ).to_csv(meta / "plate.csv.gz", index=False)
    (meta / "compound.csv").write_text(
        "Metadata_JCP2022,Metadata_InChIKey\nJCP2022_000001,AAA\nJCP2022_000002,BBB\n"
    )
    (meta / "crispr.csv").write_text(
        "Metadata_JCP2022,Metadata_Symbol\nJCP2022_800001,MTOR\nJCP2022_800002,non-targeting\n"
    )
    (meta / "perturbation_control.csv").write_text(
        "Metadata_JCP2022,Metadata_pert_type,Metadata_Name,Metadata_modality\n"
        "JCP2022_033924,negcon,DMSO,compound\nJCP2022_000001,poscon,x,compound\n"
    )
    study = load("jump", tmp_path)
    rows = study.rows
    assert known(rows["control_type"]) == ["negcon", "poscon", None, None, "negcon", None]
    assert known(rows["gene"]) == [None, None, None, "MTOR", "non-targeting", None]
    assert known(rows["InChIKey"])[:3] == [None, "AAA", "BBB"]
    assert known(rows["PlateType"]) == ["TARGET2"] * 3 + [None] * 3
    assert study.controls.tolist() == [True, False, False, False, True, False]
    assert study.candidates["profiles"].names == tuple(FEATURES[:2])
    assert study.notes[1] == "2 features that not every plate has were left out."


def test_without_metadata_the_profiles_tell(tmp_path):
    plate(
        tmp_path / "profiles",
        BATCH,
        "BR1",
        "augmented",
        Metadata_broad_sample=["DMSO", "BRD-1", None],
        Metadata_control_type=["negcon", None, None],
    )
    study = load("jump", tmp_path, {"batch": BATCH})
    assert known(study.rows["perturbation"]) == ["DMSO", "BRD-1", None]
    assert study.controls.tolist() == [True, False, False]


def test_what_is_wrong_is_told(tmp_path):
    pilot(tmp_path)
    with pytest.raises(ProfileError, match="lacks plates of batch 'none'"):
        load("jump", tmp_path, {"batch": "none"})
    with pytest.raises(ProfileError, match="no file of kind 'raw'"):
        load("jump", tmp_path, {"kind": "raw"})
    maps = tmp_path / "metadata" / "platemaps" / BATCH
    text = (maps / "platemap/compounds.txt").read_text()
    (maps / "platemap/compounds.txt").write_text(text + "c\tA01\tBRD-9\t5.0\tDMSO\n")
    with pytest.raises(ProfileError, match="tell of a well twice"):
        load("jump", tmp_path)
    (maps / "platemap/compounds.txt").unlink()
    with pytest.raises(ProfileError, match=r"compounds\.txt: is not there, and the barcodes name it"):
        load("jump", tmp_path)
    (maps / "barcode_platemap.csv").unlink()
    external = tmp_path / "metadata" / "external_metadata"
    (external / "JUMP-Target-1_crispr_metadata.tsv").unlink()
    plate(tmp_path / "profiles", BATCH, "BR3", "other")
    with pytest.raises(ProfileError, match="no kind of file that every plate has"):
        load("jump", tmp_path)
