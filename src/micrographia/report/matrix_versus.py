"""What was compared in the transfer matrix: differences to the best baseline, verdicts by model, rank intervals."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from micrographia.report import matrix_words as told
from micrographia.report import probe_words as words
from micrographia.report.matrix_result import Matrix, Model, Row, number, rows_of, text
from micrographia.report.probe_strips import Scale, legend_line, legend_mark, scale, strip, ticks

Parts = dict[str, Any]

OPEN, ROWS = 6, 40
"""Datasets that are shown, and rows of them all; the others are folded."""

OUTLYING = 3
"""Ends of intervals beyond so many times the median end may be cut."""


def comparisons(matrix: Matrix) -> Parts:
    """Return the forest plot: a group of rows for each dataset, a row for each model against the best baseline."""
    found: list[tuple[str, list[tuple[Model, Row, str]]]] = []
    for dataset in matrix.datasets:
        best = matrix.best_baseline(dataset)
        held = [
            (model, row, cell.status)
            for model in matrix.candidates
            if (row := (cell := matrix.cell(model, dataset)).against(best))
        ]
        if held:
            found.append((dataset.title, held))
    rows = [row for _, held in found for _, row, _ in held]
    decimals = words.places(rows)
    axis = _axis(rows)
    groups = [_group(title, held, axis, decimals, matrix) for title, held in found]
    return {
        **_folded(groups),
        "axis": ticks(axis),
        "tally": _tally(matrix),
        "clean_mark": legend_mark("candidate"),
        "other_mark": legend_mark("twin"),
        "zero_mark": legend_line("zero"),
        "better": "right" if matrix.higher else "left",
    }


def ranks(matrix: Matrix) -> Parts:
    """Return the places of the models on each dataset, each with its interval."""
    order = {dataset.key: dataset for dataset in matrix.datasets}
    rows = rows_of(matrix, "rank_intervals")
    baselines = {model.key for model in matrix.baselines}
    panels = []
    last = max([1.0, *(found for row in rows for key in ("rank", "high") if (found := number(row.get(key))))])
    axis = _whole(last)
    for key, dataset in order.items():
        held = sorted(
            (row for row in rows if text(row.get("dataset")) == key and number(row.get("rank")) is not None),
            key=lambda row: number(row.get("rank")) or 0.0,
        )
        if not held:
            continue
        lines = []
        for row in held:
            name = matrix.name(text(row.get("model")))
            place = words.fixed(row.get("rank"), _halves(row.get("rank")))
            span = words.interval(row, 0)
            grey = text(row.get("model")) in baselines
            lines.append(
                {
                    "name": name,
                    "grey": grey,
                    "rank": place,
                    "interval": span if span != words.NONE else "",
                    "strip": strip(
                        axis,
                        f"{name} on {dataset.title}: rank {place}, interval {span}",
                        *(number(row.get(end)) for end in ("rank", "low", "high")),
                        mark="baseline" if grey else "candidate",
                    ),
                }
            )
        panels.append({"title": dataset.title, "rows": lines, "reason": _common(held)})
    return {**_folded(panels, columns=3), "axis": ticks(axis)}


def _alike(row: Row, decimals: int) -> str:
    """Say the verdict where images count alike, if it is another."""
    word = text(row.get("image_weighted_verdict"))
    if not word or word == text(row.get("verdict")):
        return ""
    other = {key: row.get(f"image_weighted_{key}") for key in ("difference", "low", "high")}
    difference = words.signed(other["difference"], decimals)
    return f"if images count alike: {word}, {difference}, {words.interval(other, decimals, sign=True)}"


def _folded(groups: list[Parts], columns: int = 1) -> Parts:
    """Return which groups are shown: as many as there is room for, at least one row of them."""
    rows, shown = 0, 0
    for group in groups[:OPEN]:
        rows += len(group["rows"])
        if rows > columns * ROWS and shown >= columns:
            break
        shown += 1
    shown -= shown % columns if columns < shown < len(groups) else 0
    return {"shown": groups[:shown], "folded": groups[shown:]}


def _group(
    title: str,
    held: list[tuple[Model, Row, str]],
    axis: Scale,
    decimals: int,
    matrix: Matrix,
) -> Parts:
    rows = []
    reasons = {text(row.get("reason")) for _, row, _ in held}
    shared = reasons.pop() if len(reasons) == 1 and len(held) > 1 else ""
    names = {text(row.get("baseline")) for _, row, _ in held}
    for model, row, status in held:
        word = words.verdict(row)
        difference = words.signed(row.get("difference"), decimals)
        span = words.interval(row, decimals, sign=True)
        against = matrix.name(text(row.get("baseline")))
        rows.append(
            {
                "name": model.name,
                "status": status,
                "mark": told.MARKS[status],
                "slug_status": status.replace(" ", "-"),
                "against": against if len(names) > 1 else "",
                "strip": strip(
                    axis,
                    f"{model.name} against {against} on {title}: {word}, difference {difference}, interval {span}",
                    *(number(row.get(key)) for key in ("difference", "low", "high")),
                    mark="candidate" if status == "clean" else "twin",
                    lines=[(0.0, "zero")],
                ),
                "difference": difference,
                "interval": span,
                "p": words.p_value(row.get("p")),
                "detectable": words.fixed(row.get("minimum_detectable"), decimals),
                "reason": "; ".join(
                    filter(None, ["" if shared else text(row.get("reason")), _alike(row, decimals)])
                ),
                "word": word,
                "slug": words.slug(word),
                "glyph": words.GLYPHS.get(word, ""),
            }
        )
    only = matrix.name(names.pop()) if len(names) == 1 else ""
    return {"title": title, "best": only, "reason": shared, "rows": rows}


def _axis(rows: list[Row]) -> Scale:
    ends = [found for row in rows for key in ("low", "high") if (found := number(row.get(key))) is not None]
    usual = OUTLYING * median(map(abs, ends)) if ends else 0.0
    differences = [number(row.get("difference")) for row in rows]
    return scale([0.0, *differences, *(end for end in ends if abs(end) <= usual)], ends)


def _tally(matrix: Matrix) -> list[Parts]:
    """Return how often each model beats, equals and loses to the best baseline, over clean cells."""
    made = []
    for model in matrix.candidates:
        cells = [matrix.cell(model, dataset) for dataset in matrix.datasets]
        counts = Counter(
            words.verdict(row)
            for cell in cells
            if cell.status == "clean" and (row := cell.against(matrix.best_baseline(cell.dataset)))
        )
        order = [
            *(word for word in words.GLYPHS if counts[word]),
            *sorted(set(counts) - set(words.GLYPHS)),
        ]
        made.append(
            {
                "name": model.name,
                "clean": sum(counts.values()),
                "words": [
                    {
                        "word": word,
                        "slug": words.slug(word),
                        "glyph": words.GLYPHS.get(word, ""),
                        "count": counts[word],
                    }
                    for word in order
                ],
            }
        )
    return made


def _whole(last: float) -> Scale:
    """Return an axis of ranks: whole numbers from 1."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000, 10**9) if last / step <= 6)
    first = 3 if step == 2 else step
    marks = [1.0, *(float(place) for place in range(first, int(last) + 1, step) if place > 1)]
    return Scale(1.0, max(last, 2.0), tuple(marks), 0)


def _halves(value: object) -> int:
    """Return the decimals of a rank: one where ranks are shared."""
    found = number(value)
    return int(found is not None and found != round(found))


def _common(rows: list[Row]) -> str:
    reasons = {text(row.get("reason")) for row in rows}
    return reasons.pop() if len(reasons) == 1 else ""
