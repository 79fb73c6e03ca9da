import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.adapters import load
from micrographia.representation.adapters.diabetes import CELLS


def cells(n=200):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 4, n)
    donor = np.array([11, 11, 22, 33])[image]
    return pd.DataFrame(
        {
            "imageID": np.array(["A", "B", "C", "D"])[image],
            "x": rng.uniform(0, 100, n),
            "y": rng.uniform(0, 100, n),
            "cellType": pd.Categorical(rng.choice(["alpha", "beta", "T"], n)),
            "case": donor,
            "slide": np.array(["s1", "s1", "s2", "s3"])[image],
            "part": "Tail",
            "group": 1,
            "stage": pd.Categorical(np.array(["Onset", "Onset", "Non-diabetic", "Onset"])[image]),
        }
    )


def test_a_small_table_of_cells(tmp_path):
    table = cells()
    table.to_parquet(tmp_path / CELLS)
    study = load("diabetes", tmp_path)
    order = list(dict.fromkeys(table["imageID"]))
    assert study.rows["region"].tolist() == order
    assert study.rows["n_cells"].sum() == 200
    assert study.rows.set_index("region")["donor"].to_dict() == {"A": "11", "B": "11", "C": "22", "D": "33"}
    assert list(study.cells.columns[:4]) == ["region", "x", "y", "type"]
    assert "types only" in study.candidates
    both = study.candidates["types and positions"]
    parts = study.candidates["types only"].d + study.baselines["positions only"].d
    assert both.n == 4
    assert both.d > parts
    assert both.meta["region"].tolist() == order
    assert study.baselines["density"].source["kind"] == "density"
    assert "Non-diabetic 1, Onset 2" in study.notes[0]


def test_a_region_of_two_donors_is_refused(tmp_path):
    table = cells()
    table.loc[table.index[table["imageID"] == "C"][:3], "case"] = 99
    table.to_parquet(tmp_path / CELLS)
    with pytest.raises(ProfileError, match="image C has several values of 'donor'"):
        load("diabetes", tmp_path)
    table.drop(columns="stage").to_parquet(tmp_path / CELLS)
    with pytest.raises(ProfileError, match="no column 'stage'"):
        load("diabetes", tmp_path)
    (tmp_path / CELLS).write_bytes(b"no parquet")
    with pytest.raises(ProfileError, match="cannot be read as Parquet"):
        load("diabetes", tmp_path)


def test_the_published_islets(data):
    study = load("diabetes", data / "diabetes_imc_cells")
    assert len(study.rows) == 120
    assert study.rows["n_cells"].sum() == 253_777
    donors = study.rows.groupby("stage", observed=True)["donor"].nunique()
    assert donors.to_dict() == {"Non-diabetic": 4, "Onset": 4, "Long-duration": 4}
