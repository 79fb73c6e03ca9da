"""The archive's documents, read: both real datasets without loss, other arrangements told."""

from pathlib import Path
from typing import Any

import pytest

from micrographia.errors import MetadataError
from micrographia.findings import Severity
from micrographia.metadata import Description, read_archive
from micrographia.metadata.trees import dotted, paths
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import read_document

REAL = ["S-BIAD599", "S-BIAD634"]
PLACES = {"Study": "study", "Annotations": "annotations[0]", "Version": "versions[0]"}


def every_leaf(folder: Path, accession: str) -> list[tuple[str, Any]]:
    """Return every scalar of the three documents with the place at which it belongs."""
    found: list[tuple[str, Any]] = []
    for kind, place in PLACES.items():
        raw = plain(read_document(folder / f"{kind}_{accession}.yaml").root)
        for at, value in paths(raw):
            found += [
                (f"{place}.{dotted(at)}", item) for item in (value if isinstance(value, list) else [value])
            ]
    return found


def values_below(description: Description) -> dict[str, list[Any]]:
    """Return the scalars at and below every place of what was read."""
    found: dict[str, list[Any]] = {}
    for steps, value in paths(description.mifa.plain()):
        for length in range(1, len(steps) + 1):
            found.setdefault(dotted(steps[:length]), []).extend(value if isinstance(value, list) else [value])
    return found


@pytest.mark.real_data
@pytest.mark.parametrize("accession", REAL)
def test_nothing_of_a_real_dataset_is_lost(data: Path, accession: str) -> None:
    folder = data / "mifa_examples"
    description = read_archive(folder, accession)
    moved = {"study.link_url": "study.links", "study.link_description": "study.links"}
    changed = {
        (place, str(finding.evidence["was"])): finding.evidence.get("read_as")
        for finding in description.findings
        if "was" in finding.evidence
        for place in finding.evidence.get("fields", [finding.field])
    }
    leaves = every_leaf(folder, accession)
    held = values_below(description)
    assert len(leaves) > 250
    for at, value in leaves:
        place = moved.get(at, at)
        if value in held.get(place, []):
            continue
        place = place.replace("pubmed_id", "pmc_id")
        assert changed.get((place, str(value))) in held[place], (at, value)


@pytest.mark.real_data
def test_the_coercions_of_the_first_dataset(data: Path) -> None:
    description = read_archive(data / "mifa_examples", "S-BIAD599")
    assert [(finding.code, finding.field, finding.place) for finding in description.findings] == [
        ("C044", "study.license", "Study_S-BIAD599.yaml:56"),
        ("C001", "study.ai_models_trained", "Study_S-BIAD599.yaml:57"),
        ("C010", "study.publications[0].pmc_id", "Study_S-BIAD599.yaml:64"),
        ("C001", "study.link_url", "Study_S-BIAD599.yaml:65"),
        ("C012", "study.links", "Study_S-BIAD599.yaml:65"),
        ("C001", "study.link_description", "Study_S-BIAD599.yaml:66"),
        ("C044", "annotations[0].annotation_type", "Annotations_S-BIAD599.yaml:13"),
        ("C001", "annotations[0].file_metadata[0].annotation_type", "Annotations_S-BIAD599.yaml:15"),
    ]
    assert "(196 times)" in description.findings[-1].message
    mifa = description.mifa
    assert mifa.study.license == "CC-BY-4.0", "the schema means version 4.0 by its word"
    assert mifa.study.publications[0].pmc_id == "PMC7274788"
    assert mifa.study.publications[0].pubmed_id is None
    assert mifa.study.links[0].link_description == "Image Data Resource"
    assert len(mifa.annotations[0].file_metadata) == 196
    assert mifa.annotations[0].annotation_type == ["segmentation_mask"]
    assert description.lines["study.title"] == 1


@pytest.mark.real_data
def test_the_coercions_of_the_second_dataset(data: Path) -> None:
    description = read_archive(data / "mifa_examples", "S-BIAD634")
    codes = [finding.code for finding in description.findings]
    assert {code: codes.count(code) for code in sorted(set(codes))} == {
        "C001": 11, "C007": 1, "C009": 9, "C012": 1, "C044": 1,
    }  # fmt: skip
    assert all(finding.severity is Severity.INFO for finding in description.findings)
    assert description.mifa.study.license == "CC0-1.0"
    assert len(description.mifa.study.authors) == 12
    assert [one.version for one in description.mifa.versions] == ["1.1"]


@pytest.mark.real_data
def test_several_datasets_in_a_folder_are_told_apart(data: Path) -> None:
    with pytest.raises(MetadataError, match="several datasets: S-BIAD599, S-BIAD634"):
        read_archive(data / "mifa_examples")
    with pytest.raises(MetadataError, match=r"no Study_S-BIAD1\.yaml"):
        read_archive(data / "mifa_examples", "S-BIAD1")
    files = [data / "mifa_examples" / f"{kind}_S-BIAD634.yaml" for kind in PLACES]
    assert read_archive(files).mifa == read_archive(data / "mifa_examples", "S-BIAD634").mifa


STUDY = "title: T\nlicense: CC0\n"


def test_sets_and_versions_have_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "Study_A1.yaml").write_text(STUDY)
    (tmp_path / "Study_A1b.yaml").write_text("title: other\n")
    (tmp_path / "Annotations_A1_nuclei.yml").write_text("annotation_overview: n\ncolour: red\n")
    (tmp_path / "Annotations_A1_my_cells.yaml").write_text(
        "annotation_overview: c\nannotation_type: counts\n"
    )
    (tmp_path / "Annotations_A1b.yaml").write_text("annotation_overview: other\n")
    (tmp_path / "Version_A1.yaml").write_text("version: '2'\ntimestamp: 2024-01-01\n")
    (tmp_path / "Version_A1_1.yaml").write_text("version: '1'\ntimestamp: 2023-01-01\n")
    (tmp_path / "README.txt").write_text("not of interest")
    mifa = read_archive(tmp_path, "A1").mifa
    assert mifa.study.title == "T"
    assert [(one.name, one.annotation_overview) for one in mifa.annotations] == [
        ("my_cells", "c"),
        ("nuclei", "n"),
    ]
    assert mifa.annotations[1].unknown == {"colour": "red"}
    assert [one.version for one in mifa.versions] == ["1", "2"]
    assert read_archive(tmp_path, "A1b").mifa.annotations[0].annotation_overview == "other"


def test_one_document_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "annotations.yaml"
    file.write_text("annotation_overview: n\nfile_metadata: [{annotation_id: a, annotation_type: mask}]\n")
    description = read_archive([file])
    assert description.mifa.annotations[0].annotation_type == ["segmentation_mask"]
    assert description.mifa.study.title is None


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="holds no Study_"):
        read_archive(tmp_path)
    with pytest.raises(MetadataError, match="no folder"):
        read_archive(tmp_path / "none")
    other = tmp_path / "notes.yaml"
    other.write_text("a: 1\n")
    with pytest.raises(MetadataError, match="its name"):
        read_archive([other])
    (tmp_path / "Study_A.yaml").write_text("- a\n")
    with pytest.raises(MetadataError, match="a list"):
        read_archive(tmp_path)
