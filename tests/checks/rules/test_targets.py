from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, both, drop, put, run_case, uncovered

SET = "annotations[0]"

CASES = [
    Case("M023", drop(f"{SET}.target"), says="nothing says", level=Level.ABSENT),
    Case("M023", drop(f"{SET}.target.cut_by_border"), says="cut by border", level=Level.PRESENT),
    Case("M023", put(f"{SET}.target.touching", "unknown"), says="touching", level=Level.PRESENT),
    Case("M023", put(f"{SET}.target.touching", "a gap of one pixel"), fires=0),
    Case("M024", drop(f"{SET}.mask_kind"), level=Level.ABSENT),
    Case("M024", put(f"{SET}.mask_kind", "binary"), fires=0),
    Case(
        "M025",
        both(put(f"{SET}.mask_kind", "semantic"), drop(f"{SET}.classes")),
        level=Level.ABSENT,
    ),
    Case(
        "M025",
        put(f"{SET}.classes", [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]),
        fires=2,
        says="shares the id 1",
    ),
    Case(
        "M025",
        put(f"{SET}.classes", [{"id": 1, "name": "cell"}, {"id": 2, "name": "Cell"}]),
        fires=2,
        says="name",
    ),
    Case("M025", put(f"{SET}.classes", [{"name": "cell"}, {"id": 2}]), fires=2, says="has no id"),
    Case(
        "M025",
        both(put(f"{SET}.mask_kind", "semantic"), put(f"{SET}.classes[0].id", 0)),
        says="background",
    ),
    Case("M025", put(f"{SET}.classes[0].id", -1), says="-1"),
    Case("M025", put(f"{SET}.mask_kind", "semantic"), fires=0),
    Case("M025", drop(f"{SET}.classes"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.targets", CASES)
