from pathlib import Path

import pytest

from planting import Case, row, run_case, uncovered

CASES = [
    Case(
        "L002",
        row("images/field_01.tif", Files="images/FIELD_01.TIF"),
        says="write images/field_01.tif",
        also={"L005", "A006"},
    ),
    Case("L002", lambda b: b.add_row("notes.txt", "other"), says="does not exist", also={"A006"}),
    Case(
        "L002",
        lambda b: ((b.root / "notes.txt").write_text("some"), b.add_row("notes.txt", "other")),
        fires=0,
    ),
    Case("L003", row("images/field_01.tif", size=17), says="17"),
    Case("L003", row("images/field_01.tif", size=""), fires=0, also={"A006"}),
    Case("L004", row("images/field_01.tif", sha256="0" * 64), says="checksum"),
    Case("L004", row("images/field_01.tif", sha256="", size=""), fires=0, also={"A006"}),
    Case("L004", row("images/field_01.tif", sha256="0" * 64, size=17), fires=0, also={"L003"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.integrity", CASES)
