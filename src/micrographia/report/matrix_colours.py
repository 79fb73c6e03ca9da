"""Colours of the transfer matrix: viridis, and the ink that can be read on it."""

from __future__ import annotations

from collections.abc import Sequence

from micrographia.report.probe_charts import VIRIDIS

Colour = tuple[int, int, int]

STEPS = 20
"""Steps of a legend."""


def colour(share: float) -> Colour:
    """Return the colour of a value from 0 (dark) to 1 (bright); what lies beyond takes the colour of the end."""
    place = min(max(share, 0.0), 1.0) * (len(VIRIDIS) - 1)
    index = min(int(place), len(VIRIDIS) - 2)
    ends = zip(VIRIDIS[index], VIRIDIS[index + 1], strict=True)
    red, green, blue = (round(a + (b - a) * (place - index)) for a, b in ends)
    return red, green, blue


def luminance(of: Sequence[int]) -> float:
    """Return the relative luminance of an sRGB colour of 8 bits (WCAG 2.2, definition of relative luminance)."""
    parts = [part / 255 for part in of]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ink(on: Sequence[int]) -> str:
    """Return black or white, whichever has more contrast on a colour; it is always at least 4.5 to 1."""
    return "#000" if luminance(on) > 0.179 else "#fff"


def code(of: Sequence[int]) -> str:
    """Return a colour as ``#rrggbb``."""
    return "#" + bytes(of).hex()


def legend() -> str:
    """Return a style of a background that runs through the colours from low to high."""
    steps = ",".join(code(colour(index / (STEPS - 1))) for index in range(STEPS))
    return f"background:linear-gradient(90deg,{steps})"
