"""Normalisation: one multiplication and one addition a channel, from statistics of the whole image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.loading.errors import LoadingError
from micrographia.loading.frames import Frame
from micrographia.loading.reading import Block, Box, Opened, read_channels

Array = npt.NDArray[Any]

PERCENTILES = (1.0, 99.8)
"""What ``normalise="percentile"`` maps to 0 and 1."""

SAMPLED = 1 << 22
"""Statistics of a larger image are those of blocks with together about so many pixels, evenly spread over it."""

METHODS = ("none", "dtype", "zscore", "percentile")


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """``pixel * multiply + add`` for each channel; both are float32."""

    multiply: npt.NDArray[np.float32]
    add: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Normaliser:
    """How intensities become numbers of about 1.

    Parameters
    ----------
    method
        ``"none"``: as they are. ``"dtype"``: an integer is divided by the largest of its type; floats stay.
        ``"zscore"``: (pixel - mean) / standard deviation. ``"percentile"``: ``low`` becomes 0, ``high`` becomes 1,
        linearly and without clipping. The statistics are those of all finite pixels of a channel of an image at one
        time point; see :data:`SAMPLED` for large ones. A channel without contrast becomes 0.
    low, high
        Percentiles, 0 to 100.
    """

    method: str = "percentile"
    low: float = PERCENTILES[0]
    high: float = PERCENTILES[1]

    @property
    def measured(self) -> bool:
        """Whether pixels must be read before any can be normalised."""
        return self.method in ("zscore", "percentile")

    def fixed(self, frame: Frame) -> Linear:
        """Return what does not depend on pixels."""
        dtype = np.dtype(frame.dtype)
        factor = 1.0 / np.iinfo(dtype).max if self.method == "dtype" and dtype.kind in "ui" else 1.0
        count = len(frame.channels)
        return Linear(np.full(count, factor, np.float32), np.zeros(count, np.float32))

    def of(self, pixels: Array) -> Linear:
        """Return what the pixels of an image ask for.

        Parameters
        ----------
        pixels
            C and any further axes.
        """
        factors, offsets = [], []
        for channel in pixels:
            zero, one = self._ends(channel.reshape(-1))
            factors.append(1.0 / (one - zero))
            offsets.append(-zero / (one - zero))
        return Linear(np.array(factors, np.float32), np.array(offsets, np.float32))

    def _ends(self, values: Array) -> tuple[float, float]:
        """Return which values become 0 and 1."""
        if values.dtype.kind == "f":
            values = values[np.isfinite(values)]
        if not values.size:
            return 0.0, 1.0
        if self.method == "zscore":
            mean = float(values.mean(dtype=np.float64))
            spread = math.sqrt(float(np.mean(np.square(values - mean, dtype=np.float64))))
            return mean, mean + (spread or 1.0)
        if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
            low, high = (_percentile(np.bincount(values), share) for share in (self.low, self.high))
        else:
            low, high = (float(end) for end in np.percentile(values, (self.low, self.high)))
        if high <= low:
            low, high = float(values.min()), float(values.max())
        return low, high if high > low else low + 1.0


def normaliser(asked: str | tuple[float, float]) -> Normaliser:
    """Return the normaliser that is asked for: one of :data:`METHODS`, or two percentiles.

    Raises
    ------
    LoadingError
        If there is none.
    """
    if isinstance(asked, str) and asked in METHODS:
        return Normaliser(asked)
    if not isinstance(asked, str) and len(asked) == 2 and 0 <= asked[0] < asked[1] <= 100:
        return Normaliser("percentile", float(asked[0]), float(asked[1]))
    raise LoadingError(
        "",
        f"normalise={asked!r} is no way to normalise",
        f"Give one of {', '.join(METHODS)}, or two percentiles",
    )


def _percentile(counts: npt.NDArray[np.int64], share: float) -> float:
    """Return a percentile of a histogram, interpolated linearly between ranks (Hyndman and Fan 1996, definition 7)."""
    summed = np.cumsum(counts)
    rank = share / 100 * (int(summed[-1]) - 1)
    low, high = (
        int(np.searchsorted(summed, place, "right")) for place in (math.floor(rank), math.ceil(rank))
    )
    return low + (high - low) * (rank - math.floor(rank))


def sample_boxes(frame: Frame, pixels: int = SAMPLED) -> list[Box]:
    """Return which boxes of a frame its statistics are taken from: whole chunks, evenly spread, or all of it."""
    total = math.prod(frame.shape)
    if total <= pixels:
        return [(slice(0, frame.shape[0]), slice(0, frame.shape[1]), slice(0, frame.shape[2]))]
    counts = [-(-size // step) for size, step in zip(frame.shape, frame.chunk, strict=True)]
    places = math.prod(counts)
    wanted = max(1, min(places, pixels // math.prod(frame.chunk)))
    boxes: list[Box] = []
    for number in range(wanted):
        # Halfway between the ends of equal shares, moved by the golden ratio so that they do not fall into one column.
        place = int((number + (number * 0.618034) % 1.0) * places / wanted)
        at = np.unravel_index(min(place, places - 1), counts)
        starts = [int(index) * step for index, step in zip(at, frame.chunk, strict=True)]
        z, y, x = (
            slice(start, min(start + step, size))
            for start, step, size in zip(starts, frame.chunk, frame.shape, strict=True)
        )
        boxes.append((z, y, x))
    return boxes


def measure(normaliser: Normaliser, opened: Opened, frame: Frame, block: Block | None = None) -> Linear:
    """Return the normalisation of a frame; ``block`` saves reading where it holds the whole of it."""
    if not normaliser.measured:
        return normaliser.fixed(frame)
    if block is not None and block.shape == frame.shape and math.prod(frame.shape) <= SAMPLED:
        return normaliser.of(block.image)
    parts = [read_channels(opened.image, frame, box) for box in sample_boxes(frame)]
    return normaliser.of(np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1))
