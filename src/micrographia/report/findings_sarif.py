"""The report of a check as SARIF 2.1.0, which code hosts and editors show beside the file."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import quote

from micrographia.checks.registry import all_rules
from micrographia.checks.result import Report
from micrographia.checks.rule import Rule
from micrographia.checks.runner import INTERNAL_ERROR
from micrographia.findings import Finding, Severity

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def findings_sarif(report: Report) -> str:
    """Return a report as SARIF 2.1.0 text."""
    return json.dumps(sarif_document(report), indent=2, ensure_ascii=False) + "\n"


def sarif_document(report: Report) -> dict[str, Any]:
    """Return a report as a SARIF log of one run; waived findings are suppressed with their reason."""
    codes = {outcome.code for outcome in report.outcomes}
    rules = [_rule(rule) for rule in all_rules() if rule.code in codes]
    rules.append(
        {
            "id": INTERNAL_ERROR,
            "shortDescription": {"text": "A rule failed with an internal error"},
            "defaultConfiguration": {"level": "error"},
        }
    )
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    results = [_result(finding, index) for finding in report.findings]
    for waived in report.waived:
        suppression = {"kind": "external", "status": "accepted", "justification": waived.reason}
        results.append(_result(waived.finding, index) | {"suppressions": [suppression]})
    name, _, version = report.program.partition(" ")
    driver = {"name": name or "micrographia", "version": version or "0", "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"DATASET": {"description": {"text": "The folder of the dataset"}}},
        "results": results,
        "properties": {
            "profile": report.profile,
            "depth": str(report.depth),
            "scores": {
                str(s.letter): {"passed": s.passed, "applicable": s.applicable} for s in report.scores
            },
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: type[Rule]) -> dict[str, Any]:
    sections = rule.documentation()
    body = "\n\n".join(f"## {name}\n\n{_markdown(text)}" for name, text in sections.items())
    return {
        "id": rule.code,
        "name": rule.__name__,
        "shortDescription": {"text": rule.title()},
        "fullDescription": {"text": _plain(sections.get("What it does", rule.title()))},
        "help": {
            "text": _plain(sections.get("How to fix", "")) or rule.title(),
            "markdown": body or rule.title(),
        },
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": [str(rule.source), rule.letter.word], "fixable": rule.fixable},
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    said = f"{finding.message}. {finding.fix}" if finding.fix else finding.message
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "level": LEVELS[finding.severity],
        "message": {"text": said},
        "partialFingerprints": {"micrographiaFinding/v1": _fingerprint(finding)},
        "properties": {
            "fixable": finding.fixable,
            "field": finding.field,
            "level": str(finding.level) if finding.level else "",
        },
    }
    if finding.path:
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.path), "uriBaseId": "DATASET"}}
        if finding.line is not None:
            place["region"] = {"startLine": finding.line}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _fingerprint(finding: Finding) -> str:
    """Return what stays the same when lines move."""
    identity = "\0".join((finding.code, finding.path, finding.field, finding.message))
    return hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:32]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("``", "")).strip()


def _markdown(text: str) -> str:
    return text.replace("``", "`")
