"""An uncompressed copy of what patches are cut from, memory-mapped: for many epochs over data that are slow to decode.

Each frame becomes a folder of ``image.npy``, ``mask.npy`` and ``region.npy``, named by a checksum over what it was made
of, so that nothing stale is ever read. It appears whole or not at all; any number of processes may share it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from micrographia.dataset.elsewhere import address_in
from micrographia.errors import printable
from micrographia.loading.errors import LoadingError
from micrographia.loading.frames import Frame
from micrographia.loading.objects import boxes_of
from micrographia.loading.reading import Block, Box, Files, read_block

Array = npt.NDArray[Any]

FORMAT = 1
"""Goes into the checksum: what is written otherwise is another copy."""

MAPPED_FRAMES = 256
"""How many frames stay mapped."""

PARTS = ("image", "mask", "region")


class Mapped:
    """Frames as memory maps. One for each process.

    Parameters
    ----------
    folder
        Where the copies are; made where it is missing.
    files
        What they are made of.
    """

    def __init__(self, folder: Path, files: Files) -> None:
        self.folder = folder
        self.files = files
        self._lock = threading.Lock()
        self._maps: OrderedDict[int, Block] = OrderedDict()
        self._making: dict[int, threading.Lock] = {}

    def read(self, frame: Frame, box: Box) -> Block:
        """Return a box of a frame as views of memory maps, which nobody may change.

        Raises
        ------
        LoadingError
            If the copy cannot be written or read.
        MicrographiaError
            If the frame cannot be read.
        """
        whole = self._whole(frame)
        parts = (None if part is None else part[box] for part in (whole.mask, whole.region))
        low = box[0].start, box[1].start, box[2].start
        return Block(low, whole.image[(slice(None), *box)], *parts)

    def _whole(self, frame: Frame) -> Block:
        with self._lock:
            found = self._maps.get(frame.number)
            if found is not None:
                self._maps.move_to_end(frame.number)
                return found
            making = self._making.setdefault(frame.number, threading.Lock())
        with making:
            found = self._maps.get(frame.number) or self._opened(frame)
        with self._lock:
            self._maps[frame.number] = found
            self._making.pop(frame.number, None)
            while len(self._maps) > MAPPED_FRAMES:
                self._maps.popitem(last=False)
        return found

    def _opened(self, frame: Frame) -> Block:
        place = self.folder / checksum(frame)
        try:
            if not place.is_dir():
                self._write(frame, place)
            maps: dict[str, Any] = {
                name: np.load(place / f"{name}.npy", mmap_mode="r")
                if (place / f"{name}.npy").exists()
                else None
                for name in PARTS
            }
        except (OSError, ValueError) as error:
            raise LoadingError(
                printable(str(place)),
                f"cannot hold the memory-mapped copy: {error}",
                "Choose another folder for it",
            ) from error
        if maps["image"] is None or maps["image"].shape[1:] != frame.shape:
            raise LoadingError(printable(str(place)), "is damaged", "Remove it; it is made again")
        return Block((0, 0, 0), maps["image"], maps["mask"], maps["region"])

    def _write(self, frame: Frame, place: Path) -> None:
        """Write a frame box by box, then give it its name."""
        opened = self.files.opened(frame)
        part = place.with_name(f".{place.name}.{uuid4().hex[:8]}.part")
        part.mkdir(parents=True)
        try:
            arrays: dict[str, Any] = {}
            for box in boxes_of(frame):
                block = read_block(opened, frame, box)
                for name in PARTS:
                    self._put(arrays, part / f"{name}.npy", frame, box, getattr(block, name))
            for array in arrays.values():
                array.flush()
            arrays.clear()
            try:
                part.replace(place)
            except OSError:
                # Another process was faster: what it made is the same.
                if not place.is_dir():
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)

    @staticmethod
    def _put(arrays: dict[str, Any], path: Path, frame: Frame, box: Box, pixels: Array | None) -> None:
        if pixels is None:
            return
        if path.name not in arrays:
            shape = (len(pixels), *frame.shape) if pixels.ndim == 4 else frame.shape
            needed = math.prod(shape) * pixels.dtype.itemsize
            if shutil.disk_usage(path.parent).free < needed:
                raise LoadingError(
                    printable(str(path.parent.parent)),
                    f"has no room for {needed / 1e9:.1f} GB of the memory-mapped copy",
                    "Choose another folder for it, or leave it out",
                )
            arrays[path.name] = np.lib.format.open_memmap(path, "w+", pixels.dtype, shape)
        arrays[path.name][(..., *box)] = pixels


def checksum(frame: Frame) -> str:
    """Return what a copy of a frame is called: a checksum over the files it is made of, and what of them."""
    files = frame.files
    rows = [
        [
            row.path,
            row.member,
            row.channel,
            row.layer,
            row.axes,
            row.set,
            row.sha256 or address_in(files.root, row.path) or _stamp(files.root / row.path),
        ]
        for row in (*files.rows, *files.mask_rows)
    ]
    said = [FORMAT, rows, frame.time, frame.channels, frame.ignored, frame.masked]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def _stamp(path: Path) -> str:
    """Return when a file without a checksum was written, and its size."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise LoadingError(
            printable(str(path)), f"cannot be read: {error.strerror}", "Describe the folder again"
        ) from error
    return f"{found.st_size} {found.st_mtime_ns}"
