"""The findings that reading, converting and writing annotations can have: one code a kind of thing to know."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from micrographia.findings import Finding, Severity

CODES: dict[str, tuple[Severity, str]] = {
    "N001": (Severity.INFO, "names or values were read in another form than they are written"),
    "N002": (Severity.WARNING, "values could not be read and count as missing"),
    "N003": (Severity.ERROR, "rows or objects could not be kept"),
    "N004": (Severity.WARNING, "a shape was mended"),
    "N005": (Severity.WARNING, "parts of the file have no place in the tables and were left out"),
    "N006": (Severity.WARNING, "the format cannot carry a field"),
    "N007": (Severity.INFO, "the format holds values or shapes only approximately"),
    "N008": (
        Severity.WARNING,
        "a file name leaves the folder; only its last part is kept, nothing is opened",
    ),
    "N009": (Severity.INFO, "objects overlap and lie on several layers"),
    "N010": (Severity.WARNING, "ids are missing, doubled or no integers; the objects were numbered"),
    "N011": (Severity.INFO, "the file does not say what something means; the usual meaning was taken"),
    "N012": (Severity.WARNING, "objects without a pixel"),
}
"""Code to severity and what all findings of this code have in common."""


def finding(
    code: str,
    message: str,
    path: str | PathLike[str] = "",
    *,
    field: str = "",
    fix: str = "",
    line: int | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Finding:
    """Return a finding of one of :data:`CODES`, with that code's severity."""
    severity, _ = CODES[code]
    return Finding(
        code,
        severity,
        message,
        path=fspath(path).replace("\\", "/"),
        line=line,
        field=field,
        fix=fix,
        evidence=dict(evidence or {}),
    )


def listed(items: list[str], most: int = 5) -> str:
    """Return a few items as text, and how many more there are."""
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown
