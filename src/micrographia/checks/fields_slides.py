"""Colour pictures that may come from one slide: background and stain have the same colours. Weak evidence.

Slides differ in staining, scanner and white balance more than the fields of one slide do. How well that holds in a
dataset is measured where pairs are known to be of one field (seams, overlaps): the share of random pairs that is as
alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from micrographia.checks.fields_links import Kind, Link
from micrographia.checks.pixel_facts_image import ImageFacts

FEWEST = 8
"""Colour pictures from which a spread between them is known."""
SAMPLE = 100_000
"""Random pairs that the others are compared with."""
NEAREST = 0.5
"""Median distance of pairs known to be of one field, over that of all pairs, above which colours tell nothing here."""


@dataclass(frozen=True)
class Slides:
    """What the colours of stain and background say.

    Parameters
    ----------
    links
        Pairs that are each other's nearest and as near as known pairs of one field.
    known
        Pairs of one field that distances were compared with.
    threshold
        The distance (in units of the median over all pairs) within which nine of ten of those lie; NaN if unknown.
    by_chance
        Share of all other pairs within the threshold: how weak the evidence is. NaN if unknown.
    """

    links: tuple[Link, ...]
    known: int
    threshold: float
    by_chance: float


def find_slides(images: Mapping[str, ImageFacts], known: Iterable[tuple[str, str]]) -> Slides:
    """Compare the stain of colour pictures.

    Parameters
    ----------
    images
        Image id to facts; those without a stain are passed over.
    known
        Pairs of images that are of one field, and so of one slide.
    """
    names = [name for name, facts in images.items() if facts.stain is not None]
    at = {name: index for index, name in enumerate(names)}
    pairs = sorted({(min(at[a], at[b]), max(at[a], at[b])) for a, b in known if a in at and b in at})
    nothing = Slides((), len(pairs), float("nan"), float("nan"))
    if len(names) < FEWEST:
        return nothing
    from scipy.spatial import KDTree

    table = np.array([stain.vector() for name in names if (stain := images[name].stain) is not None])
    spread = np.median(np.abs(table - np.median(table, axis=0)), axis=0)
    scaled = (table - np.median(table, axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(names), (SAMPLE, 2))
    related = set(pairs)
    others = np.array([(i, j) for i, j in drawn.tolist() if i != j and (min(i, j), max(i, j)) not in related])
    by_chance = np.linalg.norm(scaled[others[:, 0]] - scaled[others[:, 1]], axis=1)
    usual = float(np.median(by_chance))
    if usual <= 0.0 or len(pairs) < FEWEST:
        return nothing
    first, second = np.array(pairs).T
    same = np.linalg.norm(scaled[first] - scaled[second], axis=1) / usual
    threshold = float(np.percentile(same, 90))
    share = float((by_chance / usual <= threshold).mean())
    if float(np.median(same)) > NEAREST:
        return Slides((), len(pairs), threshold, share)
    distance, nearest = (found[:, 1] for found in KDTree(scaled).query(scaled, k=2))
    links = tuple(
        Link(Kind.SLIDE, names[i], names[j], {"distance": round(float(distance[i]) / usual, 3)})
        for i, j in enumerate(nearest.tolist())
        if i < j and nearest[j] == i and distance[i] <= threshold * usual and (i, j) not in related
    )
    return Slides(links, len(pairs), threshold, share)
