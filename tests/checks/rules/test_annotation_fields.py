from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, both, drop, put, run_case, uncovered

SET = "annotations[0]"
WAIVED = [
    {"code": "F020", "reason": "converted later"},
    {"code": "M008", "reason": "the case is about another rule"},
]

CASES = [
    Case(
        "M009",
        both(put("annotations", []), lambda b: [r.update({"annotation set": ""}) for r in b.rows[1::2]]),
        level=Level.ABSENT,
        also={"L015"},
    ),
    Case(
        "M009",
        both(lambda b: b.get("annotations").append(dict(b.get(SET))), put("waivers", WAIVED)),
        says="two sets",
    ),
    Case("M009", both(drop(f"{SET}.name"), put("waivers", WAIVED)), says="no name"),
    Case("M009", put(f"{SET}.classes", []), fires=0),
    Case("M010", drop(f"{SET}.authors"), says="study are taken", level=Level.PRESENT),
    Case(
        "M010",
        both(drop(f"{SET}.authors"), drop("study.authors")),
        level=Level.ABSENT,
        also={"M005"},
    ),
    Case("M010", put(f"{SET}.authors", [{"author_last_name": "Hooke"}]), fires=0),
    Case("M011", drop(f"{SET}.annotation_overview"), says="'nuclei'", level=Level.ABSENT),
    Case("M011", put(f"{SET}.annotation_overview", "masks"), level=Level.PRESENT),
    Case("M011", put(f"{SET}.annotation_overview", "Masks of all nuclei"), fires=0),
    Case("M012", both(drop(f"{SET}.annotation_type"), put("waivers", WAIVED)), level=Level.ABSENT),
    Case("M012", put(f"{SET}.annotation_type", ["segmentation_mask", "tracks"]), fires=0),
    Case("M013", drop(f"{SET}.annotation_method"), level=Level.ABSENT),
    Case("M013", put(f"{SET}.annotation_method", "by hand"), level=Level.PRESENT),
    Case("M013", put(f"{SET}.annotation_method", "Cellpose 3 and corrected by hand"), fires=0),
    Case("M014", drop(f"{SET}.annotation_confidence_level"), level=Level.ABSENT),
    Case("M014", put(f"{SET}.annotation_confidence_level", "unknown"), level=Level.PRESENT),
    Case("M014", put(f"{SET}.annotation_confidence_level", "high"), fires=0),
    Case("M015", drop(f"{SET}.annotation_criteria"), level=Level.ABSENT),
    Case("M015", put(f"{SET}.annotation_criteria", "all nuclei"), level=Level.PRESENT),
    Case("M015", put(f"{SET}.annotation_criteria", "all nuclei in focus"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.annotation_fields", CASES)
