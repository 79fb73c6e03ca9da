"""How long it takes to mend a finding: a table of minutes, in YAML, that anyone can change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from micrographia.checks.registry import find_rule
from micrographia.errors import DatasetError, MetadataError
from micrographia.findings import Finding, Severity
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import parse

EACH = ("record", "finding", "author", "organisation")
"""What minutes may be counted for."""
LARGEST = 1 << 20
"""Bytes above which a file is taken for no table."""

EXAMPLE = "It needs `rules`, for example rules: {M006: {minutes: 1}}"


@dataclass(frozen=True, slots=True)
class Effort:
    """Minutes that mending takes.

    Parameters
    ----------
    minutes
        Minutes.
    each
        One of :data:`EACH`: what they are counted for.
    """

    minutes: float
    each: str = "record"


@dataclass(frozen=True, slots=True)
class Efforts:
    """Minutes by code of a rule, and by severity for the others."""

    rules: Mapping[str, Effort]
    default: Mapping[Severity, float]

    def minutes(self, code: str, findings: Sequence[Finding]) -> float:
        """Return the minutes that mending the findings of one rule takes; 0 without findings."""
        if not findings:
            return 0.0
        worst = min(findings, key=lambda finding: finding.severity.rank).severity
        effort = self.rules.get(code) or Effort(self.default[worst])
        return effort.minutes * _number(effort.each, findings)


@cache
def load_efforts(path: str | Path | None = None) -> Efforts:
    """Return the built-in table, with what a file replaces.

    Raises
    ------
    DatasetError
        If the file cannot be read, or says something else.
    """
    here = files("micrographia.catalogue.triage").joinpath("efforts.yaml").read_text("utf-8")
    known = _read(here, "efforts.yaml", None)
    if path is None:
        return known
    place = Path(path)
    try:
        if place.stat().st_size > LARGEST:
            raise DatasetError(place, "is larger than 1 MiB", "Is it really a table of efforts?")
        text = place.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(place, f"cannot be read ({error})", "Give a YAML file") from error
    return _read(text, place, known)


def _read(text: str, path: str | Path, base: Efforts | None) -> Efforts:
    try:
        held = plain(parse(text, path).root)
    except MetadataError as error:
        raise DatasetError(path, f"is no YAML ({error.problem})", EXAMPLE) from error
    if (
        not isinstance(held, dict)
        or not isinstance(held.get("rules", {}), dict)
        or held.get("format", 1) != 1
    ):
        raise DatasetError(path, "is no table of efforts", EXAMPLE)
    unknown = next((str(key) for key in held if key not in ("format", "default", "rules")), None)
    if unknown is not None:
        raise DatasetError(path, f"says {unknown[:40]!r}, which it cannot", EXAMPLE)
    rules = dict(base.rules) if base else {}
    for code, entry in held.get("rules", {}).items():
        find_rule(str(code))
        rules[str(code)] = _effort(code, entry, path)
    default = dict(base.default) if base else {}
    given = held.get("default", {})
    for name, minutes in (given if isinstance(given, dict) else {"": given}).items():
        if name not in {str(severity) for severity in Severity}:
            raise DatasetError(
                path, f"has {str(name)[:40]!r} under default", "It takes error, warning and info"
            )
        default[Severity(name)] = _minutes(minutes, f"default.{name}", path)
    return Efforts(rules, default)


def _effort(code: Any, entry: Any, path: str | Path) -> Effort:
    if not isinstance(entry, dict) or not {"minutes", "each"} >= entry.keys() or "minutes" not in entry:
        raise DatasetError(path, f"has no minutes for {str(code)[:20]}", EXAMPLE)
    each = entry.get("each", "record")
    if each not in EACH:
        raise DatasetError(
            path, f"counts {str(code)[:20]} for each {str(each)[:40]!r}", f"Use {', '.join(EACH)}"
        )
    return Effort(_minutes(entry["minutes"], str(code), path), str(each))


def _minutes(value: Any, what: str, path: str | Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
        raise DatasetError(path, f"has no number of minutes for {what[:40]}", EXAMPLE)
    return float(value)


def _number(each: str, findings: Sequence[Finding]) -> int:
    if each == "finding":
        return len(findings)
    if each in ("author", "organisation"):
        named = [len(finding.evidence.get(f"{each}s", ())) for finding in findings]
        return max(sum(named), 1)
    return 1


def told_minutes(minutes: float) -> str:
    """Return minutes as people say them.

    Examples
    --------
    >>> told_minutes(1), told_minutes(45), told_minutes(90), told_minutes(960)
    ('1 minute', '45 minutes', '1.5 hours', '2 working days')
    """
    if minutes < 60:
        whole = max(1, round(minutes))
        return f"{whole} minute{'s' * (whole != 1)}"
    if minutes < 480:
        hours = round(minutes / 30) / 2
        return "1 hour" if hours == 1 else f"{hours:g} hours"
    days = round(minutes / 240) / 2
    return "1 working day" if days == 1 else f"{days:g} working days"
