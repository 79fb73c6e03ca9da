"""Strips: one line of a figure, as wide as its place, that stands in a table row beside its numbers.

Positions across are percentages and heights are those of the row, so that text and marks keep their size on a phone
and lines of neighbouring rows join.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

PAD = 4.0
"""Per cent of a strip that is left free at each end."""

MARKS = {
    "candidate": '<circle r="5.5"/>',
    "combined": '<path d="M0-7 7 0 0 7-7 0Z"/>',
    "twin": '<circle class="open" r="4.5"/>',
    "random": '<path class="open" d="M0-5.5 5.2 4H-5.2Z"/>',
    "baseline": '<rect x="-4.5" y="-4.5" width="9" height="9"/>',
    "layout": '<rect class="open" x="-4" y="-4" width="8" height="8"/>',
    "chosen": '<circle class="ring" r="8.5"/><circle r="5"/>',
}
"""The mark of each kind of row: told apart by shape."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis that the strips of a figure share."""

    low: float
    high: float
    ticks: tuple[float, ...]
    decimals: int

    def at(self, value: float) -> float:
        """Return the place of a value in per cent; values beyond the ends lie at the ends."""
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return PAD + share * (100 - 2 * PAD)

    def beyond(self, value: float) -> int:
        """Return -1 or 1 for a value beyond an end, else 0."""
        slack = 1e-9 * (self.high - self.low)
        return int(value > self.high + slack) - int(value < self.low - slack)


def scale(core: Iterable[float | None], more: Iterable[float | None] = (), *, wide: int = 5) -> Scale:
    """Return an axis that holds all of ``core``, and of ``more`` what is not further than one span away.

    Parameters
    ----------
    core
        Values that must be seen.
    more
        Values that may be cut, so that one far outlier does not press the others together.
    wide
        About how many ticks there are.
    """
    held = [value for value in core if value is not None]
    other = [value for value in more if value is not None]
    held = held or other or [0.0, 1.0]
    low, high = min(held), max(held)
    span = high - low or max(abs(low) * 0.2, 0.1)
    low = max(min([low, *other]), low - span)
    high = min(max([high, *other]), high + span)
    if high == low:
        low, high = low - span / 2, high + span / 2
    step = 10 ** math.floor(math.log10((high - low) / wide))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= wide)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    ticks = tuple(float(index * step) for index in range(first, last + 1))
    return Scale(low, high, ticks, max(0, math.ceil(-math.log10(step) - 1e-9)))


def strip(
    axis: Scale,
    label: str,
    value: float | None = None,
    low: float | None = None,
    high: float | None = None,
    *,
    mark: str = "candidate",
    lines: Sequence[tuple[float | None, str]] = (),
    band: tuple[float, float] | None = None,
) -> Markup:
    """Return one line of a forest plot.

    Parameters
    ----------
    axis
        The shared axis.
    label
        What the line shows, for those who cannot see it.
    value, low, high
        The mark and the ends of its interval; what is None is not drawn, what lies beyond an end becomes an arrow.
    mark
        Name of the mark and of its style, one of :data:`MARKS`.
    lines
        Reference lines: place and style.
    band
        A shaded range.
    """
    parts = [_grid(axis)]
    if band is not None:
        left, right = axis.at(band[0]), axis.at(band[1])
        parts.append(f'<rect class="band" x="{left:.2f}%" width="{right - left:.2f}%" height="100%"/>')
    for place, style in lines:
        if place is not None and not axis.beyond(place):
            parts.append(_line(axis.at(place), axis.at(place), style, upright=True))
    drawn = []
    if low is not None and high is not None:
        drawn.append(_line(axis.at(low), axis.at(high), "whisker"))
        drawn += [_arrow(axis, end) for end in (low, high) if axis.beyond(end)]
    if value is not None:
        shape = '<path d="M-3-6 5 0-3 6Z"/>' if axis.beyond(value) > 0 else '<path d="M3-6-5 0 3 6Z"/>'
        drawn.append(_placed(axis.at(value), MARKS[mark] if not axis.beyond(value) else shape))
    parts.append(f'<g class="{mark}">{"".join(drawn)}</g>')
    return _svg("strip", label, "".join(parts))


