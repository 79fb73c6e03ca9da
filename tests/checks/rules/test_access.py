from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, drop, put, run_case, uncovered

CASES = [
    Case("A001", put("study.license", "CC-BY-NC-4.0"), says="commercial", also={"A002"}),
    Case("A001", put("study.license", "CC-BY-ND-4.0"), says="changes", also={"A002"}),
    Case("A001", put("annotations[0].license", "CC-BY-SA-4.0"), says="'nuclei'", also={"A002"}),
    Case("A001", put("study.license", "MIT"), fires=0, also={"A002"}),
    Case("A002", put("study.license", "MIT"), says="MIT"),
    Case("A002", put("study.license", "CC-BY-4.0"), fires=0),
    Case("A003", drop("study.links"), level=Level.ABSENT),
    Case("A003", put("study.links[0].link_url", "https://example.org/data"), level=Level.PRESENT),
    Case("A003", put("study.links[0].link_url", "https://doi.org/10.5281/zenodo.1234567"), fires=0),
    Case(
        "A006",
        lambda b: b.row("images/field_02.tif").update(sha256=""),
        says="1 row of 8",
        level=Level.PRESENT,
    ),
    Case("A006", lambda b: [row.update(sha256="", size="") for row in b.rows], level=Level.ABSENT),
    Case("A006", lambda b: b.row("images/field_02.tif").update(split="test"), fires=0, also={"L021"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.access", CASES)
