from collections.abc import Callable
from pathlib import Path

import pytest

from builder import Builder
from planting import Case, run_case, uncovered


def waive(**waiver: str) -> Callable[[Builder], None]:
    return lambda builder: builder.get("waivers").append(waiver)


CASES = [
    Case("M060", waive(code="M014"), says="no reason"),
    Case("M060", waive(code="M014", reason="TODO"), says="no reason"),
    Case("M060", waive(code="M998", reason="it is wrong here"), says="no rule"),
    Case("M060", waive(reason="all is fine"), says="no rule"),
    Case("M060", waive(code="M014", reason="nobody measured it"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.waiving", CASES)
