from pathlib import Path

import pytest

from builder import Builder
from micrographia.checks import Report, check
from micrographia.findings import Finding
from planting import Plant, both, drop, put, row

COVERAGE = "annotations[0].annotation_coverage"


def crooked(lines: list[str]) -> None:
    lines[1] = lines[1].replace("images/field_01.tif", ".\\images\\field_01.tif")
    lines.insert(4, "")
    lines.append(lines[3])


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


MENDED: list[tuple[str, Plant, str]] = [
    ("M003", put("annotations[0].annotation_type", ["Segmentation masks"]), "wrote segmentation_mask"),
    ("M003", row("masks/field_01.png", annotation_type="Masks"), "1 row"),
    ("M016", drop(COVERAGE), "4 of 4 images"),
    ("M022", put(f"{COVERAGE}.annotated", 2), "4 of 4 images"),
    ("M032", put("study.license", "Creative Commons Zero v1.0"), "CC0-1.0"),
    (
        "M032",
        put("study.authors[0].orcid_id", "0000-0002-1825-0097"),
        "https://orcid.org/0000-0002-1825-0097",
    ),
    (
        "M032",
        put("study.publications[0].publication_doi", "doi:10.1038/s41592-025-02835-8"),
        "https://doi.org/10.1038",
    ),
    ("M032", put("versions[0].timestamp", "1 March 2024"), "2024-03-01"),
    ("M032", put("study.ai_models_trained", "https://bioimage.io"), "list"),
    ("M040", drop("biosamples[0].organism.ncbi_taxon"), "NCBITaxon:9606"),
    ("M040", drop("biosamples[0].organism.scientific_name"), "Homo sapiens"),
    ("M043", drop("image_acquisitions[0].imaging_method.ontology_id"), "FBbi:00000246"),
    ("L020", row("images/field_03.tif", split="Testing"), "1 row"),
]


@pytest.mark.parametrize(("code", "plant", "told"), MENDED, ids=[code for code, _, _ in MENDED])
def test_what_can_be_mended_is(code: str, plant: Plant, told: str, tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=4)
    plant(builder)
    builder.write()
    before = check(tmp_path, workers=1)
    assert codes(before) == {code}
    assert all(finding.fixable for finding in before.findings)
    after = check(tmp_path, fix=True, workers=1)
    assert after.findings == ()
    assert told in " ".join(after.fixed)
    again = check(tmp_path, fix=True, workers=1)
    assert again.fixed == ()


def test_lines_of_the_list_are_mended_one_by_one(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=4)
    builder.edit = crooked
    builder.write()
    lines = (tmp_path / "files.tsv").read_text("utf-8").splitlines()
    report = check(tmp_path, fix=True, workers=1)
    assert report.findings == ()
    assert len(report.fixed) == 3
    lines[1] = lines[1].replace(".\\images\\field_01.tif", "images/field_01.tif")
    assert (tmp_path / "files.tsv").read_text("utf-8").splitlines() == lines[:4] + lines[5:-1]


def test_comments_and_what_is_not_wrong_survive(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=4)
    both(put("study.license", "cc0"), put("annotations[0].annotation_type", ["masks"]), drop(COVERAGE))(
        builder
    )
    builder.write()
    path = tmp_path / "mifa.yaml"
    text = path.read_text("utf-8").replace("study:\n", "study:  # of 2024\n  # asked Robert\n\n")
    path.write_text(text, "utf-8")
    check(tmp_path, fix=True, workers=1)
    after = path.read_text("utf-8")
    assert "study:  # of 2024\n  # asked Robert\n\n" in after
    kept = [line for line in text.splitlines() if "license: cc0" not in line and "- masks" not in line]
    assert [line for line in kept if line not in after.splitlines()] == []


def test_select_limits_what_is_mended(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=4)
    both(put("study.license", "cc0"), put("annotations[0].annotation_type", ["masks"]))(builder)
    builder.write()
    report = check(tmp_path, fix=True, select=["M003"], workers=1)
    assert len(report.fixed) == 1
    assert codes(check(tmp_path, workers=1)) == {"M032"}


def test_waived_findings_are_not_mended(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=4)
    builder.set("study.license", "cc0")
    builder.get("waivers").append({"code": "M032", "reason": "the archive asks for this wording"})
    text = (builder.write() / "mifa.yaml").read_text("utf-8")
    assert check(tmp_path, fix=True, workers=1).fixed == ()
    assert (tmp_path / "mifa.yaml").read_text("utf-8") == text


def test_files_that_become_masks_by_mending_are_judged(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=4)
    row("masks/field_01.png", annotation_type="Masks")(builder)
    builder.put("masks/field_01.png", builder.read("masks/field_01.png")[::2, ::2].copy())
    builder.write()
    assert codes(check(tmp_path, workers=1)) == {"M003"}
    found: tuple[Finding, ...] = check(tmp_path, fix=True, workers=1).findings
    assert [finding.code for finding in found] == ["F003"]
