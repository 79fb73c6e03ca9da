"""Links between images that belong together, and the groups that they make."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


class Kind(StrEnum):
    """Why two images belong together."""

    IDENTICAL = "identical"
    NEAR = "near-identical"
    SEAM = "seam"
    OVERLAP = "overlap"
    NEIGHBOUR = "neighbour"
    SLIDE = "same slide"

    @property
    def meaning(self) -> str:
        """The same in a sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    Kind.IDENTICAL: "every pixel is the same",
    Kind.NEAR: "one is a copy of the other: rescaled, compressed, brightened, turned or mirrored",
    Kind.SEAM: "an edge of one continues in an edge of the other: neighbouring tiles of one field",
    Kind.OVERLAP: "both show a part of the same place: crops of one field",
    Kind.NEIGHBOUR: "both show the same place slightly changed: neighbouring slices or time points",
    Kind.SLIDE: "background and stain have the same colours: perhaps one slide",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Two images that belong together, and why.

    Parameters
    ----------
    kind
        What was seen.
    first, second
        Image ids.
    evidence
        Figures behind it; JSON values only.
    """

    kind: Kind
    first: str
    second: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pair(self) -> tuple[str, str]:
        """The two ids, sorted."""
        return (self.first, self.second) if self.first < self.second else (self.second, self.first)

    def to_json(self) -> dict[str, Any]:
        """Return the link as JSON values."""
        return {
            "kind": str(self.kind),
            "first": self.first,
            "second": self.second,
            "evidence": dict(self.evidence),
        }


SHARE = 0.05
"""The largest share of what is found that may be expected to be chance."""


def least_of(found: Array, null: Array, weight: float, grid: Sequence[float]) -> float:
    """Return the lowest threshold at which few enough of the scores found are expected to be chance.

    Parameters
    ----------
    found, null
        Scores of pairs that may belong together, and of pairs that cannot.
    weight
        Comparisons behind ``found`` over those behind ``null``.
    grid
        Thresholds to choose from, ascending.

    Returns
    -------
    float
        One of the grid; infinite if none will do.
    """
    for least in grid:
        if int((null >= least).sum()) * weight <= SHARE * max(1, int((found >= least).sum())):
            return least
    return math.inf


def connected(images: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the images divided into what is connected through pairs, each part and the parts in the order given.

    Parameters
    ----------
    images
        All ids.
    pairs
        Ids that belong together; ids that are not among ``images`` are passed over.
    """
    parent = {image: image for image in images}

    def root(image: str) -> str:
        while parent[image] != image:
            parent[image] = parent[parent[image]]
            image = parent[image]
        return image

    for first, second in pairs:
        if first in parent and second in parent:
            parent[root(second)] = root(first)
    parts: dict[str, list[str]] = {}
    for image in parent:
        parts.setdefault(root(image), []).append(image)
    return list(parts.values())
