"""What the pixels of one image are: measured tile by tile, each pixel decoded once."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from micrographia.checks import pixel_kernels as kernels
from micrographia.checks.pixel_facts_levels import LevelFacts
from micrographia.checks.pixel_facts_prints import Prints, PrintTaker
from micrographia.checks.pixel_facts_stain import StainFacts, measure_stain
from micrographia.checks.pixel_facts_tiles import Place, tiles, units
from micrographia.images import Image, Region
from micrographia.work import stream

Array = npt.NDArray[Any]
MANY = 8
"""Pixels a value from which counting in four tables pays."""
SAMPLE = 1 << 16
"""About how many pixels of a channel percentiles are estimated from, where values cannot be counted."""
_PERCENTS = np.array(kernels.PERCENTILES)


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What the pixels of one channel are, over all time points and planes.

    Parameters
    ----------
    index, name
        Which channel; the name is empty if the file gives none.
    pixels, nans, infinities
        How many pixels there are, and how many of them are no numbers.
    minimum, maximum, mean, variance
        Of the finite pixels; NaN if there are none.
    zeros, at_maximum, at_limit
        Fractions of the finite pixels that are 0, have the maximum, or have the largest value that the type (or the
        number of significant bits) allows. ``at_limit`` is 0 for floats.
    percentiles
        At :data:`~micrographia.checks.pixel_kernels.PERCENTILES`; exact for 8 and 16 bits unsigned, else of a sample.
    noise
        Standard deviation of white noise, estimated from the finest two scales; an upper bound for fine textures.
    sharpness
        Energy of the Laplacian at twice the pixel spacing, without the part that white noise has in it, over the
        variance without noise. Larger is sharper; only images of one kind and pixel size compare. None if there is
        nothing but noise.
    """

    index: int
    name: str
    pixels: int
    nans: int
    infinities: int
    minimum: float
    maximum: float
    mean: float
    variance: float
    zeros: float
    at_maximum: float
    at_limit: float
    percentiles: tuple[float, ...]
    noise: float | None
    sharpness: float | None

    @property
    def constant(self) -> bool:
        """Whether all pixels have one value."""
        return self.minimum == self.maximum


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the pixels of one image are.

    Parameters
    ----------
    image
        Its id.
    axes, shape, dtype, rgb
        As it was read.
    digest
        Hash of axes, shape, type and all pixels: equal for equal pixels, whatever the file format, name or scale.
    channels
        One entry a channel.
    prints
        What it is recognised by; None if it is too small.
    stain
        Colours of background and stain, for colour pictures.
    levels
        The smaller levels of its pyramid, compared with level 0.
    """

    image: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    rgb: bool
    digest: str
    channels: tuple[ChannelFacts, ...]
    prints: Prints | None = None
    stain: StainFacts | None = None
    levels: tuple[LevelFacts, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels, uncompressed."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def size(self, axis: str) -> int:
        """Return the size along an axis; 1 if there is no such axis."""
        at = self.axes.find(axis)
        return self.shape[at] if at >= 0 else 1

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values, without the prints but for the fingerprint; NaN becomes None."""
        from dataclasses import asdict

        channels = [
            {key: _plain(value) for key, value in asdict(channel).items()} for channel in self.channels
        ]
        return {
            "image": self.image,
            "axes": self.axes,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "rgb": self.rgb,
            "digest": self.digest,
            "channels": channels,
            "fingerprint": self.prints.fingerprint if self.prints else None,
            "stain": self.stain.to_json() if self.stain else None,
        }


class _Tile(NamedTuple):
    digest: bytes
    scan: Array | None
    fine: tuple[int, Any, Any]
    coarse: tuple[int, Any, Any]
    sample: Array | None


@dataclass(slots=True)
class _Unit:
    """What one region contributed: its tiles, and how often each value occurred a channel."""

    tiles: dict[Place, _Tile] = field(default_factory=dict)
    counts: dict[int, Array] = field(default_factory=dict)


