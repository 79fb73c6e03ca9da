"""The archive's documents, written: valid against the published schema, silent about nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft7Validator, FormatChecker

from metadata.descriptions import CALM, PLAIN, described
from micrographia.errors import MetadataError
from micrographia.findings import Finding, Severity
from micrographia.metadata import archive_documents, from_dict, load, read_archive, write_archive
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import read_document

SAMPLE = Path(__file__).parent / "samples" / "format1.yaml"

CHECKER = FormatChecker(formats=())


@CHECKER.checks("date-time")
def is_date_time(value: object) -> bool:
    """Whether a value is a date-time of RFC 3339."""
    form = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})"
    return not isinstance(value, str) or re.fullmatch(form, value) is not None


@pytest.fixture(scope="module")
def schema(data: Path) -> dict[str, Any]:
    found = json.loads((data / "mifa_examples" / "bia_mifa_models.schema.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def problems(schema: dict[str, Any], documents: dict[str, dict[str, Any]]) -> list[str]:
    """Return what is not valid, each document against its own definition."""
    found = []
    for name, document in documents.items():
        own = {"$defs": schema["$defs"], "$ref": f"#/$defs/{name.split('_')[0]}"}
        errors = Draft7Validator(own, format_checker=CHECKER).iter_errors(document)
        found += [f"{name} {list(error.path)} {error.message[:80]}" for error in errors]
    return found


def written(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.name: plain(read_document(path).root) for path in sorted(folder.iterdir())}


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.code, finding.field) for finding in findings]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("accession", "lost"), [("S-BIAD599", ["study.publications[0].pmc_id"]), ("S-BIAD634", [])]
)
def test_real_datasets_become_valid_and_come_back(
    data: Path, schema: dict[str, Any], tmp_path: Path, accession: str, lost: list[str]
) -> None:
    mifa = read_archive(data / "mifa_examples", accession).mifa
    findings = write_archive(mifa, tmp_path / "out", accession)
    assert [finding.field for finding in findings] == lost
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"{kind}_{accession}.yaml" for kind in ("Annotations", "Study", "Version")
    ]
    assert problems(schema, written(tmp_path / "out")) == []
    again = read_archive(tmp_path / "out").mifa
    if lost:
        mifa.study.publications[0].pmc_id = None
    assert again == mifa


@pytest.mark.real_data
def test_the_published_examples_break_their_own_schema(data: Path, schema: dict[str, Any]) -> None:
    raw = {
        path.name: plain(read_document(path).root) for path in (data / "mifa_examples").glob("Study_*.yaml")
    }
    assert problems(schema, raw), "otherwise the check above would prove nothing"


@pytest.mark.real_data
@CALM
@given(values=PLAIN)
def test_without_an_error_every_document_is_valid(schema: dict[str, Any], values: dict[str, Any]) -> None:
    documents, findings = archive_documents(described(values))
    missing = [finding for finding in findings if finding.severity is Severity.ERROR]
    found = problems(schema, documents)
    required = [problem for problem in found if "is a required property" in problem]
    assert len(required) == len(found), "nothing that is written is wrong"
    assert bool(found) == bool(missing)


@CALM
@given(PLAIN)
def test_what_does_not_come_back_was_named(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    mifa = described(values)
    named = [
        field for finding in write_archive(mifa, folder) for field in finding.evidence.get("fields", [finding.field])
    ]  # fmt: skip
    again = read_archive(folder).mifa
    for at, value in _leaves(mifa.plain()):
        is_named = any(at == field or at.startswith((f"{field}.", f"{field}[")) for field in named)
        assert is_named or value in [found for _, found in _leaves(again.plain())], at


def _leaves(value: Any, at: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [
            leaf for key, item in value.items() for leaf in _leaves(item, f"{at}.{key}" if at else str(key))
        ]
    if isinstance(value, list):
        return [leaf for number, item in enumerate(value) for leaf in _leaves(item, f"{at}[{number}]")]
    return [(at, value)]


def test_the_sample_says_what_the_schema_cannot_carry() -> None:
    documents, findings = archive_documents(load(SAMPLE).mifa, "S-1")
    assert list(documents) == ["Study_S-1.yaml", "Annotations_S-1_nuclei.yaml", "Version_S-1.yaml"]
    assert documents["Version_S-1.yaml"] == {
        "version": "1.0",
        "timestamp": "2025-11-21T12:00:00Z",
        "changes": "first release",
    }
    one = documents["Annotations_S-1_nuclei.yaml"]
    assert one["annotation_coverage"] == "4 of 8 images. the first half"
    assert one["authors"] == [{"author_first_name": "", "author_last_name": "Micrographia developers"}]
    assert one["file_metadata"] == [
        {
            "annotation_id": "masks/1.tif",
            "annotation_type": ["segmentation_mask"],
            "source_image_id": "images/1.tif",
            "transformations": "none",
            "annotation_creation_time": "2025-11-21T00:00:00-00:00",
        }
    ]
    assert documents["Study_S-1.yaml"]["license"] == "CC0"
    lost = {finding.field for finding in findings if finding.code == "C041"}
    assert lost == {
        "study.our_own_field.kept", "annotations[0].source_image_association", "annotations[0].target.object",
        "annotations[0].target.boundary", "annotations[0].target.touching", "annotations[0].target.cut_by_border",
        "annotations[0].target.out_of_focus", "annotations[0].mask_kind", "annotations[0].classes[0].id",
        "annotations[0].classes[0].name", "annotations[0].classes[0].ontology_id",
        "biosamples[0].organism.scientific_name", "biosamples[0].organism.ncbi_taxon",
        "biosamples[0].biological_entity",
        "specimens[0].sample_preparation", "image_acquisitions[0].imaging_method.value",
        "image_acquisitions[0].imaging_method.ontology_name", "image_acquisitions[0].imaging_method.ontology_id",
        "image_acquisitions[0].imaging_instrument", "image_acquisitions[0].image_acquisition_parameters",
        "image_correlations[0].fiducials_used", "image_analyses[0].analysis_overview", "study_components[0].name",
        "voxel_size.z", "voxel_size.y", "voxel_size.x", "voxel_size.unit", "waivers[0].code", "waivers[0].reason",
        "waivers[0].path",
    }  # fmt: skip
    assert {finding.field for finding in findings if finding.code == "C044"} == {
        "annotations[0].annotation_coverage", "annotations[0].authors[0].author_first_name",
        "annotations[0].transformations", "annotations[0].annotation_completion_time",
    }  # fmt: skip
    assert {finding.code for finding in findings} == {"C041", "C044"}


COMPLETE = {"title": "T", "description": "D", "funding_statement": "F"}


@pytest.mark.parametrize(
    ("licence", "shown", "told"),
    [("CC0-1.0", "CC0", []), ("CC-BY-4.0", "CC_BY", []), ("CC_BY", "CC_BY", [])],
)
def test_the_two_licences_of_the_archive(licence: str, shown: str, told: list[tuple[str, str]]) -> None:
    documents, findings = archive_documents(from_dict({"study": {**COMPLETE, "license": licence}}).mifa)
    assert documents["Study_dataset.yaml"]["license"] == shown
    assert codes(findings) == told


@pytest.mark.parametrize(
    "licence", ["CC-BY-3.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0", "MIT", "CC-PDM-1.0", "ask us", "CC BY-NC"]
)
def test_another_licence_is_never_one_of_the_two(licence: str) -> None:
    documents, findings = archive_documents(from_dict({"study": {**COMPLETE, "license": licence}}).mifa)
    assert "license" not in documents["Study_dataset.yaml"]
    assert codes(findings) == [("C042", "study.license"), ("C043", "study.license")]
    assert findings[1].severity is Severity.ERROR


def test_missing_facts_are_not_invented() -> None:
    documents, findings = archive_documents(
        from_dict({"annotations": [{"name": "a"}], "versions": [{"changes": "c"}]}).mifa
    )
    assert documents == {
        "Study_dataset.yaml": {"keywords": [], "link_url": []},
        "Annotations_dataset_a.yaml": {},
        "Version_dataset.yaml": {"changes": "c"},
    }
    assert {finding.code for finding in findings} == {"C043"}
    assert len(findings) == 8


def test_papers_links_addresses_and_times() -> None:
    documents, findings = archive_documents(
        from_dict(
            {
                "study": {
                    "publications": [
                        {"publication_title": "T", "publication_authors": "A",
                         "publication_doi": "https://doi.org/10.1242/jcs.033340"},
                        {"publication_title": "no doi", "publication_authors": "A"},
                    ],
                    "links": [{"link_url": "https://a.org"}, {"link_url": "https://b.org", "link_description": "b"},
                              {"link_description": "nowhere"}],
                    "authors": [{"author_first_name": "R.", "author_last_name": "Hooke", "email": "nobody"}],
                },
                "annotations": [
                    {"annotation_type": ["counts"], "annotation_completion_time": "2023",
                     "file_metadata": [{"annotation_id": "a"},
                                       {"annotation_id": "b", "annotation_type": ["oddity"],
                                        "annotation_creation_time": "2023-01-17T10:00"}]},
                ],
                "versions": [{"version": "1", "timestamp": "2023-01"}],
            }
        ).mifa
    )  # fmt: skip
    study = documents["Study_dataset.yaml"]
    assert list(study["publications"]) == ["https://doi.org/10.1242/jcs.033340"]
    assert study["link_url"] == ["https://a.org", "https://b.org"]
    assert study["link_description"] == ["", "b"]
    assert "email" not in study["authors"][0]
    files = documents["Annotations_dataset.yaml"]["file_metadata"]
    assert files[0]["annotation_type"] == ["counts"]
    assert "annotation_type" not in files[1]
    assert files[1]["annotation_creation_time"] == "2023-01-17T10:00:00-00:00"
    assert [pair for pair in codes(findings) if pair[0] == "C041"] == [
        ("C041", "study.publications[1]"),
        ("C041", "study.links[2]"),
        ("C041", "study.authors[0].email"),
        ("C041", "annotations[0].annotation_completion_time"),
        ("C041", "annotations[0].file_metadata[1].annotation_type"),
        ("C041", "versions[0].timestamp"),
    ]


def test_names_that_files_cannot_carry(tmp_path: Path) -> None:
    sets = [{"name": "a/b"}, {"name": "x"}, {"name": "X"}, {"annotation_overview": "o"}]
    findings = write_archive(from_dict({"annotations": sets}).mifa, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("Annotations*")) == [
        "Annotations_dataset.yaml",
        "Annotations_dataset_set3.yaml",
        "Annotations_dataset_set4.yaml",
        "Annotations_dataset_x.yaml",
    ]
    assert [f.evidence.get("fields") for f in findings if f.code == "C041"] == [
        ["annotations[0].name", "annotations[2].name"]
    ]


def test_older_versions_have_a_number_and_come_back_in_order(tmp_path: Path) -> None:
    versions = [
        {"version": f"0.{number}", "timestamp": f"2023-01-{number + 1:02d}T00:00:00Z"} for number in range(12)
    ]
    mifa = from_dict({"versions": versions}).mifa
    write_archive(mifa, tmp_path, "A")
    assert (tmp_path / "Version_A_1.yaml").is_file()
    assert read_archive(tmp_path).mifa.versions == mifa.versions


def test_stale_documents_and_bad_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "Annotations_A_old.yaml").write_text("annotation_overview: o\n")
    with pytest.raises(MetadataError, match=r"Annotations_A_old\.yaml"):
        write_archive(from_dict({}).mifa, tmp_path, "A")
    assert [path.name for path in tmp_path.iterdir()] == ["Annotations_A_old.yaml"]
    with pytest.raises(MetadataError, match="no accession"):
        write_archive(from_dict({}).mifa, tmp_path, "../A")
    (tmp_path / "file").write_text("")
    with pytest.raises(MetadataError, match="cannot be made"):
        write_archive(from_dict({}).mifa, tmp_path / "file" / "out")
