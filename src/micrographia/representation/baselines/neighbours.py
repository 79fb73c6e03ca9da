"""How objects lie among each other: who touches whom, and how far the nearest are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from micrographia.annotations.masks.kernels.runs import Array, Ints
from micrographia.representation.baselines.kernels import edges

if TYPE_CHECKING:
    from micrographia.representation.baselines.objects import Objects

RADIUS = 100.0
"""Distance within which neighbours are counted, in pixels (units of the spacing)."""
NEAREST = 5


def neighbour_features(
    objects: Objects, spacing: Sequence[float] = (1.0, 1.0, 1.0), radius: float = RADIUS
) -> dict[str, Array]:
    """Return how each object lies among the others of its image; distances are between centroids.

    ``touching`` is the number of objects of which a pixel adjoins one of its own, corners included;
    ``touching_share`` the share of its rim pixels that adjoin one; ``within_radius`` the number of centroids within
    ``radius``; ``nearest`` and ``second_nearest`` the distances to the two nearest centroids, and ``nearest_5`` the
    mean distance to the five nearest: NaN where there are not so many others; ``angle`` that between the two nearest,
    from 0 to pi, NaN without them or where one lies in the same place.

    Parameters
    ----------
    objects
        The objects.
    spacing
        Relative size of a pixel along Z, Y, X.
    radius
        In units of the spacing.
    """
    count = len(objects)
    rim, pairs = _pairs(objects)
    degree = np.bincount(pairs[:, 0], minlength=count).astype(np.float64)
    share = np.full(count, np.nan)
    some = rim[:, 0] > 0
    share[some] = rim[some, 1] / rim[some, 0]
    found = {"touching": degree, "touching_share": share}
    return found | distances(objects.centre * np.asarray(spacing), radius)


def distances(centre: Array, radius: float) -> dict[str, Array]:
    """Return the distances of points (n, 3) to their nearest; see :func:`neighbour_features`."""
    from scipy.spatial import cKDTree

    count = len(centre)
    within = np.zeros(count)
    held = {name: np.full(count, np.nan) for name in ("nearest", "second_nearest", f"nearest_{NEAREST}")}
    angle = np.full(count, np.nan)
    if count > 1:
        tree = cKDTree(centre)
        within = tree.query_ball_point(centre, radius, return_length=True).astype(np.float64) - 1
        k = min(NEAREST + 1, count)
        away, which = tree.query(centre, k)
        # A point is its own nearest, but not always the first where others lie in the same place.
        own = which == np.arange(count)[:, None]
        own[~own.any(axis=1), -1] = True
        away, which = away[~own].reshape(count, k - 1), which[~own].reshape(count, k - 1)
        held["nearest"] = away[:, 0]
        if k > 2:
            held["second_nearest"] = away[:, 1]
            one, other = centre[which[:, 0]] - centre, centre[which[:, 1]] - centre
            norm = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
            apart = norm > 0
            cosine = (one[apart] * other[apart]).sum(axis=1) / norm[apart]
            angle[apart] = np.arccos(np.clip(cosine, -1.0, 1.0))
        if k > NEAREST:
            held[f"nearest_{NEAREST}"] = away.mean(axis=1)
    return {"within_radius": within, **held, "angle": angle}


def _pairs(objects: Objects) -> tuple[Ints, Ints]:
    """Return rim pixels and touching rim pixels (n, 2), and pairs of objects that touch (m, 2), each once a way."""
    runs = objects.runs
    room = 8 * len(objects) + 64
    while True:
        rim, pairs = np.zeros((len(objects), 2), np.int64), np.empty((room, 2), np.int64)
        count = edges.touching(
            objects.labels,
            objects.edge,
            runs.row,
            runs.x0,
            runs.x1,
            objects.slot,
            runs.shape[1],
            rim,
            pairs,
        )
        if count <= room:
            break
        room = count
    pairs = pairs[:count]
    if not count:
        return rim, pairs
    # Labels that were signed come back as the same bits; the table of ids is asked in its own order.
    width = objects.labels.dtype.itemsize
    labels = pairs[:, 1]
    if width < 8 and (objects.ids < 0).any():
        labels = labels.astype(f"u{width}").view(f"i{width}").astype(np.int64)
    other = np.searchsorted(objects.ids, labels)
    # Only the neighbour on the other side of the boundary counts, so each pair is found from both sides.
    keys = np.unique(pairs[:, 0] * len(objects) + other)
    return rim, np.stack([keys // len(objects), keys % len(objects)], axis=1)
