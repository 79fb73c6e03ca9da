"""Small multiples of the transfer matrix: lines of every model over IoU, or over bins of a factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from micrographia.report import probe_words as words
from micrographia.report.matrix_result import Matrix, Model, Row, listed, mapping, number, rows_of, text
from micrographia.report.probe_charts import SERIES

Parts = dict[str, Any]

WIDTH, HEIGHT = 340, 214
LEFT, RIGHT, TOP, BOTTOM = 42, 10, 10, 44

OPEN = 9
"""Panels of a figure that are shown; the others are folded below it."""

MARKS = (
    '<circle r="3.6"/>',
    '<path d="M-3.2-3.2h6.4v6.4h-6.4z"/>',
    '<path d="M0-4.6 4.6 0 0 4.6-4.6 0z"/>',
    '<path d="M0-4.4 4.4 3.4h-8.8z"/>',
    '<path d="M0 4.4 4.4-3.4h-8.8z"/>',
    '<path d="M-4-1.2h2.8v-2.8h2.4v2.8h2.8v2.4h-2.8v2.8h-2.4v-2.8h-2.8z"/>',
)
"""The mark of each of the first models: told apart by shape as well."""

FACTORS = (
    ("size", "Object size", "pixels of an object"),
    ("density", "Density", "other objects within two median diameters"),
    ("pixel size", "Pixel size", "micrometres"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a panel: the model, and a value a place, None where there is none."""

    name: str
    style: str
    mark: str
    values: Sequence[float | None]


def series(matrix: Matrix) -> list[Model]:
    """Return the models that have lines of their own; the baselines where nothing else was evaluated."""
    return matrix.candidates or matrix.baselines


def styles(matrix: Matrix) -> dict[str, tuple[str, str]]:
    """Return style and mark of each model: the first models have a colour and a shape, the others are grey."""
    made = {model.key: ("base", "") for model in matrix.baselines}
    for place, model in enumerate(series(matrix)):
        made[model.key] = (f"s{place + 1}", MARKS[place]) if place < SERIES else ("s0", "")
    return made


def key_of(matrix: Matrix) -> list[Parts]:
    """Return the legend of all panels."""
    held, own = styles(matrix), series(matrix)
    shown = [{"mark": _sample(*held[model.key]), "text": model.name} for model in own[:SERIES]]
    more = len(own) - SERIES
    if more > 0:
        shown.append({"mark": _sample("s0", ""), "text": f"{more} more model{'s' * (more != 1)}"})
    if matrix.candidates and matrix.baselines:
        shown.append({"mark": _sample("base", ""), "text": "best baseline of the dataset"})
    return shown


def _drawn(matrix: Matrix, best: Model | None) -> list[Model]:
    """Return the models of a panel, what is drawn first first: the best baseline, then the last of the models."""
    own = series(matrix)
    return [*([best] if best is not None and best not in own else []), *reversed(own)]


def curves(matrix: Matrix) -> Parts:
    """Return F1 over the IoU from which an object counts as found, a panel a dataset."""
    thresholds = [
        found for value in matrix.result.get("thresholds") or [] if (found := number(value)) is not None
    ]
    held = styles(matrix)
    panels = []
    for dataset in matrix.datasets:
        best = matrix.best_baseline(dataset)
        lines = []
        for model in _drawn(matrix, best):
            found = mapping(matrix.cell(model, dataset).row, "curve").get("f1")
            values = (
                [number(value) for value in found]
                if isinstance(found, Sequence) and not isinstance(found, str)
                else []
            )
            if len(values) == len(thresholds) and any(value is not None for value in values):
                lines.append(Line(model.name, *held[model.key], values))
        if lines:
            labels = [
                f"{threshold:.2g}" if index % 2 == 0 else "" for index, threshold in enumerate(thresholds)
            ]
            panels.append(
                {
                    "title": dataset.title,
                    "note": f"dashed: {best.name}" if best and matrix.candidates else "",
                    "svg": _panel(
                        lines,
                        labels,
                        f"F1 over IoU on {dataset.title}: {_ends(lines, thresholds)}",
                        "IoU threshold",
                        "F1",
                    ),
                }
            )
    return {"shown": panels[:OPEN], "folded": panels[OPEN:]}


def failures(matrix: Matrix) -> list[Parts]:
    """Return recall over object size, density and pixel size: a figure a factor, a panel a dataset."""
    rows = rows_of(matrix, "failure")
    held = styles(matrix)
    made = []
    known = {factor: (title, unit) for factor, title, unit in FACTORS}
    for factor in dict.fromkeys([*known, *(text(row.get("factor")) for row in rows)]):
        panels = []
        for dataset in matrix.datasets:
            mine = {
                text(row.get("model")): listed(row, "bins")
                for row in rows
                if text(row.get("factor")) == factor and text(row.get("dataset")) == dataset.key
            }
            panel = _failure(matrix, mine, held, dataset.title, factor, matrix.best_baseline(dataset))
            if panel:
                panels.append(panel)
        if panels:
            title, unit = known.get(factor, (factor[:1].upper() + factor[1:], ""))
            made.append({"title": title, "unit": unit, "shown": panels[:OPEN], "folded": panels[OPEN:]})
    return made


