from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, drop, put, run_case, uncovered

CASES = [
    Case(
        "M003",
        put("annotations[0].annotation_type", ["Segmentation masks"]),
        says="segmentation_mask?",
    ),
    Case(
        "M003",
        put("annotations[0].annotation_type", ["segmentaton_msk"]),
        says="segmentation_mask",
        also={"M008"},
    ),
    Case(
        "M003",
        lambda b: b.row("masks/field_01.png").update({"annotation type": "Masks"}),
        says="segmentation_mask?",
    ),
    Case(
        "M003",
        lambda b: b.row("masks/field_01.png").update({"annotation type": "qwertz"}),
        says="explain M003",
    ),
    Case("M003", put("annotations[0].annotation_type", ["segmentation_mask", "other"]), fires=0),
    Case("M030", put("study.authors[0].orcid_id", "0000-0002-1825-0079"), says="check digit"),
    Case("M030", put("study.authors[0].organisation[0].ror_id", "https://ror.org/05gq02986")),
    Case(
        "M030",
        put("study.publications[0].publication_doi", "doi:s41592"),
        also={"I001"} - {"I001"},
    ),
    Case("M030", put("study.authors[0].orcid_id", "0000-0002-1825-0097"), fires=0, also={"M032"}),
    Case("M031", put("annotations[0].anotation_method", "by hand"), says="annotation_method?"),
    Case("M031", put("annotations[0].annotation_coverage.annotated", "most of them"), also={"M016"}),
    Case("M031", put("annotations[0].mask_kind", "whatever"), also={"M024"}),
    Case("M031", put("annotations[0].annotators", ["pathologist"]), fires=0),
    Case("M032", put("study.keywords", "nucleus, cell, mouse"), also={"M004"}),
    Case("M032", put("study.license", "Creative Commons Zero"), says="CC0-1.0"),
    Case("M032", put("versions[0].timestamp", "1 March 2024"), says="2024-03-01"),
    Case("M032", put("versions[0].timestamp", "2024-03-01"), fires=0),
    Case("M033", put("study.acknowledgements", "?"), says="1 field", level=Level.ABSENT),
    Case("M033", drop("study.acknowledgements"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.readings", CASES)
