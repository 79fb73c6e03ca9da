"""One closed line around an object: parts joined and holes opened by cuts without width, so that no pixel changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.outlines import Ring, rings_of
from micrographia.loading.exports.sample import Array

Points = npt.NDArray[np.float64]


def objects_rings(labels: Array) -> dict[int, list[Ring]]:
    """Return the outlines of all objects of a plane along the edges of their pixels: label to rings."""
    found: dict[int, list[Ring]] = {}
    for ring in rings_of(labels):
        found.setdefault(ring.label, []).append(ring)
    return found


def one_line(rings: Sequence[Ring]) -> Points:
    """Return all rings of an object as one closed polygon: (n, 2), y and x, pixel centres being integers.

    Each further ring is reached along a straight cut between the two nearest corners, and left along the same cut. A
    cut has no width: a pixel centre lies inside the polygon by the even-odd rule exactly if it lies in the object.

    Parameters
    ----------
    rings
        Outer rings and holes of one object, the first one outer.
    """
    line = _points(rings[0])
    left = [_points(ring) for ring in rings[1:]]
    while left:
        found = [(*_nearest(line, ring), number) for number, ring in enumerate(left)]
        _, at, start, number = min(found, key=lambda one: (one[0], one[3]))
        ring = left.pop(number)
        turned = np.concatenate([ring[start:], ring[: start + 1]])
        line = np.concatenate([line[: at + 1], turned, line[at:]])
    return line


def _points(ring: Ring) -> Points:
    return np.column_stack([ring.y, ring.x])


def _nearest(line: Points, ring: Points) -> tuple[float, int, int]:
    """Return the least squared distance between corners of two lines, and which corners they are."""
    best = (np.inf, 0, 0)
    for start in range(0, len(line), 4096):
        part = line[start : start + 4096]
        squared = ((part[:, None, :] - ring[None, :, :]) ** 2).sum(2)
        at, other = np.unravel_index(int(np.argmin(squared)), squared.shape)
        if squared[at, other] < best[0]:
            best = (float(squared[at, other]), start + int(at), int(other))
    return best
