"""The answer in plain words, made from the table and the comparisons and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from micrographia.protocols import Protocol
from micrographia.statistics import Verdict

Row = Mapping[str, Any]


def headline(protocol: Protocol, table: Sequence[Row], comparisons: Sequence[Row]) -> list[str]:
    """Return sentences that answer the question of a protocol, candidate by candidate.

    Parameters
    ----------
    protocol
        Names the primary task and transform.
    table, comparisons
        Rows of the result; see ``docs/probe.md``.
    """
    sentences = []
    for row in _primary(protocol, table):
        if row["kind"] != "candidate":
            continue
        against = [one for one in _primary(protocol, comparisons) if one["candidate"] == row["candidate"]]
        sentences += [_score(protocol, row), *_verdicts(against)]
        sentences += _control(protocol, table, row)
    return sentences + _lost(protocol, table)


def _primary(protocol: Protocol, rows: Sequence[Row]) -> list[Row]:
    return [
        row
        for row in rows
        if row["task"] == protocol.primary
        and row["transform"] == protocol.primary_transform
        and row.get("role", "primary") == "primary"
    ]


def _score(protocol: Protocol, row: Row) -> str:
    name, title = row["candidate"], protocol.primary_task.shown
    if row["score"] is None:
        return f"{name} cannot be scored on {title}: {row['reason']}."
    interval = (
        f" ({row['level']:.0%} interval {_number(row['low'])} to {_number(row['high'])})"
        if row["low"] is not None and row["high"] is not None
        else f" (no interval: {row['reason']})"
    )
    chance = row["chance_pipeline"] if row["chance_pipeline"] is not None else row["chance"]
    beside = [f"chance is {_number(chance)}"] if chance is not None else []
    if row["majority"] is not None:
        beside.append(f"always naming the most frequent answer gives {_number(row['majority'])}")
    return f"{name} scores {_number(row['score'])}{interval} on {title}; {', '.join(beside)}."


def _verdicts(comparisons: Sequence[Row]) -> list[str]:
    by: dict[str, list[Row]] = {}
    for row in comparisons:
        by.setdefault(row["verdict"], []).append(row)
    if comparisons and len(by.get(Verdict.BEATS, ())) == len(comparisons):
        least = min(comparisons, key=lambda row: row["difference"])
        by_least = f"the least by {_number(least['difference'])}, against {least['against']}"
        return [f"It beats everything that it was held against; {by_least}."]
    told = []
    if Verdict.BEATS in by:
        told.append(f"It beats {_listed(by[Verdict.BEATS])}.")
    if Verdict.LOSES in by:
        told.append(f"It loses against {_listed(by[Verdict.LOSES])}.")
    if Verdict.EQUIVALENT in by:
        delta = by[Verdict.EQUIVALENT][0]["delta"]
        told.append(
            f"It is no better and no worse, within {delta:g}, than {_listed(by[Verdict.EQUIVALENT])}."
        )
    if Verdict.UNDECIDED in by:
        needed = [row["minimum_detectable"] for row in by[Verdict.UNDECIDED] if row["minimum_detectable"]]
        worst = f": it would need a difference of {_number(max(needed))}" if needed else ""
        told.append(f"Against {_listed(by[Verdict.UNDECIDED], signed=True)} this design cannot tell{worst}.")
    if Verdict.TOO_FEW in by:
        groups = min(row["n_groups"] for row in by[Verdict.TOO_FEW])
        told.append(
            f"With {groups} independent groups no test can decide against {_listed(by[Verdict.TOO_FEW])}."
        )
    if Verdict.UNDEFINED in by:
        told.append(f"It could not be compared with {_listed(by[Verdict.UNDEFINED])}.")
    return told


def _control(protocol: Protocol, table: Sequence[Row], primary: Row) -> list[str]:
    """Say what a laxer exclusion would have given, and how much of the difference is the exclusion itself."""
    told = []
    for task in protocol.tasks:
        if task.control_for != protocol.primary or primary["score"] is None:
            continue
        rows = [
            row
            for row in table
            if row["task"] == task.name
            and row["candidate"] == primary["candidate"]
            and row["transform"] == primary["transform"]
        ]
        lax = next((row for row in rows if not row["metric"].endswith("matched control")), None)
        matched = next((row for row in rows if row["metric"].endswith("matched control")), None)
        if lax is None or lax["score"] is None:
            continue
        more = sorted(set(protocol.primary_task.exclude) - set(task.exclude))
        told.append(
            f"On {task.shown} alone it scores {_number(lax['score'])}"
            + (
                f"; with as many neighbours removed at random as share its {' or '.join(more)} it keeps "
                f"{_number(matched['score'])}, so {_number(matched['score'] - primary['score'])} of its score "
                f"was shared {' or '.join(more)}."
                if matched is not None and matched["score"] is not None
                else "."
            )
        )
    return told


def _lost(protocol: Protocol, table: Sequence[Row]) -> list[str]:
    rows = [row for row in _primary(protocol, table) if row["kind"] == "candidate"]
    if not rows or rows[0]["n_evaluable"] == rows[0]["n_items"]:
        return []
    row = rows[0]
    lost = row["n_items"] - row["n_evaluable"]
    why = f" ({row['reason']})" if row["reason"] else ""
    return [f"{lost:,} of {row['n_items']:,} items could not be evaluated{why}."]


def _listed(rows: Sequence[Row], *, signed: bool = False) -> str:
    shown = [
        f"{row['against']} ({row['difference']:+.2f})"
        if signed or row["verdict"] in (Verdict.BEATS, Verdict.LOSES)
        else str(row["against"])
        for row in rows
    ]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _number(value: float) -> str:
    return f"{value:.2f}"
