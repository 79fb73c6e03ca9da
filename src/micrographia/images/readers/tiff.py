"""TIFF of every kind that tifffile knows: OME-TIFF, ImageJ, LSM, STK, ScanImage, SVS, NDPI and plain pages."""

from __future__ import annotations

import math
import operator
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.calibration import Calibration
from micrographia.images.files import DEFLATE_RATIO, choose, parsing, pixel_dtype, printable, within_limit
from micrographia.images.image import BLOCK_BYTES, Image, Member, Pixels
from micrographia.images.layout import FIXED, Layout, drop_singletons, unfold, unnamed
from micrographia.images.raw import MappedPixels, truncated
from micrographia.images.readers import ome_xml
from micrographia.images.readers.tiff_metadata import calibrations
from micrographia.images.readers.tiff_pixels import (
    MappedPages,
    SegmentPixels,
    WholePixels,
    open_tiff,
    segment_shape,
)
from micrographia.images.readers.tiff_walk import walk

KINDS = {
    "ome": "OME-TIFF",
    "imagej": "ImageJ TIFF",
    "lsm": "LSM",
    "stk": "STK",
    "svs": "SVS",
    "scn": "SCN",
    "ndpi": "NDPI",
    "qpi": "QPTIFF",
    "scanimage": "ScanImage TIFF",
    "mmstack": "Micro-Manager TIFF",
}

AUXILIARY = ("Thumbnail", "Label", "Macro", "Overview", "reduced")
"""Names of series that accompany an image and are not what a person means by the file."""

_DEFLATE = (8, 32946, 50013)


@dataclass
class _Entry:
    """One image of a TIFF, as its header tells it."""

    name: str
    series: int
    layout: Layout
    dtype: np.dtype[Any]
    rgb: bool
    calibration: Calibration
    notes: list[str] = field(default_factory=list)


class TiffReader:
    """Reads TIFF files; one member a series, and one an index along axes that are none of ``TCZYX``."""

    api_version = 1
    name = "TIFF"
    extensions = (".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk", ".svs", ".scn", ".ndpi", ".qptiff", ".bif")

    def matches(self, _path: Path, head: bytes) -> bool:
        """Return whether the file begins as a TIFF or BigTIFF of either byte order does."""
        return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

    def members(self, path: Path) -> list[Member]:
        """Return the images of the file, without reading pixels."""
        walk(path)
        with parsing(path) as said, _opened(path, said) as (tif, _):
            return [
                Member(entry.name, entry.layout.image_axes, entry.layout.image_shape, str(entry.dtype))
                for entry in _entries(path, tif)
            ]

    def open(self, path: Path, member: str = "") -> Image:
        """Return one image of the file."""
        pages = walk(path)
        with parsing(path) as said, _opened(path, said) as (tif, multifile):
            entries = _entries(path, tif)
            said += _unused(tif, pages)
            entry = entries[choose(path, [entry.name for entry in entries], member, AUXILIARY)]
            image = _image(path, tif, entry, member, multifile)
        image.notes += tuple(re.sub(r"<tifffile\.[^>]*> ", "", note) for note in said)
        return image


TIFF = TiffReader()


@contextmanager
def _opened(path: Path, said: list[str]) -> Iterator[tuple[Any, bool]]:
    """Open a TIFF; other files that it names are followed only inside its own folder."""
    multifile = True
    tif = open_tiff(path, multifile)
    try:
        if tif.is_ome:
            foreign = ome_xml.foreign_files(tif.ome_metadata, path.parent)
            if foreign:
                tif.close()
                multifile = False
                tif = open_tiff(path, multifile)
                said.append(
                    f"it names files outside its folder, which are not read: {', '.join(foreign[:3])}"
                )
        yield tif, multifile
    finally:
        tif.close()


