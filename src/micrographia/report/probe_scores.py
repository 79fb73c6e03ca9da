"""The parts of a result's page that hold scores: the forest plot, the comparisons, the table of every task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from micrographia.report import probe_words as words
from micrographia.report.charts import csv_uri
from micrographia.report.probe_result import KINDS, Row, Task, by_candidate, kind, listed, number, text
from micrographia.report.probe_strips import MARKS, Scale, legend_line, legend_mark, scale, strip, ticks

DETAILED = 4
"""Candidates up to which the forest plot tells every comparison; above it counts the verdicts."""

SHOWN = 12
"""Candidates of a figure that are shown; the others are folded below it."""

OUTLYING = 3
"""Ends of intervals beyond so many times the median end may be cut."""

Parts = dict[str, Any]


def forest(task: Task, *, brief: bool = False) -> Parts:
    """Return the forest plot of a task: a row each, folded rows, axis, legend.

    Parameters
    ----------
    task
        Its rows in the order in which they are shown.
    brief
        Count the verdicts of a candidate instead of telling each.
    """
    decimals = words.places(task.rows)
    axis = _axis(task.rows)
    named = [text(row.get("candidate")) for row in task.candidates]
    compared = by_candidate(task.comparisons, named)
    detailed = len(named) <= DETAILED and not brief
    rows: list[Parts] = []
    for row in task.rows:
        name = text(row.get("candidate"))
        against = compared.get(name, []) if kind(row) in ("candidate", "combined") else []
        told = f"{words.fixed(row.get('score'), decimals)}"
        span = words.interval(row, decimals)
        rows.append(
            {
                "name": name,
                "style": kind(row),
                "strip": _strip(
                    axis, row, f"{name}, {KINDS[kind(row)]}: {told}, {task.level} interval {span}"
                ),
                "score": told,
                "interval": span,
                "reason": text(row.get("reason")),
                "verdicts": [_verdict(other, decimals) for other in against] if detailed else [],
                "tally": [] if detailed else _tally(against),
            }
        )
    reason = common_reason(rows)
    candidates = [row for row in rows if row["style"] == "candidate"]
    others = [row for row in rows if row["style"] != "candidate"]
    return {
        "level": task.level,
        "shown": candidates[:SHOWN] + others,
        "folded": candidates[SHOWN:],
        "axis": ticks(axis),
        "reason": reason,
        "legend": _legend(task, axis, decimals),
        "detailed": detailed and any(row["verdicts"] for row in rows),
        "wordy": any(len(other["word"]) > len("equivalent") for row in rows for other in row["verdicts"]),
        "compared": bool(task.comparisons),
    }


def comparisons(task: Task) -> Parts:
    """Return the comparisons of a task: difference, interval, smallest difference that could be seen, verdict."""
    rows = task.comparisons
    decimals = words.places(rows)
    deltas = [found for row in rows if (found := number(row.get("delta"))) is not None]
    ends = [found for row in rows for key in ("low", "high") if (found := number(row.get(key))) is not None]
    usual = OUTLYING * median(map(abs, ends)) if ends else 0.0
    core = [0.0, *(number(row.get("difference")) for row in rows), *(-delta for delta in deltas), *deltas]
    axis = scale([*core, *(end for end in ends if abs(end) <= usual)], ends)
    groups = []
    adjusted = any(number(row.get("p_adjusted")) is not None for row in rows)
    for name, held in by_candidate(rows, [text(row.get("candidate")) for row in task.rows]).items():
        told = []
        for row in held:
            against, word = text(row.get("against")), words.verdict(row)
            difference, span = (
                words.signed(row.get("difference"), decimals),
                words.interval(row, decimals, sign=True),
            )
            delta = number(row.get("delta"))
            drawn = strip(
                axis,
                f"{name} against {against}: {word}, difference {difference}, interval {span}",
                *(number(row.get(key)) for key in ("difference", "low", "high")),
                lines=[(0.0, "zero")],
                band=None if delta is None else (-abs(delta), abs(delta)),
            )
            told.append(
                {
                    "against": against,
                    "strip": drawn,
                    "difference": difference,
                    "interval": span,
                    "p": words.p_value(row.get("p_adjusted") if adjusted else row.get("p")),
                    "detectable": words.fixed(row.get("minimum_detectable"), decimals),
                    "groups": words.count(row.get("n_groups")),
                    "reason": text(row.get("reason")),
                    **_word(row),
                }
            )
        groups.append({"name": name, "rows": told})
    return {
        "shown": groups[:SHOWN],
        "folded": groups[SHOWN:],
        "axis": ticks(axis),
        "adjusted": adjusted,
        "delta": joined_deltas(deltas, decimals),
        "level": task.level,
    }


def joined_deltas(deltas: Sequence[float], decimals: int) -> str:
    """Return the margins of equivalence as a text, each once."""
    told = [words.fixed(delta, max(decimals, 2)) for delta in sorted(set(deltas))]
    return words.joined(told)


def task_table(task: Task, unit: str) -> Parts:
    """Return the table of a task: score, interval, what chance and the majority give, permutation p, groups."""
    decimals = words.places(task.rows)
    shown = {
        name: any(number(row.get(name)) is not None for row in task.rows)
        for name in ("chance", "chance_pipeline", "majority", "null_p", "n_features")
    }
    rows = []
    for row in task.rows:
        items, able = words.count(row.get("n_items")), words.count(row.get("n_evaluable"))
        rows.append(
            {
                "name": text(row.get("candidate")),
                "kind": KINDS[kind(row)] + _seeds(row),
                "style": kind(row),
                "score": words.fixed(row.get("score"), decimals),
                "interval": words.interval(row, decimals),
                "chance": words.fixed(row.get("chance"), decimals),
                "pipeline": words.fixed(row.get("chance_pipeline"), decimals),
                "majority": words.fixed(row.get("majority"), decimals),
                "p": words.p_value(row.get("null_p")),
                "able": items if able in (items, words.NONE) else f"{able} of {items}",
                "groups": words.count(row.get("n_groups")),
                "features": words.count(row.get("n_features")),
                "reason": text(row.get("reason")),
            }
        )
    reason = common_reason(rows)
    methods = Counter(found for row in task.rows if (found := text(row.get("method"))))
    return {
        "metric": task.metric,
        "unit": unit,
        "method": "; ".join(sorted(methods)),
        "level": task.level,
        "shown": shown,
        "reason": reason,
        "rows": rows,
    }


def common_reason(rows: list[Parts]) -> str:
    """Take a reason that all rows share out of them, and return it."""
    reasons = {row["reason"] for row in rows}
    if len(rows) < 2 or len(reasons) > 1:
        return ""
    for row in rows:
        row["reason"] = ""
    return str(reasons.pop()).rstrip(".")


def downloads(result: Mapping[str, Any]) -> list[Parts]:
    """Return the tables of the result as CSV data URIs, every column as it stands in the document."""
    made = []
    for key, name in (
        ("table", "scores"),
        ("comparisons", "comparisons"),
        ("shares", "shares"),
        ("incremental", "incremental"),
        ("confounders", "confounders"),
        ("ablations", "ablations"),
        ("layers", "layers"),
        ("geometry", "geometry"),
    ):
        rows = listed(result, key)
        if rows:
            header = list(dict.fromkeys(str(column) for row in rows for column in row))
            body = [[_cell(row.get(column)) for column in header] for row in rows]
            made.append(
                {"name": name, "rows": f"{len(rows):,}", "csv": csv_uri([text(h) for h in header], body)}
            )
    return made


def _axis(rows: Sequence[Row]) -> Scale:
    core: list[float | None] = []
    more: list[float | None] = []
    for row in rows:
        core += [words.chance(row), number(row.get("majority"))]
        into = core if kind(row) in ("candidate", "combined") else more
        into += [number(row.get(key)) for key in ("score", "low", "high")]
    return scale(core, more)


def _strip(axis: Scale, row: Row, label: str) -> object:
    return strip(
        axis,
        label,
        *(number(row.get(key)) for key in ("score", "low", "high")),
        mark=kind(row),
        lines=[(words.chance(row), "chance"), (number(row.get("majority")), "majority")],
    )


def _word(row: Row) -> Parts:
    word = words.verdict(row)
    return {"word": word, "slug": words.slug(word), "glyph": words.GLYPHS.get(word, "")}


def _verdict(row: Row, decimals: int) -> Parts:
    return _word(row) | {
        "against": text(row.get("against")),
        "difference": words.signed(row.get("difference"), decimals),
        "detectable": words.fixed(row.get("minimum_detectable"), decimals),
        "reason": text(row.get("reason")),
    }


def _tally(rows: Sequence[Row]) -> list[Parts]:
    counts = Counter(words.verdict(row) for row in rows)
    order = [*(word for word in words.GLYPHS if word in counts), *sorted(set(counts) - set(words.GLYPHS))]
    return [
        {"word": word, "slug": words.slug(word), "glyph": words.GLYPHS.get(word, ""), "count": counts[word]}
        for word in order
    ]


def _legend(task: Task, axis: Scale, decimals: int) -> list[Parts]:
    used = dict.fromkeys(kind(row) for row in task.rows)
    entries = [{"mark": legend_mark(name), "text": KINDS[name]} for name in used if name in MARKS]
    majorities = [number(row.get("majority")) for row in task.rows]
    for key, name, held in (
        ("chance", "chance", [words.chance(row) for row in task.rows]),
        ("majority", "majority class", majorities),
    ):
        values = sorted({found for found in held if found is not None and not axis.beyond(found)})
        if values:
            ends = [words.fixed(value, decimals) for value in (values[0], values[-1])]
            told = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
            entries.append({"mark": legend_line(key), "text": f"{name} {told}"})
    return entries


def _seeds(row: Row) -> str:
    seeds = number(row.get("seeds"))
    return f", {seeds:.0f} seeds" if seeds is not None and seeds > 1 else ""


def _cell(value: object) -> object:
    if value is None or (isinstance(value, float) and number(value) is None):
        return ""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text(value)
