"""Texture of each channel, blind to brightness and contrast: co-occurrence of grey levels and local binary patterns."""

from __future__ import annotations

from functools import cache

import numpy as np

from micrographia.representation.baselines.fields import Array, Reading
from micrographia.representation.baselines.intensity import Levels
from micrographia.representation.baselines.kernels import texture as kernels
from micrographia.representation.baselines.measured import Measured, joined

LEVELS = 32
DISTANCES = (1, 2, 4)
"""Scales: pixels along the axes between the two of a pair."""
CIRCLES = ((8, 1), (16, 2))
"""Points and radius in pixels of the local binary patterns."""
HARALICK = (
    "angular_second_moment",
    "contrast",
    "correlation",
    "variance",
    "inverse_difference_moment",
    "sum_average",
    "sum_variance",
    "sum_entropy",
    "entropy",
    "difference_variance",
    "difference_entropy",
    "information_correlation_1",
    "information_correlation_2",
)


def haralick(counts: Array) -> Array:
    """Return the 13 features of Haralick, Shanmugam & Dinstein (1973) of co-occurrence matrices.

    Three points on which texts differ: levels count from 0; the variance of the sum is taken about the sum average
    (the original subtracts the sum entropy, by a misprint); the difference variance is that of the distribution of
    differences. Entropies are in bits, the second information measure in nats, so that it stays below 1.

    Parameters
    ----------
    counts
        ``(..., levels, levels)``, symmetric, not negative.

    Returns
    -------
    ndarray
        ``(..., 13)`` as ``HARALICK``; all NaN without pairs; correlation and the information measures are NaN where
        only one level occurs.
    """
    counts = np.asarray(counts, np.float64)
    shape, size = counts.shape[:-2], counts.shape[-1]
    flat = counts.reshape(-1, size, size)
    out = np.full((len(flat), 13), np.nan)
    totals = flat.sum(axis=(1, 2))
    seen = totals > 0
    if not seen.any():
        return out.reshape(*shape, 13)
    p = flat[seen] / totals[seen, None, None]
    level = np.arange(size, dtype=np.float64)
    side = p.sum(axis=2)
    mean = side @ level
    variance = ((level - mean[:, None]) ** 2 * side).sum(axis=1)
    difference = np.abs(level[:, None] - level).astype(int)
    total = (level[:, None] + level).astype(int)
    sums, gaps = np.zeros((len(p), 2 * size - 1)), np.zeros((len(p), size))
    for at in range(len(p)):
        sums[at] = np.bincount(total.ravel(), p[at].ravel(), 2 * size - 1)
        gaps[at] = np.bincount(difference.ravel(), p[at].ravel(), size)
    both = np.arange(2 * size - 1, dtype=np.float64)
    average = sums @ both
    apart = gaps @ level
    entropy = _bits(p.reshape(len(p), -1))
    alone = _bits(side)
    # Of the product of the two margins, both ways of pairing give the entropy of one margin twice: it is symmetric.
    excess = entropy - 2 * alone
    several = np.count_nonzero(side, axis=1) > 1
    found = np.full((len(p), 13), np.nan)
    found[:, 0] = (p**2).sum(axis=(1, 2))
    found[:, 1] = gaps @ level**2
    covariance = np.einsum("nij,i,j->n", p, level, level) - mean**2
    found[several, 2] = covariance[several] / variance[several]
    found[:, 3] = variance
    found[:, 4] = gaps @ (1 / (1 + level**2))
    found[:, 5] = average
    found[:, 6] = ((both - average[:, None]) ** 2 * sums).sum(axis=1)
    found[:, 7] = _bits(sums)
    found[:, 8] = entropy
    found[:, 9] = ((level - apart[:, None]) ** 2 * gaps).sum(axis=1)
    found[:, 10] = _bits(gaps)
    found[several, 11] = excess[several] / alone[several]
    nats = np.minimum(2 * np.log(2) * excess, 0)
    found[several, 12] = np.sqrt(1 - np.exp(nats))[several]
    out[seen] = found
    return out.reshape(*shape, 13)


def _bits(p: Array) -> Array:
    safe = np.where(p > 0, p, 1.0)
    return np.abs((p * np.log2(safe)).sum(axis=1))


def circle(points: int, radius: float) -> Array:
    """Return Y and X of points on a circle, the first to the right, counter-clockwise; (points, 2)."""
    angles = 2 * np.pi * np.arange(points) / points
    return np.round(np.stack([-radius * np.sin(angles), radius * np.cos(angles)], axis=1), 5)


@cache
def uniform_kinds(points: int) -> Array:
    """Return the kind of each pattern of bits: how many are set if they are one arc, else ``points + 1``; uint8."""
    patterns = np.arange(1 << points)
    bits = (patterns[:, None] >> np.arange(points)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), points + 1).astype(np.uint8)


def texture(reading: Reading, channel: int, found: Levels, name: str) -> Measured:
    """Return the texture of a channel.

    Grey levels are ``LEVELS`` equal steps between its 1st and 99th percentile. Haralick features are given as mean and
    range over four directions, as their authors propose, at each distance; local binary patterns as shares.
    """
    pairs = np.zeros((len(DISTANCES), 4, LEVELS, LEVELS), np.int64)
    patterns = [np.zeros(points + 2, np.int64) for points, _ in CIRCLES]
    distances = np.array(DISTANCES)
    if not found.empty:
        for _, _, tile in reading.tiles(channel):
            _count(tile, found.span, distances, pairs, patterns)
    return joined([_haralick(pairs, name), *_patterns(patterns, name)])


def _count(
    tile: Array, span: tuple[float, float], distances: Array, pairs: Array, patterns: list[Array]
) -> None:
    quantised = np.empty(tile.shape, np.uint8)
    kernels.levels_of(tile, *span, LEVELS, quantised)
    part = np.zeros_like(pairs)
    kernels.cooccurrence(quantised, distances, part)
    pairs += part
    for (points, radius), counts in zip(CIRCLES, patterns, strict=True):
        kernels.binary_patterns(tile, circle(points, radius), radius, uniform_kinds(points), counts)


def _haralick(pairs: Array, name: str) -> Measured:
    found = haralick(pairs)
    names, values = [], []
    for distance, of in zip(DISTANCES, found, strict=True):
        names += [
            f"{name}_{feature}_{kind}_d{distance}" for kind in ("mean", "range") for feature in HARALICK
        ]
        values += [of.mean(axis=0), of.max(axis=0) - of.min(axis=0)]
    flat = np.concatenate(values)
    reasons = []
    if np.isnan(flat).any():
        lacking = pairs.sum(axis=(1, 2, 3)) == 0
        if lacking.any():
            reasons.append(
                f"channel {name} has no two finite pixels {DISTANCES[int(lacking.argmax())]} apart"
            )
        else:
            reasons.append(f"channel {name} has a single grey level")
    return Measured(tuple(names), flat, tuple(reasons))


def _patterns(patterns: list[Array], name: str) -> list[Measured]:
    parts = []
    for (points, radius), counts in zip(CIRCLES, patterns, strict=True):
        names = tuple(f"{name}_lbp_p{points}_r{radius}_{at}" for at in range(points + 2))
        total = counts.sum()
        if total:
            parts.append(Measured(names, counts / total))
        else:
            reason = f"channel {name} has no finite pixels {radius} from its edge"
            parts.append(Measured(names, np.full(len(names), np.nan), (reason,)))
    return parts
