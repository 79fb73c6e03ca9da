"""A badge as SVG: what share of the rules a dataset passes, for a read-me or a web page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from micrographia.checks.result import Score

ACCENT = "#0b6e75"


def badge(scores: Sequence[Score]) -> str:
    """Return a badge that shows passed of applicable for each letter; it has no total, for there is none."""
    left = "MIFA"
    right = (
        "  ".join(f"{score.letter} {score.passed}/{score.applicable}" for score in scores) or "not checked"
    )
    char, pad, height = 6.6, 8, 20
    left_width = round(len(left) * char + 2 * pad + 4)
    right_width = round(len(right) * char + 2 * pad)
    width = left_width + right_width
    text = escape(right)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" '
        f'aria-label="{left}: {text}"><title>{left}: {text}</title>'
        f'<rect width="{width}" height="{height}" rx="3" fill="{ACCENT}"/>'
        f'<path d="M3 0h{left_width - 3}v{height}H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#24292f"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left_width / 2}" y="14" text-anchor="middle" font-weight="bold">{left}</text>'
        f'<text x="{left_width + right_width / 2}" y="14" text-anchor="middle" xml:space="preserve">{text}</text>'
        "</g></svg>\n"
    )
