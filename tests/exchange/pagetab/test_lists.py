"""File lists become rows: ids, roles, types, source images, free columns; what is wrong is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exchange.pagetab.records import IMAGES, MASKS, listed, record
from micrographia.exchange import Submission, read_submission
from micrographia.exchange.pagetab import read_record
from micrographia.exchange.pagetab.listing import derived_ids


def read(images: Any = (), masks: Any = ()) -> Submission:
    return read_record(record(IMAGES, MASKS), {"images.json": list(images), "masks.json": list(masks)})


def said(found: Submission, code: str) -> list[str]:
    return [one.message for one in found.findings if one.code == code]


def test_columns_of_their_own_are_kept() -> None:
    images = [listed("a.tif", Well="A1", Dose="1 uM"), listed("b.tif", Well="A2")]
    files = read(images).files
    assert list(files["Well"]) == ["A1", "A2"]
    assert list(files["Dose"]) == ["1 uM", ""]
    assert list(files["size"]) == [3, 3]


def test_columns_that_mean_something_else_here_get_another_name() -> None:
    files = read([listed("a.tif", image="cell 3", role="boss", split="train")]).files
    assert list(files["image (listed)"]) == ["cell 3"]
    assert list(files["split"]) == ["train"]
    assert list(files["role"]) == ["image"]


@pytest.mark.parametrize("written", ["Segmentation masks", "segmentation_mask", "Label image"])
def test_types_are_words_of_the_vocabulary(written: str) -> None:
    mask = listed("m.tif", **{"Annotation type": written, "Source image": "a.tif"})
    files = read([listed("a.tif")], [mask]).files
    assert list(files["annotation type"]) == ["", "segmentation_mask"]


def test_an_annotation_without_a_type_has_that_of_its_set() -> None:
    assert list(read([], [listed("m.tif")]).files["annotation type"]) == ["segmentation_mask"]


@pytest.mark.parametrize("written", ["images/a.tif", "./images/a.tif", "images\\a.tif", "a.tif"])
def test_source_images_are_found(written: str) -> None:
    found = read([listed("images/a.tif"), listed("images/b.tif")], [listed("m.tif", Source_image=written)])
    assert list(found.files["source image"]) == ["", "", "a"]
    assert said(found, "E007") == []


def test_dangling_source_images_are_named_and_kept() -> None:
    found = read([listed("x/a.tif"), listed("y/a.tif")], [listed("m.tif", Source_image="a.tif")])
    assert list(found.files["source image"])[-1] == "a.tif"
    assert said(found, "E007") == ["a source image is not among the images that are listed"]


def test_ids_of_images() -> None:
    assert derived_ids(["x/a.tif", "x/b.ome.tif", "x/a 1.ome.zarr"]) == ["a", "b", "a_1"]
    assert derived_ids(["x/a.tif", "y/a.tif", "Z/A.tif"]) == ["x_a", "y_a", "Z_A"]
    assert derived_ids(["x_a.tif", "x/a.tif", "a.tif"]) == ["x_a", "x_a-2", "a"]
    assert derived_ids(["site_0.5.tif", "ä.png"]) == ["site_0.5", "a"]


def test_roles() -> None:
    images = [listed("a.tif"), listed("t.csv"), listed("r.pdf"), listed("m.tif", Source_image="a.tif")]
    images += [{**listed("folder"), "type": "directory"}, {**listed("a.ome.zarr"), "type": "directory"}]
    files = read(images, [listed("t.json")]).files
    assert list(files["role"]) == ["image", "table", "other", "annotation", "other", "image", "annotation"]
    assert list(files["entry type"]) == ["", "", "", "", "directory", "", ""]


def test_an_image_among_annotations_is_an_image_if_it_is_annotated() -> None:
    found = read([], [listed("a.tif"), listed("m.tif", Source_image="a.tif")])
    assert list(found.files["role"]) == ["image", "annotation"]
    assert list(found.files["annotation set"]) == ["", "Masks"]


@pytest.mark.parametrize("path", ["../a.tif", "x/../../a.tif", "/etc/passwd", "C:\\a.tif", "a\n.tif", ""])
def test_paths_that_lead_elsewhere_are_kept_not_followed(path: str) -> None:
    found = read([listed(path), listed("b.tif")])
    assert list(found.files["Files"]) == ["b.tif"]
    assert [one.value["path"] for one in found.origin.kept if one.at == "file list images.json"] == [path]
    assert len(said(found, "E006")) == 1


@pytest.mark.parametrize(
    ("path", "read_as"), [("./a.tif", "a.tif"), ("x//a.tif", "x/a.tif"), ("x\\a.tif", "x/a.tif")]
)
def test_paths_that_can_be_mended(path: str, read_as: str) -> None:
    found = read([listed(path)])
    assert list(found.files["Files"]) == [read_as]
    assert len(said(found, "E002")) == 1


def test_characters_that_the_archive_does_not_allow_are_counted() -> None:
    found = read([listed("a b.tif"), listed("ä.tif"), listed("c(1)!.tif")])
    assert said(found, "E002") == [
        "paths hold characters that the archive does not allow; they were read (2 times)"
    ]


def test_files_that_are_listed_twice() -> None:
    found = read(
        [listed("a.tif"), listed("a.tif"), listed("a.tif", Well="B")], [listed("a.tif", Source_image="a.tif")]
    )
    assert list(found.files["role"]) == ["image", "annotation"]
    assert sorted(said(found, "E012")) == [
        "a file of images.json that images.json lists already",
        "a line occurs twice; it was read once",
    ]
    assert [one.value["Well"] for one in found.origin.kept if one.at == "file list images.json"] == ["B"]


def test_paths_are_case_sensitive() -> None:
    assert list(read([listed("a.tif"), listed("A.tif")]).files["Files"]) == ["a.tif", "A.tif"]


@pytest.mark.parametrize(
    "entry",
    [None, 3, "a.tif", [], {}, {"path": None}, {"path": ["a"]}, {"name": "a"}, {"path": 3, "attributes": 3}],
)
def test_entries_of_another_shape(entry: Any) -> None:
    found = read([entry, listed("b.tif")])
    assert list(found.files["Files"]) == ["b.tif"]
    assert len(said(found, "E009")) == (0 if entry == [] else 1)


def test_attributes_of_another_shape() -> None:
    odd: list[Any] = [{"value": "x"}, {"name": "n", "value": {"a": 1}}, 3]
    fine = [{"name": "Well", "value": 7}, {"name": "None", "value": None}]
    found = read([{"path": "a.tif", "attributes": odd + fine}])
    assert list(found.files["Well"]) == ["7"]
    assert next(one.value["odd"] for one in found.origin.kept if one.at == "file list images.json") == odd


def test_two_attributes_of_one_name_stand_side_by_side() -> None:
    files = read([listed("a.tif", Stain=["DAPI", "GFP"])]).files
    assert (list(files["Stain"]), list(files["Stain-2"])) == (["DAPI"], ["GFP"])


TSV = 'Files\tWell\tNote\r\na.tif\tA1\t"said ""yes"""\r\n\r\n  \r\nb.tif\tA2\t"odd\r\n'


