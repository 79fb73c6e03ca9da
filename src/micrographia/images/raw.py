"""Pixels that lie in a file as one array: as they are (memory-mapped), or as one gzip or bzip2 stream."""

from __future__ import annotations

import bz2
import gzip
import itertools
import math
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.cache import BlockOwner
from micrographia.images.files import DEFLATE_RATIO, FilePixels, decoding, printable
from micrographia.images.image import Array, Region
from micrographia.images.layout import Layout

SLAB = 4 << 20
"""Bytes of a stream that are decoded and kept together."""

_TOUCHED = 64 << 20
"""After so many bytes of mapped pages were touched, they are given back: a file that is read is no memory of ours."""


def truncated(path: Path, needed: int, there: int) -> ImageError:
    """Return the error for a file that holds fewer bytes than its header says."""
    return ImageError(
        printable(path),
        f"is cut short: its header claims pixels up to byte {needed:,}, the file has {there:,}",
        "Copy it again from where it came",
    )


class MappedPixels(FilePixels):
    """An uncompressed array at a place of a file, read through a memory map.

    Parameters
    ----------
    path
        The file.
    offset
        Where the array begins.
    stored
        Type of the pixels in the file, with its byte order.
    layout
        How the image lies in the array.
    dtype
        Type of the pixels as read.

    Raises
    ------
    ImageError
        If the file is too short.
    """

    def __init__(
        self, path: Path, offset: int, stored: np.dtype[Any], layout: Layout, dtype: np.dtype[Any]
    ) -> None:
        super().__init__(path)
        self.offset = offset
        self.stored = stored
        self.layout = layout
        self.dtype = dtype
        self.end = offset + math.prod(layout.shape) * stored.itemsize
        self._touched = 0
        there = path.stat().st_size
        if self.end > there:
            raise truncated(path, self.end, there)

    def _open(self) -> tuple[mmap.mmap, Array]:
        with self.path.open("rb") as file:
            view = mmap.mmap(file.fileno(), self.end, prot=mmap.PROT_READ)
        size = math.prod(self.layout.shape)
        return view, np.frombuffer(view, self.stored, size, self.offset).reshape(self.layout.shape)

    def _shut(self, handle: tuple[mmap.mmap, Array]) -> None:
        """Leave the map to be unmapped when the last array that shows it is gone."""

    def read(self, region: Region) -> Array:
        """Return a copy of the pixels of a region."""
        view, array = self.handle()
        there = view.size()
        if self.end > there:
            raise truncated(self.path, self.end, there)
        part = array[self.layout.to_file(region)]
        block = self.layout.to_image(part, region).astype(self.dtype, order="C", copy=True)
        rows = part.size // part.shape[-1]
        self._touched += min(part.nbytes + rows * (64 << 10), self.end)
        if self._touched > _TOUCHED:
            self._touched = 0
            view.madvise(mmap.MADV_DONTNEED)
        return block


class StreamPixels(FilePixels):
    """An array inside one gzip or bzip2 stream, which can only be decoded from its beginning.

    It is decoded in slabs of :data:`SLAB` bytes, the last of which are kept; reading in storage order decodes the
    stream once, reading backwards decodes it again. Memory does not grow with the array.

    Parameters
    ----------
    path, stored, layout, dtype
        As for :class:`MappedPixels`.
    start
        Where the stream begins in the file.
    offset
        Where the array begins in the decoded stream.
    codec
        ``gzip`` or ``bzip2``.

    Raises
    ------
    ImageError
        If a stream of this size cannot hold the array.
    """

    def __init__(
        self,
        path: Path,
        offset: int,
        stored: np.dtype[Any],
        layout: Layout,
        dtype: np.dtype[Any],
        *,
        start: int = 0,
        codec: str = "gzip",
    ) -> None:
        super().__init__(path)
        self.offset = offset
        self.stored = stored
        self.layout = layout
        self.dtype = dtype
        self.start = start
        self.codec = codec
        self.end = offset + math.prod(layout.shape) * stored.itemsize
        self.blocks = BlockOwner()
        there = path.stat().st_size
        if codec == "gzip" and self.end > (there - start) * DEFLATE_RATIO:
            raise truncated(path, self.end, there)

    def _open(self) -> Any:
        file = self.path.open("rb")
        file.seek(self.start)
        stream: Any = gzip.GzipFile(fileobj=file) if self.codec == "gzip" else bz2.BZ2File(file)
        return file, stream

    def _shut(self, handle: Any) -> None:
        handle[1].close()
        handle[0].close()

    def close(self) -> None:
        """Close the file and forget what was decoded."""
        super().close()
        self.blocks.forget()

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        part = self.layout.to_file(region)
        out = np.empty([axis.stop - axis.start for axis in part], self.stored)
        flat = out.reshape(-1).view(np.uint8)
        done = 0
        with decoding(self.path):
            try:
                for first, length in self._runs(part):
                    self._fill(flat[done : done + length], first)
                    done += length
            except BaseException:
                self.close()  # a stream that failed midway does not know where it stands
                raise
        return self.layout.to_image(out, region).astype(self.dtype, order="C", copy=False)

    def _runs(self, part: Region) -> Iterator[tuple[int, int]]:
        """Yield (first byte in the decoded stream, length) of the runs that make up a region, in storage order."""
        shape = self.layout.shape
        whole = len(shape)
        while whole > 1 and part[whole - 1] == slice(0, shape[whole - 1]):
            whole -= 1
        strides = [math.prod(shape[index + 1 :]) * self.stored.itemsize for index in range(len(shape))]
        run = (part[whole - 1].stop - part[whole - 1].start) * strides[whole - 1]
        outer = (range(axis.start, axis.stop) for axis in part[: whole - 1])
        inner = part[whole - 1].start * strides[whole - 1]
        for place in itertools.product(*outer):
            yield self.offset + inner + sum(map(int.__mul__, place, strides)), run

    def _fill(self, out: Array, first: int) -> None:
        while len(out):
            slab, skip = divmod(first, SLAB)
            block = self._slab(slab)[skip : skip + len(out)]
            if not len(block):
                raise ImageError(
                    printable(self.path),
                    f"is cut short: its stream ends before byte {self.end:,} that its header claims",
                    "Copy it again from where it came",
                )
            out[: len(block)] = block
            out = out[len(block) :]
            first += len(block)

    def _slab(self, index: int) -> Array:
        with self.lock:
            return self.blocks.block(index, lambda: self._decode(index))

    def _decode(self, index: int) -> Array:
        _, stream = self.handle()
        at, odd = divmod(stream.tell(), SLAB)
        if odd or at > index:
            super().close()  # rewinding a stream would begin at the head of the file, not of the stream
            _, stream = self.handle()
            at = 0
        while True:
            block = np.frombuffer(stream.read(SLAB), np.uint8).copy()
            if at == index or not len(block):
                return block
            self.blocks.keep(at, block)
            at += 1
