"""Findings are values: comparable, hashable, sortable by severity, and JSON."""

import json
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from micrographia.findings import Finding, Level, Severity

FINDINGS = st.builds(
    Finding,
    code=st.from_regex(r"[A-Z]\d{3}", fullmatch=True),
    severity=st.sampled_from(Severity),
    message=st.text(),
    path=st.text(),
    line=st.none() | st.integers(1, 10**6),
    field=st.text(),
    fix=st.text(),
    fixable=st.booleans(),
    level=st.none() | st.sampled_from(Level),
    evidence=st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())),
)


def test_severities_rank_errors_first():
    assert sorted([Severity.INFO, Severity.ERROR, Severity.WARNING], key=lambda severity: severity.rank) == [
        "error",
        "warning",
        "info",
    ]


def test_place_is_what_editors_understand():
    assert Finding("M003", Severity.ERROR, "is bad", path="mifa.yaml", line=41).place == "mifa.yaml:41"
    assert Finding("M003", Severity.ERROR, "is bad", path="mifa.yaml").place == "mifa.yaml"
    assert Finding("M003", Severity.ERROR, "is bad").place == ""


@given(FINDINGS)
def test_json_carries_everything(finding):
    values = json.loads(json.dumps(finding.to_json()))
    level = values.pop("level")
    severity = values.pop("severity")
    rebuilt = Finding(**values, severity=Severity(severity), level=None if level is None else Level(level))
    assert rebuilt == finding


@given(FINDINGS)
def test_equal_findings_hash_alike(finding):
    twin = Finding(**(finding.to_json()))
    assert twin == finding
    assert len({twin, finding}) == 1


def test_json_of_read_only_evidence():
    finding = Finding("P004", Severity.ERROR, "is bad", evidence=MappingProxyType({"values": [0, 255]}))
    assert finding.to_json()["evidence"] == {"values": [0, 255]}
