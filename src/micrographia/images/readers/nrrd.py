"""NRRD, as 3D Slicer and Fiji write it: raw data memory-mapped, gzip and bzip2 decoded as a stream."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.calibration import Calibration, is_time, udunits
from micrographia.images.compose import select
from micrographia.images.files import choose, parsing, pixel_dtype, printable
from micrographia.images.image import Channel, Image, Member
from micrographia.images.layout import Layout, drop_singletons
from micrographia.images.raw import MappedPixels, StreamPixels
from micrographia.images.readers.nrrd_segments import LAYER, PlacedPixels, placement, reference, unescaped

LONGEST_HEADER = 16 << 20
"""Bytes within which a header has to end."""

_TYPES = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "longlong": "i8",
    "int64": "i8",
    "ulonglong": "u8",
    "uint64": "u8",
    "float": "f4",
    "double": "f8",
}

_CHANNEL_KINDS = (
    "list",
    "vector",
    "point",
    "normal",
    "matrix",
    "color",
    "hsv",
    "quaternion",
    "covariant",
    "gradient",
)


class NrrdReader:
    """Reads NRRD with attached header, and detached headers whose one data file lies beside them."""

    api_version = 1
    name = "NRRD"
    extensions = (".nrrd", ".nhdr")

    def matches(self, _path: Path, head: bytes) -> bool:
        """Return whether the file begins as NRRD does."""
        return head.startswith(b"NRRD000")

    def members(self, path: Path) -> list[Member]:
        """Return the one image of the file."""
        image = self.open(path)
        return [Member("", image.axes, image.shape, str(image.dtype))]

    def open(self, path: Path, member: str = "") -> Image:
        """Return the image of the file, or ``layer N`` (from 1) of a segmentation of 3D Slicer that has several."""
        if member.startswith(LAYER):
            whole = self.open(path)
            names = [f"{LAYER}{index + 1}" for index in range(whole.size("C"))]
            part = select(whole, C=choose(path, names, member)) if "C" in whole.axes else whole
            part.member = member
            return part
        choose(path, [""], member)
        with parsing(path) as said:
            header, offset, _ = _header(path)
            stored = _stored(path, header)
            layout, notes = _layout(path, header)
            known = _calibration(header, notes).fit(layout.image_axes, 1)
            pixels, files = _pixels(path, header, offset, stored, layout)
        dtype = pixel_dtype(path, stored)
        place = placement(header, layout)
        return Image(
            PlacedPixels(pixels, layout.image_shape, *place, dtype) if place else pixels,
            path=path,
            member=member,
            axes=layout.image_axes,
            shape=place[1] if place else layout.image_shape,
            dtype=dtype,
            scale=known.scale,
            units=known.units,
            channels=_layers(header, layout),
            rgb=_is_rgb(header, layout),
            block_shape=layout.plane_block(dtype.itemsize),
            file_format="NRRD",
            compression={"raw": "", "gz": "gzip", "bz2": "bzip2"}.get(header["encoding"], header["encoding"]),
            notes=said + known.notes + notes,
            files=files,
        )


NRRD = NrrdReader()


def key_values(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of the header of an NRRD file, and what people and programs wrote beside them.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple of (dict, dict)
        Fields of the format as pynrrd parses them; keys to values of the rest, as they were before they were escaped.

    Raises
    ------
    ImageError
        If it is no NRRD file, or its header cannot be read.
    """
    with parsing(path):
        header, _, text = _header(path)
    pairs = [line.rstrip("\r").split(":=", 1) for line in text.split("\n") if not line.startswith("#")]
    found = {pair[0]: unescaped(pair[1]) for pair in pairs if len(pair) == 2}
    return {name: value for name, value in header.items() if name not in found}, found


def _header(path: Path) -> tuple[dict[str, Any], int, str]:
    """Return the fields of the header, where it ends, and its text."""
    import nrrd

    with path.open("rb") as file:
        head = b""
        while not (end := re.search(rb"\r?\n\r?\n", head)):
            more = file.read(max(1 << 16, len(head)))
            head += more
            if not more:
                break
            if len(head) > LONGEST_HEADER:
                raise ImageError(
                    printable(path), "has no end of its header in its first 16 MiB", "Export it again"
                )
    offset = end.end() if end else len(head)
    text = head[:offset].decode("utf-8", "replace")
    header = dict(nrrd.read_header(text.split("\n")))
    for name in ("type", "dimension", "sizes", "encoding"):
        if name not in header:
            raise ImageError(printable(path), f"lacks the field {name!r} in its header", "Export it again")
    header["sizes"] = tuple(int(size) for size in header["sizes"])
    if len(header["sizes"]) != header["dimension"] or min(header["sizes"], default=0) < 1:
        raise ImageError(printable(path), f"claims sizes {header['sizes']}", "Export it again")
    header["encoding"] = {"gzip": "gz", "bzip2": "bz2"}.get(
        header["encoding"].lower(), header["encoding"].lower()
    )
    return header, offset, text


def _stored(path: Path, header: dict[str, Any]) -> np.dtype[Any]:
    words = header["type"].replace("unsigned ", "u").replace("signed ", "").replace("_t", "")
    words = words.replace(" int", "").replace(" ", "")
    if words not in _TYPES:
        raise ImageError(
            printable(path), f"holds values of type {header['type']!r}", "Export it as integers or floats"
        )
    order = ">" if header.get("endian", "little") == "big" else "<"
    return np.dtype(order + _TYPES[words])


