"""Small charts as SVG, drawn for both colour schemes, with alternative text and their numbers as a download."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 12, 40


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: SVG text, a sentence that says what it shows, and its numbers as a CSV data URI."""

    title: str
    svg: str
    sentence: str
    csv: str
    name: str


def histogram(
    values: npt.ArrayLike,
    *,
    title: str,
    unit: str,
    what: str,
    name: str,
    joint: str = "of",
    bins: int = 32,
) -> Chart:
    """Return a histogram; the axis is logarithmic where the values are positive and span more than 30 fold.

    Parameters
    ----------
    values
        Any numbers; those that are not finite are left out.
    title
        What the values are.
    unit
        Their unit, for the axis.
    what
        What is counted.
    name
        File name of the download.
    joint
        What stands between the title and how many there are: size *of* 12 objects, number *in each of* 3 images.
    bins
        How many bars there are at most.
    """
    data = np.asarray(values, float).ravel()
    data = data[np.isfinite(data)]
    if not data.size:
        return Chart(title, "", f"{title}: nothing to show.", csv_uri(["from", "to", what], []), name)
    low, high = float(data.min()), float(data.max())
    log = low > 0 and high / low > 30
    if low == high:
        edges = np.array([low - 0.5, high + 0.5])
    elif log:
        edges = np.geomspace(low, high, bins + 1)
    elif np.all(data == np.round(data)) and high - low < bins:
        edges = np.arange(low - 0.5, high + 1.5)
    else:
        edges = np.linspace(low, high, bins + 1)
    counts, _ = np.histogram(data, edges)
    quarters = np.percentile(data, (5, 50, 95))
    sentence = (
        f"{title} {joint} {data.size:,} {what}: median {_number(quarters[1])} {unit}".rstrip()
        + f", 90% between {_number(quarters[0])} and {_number(quarters[2])}."
    )
    axis = _Axis(float(edges[0]), float(edges[-1]), log)
    top = max(1, int(counts.max()))
    bars = []
    for start, end, count in zip(edges[:-1], edges[1:], counts, strict=True):
        if count:
            x0, x1 = axis(float(start)), axis(float(end))
            height = (HEIGHT - TOP - BOTTOM) * count / top
            bars.append(
                f'<rect class="bar" x="{x0:.1f}" y="{HEIGHT - BOTTOM - height:.1f}" '
                f'width="{max(0.8, x1 - x0 - 0.6):.1f}" height="{height:.1f}"/>'
            )
    ticks = "".join(_tick(axis(tick), HEIGHT - BOTTOM + 15, _number(tick), "middle") for tick in axis.ticks())
    label = f"{title} ({unit})" if unit else title
    rows = [[f"{a:.6g}", f"{b:.6g}", int(n)] for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    svg = _svg(sentence, "".join(bars) + ticks + _frame(label, what, top))
    return Chart(title, svg, sentence, csv_uri(["from", "to", what], rows), name)


def bars(labels: Sequence[str], counts: Sequence[int], *, title: str, what: str, name: str) -> Chart:
    """Return horizontal bars, one a label, the largest first; at most twelve are shown, the rest summed up."""
    ranked = sorted(zip(labels, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    rows = [[label, count] for label, count in ranked]
    shown = ranked[:12]
    if len(ranked) > 12:
        shown = [*ranked[:11], (f"{len(ranked) - 11} more", sum(count for _, count in ranked[11:]))]
    top = max((count for _, count in shown), default=1) or 1
    parts = []
    row_height = 22
    for index, (label, count) in enumerate(shown):
        y = 6 + index * row_height
        width = (WIDTH - 190) * count / top
        text = label if len(label) <= 18 else label[:17] + "…"
        parts.append(
            f'<text class="tick" x="118" y="{y + 14}" text-anchor="end">{escape(text)}</text>'
            f'<rect class="bar" x="124" y="{y + 3}" width="{width:.1f}" height="15" rx="2"/>'
            f'<text class="tick" x="{130 + width:.1f}" y="{y + 14}">{count:,}</text>'
        )
    total = sum(counts) or 1
    first = f"; most are {ranked[0][0]} ({100 * ranked[0][1] / total:.0f}%)" if ranked else ""
    sentence = f"{title}: {total if ranked else 0:,} {what} of {len(ranked)} kinds{first}."
    svg = _svg(sentence, "".join(parts), height=12 + row_height * max(1, len(shown)))
    return Chart(title, svg, sentence, csv_uri(["name", what], rows), name)


class _Axis:
    def __init__(self, low: float, high: float, log: bool) -> None:
        self.low, self.high, self.log = low, high, log

    def __call__(self, value: float) -> float:
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [factor * 10.0**power for power in powers for factor in (1, 3)]
            inside = [mark for mark in marks if self.low <= mark <= self.high]
            return inside if len(inside) <= 7 else [mark for mark in inside if f"{mark:e}"[0] == "1"]
        span = self.high - self.low
        step = 10 ** math.floor(math.log10(span / 4))
        step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 6)
        first = math.ceil(self.low / step) * step
        return [first + index * step for index in range(int((self.high - first) / step) + 1)]


def _frame(label: str, what: str, top: int) -> str:
    bottom = HEIGHT - BOTTOM
    return (
        f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>'
        f"{_tick(LEFT - 5, TOP + 6, f'{top:,}', 'end')}{_tick(LEFT - 5, bottom, '0', 'end')}"
        f'<text class="label" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(label)}</text>"
        f'<text class="label" transform="translate(11 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(what)}</text>"
    )


def _tick(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _svg(sentence: str, body: str, height: int = HEIGHT) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(sentence, quote=True)}">'
        f"{body}</svg>"
    )


def _number(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1000 and abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e7 else f"{value:.1e}"


def csv_uri(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table as a data URI of CSV (UTF-8), for a download."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return "data:text/csv;base64," + base64.b64encode(buffer.getvalue().encode()).decode()
