from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, run_case, uncovered

CASES = [
    Case(
        "M008",
        lambda b: [r.update({"annotation set": "nucleus"}) for r in b.rows[1::2]],
        fires=2,
        says="did you mean nuclei",
    ),
    Case(
        "M008",
        lambda b: b.row("masks/field_01.png").update(
            {"annotation type": "tracks", "source image": "field_01"}
        ),
        says="tracks",
    ),
    Case(
        "M008",
        lambda b: b.get("annotations").append(dict(b.get("annotations[0]"), name="cells")),
        says="no file",
        level=Level.SPECIFIC,
    ),
    Case("M008", lambda b: b.get("annotations[0].annotation_type").append("tracks"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.sets", CASES)
