"""The hash of an image's pixels: the same for a raw file and its conversion, whatever the codec and the chunks.

It is the SHA-256 of a header and of the SHA-256 of every block of one plane of at most 1024 x 1024 pixels, blocks in
canonical order (``TCZYX``, the last axis fastest), pixels little-endian in C order. Axes of one pixel other than Y
and X are left out, because formats differ in whether they state them. The header of an image names axes, shape, type,
scale and units (a step of 1 without a unit says nothing and is left out); that of a label image names axes and shape
only: its geometry is that of its image. The labels of a block are hashed as the narrowest of uint8, uint16, uint32 and
uint64 that holds them all, so that the type they are stored in does not matter.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.chunks import HASHED_SIDE, Five, cells, choose_cell, five, round_up
from micrographia.images.image import AXES, Array, Image
from micrographia.work import cores

STRIP = 32
"""Rows of labels that are widened at once."""

LABEL_TYPES = tuple(np.dtype(name) for name in ("<u1", "<u2", "<u4", "<u8"))

Kind = Literal["image", "label"]
Digests = list[tuple[int, bytes]]


def content_digest(image: Image, *, kind: Kind = "image", threads: int | None = None) -> str:
    """Return the hash of an image's pixels, axes and scale.

    Parameters
    ----------
    image
        Any image; it is read cell by cell, so memory does not grow with it.
    kind
        ``"label"`` for masks: their type and scale do not count.
    threads
        Number of threads; None for one a processor. The result does not depend on it.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    ImageError
        If the image cannot be read, or a label image holds negative or fractional values.
    """
    hasher = PixelHasher(image, kind)
    cell = choose_cell(image)
    count = cores() if threads is None else threads

    def work(region: tuple[slice, ...]) -> tuple[tuple[slice, ...], Array | None, Digests]:
        pixels = read_five(image, region)
        if hasher.aligned(cell):
            return region, None, hasher.blocks(region, pixels)
        return region, pixels, []

    def finish(result: tuple[tuple[slice, ...], Array | None, Digests]) -> None:
        region, pixels, digests = result
        if pixels is None:
            hasher.put(digests)
        else:
            hasher.rows(region, pixels)

    regions = cells(five(image.axes, image.shape), cell)
    if count == 1 or image.nbytes <= math.prod(cell) * image.dtype.itemsize:
        for region in regions:
            finish(work(region))
        return hasher.hexdigest()
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="digest") as pool:
        try:
            for region in regions:
                waiting.append(pool.submit(work, region))
                if len(waiting) > count:
                    finish(waiting.popleft().result())
            while waiting:
                finish(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()
    return hasher.hexdigest()


class PixelHasher:
    """Hashes an image that comes cell by cell.

    Blocks may be hashed in any order and thread by :meth:`blocks`, which keeps no state; :meth:`put` and
    :meth:`rows` are called from one thread. Only blocks that came out of order are remembered.

    Parameters
    ----------
    image
        Its header; no pixels are read.
    kind
        ``"image"`` or ``"label"``.
    """

    def __init__(self, image: Image, kind: Kind) -> None:
        if kind == "label" and image.dtype.kind == "f":
            raise ImageError(
                image.path, f"a label image of type {image.dtype}", "Labels are integers: convert them first"
            )
        self.kind = kind
        self.path = image.path
        self.shape: Five = five(image.axes, image.shape)
        self.grid = (*self.shape[:3], -(-self.shape[3] // HASHED_SIDE), -(-self.shape[4] // HASHED_SIDE))
        self._stored = image.dtype.newbyteorder("<")
        self._hash = hashlib.sha256(_header(image, kind))
        self._next = 0
        self._early: dict[int, bytes] = {}
        self._open: dict[int, _OpenBlock] = {}

    def aligned(self, cell: Five) -> bool:
        """Return whether cells of this size hold whole blocks."""
        return all(cell[axis] >= self.shape[axis] or cell[axis] % HASHED_SIDE == 0 for axis in (3, 4))

    def blocks(self, region: Sequence[slice], pixels: Array) -> Digests:
        """Return number and hash of every block in a region that holds whole blocks.

        Parameters
        ----------
        region
            One slice each of ``TCZYX``.
        pixels
            Those of the region, with five axes.
        """
        return [(number, self._digest(block)) for number, block in self._cut(region, pixels)]

    def put(self, digests: Digests) -> None:
        """Take hashes of blocks, each once, in any order."""
        for number, digest in digests:
            self._early[number] = digest
        while self._next in self._early:
            self._hash.update(self._early.pop(self._next))
            self._next += 1

    def rows(self, region: Sequence[slice], pixels: Array) -> None:
        """Take a region that holds some rows of whole blocks' width; rows of a block come from the top down."""
        for number, part in self._cut(region, pixels):
            block = self._open.get(number)
            if block is None:
                top = number // self.grid[4] % self.grid[3] * HASHED_SIDE
                block = _OpenBlock(min(HASHED_SIDE, self.shape[3] - top), self._types(pixels.dtype))
                self._open[number] = block
            block.add(part, int(self._checked(part).max()) if self.kind == "label" else 0)
            if block.rows == 0:
                del self._open[number]
                self.put([(number, block.digest())])

    def hexdigest(self) -> str:
        """Return the hash of the whole image, once every block has come."""
        if self._next != math.prod(self.grid):
            raise RuntimeError(f"{self._next} of {math.prod(self.grid)} blocks of {self.path} were hashed")
        return self._hash.hexdigest()

    def _cut(self, region: Sequence[slice], pixels: Array) -> list[tuple[int, Array]]:
        """Return number and pixels of each block, or part of a block's rows, in a region."""
        t0, c0, z0, y0, x0 = (part.start for part in region)
        rows = [y0, *range(round_up(y0 + 1, HASHED_SIDE), region[3].stop, HASHED_SIDE)]
        found = []
        for t, c, z in np.ndindex(*pixels.shape[:3]):
            for y in rows:
                for x in range(x0, region[4].stop, HASHED_SIDE):
                    place = (t0 + t, c0 + c, z0 + z, y // HASHED_SIDE, x // HASHED_SIDE)
                    down, right = round_up(y + 1, HASHED_SIDE) - y0, round_up(x + 1, HASHED_SIDE) - x0
                    part = pixels[t, c, z, y - y0 : down, x - x0 : right]
                    found.append((int(np.ravel_multi_index(place, self.grid)), part))
        return found

    def _digest(self, block: Array) -> bytes:
        """Hash a whole block."""
        if self.kind == "image":
            return hashlib.sha256(np.ascontiguousarray(block, self._stored).data).digest()
        kind = _narrowest(int(self._checked(block).max()))
        block_hash = hashlib.sha256()
        # Strip by strip, so that labels are converted in a little memory that stays in the cache.
        for first in range(0, block.shape[0], STRIP):
            block_hash.update(np.ascontiguousarray(block[first : first + STRIP], kind).data)
        return block_hash.digest()

    def _types(self, dtype: np.dtype[Any]) -> list[np.dtype[Any]]:
        """Return the types as which pixels of a type may be hashed."""
        if self.kind == "image":
            return [self._stored]
        return [kind for kind in LABEL_TYPES if kind.itemsize <= dtype.itemsize]

    def _checked(self, block: Array) -> Array:
        """Return a block of labels if none is negative."""
        if block.dtype.kind == "i" and int(block.min()) < 0:
            raise ImageError(
                self.path,
                f"a label image with the negative value {int(block.min())}",
                "Number objects from 1",
            )
        return block


class Unhashed(PixelHasher):
    """Takes an image that comes cell by cell and hashes nothing; labels are still refused where they are negative."""

    def aligned(self, cell: Five) -> bool:  # noqa: ARG002
        """Return True: a cell of any size will do."""
        return True

    def blocks(self, region: Sequence[slice], pixels: Array) -> Digests:  # noqa: ARG002
        """Return nothing, once the pixels were checked."""
        if self.kind == "label":
            self._checked(pixels)
        return []

    def hexdigest(self) -> str:
        """Return an empty text."""
        return ""


class _OpenBlock:
    """A block of which some rows have come, hashed as every type until it is known which of them it takes."""

    def __init__(self, rows: int, types: Sequence[np.dtype[Any]]) -> None:
        self.rows = rows
        self._most = 0
        self._hashes = {kind: hashlib.sha256() for kind in types}

    def add(self, part: Array, most: int) -> None:
        """Take some rows, given their largest label."""
        self.rows -= part.shape[0]
        self._most = max(self._most, most)
        for kind, block_hash in self._hashes.items():
            block_hash.update(np.ascontiguousarray(part, kind).data)

    def digest(self) -> bytes:
        """Return the hash of the whole block."""
        kind = _narrowest(self._most)
        return (self._hashes.get(kind) or next(iter(self._hashes.values()))).digest()


def _narrowest(most: int) -> np.dtype[Any]:
    return next(kind for kind in LABEL_TYPES if most <= np.iinfo(kind).max)


def read_five(image: Image, region: Sequence[slice]) -> Array:
    """Return the pixels of a region with five axes, given one slice each of ``TCZYX``."""
    pixels = image.read([region[AXES.index(axis)] for axis in image.axes])
    return pixels.reshape([part.stop - part.start for part in region])


def _header(image: Image, kind: Kind) -> bytes:
    axes = "".join(
        axis for axis, size in zip(image.axes, image.shape, strict=True) if size > 1 or axis in "YX"
    )
    header: dict[str, Any] = {"axes": axes, "shape": [image.size(axis) for axis in axes]}
    if kind == "image":
        told = {
            axis: step
            for axis, step in image.scale.items()
            if axis.upper() in axes and (step != 1 or axis in image.units)
        }
        header |= {
            "dtype": image.dtype.name,
            "scale": told,
            "units": {axis: image.units[axis] for axis in told if axis in image.units},
        }
    else:
        header["dtype"] = "label"
    return (
        b"micrographia pixels 1\n"
        + json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
        + b"\n"
    )
