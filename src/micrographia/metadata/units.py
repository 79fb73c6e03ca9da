"""Units of length and time by their UDUNITS names, as OME-Zarr asks for them."""

from __future__ import annotations

import re

_PREFIXES = {
    "yotta": "Y", "zetta": "Z", "exa": "E", "peta": "P", "tera": "T", "giga": "G", "mega": "M", "kilo": "k",
    "hecto": "h", "deci": "d", "centi": "c", "milli": "m", "micro": "u", "nano": "n", "pico": "p", "femto": "f",
    "atto": "a", "zepto": "z", "yocto": "y",
}  # fmt: skip

LENGTHS = (
    "meter",
    *(f"{prefix}meter" for prefix in _PREFIXES),
    "angstrom",
    "inch",
    "foot",
    "yard",
    "mile",
    "parsec",
)
"""Names of units of length."""

TIMES = ("second", *(f"{prefix}second" for prefix in _PREFIXES), "minute", "hour", "day")
"""Names of units of time."""

_SYMBOLS = {
    **{f"{symbol}m": f"{prefix}meter" for prefix, symbol in _PREFIXES.items()},
    **{f"{symbol}s": f"{prefix}second" for prefix, symbol in _PREFIXES.items()},
    "m": "meter", "s": "second", "min": "minute", "h": "hour", "d": "day", "in": "inch", "ft": "foot", "Å": "angstrom",
}  # fmt: skip

_WORDS = {
    "micron": "micrometer", "micrometre": "micrometer", "sec": "second", "msec": "millisecond",
    "millisec": "millisecond", "usec": "microsecond", "nsec": "nanosecond", "mins": "minute", "hr": "hour",
    "å": "angstrom", "ångström": "angstrom", "ångstrom": "angstrom", "inches": "inch", "feet": "foot", "a": "angstrom",
}  # fmt: skip


def normalise_unit(text: str) -> str | None:
    """Return the UDUNITS name of a unit of length or time, or None if it is none (``pixel`` is none).

    Examples
    --------
    >>> normalise_unit("µm"), normalise_unit("Microns"), normalise_unit("Mm"), normalise_unit("pixel")
    ('micrometer', 'micrometer', 'megameter', None)
    """
    symbol = re.sub(r"[µμ]|\\u00b5", "u", text.strip().rstrip("."), flags=re.IGNORECASE)
    if symbol in _SYMBOLS:
        return _SYMBOLS[symbol]
    word = symbol.lower().replace("metre", "meter")
    for candidate in (word, word.removesuffix("s")):
        if candidate in LENGTHS or candidate in TIMES:
            return candidate
        if candidate in _WORDS:
            return _WORDS[candidate]
    return _SYMBOLS.get(word)


def is_length(unit: str) -> bool:
    """Whether ``unit`` is the UDUNITS name of a length."""
    return unit in LENGTHS


def micrometers(size: float | None, unit: str | None) -> float | None:
    """Return a length in micrometres, or None where size or unit are unknown or no metric length.

    Examples
    --------
    >>> micrometers(65, "nanometer"), micrometers(1, "pixel"), micrometers(None, "meter")
    (0.065, None, None)
    """
    power = _POWERS.get(unit or "")
    if size is None or power is None:
        return None
    return float(size * 10.0 ** (power + 6)) if power >= -6 else float(size / 10.0 ** (-6 - power))


_POWERS = {
    "meter": 0,
    "decimeter": -1,
    "centimeter": -2,
    "millimeter": -3,
    "micrometer": -6,
    "nanometer": -9,
    "picometer": -12,
}
