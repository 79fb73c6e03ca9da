"""Run-length encoded masks as COCO has them: columns first, background first, counts or their compressed text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.kernels.jit import kernel
from micrographia.annotations.masks.kernels.runs import extract
from micrographia.annotations.masks.outlines import Ring, rings_of

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

MAX_CROP = 1 << 28
"""Pixels of the box around one mask."""
MAX_SIDE = 1 << 31


@kernel
def _decompress(text: Bytes, counts: Ints) -> int:
    """Decode the text and return the number of counts, or -1 if it is broken."""
    n = 0
    at = 0
    while at < text.size:
        value = 0
        shift = 0
        more = True
        while more:
            if at >= text.size or shift > 55:
                return -1
            c = int(text[at]) - 48
            if c < 0 or c > 63:
                return -1
            value |= (c & 31) << shift
            more = (c & 32) != 0
            at += 1
            shift += 5
            if not more and (c & 16) != 0:
                value |= -1 << shift
        if n > 2:
            value += counts[n - 2]
        counts[n] = value
        n += 1
    return n


@kernel
def _compress(counts: Ints, text: Bytes) -> int:
    n = 0
    for k in range(counts.size):
        value = counts[k]
        if k > 2:
            value -= counts[k - 2]
        more = True
        while more:
            c = value & 31
            value >>= 5
            more = value != -1 if (c & 16) != 0 else value != 0
            if more:
                c |= 32
            text[n] = c + 48
            n += 1
    return n


@kernel
def _fill(counts: Ints, height: int, top: int, left: int, crop: Bytes) -> None:
    at = 0
    for k in range(counts.size):
        if k % 2 == 1:
            for p in range(at, at + counts[k]):
                crop[p % height - top, p // height - left] = 1
        at += counts[k]


def decompress(text: bytes) -> Ints:
    """Return the counts that a compressed text holds.

    Raises
    ------
    ValueError
        If the text is broken.
    """
    counts = np.empty(len(text), np.int64)
    n = _decompress(np.frombuffer(text, np.uint8), counts)
    if n < 0:
        raise ValueError("the compressed run lengths are broken")
    return counts[:n]


def compress(counts: Ints) -> bytes:
    """Return counts as compressed text."""
    text = np.empty(13 * len(counts), np.uint8)
    return text[: _compress(np.ascontiguousarray(counts, np.int64), text)].tobytes()


def counts_of(segmentation: dict[str, Any]) -> tuple[Ints, int, int]:
    """Return counts, height and width of a COCO run-length encoding, compressed or not.

    Raises
    ------
    ValueError
        If it is broken or does not fit its size.
    """
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int for side in size):
        raise ValueError("the run lengths have no size")
    height, width = size
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise ValueError(f"a mask of {height} x {width} is impossible")
    if isinstance(counts, str):
        lengths = decompress(counts.encode("ascii", errors="replace"))
    elif isinstance(counts, list) and all(
        type(count) is int and 0 <= count <= MAX_SIDE**2 for count in counts
    ):
        lengths = np.array(counts, np.int64)
    else:
        raise ValueError("the run lengths are no list of numbers and no text")
    total = sum(lengths.tolist())
    if (lengths < 0).any() or total > height * width:
        raise ValueError(f"the run lengths do not fit into {height} x {width}")
    return lengths, height, width


def crop_of(counts: Ints, height: int) -> tuple[Bytes, int, int]:
    """Return a mask cut down to the box around it (Y, X), and where that box begins (y, x).

    Raises
    ------
    ValueError
        If the box has more than ``MAX_CROP`` pixels.
    """
    ends = np.cumsum(counts)
    starts, stops = (ends - counts)[1::2], ends[1::2]
    held = stops > starts
    starts, stops = starts[held], stops[held]
    if not len(starts):
        return np.zeros((0, 0), np.uint8), 0, 0
    left, right = int(starts[0] // height), int((stops[-1] - 1) // height) + 1
    wraps = starts // height != (stops - 1) // height
    top = 0 if wraps.any() else int((starts % height).min())
    bottom = height if wraps.any() else int(((stops - 1) % height).max()) + 1
    if (bottom - top) * (right - left) > MAX_CROP:
        raise ValueError(f"the mask reaches over {bottom - top} x {right - left} pixels")
    crop = np.zeros((bottom - top, right - left), np.uint8)
    _fill(counts, height, top, left, crop)
    return crop, top, left


def rings_of_rle(segmentation: dict[str, Any]) -> list[Ring]:
    """Return the outlines of a run-length encoded mask, exactly along the edges of its pixels.

    Raises
    ------
    ValueError
        If it is broken or too large.
    """
    counts, height, _ = counts_of(segmentation)
    crop, top, left = crop_of(counts, height)
    if not crop.size:
        return []
    return [ring._replace(y=ring.y + top, x=ring.x + left) for ring in rings_of(crop)]


def encode_labels(labels: npt.NDArray[Any]) -> Iterator[tuple[int, Ints]]:
    """Yield each label of a plane (Y, X) with its counts, by ascending label."""
    height, width = labels.shape
    runs = extract(np.ascontiguousarray(labels.T)[None])
    start = runs.row * height + runs.x0
    stop = runs.row * height + runs.x1
    order = np.argsort(runs.value, kind="stable")
    values, firsts = np.unique(runs.value[order], return_index=True)
    for value, chosen in zip(values.tolist(), np.split(order, firsts[1:]), strict=False):
        yield value, _counts(start[chosen], stop[chosen], height * width)


def _counts(start: Ints, stop: Ints, total: int) -> Ints:
    # Runs that reach the end of a column go on in the next one.
    joined = start[1:] == stop[:-1]
    start, stop = start[np.append(True, ~joined)], stop[np.append(~joined, True)]
    edges = np.empty(2 * len(start) + 1, np.int64)
    edges[0:-1:2], edges[1::2], edges[-1] = start, stop, total
    counts = np.diff(edges, prepend=0)
    return counts if counts[-1] else counts[:-1]


def encode(mask: npt.NDArray[Any]) -> Ints:
    """Return the counts of a mask (Y, X); everything that is not 0 belongs to it."""
    plane = (mask != 0).view(np.uint8)
    for _, counts in encode_labels(plane):
        return counts
    return np.array([mask.size], np.int64)