def _kinds(header: dict[str, Any]) -> list[str]:
    """Return what each axis is, fastest first: ``space``, ``time`` or ``channel``."""
    said = [str(kind).lower() for kind in header.get("kinds", ["???"] * header["dimension"])]
    directions = header.get("space directions")
    kinds = []
    for index, kind in enumerate(said):
        directed = directions is None or (
            directions[index] is not None and not np.isnan(np.asarray(directions[index], float)).any()
        )
        if kind == "time":
            kinds.append("time")
        elif kind in ("domain", "space") or (kind in ("???", "none") and directed):
            kinds.append("space")
        else:
            kinds.append("channel")
    return kinds


def _layout(path: Path, header: dict[str, Any]) -> tuple[Layout, list[str]]:
    """Name the axes: space from fast to slow is X, Y, Z; a fourth of space is T; list, vector and colour are C."""
    notes: list[str] = []
    space = iter("XYZT")
    letters = ""
    for kind in _kinds(header):
        letter = {"time": "T", "channel": "C"}.get(kind) or next(space, "")
        if not letter or letter in letters:
            raise ImageError(
                printable(path), f"has axes of kinds {header.get('kinds')}, which are no image", "Split it"
            )
        letters += letter
        if kind == "space" and letter == "T":
            notes.append("it has four axes of space; the slowest is read as T")
    if not {"X", "Y"} <= set(letters):
        raise ImageError(
            printable(path), f"has {len(header['sizes'])} axes, which are no image", "Export it again"
        )
    shape = header["sizes"][::-1]
    axes = drop_singletons(letters[::-1], shape)
    said = reference(header)
    if said is not None and said[1]["Z"] > 1 and "Z" in letters:
        axes = "".join("Z" if own == "Z" else axis for own, axis in zip(letters[::-1], axes, strict=True))
    if _samples(header):
        axes = axes.replace("C", "S")
    return Layout(axes, shape), notes


def _samples(header: dict[str, Any]) -> bool:
    return any(str(kind).lower() in ("rgb-color", "3-color") for kind in header.get("kinds", ()))


def _is_rgb(header: dict[str, Any], layout: Layout) -> bool:
    return _samples(header) and dict(zip(layout.image_axes, layout.image_shape, strict=True)).get("C") == 3


def _calibration(header: dict[str, Any], notes: list[str]) -> Calibration:
    said = Calibration(notes=[])
    directions = header.get("space directions")
    spacings = header.get("spacings")
    units = header.get("units") or []
    space_units = [udunits(unit) for unit in header.get("space units", ())]
    space = iter("xyzt")
    oblique = False
    for index, kind in enumerate(_kinds(header)):
        axis = next(space) if kind == "space" else {"time": "t"}.get(kind, "")
        own = udunits(units[index]) if index < len(units) else None
        if kind == "space" and directions is not None:
            vector = np.asarray(directions[index], float)
            oblique |= bool(np.count_nonzero(np.abs(vector) > 1e-6 * np.abs(vector).max()) > 1)
            said.set(axis, float(np.linalg.norm(vector)), next(iter(space_units), None))
        elif axis and spacings is not None:
            right = own is not None and is_time(own) == (axis == "t")
            said.set(axis, spacings[index], own if right else None)
    if oblique:
        notes.append("its axes are oblique to its space; they are read as stored")
    if said.scale and not said.units and all(step == 1 for step in said.scale.values()):
        said.scale.clear()
    elif said.scale and not said.units:
        notes.append("it does not say in which unit its voxel size is")
    return said


def _layers(header: dict[str, Any], layout: Layout) -> list[Channel]:
    """Return, for a segmentation of 3D Slicer with several layers, the segments in each layer as its name."""
    if "C" not in layout.image_axes or _samples(header):
        return []
    count = layout.image_shape[layout.image_axes.index("C")]
    names: list[list[str]] = [[] for _ in range(count)]
    number = 0
    while f"Segment{number}_Name" in header:
        layer = str(header.get(f"Segment{number}_Layer", "0"))
        if layer.isdecimal() and int(layer) < count:
            names[int(layer)].append(unescaped(header[f"Segment{number}_Name"]))
        number += 1
    return [Channel(", ".join(own)) for own in names] if number else []


def _pixels(
    path: Path, header: dict[str, Any], offset: int, stored: np.dtype[Any], layout: Layout
) -> tuple[MappedPixels | StreamPixels, list[Path]]:
    file, files = path, [path]
    if header.get("data file") or header.get("datafile"):
        file, offset = _data_file(path, str(header.get("data file") or header.get("datafile"))), 0
        files = [path, file]
    encoding = header["encoding"]
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    if lines:
        raise ImageError(printable(path), f"asks to skip {lines} lines of its data", "Export it again")
    dtype = pixel_dtype(path, stored)
    if encoding == "raw":
        if skip < 0:
            offset = file.stat().st_size - math.prod(layout.shape) * stored.itemsize
            if offset < 0:
                raise ImageError(
                    printable(file), "is cut short: it is smaller than its pixels", "Copy it again"
                )
        return MappedPixels(file, offset + max(0, skip), stored, layout, dtype), files
    if encoding in ("gz", "bz2"):
        codec = {"gz": "gzip", "bz2": "bzip2"}[encoding]
        return StreamPixels(file, max(0, skip), stored, layout, dtype, start=offset, codec=codec), files
    raise ImageError(
        printable(path), f"is encoded as {encoding!r}, which is not read", "Save it as raw or gzip"
    )


def _data_file(path: Path, name: str) -> Path:
    if name.upper().startswith("LIST") or "%" in name:
        raise ImageError(printable(path), "keeps its pixels in several files", "Save it as one file")
    if Path(name).name != name or name in (".", ".."):
        raise ImageError(
            printable(path),
            f"keeps its pixels in {name!r}, outside its folder, which is not read",
            "Copy it here",
        )
    file = path.parent / name
    if not file.is_file():
        raise ImageError(printable(path), f"keeps its pixels in {name!r}, which is not there", "Copy it here")
    return file
