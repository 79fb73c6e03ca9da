"""How large an OME-Zarr will be and how long it will take, before anything is written."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from micrographia.images.chunks import choose_layout
from micrographia.images.codecs import Codec
from micrographia.images.image import Image, Region, canonical
from micrographia.images.ome_zarr_metadata import Version
from micrographia.images.pyramid import Level, label_pyramid, stored_pyramid

SAMPLES = 6
"""Blocks of an image that are compressed."""

SIDE = 512
"""Of such a block."""

SAFETY = 1.15
"""What is added, because the blocks may compress better than the rest."""

CHUNK_OVERHEAD = 32
"""Bytes that a chunk takes in an index and a header, whatever it holds."""

METADATA = 2048
"""Bytes of one metadata file, about."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What writing one image will take.

    Parameters
    ----------
    bytes
        On disk; on the safe side.
    files
        How many, exactly.
    seconds
        On one processor.
    """

    bytes: int
    files: int
    seconds: float


def estimate(
    image: Image,
    *,
    labels: Sequence[Image] = (),
    masks: int | None = None,
    version: Version = "0.5",
    levels: int | None = None,
    sample: bool = True,
) -> Estimate:
    """Estimate what writing an image with its labels will take.

    Parameters
    ----------
    image, labels
        The sources; a few blocks of each are read and compressed.
    masks
        The number of label images where they are not given.
    version, levels
        As for :func:`~micrographia.images.ome_zarr_writer.write_image`.
    sample
        Compress blocks; otherwise pixels count as they are and no time is told.

    Raises
    ------
    ImageError
        If an image cannot be read.
    """
    axes = canonical(image.axes + "C")
    plain = axes.replace("C", "")
    pyramid = stored_pyramid(image, axes, levels)
    parts = [_array(image, axes, pyramid, version, labels=False, sample=sample)]
    count = len(labels) if masks is None else masks
    for label in (*labels, *(image for _ in range(count - len(labels)))):
        own = label_pyramid(label, plain, pyramid, axes)
        parts.append(_array(label, plain, own, version, labels=True, sample=sample and label is not image))
    groups = (2 + count if count else 1) * (2 if version == "0.4" else 1)
    return Estimate(
        sum(part.bytes for part in parts) + groups * METADATA,
        sum(part.files for part in parts) + groups,
        sum(part.seconds for part in parts),
    )


def _array(
    image: Image, axes: str, pyramid: Sequence[Level], version: Version, *, labels: bool, sample: bool
) -> Estimate:
    """Estimate all levels of an image or a label image."""
    pixels = files = chunks = 0
    for level in pyramid:
        layout = choose_layout(axes, level.shape, sharded=version == "0.5", rgb=image.rgb and not labels)
        pixels += math.prod(level.shape)
        chunks += _count(level.shape, layout.chunk)
        files += _count(level.shape, layout.shard or layout.chunk) + 1
    size = pixels * image.dtype.itemsize
    ratio, speed = _compress(image, labels=labels) if sample else (1.0, math.inf)
    stored = size * min(1.0, ratio * SAFETY) + chunks * CHUNK_OVERHEAD + len(pyramid) * METADATA
    return Estimate(math.ceil(stored), files, size / speed)


def _count(shape: Sequence[int], step: Sequence[int]) -> int:
    return math.prod(-(-size // part) for size, part in zip(shape, step, strict=True))


def _compress(image: Image, *, labels: bool) -> tuple[float, float]:
    """Return size after over size before, and bytes a second, of some blocks."""
    unsigned = np.dtype(f"u{image.dtype.itemsize}") if image.dtype.kind == "i" else image.dtype
    codec = Codec.for_role(unsigned if labels else image.dtype, labels=labels)
    before = after = 0
    started = time.perf_counter()
    for region in _samples(image):
        block = image.read(region)
        before += block.nbytes
        after += len(codec.encode(block))
        hashlib.sha256(block.data).digest()
    return after / before, before / max(time.perf_counter() - started, 1e-6)


def _samples(image: Image) -> list[Region]:
    """Return regions of one plane each, spread evenly over the image."""
    sides = [
        min(size, SIDE) if axis in "YX" else 1 for axis, size in zip(image.axes, image.shape, strict=True)
    ]
    places = [size // side for size, side in zip(image.shape, sides, strict=True)]
    total = math.prod(places)
    count = min(SAMPLES, total)
    regions = []
    for number in range(count):
        place = np.unravel_index((2 * number + 1) * total // (2 * count), places)
        regions.append(
            tuple(slice(int(at) * side, int(at) * side + side) for at, side in zip(place, sides, strict=True))
        )
    return regions
