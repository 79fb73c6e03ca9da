from pathlib import Path

import pytest

from micrographia.findings import Level
from planting import Case, both, drop, put, run_case, uncovered

CASES = [
    Case(
        "I001",
        both(drop("study.publications"), drop("study.links")),
        level=Level.ABSENT,
        also={"A003"},
    ),
    Case(
        "I001",
        both(
            drop("study.publications[0].publication_doi"),
            put("study.links[0].link_url", "https://example.org"),
        ),
        level=Level.PRESENT,
        also={"A003"},
    ),
    Case("I001", drop("study.publications"), fires=0),
    Case("I001", drop("study.links"), fires=0, also={"A003"}),
    Case("I002", put("study.description", "one good word " * 6), level=Level.ABSENT),
    Case(
        "I002",
        both(put("study.description", "one good word " * 6), put("study.acknowledgements", "Cite us.")),
        fires=0,
    ),
    Case("I003", drop("study.authors[0].orcid_id"), says="1 author of 1", level=Level.ABSENT),
    Case(
        "I003",
        lambda b: b.get("study.authors").append(
            {
                "author_last_name": "The Group",
                "role": ["x"],
                "organisation": b.get("study.authors[0].organisation")[:],
            }
        ),
        fires=0,
    ),
    Case("I004", drop("study.authors[0].role"), level=Level.ABSENT),
    Case("I004", put("study.authors[0].role", ["software"]), fires=0),
    Case("I005", drop("study.authors[0].organisation"), level=Level.ABSENT),
    Case(
        "I005",
        drop("study.authors[0].organisation[0].ror_id"),
        says="Brown University",
        level=Level.PRESENT,
    ),
    Case("I005", drop("study.authors[0].organisation[0].organisation_name"), fires=0),
    Case("I006", drop("study.grants[0].funder"), says="no funder", level=Level.PRESENT),
    Case("I006", drop("study.grants"), says="no grant is listed", level=Level.PRESENT),
    Case(
        "I006",
        both(drop("study.grants"), put("study.funding_statement", "No external funding at all.")),
        fires=0,
    ),
    Case("I007", drop("study.ai_models_trained"), level=Level.ABSENT),
    Case(
        "I007",
        put("study.ai_models_trained", ["https://bioimage.io/#/?id=affable-shark"]),
        fires=0,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.incentives", CASES)
