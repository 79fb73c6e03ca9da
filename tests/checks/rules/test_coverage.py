from pathlib import Path

import pytest

from builder import Builder
from micrographia.findings import Level
from planting import Case, both, drop, put, run_case, uncovered

COVERAGE = "annotations[0].annotation_coverage"


def without_a_mask(builder: Builder) -> None:
    builder.drop_row("masks/field_02.png")
    (builder.root / "masks/field_02.png").unlink()


CASES = [
    Case("M016", drop(COVERAGE), level=Level.ABSENT),
    Case("M016", put(COVERAGE, {"description": "all of them"}), level=Level.PRESENT),
    Case("M016", drop(f"{COVERAGE}.unit"), level=Level.PRESENT),
    Case("M016", put(COVERAGE, {"annotated": 31, "total": 31, "unit": "nuclei"}), fires=0),
    Case("M021", put(f"{COVERAGE}.annotated", 5), says="5 of 4 images"),
    Case("M021", put(COVERAGE, {"annotated": 0, "total": 0, "unit": "slices"})),
    Case("M021", put(COVERAGE, {"annotated": 0, "total": 7, "unit": "slices"}), fires=0),
    Case("M022", put(f"{COVERAGE}.annotated", 3), says="4 of 4", level=Level.SPECIFIC),
    Case("M022", put(f"{COVERAGE}.total", 254), says="4 of 4", level=Level.SPECIFIC),
    Case(
        "M022",
        both(without_a_mask, put(COVERAGE, {"annotated": 9, "total": 9, "unit": "nuclei"})),
        says="field_02",
    ),
    Case(
        "M022",
        both(
            without_a_mask,
            put(COVERAGE, {"annotated": 9, "total": 9, "unit": "nuclei", "description": "3 fields"}),
        ),
        fires=0,
    ),
    Case("M022", both(without_a_mask, put(f"{COVERAGE}.annotated", 3)), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.coverage", CASES)
