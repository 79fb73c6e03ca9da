from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, both, drop, put, run_case, uncovered

SET = "annotations[0]"

CASES = [
    Case("M017", drop(f"{SET}.source_image_association"), level=Level.ABSENT),
    Case("M017", put(f"{SET}.source_image_association", "TBD"), level=Level.PRESENT),
    Case("M017", put(f"{SET}.source_image_association", "same name"), fires=0),
    Case("M018", drop(f"{SET}.transformations"), level=Level.ABSENT),
    Case("M018", put(f"{SET}.transformations", "TODO"), level=Level.PRESENT),
    Case("M018", put(f"{SET}.transformations", "None."), fires=0),
    Case("M018", put(f"{SET}.transformations", "no"), fires=0),
    Case(
        "M019",
        both(lambda b: b.get(f"{SET}.annotation_type").append("tracks"), drop(f"{SET}.spatial_information")),
        level=Level.ABSENT,
    ),
    Case("M019", drop(f"{SET}.spatial_information"), fires=0),
    Case("M020", drop(f"{SET}.annotation_completion_time"), level=Level.ABSENT),
    Case("M020", put(f"{SET}.annotation_completion_time", "2023"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.annotation_places", CASES)