def _entries(path: Path, tif: Any) -> list[_Entry]:
    entries: list[_Entry] = []
    known = calibrations(tif)
    for number, (series, calibration) in enumerate(zip(tif.series, known, strict=True)):
        if series.dtype is None or series.keyframe.dtype is None:
            page = series.keyframe
            raise ImageError(
                printable(path),
                f"its pixels are of {page.bitspersample} bits in sample format {page.sampleformat}",
                "Export it with 8, 16 or 32 bits a sample",
            )
        name = series.name or str(number)
        if series.keyframe.is_reduced and (not series.name or series.kind == "lsm"):
            name = "reduced"
        dtype = pixel_dtype(path, series.dtype)
        axes, notes = _planar(*unnamed(_known_axes(series.axes)))
        axes = drop_singletons(axes, series.shape)
        samples, rgb, more = _colours(series, axes)
        if samples == 1:
            axes = axes.replace("S", FIXED)
        for suffix, letters, at in unfold(axes, series.shape):
            layout = Layout(letters, series.shape, at, samples)
            if not layout.image_axes.endswith("YX"):
                raise ImageError(
                    printable(path), f"its axes {series.axes} have no Y and X", "Export it again"
                )
            label = "/".join(filter(None, (name, suffix)))
            entries.append(_Entry(label, number, layout, dtype, rgb, calibration, notes + more))
    if not entries:
        raise ImageError(printable(path), "holds no image", "Export it again")
    return _distinct(entries, single=len(tif.series) == 1)


def _known_axes(axes: str) -> str:
    """Return axes with excitation wavelength as channel, if there is no other."""
    return axes.replace("E", "C") if "C" not in axes else axes


def _planar(axes: str, notes: list[str]) -> tuple[str, list[str]]:
    """Take the axis beside X for Y where a line was scanned along Z or T instead."""
    if "Y" in axes or "X" not in axes[1:]:
        return axes, notes
    other = axes[axes.index("X") - 1]
    return axes.replace(other, "Y"), [*notes, f"it was scanned along {other} and X; {other} is read as Y"]


def _distinct(entries: list[_Entry], single: bool) -> list[_Entry]:
    """Give each entry a name of its own; none to the only one."""
    if single:
        for entry in entries:
            entry.name = entry.name.partition("/")[2] if len(entries) > 1 else ""
    counts = Counter(entry.name for entry in entries)
    for number, entry in enumerate(entries):
        if counts[entry.name] > 1:
            entry.name = f"{entry.name} {number}".strip()
    return entries


def _colours(series: Any, axes: str) -> tuple[int | None, bool, list[str]]:
    """Return (number of samples that are pixels, whether they are red, green and blue, notes)."""
    page = series.keyframe
    notes = []
    if page.photometric in _PHOTOMETRIC and page.bitspersample != 1:
        notes.append(_PHOTOMETRIC[page.photometric])
    if "S" not in axes:
        return None, False, notes
    stored = series.shape[axes.index("S")]
    alpha = [kind for kind in page.extrasamples if kind in (1, 2)]
    count = stored - len(alpha) if len(alpha) < stored else stored
    if count < stored:
        notes.append("its transparency (alpha) is left out")
    rgb = page.photometric == 2 or (page.photometric == 6 and page.compression in (6, 7, 34892, 33007))
    return count, rgb and count == 3 and "C" not in axes, notes


_PHOTOMETRIC = {
    0: "0 is white in this file (inverted); its pixels are read as stored",
    3: "its pixels are numbers into a colour table, and are read as these numbers",
    5: "its channels are the inks cyan, magenta, yellow and black",
    8: "its channels are CIE L*a*b*",
}


def _image(path: Path, tif: Any, entry: _Entry, member: str, multifile: bool) -> Image:
    series = tif.series[entry.series]
    page = series.keyframe
    notes = list(entry.notes)
    pixels, block = _pixels(path, tif, entry, multifile, notes)
    layout = entry.layout
    sizes = dict(zip(layout.image_axes, layout.image_shape, strict=True))
    known = entry.calibration.fit(layout.image_axes, 0 if entry.rgb else sizes.get("C", 1))
    bits = known.bits or (page.bitspersample if isinstance(page.bitspersample, int) else None)
    if bits is not None and (entry.dtype.kind == "f" or bits >= entry.dtype.itemsize * 8):
        bits = None
    return Image(
        pixels,
        path=path,
        member=member,
        axes=layout.image_axes,
        shape=layout.image_shape,
        dtype=entry.dtype,
        scale=known.scale,
        units=known.units,
        channels=known.channels,
        rgb=entry.rgb,
        block_shape=block,
        file_format=KINDS.get(series.kind, "TIFF"),
        compression="" if page.compression == 1 else page.compression.name.lower(),
        bits=bits,
        notes=known.notes + notes,
        files=_files(path, series),
    )


def _unused(tif: Any, pages: int) -> list[str]:
    """Return a note if some pages belong to none of the images."""
    if any(series.is_multifile for series in tif.series):
        return []
    used = sum(
        len(level)
        for series in tif.series
        for level in series.levels
        if level.kind != "ome" or level is series
    )
    return [f"{pages - used} of its {pages} pages belong to none of its images"] if used < pages else []


