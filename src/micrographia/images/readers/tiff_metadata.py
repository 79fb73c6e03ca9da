"""Pixel size, time step and channels of a TIFF, from whichever program wrote it."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from micrographia.images.calibration import Calibration, color, resolution, tidy, udunits
from micrographia.images.files import one_line
from micrographia.images.image import Channel
from micrographia.images.readers import ome_xml

_UNREADABLE = (ET.ParseError, ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error)
"""What parsers of foreign metadata raise at what they do not understand."""

_TAG_UNITS = {2: "inch", 3: "centimeter", 4: "millimeter", 5: "micrometer"}


def calibrations(tif: Any) -> list[Calibration]:
    """Return what the metadata of an open ``tifffile.TiffFile`` say, one entry a series.

    Metadata that cannot be parsed become a note; the pixels can be read without them.
    """
    known: list[ome_xml.OmeImage] = []
    notes = []
    if tif.is_ome:
        try:
            known = ome_xml.images(tif.ome_metadata)
        except _UNREADABLE as error:
            notes.append(f"its OME-XML cannot be read: {one_line(error)}")
    found = []
    for series in tif.series:
        said = _take_ome(series, known) or _one(tif, series)
        said.notes = notes + said.notes
        found.append(said)
    return found


def _take_ome(series: Any, known: list[ome_xml.OmeImage]) -> Calibration | None:
    """Take what describes a series out of ``known``, which is in the order of the series."""
    size = series.sizes.get("width", 0), series.sizes.get("height", 0)
    fits = [index for index, image in enumerate(known) if image.size == size]
    named = [index for index in fits if known[index].name == series.name]
    if not fits:
        return None
    index = (named or fits)[0]
    said = known[index].calibration
    del known[: index + 1]
    return said


def _one(tif: Any, series: Any) -> Calibration:
    said = _bare_resolution(series.keyframe)
    for flag, read in _SOURCES.items():
        if not getattr(tif, flag, False):
            continue
        try:
            more = read(tif, series)
        except _UNREADABLE as error:
            said.notes.append(f"its metadata cannot be read: {one_line(error)}")
            continue
        said.scale |= more.scale
        said.units |= more.units
        said.channels = more.channels or said.channels
        said.notes = more.notes + ([] if more.scale else said.notes)
    return said


def _per_unit(page: Any) -> tuple[float, float]:
    """Return pixels per unit along x and y; 0 where the file does not say."""
    found = []
    for tag in (282, 283):
        value = page.tags.valueof(tag, None)
        count, per = value if isinstance(value, tuple) and len(value) == 2 else (0, 0)
        found.append(count / per if per else 0.0)
    return found[0], found[1]


def _bare_resolution(page: Any) -> Calibration:
    unit = _TAG_UNITS.get(int(page.tags.valueof(296, 2)))
    return resolution(*_per_unit(page), unit) if unit else Calibration()


def _imagej(tif: Any, series: Any) -> Calibration:
    said = Calibration()
    metadata = tif.imagej_metadata or {}
    unit = udunits(metadata.get("unit"))
    x, y = _per_unit(series.keyframe)
    if unit == "inch":
        said = resolution(x, y, "inch")
    elif unit is not None:
        said.set("x", tidy(1 / x) if x else None, unit)
        said.set("y", tidy(1 / y) if y else None, udunits(metadata.get("yunit")) or unit)
        said.set("z", metadata.get("spacing"), udunits(metadata.get("zunit")) or unit)
    if "T" in series.axes:
        said.set("t", metadata.get("finterval"), udunits(metadata.get("tunit", "sec")))
    said.channels = _imagej_channels(metadata, dict(zip(series.axes, series.shape, strict=True)))
    return said


def _imagej_channels(metadata: Mapping[str, Any], sizes: Mapping[str, int]) -> list[Channel]:
    """Name channels by slice labels that stay the same along T and Z; colour them by their lookup tables."""
    count = sizes.get("C", 1)
    names = [""] * count
    labels = metadata.get("Labels") or []
    if len(labels) == count * sizes.get("T", 1) * sizes.get("Z", 1):
        for index in range(count):
            own = set(labels[index::count])
            if len(own) == 1:
                names[index] = own.pop() or ""
    colors: list[str | None] = [None] * count
    tables = metadata.get("LUTs") or []
    if len(tables) == count and metadata.get("mode") != "grayscale":
        colors = [color(np.asarray(table)[:, -1]) for table in tables]
    return [Channel(name, shade) for name, shade in zip(names, colors, strict=True)]


def _lsm(tif: Any, _series: Any) -> Calibration:
    said = Calibration()
    metadata = tif.lsm_metadata or {}
    said.set_space({axis: metadata.get(f"VoxelSize{axis.upper()}") for axis in "xyz"}, 1e6, "micrometer")
    said.set("t", metadata.get("TimeIntervall"), "second")
    shades = metadata.get("ChannelColors") or {}
    names = shades.get("ColorNames") or []
    colors = shades.get("Colors") or []
    if len(names) == len(colors):
        said.channels = [Channel(name, color(shade[:3])) for name, shade in zip(names, colors, strict=True)]
    return said


def _stk(tif: Any, _series: Any) -> Calibration:
    said = Calibration()
    metadata = tif.stk_metadata or {}
    unit = udunits(metadata.get("CalibrationUnits"))
    if unit is not None and metadata.get("SpatialCalibration", 1):
        said.set("x", metadata.get("XCalibration"), unit)
        said.set("y", metadata.get("YCalibration"), unit)
        steps = np.unique(np.atleast_1d(metadata.get("ZDistance", ())))
        if len(steps) == 1:
            said.set("z", steps[0], unit)
    return said


def _micromanager(tif: Any, series: Any) -> Calibration:
    said = Calibration()
    summary = (tif.micromanager_metadata or {}).get("Summary") or {}
    frame = series.keyframe.tags.valueof(51123, None)
    size = summary.get("PixelSize_um") or (frame.get("PixelSizeUm") if isinstance(frame, dict) else None)
    said.set_space({"x": size, "y": size, "z": summary.get("z-step_um")}, 1, "micrometer")
    said.set_space({"t": summary.get("Interval_ms")}, 1e-3, "second")
    names = summary.get("ChNames")
    if isinstance(names, list):
        said.channels = [Channel(str(name)) for name in names]
    return said


def _svs(_tif: Any, series: Any) -> Calibration:
    said = Calibration()
    found = re.search(r"\bMPP\s*=\s*([0-9.]+)", series.keyframe.description)
    if found:
        said.set("x", found[1], "micrometer")
        said.set("y", found[1], "micrometer")
    return said


def _fei(tif: Any, _series: Any) -> Calibration:
    said = Calibration()
    scan = (tif.fei_metadata or {}).get("Scan") or {}
    said.set_space({"x": scan.get("PixelWidth"), "y": scan.get("PixelHeight")}, 1e6, "micrometer")
    return said


def _sem(tif: Any, _series: Any) -> Calibration:
    said = Calibration()
    entry: tuple[Any, ...] = (tif.sem_metadata or {}).get("ap_image_pixel_size") or ()
    if len(entry) == 3 and udunits(entry[2]):
        said.set("x", entry[1], udunits(entry[2]))
        said.set("y", entry[1], udunits(entry[2]))
    return said


def _shaped(tif: Any, series: Any) -> Calibration:
    """Read the JSON that tifffile writes when it is given ``metadata``."""
    said = Calibration()
    for metadata in tif.shaped_metadata or ():
        unit = udunits(metadata.get("unit"))
        if unit is not None:
            x, y = _per_unit(series.keyframe)
            said.set("x", tidy(1 / x) if x else None, unit)
            said.set("y", tidy(1 / y) if y else None, unit)
            said.set("z", metadata.get("spacing"), unit)
        said.set("t", metadata.get("finterval"), "second")
        break
    return said


_SOURCES = {
    "is_shaped": _shaped,
    "is_imagej": _imagej,
    "is_lsm": _lsm,
    "is_stk": _stk,
    "is_micromanager": _micromanager,
    "is_svs": _svs,
    "is_fei": _fei,
    "is_sem": _sem,
}
