"""Pixels of a TIFF series: by memory map where pages lie whole in the file, else strip by strip and tile by tile."""

from __future__ import annotations

import itertools
import math
import mmap
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.cache import BlockOwner
from micrographia.images.files import FilePixels, decoding, printable, within_limit
from micrographia.images.image import Array, Region
from micrographia.images.layout import Layout
from micrographia.images.raw import truncated
from micrographia.images.readers.tiff_streams import declared_pixels

_JPEG = (6, 7, 34892, 33007)
_TOUCHED = 64 << 20


class MappedPages(FilePixels):
    """Uncompressed pages, each of which lies whole somewhere in the file.

    Parameters
    ----------
    path
        The file.
    offsets
        Where each page begins, in the order of the outer axes.
    stored
        Type of the pixels in the file, with its byte order.
    layout
        How the image lies in the array of all pages.
    page_ndim
        How many of the inner axes of that array make up one page.
    dtype
        Type of the pixels as read.
    """

    def __init__(
        self,
        path: Path,
        offsets: Sequence[int],
        stored: np.dtype[Any],
        layout: Layout,
        page_ndim: int,
        dtype: np.dtype[Any],
    ) -> None:
        super().__init__(path)
        self.offsets = np.asarray(offsets, np.int64)
        self.stored = stored
        self.layout = layout
        self.outer = layout.shape[: len(layout.shape) - page_ndim]
        self.page = layout.shape[len(self.outer) :]
        self.dtype = dtype
        self.end = int(self.offsets.max()) + math.prod(self.page) * stored.itemsize
        self._touched = 0
        there = path.stat().st_size
        if self.end > there:
            raise truncated(path, self.end, there)

    def _open(self) -> mmap.mmap:
        with self.path.open("rb") as file:
            return mmap.mmap(file.fileno(), self.end, prot=mmap.PROT_READ)

    def _shut(self, handle: mmap.mmap) -> None:
        """Leave the map to be unmapped when the last page that shows it is gone."""

    def read(self, region: Region) -> Array:
        """Return a copy of the pixels of a region."""
        view: mmap.mmap = self.handle()
        if self.end > view.size():
            raise truncated(self.path, self.end, view.size())
        part = self.layout.to_file(region)
        outer, inner = part[: len(self.outer)], part[len(self.outer) :]
        out = np.empty([axis.stop - axis.start for axis in part], self.dtype)
        count = math.prod(self.page)
        for place, index in pages_of(outer, self.outer):
            page = np.frombuffer(view, self.stored, count, int(self.offsets[index])).reshape(self.page)
            out[place] = page[inner]
        self._touched += out.nbytes + out.size // out.shape[-1] * (64 << 10)
        if self._touched > _TOUCHED:
            self._touched = 0
            view.madvise(mmap.MADV_DONTNEED)
        return self.layout.to_image(out, region)