def _files(path: Path, series: Any) -> list[Path]:
    if not series.is_multifile:
        return [path]
    names = dict.fromkeys(Path(page.parent.filehandle.path) for page in series if page is not None)
    for name in names:
        if name.parent.resolve() != path.parent.resolve():
            raise ImageError(
                printable(path), f"belongs together with {name}, outside its folder", "Copy it here"
            )
    return [path.parent / name.name for name in names]


def _pixels(
    path: Path, tif: Any, entry: _Entry, multifile: bool, notes: list[str]
) -> tuple[Pixels, tuple[int, ...]]:
    """Return where the pixels of an entry come from and the block that is cheap to read."""
    series, layout = tif.series[entry.series], entry.layout
    page = series.keyframe
    stored = np.dtype(series.dtype).newbyteorder(tif.byteorder)
    block = layout.plane_block(entry.dtype.itemsize)
    ndim = len(page.shape)
    count = math.prod(layout.shape[: len(layout.shape) - ndim])
    fits = layout.shape[len(layout.shape) - ndim :] == page.shape and count == len(series)
    if series.transform is not None:
        return WholePixels(path, entry.series, layout, entry.dtype, multifile), block
    if series.dataoffset is not None and not series.is_multifile:
        return MappedPixels(path, series.dataoffset, stored, layout, entry.dtype), block
    if not fits:
        return WholePixels(path, entry.series, layout, entry.dtype, multifile), block
    pages = list(series)
    if not series.is_multifile and all(page is not None and page.is_final for page in pages):
        offsets = [page.dataoffsets[0] for page in pages]
        return MappedPages(path, offsets, stored, layout, ndim, entry.dtype), block
    _check_segments(path, tif, pages, notes)
    step = segment_shape(page)
    within_limit(path, math.prod(step) * entry.dtype.itemsize, "one strip or tile of it")
    if page.is_subsampled and page.compression not in (6, 7, 34892, 33007):
        raise ImageError(printable(path), "its colours are subsampled without JPEG", "Export it as RGB")
    block = layout.image_block([1] * (len(layout.shape) - ndim) + _page_block(page, entry.dtype.itemsize))
    return SegmentPixels(path, entry.series, layout, entry.dtype, multifile), block


def _page_block(page: Any, itemsize: int) -> list[int]:
    """Return a block of whole strips or tiles of about a megabyte, in the axes of the page."""
    _, depth, rows, columns, samples = segment_shape(page)
    room = (BLOCK_BYTES // 4) // (depth * rows * columns * samples * itemsize)
    if columns < page.imagewidth:
        columns *= max(1, min(room, math.ceil(page.imagewidth / columns)))
    else:
        rows *= max(1, min(room, math.ceil(page.imagelength / rows)))
    sizes = {"Z": depth, "Y": rows, "X": columns, "S": samples}
    return [min(sizes[letter], size) for letter, size in zip(page.axes, page.shape, strict=True)]


def _check_segments(path: Path, tif: Any, pages: list[Any], notes: list[str]) -> None:
    """Raise ``ImageError`` if strips or tiles are missing, lie beyond the end, or cannot hold their pixels."""
    size = path.stat().st_size
    absent = sum(page is None for page in pages)
    if absent:
        notes.append(f"{absent} of its {len(pages)} planes are in none of its files")
    empty = False
    for page in pages:
        if page is None or page.parent is not tif:
            continue
        offsets, counts = page.dataoffsets, page.databytecounts
        needed = math.prod(
            math.ceil(n / e) for n, e in zip(page.shaped, segment_shape(page.keyframe), strict=True)
        )
        if min(len(offsets), len(counts)) < needed:
            raise ImageError(
                printable(path),
                f"page {page.index} has {min(len(offsets), len(counts))} of {needed} strips or tiles",
                "The file is damaged; copy it again from where it came",
            )
        end = max(map(operator.add, offsets, counts))
        if end > size:
            raise truncated(path, end, size)
        if 0 in counts:
            empty = True
        elif page.keyframe.compression in _DEFLATE and page.nbytes > sum(counts) * DEFLATE_RATIO:
            raise ImageError(
                printable(path),
                f"page {page.index} claims {page.nbytes:,} bytes of pixels, which its {sum(counts):,} cannot hold",
                "The file is damaged; copy it again from where it came",
            )
    if empty:
        notes.append("some of its tiles are not stored; they are read as empty")
