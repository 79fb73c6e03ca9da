"""What importing and exporting may have to say: one table of codes, so that no loss is silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from micrographia.findings import Finding, Severity

_INFO, _WARNING, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding of importing or exporting.

    Parameters
    ----------
    code
        Stable code.
    severity
        Information where nothing is lost, warning where something is, error where the result is not valid.
    title
        What it is, in a few words.
    meaning
        What was done.
    """

    code: str
    severity: Severity
    title: str
    meaning: str


_TABLE = (
    ("E001", _WARNING, "a field that the format cannot carry", "It was left out of what was written."),
    (
        "E002",
        _INFO,
        "a field that has another form there",
        "It was written, but does not come back as it was.",
    ),
    ("E003", _ERROR, "a field that the format requires", "Without it what was written is not valid."),
    ("E004", _INFO, "something without a home in the model", "It is kept word for word in origin.json."),
    ("E005", _WARNING, "something kept that the format has no place for", "It stays in origin.json alone."),
    (
        "E006",
        _WARNING,
        "a path that cannot be followed",
        "The file is not listed; the line is kept in origin.json.",
    ),
    ("E007", _WARNING, "a reference to nothing", "It is kept as it is written."),
    ("E008", _WARNING, "references in a circle", "They were followed once."),
    ("E009", _WARNING, "an entry of another shape", "It was not read; it is kept in origin.json."),
    ("E010", _WARNING, "something that is missing", "The rest was read."),
    ("E011", _WARNING, "an address that would have to be fetched", "It was not; what is built in was used."),
    ("E012", _WARNING, "an entry that occurs twice", "The first counts; the second is kept in origin.json."),
    ("E013", _WARNING, "a file that cannot be carried", "It was left out of what was written."),
    (
        "E014",
        _WARNING,
        "a field that an archive asks for",
        "What was written is valid without it, but that archive does not take it.",
    ),
    (
        "E015",
        _INFO,
        "a field without a term in the format",
        "It was written in a form that this package reads again, and others may not.",
    ),
)

CODES: dict[str, Code] = {
    code: Code(code, severity, title, meaning) for code, severity, title, meaning in _TABLE
}
"""Code to what it means."""


def told(
    code: str, message: str, *, field: str = "", fields: Sequence[str] = (), path: str = "", fix: str = ""
) -> Finding:
    """Return a finding of importing or exporting.

    Parameters
    ----------
    code
        One of :data:`CODES`.
    message
        What is the matter, in one sentence without a full stop.
    field, fields
        Dotted path of the metadata field (``study.title``; ``files.COLUMN`` for a column of the file list), or all of
        several that it is said of.
    path
        File that it is about.
    fix
        What to do, in one clause.
    """
    evidence = {"fields": list(fields)} if len(fields) > 1 else {}
    first = field or (fields[0] if fields else "")
    return Finding(code, CODES[code].severity, message, path=path, field=first, fix=fix, evidence=evidence)


def code_table() -> str:
    """Return the table of codes as Markdown, for the documentation."""
    rows = [f"| {item.code} | {item.severity} | {item.title} | {item.meaning} |" for item in CODES.values()]
    return "\n".join(["| code | severity | what was found | what was done |", "|---|---|---|---|", *rows])
