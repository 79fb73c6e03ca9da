"""Findings that say the same of several files become one entry, as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from micrographia.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was found, and everywhere where it was found."""

    code: str
    severity: Severity
    message: str
    fix: str
    fixable: bool
    findings: tuple[Finding, ...]

    def places(self, most: int = 3) -> str:
        """Return where it is: ``a.tif, b.tif and 4 more``, ``files.tsv:18, 240, 301``."""
        shown: dict[str, list[str]] = {}
        for finding in self.findings:
            lines = shown.setdefault(finding.path, [])
            if finding.line is not None:
                lines.append(str(finding.line))
        parts: list[str] = []
        for path, lines in shown.items():
            if path:
                parts += [f"{path}:{lines[0]}", *lines[1:]] if lines else [path]
        rest = len(parts) - most
        return ", ".join(parts[:most]) + (f" and {rest} more" if rest > 0 else "")


def grouped(findings: Iterable[Finding]) -> list[Entry]:
    """Return findings as entries, in the order of their first finding."""
    found: dict[tuple[str, Severity, str, str, bool], list[Finding]] = {}
    for finding in findings:
        key = (finding.code, finding.severity, finding.message, finding.fix, finding.fixable)
        found.setdefault(key, []).append(finding)
    return [Entry(*key, tuple(held)) for key, held in found.items()]
