"""``mifa.yaml`` as an object: loading, refusing, the sample of format 1, real bad files, speed."""

import pickle
import time
from pathlib import Path

import pytest

from micrographia.errors import MetadataError
from micrographia.metadata import FORMAT, empty, from_dict, load
from micrographia.metadata.document import value_at

SAMPLE = Path(__file__).parent / "samples" / "format1.yaml"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "mifa.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_sample_of_format_1_is_read() -> None:
    description = load(SAMPLE)
    assert [(finding.code, finding.field) for finding in description.findings] == [
        ("C014", "study.our_own_field")
    ]
    assert description.open_fields == ["annotations[0].spatial_information"]
    mifa = description.mifa
    assert mifa.micrographia_format == 1
    assert mifa.study.title == "Annotated simulated nuclei"
    assert mifa.study.description is not None
    assert mifa.study.description.endswith("to try the programs that read this file.")
    assert mifa.study.unknown == {"our_own_field": {"kept": ["as", 1, "it", "is"]}}
    assert mifa.study.authors[0].organisation[0].ror_id == "https://ror.org/03dbr7087"
    one = mifa.annotations[0]
    assert (one.name, one.annotation_type, one.mask_kind) == ("nuclei", ["segmentation_mask"], "instance")
    assert one.annotation_coverage is not None
    assert (one.annotation_coverage.annotated, one.annotation_coverage.unit) == (4, "images")
    assert one.target is not None
    assert one.target.object == "nucleus"
    assert (one.classes[0].id, one.classes[0].name) == (1, "nucleus")
    assert mifa.voxel_size is not None
    assert (mifa.voxel_size.z, mifa.voxel_size.unit) == (0.5, "micrometer")
    assert mifa.biosamples[0].organism is not None
    assert mifa.biosamples[0].organism.ncbi_taxon == "NCBITaxon:32630"
    assert mifa.image_acquisitions[0].imaging_method is not None
    assert mifa.image_acquisitions[0].imaging_method.ontology_id == "FBbi:00000246"
    assert [record.version for record in mifa.versions] == ["1.0"]
    assert mifa.waivers[0].reason == "a sample"
    assert description.line("annotations[0].target.object") == 54
    assert len(description.filled_fields) == 68


def test_every_value_of_the_sample_has_its_line() -> None:
    description = load(SAMPLE)
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    for at in description.filled_fields:
        name = at.rsplit(".", 1)[-1].split("[")[0]
        if not at.startswith("study.our_own_field"):
            assert name in lines[(description.line(at) or 0) - 1], at


@pytest.mark.parametrize(
    ("format_line", "problem", "remedy"),
    [
        (
            f"micrographia_format: {FORMAT + 1}",
            f"is {FORMAT + 1}; this version reads {FORMAT}",
            "newer version",
        ),
        ("micrographia_format: 0", "is 0", "Write micrographia_format: 1"),
        ("micrographia_format: first", "is 'first'", "Write micrographia_format: 1"),
        ("micrographia_format: 1.5", "is 1.5", "Write micrographia_format: 1"),
    ],
)
def test_other_formats_are_refused(tmp_path: Path, format_line: str, problem: str, remedy: str) -> None:
    with pytest.raises(MetadataError) as caught:
        load(written(tmp_path, f"study:\n  title: T\n{format_line}\n"))
    assert problem in caught.value.problem
    assert "line 3" in caught.value.problem
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "text", ['micrographia_format: "1"\n', "micrographia_format: 1\n", "Micrographia format: 1.0\n"]
)
def test_format_1_in_every_spelling(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text)).mifa.micrographia_format == 1


def test_a_missing_format_is_assumed_and_told(tmp_path: Path) -> None:
    (finding,) = load(written(tmp_path, "study:\n  title: T\n")).findings
    assert (finding.code, finding.fix) == ("C022", "Write micrographia_format: 1")


def test_question_marks_without_quotes_are_told(tmp_path: Path) -> None:
    description = load(written(tmp_path, "micrographia_format: 1\nstudy:\n  title: ?\n"))
    assert [(finding.code, finding.line) for finding in description.findings] == [("C021", 3)]
    assert description.open_fields == ["study.title"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("# note\n", "empty"),
        ("null\n", "empty"),
        ("- a\n", "a list"),
        ("text\n", "a single text"),
    ],
)
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(MetadataError, match=problem) as caught:
        load(written(tmp_path, text))
    assert "micrographia describe" in caught.value.remedy


def test_descriptions_without_a_file() -> None:
    assert empty("x/mifa.yaml").mifa.plain() == {"micrographia_format": 1}
    assert empty().findings == []
    assert from_dict({"study": {"title": "T"}}).mifa.study.title == "T"


def test_value_at_a_path() -> None:
    mifa = load(SAMPLE).mifa
    assert value_at(mifa, "annotations[0].target.object") == "nucleus"
    assert value_at(mifa, "study.our_own_field.kept") == ["as", 1, "it", "is"]
    assert value_at(mifa, "annotations[7].name") is None
    assert value_at(mifa, "study.title.x") is None


def test_descriptions_travel_between_processes() -> None:
    description = load(SAMPLE)
    description.mifa.study.unread["title"] = 1
    again = pickle.loads(pickle.dumps(description))
    assert again.mifa == description.mifa
    assert again.findings == description.findings
    assert again.mifa.study.unread == {"title": 1}


def test_ten_thousand_files_are_read_in_seconds(tmp_path: Path) -> None:
    records = "".join(
        f"      - annotation_id: plate/well{number}/labels.tif\n        annotation_type: segmentation_mask\n"
        f"        source_image_id: plate/well{number}/image.tif\n        transformations: none\n"
        for number in range(10_000)
    )
    file = written(
        tmp_path, f"micrographia_format: 1\nannotations:\n  - name: a\n    file_metadata:\n{records}"
    )
    start = time.process_time()
    description = load(file)
    assert time.process_time() - start < 6
    assert len(description.mifa.annotations[0].file_metadata) == 10_000
    assert len(description.findings) == 1
