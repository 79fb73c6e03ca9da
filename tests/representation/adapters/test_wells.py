import numpy as np
import pandas as pd

from micrographia.representation.adapters.wells import layouts, parts, trivial, with_places
from micrographia.representation.profiles import Profiles

NAMES = (
    "Cells_AreaShape_Area",
    "Cells_AreaShape_FormFactor",
    "Cells_Intensity_MeanIntensity_DNA",
    "Nuclei_Neighbors_NumberOfNeighbors_5",
    "Cells_Texture_Entropy_DNA",
)


def made(names=NAMES):
    meta = pd.DataFrame({"plate": ["p1", "p2"], "well": ["B03", "AF48"]})
    return Profiles(
        np.arange(2.0 * len(names)).reshape(2, -1), meta, names, "made", {"steps": ["robust_z()"]}
    )


def test_trivial_parts_are_told_apart():
    found = trivial(made())
    assert {name: held.names for name, held in found.items()} == {
        "intensity": (NAMES[2],),
        "density": (NAMES[3],),
        "cell size": (NAMES[0],),
    }
    assert {name: held.source["kind"] for name, held in found.items()} == {
        "intensity": "baseline",
        "density": "density",
        "cell size": "baseline",
    }
    assert found["intensity"].source["steps"][0] == "robust_z()"


def test_candidates_without_trivial_parts():
    found = parts(made())
    assert [(name, held.d) for name, held in found.items()] == [
        ("profiles", 5),
        ("without intensity", 4),
        ("without intensity and density", 3),
    ]
    embedding = made(tuple(f"f{at}" for at in range(5)))
    assert list(parts(embedding)) == ["profiles"], "an embedding has no such part"
    assert trivial(embedding) == {}
    assert list(parts(made(NAMES[2:3]))) == ["profiles"], "nothing is left without it"


def test_places_of_wells():
    rows = with_places(pd.DataFrame({"plate": ["p"] * 3, "well": ["B03", "AF48", "control"]}))
    assert rows["row"].tolist()[:2] == [2, 32]
    assert rows["column"].tolist()[:2] == [3, 48]
    assert rows["row"].isna().tolist() == [False, False, True]


def test_zero_pixel_competitors():
    meta = made().meta
    found = layouts(meta)
    assert list(found) == ["well position", "plate", "plate layout"]
    assert all(held.source["kind"] == "layout" for held in found.values())
    assert all(held.meta.equals(meta) for held in found.values())
    assert list(layouts(meta.assign(plate="p"))) == ["well position"]
