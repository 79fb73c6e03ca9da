"""How many objects there are: exact from label images, and a declared proxy from pixels alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from micrographia.representation.baselines.fields import Array, Labels, Reading
from micrographia.representation.baselines.intensity import Levels
from micrographia.representation.baselines.kernels import pixels
from micrographia.representation.baselines.measured import Measured

SCALES = (2.0, 4.0, 8.0)
"""Standard deviations of the Laplacian of Gaussian, in pixels: blobs of radius 3, 6 and 11."""
PROMINENCE = 0.1
"""Least response of a blob, as a share of the range from the 1st to the 99th percentile."""
OTSU_BINS = 256
NUCLEAR = re.compile(r"dna|dapi|hoechst|draq|nuc|h2b|\bir-?193\b|ir191", re.IGNORECASE)
"""Names of channels that show nuclei."""

COUNT_NAMES = ("count", "count_per_megapixel", "foreground_share")


def exact_count(labels: Labels) -> Measured:
    """Return the number of objects, per million pixels (voxels), and the share of pixels inside objects.

    Objects are distinct labels other than 0, over all layers; a movie gives the mean of its time points.
    """
    from micrographia.annotations.masks import label_facts, objects_table

    objects, foreground, size, times = 0, 0, 0, 1
    for layer in labels.images:
        if layer.size("T") == 1:
            facts = label_facts(layer)
            objects += facts.labels
            foreground += facts.foreground
        else:
            table = objects_table(layer)
            objects += len(table)
            foreground += int(table["area"].sum())
        times = layer.size("T")
        size = times * layer.size("Z") * layer.size("Y") * layer.size("X")
    count = objects / times
    return Measured(COUNT_NAMES, np.array([count, objects / size * 1e6, foreground / size]))


def nuclear_channel(names: Sequence[str]) -> int | None:
    """Return the channel that shows nuclei by its name, or the only one; None if no name tells."""
    if len(names) == 1:
        return 0
    return next((at for at, name in enumerate(names) if NUCLEAR.search(name)), None)


def proxy_names() -> tuple[str, ...]:
    """Return the features of the density proxy."""
    return ("foreground_share", *(f"blobs_per_megapixel_s{scale:g}" for scale in SCALES))


def density_proxy(reading: Reading, channel: int, found: Levels) -> Measured:
    """Return a guess of how crowded an image is, without labels.

    The share of pixels on the bright side of Otsu's threshold (1979), and local maxima of the scale-normalised
    Laplacian of Gaussian (Lindeberg 1998) per million pixels at three scales. In a colour picture whose median is
    nearer to its 99th than to its 1st percentile (stain on a bright background), dark and bright change places.

    Parameters
    ----------
    reading, channel
        The pixels.
    found
        Their intensities.
    """
    names = proxy_names()
    if found.empty:
        return Measured(names, np.full(len(names), np.nan), ("no finite pixel to count blobs in",))
    low, high = found.span
    median = found.percentiles[3]
    inverted = reading.source.rgb and median - low > high - median
    counts = np.zeros(OTSU_BINS, np.int64)
    blobs = np.zeros(len(SCALES))
    size = 0
    for _, _, tile in reading.tiles(channel):
        size += tile.size
        if found.constant:
            continue
        pixels.count_bins(tile, *_extremes(found), counts)
        filled = np.where(np.isfinite(tile), tile, median)
        scaled = ((filled - median) / (high - low)).astype(np.float32)
        blobs += [_blobs(-scaled if inverted else scaled, scale) for scale in SCALES]
    values = np.concatenate([[np.nan], blobs / size * 1e6])
    if found.constant:
        return Measured(names, values, ("a constant image has no foreground",))
    from skimage.filters import threshold_otsu

    at = int(threshold_otsu(hist=(counts, np.arange(OTSU_BINS))))
    share = counts[at + 1 :].sum() / counts.sum()
    values[0] = 1 - share if inverted else share
    return Measured(names, values)


def _extremes(found: Levels) -> tuple[float, float]:
    return float(found.moments[pixels.LOW]), float(found.moments[pixels.HIGH])


def _blobs(tile: Array, scale: float) -> int:
    from scipy import ndimage

    # Second differences of the smoothed tile come near the analytic filter at these scales, at a third of its cost.
    response = -(scale**2) * ndimage.laplace(
        ndimage.gaussian_filter(tile, scale, mode="nearest", truncate=3.0), mode="nearest"
    )
    reach = 2 * round(scale) + 1
    peaks = (response == ndimage.maximum_filter(response, reach, mode="nearest")) & (response > PROMINENCE)
    # A flat top is one blob, however many pixels it has.
    return int(ndimage.label(peaks, np.ones((3, 3)))[1])
