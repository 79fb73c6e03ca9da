"""What OME-XML, as OME-TIFF carries it, says about each image: names, sizes, voxel size, channels."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from micrographia.images.calibration import Calibration, color, udunits
from micrographia.images.image import Channel


@dataclass
class OmeImage:
    """One ``Image`` element.

    Parameters
    ----------
    name
        Its name; empty if it has none.
    size
        Width and height.
    calibration
        What it says about pixel size and channels.
    """

    name: str
    size: tuple[int, int]
    calibration: Calibration


def images(xml: str) -> list[OmeImage]:
    """Return the images of an OME-XML document, in its order.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If it is no XML.
    """
    root = ET.fromstring(xml)  # noqa: S314 - expat refuses entity bombs
    found = []
    for image in _children(root, "Image"):
        for pixels in _children(image, "Pixels"):
            size = int(pixels.get("SizeX", 0)), int(pixels.get("SizeY", 0))
            found.append(OmeImage(image.get("Name") or "", size, _calibration(pixels)))
    return found


def foreign_files(xml: str, folder: Path) -> list[str]:
    """Return the file names in an OME-XML document that lead out of ``folder``, or to something that is no file."""
    names = dict.fromkeys(re.findall(r"""FileName\s*=\s*["']([^"']*)["']""", xml))
    return [
        name
        for name in names
        if re.search(r"[/\\]|^\.\.?$|^[A-Za-z]:", name)
        or ((folder / name).exists() and not (folder / name).is_file())
    ]


def _children(element: ET.Element, tag: str) -> Iterator[ET.Element]:
    return (child for child in element if child.tag.rsplit("}", 1)[-1] == tag)


def _calibration(pixels: ET.Element) -> Calibration:
    said = Calibration()
    for axis in "xyz":
        name = f"PhysicalSize{axis.upper()}"
        unit = udunits(pixels.get(f"{name}Unit", "µm"))
        if unit is not None:
            said.set(axis, pixels.get(name), unit)
        elif pixels.get(name):
            said.notes.append(f"its {name} is in {pixels.get(f'{name}Unit')!r}, which is no length")
    unit = udunits(pixels.get("TimeIncrementUnit", "s"))
    if pixels.get("TimeIncrement"):
        said.set("t", pixels.get("TimeIncrement"), unit)
    else:
        _step_of_planes(pixels, said)
    for channel in _children(pixels, "Channel"):
        said.channels.append(Channel(channel.get("Name") or "", _color(channel.get("Color"))))
    bits = pixels.get("SignificantBits", "")
    said.bits = int(bits) if bits.isdecimal() else None
    return said


def _step_of_planes(pixels: ET.Element, said: Calibration) -> None:
    """Take the time step from the planes of the first channel and slice, when the document gives no increment."""
    times = {}
    units = set()
    for plane in _children(pixels, "Plane"):
        if plane.get("TheC", "0") == "0" and plane.get("TheZ", "0") == "0" and plane.get("DeltaT"):
            times[int(plane.get("TheT", 0))] = float(plane.get("DeltaT", 0))
            units.add(plane.get("DeltaTUnit", "s"))
    if len(times) < 2 or len(times) != int(pixels.get("SizeT", 0)) or len(units) != 1:
        return
    ordered = [times[index] for index in sorted(times)]
    step = statistics.median(after - before for before, after in itertools.pairwise(ordered))
    if step > 0:
        said.set("t", step, udunits(units.pop()))
        said.notes.append("its time step is the median of the steps between its planes")


def _color(text: str | None) -> str | None:
    if text is None or not re.fullmatch(r"-?\d{1,10}", text):
        return None
    value = int(text) & 0xFFFFFFFF
    return color((value >> 24 & 255, value >> 16 & 255, value >> 8 & 255))
