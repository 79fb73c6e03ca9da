"""What an audit says: findings with their numbers, what cannot be concluded, and a verdict above all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Weight = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class AuditFinding:
    """One thing that the design says.

    Attributes
    ----------
    kind
        What it is about: labels, missing, unit, batch, evaluable, permutations, chance, power, nuisance, duplicates.
    text
        The finding in plain words, a sentence or two.
    numbers
        The figures behind it; JSON values only.
    task
        Task that it is about; empty if all.
    weight
        ``error`` where a conclusion is out of reach, ``warning`` where care is needed, else ``info``.
    """

    kind: str
    text: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    weight: Weight = "info"


@dataclass(frozen=True)
class Audit:
    """What a design can tell, from its metadata alone.

    Attributes
    ----------
    verdict
        What to know before any score, in two or three sentences.
    findings
        In the order in which a reader asks.
    cannot
        What cannot be concluded, and why, in plain sentences.
    seconds
        How long it took.
    """

    verdict: str
    findings: list[AuditFinding]
    cannot: list[str]
    seconds: float = 0.0

    def of(self, kind: str, task: str = "") -> list[AuditFinding]:
        """Return the findings of a kind, of one task if it is named."""
        return [found for found in self.findings if found.kind == kind and task in ("", found.task)]

    def to_json(self) -> dict[str, Any]:
        """Return the audit as JSON values; what is undefined is null."""
        return {
            "verdict": self.verdict,
            "findings": [
                {
                    "kind": found.kind,
                    "task": found.task,
                    "weight": found.weight,
                    "text": found.text,
                    "numbers": _plain(found.numbers),
                }
                for found in self.findings
            ],
            "cannot": list(self.cannot),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: 1 donor, 12 donors, 2 classes."""
    noun = noun.replace("_", " ")
    if count != 1:
        noun += "es" if noun.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{count:,} {noun}"


def figure(value: float) -> str:
    """Return a number for a sentence: three digits, no more decimals than it has."""
    if not math.isfinite(value):
        return "not defined" if math.isnan(value) else "infinite"
    return f"{value:.2f}" if 0.0095 <= abs(value) < 10 else f"{value:,.3g}"


def span(least: int, most: int) -> str:
    """Return a range for a sentence."""
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def joined(names: Sequence[str]) -> str:
    """Return names as part of a sentence: a, b and c."""
    return " and ".join(", ".join(names).rsplit(", ", 1)) if names else ""
