"""The report of a check as Markdown, for pull requests and wikis."""

from __future__ import annotations

import re

from micrographia.checks.result import Report, State
from micrographia.errors import printable
from micrographia.findings import Severity
from micrographia.report.findings_grouping import grouped


def findings_markdown(report: Report) -> str:
    """Return a report as GitHub-flavoured Markdown; what people wrote is escaped."""
    counts = ", ".join(
        f"{number} {severity}{'s' if number != 1 and severity is not Severity.INFO else ''}"
        for severity in Severity
        if (number := report.count(severity))
    )
    parts = [
        f"# {escape(report.title)}",
        f"{counts or 'No findings'}; profile {escape(report.profile)}, {report.program}.",
    ]
    if report.fixed:
        parts.append("## Fixed\n\n" + "\n".join(f"- {escape(done)}" for done in report.fixed))
    if report.scores:
        lines = ["| | passed of applicable | not passed | waived | skipped |", "|---|---|---|---|---|"]
        for score in report.scores:
            cells = (score.failed, score.waived, score.skipped)
            codes = " | ".join(", ".join(held) for held in cells)
            sources = ", ".join(score.sources)
            lines.append(
                f"| {score.letter.word} ({sources}) | {score.passed} of {score.applicable} | {codes} |"
            )
        parts.append("## Scores\n\n" + "\n".join(lines))
    if report.findings:
        lines = ["| severity | rule | finding | where | what to do |", "|---|---|---|---|---|"]
        for entry in grouped(report.findings):
            fix = escape(entry.fix) + (" (fixable)" if entry.fixable else "")
            where = escape(entry.places())
            lines.append(f"| {entry.severity} | {entry.code} | {escape(entry.message)} | {where} | {fix} |")
        parts.append("## Findings\n\n" + "\n".join(lines))
    if report.waived:
        lines = ["| rule | finding | reason |", "|---|---|---|"]
        for waived in report.waived:
            lines.append(
                f"| {waived.finding.code} | {escape(waived.finding.message)} | {escape(waived.reason)} |"
            )
        parts.append("## Waived\n\n" + "\n".join(lines))
    skipped = [outcome for outcome in report.outcomes if outcome.state is State.SKIPPED]
    if skipped:
        lines = ["| rule | title | why |", "|---|---|---|"]
        lines += [
            f"| {outcome.code} | {escape(outcome.title)} | {escape(outcome.reason)} |" for outcome in skipped
        ]
        parts.append("## Skipped\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Return text in which nothing is Markdown or HTML."""
    flat = re.sub(r"\s+", " ", printable(text.replace("\n", " "))).strip()
    marked = re.sub(r"([\\`*_{}\[\]<>#|~$!])", r"\\\1", flat)
    return marked.replace("&", "&amp;").replace("://", ":&#47;&#47;").replace("@", "&#64;")
