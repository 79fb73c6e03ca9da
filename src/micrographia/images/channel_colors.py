"""In which colours channels are shown: those that the file says, those that people expect, then others that differ."""

from __future__ import annotations

from collections.abc import Sequence

from micrographia.images.image import Channel

USUAL = {
    "dapi": "3C8CFF",
    "hoechst": "3C8CFF",
    "dna": "3C8CFF",
    "nucle": "3C8CFF",
    "gfp": "30E070",
    "fitc": "30E070",
    "actin": "30E070",
    "phalloidin": "30E070",
    "tubulin": "30E070",
    "mito": "FF9A2E",
    "rfp": "FF4040",
    "mcherry": "FF4040",
    "cy5": "FF40E0",
}
"""Part of a channel's name, in lower case, to the colour that people expect."""

PALETTE = ("00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")
"""Colours of other channels, so that neighbours differ for colour-blind people too."""

LONE = "FFFFFF"


def display_colors(channels: Sequence[Channel]) -> list[str]:
    """Return a colour a channel as six hexadecimal digits; a lone one without a colour of its own is white.

    Examples
    --------
    >>> display_colors([Channel("DAPI"), Channel("GFP"), Channel("far red")])
    ['3C8CFF', '30E070', '00FF00']
    """
    if len(channels) == 1:
        return [channels[0].color or LONE]
    known = [channel.color or _usual(channel.name) for channel in channels]
    spare = [color for color in PALETTE if color not in known] or list(PALETTE)
    unknown = iter(range(len(channels)))
    return [color or spare[next(unknown) % len(spare)] for color in known]


def _usual(name: str) -> str:
    low = name.lower()
    return next((color for part, color in USUAL.items() if part in low), "")
