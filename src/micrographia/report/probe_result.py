"""A result of ``micrographia probe`` as the pages read it: finite numbers or None, texts on one line, tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from micrographia.errors import MicrographiaError, printable

Row = Mapping[str, Any]

VERSION = 1

KINDS = {
    "candidate": "candidate",
    "combined": "candidate with a baseline",
    "twin": "untrained twin",
    "random": "random features",
    "baseline": "baseline",
    "layout": "layout alone",
}
"""What the kinds of a row are called, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Task:
    """The rows and comparisons of one task under one transform, with one metric."""

    name: str
    title: str
    metric: str
    primary: bool
    transform: str
    rows: list[Row] = field(default_factory=list)
    comparisons: list[Row] = field(default_factory=list)

    @property
    def candidates(self) -> list[Row]:
        """Rows of candidates, the best first."""
        return [row for row in self.rows if row.get("kind", "candidate") == "candidate"]

    @property
    def level(self) -> str:
        """Level of the intervals as a percentage: ``95%``."""
        found = next((level for row in self.rows if (level := number(row.get("level")))), 0.95)
        return f"{100 * found:g}%"


def opened(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``result`` if it is a result document that this version can show.

    Raises
    ------
    MicrographiaError
        If it is something else, or of another version.
    """
    if not isinstance(result, Mapping) or "micrographia_result" not in result:
        raise MicrographiaError(
            "", "this is no result of micrographia probe", "give the result.json that it wrote"
        )
    if result["micrographia_result"] != VERSION:
        told = printable(str(result["micrographia_result"]))[:40]
        raise MicrographiaError(
            "",
            f"the result is of version {told}, this program reads version {VERSION}",
            "repeat it with micrographia rerun",
        )
    return result


def number(value: object) -> float | None:
    """Return a finite number, or None for anything else (null, NaN, text)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def text(value: object) -> str:
    """Return a value as one printable line; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(str(value)).strip()


def listed(held: Mapping[str, Any], key: str) -> list[Row]:
    """Return the rows under ``key``; an absent or null list is empty.

    Raises
    ------
    MicrographiaError
        If something other than a list of objects is there.
    """
    found = held.get(key)
    if found is None:
        return []
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise MicrographiaError(
            "", f"'{key}' of the result is not a list", "repeat it with micrographia rerun"
        )
    if not all(isinstance(row, Mapping) for row in found):
        raise MicrographiaError(
            "",
            f"'{key}' of the result holds something other than objects",
            "repeat it with micrographia rerun",
        )
    return list(found)


def mapping(held: Mapping[str, Any], key: str) -> Row:
    """Return the object under ``key``; an absent or null one is empty."""
    found = held.get(key)
    return found if isinstance(found, Mapping) else {}


def texts(held: Mapping[str, Any], key: str) -> list[str]:
    """Return the texts under ``key`` that are not empty; a single text is a list of one."""
    found = held.get(key)
    if found is None:
        return []
    values = [found] if isinstance(found, str) or not isinstance(found, Sequence) else found
    return [line for value in values if (line := text(value))]


def matrix(held: Mapping[str, Any], key: str, size: int) -> list[list[float | None]]:
    """Return a square table of numbers; empty if there is none of this size."""
    found = held.get(key)
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != size:
        return []
    if any(not isinstance(line, Sequence) or isinstance(line, str) or len(line) != size for line in found):
        return []
    return [[number(value) for value in line] for line in found]


def tasks(result: Mapping[str, Any]) -> list[Task]:
    """Return the tasks by transform: primary ones first, else in the order of the document; rows sorted for people.

    A task that has several metrics under one transform (a matched control, say) appears once a metric, and its
    comparisons with the first. Rows are sorted by kind (:data:`KINDS`), then from the best score to the worst; what has
    no score comes last.
    """
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in listed(result, "table"):
        found.setdefault((*_place(row), text(row.get("metric"))), []).append(row)
    main: dict[tuple[str, str], str] = {}
    for task, transform, metric in found:
        main.setdefault((task, transform), metric)
    held: dict[tuple[str, str, str], list[Row]] = {}
    for row in listed(result, "comparisons"):
        held.setdefault((*_place(row), main.get(_place(row), "")), []).append(row)
    made = []
    for key in dict.fromkeys([*found, *held]):
        rows = found.get(key, [])
        first: Row = rows[0] if rows else {}
        made.append(
            Task(
                name=key[0],
                title=text(first.get("task_title")) or key[0] or "task without a name",
                metric=key[2],
                primary=any(row.get("role") == "primary" for row in rows),
                transform=key[1],
                rows=sorted(rows, key=_order),
                comparisons=held.get(key, []),
            )
        )
    return sorted(made, key=lambda task: not task.primary)


def headline_task(result: Mapping[str, Any]) -> Task | None:
    """Return the first primary task, else the first that has scores, else None."""
    found = tasks(result)
    return next((task for task in found if task.rows), found[0] if found else None)


def kind(row: Row) -> str:
    """Return the kind of a row; one that is not known counts as a baseline."""
    told = row.get("kind") or "candidate"
    return str(told) if told in KINDS else "baseline"


def by_candidate(rows: Sequence[Row], order: Sequence[str] = ()) -> dict[str, list[Row]]:
    """Return rows by their candidate: those of ``order`` first and in its order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(text(row.get("candidate")), []).append(row)
    names = [name for name in order if name in found]
    return {name: found[name] for name in dict.fromkeys([*names, *found])}


def _place(row: Row) -> tuple[str, str]:
    return text(row.get("task")), text(row.get("transform"))


def _order(row: Row) -> tuple[int, bool, float, str]:
    score = number(row.get("score"))
    return list(KINDS).index(kind(row)), score is None, -(score or 0.0), text(row.get("candidate"))
