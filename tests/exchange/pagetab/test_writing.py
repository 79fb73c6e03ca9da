"""A dataset becomes a submission that can be uploaded, and comes back from it."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from exchange.pagetab.records import IMAGES, MASKS, listed, record, section, values
from metadata.descriptions import CALM, PLAIN
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import describe
from micrographia.errors import ExchangeError
from micrographia.exchange import (
    Submission,
    described,
    export,
    file_table,
    import_submission,
    read_submission,
    unnamed_differences,
)
from micrographia.exchange.comparing import differing
from micrographia.exchange.pagetab import read_record, tsv
from micrographia.exchange.pagetab.notes import Notes
from micrographia.exchange.pagetab.uploading import allowed
from micrographia.exchange.pagetab.writing import compose
from micrographia.findings import Severity

PATH = re.compile(r"[A-Za-z0-9!\-_.*'()]+(/[A-Za-z0-9!\-_.*'()]+)*")


def some(rows: list[dict[str, Any]], folder: Path | None = None, **values: Any) -> Submission:
    return Submission(described({"study": {"title": "Nuclei"}, **values}), file_table(rows), folder=folder)


def images(*names: str, **more: str) -> list[dict[str, Any]]:
    return [
        {"Files": name, "image": Path(name).name.split(".")[0], "role": "image", **more} for name in names
    ]


def lines(folder: Path, name: str) -> list[list[str]]:
    return [line.split("\t") for line in (folder / name).read_text("utf-8").split("\n")[:-1]]


@given(PLAIN)
@settings(CALM, suppress_health_check=list(HealthCheck))
def test_any_description_comes_back_or_is_named(plain: dict[str, Any]) -> None:
    before = Submission(described(plain), file_table([]))
    made = compose(before, [], [], "tsv")
    after = read_record(json.loads(json.dumps(made.document)))
    assert unnamed_differences(before, after, made.findings) == []
    lost = [one.message for one in made.findings if one.code == "E001" or "does not come back" in one.message]
    assert {message.split(" does not")[0] for message in lost} <= {
        "PageTab has no place for study.links",
        "study.authors[].role",
        "annotations[].authors[].role",
    }
    text = tsv.write(made.document, told := [])
    assert told == []
    assert differing(after, read_record(tsv.parse(text, "x", Notes()))) == []


def test_every_field_of_the_model_has_a_place(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "metadata" / "samples" / "format1.yaml"
    from micrographia.metadata import load

    before = Submission(load(sample), file_table([]))
    done = export(before, "pagetab", tmp_path / "out")
    after = read_submission(tmp_path / "out")
    assert unnamed_differences(before, after, done.findings) == []
    lost = [one.message for one in done.findings if one.code == "E001"]
    assert lost == ["PageTab has no place for study.our_own_field"]


def test_templates() -> None:
    def template(**values: Any) -> str:
        return str(compose(some([], **values), [], [], "tsv").document["attributes"][0]["value"])

    assert template() == "BioImages.v4"
    assert template(annotations=[{"name": "masks"}]) == "BioImages.MIFA.v1"


def test_names_and_organisations() -> None:
    royal = {"organisation_name": "Royal Society", "ror_id": "https://ror.org/03dbr7087"}
    authors = [
        {"author_first_name": "Robert", "author_last_name": "Hooke", "organisation": [royal]},
        {"author_first_name": "Antoni", "author_last_name": "van Leeuwenhoek", "organisation": [royal]},
    ]
    document = compose(some([], study={"authors": authors}), [], [], "tsv").document
    hooke, leeuwenhoek, place = document["section"]["subsections"]
    assert hooke["attributes"] == [
        *values(Name="Robert Hooke"),
        {"name": "affiliation", "value": "o1", "reference": True},
    ]
    assert [one["name"] for one in leeuwenhoek["attributes"]] == [
        "Name",
        "First name",
        "Last name",
        "affiliation",
    ]
    assert (place["accno"], place["type"]) == ("o1", "organisation")


def test_what_the_archive_asks_for_is_said() -> None:
    made = compose(some([], study_components=[{"name": "Cells"}]), [], [], "tsv")
    missing = {
        field
        for one in made.findings
        if one.code == "E003"
        for field in (one.evidence.get("fields") or [one.field])
    }
    assert {
        "study.description",
        "study.license",
        "biosamples",
        "specimens",
        "study_components[0].description",
    } <= missing
    assert any('of "Cells" it has no files' in one.message for one in made.findings)
    assert all(one.severity is Severity.ERROR for one in made.findings if one.code == "E003")


def test_one_list_for_each_component_and_set(tmp_path: Path) -> None:
    rows = images("x/a.tif", **{"study component": "A"}) + images("y/b.tif", **{"study component": "B"})
    rows += [
        {
            "Files": "m/a.tif",
            "role": "annotation",
            "annotation set": "masks",
            "source image": "a",
            "Note": "n",
        }
    ]
    before = some(rows, study_components=[{"name": "A"}, {"name": "B"}], annotations=[{"name": "masks"}])
    done = export(before, "pagetab", tmp_path / "out")
    out = done.path
    assert lines(out, "file_list_component_1.tsv") == [["Files"], ["x/a.tif"]]
    assert lines(out, "file_list_component_2.tsv") == [["Files"], ["y/b.tif"]]
    assert lines(out, "file_list_annotations_1.tsv") == [
        ["Files", "source image", "Note"],
        ["m/a.tif", "x/a.tif", "n"],
    ]
    assert differing(before, read_submission(out)) == []


def test_file_lists_keep_their_names(tmp_path: Path) -> None:
    before = read_record(
        record(IMAGES, MASKS), {"images.json": [listed("a.tif")], "masks.json": [listed("m.tif")]}
    )
    out = export(before, "pagetab", tmp_path / "out").path
    assert sorted(path.name for path in out.iterdir()) == ["S-BIAD1.json", "images.tsv", "masks.tsv"]


def test_components_and_sets_that_nobody_described(tmp_path: Path) -> None:
    rows = [
        *images("a.tif"),
        {"Files": "m.tif", "role": "annotation", "annotation set": "cells", "source image": "a"},
    ]
    before = some(rows)
    done = export(before, "pagetab", tmp_path / "out")
    after = read_submission(done.path)
    assert [one.name for one in after.mifa.study_components] == ["Images"]
    assert [one.name for one in after.mifa.annotations] == ["cells"]
    assert unnamed_differences(before, after, done.findings) == []


def test_ids_that_are_not_those_of_the_paths(tmp_path: Path) -> None:
    rows = [{**images("a.tif")[0], "image": "first"}, *images("b.tif")]
    rows += [{"Files": "c0.tif", "image": "two", "role": "image", "channel": "DAPI"}]
    rows += [{"Files": "c1.tif", "image": "two", "role": "image", "channel": "GFP"}]
    rows += [{"Files": "m.tif", "role": "annotation", "annotation set": "masks", "source image": "two"}]
    before = some(rows, study_components=[{"name": "A"}], annotations=[{"name": "masks"}])
    done = export(before, "pagetab", tmp_path / "out")
    after = read_submission(done.path)
    assert list(after.files["image"]) == ["first", "b", "two", "two", ""]
    assert unnamed_differences(before, after, done.findings) == []
    assert lines(done.path, "file_list_annotations_1.tsv")[1][1] == "c0.tif"


def test_characters_that_the_archive_does_not_allow(tmp_path: Path) -> None:
    rows = images("Größe 1/a.tif", "Grosse_1/a.tif", "x./b.tif", "ok(1)!*'-_.tif")
    done = export(some(rows, study_components=[{"name": "A"}]), "pagetab", tmp_path / "out")
    written = [line[0] for line in lines(done.path, "file_list_component_1.tsv")[1:]]
    assert written == ["Grosse_1/a.tif", "Grosse_1/a-2.tif", "x/b.tif", "ok(1)!*'-_.tif"]
    renamed = next(one for one in done.findings if "renamed" in one.evidence)
    assert renamed.evidence["renamed"] == {
        "Größe 1/a.tif": "Grosse_1/a.tif",
        "Grosse_1/a.tif": "Grosse_1/a-2.tif",
        "x./b.tif": "x/b.tif",
    }
    assert list(read_submission(done.path).files["original"])[:1] == ["Größe 1/a.tif"]


def test_files_that_are_in_the_archive_keep_their_names(tmp_path: Path) -> None:
    before = read_record(record(IMAGES), {"images.json": [listed("a b.tif")]})
    done = export(before, "pagetab", tmp_path / "out")
    assert lines(done.path, "images.tsv")[1][0] == "a b.tif"
    assert any("does not allow" in one.message for one in done.findings)


@pytest.mark.parametrize(
    "path", ["a b.tif", "ä/ö.tif", "x./y*/z..tif", ".hidden/a.tif", "日本/b.tif", "(1)/!.tif"]
)
def test_allowed_paths(path: str) -> None:
    assert PATH.fullmatch(allowed(path))
    assert not re.search(r"[.*]/", allowed(path))
    assert allowed(allowed(path)) == allowed(path)


def test_tabs_and_line_breaks_in_cells(tmp_path: Path) -> None:
    rows = images("a.tif", Note="one\ttwo\nthree", Quote='"x"')
    before = some(rows, study_components=[{"name": "A"}])
    done = export(before, "pagetab", tmp_path / "out")
    after = read_submission(done.path)
    assert list(after.files["Note"]) == ["one two three"]
    assert list(after.files["Quote"]) == ['"x"']
    assert unnamed_differences(before, after, done.findings) == []
    assert "files.Note" in {one.field for one in done.findings}
    in_json = export(before, "pagetab", tmp_path / "json", {"lists": "json"})
    assert list(read_submission(in_json.path).files["Note"]) == ["one\ttwo\nthree"]


def test_several_images_in_a_file_have_one_line(tmp_path: Path) -> None:
    rows = [
        {**images("a.h5")[0], "image": f"a{n}", "member": f"raw{n}", "study component": "A"} for n in range(3)
    ]
    before = some(rows, study_components=[{"name": "A"}])
    done = export(before, "pagetab", tmp_path / "out")
    assert lines(done.path, "file_list_component_1.tsv")[1:] == [["a.h5", "a0; a1; a2", "raw0; raw1; raw2"]]
    assert unnamed_differences(before, read_submission(done.path), done.findings) == []


def test_files_that_are_asked_for_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match="not on this machine"):
        export(some(images("a.tif")), "pagetab", tmp_path / "out", {"files": "zip"})
    assert not (tmp_path / "out").exists()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.tif").write_bytes(b"1")
    done = export(some(images("a.tif", "b.tif"), tmp_path / "in"), "pagetab", tmp_path / "out")
    assert [line[0] for line in lines(done.path, "file_list_component_1.tsv")] == ["Files", "a.tif"]
    assert [one.path for one in done.findings if one.code == "E013"] == ["b.tif"]


def test_a_file_outside_the_dataset_is_not_carried(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.tif").write_bytes(b"1")
    (tmp_path / "secret.tif").write_bytes(b"2")
    done = export(some(images("a.tif", "../secret.tif"), tmp_path / "in"), "pagetab", tmp_path / "out")
    assert sorted(path.name for path in done.path.glob("*.tif")) == ["a.tif"]
    assert [one.path for one in done.findings if one.code == "E013"] == ["../secret.tif"]


def test_names_of_lists_make_way_for_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.tif", "file_list_component_1.tsv", "submission.json"):
        (tmp_path / "in" / name).write_bytes(b"1")
    rows = [
        *images("a.tif"),
        *({"Files": n, "role": "other"} for n in ("file_list_component_1.tsv", "submission.json")),
    ]
    done = export(some(rows, tmp_path / "in"), "pagetab", tmp_path / "out")
    assert sorted(path.name for path in done.path.iterdir()) == [
        "a.tif", "file_list_component_1-2.tsv", "file_list_component_1.tsv", "pagetab-submission.json",
        "submission.json",
    ]  # fmt: skip
    assert (done.path / "file_list_component_1.tsv").read_bytes() == b"1"
    assert len(read_submission(done.path).files) == 3


def test_what_was_kept_of_another_format_is_left_there() -> None:
    from micrographia.dataset.origin import Kept, Origin

    before = some([])
    before.origin = Origin("rocrate", "x", "", (Kept("study/attributes", {"name": "x", "value": "Sirius"}),))
    made = compose(before, [], [], "tsv")
    assert "Sirius" not in json.dumps(made.document)
    assert [one.code for one in made.findings if one.code == "E005"] == ["E005"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    """A small simulated dataset: raw, converted, and converted with one zip an image."""
    from micrographia.simulation import simulate_dataset

    root = tmp_path_factory.mktemp("datasets")
    simulate_dataset(root / "raw", images=2, shape=(48, 64))
    describe(root / "raw")
    for name, options in (("converted", ConvertOptions()), ("zipped", ConvertOptions(zipped=True))):
        convert(open_dataset(root / "raw"), root / name, options)
    return {name: open_dataset(root / name) for name in ("raw", "converted", "zipped")}


@pytest.mark.parametrize("name", ["raw", "converted", "zipped"])
@pytest.mark.parametrize("files", ["auto", "folder", "none"])
def test_datasets_come_back(dataset: dict[str, Dataset], name: str, files: str, tmp_path: Path) -> None:
    before = Submission.of(dataset[name])
    done = export(dataset[name], "pagetab", tmp_path / "out", {"files": files})
    after = read_submission(done.path)
    assert unnamed_differences(before, after, done.findings) == []
    assert (after.folder is None) is (files == "none")
    for path in done.path.glob("file_list*.tsv"):
        held = [line[0] for line in lines(done.path, path.name)[1:]]
        assert len(held) == len(set(held)) == 2
        assert all(PATH.fullmatch(one) for one in held)
        assert files == "none" or all((done.path / one).exists() for one in held)
        assert files != "auto" or all((done.path / one).is_file() for one in held)


@pytest.mark.parametrize("name", ["raw", "converted", "zipped"])
def test_pixels_and_masks_come_back(dataset: dict[str, Dataset], name: str, tmp_path: Path) -> None:
    out = export(dataset[name], "pagetab", tmp_path / "out").path
    import_submission(out, tmp_path / "back")
    back = open_dataset(tmp_path / "back")
    assert back.image_ids == dataset[name].image_ids
    for image in back.image_ids:
        assert (back.image(image).read() == dataset[name].image(image).read()).all()
        (mask,), (known,) = back.masks(image), dataset[name].masks(image)
        assert (mask.image.read() == known.image.read()).all()
    before = {path: path.stat().st_mtime_ns for path in dataset[name].path.rglob("*") if path.is_file()}
    assert before  # the dataset itself was not touched
    assert all(path.exists() for path in before)


def test_zipped_images_and_labels(dataset: dict[str, Dataset], tmp_path: Path) -> None:
    out = export(dataset["converted"], "pagetab", tmp_path / "out").path
    image = dataset["converted"].image_ids[0]
    with zipfile.ZipFile(out / "images" / f"{image}.ozx") as archive:
        names = archive.namelist()
        assert names[0] == "zarr.json"
        assert not any(name.startswith("labels/") for name in names)
    with zipfile.ZipFile(out / "labels" / "masks" / f"{image}.ozx") as archive:
        label = json.loads(archive.read("zarr.json"))["attributes"]["ome"]["image-label"]
        assert label["source"] == {"image": f"../../../images/{image}.ozx"}
    source = dataset["converted"].path / f"images/{image}.ome.zarr/labels/masks/zarr.json"
    again = json.loads(source.read_text("utf-8"))
    assert again["attributes"]["ome"]["image-label"]["source"] == {"image": "../../"}


def test_an_export_twice_is_the_same(dataset: dict[str, Dataset], tmp_path: Path) -> None:
    one, two = (export(dataset["converted"], "pagetab", tmp_path / name).path for name in ("one", "two"))
    held = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert all((one / path).read_bytes() == (two / path).read_bytes() for path in held)
    assert not any(
        str(tmp_path).encode() in (one / path).read_bytes() for path in held if path.suffix != ".ozx"
    )


def test_sections_are_numbered_once() -> None:
    kept = read_record(record(section("Biosample", "B", Title="x"), section("Biosample", "B", Title="y")))
    document = compose(kept, [], [], "tsv").document
    assert [one["accno"] for one in document["section"]["subsections"]] == ["B", "Biosample-1"]


@pytest.mark.parametrize("plant", ["[]", "{", '{"attributes": {"ome": []}}', None])
def test_broken_groups_are_refused(dataset: dict[str, Dataset], plant: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(dataset["converted"].path, folder)
    label = folder / "images" / f"{dataset['converted'].image_ids[0]}.ome.zarr" / "labels" / "masks"
    if plant is None:
        (tmp_path / "secret").write_text("s")
        (label / "link").symlink_to(tmp_path / "secret")
    else:
        (label / "zarr.json").write_text(plant)
    with pytest.raises(ExchangeError, match=r"is no OME-Zarr label image|holds links"):
        export(open_dataset(folder), "pagetab", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "secret") == ["in"]
