"""Find copies: images with the same pixels, and images that were rescaled, compressed, turned or mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.checks.fields_links import Kind, Link
from micrographia.checks.fields_planes import Planes, correlation, details, halved
from micrographia.checks.pixel_facts_image import ImageFacts
from micrographia.checks.pixel_facts_prints import TURNS, dihedral
from micrographia.checks.pixel_kernels_places import area_mean

Array = npt.NDArray[Any]
BLOCK = 256
ALIKE = 0.97
"""Correlation of thumbnails from which two images are compared in full."""
COPY = 0.98
"""Correlation in full from which one is a copy of the other."""
DETAILS = 0.7
"""The same for what is left without the smooth parts."""
SIDE = 256
"""Images are compared in full at no more than this many pixels a side."""
MOST = 20
"""Pairs that are compared in full, per image; the most alike first."""
_FORM = 0.02
"""How much the ratio of the sides may differ."""
_FLATTEST = 1e-4


@dataclass(frozen=True)
class NearCopies:
    """Links of kind ``near-identical``, and how many pairs were alike but not compared because there were too many."""

    links: tuple[Link, ...]
    passed_over: int = 0


def identical(images: Mapping[str, ImageFacts]) -> list[list[str]]:
    """Return the groups of images, at least two each, whose pixels are all the same; constant images are no copies."""
    groups: dict[str, list[str]] = {}
    for name, facts in images.items():
        if not all(channel.constant for channel in facts.channels):
            groups.setdefault(facts.digest, []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def near_identical(images: Mapping[str, ImageFacts], planes: Planes) -> NearCopies:
    """Find copies that are not the same in every pixel.

    Candidates are pairs with thumbnails that are alike in one of the eight ways to turn and mirror; they are then
    compared in full, and in what is left without their smooth parts: two empty fields under the same uneven light are
    no copies.

    Parameters
    ----------
    images
        Image id to facts. Images with the same pixels come once, or they are found again here.
    planes
        Fetches the pixels of an image; called for candidates only.
    """
    links: list[Link] = []
    passed_over = 0
    for names in _classes(images):
        found = sorted(_alike(images, names), reverse=True)
        most = MOST * len(names)
        passed_over += max(0, len(found) - most)
        for _, i, j, turn in found[:most]:
            link = _compared(images, names[i], names[j], turn, planes)
            if link is not None:
                links.append(link)
    return NearCopies(tuple(links), passed_over)


def _classes(images: Mapping[str, ImageFacts]) -> Iterator[list[str]]:
    """Yield the images that can be copies of each other: as many channels."""
    classes: dict[tuple[bool, int], list[str]] = {}
    for name, facts in images.items():
        if facts.prints is not None:
            classes.setdefault((facts.rgb, len(facts.prints.thumbnail)), []).append(name)
    yield from (names for names in classes.values() if len(names) > 1)


def vectors(thumbnails: Sequence[Array]) -> Array:
    """Return thumbnails (channel, 16, 16) as rows of length 1, each channel without mean; 0 if constant."""
    stack = np.stack(thumbnails).astype(np.float64)
    level = np.abs(stack).mean(axis=(-1, -2), keepdims=True)
    stack -= stack.mean(axis=(-1, -2), keepdims=True)
    length = np.sqrt((stack * stack).sum(axis=(-1, -2), keepdims=True))
    known = length > _FLATTEST * stack.shape[-1] * level
    scaled = np.where(known, stack / np.where(known, length, 1.0), 0.0)
    weights = np.sqrt(np.maximum(1, known.sum(axis=1, keepdims=True)))
    return (scaled / weights).reshape(len(stack), -1).astype(np.float32)


def _alike(images: Mapping[str, ImageFacts], names: Sequence[str]) -> Iterator[tuple[float, int, int, int]]:
    """Yield correlation, two indices and a turn (of the second) for pairs whose thumbnails are alike."""
    prints = [images[name].prints for name in names]
    thumbnails = [one.thumbnail for one in prints if one is not None]
    form = np.array([one.shape[0] / one.shape[1] for one in prints if one is not None])
    plain = vectors(thumbnails)
    turned = [vectors([dihedral(one)[turn] for one in thumbnails]) for turn in range(8)]
    for start in range(0, len(names), BLOCK):
        rows = slice(start, start + BLOCK)
        products = [plain[rows] @ other.T for other in turned]
        best = np.maximum.reduce(products)
        i, j = np.nonzero(best >= ALIKE)
        for x, y in zip(i.tolist(), j.tolist(), strict=True):
            if y <= x + start:
                continue
            for turn in np.argsort([-product[x, y] for product in products], kind="stable"):
                wanted = form[y] if turn % 2 == 0 else 1.0 / form[y]
                if products[turn][x, y] >= ALIKE and abs(form[x + start] / wanted - 1.0) <= _FORM:
                    yield float(products[turn][x, y]), x + start, y, int(turn)
                    break


def _compared(
    images: Mapping[str, ImageFacts], first: str, second: str, turn: int, planes: Planes
) -> Link | None:
    one, other = planes(first), dihedral(planes(second))[turn]
    if not one.size or not other.size:
        return None
    if one.shape != other.shape:
        side = min(SIDE, *one.shape[1:], *other.shape[1:])
        one, other = _shrunk(one, side), _shrunk(other, side)
    else:
        one, other = halved(one), halved(other)
    r = correlation(one, other)
    if r < COPY:
        return None
    fine = correlation(details(one), details(other))
    if fine < DETAILS:
        return None
    sizes = [images[name].shape for name in (first, second)]
    evidence: dict[str, Any] = {
        "correlation": round(r, 4),
        "correlation_of_details": round(fine, 4),
        "turn": TURNS[turn],
    }
    if sizes[0] != sizes[1]:
        evidence["shapes"] = [list(size) for size in sizes]
    return Link(Kind.NEAR, first, second, evidence)


def _shrunk(planes: Array, side: int) -> Array:
    return np.stack([area_mean(plane, side) for plane in planes])
