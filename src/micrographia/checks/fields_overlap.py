"""Find crops of one field: images that show a part of the same place, shifted against each other.

Anchors of two images that look alike vote for the shift between the images; lines beside the edges that are found
inside the other image propose one too. Such a shift is tried on the pixels themselves. The same is done with one
image mirrored, which cannot fit: how often it does is how often chance would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.checks import pixel_kernels_places as kernels
from micrographia.checks.fields_bands import find_strips
from micrographia.checks.fields_links import Kind, Link, least_of
from micrographia.checks.fields_planes import Planes, correlation, details
from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.checks.pixel_facts_prints import ANCHOR_RADIUS, Prints

Array = npt.NDArray[Any]

BLOCK, COLUMNS = 32, 512
"""Images whose anchors are compared at once, with those of how many others."""
ALIKE = 0.95
"""Correlation of two anchors that vote."""
SAMPLE, COMMON, FEW = 4096, 0.01, 4
"""An anchor that looks like more than this share of a sample, and more than a few, is of no use."""
VOTES = 3
"""Votes for one shift that make it worth a try."""
SAME = 0.9
"""Least correlation of the pixels that both images hold."""
SAME_DETAILS = 0.6
"""The same for what is left without the smooth parts."""
LEAST_SIDE, LEAST_AREA = 12, 1024
"""Smallest common part, in pixels."""
MOST = 10
"""Shifts that are tried on the pixels, per image; the most promising first."""
FEWEST_TRIED = 200
"""Shifts that are tried before it is asked whether more are worth it."""
_GRID = (SAME, 0.92, 0.94, 0.96, 0.98, 0.99, 0.995, 0.999)


@dataclass(frozen=True)
class Overlaps:
    """Links of kind ``overlap``, with the null.

    Parameters
    ----------
    links
        One a pair.
    threshold
        Least correlation, after calibration against the null; infinite if nothing was better than chance.
    tried, null_tried, null
        Shifts that were tried on the pixels; the same with one image mirrored, and how many of those fitted.
    passed_over
        Shifts that were not tried because there were too many.
    """

    links: tuple[Link, ...]
    threshold: float = SAME
    tried: int = 0
    null_tried: int = 0
    null: int = 0
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class _Shift:
    alike: float
    first: str
    second: str
    y: int
    x: int
    reach: int

    @property
    def pair(self) -> tuple[str, str]:
        return (self.first, self.second) if self.first < self.second else (self.second, self.first)


def find_overlaps(
    images: Mapping[str, ImageFacts], planes: Planes, skip: Collection[tuple[str, str]] = ()
) -> Overlaps:
    """Find pairs of images that show a part of the same place.

    Parameters
    ----------
    images
        Image id to facts.
    planes
        Fetches the pixels of an image; called for pairs that seem to overlap.
    skip
        Sorted pairs of ids that are left out.
    """
    left_out = set(skip)
    real: list[Link] = []
    null: list[Link] = []
    tried = null_tried = passed_over = 0
    for names in _classes(images):
        prints = [p for name in names if (p := images[name].prints) is not None]
        shifts, others = (
            [one for one in _proposed(names, prints, mirrored) if one.pair not in left_out]
            for mirrored in (False, True)
        )
        batch = max(FEWEST_TRIED, len(names))
        for start in range(0, min(len(shifts), MOST * len(names)), batch):
            part, chance = shifts[start : start + batch], others[start : start + batch]
            found = [link for one in part if (link := _tried(one, planes, False)) is not None]
            lucky = [link for one in chance if (link := _tried(one, planes, True)) is not None]
            real, null = real + found, null + lucky
            tried, null_tried = tried + len(part), null_tried + len(chance)
            if len(found) <= 2 * len(lucky) or not found:
                break  # what is less promising fits no more often than chance does
        passed_over += max(0, len(shifts) - MOST * len(names))
    weight = tried / null_tried if null_tried else 1.0
    scores = [np.array([_r(link) for link in links]) for links in (real, null)]
    least = least_of(scores[0], scores[1], weight, _GRID)
    best: dict[tuple[str, str], Link] = {}
    for link in real:
        if _r(link) >= least and (link.pair not in best or _r(link) > _r(best[link.pair])):
            best[link.pair] = link
    by_chance = sum(_r(link) >= least for link in null)
    return Overlaps(tuple(best.values()), least, tried, null_tried, by_chance, passed_over)


def _r(link: Link) -> float:
    return float(link.evidence["correlation"])


def _classes(images: Mapping[str, ImageFacts]) -> Iterator[list[str]]:
    classes: dict[tuple[bool, int, int], list[str]] = {}
    for name, facts in sorted(images.items()):
        if facts.prints is not None:
            key = (facts.rgb, len(facts.prints.thumbnail), facts.prints.factor)
            classes.setdefault(key, []).append(name)
    yield from (names for names in classes.values() if len(names) > 1)


def _proposed(names: Sequence[str], prints: Sequence[Prints], mirrored: bool) -> list[_Shift]:
    """Return the shifts that are worth a try, the most promising first; no more than can be tried."""
    found: list[_Shift] = []
    most = MOST * len(names)
    sources: list[Iterator[tuple[float, int, int, int, int]]] = [
        _voted(prints, mirrored),
        find_strips(prints, mirrored, most),
    ]
    for source in sources:
        for alike, a, b, y, x in source:
            reach = 2 * prints[a].factor
            found.append(_Shift(alike, names[a], names[b], y, x, reach))
            if len(found) > 4 * most + 1000:
                found = _first(found, most)
    return _first(found, most)


def _first(shifts: list[_Shift], most: int) -> list[_Shift]:
    return sorted(shifts, key=lambda one: (-one.alike, one.first, one.second, one.y, one.x))[:most]


def _voted(prints: Sequence[Prints], mirrored: bool) -> Iterator[tuple[float, int, int, int, int]]:
    """Yield the shift that the anchors of each pair agree on best, where enough do; see :class:`Strip`."""
    owners = np.concatenate([np.full(len(one.places), at) for at, one in enumerate(prints)])
    places = np.concatenate([one.places for one in prints]).astype(np.int64)
    described = np.concatenate([one.descriptions for one in prints]).astype(np.float32)
    rare = _rare(described)
    owners, places, described = owners[rare], places[rare], described[rare]
    other, theirs = described, places
    if mirrored:
        side = 2 * ANCHOR_RADIUS + 1
        other = described.reshape(-1, side, side)[:, :, ::-1].reshape(len(described), -1)
        widths = np.array([one.shape[1] for one in prints])[owners]
        theirs = np.stack([places[:, 0], widths - 1 - places[:, 1]], axis=1)
    starts = np.searchsorted(owners, np.arange(0, len(prints) + 1))
    near = 2 * prints[0].factor
    for first in range(0, len(prints), BLOCK):
        rows = slice(starts[first], starts[min(first + BLOCK, len(prints))])
        for second in range(first, len(prints), COLUMNS):
            columns = slice(starts[second], starts[min(second + COLUMNS, len(prints))])
            i, j = np.nonzero(described[rows] @ other[columns].T >= ALIKE)
            i, j = i + rows.start, j + columns.start
            kept = owners[j] > owners[i]
            i, j = i[kept], j[kept]
            pairs = owners[i].astype(np.int64) * len(prints) + owners[j]
            order = np.argsort(pairs, kind="stable")
            shifts = places[i] - theirs[j]
            for pair, votes, y, x in kernels.agree(pairs[order], shifts[order], near, VOTES).tolist():
                a, b = divmod(pair, len(prints))
                yield 1 - 0.5**votes, a, b, y, x


def _rare(described: Array) -> Array:
    """Tell which anchors look like few others: a round blob on an even ground says nothing about the place."""
    step = max(1, len(described) // SAMPLE)
    sample = described[::step]
    alike = np.concatenate(
        [
            (described[at : at + SAMPLE] @ sample.T >= ALIKE).sum(axis=1)
            for at in range(0, len(described), SAMPLE)
        ]
        or [np.zeros(0, np.int64)]
    )
    return np.asarray(alike <= max(FEW, COMMON * len(sample)))


def _tried(shift: _Shift, planes: Planes, mirrored: bool) -> Link | None:
    one, other = planes(shift.first), planes(shift.second)
    if mirrored:
        other = np.ascontiguousarray(other[:, :, ::-1])
    found = best_shift(one, other, shift.y, shift.x, shift.reach)
    if found is None:
        return None
    y, x, r = found
    if r < SAME:
        return None
    a, b = common(one, other, y, x)
    fine = correlation(details(a), details(b))
    if fine < SAME_DETAILS:
        return None
    evidence = {
        "correlation": round(r, 4),
        "correlation_of_details": round(fine, 4),
        "shift": [y, x],
        "common": [int(a.shape[1]), int(a.shape[2])],
    }
    return Link(Kind.OVERLAP, shift.first, shift.second, evidence)


def best_shift(one: Array, other: Array, y: int, x: int, reach: int) -> tuple[int, int, float] | None:
    """Return the shift near (y, x) at which the common parts of two planes correlate best; None if there is none.

    The search is first over every second pixel, then around the best of those.
    """
    best: tuple[int, int, float] | None = None
    tried: set[tuple[int, int]] = set()
    for steps in (range(-reach, reach + 1, 2), range(-1, 2)):
        cy, cx = (y, x) if best is None else best[:2]
        for dy in steps:
            for dx in steps:
                at = (cy + dy, cx + dx)
                if at in tried:
                    continue
                tried.add(at)
                rows, columns = common(one, other, *at)[0].shape[1:]
                if min(rows, columns) < LEAST_SIDE or rows * columns < LEAST_AREA:
                    continue
                r = correlation(one, other, *at)
                if best is None or r > best[2]:
                    best = (*at, r)
        if best is None:
            return None
    return best


def common(one: Array, other: Array, y: int, x: int) -> tuple[Array, Array]:
    """Return the parts of two planes (channel, Y, X) that overlap when the second lies at (y, x) of the first."""
    height, width = one.shape[1:]
    rows, columns = other.shape[1:]
    top, left = max(0, y), max(0, x)
    bottom, right = max(top, min(height, y + rows)), max(left, min(width, x + columns))
    return one[:, top:bottom, left:right], other[:, top - y : bottom - y, left - x : right - x]
