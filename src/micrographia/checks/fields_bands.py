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


def find_strips(prints: Sequence[Prints], mirrored: bool, most: int) -> Iterator[Strip]:
    """Yield pairs that seem to share a strip along one side, at the depth that fits best.

    Parameters
    ----------
    prints
        Of images reduced by one factor.
    mirrored
        Reverse the lines of the second image, so that nothing can fit.
    most
        How many pairs at most; those that are most alike.
    """
    found: list[Strip] = []
    for first_side, second_side in _OPPOSITE:
        classes: dict[tuple[int, int], list[int]] = {}
        for at, one in enumerate(prints):
            band = one.bands[first_side]
            if band.shape[1]:
                length = one.shape[0 if first_side == "right" else 1]
                classes.setdefault((length, band.shape[1]), []).append(at)
        for members in classes.values():
            if len(members) > 1:
                own = [prints[at] for at in members]
                for alike, first, second, line in _within(own, first_side, second_side, mirrored, most):
                    y, x = _begin(own[first], first_side, line)
                    found.append(Strip(alike, members[first], members[second], y, x))
    yield from sorted(found, reverse=True)[:most]


def _within(
    prints: Sequence[Prints], first_side: str, second_side: str, mirrored: bool, most: int
) -> Iterator[tuple[float, int, int, int]]:
    """Yield how alike, two indices, and the line of each that is the other's outermost."""
    first = np.stack([one.bands[first_side] for one in prints])
    second = np.stack([one.bands[second_side] for one in prints])
    if mirrored:
        second = second[..., ::-1]
    best = np.zeros((4, 0))
    outer_first, outer_second = _unit(first[:, :, 0]), _unit(second[:, :, 0])
    for line in range(first.shape[2]):
        deep_first, deep_second = _unit(first[:, :, line]), _unit(second[:, :, line])
        for start in range(0, len(prints), BLOCK):
            rows = slice(start, start + BLOCK)
            alike = outer_first[rows] @ deep_second.T
            i, j = np.nonzero(alike >= ALIKE)
            both = np.minimum(alike[i, j], (deep_first[rows][i] * outer_second[j]).sum(axis=1))
            kept = (both >= ALIKE) & (i + start != j)
            part = np.stack([both[kept], i[kept] + start, j[kept], np.full(kept.sum(), line)])
            best = np.concatenate([best, part], axis=1)
            if best.shape[1] > 4 * most + 100_000:
                best = _best(best, most)
    for alike_, i_, j_, line_ in _best(best, most).T.tolist():
        yield alike_, int(i_), int(j_), int(line_)


def _best(found: Array, most: int) -> Array:
    """Return the columns (alike, first, second, line) that are the best of their pair, and of those the first few."""
    alike, first, second, line = found
    order = np.lexsort((line, second, first, -alike))
    found = found[:, order]
    _, once = np.unique(found[1:3], axis=1, return_index=True)
    return found[:, np.sort(once)[:most]]


def _begin(one: Prints, side: str, line: int) -> tuple[int, int]:
    """Return where the second image begins in the first, if its outermost line is this one of the first's."""
    along = one.shape[1 if side == "right" else 0]
    begin = along - (line + 1) * one.factor
    return (0, begin) if side == "right" else (begin, 0)


def _unit(lines: Array) -> Array:
    """Return lines (image, channel, part) as float32 rows of length 1; constant channels are 0."""
    floats = lines.astype(np.float32)
    floats = floats - floats.mean(axis=-1, keepdims=True)
    length = np.sqrt((floats * floats).sum(axis=-1, keepdims=True))
    known = length > 0
    weights = np.sqrt(np.maximum(1, known.sum(axis=1, keepdims=True)))
    scaled = np.where(known, floats / np.where(known, length, 1.0), 0.0) / weights
    return scaled.reshape(len(lines), -1 if lines.shape[1] else BAND_SAMPLES)
