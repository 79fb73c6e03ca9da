"""Time and memory of the models of a transfer matrix, on axes of powers of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from statistics import median
from typing import Any

from markupsafe import Markup

from micrographia.report import probe_words as words
from micrographia.report.matrix_result import Matrix, number

Parts = dict[str, Any]


def cost(matrix: Matrix) -> Parts:
    """Return time and memory of every model over the datasets; the axes are logarithmic."""
    rows = []
    for model in matrix.models:
        held = [matrix.cell(model, dataset) for dataset in matrix.datasets]
        seconds = [
            found for cell in held if (found := number(cell.row.get("seconds_per_megapixel"))) is not None
        ]
        memory = [found for cell in held if (found := number(cell.row.get("peak_mb")))]
        if seconds or memory:
            rows.append((model, [value for value in seconds if value > 0], memory))
    ends = [value for _, seconds, _ in rows for value in seconds]
    low, high = (math.floor(math.log10(min(ends))), math.ceil(math.log10(max(ends)))) if ends else (0, 1)
    high = max(high, low + 1)
    return {
        "rows": [
            {
                "name": model.name,
                "grey": model.baseline,
                "seconds": _significant(median(seconds)) if seconds else words.NONE,
                "span": f"{_significant(min(seconds))} to {_significant(max(seconds))}"
                if len(seconds) > 1
                else "",
                "memory": f"{max(memory):,.0f}" if memory else words.NONE,
                "strip": _dots(model.name, seconds, low, high, grey=model.baseline),
            }
            for model, seconds, memory in rows
        ],
        "axis": _decades(low, high),
    }


def _dots(name: str, values: Sequence[float], low: int, high: int, *, grey: bool) -> Markup:
    """Return a strip with a dot a dataset and a line from the fastest to the slowest, on a logarithmic axis."""
    places = [_at(value, low, high) for value in values]
    grid = "".join(
        f'<line class="grid" x1="{_at(10.0**power, low, high):.2f}%" x2="{_at(10.0**power, low, high):.2f}%" '
        'y1="0" y2="100%"/>'
        for power in range(low, high + 1)
    )
    span = (
        f'<line class="whisker" x1="{min(places):.2f}%" x2="{max(places):.2f}%" y1="50%" y2="50%"/>'
        if len(places) > 1
        else ""
    )
    dots = "".join(f'<circle class="each" cx="{place:.2f}%" cy="50%" r="3.5"/>' for place in places)
    label = (
        f"{name}: {_significant(min(values))} to {_significant(max(values))} s a megapixel"
        if values
        else name
    )
    return Markup(  # noqa: S704 - the label is escaped, the rest is numbers
        f'<svg class="strip" role="img" aria-label="{escape(label, quote=True)}">{grid}'
        f'<g class="{"baseline" if grey else "candidate"}">{span}{dots}</g></svg>'
    )


def _decades(low: int, high: int) -> Markup:
    marks = "".join(
        f'<text x="{_at(10.0**power, low, high):.2f}%" y="14" text-anchor="middle">{10.0**power:g}</text>'
        for power in range(low, high + 1)
    )
    return Markup(f'<svg class="ticks" aria-hidden="true">{marks}</svg>')  # noqa: S704 - numbers only


def _at(value: float, low: int, high: int) -> float:
    return 4.0 + 92.0 * (math.log10(value) - low) / (high - low)


def _significant(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:#.2g}" if value >= 0.001 else f"{value:.1e}"
