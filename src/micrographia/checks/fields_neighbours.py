"""Find neighbouring slices of a stack, or time points of a movie, that are listed as separate images.

They show the same place, slightly changed: correlated over the whole plane at next to no shift, in coarse and in fine
structure. The same is done with one image mirrored or turned by half, which keeps everything but the place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from micrographia.checks.duplicates import vectors
from micrographia.checks.fields_links import Kind, Link
from micrographia.checks.fields_planes import Array, Planes, correlation, details, halved
from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.checks.pixel_facts_prints import dihedral

BLOCK = 1024
PROMISING = 0.7
"""Correlation of thumbnails from which a pair is compared in full."""
ALIKE = 0.7
"""Least correlation of the planes."""
DETAILS = 0.35
"""The same for what is left without the smooth parts."""
MARGIN = 0.2
"""By how much the correlation of details must exceed that of any mirrored or half-turned pair."""
REACH = 3
"""Largest shift, in pixels of the halved planes."""
MOST = 20
_MANY = 20
_NULL_TURNS = (2, 4, 6)


@dataclass(frozen=True)
class Neighbours:
    """Links of kind ``neighbour``, with the null.

    Parameters
    ----------
    links
        One a pair.
    tried, null
        Pairs that were compared in full, and how many of them would have counted with one image mirrored or turned by
        half (three ways each).
    passed_over
        Pairs that were alike but not compared because there were too many.
    """

    links: tuple[Link, ...]
    tried: int = 0
    null: int = 0
    passed_over: int = 0


def find_neighbours(
    images: Mapping[str, ImageFacts], planes: Planes, skip: Collection[tuple[str, str]] = ()
) -> Neighbours:
    """Find pairs of images that show the same place, slightly changed.

    Parameters
    ----------
    images
        Image id to facts; only images of one size are compared.
    planes
        Fetches the pixels of an image; called for pairs whose thumbnails are alike.
    skip
        Sorted pairs of ids that are left out.
    """
    left_out = set(skip)
    links: list[Link] = []
    tried = null = passed_over = 0
    for names in _classes(images):
        found = [(r, a, b) for r, a, b in _alike(images, names) if _pair(names[a], names[b]) not in left_out]
        found.sort(key=lambda one: (-one[0], one[1], one[2]))
        passed_over += max(0, len(found) - MOST * len(names))
        for _, a, b in found[: MOST * len(names)]:
            tried += 1
            link, chance = _compared(names[a], names[b], planes)
            null += chance
            if link is not None:
                links.append(link)
    return Neighbours(tuple(links), tried, null, passed_over)


def _classes(images: Mapping[str, ImageFacts]) -> Iterator[list[str]]:
    classes: dict[tuple[object, ...], list[str]] = {}
    for name, facts in images.items():
        if facts.prints is not None:
            key = (facts.rgb, len(facts.prints.thumbnail), facts.prints.shape)
            classes.setdefault(key, []).append(name)
    yield from (names for names in classes.values() if len(names) > 1)


def _alike(images: Mapping[str, ImageFacts], names: Sequence[str]) -> Iterator[tuple[float, int, int]]:
    thumbnails = [p.thumbnail for name in names if (p := images[name].prints) is not None]
    if len(names) >= _MANY:
        # Uneven light is common to all images, and would make all of them alike.
        scaled = [one / max(float(np.abs(one).mean()), 1e-12) for one in thumbnails]
        usual = np.mean(scaled, axis=0)
        thumbnails = [one - usual for one in scaled]
    unit = vectors(thumbnails)
    for start in range(0, len(names), BLOCK):
        product = unit[start : start + BLOCK] @ unit.T
        i, j = np.nonzero(product >= PROMISING)
        for x, y in zip(i.tolist(), j.tolist(), strict=True):
            if y > x + start:
                yield float(product[x, y]), x + start, y


def _compared(first: str, second: str, planes: Planes) -> tuple[Link | None, int]:
    one, other = halved(planes(first)), halved(planes(second))
    if not one.size or not other.size:
        return None, 0
    r, fine, y, x = _best(one, other)
    if r < ALIKE or fine < DETAILS:
        return None, 0
    turned = dihedral(other)
    chances = [_best(one, turned[turn]) for turn in _NULL_TURNS]
    chance = sum(a >= ALIKE and b >= DETAILS for a, b, _, _ in chances)
    highest = max(b for _, b, _, _ in chances)
    if fine < highest + MARGIN:
        return None, chance
    evidence = {
        "correlation": round(r, 4),
        "correlation_of_details": round(fine, 4),
        "mirrored": round(highest, 4),
        "shift": [2 * y, 2 * x],
    }
    return Link(Kind.NEIGHBOUR, first, second, evidence), chance


def _best(one: Array, other: Array) -> tuple[float, float, int, int]:
    """Return correlation, correlation of details and the small shift at which the latter is highest."""
    fine_one, fine_other = details(one), details(other)
    best, shift = -2.0, (0, 0)
    for y in range(-REACH, REACH + 1):
        for x in range(-REACH, REACH + 1):
            r = correlation(fine_one, fine_other, y, x)
            if r > best:
                best, shift = r, (y, x)
    y, x = shift
    return correlation(one, other, y, x), best, y, x


def _pair(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first < second else (second, first)
