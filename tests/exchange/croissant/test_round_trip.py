"""What is written as Croissant comes back: described, simulated, archived."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from exchange.cork import cork
from metadata.descriptions import PLAIN, TEXTS
from micrographia.dataset.origin import Kept, Origin
from micrographia.exchange import (
    Submission,
    described,
    differing,
    export,
    file_table,
    read_submission,
)

CALM = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def own(findings):
    return [finding for finding in findings if finding.code.startswith("E")]


@CALM
@given(PLAIN, TEXTS, TEXTS)
def test_every_description_comes_back_whole(tmp_path_factory, plain, image, split):
    rows = [
        {"Files": "a b/ü [1].tif", "role": "image", "image": image, "split": split, "size": 3, "own": split},
        {"Files": "m/1.tif", "role": "annotation", "source image": image, "sha256": "0" * 64},
        {"Files": "m/1.tif", "member": "2", "role": "annotation", "group:donor": split},
    ]
    before = Submission(described(plain), file_table(rows))
    folder = tmp_path_factory.mktemp("croissant")
    for number, files in enumerate(("sets", "objects")):
        done = export(before, "croissant", folder / f"{number}.json", {"files": files})
        after = read_submission(done.path)
        assert differing(before, after) == []
        assert own(after.findings) == []
        again = export(after, "croissant", folder / f"{number}-again.json", {"files": files})
        assert again.path.read_bytes() == done.path.read_bytes()


@pytest.mark.parametrize("converted", [False, True])
def test_a_dataset_folder_comes_back(tmp_path, converted):
    dataset = cork(tmp_path, converted=converted)
    done = export(dataset, "croissant", dataset.path)
    assert done.path == dataset.path / "croissant.json"
    assert done.valid
    after = read_submission(dataset.path, "croissant")
    assert differing(Submission.of(dataset), after) == []
    assert own(after.findings) == []
    assert after.folder == dataset.path
    assert [finding.code for finding in own(done.findings)] == (["E002"] if converted else [])


def test_what_stands_where(tmp_path):
    dataset = cork(tmp_path, converted=True)
    made = json.loads(export(dataset, "croissant", dataset.path).path.read_text())
    assert made["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert made["url"] == "https://doi.org/10.6019/S-BIAD1665"
    assert made["publisher"]["name"] == "BioImage Archive"
    assert made["creator"][0]["identifier"] == "https://orcid.org/0000-0002-1825-0097"
    assert "Hooke, Robert" in made["citeAs"]
    assert "Criteria: Whole cells only" in made["rai:dataAnnotationProtocol"]
    assert made["rai:annotationsPerItem"] == "made by 2 annotators"
    assert made["rai:dataUseCases"] == ["Training", "Testing"]
    sets = {one["name"]: one for one in made["recordSet"]}
    assert sets["splits"]["dataType"] == "cr:Split"
    references = {
        one["name"]: one["references"]["field"]["@id"]
        for one in sets["files"]["field"]
        if "references" in one
    }
    assert references == {
        "image": "images/id",
        "source image": "images/id",
        "annotation set": "annotation-sets/name",
        "split": "splits/name",
    }
    first = sets["images"]["data"][0]
    assert (first["images/image_axes"], first["images/shape"]) == ("YX", [64, 80])
    assert first["images/pixel_size"] == [0.325, 0.325]
    columns = {one["name"]: one["dataType"] for one in sets["objects"]["field"]}
    assert (columns["area"], columns["y"], columns["touches_border"]) == (
        "sc:Integer",
        "sc:Float",
        "sc:Boolean",
    )
    zarr = next(one for one in made["distribution"] if one["@id"] == "images-ome.zarr-image")
    assert zarr["includes"] == "images/*.ome.zarr/*"
    assert zarr["excludes"] == "images/*.zarr/labels/*"


def test_addresses_are_absolute_where_the_files_are_elsewhere(tmp_path):
    rows = [{"Files": "a b/1.tif", "role": "image", "image": "1", "sha256": "0" * 64, "size": 7}]
    before = Submission(described({}), file_table(rows), Origin("pagetab", "S-1", "https://example.org/S-1/"))
    done = export(before, "croissant", tmp_path / "c.json", {"files": "objects"})
    made = json.loads(done.path.read_text())["distribution"][0]
    assert made["contentUrl"] == "https://example.org/S-1/a%20b/1.tif"
    assert made["contentSize"] == "7 B"
    after = read_submission(done.path)
    assert differing(before, after) == []
    assert after.origin.files == "https://example.org/S-1/"


def test_what_was_kept_of_another_form_is_named(tmp_path):
    before = Submission(
        described({}), file_table([]), Origin("pagetab", kept=(Kept("section[3]", 1), Kept("x", 2)))
    )
    done = export(before, "croissant", tmp_path / "c.json")
    assert [finding.message for finding in done.findings if finding.code == "E005"] == [
        "what was kept of pagetab as 'section[]' has no place",
        "what was kept of pagetab as 'x' has no place",
    ]


def test_what_is_missing_is_named(tmp_path):
    done = export(
        Submission(described({"versions": ["v 1"]}), file_table([])), "croissant", tmp_path / "c.json"
    )
    assert not done.valid
    assert [finding.field for finding in done.findings if finding.code == "E003"] == [
        "study.title",
        "study.description",
        "study.license",
        "study.doi",
        "study.authors",
        "study.release_date",
    ]
    assert any("1.0.0" in finding.message for finding in done.findings)


@pytest.mark.real_data
def test_real_records_come_back(data, tmp_path):
    records = sorted((data / "bia_records").glob("*.json"))
    records += [path for path in (data / "bia_records").iterdir() if path.is_dir()]
    records += sorted((data / "mifa_examples").glob("Study_*.yaml"))
    assert len(records) == 25
    for number, record in enumerate(records):
        before = read_submission(record)
        after = read_submission(export(before, "croissant", tmp_path / f"{number}.json").path)
        assert differing(before, after) == [], record.name
        assert own(after.findings) == [] or len(before.files) == 0, record.name
