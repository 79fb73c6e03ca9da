from collections.abc import Callable
from pathlib import Path

import pytest

from builder import Builder
from micrographia.findings import Level
from planting import Case, drop, put, run_case, uncovered


def versions(*given: dict[str, str]) -> Callable[[Builder], None]:
    return lambda builder: builder.set("versions", list(given))


CASES = [
    Case("M050", drop("versions"), level=Level.ABSENT),
    Case("M050", drop("versions[0].timestamp"), says="1.0 has no timestamp", level=Level.PRESENT),
    Case("M050", drop("versions[0].version"), level=Level.PRESENT),
    Case("M050", versions({"version": "2", "timestamp": "2024-03"}), fires=0),
    Case(
        "M051",
        versions({"version": "1", "timestamp": "2024-03"}, {"version": "1", "timestamp": "2024-04"}),
        says="2 times",
    ),
    Case(
        "M051",
        versions({"version": "1.1", "timestamp": "2024-03", "previous_version": "1.0"}),
        says="not listed",
    ),
    Case(
        "M051",
        versions({"version": "1", "timestamp": "2024-04"}, {"version": "2", "timestamp": "2024-03-01"}),
        says="older",
    ),
    Case(
        "M051",
        versions(
            {"version": "1", "timestamp": "2024-03", "previous_version": "2"},
            {"version": "2", "timestamp": "2024-04", "previous_version": "1"},
        ),
        fires=2,
        says="itself",
    ),
    Case(
        "M051",
        versions(
            {"version": "1", "timestamp": "2024-03", "previous_version": "https://example.org/v0"},
            {"version": "2", "timestamp": "2024-03-01", "previous_version": "1"},
        ),
        fires=0,
    ),
    Case("M052", put("versions[0].timestamp", "3/4/2023"), says="2023-04-03 or 2023-03-04"),
    Case("M052", put("versions[0].timestamp", "2303-01-17"), says="future"),
    Case(
        "M052",
        put("annotations[0].annotation_completion_time", "2024-05"),
        says="after the newest version",
    ),
    Case("M052", put("annotations[0].annotation_completion_time", "2024"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.versions", CASES)
