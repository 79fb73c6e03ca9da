from pathlib import Path

import pytest

from planting import Case, both, row, run_case, uncovered

CASES = [
    Case(
        "L020",
        lambda b: [r.update(split="val") for r in b.rows if r.get("split") == "test"],
        says="validation",
    ),
    Case(
        "L020",
        lambda b: [r.update(split="Test") for r in b.rows if r.get("split") == "test"],
        says="write test",
    ),
    Case("L020", lambda b: [r.update(split="fold-1") for r in b.rows if r.get("split") == "test"], fires=0),
    Case("L021", row("images/field_01.tif", split="test"), says="slide-0 is in 2 splits"),
    Case(
        "L021",
        both(row("images/field_01.tif", split="test"), row("images/field_02.tif", split="test")),
        fires=0,
        also={"A004"},
    ),
    Case("L023", row("images/field_01.tif", split=""), says="field_01"),
    Case("L023", lambda b: [r.update(split="") for r in b.rows], fires=0, also={"A004"}),
    Case("L024", row("masks/field_01.png", split="test"), says="has the split 'test'"),
    Case("L024", row("masks/field_01.png", **{"group:slide": "slide-9"}), says="group:slide"),
    Case("L024", row("masks/field_01.png", split="train"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.splits", CASES)
