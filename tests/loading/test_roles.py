"""Roles of channels: from the names that occur, from what people state, never guessed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.dataset import open_dataset
from micrographia.dataset.describe import describe
from micrographia.images import ArrayImage
from micrographia.images.image import Channel
from micrographia.loading.errors import LoadingError
from micrographia.loading.roles import (
    ROLES,
    channel_roles,
    explain_channels,
    image_channel_roles,
    match_roles,
    role_of,
    stated_roles,
)
from training_sets import training_set

TOLD = [
    ("nucleus", "DAPI|w1DAPI|Hoechst 33342|OrigDNA|DRAQ5|H2B-mCherry|mEGFP-H2B|Histone H3|H3|H3K27me3|c:1 DAPI|Ir191"),
    ("nucleus", "DAPI/FITC/TRITC|interphase nuclei|nuclei|Nuclei stained with DAPI|NucBlue|SYTO 16|DAPI(385)"),
    ("nuclear_envelope", "EGFP-LMNB1|nuclear membrane|Lamin B1"),
    ("nucleolus", "SYTO 14|SYTO14|RNA|nucleoli"),
    ("membrane", "WGA|plasma membrane|E-Cadherin / P-Cadherin|CDH|β-catenin|EpCAM"),
    ("cytoplasm", "HCS CellMask|Calcein AM|cytoplasm|CellTracker Green"),
    ("actin", "phalloidin|Alexa Fluor 488 Phalloidin|F-actin|LifeAct-GFP"),
    ("tubulin", "alpha-tubulin|α-tubulin|GFP-Tubulin|microtubules"),
    ("centrosome", "gamma-tubulin|γ-tubulin|pericentrin"),
    ("mitochondria", "Mito|MitoTracker Red CMXRos|TOM20|Mitochondria"),
    ("er", "ER|IllumER|ConA|Concanavalin A|calnexin"),
    ("actin_golgi_membrane", "AGP|Actin, Golgi, Plasma membrane"),
    ("golgi", "Golgi|GM130"),
    ("endosome", "transferrin"),
    ("extracellular_matrix", "laminin|Collagen I"),
    ("fluorescence_other", "GFP|BFP|RFP|Cy5|Alexa647|AF 488|488|561 nm|ex 405 nm|DNA-PAINT|propidium iodide"),
    ("brightfield", "Brightfield|BF|T PMT|TD|Transmitted light"),
    ("phase_contrast", "Phase contrast|phase|Ph2|phase_contrast|TL Phase"),
    ("dic", "DIC|TL DIC|Nomarski"),
    ("quantitative_phase", "quantitative phase"),
    ("he", "H&E|Hematoxylin and eosin"),
    (None, "Channel 1|0|ch01|CD8a|PIN|metaphase|alpha-actinin|red|999|DAPI and phalloidin"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "name"), [(role, name) for role, names in TOLD for name in names.split("|")]
)
def test_the_names_that_occur_tell_their_role(role, name):
    assert role_of(name) == role


def test_every_role_and_every_synonym_tells_itself():
    for role in ROLES.values():
        assert (
            role_of(role.name)
            == role_of(role.name.upper())
            == role_of(role.name.replace("_", "-"))
            == role.name
        )
        for word in role.synonyms:
            assert role_of(word.rstrip(".")) == role.name, word


@given(st.text(max_size=30))
def test_any_text_is_a_name(text):
    assert role_of(text) is None or role_of(text) in ROLES


PIXELS = np.zeros((2, 8, 9), np.uint16)


def two(names):
    return ArrayImage(PIXELS, "CYX", channels=[Channel(name) for name in names])


def test_a_channel_that_tells_nothing_says_why():
    known = image_channel_roles(two(["GFP", "DAPI + phalloidin"]))
    assert [channel.role for channel in known] == ["fluorescence_other", None]
    assert "not what it marks" in known[0].reason
    assert "nucleus and actin" in known[1].reason
    (alone,) = image_channel_roles(ArrayImage(PIXELS[0], "YX"))
    assert (alone.role, alone.reason) == (None, "it has no name")


def test_a_colour_picture_is_three_channels_of_one_role():
    picture = ArrayImage(np.zeros((3, 4, 5), np.uint8), "CYX", rgb=True)
    assert [channel.role for channel in image_channel_roles(picture)] == ["colour"] * 3
    assert [channel.role for channel in image_channel_roles(picture, {"colour": "he"})] == ["he"] * 3


def test_what_people_state_holds_over_names(tmp_path):
    stated = [{"name": "GFP", "content": "phalloidin"}, {"name": "dapi", "role": "membrane"}]
    dataset = training_set(
        tmp_path / "a", {"a": PIXELS}, axes="CYX", names=("DAPI", "GFP"), mifa={"specimens": [{"channels": stated}]}
    )  # fmt: skip
    assert channel_roles(dataset, "a") == ("membrane", "actin")
    assert explain_channels(dataset, "a")[0].reason == "stated in mifa.yaml"
    assert not dataset.findings


@pytest.mark.parametrize(
    ("mifa", "role"),
    [
        ({}, None),
        ({"specimens": [{"channels": [{"role": "nucleus"}]}]}, "nucleus"),
        ({"specimens": [{"channels": ["Hoechst 33342"]}]}, "nucleus"),
        ({"specimens": [{"channels": [{"biological_entity": "actin"}]}, {"channels": ["DAPI"]}]}, None),
        ({"specimens": [{"sample_preparation": "nuclei stained with DAPI"}]}, None),
        ({"image_acquisitions": [{"imaging_method": "phase contrast"}]}, "phase_contrast"),
        ({"image_acquisitions": [{"imaging_method": {"ontology_id": "FBbi:00000245"}}]}, "dic"),
        (
            {"image_acquisitions": [{"imaging_method": "phase contrast"}, {"imaging_method": "confocal"}]},
            None,
        ),
        ({"image_acquisitions": [{"imaging_method": "confocal"}]}, None),
    ],
)
def test_a_single_channel_without_a_name(tmp_path, mifa, role):
    dataset = training_set(tmp_path / "a", {"a": PIXELS[0]}, mifa=mifa)
    assert channel_roles(dataset, "a") == (role,)


def test_the_column_channel_of_the_list_names_a_channel_too(tmp_path):
    folder = tmp_path / "a"
    training_set(folder, {"a": PIXELS[0]})
    header, row = (folder / "files.tsv").read_text().splitlines()
    (folder / "files.tsv").write_text(f"{header}\tchannel\n{row}\tHoechst\n")
    (found,) = explain_channels(open_dataset(folder), "a")
    assert (found.name, found.role) == ("Hoechst", "nucleus")


def test_the_stain_of_colour_pictures_stands_in_the_preparation(tmp_path):
    prepared = {"specimens": [{"sample_preparation": "FFPE sections, stained with hematoxylin and eosin"}]}
    dataset = training_set(tmp_path / "a", {"a": np.zeros((8, 9, 3), np.uint8)}, axes="YXS", mifa=prepared)
    assert channel_roles(dataset, "a") == ("he",) * 3
    assert stated_roles(dataset.mifa) == {"colour": "he"}


def test_channels_meet_by_role():
    roles = ("nucleus", None, "actin", "fluorescence_other")
    assert match_roles(["actin", "nucleus"], roles) == (2, 0)
    assert match_roles(["phalloidin", "Hoechst"], roles) == (2, 0)
    assert match_roles(["any"], roles) == (0, 1, 2, 3)
    assert match_roles(["actin", "any"], roles) == (2, 0, 1, 3)
    assert match_roles(["any", "actin"], roles) == (0, 1, 3, 2)
    assert match_roles(["any"], [None]) == (0,)
    assert match_roles(["C2", "nucleus"], roles, ["DAPI", "c2", "", "GFP"]) == (1, 0)
    assert match_roles(["nucleus", "nucleus"], ("nucleus", "er", "nucleus")) == (0, 2)
    assert match_roles(["DAPI"], ("nucleus", "nucleus"), ["Hoechst", "DAPI"]) == (1,)


def test_colour_is_one_role_and_three_channels():
    assert match_roles(["colour"], ["he"] * 3) == (0, 1, 2)
    assert match_roles(["he"], ["he"] * 3) == (0, 1, 2)
    assert match_roles(["he"] * 3, ["he"] * 3) == (0, 1, 2)
    with pytest.raises(LoadingError, match="ask for colour"):
        match_roles(["he"], ["colour"] * 3)


@pytest.mark.parametrize(
    ("wanted", "roles", "told"),
    [
        (["actin"], ["nucleus"], "no channel fits 'actin': wanted are actin; the image has 0: nucleus"),
        (["nucleus"], [None], "0: unknown, without a name. Say in mifa.yaml"),
        (["nucleus"], ["nucleus", "nucleus"], "2 channels fit 'nucleus' where 1 is wanted"),
        (["nucleus", "any"], ["nucleus"], "no channel fits 'any'"),
        (["nuclues"], ["nucleus"], "Did you mean nucleus?"),
        (["zebra"], ["nucleus"], "Roles are nucleus"),
    ],
)  # fmt: skip
def test_what_does_not_meet_is_told_with_both_sides(wanted, roles, told):
    with pytest.raises(LoadingError) as caught:
        match_roles(wanted, roles, path="images/a.tif")
    assert told in str(caught.value)
    assert caught.value.path == "images/a.tif"


def test_cell_painting(data, tmp_path):
    from folders import copied

    folder = copied(data, "nf1_cellpainting", tmp_path)
    describe(folder)
    dataset = open_dataset(folder)
    roles = {channel_roles(dataset, image) for image in dataset.image_ids}
    assert all("nucleus" in found and set(found) <= {"nucleus", "fluorescence_other"} for found in roles)
