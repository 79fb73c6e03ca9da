"""What a header says about the size of a pixel, in the units of UDUNITS."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from micrographia.images.image import Channel

_SPELLINGS: dict[str, tuple[str, ...]] = {
    "picometer": ("pm", "picometre"),
    "angstrom": ("å", "ångström", "a"),
    "nanometer": ("nm", "nanometre"),
    "micrometer": ("um", "µm", "μm", "micron", "micrometre", "\\u00b5m", "\\u03bcm", "âµm", "mum"),
    "millimeter": ("mm", "millimetre"),
    "centimeter": ("cm", "centimetre"),
    "decimeter": ("dm", "decimetre"),
    "meter": ("m", "metre"),
    "inch": ("in", "inche", '"'),
    "nanosecond": ("ns", "nsec"),
    "microsecond": ("us", "µs", "μs", "usec"),
    "millisecond": ("ms", "msec", "milli"),
    "second": ("s", "sec"),
    "minute": ("min",),
    "hour": ("h", "hr"),
    "day": ("d",),
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in (unit, *spellings)}

_TIME = ("nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day")

LARGEST_BELIEVED = 10.0
"""Micrometers a pixel up to which a bare resolution tag is taken for a microscope's, not a printer's or screen's."""


def udunits(spelling: Any) -> str | None:
    """Return the UDUNITS name of a unit of length or time however it is spelt; None if it is none (``pixel``).

    Examples
    --------
    >>> udunits("µm"), udunits("microns"), udunits("sec"), udunits("pixel")
    ('micrometer', 'micrometer', 'second', None)
    """
    text = str(spelling or "").strip().lower()
    return _UNITS.get(text) or _UNITS.get(text.removesuffix("s"))


def is_time(unit: str | None) -> bool:
    """Return whether a UDUNITS name is one of time."""
    return unit in _TIME


def tidy(value: float) -> float:
    """Return a number without the noise of unit conversion: twelve significant digits."""
    return float(f"{value:.12g}")


@dataclass
class Calibration:
    """What one source of metadata says about an image.

    Parameters
    ----------
    scale, units, channels, bits, notes
        As in :class:`~micrographia.images.image.Image`.
    """

    scale: dict[str, float] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)
    bits: int | None = None
    notes: list[str] = field(default_factory=list)

    def set(self, axis: str, step: Any, unit: str | None) -> None:
        """Take a step along an axis if it is a positive number; anything else says that it is unknown."""
        try:
            size = abs(float(step))
        except (TypeError, ValueError):
            return
        if 0 < size < math.inf:
            self.scale[axis] = size
            if unit is not None:
                self.units[axis] = unit

    def set_space(self, steps: Mapping[str, Any], factor: float, unit: str) -> None:
        """Take steps along several axes that are stored as a multiple of ``unit``."""
        for axis, step in steps.items():
            if isinstance(step, int | float):
                self.set(axis, step if factor == 1 else tidy(step * factor), unit)

    def fit(self, axes: str, channels: int) -> Calibration:
        """Return what of it concerns an image with these axes and this number of channels."""
        letters = set(axes.lower())
        names = self.channels if len(self.channels) == channels else []
        return Calibration(
            {axis: step for axis, step in self.scale.items() if axis in letters},
            {axis: unit for axis, unit in self.units.items() if axis in letters},
            names if any(channel != Channel() for channel in names) else [],
            self.bits,
            self.notes,
        )


def resolution(x: float, y: float, unit: str) -> Calibration:
    """Return what a bare resolution (pixels per ``inch``, ``centimeter``, ...) says, if it can be a microscope's.

    Cameras, screens and office programs write 72, 96 or 300 pixels an inch into any file. So a pixel larger than
    :data:`LARGEST_BELIEVED` micrometers or smaller than a nanometer is left unknown, and a note says so.

    Parameters
    ----------
    x, y
        Pixels per unit.
    unit
        UDUNITS name.
    """
    said = Calibration()
    factor = {"inch": 25400.0, "centimeter": 1e4, "millimeter": 1e3, "micrometer": 1.0, "meter": 1e6}[unit]
    if not (0 < x < math.inf and 0 < y < math.inf):
        return said
    sizes = factor / x, factor / y
    if all(1e-3 <= size <= LARGEST_BELIEVED for size in sizes):
        said.set("x", tidy(sizes[0]), "micrometer")
        said.set("y", tidy(sizes[1]), "micrometer")
    elif (x, y) != (1, 1):
        said.notes.append(f"its resolution of {x:g} pixels per {unit} is not believed to be a microscope's")
    return said


def color(rgb: Iterable[Any]) -> str:
    """Return red, green and blue of 0 to 255 as six hexadecimal digits."""
    return "".join(f"{max(0, min(255, int(value))):02X}" for value in rgb)