def pages_of(outer: Region, shape: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield (place in the output, number of the page) for a region of the outer axes."""
    for index in itertools.product(*(range(axis.start, axis.stop) for axis in outer)):
        page = 0
        for step, size in zip(index, shape, strict=True):
            page = page * size + step
        yield tuple(step - axis.start for step, axis in zip(index, outer, strict=True)), page


class SegmentPixels(FilePixels):
    """Pages stored in strips or tiles; a region decodes the ones that it touches.

    Parameters
    ----------
    path
        The file.
    series
        Number of the series in it.
    series_shape
        Its shape.
    layout
        How the image lies in the array of the series.
    dtype
        Type of the pixels as read.
    multifile
        Whether other files that its metadata name belong to it.
    """

    def __init__(
        self,
        path: Path,
        series: int,
        layout: Layout,
        dtype: np.dtype[Any],
        multifile: bool,
    ) -> None:
        super().__init__(path)
        self.series = series
        self.layout = layout
        self.dtype = dtype
        self.multifile = multifile
        self.blocks = BlockOwner()

    def _open(self) -> tuple[Any, Any]:
        tif = open_tiff(self.path, self.multifile)
        try:
            series = tif.series[self.series]
            if series.shape != self.layout.shape:
                raise ImageError(printable(self.path), "has changed since it was opened", "Open it again")
        except BaseException:
            tif.close()
            raise
        return tif, series

    def _shut(self, handle: tuple[Any, Any]) -> None:
        handle[0].close()

    def close(self) -> None:
        """Close the file and forget what was decoded."""
        super().close()
        self.blocks.forget()

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        tif, series = self.handle()
        part = self.layout.to_file(region)
        keyframe = series.keyframe
        ndim = len(self.layout.shape) - len(keyframe.shape)
        out = np.empty([axis.stop - axis.start for axis in part], self.dtype)
        wanted = _five(part[ndim:], keyframe)
        with decoding(self.path):
            for place, index in pages_of(part[:ndim], self.layout.shape[:ndim]):
                with self.lock:
                    page = series[index]
                if page is None:
                    raise ImageError(
                        printable(self.path),
                        f"plane {index} of {len(series)} is in none of its files",
                        "Put the missing files beside it",
                    )
                target = out[place].reshape([axis.stop - axis.start for axis in wanted])
                self._page(tif, page, index, wanted, target)
        return self.layout.to_image(out, region)

    def _page(self, tif: Any, page: Any, number: int, wanted: Region, target: Array) -> None:
        """Copy the wanted part of a page, in the five axes of ``keyframe.shaped``, to ``target``."""
        shaped = page.keyframe.shaped
        step = segment_shape(page.keyframe)
        pieces = [
            list(_cut(part, extent, size)) for part, extent, size in zip(wanted, step, shaped, strict=True)
        ]
        counts = [math.ceil(size / extent) for size, extent in zip(shaped, step, strict=True)]
        for planes, depths, rows, columns in itertools.product(*pieces[:4]):
            flat = planes.at
            for piece, count in ((depths, counts[1]), (rows, counts[2]), (columns, counts[3])):
                flat = flat * count + piece.at
            place = (planes, depths, rows, columns, pieces[4][0])
            if all(piece.whole for piece in place):
                segment = self._segment(tif, page, flat)
            else:
                segment = self.blocks.block((number, flat), partial(self._segment, tif, page, flat))
            inside = segment[depths.inside, rows.inside, columns.inside, place[4].inside]
            target[tuple(piece.outside for piece in place)] = inside

    def _segment(self, tif: Any, page: Any, flat: int) -> Array:
        """Return one decoded strip or tile as (depth, rows, columns, samples)."""
        keyframe = page.keyframe
        if flat >= len(page.dataoffsets) or flat >= len(page.databytecounts):
            raise ImageError(
                printable(self.path), f"lacks strip or tile {flat} of page {page.index}", "Copy it again"
            )
        offset, count = page.dataoffsets[flat], page.databytecounts[flat]
        more = {}
        if keyframe.compression in _JPEG:
            more = {"jpegtables": page.jpegtables, "jpegheader": keyframe.jpegheader}
        data = None if count == 0 else self._bytes(tif, page, offset, count)
        if data is not None and keyframe.compression != 1:
            _check_stream(self.path, keyframe, data)
        segment, _, shape = keyframe.decode(data, flat, **more)
        if segment is None:
            return np.full(shape, keyframe.nodata, self.dtype)
        return np.asarray(segment).astype(self.dtype, copy=False)

    def _bytes(self, tif: Any, page: Any, offset: int, count: int) -> bytes:
        file = page.parent.filehandle
        if page.parent is tif:
            data = os.pread(file.fileno(), count, offset)
        else:
            with Path(file.path).open("rb", buffering=0) as other:
                data = os.pread(other.fileno(), count, offset)
        if len(data) != count:
            raise truncated(Path(file.path), offset + count, offset + len(data))
        return data


def _check_stream(path: Path, keyframe: Any, data: bytes) -> None:
    """Raise ``ImageError`` if a strip or tile is a picture that declares another size than the TIFF."""
    _, depth, rows, columns, _ = segment_shape(keyframe)
    declared = declared_pixels(data)
    if declared > 4 * max(depth * rows * columns, 1 << 20):
        raise ImageError(
            printable(path),
            f"a strip or tile of {rows} x {columns} pixels declares {declared:,}",
            "The file is damaged; export it again",
        )


class _Piece(NamedTuple):
    """What one segment gives along one axis.

    Parameters
    ----------
    at
        Number of the segment along the axis.
    inside
        Part of the segment.
    outside
        Where it goes in the output.
    whole
        Whether that is all of the segment that lies in the image.
    """

    at: int
    inside: slice
    outside: slice
    whole: bool


def _cut(wanted: slice, extent: int, size: int) -> Iterator[_Piece]:
    """Cut a part of an axis of ``size`` at the borders of segments of ``extent``."""
    for index in range(wanted.start // extent, math.ceil(wanted.stop / extent)):
        first, last = index * extent, min((index + 1) * extent, size)
        start, stop = max(wanted.start, first), min(wanted.stop, last)
        yield _Piece(
            index,
            slice(start - first, stop - first),
            slice(start - wanted.start, stop - wanted.start),
            (start, stop) == (first, last),
        )


def segment_shape(keyframe: Any) -> tuple[int, int, int, int, int]:
    """Return the shape of a strip or tile as (1, depth, rows, columns, samples), like ``keyframe.shaped``."""
    _, _, height, width, samples = keyframe.shaped
    if keyframe.is_tiled:
        return 1, max(1, keyframe.tiledepth), keyframe.tilelength, keyframe.tilewidth, samples
    rows = keyframe.rowsperstrip or height
    return 1, 1, max(1, min(rows, height)), width, samples


def _five(part: Region, keyframe: Any) -> Region:
    """Return a region of a page in the five axes of ``keyframe.shaped``: planes of samples, Z, Y, X, samples."""
    wanted = [slice(0, 1)] * 5
    for axis, letter in zip(part, keyframe.axes, strict=True):
        at = {"Z": 1, "Y": 2, "X": 3}.get(letter, 0 if keyframe.shaped[0] > 1 else 4)
        wanted[at] = axis
    return tuple(wanted)


class WholePixels(FilePixels):
    """A series that only the library knows how to put together; it is decoded whole, up to the limit."""

    def __init__(
        self, path: Path, series: int, layout: Layout, dtype: np.dtype[Any], multifile: bool
    ) -> None:
        super().__init__(path)
        self.series = series
        self.layout = layout
        self.dtype = dtype
        self.multifile = multifile
        self.blocks = BlockOwner()
        within_limit(path, math.prod(layout.shape) * dtype.itemsize, f"series {series}")

    def _decode(self) -> Array:
        with open_tiff(self.path, self.multifile) as tif:
            array: Array = tif.series[self.series].asarray()
        if array.shape != self.layout.shape:
            raise ImageError(printable(self.path), "has changed since it was opened", "Open it again")
        return array.astype(self.dtype, copy=False)

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        with decoding(self.path), self.lock:
            whole = self.blocks.block("", self._decode)
        return self.layout.to_image(whole[self.layout.to_file(region)], region)

    def close(self) -> None:
        """Forget what was decoded."""
        self.blocks.forget()


def open_tiff(path: Path, multifile: bool) -> Any:
    """Open a TIFF with tifffile; ``multifile`` lets it follow the names of other files in OME-XML."""
    import tifffile

    return tifffile.TiffFile(path, _multifile=multifile)