def folder(tmp_path: Path, images: bytes, name: str = "images.tsv") -> Path:
    document = record(
        {**IMAGES, "attributes": [*IMAGES["attributes"][:2], {"name": "File List", "value": name}]}
    )
    (tmp_path / "S-BIAD1.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / name).write_bytes(images)
    return tmp_path


def test_tsv_of_a_spreadsheet(tmp_path: Path) -> None:
    found = read_submission(folder(tmp_path, b"\xef\xbb\xbf" + TSV.encode()))
    assert list(found.files["Files"]) == ["a.tif", "b.tif"]
    assert list(found.files["Note"]) == ['said "yes"', '"odd']
    assert said(found, "E002") == ["a line is blank; it was passed over (2 times)"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"Files\na\xff.tif\n", "it is not UTF-8 (byte 7)"),
        (b"path,well\na.tif,A1\n", "not with Files"),
        (b'[{"path": "a.tif"},', "ends in the middle"),
        (b'[{"path": "a.tif"} nonsense', "it is no JSON"),
        (b"[" * 5000, "nested too deep"),
        ("Files\na.tif\n".encode("utf-16"), "it is not UTF-8"),
    ],
)
def test_lists_that_cannot_be_read(text: bytes, what: str, tmp_path: Path) -> None:
    found = read_submission(folder(tmp_path, text))
    assert len(found.files) == 0
    assert any(what in message for message in said(found, "E009"))
    assert len(said(found, "E010")) == 1


def test_lines_with_too_many_cells(tmp_path: Path) -> None:
    found = read_submission(folder(tmp_path, b"Files\tWell\na.tif\tA1\tmore\n"))
    assert list(found.files["column 3"]) == ["more"]
    assert said(found, "E009") == ["a line has 3 cells, the header 2"]


def test_a_list_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(json.dumps([listed("a.tif")]))
    inner = tmp_path / "in"
    inner.mkdir()
    document = record(
        {
            **IMAGES,
            "attributes": [{"name": "Name", "value": "x"}, {"name": "File List", "value": "../secret.json"}],
        }
    )
    (inner / "S-BIAD1.json").write_text(json.dumps(document))
    found = read_submission(inner)
    assert len(found.files) == 0
    assert len(said(found, "E010")) == 1


def test_a_long_list_is_read_entry_by_entry(tmp_path: Path) -> None:
    entries = ",".join(json.dumps(listed(f"p/{number}.tif", Well="A1")) for number in range(20_000))
    found = read_submission(folder(tmp_path, f"[{entries}]".encode(), "images.json"))
    assert len(found.files) == 20_000
    assert found.files["image"].is_unique
