"""Every real record at hand is read, nothing of it is lost, and it comes back from JSON and TSV."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from exchange.pagetab.records import real
from micrographia.exchange import export, import_submission, read_submission, recognise, unnamed_differences
from micrographia.exchange.comparing import differing
from micrographia.exchange.source import Source

pytestmark = pytest.mark.real_data

MADE = {"study_components[0].name", "study_components[0].description", "files.study component"}


def texts(value: Any) -> Counter[str]:
    """Return the texts in a JSON value, with how often they occur."""
    if isinstance(value, dict):
        held = [
            item for key, item in value.items() if key not in ("name", "type")
        ]  # these may be spelt otherwise
        return sum((texts(item) for item in held), Counter())
    if isinstance(value, list):
        return sum((texts(item) for item in value), Counter())
    return Counter([str(value)]) if value is not None else Counter()


def test_all_records_come_back(data: Path, tmp_path: Path) -> None:
    paths = real(data)
    assert len(paths) == 23
    for path in paths:
        before = read_submission(path)
        for form, lists in (("json", "tsv"), ("tsv", "json")):
            out = tmp_path / f"{path.stem}-{form}"
            done = export(before, "pagetab", out, {"format": form, "lists": lists})
            after = read_submission(out)
            assert unnamed_differences(before, after, done.findings) == [], path.stem
            made = MADE if path.stem in ("S-BSMS4", "S-BSST592") else set()
            assert set(differing(before, after)) == made, (path.stem, form)


def test_no_text_of_a_record_is_lost(data: Path, tmp_path: Path) -> None:
    """Every text of the source is in what is written again, or a finding says as what it was read."""
    for path in real(data):
        before = read_submission(path)
        export(before, "pagetab", tmp_path / path.stem, {"lists": "json"})
        written = [
            text.lower()
            for file in (tmp_path / path.stem).glob("*.json")
            for text in texts(json.loads(file.read_text("utf-8")))
        ]
        known = {*written, *(part for text in written for part in text.split(", "))}
        known |= {str(one.evidence.get("was")).lower() for one in before.findings}
        known |= {
            "bioimages.v4",
            "bioimages.v5",
            "default",
            "ncbitaxon",
        }  # templates that are not written; the prefix of a taxon
        for text in map(str.lower, texts(json.loads(path.read_text("utf-8")))):
            bare = re.sub(r"^https://(doi|orcid)\.org/", "", text)
            parts = [part.strip() for part in re.split("[,;()]", text) if part.strip()]
            assert {text, bare} & known or set(parts) <= known, (path.stem, text)


@pytest.mark.parametrize(
    ("name", "title", "sets", "files"),
    [
        ("S-BIAD1492", "Synthetic images and segmentation masks simulating HL-60 cell nucleus in 3D", 1, 13),
        ("S-BIADTEST", "A test submission with title greater than 25 characters", 1, 7),
    ],
)
def test_records_with_file_lists(data: Path, name: str, title: str, sets: int, files: int) -> None:
    found = read_submission(data / "bia_records" / name)
    assert found.mifa.study.title == title
    assert (len(found.mifa.annotations), len(found.files)) == (sets, files)
    assert found.origin.files == f"https://www.ebi.ac.uk/biostudies/files/{name}/"
    assert found.folder is None
    marks = found.files[found.files["role"] == "annotation"]
    assert set(marks["source image"]) <= set(found.files["image"])


def test_masks_of_s_biad1492(data: Path) -> None:
    found = read_submission(data / "bia_records" / "S-BIAD1492")
    marks = found.files[found.files["role"] == "annotation"]
    assert set(marks["annotation type"]) == {"segmentation_mask"}
    assert set(marks["annotation set"]) == {"Ground truth segmentation masks"}
    assert found.mifa.annotations[0].annotation_type == ["segmentation_mask"]
    assert found.mifa.annotations[0].annotation_coverage.description == "All data has been annotated."
    pictures = found.files[found.files["role"] == "image"]
    assert "BBBC024_BBBC024_v1_c75_lowSNR_images_TIFF_image-final_0012" in set(pictures["image"])
    assert set(pictures["SNR"]) == {"low", "high"}
    assert set(pictures["study component"]) == {"Simulated fluorescence images"}
    assert found.mifa.study_components[0].associations[0].specimen == "Digital Phantom Generation"


def test_directories_stay_entries(data: Path) -> None:
    files = read_submission(data / "bia_records" / "S-BIADTEST").files
    folders = files[files["entry type"] == "directory"]
    assert list(folders["Files"]) == ["study_component1/ann01-05"]


def test_version_of_the_only_set_is_that_of_the_dataset(data: Path) -> None:
    found = read_submission(data / "bia_records" / "S-BIAD1076.json")
    assert [one.version for one in found.mifa.versions] == ["1.0"]
    assert [one.code for one in found.findings if "file_list_annotations.json" in one.message] == ["E010"]


def test_samples_inside_components_are_associated(data: Path) -> None:
    found = read_submission(data / "bia_records" / "S-BIAD677.json").mifa
    first = found.study_components[0].associations
    assert [one.image_acquisition for one in first] == ["Image Acquisition-1-1", "Image Acquisition-1-2"]
    assert {one.biosample for one in first} == {"Biosample-1-1"}
    assert found.biosamples[0].organism.ncbi_taxon == "NCBITaxon:9606"


def test_a_record_becomes_a_dataset_folder(data: Path, tmp_path: Path) -> None:
    import_submission(data / "bia_records" / "S-BSMS4.json", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "files.tsv",
        "mifa.yaml",
        "origin.json",
    ]
    assert recognise(Source(data / "bia_records" / "S-BSMS4.json")).name == "pagetab"
