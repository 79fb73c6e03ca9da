"""How numbers and verdicts of a result are written: the same on the page and in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from micrographia.report.probe_result import (
    Row,
    Task,
    by_candidate,
    headline_task,
    mapping,
    number,
    text,
    texts,
)

NONE = "–"
"""Stands for a number that is not there; its reason stands beside it."""

GLYPHS = {
    "beats": "▲",
    "loses": "▼",
    "equivalent": "=",
    "undecided": "?",
    "too few groups": "·",
    "undefined": "·",
}
"""A mark beside each verdict word, so that it is not told by colour alone."""


def places(rows: Iterable[Row], keys: Sequence[tuple[str, str]] = (("low", "high"),)) -> int:
    """Return how many decimals numbers deserve: the narrowest interval spans at least two of the last digit.

    At least two below ten (one below 100, none above), at most four.
    """
    widths, sizes = [], [0.0]
    for row in rows:
        for low, high in keys:
            ends = number(row.get(low)), number(row.get(high))
            if ends[0] is not None and ends[1] is not None:
                widths.append(abs(ends[1] - ends[0]))
        sizes += [
            abs(found) for key in ("score", "difference") if (found := number(row.get(key))) is not None
        ]
    least = 2 if max(sizes) < 10 else 1 if max(sizes) < 100 else 0
    narrow = min((width for width in widths if width > 0), default=1.0)
    return min(4, max(least, math.ceil(-math.log10(narrow / 2))))


def fixed(value: object, decimals: int) -> str:
    """Return a number with so many decimals and a true minus, or a dash."""
    found = number(value)
    if found is None:
        return NONE
    if abs(found) >= 1e9:
        return f"{found:.1e}".replace("-", "−")
    return _unsigned_zero(f"{found:,.{decimals}f}")


def signed(value: object, decimals: int) -> str:
    """Return a difference with its sign, or a dash."""
    found = number(value)
    told = fixed(found, decimals)
    return f"+{told}" if found is not None and not told.startswith("−") else told


def interval(row: Row, decimals: int, low: str = "low", high: str = "high", *, sign: bool = False) -> str:
    """Return an interval as ``0.33 to 0.49``, or a dash."""
    ends = number(row.get(low)), number(row.get(high))
    if ends[0] is None or ends[1] is None:
        return NONE
    write = signed if sign else fixed
    return f"{write(ends[0], decimals)} to {write(ends[1], decimals)}"


def percent(value: object) -> str:
    """Return a share as a whole percentage, or a dash."""
    found = number(value)
    return NONE if found is None else _unsigned_zero(f"{100 * found:.0f}") + "%"


def p_value(value: object) -> str:
    """Return a p-value with two significant digits at most, or a dash."""
    found = number(value)
    if found is None:
        return NONE
    if found < 0.001:
        return "<0.001"
    return f"{found:.3f}" if found < 0.1 else f"{found:.2f}"


def chance(row: Row) -> float | None:
    """Return the chance to hold a score against: that of the whole pipeline, or else the exact one of the metric."""
    found = number(row.get("chance_pipeline"))
    return number(row.get("chance")) if found is None else found


def count(value: object) -> str:
    """Return a whole number with separators, or a dash."""
    found = number(value)
    return NONE if found is None else f"{found:,.0f}"


def verdict(row: Row) -> str:
    """Return the verdict word of a comparison; ``undefined`` where there is none."""
    return text(row.get("verdict")) or "undefined"


def slug(word: str) -> str:
    """Return the verdict as a name of a style; nothing for a word that is not known."""
    return word.replace(" ", "-") if word in GLYPHS else ""


def unit_line(task: Task, result: Mapping[str, Any]) -> str:
    """Return what is independent in a task: ``unit: compound (38), crossed with week``."""
    rows = task.candidates or task.rows
    unit = next((name for row in rows if (name := text(row.get("unit")))), "")
    groups = next((found for row in rows if (found := number(row.get("n_groups"))) is not None), None)
    if not unit:
        return ""
    crossed = texts(mapping(result, "protocol"), "crossed")
    told = f"unit: {unit}" + (f" ({groups:,.0f})" if groups is not None else "")
    return told + (f", crossed with {joined(crossed)}" if crossed else "")


def joined(words: Sequence[str]) -> str:
    """Return words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def headline(result: Mapping[str, Any]) -> list[str]:
    """Return the sentences of the result; where it has none, one a candidate made from its verdicts."""
    told = texts(result, "headline")
    if told:
        return told
    task = headline_task(result)
    if task is None:
        return ["Nothing was scored."]
    scores = by_candidate(task.comparisons, [text(row.get("candidate")) for row in task.candidates])
    sentences = [_verdicts(name, rows) for name, rows in list(scores.items())[:3]]
    if len(scores) > 3:
        sentences.append(f"{len(scores) - 3} more candidates are below.")
    return sentences or ["Nothing was compared."]


def _verdicts(name: str, rows: Sequence[Row]) -> str:
    decimals = places(rows)
    parts = []
    words = {"beats": "beats {}", "loses": "loses to {}", "equivalent": "is equivalent to {}"}
    for word, form in words.items():
        against = [text(row.get("against")) for row in rows if verdict(row) == word]
        if against:
            parts.append(form.format(joined(against)))
    open_ = [row for row in rows if verdict(row) not in words]
    sentence = f"{name or 'The candidate'} {joined(parts)}." if parts else ""
    if not open_:
        return sentence
    rest = joined([text(row.get("against")) for row in open_])
    needed = [found for row in open_ if (found := number(row.get("minimum_detectable"))) is not None]
    if all(verdict(row) == "too few groups" for row in open_):
        groups = min(
            (found for row in open_ if (found := number(row.get("n_groups"))) is not None), default=None
        )
        few = "There are too few groups" if groups is None else f"{groups:,.0f} groups are too few"
        return f"{sentence} {few} to tell {name or 'the candidate'} from {rest}.".strip()
    told = (
        f"Against {rest} this design cannot tell"
        if parts
        else f"{name}: this design cannot tell it from {rest}"
    )
    told += f": it would need a difference of {fixed(max(needed), decimals)}." if needed else "."
    return f"{sentence} {told}".strip()


def study_line(result: Mapping[str, Any]) -> list[str]:
    """Return what was studied as short facts."""
    study = mapping(result, "study")
    facts = [text(study.get("name"))]
    rows = number(study.get("rows"))
    if rows is not None:
        facts.append(f"{rows:,.0f} rows")
    return [fact for fact in facts if fact]


def _unsigned_zero(told: str) -> str:
    told = told.replace("-", "−")
    return told[1:] if told.startswith("−") and not told.strip("−0.,") else told
