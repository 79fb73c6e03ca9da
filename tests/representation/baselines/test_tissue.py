import json

import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.baselines import tissue_structure
from micrographia.representation.baselines.tissue import NAMES

RNG = np.random.default_rng(21)


def cells(regions=4, each=200):
    count = regions * each
    return pd.DataFrame(
        {
            "core": np.repeat([f"r{at}" for at in range(regions)][::-1], each),
            "stage": np.repeat(["late", "early"] * regions, each)[:count],
            "x": RNG.random(count) * 200,
            "y": RNG.random(count) * 100,
            "kind": RNG.choice(["B", "T", "tumour"], count),
        }
    )


def test_regions_come_in_the_order_in_which_they_occur():
    found = tissue_structure(cells(), region="core", type="kind")
    assert list(found) == list(NAMES)
    for profiles in found.values():
        assert profiles.meta.columns.tolist() == ["core", "stage"]
        assert profiles.meta["core"].tolist() == ["r3", "r2", "r1", "r0"]
        assert np.isfinite(profiles.values).all()
        assert profiles.source["undefined"] == []
        assert json.loads(json.dumps(profiles.source)) == profiles.source
    assert [profiles.source["kind"] for profiles in found.values()] == ["density", *["baseline"] * 3]
    assert found["density"].values[:, 0].tolist() == [200] * 4
    assert list(tissue_structure(cells(), region="core")) == ["density", "positions only"]


def test_neither_workers_nor_the_order_of_the_rows_matter():
    table = cells()
    one = tissue_structure(table, region="core", type="kind", workers=1)
    mixed = table.sample(frac=1, random_state=1)
    many = tissue_structure(mixed, region="core", type="kind", workers=3)
    for name in one:
        place = [many[name].column("core").tolist().index(core) for core in one[name].column("core")]
        np.testing.assert_allclose(many[name].values[place], one[name].values, rtol=1e-9, atol=1e-12)
    again = tissue_structure(table, region="core", type="kind", workers=4)
    assert all(np.array_equal(again[name].values, one[name].values, equal_nan=True) for name in one)


def test_radii_are_the_same_for_all_regions_and_declared():
    found = tissue_structure(cells(), region="core")["positions only"]
    assert found.source["radii"] == pytest.approx([5, 10, 20, 40], rel=0.05)
    asked = tissue_structure(cells(), region="core", radii=[20, 5])["positions only"]
    assert [name for name in asked.names if name.startswith("ripley")] == ["ripley_L_5", "ripley_L_20"]


def test_cells_without_place_region_or_type():
    table = cells()
    table.loc[3, "x"] = np.nan
    table.loc[4, "x"] = 1e200
    table.loc[5, "core"] = None
    table.loc[9, "kind"] = None
    found = tissue_structure(table, region="core", type="kind")
    assert found["density"].source["cells_left_out"] == 3
    assert found["density"].values[0, 0] == 197
    shares = found["types only"].values[0, :3] * 196
    np.testing.assert_allclose(shares, shares.round())


def test_a_region_without_any_place_is_a_row_with_a_reason():
    table = cells()
    table.loc[table["core"] == "r2", "y"] = np.inf
    found = tissue_structure(table, region="core", type="kind")
    assert found["density"].values[1, 0] == 0
    for name in ("positions only", "types only", "both"):
        assert np.isnan(found[name].values[1]).all()
        assert found[name].source["undefined"][0]["first"] == ["r2"]


@pytest.mark.parametrize(
    ("change", "options", "problem"),
    [
        ({}, {"region": "slide"}, "no column 'slide'"),
        ({"x": "a"}, {}, "holds no numbers"),
        ({"x": np.nan}, {}, "no cell has"),
        ({"kind": None}, {"type": "kind"}, "names no type"),
        ({"kind": np.arange(800)}, {"type": "kind"}, "types of cell"),
        ({}, {"radii": [0, 5]}, "not positive"),
        ({}, {"radii": []}, "not positive"),
        ({}, {"radii": [5, 5]}, "twice"),
        ({}, {"neighbours": 0}, "graph of the 0"),
        ({}, {"window": "circle"}, "no window"),
    ],
)
def test_bad_input_is_told(change, options, problem):
    with pytest.raises(ProfileError, match=problem):
        tissue_structure(cells().assign(**change), **{"region": "core", **options})


@pytest.mark.real_data
def test_islets_of_diabetes(data):
    table = pd.read_parquet(data / "diabetes_imc_cells/diabetes_cells.parquet")
    chosen = table[table["imageID"].isin(table["imageID"].unique()[:12])]
    found = tissue_structure(chosen, region="imageID", type="cellType")
    assert found["density"].values[:, 0].sum() == len(chosen)
    assert found["types only"].d == 16 + 3
    assert found["both"].d == 2 * 136 + 256
    assert {"stage", "case", "part"} <= set(found["both"].meta.columns)
    # Cells keep off each other: fewer pairs than chance within half a spacing.
    assert (
        found["positions only"].select([f"ripley_L_{found['positions only'].source['radii'][0]:g}"]).values
        < 0
    ).all()
    islets = found["both"].column("imageID")
    assert len(islets) == 12


@pytest.mark.real_data
def test_cores_of_a_tissue_microarray(data):
    table = pd.read_parquet(data / "spatialtime_tma_mif/cells.parquet")
    table = table.assign(x=(table["XMin"] + table["XMax"]) / 2, y=(table["YMin"] + table["YMax"]) / 2)
    box, hull = (
        tissue_structure(table, region="core", type="Classifier.Label", window=window)["positions only"]
        for window in ("box", "hull")
    )
    far = [f"ripley_L_{box.source['radii'][-1]:g}"]
    # A core is round: in a rectangle its empty corners pass for clustering.
    assert (box.select(far).values > hull.select(far).values + 5).all()
