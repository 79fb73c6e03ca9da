from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, drop, put, run_case, uncovered

CASES = [
    Case("M001", drop("study.title"), level=Level.ABSENT),
    Case("M001", put("study.title", "?"), level=Level.ABSENT, also={"M033"}),
    Case("M001", put("study.title", "My dataset"), says="My dataset", level=Level.PRESENT),
    Case("M001", put("study.title", "TODO: find a title for these data"), level=Level.PRESENT),
    Case("M001", put("study.title", "Nuclei in mouse kidney"), fires=0),
    Case("M002", drop("study.description"), level=Level.ABSENT, also={"I002"}),
    Case("M002", put("study.description", "Images. Please cite."), level=Level.PRESENT),
    Case(
        "M002", lambda b: b.set("study.description", b.get("study.title")), level=Level.ABSENT, also={"I002"}
    ),
    Case("M002", put("study.description", "Please cite: " + "one good word " * 5), fires=0),
    Case("M004", drop("study.keywords"), level=Level.ABSENT),
    Case(
        "M004",
        put("study.keywords", ["nucleus", "Nucleus", "todo"]),
        says="1 keyword",
        level=Level.PRESENT,
    ),
    Case("M004", put("study.keywords", ["nucleus", "mouse", "STED"]), fires=0),
    Case("M005", drop("study.authors"), level=Level.ABSENT),
    Case("M005", drop("study.authors[0].author_last_name"), says="author 1", level=Level.PRESENT),
    Case("M005", put("study.authors[0].author_last_name", "The Group of Annotators"), fires=0),
    Case("M006", drop("study.license"), says="nobody", level=Level.ABSENT),
    Case("M006", put("study.license", "ask me"), says="not known", level=Level.PRESENT),
    Case("M006", put("study.license", "CC BY"), says="CC-BY-4.0", level=Level.PRESENT),
    Case("M006", put("study.license", "CC-BY-4.0"), fires=0),
    Case("M007", drop("study.funding_statement"), level=Level.ABSENT),
    Case("M007", put("study.funding_statement", "n/a"), level=Level.PRESENT),
    Case("M007", put("study.funding_statement", "This work received no external funding."), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.study", CASES)
