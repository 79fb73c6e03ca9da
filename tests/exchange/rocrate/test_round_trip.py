"""What is written as an RO-Crate comes back as it was, in both dialects."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given

from exchange.rocrate.crates import STUDY, codes, whole
from folders import lab
from metadata.descriptions import CALM, PLAIN
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import describe
from micrographia.dataset.origin import Kept, Origin
from micrographia.errors import ExchangeError
from micrographia.exchange import (
    Submission,
    described,
    differing,
    export,
    file_table,
    formats,
    import_submission,
    read_submission,
)

DIALECTS = ("title", "name")


def there_and_back(
    submission: Submission, folder: Path, **options: str
) -> tuple[list[str], Submission, set[str]]:
    done = export(submission, "rocrate", folder / "crate", options)
    back = read_submission(done.path)
    assert codes(back) == []
    assert back.origin.kept == ()
    return differing(submission, back), back, {finding.code for finding in done.findings}


@CALM
@given(PLAIN)
def test_every_description_comes_back(plain: dict) -> None:
    submission = Submission(described(plain), file_table([]))
    for dialect in DIALECTS:
        with TemporaryDirectory() as folder:
            different, _, told = there_and_back(submission, Path(folder), dialect=dialect)
        assert different == []
        assert "E002" not in told
        assert "E001" not in told


@pytest.mark.real_data
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("accession", ["S-BIAD599", "S-BIAD634"])
def test_the_published_datasets_come_back(data: Path, tmp_path: Path, accession: str, dialect: str) -> None:
    before = read_submission(data / "mifa_examples" / f"Study_{accession}.yaml")
    different, _, told = there_and_back(before, tmp_path, dialect=dialect)
    assert different == []
    assert told == {"E014"}


@pytest.mark.real_data
def test_every_record_of_the_archive_comes_back(data: Path, tmp_path: Path) -> None:
    if "pagetab" not in formats():
        pytest.skip("no format reads records")
    records = sorted([*(data / "bia_records").glob("*.json"), *(data / "bia_records").glob("*/S-*.json")])
    assert len(records) >= 22
    for record in records:
        before = read_submission(record, "pagetab")
        for dialect in DIALECTS:
            folder = tmp_path / record.stem / dialect
            folder.mkdir(parents=True)
            different, _, told = there_and_back(before, folder, dialect=dialect)
            assert different == [], record
            assert told <= {"E003", "E005", "E014", "E015"}, record
        shutil.rmtree(tmp_path / record.stem)


def test_the_first_dialect_is_the_default(tmp_path: Path) -> None:
    parts = {"specimens": [{"title": "Cut", "sample_preparation": "With a penknife"}]}
    for dialect, name, says in (("", "title", "protocolDescription"), ("name", "name", "description")):
        out = tmp_path / (dialect or "default")
        export(whole(**parts), "rocrate", out, {"dialect": dialect} if dialect else {})
        graph = json.loads((out / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]
        cut = next(one for one in graph if "SpecimenImagingPreparationProtocol" in str(one["@type"]))
        assert (cut[name], cut[says]) == ("Cut", "With a penknife")


def test_what_is_written_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        export(whole(annotations=[{"name": "n", "mask_kind": "binary"}]), "rocrate", tmp_path / name)
    one, two = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert all(path.read_bytes().endswith(b"\n") for path in one)


def test_a_name_is_found_by_what_it_stands_for(tmp_path: Path) -> None:
    associations = [{"biosample": "leaf", "specimen": "fixed"}, {"biosample": "root", "specimen": "fixed"}]
    odd = [{"biosample": "leaf", "image_analysis": "none such"}, {"specimen": "fixed"}]
    before = whole(
        biosamples=[{"title": "leaf"}, {"title": "root"}],
        specimens=[{"title": "fixed", "growth_protocol": "in the sun"}],
        study_components=[
            {"name": "A", "description": "x", "associations": associations},
            {"name": "B", "description": "y", "associations": odd},
            {"name": "C", "description": "z"},
        ],
    )
    different, back, _ = there_and_back(before, tmp_path)
    assert different == []
    assert len(back.mifa.study_components[0].associations) == 2
    graph = {
        one["@id"]: one
        for one in json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    }
    assert graph["#images-A"]["associatedBiologicalEntity"] == [
        {"@id": "#biosample-leaf"},
        {"@id": "#biosample-root"},
    ]
    assert "additionalProperty" not in graph["#images-A"]
    assert "additionalProperty" in graph["#images-B"]


def test_one_of_each_belongs_together(tmp_path: Path) -> None:
    before = whole(
        biosamples=[{"description": "cork"}],
        specimens=[{"sample_preparation": "cut"}],
        study_components=[{"name": "A", "description": "x"}],
    )
    different, _, _ = there_and_back(before, tmp_path)
    assert different == []
    graph = {
        one["@id"]: one
        for one in json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    }
    assert graph["#images-A"]["associatedBiologicalEntity"] == [{"@id": "#biosample-1"}]
    specimen = graph[graph["#images-A"]["associatedSpecimen"]["@id"]]
    assert specimen["imagingPreparationProtocol"] == [{"@id": "#preparation-1"}]


def test_coverage_is_said_in_words_and_comes_back_as_numbers(tmp_path: Path) -> None:
    before = whole(
        annotations=[
            {"name": "a", "annotation_coverage": {"annotated": 40, "total": 254, "unit": "images"}},
            {"name": "b", "annotation_coverage": {"annotated": 1, "total": 2, "description": "1 of 2"}},
        ]
    )
    different, _, _ = there_and_back(before, tmp_path)
    assert different == []
    text = (tmp_path / "crate/ro-crate-metadata.json").read_text("utf-8")
    assert '"annotationCoverage": "40 of 254 images"' in text


def test_a_simulated_folder_comes_back_and_takes_its_files_along(tmp_path: Path) -> None:
    before = Submission.of(describe(lab(tmp_path)).dataset)
    different, back, _ = there_and_back(before, tmp_path, files="link")
    assert different == []
    assert back.folder is not None
    crate = open_dataset(tmp_path / "crate")
    name = crate.image_ids[0]
    assert (crate.image(name).read() == before.dataset().image(name).read()).all()
    one = str(before.files["Files"][0])
    assert (tmp_path / "lab" / one).stat().st_ino == (tmp_path / "crate" / one).stat().st_ino


def test_a_converted_folder_comes_back_and_takes_its_files_along(tmp_path: Path) -> None:
    convert(describe(lab(tmp_path)).dataset, tmp_path / "zarr", ConvertOptions("0.5", verify=False))
    before = Submission.of(open_dataset(tmp_path / "zarr"))
    different, _, told = there_and_back(before, tmp_path, files="copy")
    assert different == []
    assert "E013" not in told
    crate = open_dataset(tmp_path / "crate")
    name = crate.image_ids[0]
    assert (crate.masks(name)[0].image.read() == before.dataset().masks(name)[0].image.read()).all()


def test_several_images_in_one_file_have_a_list_of_their_own(tmp_path: Path) -> None:
    rows = [
        {"Files": "a.h5", "member": "raw", "role": "image", "image": "a", "size": 5},
        {
            "Files": "a.h5",
            "member": "label",
            "role": "annotation",
            "annotation set": "n",
            "source image": "a",
        },
        {
            "Files": "b.tif",
            "role": "image",
            "image": "b",
            "group:donor": "d\t1",
            "label": "free",
            "source:x": "y",
        },
        {
            "Files": "c.csv",
            "role": "table",
            "annotation set": "n",
            "file_path": "odd",
            "study component": "none",
        },
        {"Files": "d.txt", "role": "other"},
    ]
    different, _, _ = there_and_back(whole(files=rows, annotations=[{"name": "n"}]), tmp_path)
    assert different == []
    listed = (tmp_path / "crate/file_list.tsv").read_text("utf-8").splitlines()
    assert len(listed) == 1 + 4
    assert len((tmp_path / "crate/file_list_members.tsv").read_text("utf-8").splitlines()) == 1 + 2


def test_references_of_the_file_list_lead_into_the_crate(tmp_path: Path) -> None:
    rows = [
        {"Files": "a.tif", "role": "image", "image": "a", "study component": "A"},
        {"Files": "m/a.tif", "role": "annotation", "annotation set": "n", "source image": "a"},
    ]
    before = whole(
        files=rows,
        annotations=[{"name": "n"}],
        biosamples=[{"title": "s"}],
        specimens=[{"title": "p"}],
        study_components=[{"name": "A", "associations": [{"biosample": "s", "specimen": "p"}]}],
    )
    different, _, _ = there_and_back(before, tmp_path)
    assert different == []
    graph = {
        one["@id"]: one
        for one in json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    }
    header, image, mask = (
        line.split("\t") for line in (tmp_path / "crate/file_list.tsv").read_text().splitlines()
    )
    image, mask = dict(zip(header, image, strict=True)), dict(zip(header, mask, strict=True))
    assert graph[image["dataset"]]["name"] == "A"
    assert graph[image["associated_specimen"]]["@type"] == "bia:Specimen"
    assert graph[mask["dataset"]]["associatedAnnotationMethod"] == [
        {"@id": mask["associated_annotation_method"]}
    ]
    assert mask["source_image_label"] == image["label"] == "a"
    columns = [graph[one["@id"]]["columnName"] for one in graph["_:ts0"]["column"]]
    assert columns == header


def test_images_of_no_component_are_counted_to_the_only_one_and_that_is_told(tmp_path: Path) -> None:
    before = whole(
        files=[{"Files": "a.tif", "role": "image", "image": "a"}], study_components=[{"name": "A"}]
    )
    done = export(before, "rocrate", tmp_path / "crate")
    assert "files.study component" in [finding.field for finding in done.findings if finding.code == "E002"]
    assert differing(before, read_submission(done.path)) == ["files.study component"]


def test_files_elsewhere_have_an_address(tmp_path: Path) -> None:
    base = "https://www.ebi.ac.uk/biostudies/files/S-BIAD1492/"
    before = whole(files=[{"Files": "a b.tif", "role": "image", "image": "a"}])
    before.origin = Origin("pagetab", "S-BIAD1492.json", base)
    done = export(before, "rocrate", tmp_path / "crate")
    assert base in (done.path / "ro-crate-metadata.json").read_text("utf-8")
    assert read_submission(done.path).origin.files == base
    told = export(before, "rocrate", tmp_path / "carried", {"files": "copy"}).findings
    assert "E013" in [finding.code for finding in told]


def test_files_that_cannot_go_along_are_told(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/a.tif").write_bytes(b"x")
    (tmp_path / "here/file_list.tsv").write_bytes(b"x")
    before = whole(files=[{"Files": name} for name in ("a.tif", "file_list.tsv", "gone.tif")])
    before.folder = tmp_path / "here"
    done = export(before, "rocrate", tmp_path / "crate", {"files": "copy"})
    told = [finding for finding in done.findings if finding.code == "E013"]
    assert len(told) == 1
    assert told[0].path == "file_list.tsv"
    assert "and 1 more" in told[0].message
    assert (done.path / "a.tif").read_bytes() == b"x"


def test_what_another_format_kept_is_told(tmp_path: Path) -> None:
    before = whole()
    before.origin = Origin("pagetab", "S-1.json", "", (Kept("attribute", 1), Kept("attribute", 2)))
    told = [
        finding.message
        for finding in export(before, "rocrate", tmp_path / "crate").findings
        if finding.code == "E005"
    ]
    assert told == ["attribute was kept by the import and has no place in the crate"]


def test_what_is_missing_is_told_by_name(tmp_path: Path) -> None:
    done = export(Submission(described({}), file_table([])), "rocrate", tmp_path / "crate")
    fields = {(finding.code, finding.field) for finding in done.findings}
    assert fields == {
        ("E003", "study.title"),
        ("E003", "study.description"),
        ("E003", "study.license"),
        ("E003", "study.release_date"),
        ("E014", "study.accession"),
        ("E014", "study.authors"),
        ("E014", "study_components"),
    }
    assert not done.valid
    assert export(whole(), "rocrate", tmp_path / "whole").valid


def test_an_import_becomes_a_dataset_folder(tmp_path: Path) -> None:
    export(whole(files=[{"Files": "a.tif", "role": "image", "image": "a"}]), "rocrate", tmp_path / "crate")
    import_submission(tmp_path / "crate", tmp_path / "back")
    assert open_dataset(tmp_path / "back").mifa.study.title == STUDY["title"]


@pytest.mark.parametrize("released", [None, "2024-01-01", "2024-11-26"])
def test_the_newest_version_has_a_date_where_the_release_has_none(
    tmp_path: Path, released: str | None
) -> None:
    versions = [{"version": "1", "timestamp": "2023-01-01"}, {"version": "2", "timestamp": "2024-01-01"}]
    before = whole(versions=versions, study=STUDY | {"release_date": released})
    different, back, told = there_and_back(before, tmp_path)
    assert different == []
    assert back.mifa.study.release_date == released
    assert "E003" not in told
    text = (tmp_path / "crate/ro-crate-metadata.json").read_text("utf-8")
    assert f'"datePublished": "{released or "2024-01-01"}"' in text


def test_an_imported_crate_brings_its_files(tmp_path: Path) -> None:
    convert(describe(lab(tmp_path)).dataset, tmp_path / "zarr", ConvertOptions("0.5", verify=False))
    export(open_dataset(tmp_path / "zarr"), "rocrate", tmp_path / "crate", {"files": "link"})
    import_submission(tmp_path / "crate", tmp_path / "back")
    before, after = open_dataset(tmp_path / "zarr"), open_dataset(tmp_path / "back")
    name = before.image_ids[0]
    assert (after.image(name).read() == before.image(name).read()).all()
    assert not (tmp_path / "back/ro-crate-metadata.json").exists()


def test_an_unknown_dialect_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match="dialect"):
        export(whole(), "rocrate", tmp_path / "crate", {"dialect": "third"})
