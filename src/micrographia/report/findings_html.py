"""The report of a check as one page for people: opens from a disk, without a network."""

from __future__ import annotations

from importlib.resources import files as resources
from typing import Any

from micrographia.checks.registry import all_rules
from micrographia.checks.result import Outcome, Report, Score
from micrographia.checks.rule import Letter, Needs
from micrographia.errors import printable
from micrographia.findings import Severity
from micrographia.report.findings_grouping import Entry, grouped

PLACES = 200
"""Places of one entry that are listed."""

_READ = {
    Needs.METADATA: "metadata read",
    Needs.FILES: "metadata and file names read",
    Needs.HEADERS: "metadata and headers read, pixels not",
    Needs.PIXELS: "metadata, headers and pixels read",
}


def findings_html(report: Report) -> str:
    """Return a report as HTML: self-contained, for light and dark screens, every text of the dataset escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("micrographia.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    css = resources("micrographia.report").joinpath("templates/page.css").read_text("utf-8")
    entries = grouped(report.findings)
    context = {
        "program": report.program,
        "css": Markup(css),  # noqa: S704 - our own file
        "title": printable(report.title),
        "version": printable(report.version),
        "profile": report.profile,
        "read": _READ[report.depth],
        "lead": lead(report),
        "scores": [_score(score) for score in report.scores],
        "fixed": [printable(done) for done in report.fixed],
        "entries": [_entry(entry) for entry in entries],
        "waived": [
            {"code": w.finding.code, "message": printable(w.finding.message), "reason": printable(w.reason)}
            for w in report.waived
        ],
        "explained": _explained({entry.code for entry in entries}),
        "rules": [group for letter in Letter if (group := _rules(letter, report.outcomes))["rules"]],
    }
    return environment.get_template("findings.html.j2").render(context)


def lead(report: Report) -> str:
    """Return the sentence that answers how the dataset stands."""
    counts = [
        f"{report.count(severity):,} {noun}{'s' if report.count(severity) != 1 else ''}"
        for severity, noun in (
            (Severity.ERROR, "error"),
            (Severity.WARNING, "warning"),
            (Severity.INFO, "note"),
        )
        if report.count(severity)
    ]
    if not counts:
        return "Nothing was found."
    told = counts[0] if len(counts) == 1 else f"{', '.join(counts[:-1])} and {counts[-1]}"
    fixable = len(report.fixable)
    return f"{told}." + (f" The program can mend {fixable:,} of them." if fixable else "")


def _score(score: Score) -> dict[str, Any]:
    percent = round(100 * score.passed / score.applicable) if score.applicable else 0
    return {
        "name": score.letter.word,
        "passed": score.passed,
        "applicable": score.applicable,
        "sources": ", ".join(score.sources),
        "percent": percent,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    places = [printable(finding.place) for finding in entry.findings if finding.place]
    rest = len(places) - PLACES
    return {
        "code": entry.code,
        "severity": entry.severity,
        "message": printable(entry.message),
        "fix": printable(entry.fix),
        "fixable": entry.fixable,
        "places": places[:PLACES] + [f"and {rest:,} more"] * (rest > 0),
    }


def _explained(codes: set[str]) -> list[dict[str, Any]]:
    return [
        {
            "code": rule.code,
            "title": rule.title(),
            "source": f"Asked for by {rule.source.meaning}.",
            "sections": [(name, text.replace("``", "")) for name, text in rule.documentation().items()],
        }
        for rule in all_rules()
        if rule.code in codes
    ]


def _rules(letter: Letter, outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    held = [
        {
            "state": outcome.state,
            "code": outcome.code,
            "title": outcome.title,
            "reason": printable(outcome.reason),
        }
        for outcome in outcomes
        if outcome.letter is letter
    ]
    return {"name": letter.word, "rules": held}
