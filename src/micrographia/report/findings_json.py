"""The report of a check as JSON, for programs."""

from __future__ import annotations

import json
from typing import Any

from micrographia.checks.result import Outcome, Report, Score
from micrographia.findings import Level, Severity

FORMAT_VERSION = 1


def findings_json(report: Report) -> str:
    """Return a report as JSON text; :func:`findings_schema` describes it."""
    return json.dumps(findings_document(report), indent=2, ensure_ascii=False) + "\n"


def findings_document(report: Report) -> dict[str, Any]:
    """Return a report as a dictionary of JSON values."""
    return {
        "format": "micrographia-check",
        "format_version": FORMAT_VERSION,
        "program": report.program,
        "dataset": report.dataset,
        "title": report.title,
        "version": report.version,
        "profile": report.profile,
        "depth": str(report.depth),
        "counts": {str(severity): report.count(severity) for severity in Severity},
        "scores": {str(score.letter): _score(score) for score in report.scores},
        "findings": [finding.to_json() for finding in report.findings],
        "waived": [waived.to_json() for waived in report.waived],
        "rules": [_outcome(outcome) for outcome in report.outcomes],
        "fixed": list(report.fixed),
    }


def findings_schema() -> dict[str, Any]:
    """Return the JSON Schema of :func:`findings_document`."""
    text = {"type": "string"}
    number = {"type": "integer", "minimum": 0}
    codes = {"type": "array", "items": {"type": "string", "pattern": "^[A-Z]{1,3}[0-9]{3}$"}}
    finding = {
        "code": text | {"description": "Code of the rule."},
        "severity": {"enum": [str(severity) for severity in Severity]},
        "message": text | {"description": "What is wrong, in one sentence."},
        "path": text | {"description": "File, relative to the dataset; empty if it is about none."},
        "line": {"type": ["integer", "null"], "minimum": 1},
        "field": text | {"description": "Dotted path of the metadata field."},
        "fix": text | {"description": "What to do, in one clause."},
        "fixable": {"type": "boolean", "description": "Whether --fix can do it."},
        "level": {
            "enum": [*(str(level) for level in Level), None],
            "description": "How far the requirement is met.",
        },
        "evidence": {"type": "object", "description": "Figures behind the message."},
    }
    rule = {
        "code": text,
        "title": text,
        "source": {"enum": ["mifa", "rembi", "bia", "ngff", "practice"]},
        "letter": {"enum": ["M", "I", "F", "A"]},
        "state": {"enum": ["passed", "failed", "waived", "skipped", "not applicable"]},
        "reason": text | {"description": "Why it was skipped or waived."},
        "findings": number,
        "plugin": {"type": "boolean"},
    }
    score = {
        "passed": number,
        "applicable": number,
        "sources": {"type": "array", "items": text},
        "failed": codes,
        "waived": codes,
        "skipped": codes,
    }
    root = {
        "format": {"const": "micrographia-check"},
        "format_version": {"const": FORMAT_VERSION},
        "program": text,
        "dataset": text,
        "title": text,
        "version": text,
        "profile": text,
        "depth": {"enum": ["metadata", "files", "headers", "pixels"]},
        "counts": _object({str(severity): number for severity in Severity}),
        "scores": {"type": "object", "additionalProperties": _object(score)},
        "findings": {"type": "array", "items": _object(finding)},
        "waived": {"type": "array", "items": _object(finding | {"waiver": text})},
        "rules": {"type": "array", "items": _object(rule)},
        "fixed": {"type": "array", "items": text},
    }
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of micrographia check",
    }
    return head | _object(root)


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _score(score: Score) -> dict[str, Any]:
    return {
        "passed": score.passed,
        "applicable": score.applicable,
        "sources": [str(source) for source in score.sources],
        "failed": list(score.failed),
        "waived": list(score.waived),
        "skipped": list(score.skipped),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "code": outcome.code,
        "title": outcome.title,
        "source": str(outcome.source),
        "letter": str(outcome.letter),
        "state": str(outcome.state),
        "reason": outcome.reason,
        "findings": outcome.findings,
        "plugin": outcome.plugin,
    }
