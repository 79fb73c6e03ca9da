"""Figures of a result that are more than strips: heat maps, and the order of candidates across settings."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from markupsafe import Markup

ROW = 26
"""Height of a row, in pixels."""

NUMBERED = 12
"""Rows up to which a heat map writes its numbers into its cells."""

# Five anchors of viridis, and of a blue-white-orange map whose middle is zero; between them colours are mixed.
VIRIDIS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
DIVERGING = ((0, 83, 130), (115, 172, 206), (247, 247, 247), (233, 160, 95), (170, 68, 0))

SERIES = 6
"""Lines of a figure that have a colour of their own; the others are grey."""


def heat_map(
    values: Sequence[Sequence[float | None]], label: str, *, diverging: bool = False, distance: bool = False
) -> Markup:
    """Return a square table of colours, as wide as its place, without names: they stand beside it.

    Parameters
    ----------
    values
        Shape (n, n); None is left blank.
    label
        What the figure shows, for those who cannot see it.
    diverging
        From -1 to 1 with white at zero, else from 0 to 1; values beyond take the colour of the end.
    distance
        Turn the colours round, so that bright means alike as in a similarity.
    """
    size = len(values)
    height = ROW if size <= 16 else 16
    low = -1.0 if diverging else 0.0
    wide = 100 / size
    drawn = []
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            if value is None:
                continue
            share = (value - low) / (1.0 - low)
            colour = _mixed(DIVERGING if diverging else VIRIDIS, 1.0 - share if distance else share)
            code = "#" + bytes(colour).hex()
            x, y = column * wide, row * height
            drawn.append(f'<rect x="{x:.3f}%" y="{y}" width="{wide:.3f}%" height="{height}" fill="{code}"/>')
            if size <= NUMBERED:
                ink = "#000" if _bright(colour) else "#fff"
                drawn.append(
                    f'<text x="{x + wide / 2:.3f}%" y="{y + height / 2 + 4:g}" text-anchor="middle" '
                    f'fill="{ink}">{_short(value)}</text>'
                )
    return Markup(  # noqa: S704 - the label is escaped, the rest is numbers
        f'<svg class="heat" style="height:{height * size}px" role="img" '
        f'aria-label="{escape(label, quote=True)}">{"".join(drawn)}</svg>'
    )


def colour_bar(*, diverging: bool = False) -> Markup:
    """Return the colours of a heat map from its low to its high end, for a legend."""
    anchors = DIVERGING if diverging else VIRIDIS
    steps = "".join(
        f'<rect x="{5 * index}%" width="5.5%" height="10" fill="#{bytes(_mixed(anchors, index / 19)).hex()}"/>'
        for index in range(20)
    )
    return Markup(f'<svg class="colours" aria-hidden="true">{steps}</svg>')  # noqa: S704 - our own shapes


def bump(orders: Sequence[Sequence[int | None]], label: str) -> Markup:
    """Return the rank of each candidate across settings as lines, as wide as its place, without names.

    Parameters
    ----------
    orders
        One list a candidate: its rank (from 0) in each setting, None where it has none.
    label
        What the figure shows.
    """
    settings = max((len(ranks) for ranks in orders), default=0)
    height = ROW * len(orders)

    def x(index: int) -> float:
        return 50.0 if settings == 1 else 6 + 88 * index / (settings - 1)

    drawn = []
    for number, ranks in reversed(list(enumerate(orders))):
        style = f"s{number + 1}" if number < SERIES else "s0"
        places = [(x(index), rank * ROW + ROW / 2) for index, rank in enumerate(ranks) if rank is not None]
        line = "".join(
            f'<line x1="{a:.2f}%" y1="{b:g}" x2="{c:.2f}%" y2="{d:g}"/>'
            for (a, b), (c, d) in pairwise(places)
        )
        dots = "".join(f'<circle cx="{a:.2f}%" cy="{b:g}" r="4.5"/>' for a, b in places)
        drawn.append(f'<g class="{style}">{line}{dots}</g>')
    return Markup(  # noqa: S704 - the label is escaped, the rest is numbers
        f'<svg class="bump" style="height:{height}px" role="img" '
        f'aria-label="{escape(label, quote=True)}">{"".join(drawn)}</svg>'
    )


def _mixed(anchors: Sequence[tuple[int, int, int]], share: float) -> tuple[int, int, int]:
    place = min(max(share, 0.0), 1.0) * (len(anchors) - 1)
    index = min(int(place), len(anchors) - 2)
    rest = place - index
    red, green, blue = (
        round(a + (b - a) * rest) for a, b in zip(anchors[index], anchors[index + 1], strict=True)
    )
    return red, green, blue


def _bright(colour: tuple[int, int, int]) -> bool:
    """Tell whether black is read better than white on a colour (relative luminance of WCAG 2, above 0.179)."""
    parts = [part / 255 for part in colour]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179


def _short(value: float) -> str:
    told = f"{value:.2f}".replace("-", "−")
    return "1" if told == "1.00" else told.replace("0.", ".", 1)
