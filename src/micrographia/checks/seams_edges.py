"""Compare the edges of many images with each other: correlation by matrix products, then a closer look at a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.checks.pixel_facts_prints import DEPTH, Prints

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK = 1024
"""Edges that are compared with all others at once."""
_AT_ONCE = 4096
"""Pairs that are looked at closely at once."""
PROMISING = 0.85
"""Correlation of smoothed edges from which a pair is looked at closely."""
_SLACK = 0.03
"""By how much smoothing may lower a correlation."""
_SMOOTHING = 2.0
_FLAT = 0.9
"""An edge of which a larger part has one value is not compared: padding, saturation, darkness."""
_CENTRED = 0.6
"""Least correlation of what is left without the mean edge of all images: uneven light is common to all."""
_MANY = 20
"""Images from which the mean edge is known well enough to be taken away."""

RESIDUAL, STEP = 1.5, 1.5
"""How much larger than inside the tiles the residual and the step across a seam may be."""
GAP_RESIDUAL = 1.3
RESCALED = 0.98
"""Least correlation where the brightness jumps."""
SHARED = 0.98
"""Least correlation of lines that both tiles hold."""
SHARED_RESIDUAL, SHARED_RESIDUAL_ONE = 0.7, 0.3
"""Largest residual of such lines; smaller where it is the outermost line itself, which touching tiles have too."""

TOUCHING, SMOOTHED, SCALED, GAP, OVERLAP, NOTHING = range(6)


@dataclass(frozen=True)
class Edges:
    """One side of many images with edges of one length.

    Parameters
    ----------
    side
        Which.
    names
        Image ids.
    prints
        Their prints.
    unit
        float32 (image, channel x pixel): the outermost line of each channel, smoothed, without mean, all channels
        together of length 1; 0 where it is of no use.
    centred
        The same without the mean line of all images; None if there are too few.
    flip
        Whether lines run backwards.
    """

    side: str
    names: Sequence[str]
    prints: Sequence[Prints]
    unit: Array
    centred: Array | None
    flip: bool = False

    def reversed(self) -> Edges:
        """Return the same edges, pixels in opposite order."""
        shape = (len(self.names), -1, self.prints[0].edges[self.side].shape[-1])

        def turned(lines: Array) -> Array:
            return np.ascontiguousarray(lines.reshape(shape)[..., ::-1]).reshape(len(self.names), -1)

        centred = None if self.centred is None else turned(self.centred)
        return replace(self, unit=turned(self.unit), centred=centred, flip=not self.flip)

    def lines(self, which: Ints) -> Floats:
        """Return the lines of some images, (image, channel, line, pixel)."""
        found = np.stack([self.prints[at].edges[self.side] for at in which]).astype(np.float64)
        return found[..., ::-1] if self.flip else found


@dataclass(frozen=True)
class Judged:
    """Pairs of edges, one entry each.

    Parameters
    ----------
    first, second
        Index of the image on either side.
    r
        Correlation that counts: of the outermost lines, of these smoothed, or of lines that both hold.
    plain
        Correlation of the outermost lines.
    residual, step
        What is left of one line after a straight line in the other was fitted, and the root mean squared difference
        of the two; each over the same between lines inside the tiles at the same distance.
    offset
        Pixels between the edges (gap), or that both tiles hold (overlap).
    mode
        ``TOUCHING``, ``SMOOTHED``, ``SCALED``, ``GAP``, ``OVERLAP``, or ``NOTHING``.
    """

    first: Ints
    second: Ints
    r: Floats
    plain: Floats
    residual: Floats
    step: Floats
    offset: Ints
    mode: Ints

    @staticmethod
    def joined(parts: Sequence[Judged]) -> Judged:
        """Return all entries of several."""
        if not parts:
            none, nothing = np.zeros(0, np.int64), np.zeros(0)
            return Judged(none, none, nothing, nothing, nothing, nothing, none, none)
        return Judged(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Judged)))

    def mutual(self) -> Judged:
        """Return the same with mode ``NOTHING`` where either edge fits another one better."""
        counts = self.mode != NOTHING
        mode = self.mode.copy()
        for side in (self.first, self.second):
            best = np.full(int(side.max(initial=-1)) + 1, -1.0)
            np.maximum.at(best, side[counts], self.r[counts])
            mode[counts & (self.r < best[side])] = NOTHING
        return replace(self, mode=mode)

    def settle(
        self, fits: Array, how: int, r: Floats, residual: Floats, step: Floats, offset: int = 0
    ) -> None:
        """Enter how some pairs fit; what was entered before is replaced."""
        self.mode[fits], self.offset[fits] = how, offset
        self.r[fits], self.residual[fits], self.step[fits] = r[fits], residual[fits], step[fits]

    def where(self, kept: Array) -> Judged:
        """Return some of the entries."""
        return Judged(*(getattr(self, f.name)[kept] for f in fields(Judged)))


def edges_of(side: str, names: Sequence[str], prints: Sequence[Prints]) -> Edges:
    """Return one side of some images, ready to be compared."""
    outer = np.stack([one.edges[side][:, 0] for one in prints]).astype(np.float32)
    useful = np.array([[_useful(line) for line in lines] for lines in outer])
    even = _smooth(outer)
    unit = _unit(even, useful)
    centred = None
    if len(names) >= _MANY:
        centred = _unit(even - even.mean(axis=0, keepdims=True), useful)
    return Edges(side, names, prints, unit, centred)


def candidates(a: Edges, b: Edges, rows: slice) -> tuple[Ints, Ints, Floats]:
    """Return pairs of images whose smoothed edges are alike, some rows of ``a`` against all of ``b``, and how alike.

    An image is never paired with itself, and pairs of one side with itself come once.
    """
    alike = a.unit[rows] @ b.unit.T
    promising = alike >= PROMISING
    if a.centred is not None and b.centred is not None:
        promising &= a.centred[rows] @ b.centred.T >= _CENTRED
    i, j = np.nonzero(promising)
    kept = j > i + rows.start if a.side == b.side else j != i + rows.start
    i, j = i[kept].astype(np.int64), j[kept].astype(np.int64)
    return i + rows.start, j, alike[i, j].astype(np.float64)


def judge(a: Edges, b: Edges, i: Ints, j: Ints, alike: Floats, least: float) -> Judged:
    """Look closely at pairs of edges: at those whose correlation may reach ``least``, or that may share a few lines."""
    parts = []
    for at in range(0, len(i), _AT_ONCE):
        here = slice(at, at + _AT_ONCE)
        one, other = i[here], j[here]
        worth = alike[here] >= least - _SLACK
        worth[~worth] = _share(a, b, one[~worth], other[~worth])
        if worth.any():
            parts.append(_judge(a, b, one[worth], other[worth], least))
    return Judged.joined(parts)


def _share(a: Edges, b: Edges, i: Ints, j: Ints) -> npt.NDArray[np.bool_]:
    """Tell which pairs may share lines: the outermost of the first is nearly a deeper one of the second."""
    if not len(i):
        return np.zeros(0, np.bool_)
    outer, second = a.lines(i)[:, :, 0], b.lines(j)
    alike = [_correlation(outer, second[:, :, line]) for line in range(1, DEPTH)]
    return np.asarray(np.max(alike, axis=0) >= SHARED)


def _judge(a: Edges, b: Edges, i: Ints, j: Ints, least: float) -> Judged:
    first, second = a.lines(i), b.lines(j)
    plain = _correlation(first[:, :, 0], second[:, :, 0])
    found = Judged(
        i,
        j,
        plain.copy(),
        plain,
        np.ones(len(i)),
        np.ones(len(i)),
        np.zeros(len(i), np.int64),
        np.full(len(i), NOTHING),
    )
    for gap in range(DEPTH - 2, 0, -1):
        residual, step = _continuity(first, second, gap + 1)
        found.settle((residual <= GAP_RESIDUAL) & (step <= GAP_RESIDUAL), GAP, plain, residual, step, gap)
    residual, step = _continuity(first, second)
    close = residual <= RESIDUAL
    found.settle(close & (plain >= RESCALED), SCALED, plain, residual, step)
    even_first, even_second = _smooth(first[:, :, :2]), _smooth(second[:, :, :2])
    even = _correlation(even_first[:, :, 0], even_second[:, :, 0])
    even_residual, even_step = _continuity(even_first, even_second)
    fits = (even >= least) & (even_residual <= RESIDUAL) & (even_step <= STEP)
    found.settle(fits, SMOOTHED, even, even_residual, even_step)
    found.settle(close & (step <= STEP) & (plain >= least), TOUCHING, plain, residual, step)
    inside = np.mean([1 - _correlation(x[:, :, 0], x[:, :, 1]) ** 2 for x in (first, second)], axis=0)
    for line in range(DEPTH):
        shared = np.minimum(
            _correlation(first[:, :, 0], second[:, :, line]), _correlation(first[:, :, line], second[:, :, 0])
        )
        left = np.sqrt((1 - shared**2) / np.maximum(inside, 1e-9))
        fits = (shared >= SHARED) & (left <= (SHARED_RESIDUAL if line else SHARED_RESIDUAL_ONE))
        fits &= (shared > found.r) | (line == 0)
        found.settle(fits, OVERLAP, shared, left, found.step, line + 1)
    return found


def _continuity(first: Floats, second: Floats, lag: int = 1) -> tuple[Floats, Floats]:
    """Return residual and step between the outermost lines, over those between lines ``lag`` apart inside the tiles."""
    r = _correlation(first[:, :, 0], second[:, :, 0])
    across = _distance(first[:, :, 0], second[:, :, 0])
    inside = [_correlation(lines[:, :, 0], lines[:, :, lag]) for lines in (first, second)]
    moved = [_distance(lines[:, :, 0], lines[:, :, lag]) ** 2 for lines in (first, second)]
    left = np.mean([1 - value**2 for value in inside], axis=0)
    residual = np.sqrt((1 - r**2) / np.maximum(left, 1e-9))
    return residual, across / np.sqrt(np.maximum(np.mean(moved, axis=0), 1e-9))


def _smooth(lines: Array) -> Array:
    """Return lines with their noise smoothed along the last axis, by a Gaussian of 2 pixels."""
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter1d(lines, _SMOOTHING, axis=-1, mode="nearest"))


def _useful(line: Array) -> bool:
    _, counts = np.unique(line, return_counts=True)
    return bool(np.isfinite(line).all() and counts.max() <= _FLAT * len(line))


def _unit(lines: Array, useful: Array) -> Array:
    """Return lines (image, channel, pixel) without mean, each channel scaled to one length, an image's to length 1."""
    moved = lines - lines.mean(axis=-1, keepdims=True, dtype=np.float64)
    length = np.sqrt((moved.astype(np.float64) ** 2).sum(axis=-1, keepdims=True))
    known = useful[..., None] & (length > 0)
    scaled = np.where(known, moved / np.where(known, length, 1.0), 0.0)
    weights = np.maximum(1, known.sum(axis=1, keepdims=True))
    return (scaled / np.sqrt(weights)).reshape(len(lines), -1).astype(np.float32)


def _correlation(first: Floats, second: Floats) -> Floats:
    """Return the correlation of lines (pair, channel, pixel), the mean over channels that are not constant."""
    x = first - first.mean(axis=-1, keepdims=True)
    y = second - second.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    known = scale > 0
    each = np.where(known, (x * y).sum(axis=-1) / np.where(known, scale, 1.0), 0.0)
    return np.clip(each.sum(axis=1) / np.maximum(1, known.sum(axis=1)), -1.0, 1.0)


def _distance(first: Floats, second: Floats) -> Floats:
    return np.sqrt(((first - second) ** 2).mean(axis=(1, 2)))
