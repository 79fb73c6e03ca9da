"""Find tiles that overlap by a strip along one side: the outermost line of each lies as deep inside the other.

Works on the coarse bands beside the sides of an image; what seems to overlap is tried on the pixels by
:mod:`micrographia.checks.fields_overlap`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from micrographia.checks.pixel_facts_prints import BAND_SAMPLES, Prints

Array = npt.NDArray[Any]

BLOCK = 1024
ALIKE = 0.9
"""Correlation of each outermost line with the line that it should be, in the other image."""
_OPPOSITE = (("right", "left"), ("bottom", "top"))


class Strip(NamedTuple):
    """Two images that seem to share a strip: indices, how alike, and where the second begins in the first (pixels)."""

    alike: float
    first: int
    second: int
    y: int
    x: int


def find_strips(prints: Sequence[Prints], mirrored: bool) -> Iterator[Strip]:
    """Yield pairs that seem to share a strip along one side, at the depth that fits best.

    Parameters
    ----------
    prints
        Of images reduced by one factor.
    mirrored
        Reverse the lines of the second image, so that nothing can fit.
    """
    for first_side, second_side in _OPPOSITE:
        classes: dict[tuple[int, int], list[int]] = {}
        for at, one in enumerate(prints):
            band = one.bands[first_side]
            if band.shape[1]:
                length = one.shape[0 if first_side == "right" else 1]
                classes.setdefault((length, band.shape[1]), []).append(at)
        for members in classes.values():
            if len(members) > 1:
                yield from _within([prints[at] for at in members], members, first_side, second_side, mirrored)


def _within(
    prints: Sequence[Prints], members: Sequence[int], first_side: str, second_side: str, mirrored: bool
) -> Iterator[Strip]:
    first = np.stack([one.bands[first_side] for one in prints])
    second = np.stack([one.bands[second_side] for one in prints])
    if mirrored:
        second = second[..., ::-1]
    best: dict[tuple[int, int], tuple[float, int]] = {}
    outer_first, outer_second = _unit(first[:, :, 0]), _unit(second[:, :, 0])
    for line in range(first.shape[2]):
        deep_first, deep_second = _unit(first[:, :, line]), _unit(second[:, :, line])
        for start in range(0, len(prints), BLOCK):
            rows = slice(start, start + BLOCK)
            alike = outer_first[rows] @ deep_second.T
            i, j = np.nonzero(alike >= ALIKE)
            both = np.minimum(alike[i, j], (deep_first[rows][i] * outer_second[j]).sum(axis=1))
            for at in np.flatnonzero((both >= ALIKE) & (i + start != j)):
                key = (int(i[at]) + start, int(j[at]))
                best[key] = max(best.get(key, (-1.0, 0)), (float(both[at]), line))
    for (here, there), (highest, line) in best.items():
        one = prints[here]
        along = one.shape[1 if first_side == "right" else 0]
        begin = along - (line + 1) * one.factor
        y, x = (0, begin) if first_side == "right" else (begin, 0)
        yield Strip(highest, members[here], members[there], y, x)


def _unit(lines: Array) -> Array:
    """Return lines (image, channel, part) as float32 rows of length 1; constant channels are 0."""
    floats = lines.astype(np.float32)
    floats = floats - floats.mean(axis=-1, keepdims=True)
    length = np.sqrt((floats * floats).sum(axis=-1, keepdims=True))
    known = length > 0
    weights = np.sqrt(np.maximum(1, known.sum(axis=1, keepdims=True)))
    scaled = np.where(known, floats / np.where(known, length, 1.0), 0.0) / weights
    return scaled.reshape(len(lines), -1 if lines.shape[1] else BAND_SAMPLES)