def _failure(
    matrix: Matrix,
    rows: dict[str, list[Row]],
    held: dict[str, tuple[str, str]],
    title: str,
    factor: str,
    best: Model | None,
) -> Parts:
    bins = list(
        dict.fromkeys(
            (number(one.get("low")), number(one.get("high"))) for found in rows.values() for one in found
        )
    )
    bins.sort(key=lambda ends: (float("-inf") if ends[0] is None else ends[0], ends[1] or 0.0))
    lines, counts = [], [0.0] * len(bins)
    for model in _drawn(matrix, best):
        if model.key not in rows:
            continue
        by_bin = {(number(one.get("low")), number(one.get("high"))): one for one in rows[model.key]}
        values = [number(by_bin.get(ends, {}).get("recall")) for ends in bins]
        counts = [
            max(n, number(by_bin.get(ends, {}).get("n")) or 0.0) for n, ends in zip(counts, bins, strict=True)
        ]
        if any(value is not None for value in values):
            lines.append(Line(model.name, *held[model.key], values))
    if not lines:
        return {}
    labels = [_bin(*ends) for ends in bins]
    under = [f"{count:,.0f}" for count in counts]
    label = f"Recall by {factor} on {title}: {_ends(lines, labels)}"
    return {"title": title, "note": "", "svg": _panel(lines, labels, label, "", "Recall", under)}


def _panel(
    lines: Sequence[Line],
    labels: Sequence[str],
    label: str,
    across: str,
    up: str,
    under: Sequence[str] = (),
) -> Markup:
    """Return a panel from 0 to 1; ``under`` are the numbers of objects below the labels."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    many = len(labels)
    pad = 8.0 if across else (right - LEFT) / (2 * max(many, 1))

    def x(index: int) -> float:
        return (LEFT + right) / 2 if many < 2 else LEFT + pad + (right - LEFT - 2 * pad) * index / (many - 1)

    def y(value: float) -> float:
        return bottom - (bottom - TOP) * min(max(value, 0.0), 1.0)

    drawn = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        style = "axis" if tick == 0 else "faint"
        drawn.append(
            f'<line class="{style}" x1="{LEFT}" y1="{y(tick):.1f}" x2="{right}" y2="{y(tick):.1f}"/>'
        )
        if tick in (0.0, 0.5, 1.0):
            drawn.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for index, told in enumerate(labels):
        if told:
            drawn.append(
                f'<text x="{x(index):.1f}" y="{bottom + 15}" text-anchor="middle">{escape(told)}</text>'
            )
    for index, told in enumerate(under):
        drawn.append(
            f'<text class="under" x="{x(index):.1f}" y="{bottom + 29}" text-anchor="middle">{escape(told)}</text>'
        )
    if across:
        drawn.append(
            f'<text x="{(LEFT + right) / 2:.0f}" y="{bottom + 33}" text-anchor="middle">{escape(across)}</text>'
        )
    drawn.append(
        f'<text transform="translate(9 {(TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
    )
    for line in lines:
        places = [None if value is None else (x(index), y(value)) for index, value in enumerate(line.values)]
        parts = "".join(
            f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"/>'
            for a, b in pairwise(places)
            if a is not None and b is not None
        )
        every = 1 if many <= 6 else 3
        if line.mark:
            parts += "".join(
                f'<g transform="translate({at[0]:.1f} {at[1]:.1f})">{line.mark}</g>'
                for index, at in enumerate(places)
                if at is not None and index % every == 0
            )
        drawn.append(f'<g class="{line.style}"><title>{escape(line.name)}</title>{parts}</g>')
    return Markup(  # noqa: S704 - texts are escaped, the rest is numbers
        f'<svg class="panel" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label, quote=True)}">'
        f"{''.join(drawn)}</svg>"
    )


def _sample(style: str, mark: str) -> Markup:
    return Markup(  # noqa: S704 - our own shapes
        '<svg class="panel sample" viewBox="-14 -8 28 16" aria-hidden="true">'
        f'<g class="{style}"><line x1="-13" x2="13" y1="0" y2="0"/>{mark}</g></svg>'
    )


def _ends(lines: Sequence[Line], labels: Sequence[object]) -> str:
    """Return where each line begins and ends, for those who cannot see it."""
    told = []
    for line in reversed(lines):
        there = [
            (label, value) for label, value in zip(labels, line.values, strict=True) if value is not None
        ]
        first, last = there[0], there[-1]
        told.append(
            f"{line.name} {words.fixed(first[1], 2)} at {first[0]}, {words.fixed(last[1], 2)} at {last[0]}"
        )
    return "; ".join(told)


def _bin(low: float | None, high: float | None) -> str:
    ends = ["" if end is None else _brief(end) for end in (low, high)]
    if low is None:
        return f"≤ {ends[1]}" if high is not None else "all"
    return f"≥ {ends[0]}" if high is None else f"{ends[0]}–{ends[1]}" if low != high else ends[0]


def _brief(value: float) -> str:
    """Return a number in at most five characters or so: ``1.2k`` for thousands."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g}M"
    if abs(value) >= 1e3:
        return f"{value / 1e3:.2g}k" if abs(value) < 1e4 else f"{value / 1e3:.0f}k"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