def bar(
    axis: Scale,
    label: str,
    parts: Sequence[tuple[float | None, str]],
    *,
    whisker: tuple[float | None, float | None] = (None, None),
    lines: Sequence[tuple[float | None, str]] = (),
) -> Markup:
    """Return a bar of stacked parts (length and style); parts below zero stack to the left of it."""
    ends = {True: 0.0, False: 0.0}
    drawn = [_grid(axis)]
    for length, style in parts:
        if length is None:
            continue
        start, stop = ends[length >= 0], ends[length >= 0] + length
        ends[length >= 0] = stop
        left, right = sorted((axis.at(start), axis.at(stop)))
        drawn.append(
            f'<svg x="{left:.2f}%" y="50%" width="{right - left:.2f}%" height="14" overflow="visible">'
            f'<rect class="{style}" y="-7" width="100%" height="14"/></svg>'
        )
        if axis.beyond(stop):
            drawn.append(_arrow(axis, stop))
    drawn += [
        _line(axis.at(place), axis.at(place), style, upright=True)
        for place, style in lines
        if place is not None
    ]
    if whisker[0] is not None and whisker[1] is not None:
        drawn.append(_line(axis.at(whisker[0]), axis.at(whisker[1]), "whisker"))
    return _svg("strip", label, "".join(drawn))


def ticks(axis: Scale, *, share: bool = False) -> Markup:
    """Return the numbers of an axis, to stand below its strips; as percentages if ``share``."""
    told = []
    for tick in axis.ticks:
        word = f"{100 * tick:.0f}%" if share else f"{tick:,.{axis.decimals}f}"
        word = word.replace("-", "−")
        told.append(f'<text x="{axis.at(tick):.2f}%" y="14" text-anchor="middle">{word}</text>')
    return Markup(f'<svg class="ticks" aria-hidden="true">{"".join(told)}</svg>')  # noqa: S704 - numbers only


def legend_mark(mark: str) -> Markup:
    """Return the mark of a kind for a legend."""
    return Markup(  # noqa: S704 - our own shapes
        f'<svg class="mark" viewBox="-10 -10 20 20" aria-hidden="true"><g class="{mark}">{MARKS[mark]}</g></svg>'
    )


def legend_line(style: str) -> Markup:
    """Return a reference line for a legend."""
    return Markup(  # noqa: S704 - our own shapes
        f'<svg class="mark" viewBox="-10 -10 20 20" aria-hidden="true"><line class="{style}" y1="-9" y2="9"/></svg>'
    )


def _svg(style: str, label: str, body: str) -> Markup:
    return Markup(  # noqa: S704 - the label is escaped, the rest is ours
        f'<svg class="{style}" role="img" aria-label="{escape(label, quote=True)}">{body}</svg>'
    )


def _grid(axis: Scale) -> str:
    return "".join(_line(axis.at(tick), axis.at(tick), "grid", upright=True) for tick in axis.ticks)


def _line(x1: float, x2: float, style: str, *, upright: bool = False) -> str:
    y1, y2 = ("0", "100%") if upright else ("50%", "50%")
    return f'<line class="{style}" x1="{x1:.2f}%" x2="{x2:.2f}%" y1="{y1}" y2="{y2}"/>'


def _placed(x: float, shape: str) -> str:
    return f'<svg x="{x:.2f}%" y="50%" overflow="visible">{shape}</svg>'


def _arrow(axis: Scale, end: float) -> str:
    shape = (
        '<path class="arrow" d="M-2-4 4 0-2 4Z"/>'
        if axis.beyond(end) > 0
        else '<path class="arrow" d="M2-4-4 0 2 4Z"/>'
    )
    return _placed(axis.at(end), shape)