def measure_image(image: Image, name: str, *, threads: int = 1) -> tuple[ImageFacts, PrintTaker]:
    """Measure an image, reading each pixel once.

    Parameters
    ----------
    image
        The image; memory is bounded by a band of its rows or one of its blocks, times the threads.
    name
        Its id.
    threads
        Threads that read and measure side by side; the facts do not depend on it.

    Returns
    -------
    tuple
        The facts, and the taker with the reduced plane that masks are compared with.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    taker = PrintTaker(image)

    def work(region: Region) -> _Unit:
        return _measure_unit(image, region, taker)

    whole = _Unit()
    kind: Any = "threads" if threads > 1 else "serial"
    for outcome in stream(work, units(image), workers=threads, kind=kind, name=lambda _: str(image.path)):
        part = outcome.result()
        whole.tiles.update(part.tiles)
        for channel, tables in part.counts.items():
            counts = tables.sum(axis=0, dtype=np.int64)
            known = whole.counts.get(channel)
            whole.counts[channel] = counts if known is None else known + counts
    ordered = dict(sorted(whole.tiles.items()))
    channels = tuple(
        _channel(image, index, ordered, whole.counts.get(index)) for index in range(image.size("C"))
    )
    prints = taker.finish()
    stain = measure_stain(taker.reduced, _limit(image) or 255.0) if image.rgb and prints else None
    facts = ImageFacts(
        name,
        image.axes,
        image.shape,
        image.dtype.name,
        image.rgb,
        _digest(image, ordered),
        channels,
        prints,
        stain,
    )
    return facts, taker


def _measure_unit(image: Image, region: Region, taker: PrintTaker) -> _Unit:
    unit = _Unit()
    countable = image.dtype in (np.uint8, np.uint16)
    stride = max(1, math.isqrt(math.prod(image.shape) // image.size("C") // SAMPLE))
    pixels = image.read(region)
    for place, tile in tiles(image, region, pixels):
        numbers = tile if countable else tile.astype(np.float64)
        halved = np.empty((tile.shape[0] // 2, tile.shape[1] // 2), np.int32 if countable else np.float64)
        kernels.sum_pairs(numbers, halved)
        scan = sample = None
        if countable:
            tables = unit.counts.get(place.c)
            if tables is None:
                values = np.iinfo(image.dtype).max + 1
                tables = unit.counts[place.c] = np.zeros(
                    (4 if pixels.size > MANY * values else 1, values), np.int32
                )
            kernels.count_values(tile, tables)
            fine, coarse = kernels.curvature_integers(tile), kernels.curvature_integers(halved)
        else:
            scan = kernels.scan_values(numbers)
            sample = numbers[::stride, ::stride].ravel()
            fine, coarse = kernels.curvature_floats(numbers), kernels.curvature_floats(halved)
        if taker.takes(place):
            taker.add(place, tile, halved)
        unit.tiles[place] = _Tile(kernels.digest(tile), scan, fine, coarse, sample)
    return unit


def _digest(image: Image, ordered: dict[Place, _Tile]) -> str:
    sizes = [
        (axis, size) for axis, size in zip(image.axes, image.shape, strict=True) if size > 1 or axis in "YX"
    ]
    digest = hashlib.sha256(repr((sizes, image.dtype.name)).encode())
    for tile in ordered.values():
        digest.update(tile.digest)
    return digest.hexdigest()


def _channel(image: Image, index: int, ordered: dict[Place, _Tile], counts: Array | None) -> ChannelFacts:
    own = [tile for place, tile in ordered.items() if place.c == index]
    limit = _limit(image)
    if counts is not None:
        moments, percentiles = kernels.describe_counts(counts, _PERCENTS)
        number, lowest, highest, mean, variance = moments.tolist()
        pixels, nans, infinities = int(number), 0, 0
        zeros, at_maximum = int(counts[0]), int(counts[int(highest)])
        at_limit = int(counts[int(limit) :].sum()) if limit is not None else 0
    else:
        scan = merge_scans([tile.scan for tile in own if tile.scan is not None])
        number, nans, infinities = scan.finite, scan.nans, scan.infinities
        pixels, zeros, at_maximum = number + nans + infinities, scan.zeros, scan.at_maximum
        lowest, highest, mean, variance = scan.lowest, scan.highest, scan.mean, scan.variance
        percentiles = _percentiles([tile.sample for tile in own if tile.sample is not None])
        at_limit = at_maximum if limit is not None and highest >= limit else 0
    noise, sharpness = _sharpness([tile.fine for tile in own], [tile.coarse for tile in own], variance)
    name = image.channels[index].name if index < len(image.channels) else ""
    share = 1.0 / number if number else 0.0
    return ChannelFacts(
        index,
        name,
        pixels,
        nans,
        infinities,
        lowest,
        highest,
        mean,
        variance,
        zeros * share,
        at_maximum * share,
        at_limit * share,
        tuple(percentiles.tolist()),
        noise,
        sharpness,
    )


def _limit(image: Image) -> float | None:
    if image.dtype.kind == "f":
        return None
    top = np.iinfo(image.dtype).max
    return float(min(top, 2**image.bits - 1) if image.bits else top)


class Scan(NamedTuple):
    """What :func:`~micrographia.checks.pixel_kernels.scan_values` found, summed over tiles."""

    finite: int
    nans: int
    infinities: int
    zeros: int
    lowest: float
    highest: float
    mean: float
    variance: float
    at_maximum: int
    fractional: int
    negative: int


def merge_scans(scans: list[Array]) -> Scan:
    """Return what tiles hold together, given what each holds; NaN where there is no finite value."""
    table = np.array(scans)
    number = table[:, 0]
    finite = int(number.sum())
    with_pixels = table[number > 0]
    if not finite:
        nan = math.nan
        return Scan(0, int(table[:, 1].sum()), int(table[:, 2].sum()), 0, nan, nan, nan, nan, 0, 0, 0)
    weights, means = with_pixels[:, 0], with_pixels[:, 6]
    mean = float((weights * means).sum() / finite)
    spread = float((with_pixels[:, 7] + weights * (means - mean) ** 2).sum())
    highest = float(with_pixels[:, 5].max())
    return Scan(
        finite,
        int(table[:, 1].sum()),
        int(table[:, 2].sum()),
        int(table[:, 3].sum()),
        float(with_pixels[:, 4].min()),
        highest,
        mean,
        spread / finite,
        int(with_pixels[with_pixels[:, 5] == highest, 8].sum()),
        int(table[:, 9].sum()),
        int(table[:, 10].sum()),
    )


def _percentiles(samples: list[Array]) -> Array:
    values = np.concatenate(samples)
    values = values[np.isfinite(values)]
    if not len(values):
        return np.full(len(_PERCENTS), np.nan)
    return np.percentile(values, _PERCENTS, method="inverted_cdf")


def _sharpness(
    fine: list[tuple[int, Any, Any]], coarse: list[tuple[int, Any, Any]], variance: float
) -> tuple[float | None, float | None]:
    """Return standard deviation of the noise, and sharpness.

    White noise of variance s gives the 4-neighbour Laplacian the variance 20 s, and 5 s after 2 x 2 pixels were
    averaged; structure that is smooth at this scale has 16 times as much there as before. Two measurements, two
    unknowns.
    """
    first, second = _variance(fine), _variance(coarse)
    if first is None or second is None or not math.isfinite(variance):
        return None, None
    second /= 16.0  # sums of four pixels, not means
    noise = max(0.0, (16.0 * first - second) / 315.0)
    structure = (64.0 * second - 16.0 * first) / 63.0
    contrast = variance - noise
    if structure <= 0.0 or contrast <= 1e-9 * max(variance, 1e-300):
        return math.sqrt(noise), None
    return math.sqrt(noise), structure / contrast


def _variance(parts: list[tuple[int, Any, Any]]) -> float | None:
    number = sum(part[0] for part in parts)
    if not number:
        return None
    mean = float(sum(part[1] for part in parts)) / number
    result = float(sum(part[2] for part in parts)) / number - mean * mean
    return result if math.isfinite(result) else None


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return list(value) if isinstance(value, tuple) else value
