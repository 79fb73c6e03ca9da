"""Findings: what reading, checking and converting have to say, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import field as default
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters: an error makes ``check`` exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for errors, 1 for warnings, 2 for information: the order in which findings are shown."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Level(StrEnum):
    """How far a requirement is met, from nothing written to seen in the pixels."""

    ABSENT = "absent"
    PRESENT = "present"
    SPECIFIC = "specific"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, and what to do about it.

    Parameters
    ----------
    code
        Stable code of the rule or coercion, for example ``M003``.
    severity
        Error, warning or information.
    message
        What is wrong, in one sentence without a full stop.
    path
        File that it is about, relative to the dataset, with ``/``.
    line
        Line in that file, counted from 1, where one is known.
    field
        Dotted path of the metadata field, for example ``annotations[0].annotation_type``.
    fix
        What to do, in one clause.
    fixable
        Whether ``check --fix`` can do it.
    level
        How far the requirement is met.
    evidence
        Figures behind the message; JSON values only.
    """

    code: str
    severity: Severity
    message: str
    path: str = ""
    line: int | None = None
    field: str = ""
    fix: str = ""
    fixable: bool = False
    level: Level | None = None
    evidence: Mapping[str, Any] = default(default_factory=dict, hash=False)

    @property
    def place(self) -> str:
        """``path:line``, as editors understand it."""
        return f"{self.path}:{self.line}" if self.line is not None else self.path

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a dictionary of JSON values."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return values | {"evidence": dict(self.evidence)}
