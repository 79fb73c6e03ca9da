"""Label images as sources of blocks, and threads that count them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images.image import Image
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.metrics.tally import Tally
from micrographia.work import Progress

Array = npt.NDArray[Any]

BLOCK_PIXELS = 1 << 22
"""About how many pixels are read at once."""


class ImageSource:
    """A lazily read label image as something with a shape, a type and slices."""

    def __init__(self, image: Image, name: str) -> None:
        for axis, what in (("C", "channels"), ("T", "time points")):
            if image.size(axis) > 1:
                raise SegmentationError(
                    image.path, f"the {name} has {image.size(axis)} {what}", "Give one of them at a time"
                )
        depth = image.size("Z") > 1
        self.image = image
        self.path = str(image.path)
        self.dtype = image.dtype
        self.shape = tuple(image.size(axis) for axis in ("ZYX" if depth else "YX"))
        own = dict(zip(image.axes, image.block_shape, strict=True))
        self.block: tuple[int, ...] | None = tuple(own[axis] for axis in ("ZYX" if depth else "YX"))

    def __getitem__(self, region: tuple[slice, ...]) -> Array:
        at = dict(zip("ZYX"[-len(region) :], region, strict=True))
        block = self.image.read([at.get(axis, slice(0, 1)) for axis in self.image.axes])
        return block.reshape(tuple(part.stop - part.start for part in region))


class ArraySource:
    """Anything with a shape, a type and slices: a memory map, an array of zarr or h5py."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.path = ""
        self.dtype = np.dtype(array.dtype)
        self.shape = tuple(int(size) for size in array.shape)
        chunks = getattr(array, "chunks", None)
        whole = isinstance(chunks, tuple) and all(isinstance(size, int) for size in chunks)
        self.block: tuple[int, ...] | None = tuple(chunks) if whole and chunks else None

    def __getitem__(self, region: tuple[slice, ...]) -> Array:
        return np.asarray(self.array[region])


def open_source(labels: Any, name: str) -> ImageSource | ArraySource:
    """Return labels as a source of blocks.

    Raises
    ------
    SegmentationError
        If they are no integers, have no pixels, or several channels or time points.
    """
    if isinstance(labels, Image):
        source: ImageSource | ArraySource = ImageSource(labels, name)
    elif hasattr(labels, "shape") and hasattr(labels, "dtype"):
        source = ArraySource(labels)
    else:
        source = ArraySource(np.asarray(labels))
    if source.dtype.kind not in "uib":
        raise SegmentationError(
            source.path,
            f"the {name} holds {source.dtype} where labels are integers",
            "Store one integer a pixel",
        )
    if 0 in source.shape or not source.shape:
        raise SegmentationError(
            source.path, f"the {name} of shape {source.shape} has no pixels", "Give an image"
        )
    return source


def tiles(shape: Sequence[int], block: Sequence[int] | None, target: int) -> list[list[slice]]:
    """Return, for each axis, the slices that tile it: whole blocks, of about ``target`` pixels together."""
    step = [min(size, length) for size, length in zip(block or [1] * len(shape), shape, strict=True)]
    for axis in reversed(range(len(shape))):
        room = target // math.prod(step)
        if room > 1:
            step[axis] = min(shape[axis], step[axis] * room)
    return [
        [slice(start, min(start + size, length)) for start in range(0, length, size)]
        for size, length in zip(step, shape, strict=True)
    ]


def count_blocks(
    truth: Any,
    predicted: Any,
    region: Any | None,
    *,
    block: Sequence[int] | None,
    target: int,
    threads: int,
    quiet: bool = True,
) -> Tally:
    """Return the tally of two sources of one shape; each thread reads and counts blocks of its own."""
    parts = tiles(truth.shape, block, target)
    total = math.prod(map(len, parts))
    waiting: Iterator[tuple[slice, ...]] = product(*parts)
    lock = threading.Lock()
    stop = threading.Event()

    with Progress("comparing labels", total, quiet=quiet) as progress:

        def work() -> Tally:
            tally = Tally(truth.dtype, predicted.dtype)
            try:
                while not stop.is_set():
                    with lock:
                        at = next(waiting, None)
                    if at is None:
                        break
                    tally.add(truth[at], predicted[at], None if region is None else region[at])
                    with lock:
                        progress.advance()
            except BaseException:
                stop.set()
                raise
            return tally

        workers = max(1, min(threads, total))
        if workers == 1:
            return work()
        with ThreadPoolExecutor(workers) as pool:
            tallies = [future.result() for future in [pool.submit(work) for _ in range(workers)]]
    for other in tallies[1:]:
        tallies[0].merge(other)
    return tallies[0]
