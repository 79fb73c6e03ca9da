from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, row, run_case, uncovered

CASES = [
    Case("L022", row("images/field_01.tif", **{"group:slide": ""}), says="field_01", level=Level.PRESENT),
    Case("L022", row("images/field_01.tif", **{"group:slide": "slide-7"}), fires=0),
    Case("A004", lambda b: [r.update(split="") for r in b.rows], level=Level.ABSENT),
    Case("A004", lambda b: [r.update(split="train") for r in b.rows], level=Level.PRESENT),
    Case("A004", row("images/field_01.tif", **{"group:slide": "slide-7"}), fires=0),
    Case("A005", lambda b: b.ungroup(), says="4 images", level=Level.ABSENT),
    Case("A005", row("images/field_01.tif", **{"group:slide": "slide-7"}), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.groups", CASES)
