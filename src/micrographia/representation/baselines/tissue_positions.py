"""Where the cells of a region lie, whatever they are: density, nearest distances, Ripley's K, graphs of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from micrographia.annotations.masks.kernels.runs import Array, Ints
from micrographia.representation.baselines.kernels.points import pair_weights
from micrographia.representation.baselines.measured import Measured, joined

Window = Literal["box", "hull"]
LONGEST = 5.0
"""Edges of the triangulation longer than so many times the median are dropped: they run along the rim."""
_GRID = 128

DENSITY = ("count", "hull_area", "box_area", "cells_per_hull_area", "cells_per_box_area", "hull_share")
DISTANCES = (
    "mean",
    "sd",
    "variation",
    "skewness",
    "p10",
    "p50",
    "p90",
    "clark_evans",
)
GRAPH = ("degree_mean", "degree_sd", "degree_skewness", "edge_mean", "edge_sd", "edge_median", "clustering")


@dataclass(frozen=True)
class Region:
    """The cells of one region.

    Attributes
    ----------
    x, y
        Positions (n,), finite.
    types
        Number of the type of each cell, -1 where it is unknown.
    """

    x: Array
    y: Array
    types: Ints

    def __len__(self) -> int:
        return len(self.x)

    @cached_property
    def points(self) -> Array:
        """Positions (n, 2)."""
        return np.stack([self.x, self.y], axis=1)

    @cached_property
    def box(self) -> tuple[float, float]:
        """Width and height of the bounding box."""
        return float(np.ptp(self.x)), float(np.ptp(self.y))

    @cached_property
    def hull(self) -> Array | None:
        """Corners of the convex hull (k, 2), counter-clockwise; None where the cells lie on a line."""
        from scipy.spatial import ConvexHull, QhullError

        if len(self) < 3:
            return None
        try:
            return self.points[ConvexHull(self.points).vertices]
        except QhullError:
            return None

    @cached_property
    def edges(self) -> tuple[Ints, Ints] | None:
        """The ends of the edges of the Delaunay triangulation, without overlong ones; None if there is none."""
        from scipy.spatial import Delaunay, QhullError

        if self.hull is None:
            return None
        try:
            starts, others = Delaunay(self.points).vertex_neighbor_vertices
        except QhullError:
            return None
        a = np.repeat(np.arange(len(self)), np.diff(starts))
        once = a < others
        a, b = a[once], others[once].astype(np.int64)
        length = np.hypot(self.x[a] - self.x[b], self.y[a] - self.y[b])
        kept = length <= LONGEST * np.median(length)
        return a[kept], b[kept]


def polygon_area(corners: Array) -> float:
    """Return the area of a polygon (k, 2)."""
    x, y = corners.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def density(region: Region) -> Measured:
    """Return number of cells, area of their hull and bounding box, and cells per unit of each."""
    width, height = region.box if len(region) else (0.0, 0.0)
    hull = polygon_area(region.hull) if len(region) and region.hull is not None else 0.0
    box = width * height
    values = np.array([len(region), hull, box, np.nan, np.nan, np.nan])
    if hull > 0:
        values[3:] = len(region) / hull, len(region) / box, hull / box
        return Measured(DENSITY, values)
    values[1:3] = np.nan
    return Measured(DENSITY, values, ("fewer than 3 cells, or all on a line: no area",))


def positions(region: Region, radii: Sequence[float], k: int, window: Window) -> Measured:
    """Return what positions alone tell of a region."""
    return joined([nearest(region, k), ripley(region, radii, window), delaunay(region), knn_graph(region, k)])


def nearest(region: Region, k: int) -> Measured:
    """Return moments of the distance to the nearest cell, and to the k nearest in the mean.

    ``variation`` is SD over mean; ``clark_evans`` the mean over its expectation ``0.5 / sqrt(density)`` in a Poisson
    process (Clark & Evans 1954), with the density in the bounding box and no correction for its edge.
    """
    names = (*(f"nearest_{name}" for name in DISTANCES), f"nearest_{k}_mean", f"nearest_{k}_sd")
    values = np.full(len(names), np.nan)
    if len(region) < 2:
        return Measured(names, values, ("fewer than 2 cells: no nearest",))
    from scipy.spatial import cKDTree

    reach = min(k + 1, len(region))
    away = cKDTree(region.points).query(region.points, reach)[0][:, 1:]
    first = away[:, 0]
    mean, sd = first.mean(), first.std()
    reasons = []
    values[:2] = mean, sd
    values[4:7] = np.percentile(first, (10, 50, 90))
    if mean > 0:
        values[2] = sd / mean
    if sd > 1e-9 * mean:
        values[3] = ((first - mean) ** 3).mean() / sd**3
    if np.isnan(values[2:4]).any():
        reasons.append("all cells are equally far from their nearest")
    area = region.box[0] * region.box[1]
    if area > 0:
        values[7] = mean / (0.5 / np.sqrt(len(region) / area))
    else:
        reasons.append("all cells on a line: no density")
    if reach == k + 1:
        values[8:] = away.mean(), away.mean(axis=1).std()
    else:
        reasons.append(f"fewer than {k + 1} cells")
    return Measured(names, values, tuple(reasons))


def ripley(region: Region, radii: Sequence[float], window: Window = "box") -> Measured:
    """Return Besag's ``L(r) - r`` at each radius: 0 for a Poisson process, positive where cells cluster.

    ``L = sqrt(K / pi)`` (Ripley 1976, Besag 1977) with the translation correction of the edge (Ohser 1983): a pair
    counts ``A^2 / (n (n - 1) g(h))``, where ``g(h)`` is the area common to the window and itself moved by the vector
    between the two. Cells do not lie on the border of the window, so it is larger than what they span: the bounding
    box enlarged by ``(n + 1) / (n - 1)``, or the convex hull with ``k`` corners enlarged by ``1 / sqrt(1 - k / n)``
    (Ripley & Rasson 1977). NaN where a radius exceeds half of the shorter side of the box.
    """
    ordered = np.sort(np.asarray(radii, np.float64))
    names = tuple(f"ripley_L_{radius:g}" for radius in ordered)
    values = np.full(len(names), np.nan)
    count = len(region)
    if count < 3 or region.hull is None:
        return Measured(names, values, ("fewer than 3 cells, or all on a line: no window",))
    scale = (count + 1) / (count - 1) if window == "box" else 1.0
    width, height = (side * scale for side in region.box)
    fits = ordered <= min(width, height) / 2
    reasons = () if fits.all() else ("a radius exceeds half of the region",)
    if fits.any():
        asked = ordered[fits]
        table, steps = np.empty((0, 0)), (1.0, 1.0)
        area = width * height
        if window == "hull":
            table, steps, area = _common_area(_enlarged(region.hull, count))
        sums = np.zeros(len(asked))
        x, y, starts, columns = _grid(region, float(asked[-1]))
        pair_weights(x, y, starts, columns, asked, np.array([width, height, *steps]), table, sums)
        values[fits] = np.sqrt(sums * area**2 / (count * (count - 1)) / np.pi) - asked
    return Measured(names, values, reasons)


def _grid(region: Region, reach: float) -> tuple[Array, Array, Ints, int]:
    """Return the points sorted by square, the first of each square, and the squares in a row."""
    width, height = region.box
    # No more squares than a few per cell, however small the radius is.
    size = max(reach, np.sqrt(width * height / len(region)), max(width, height) / 4096)
    columns, rows = int(width / size) + 1, int(height / size) + 1
    column = np.minimum(((region.x - region.x.min()) / size).astype(np.int64), columns - 1)
    row = np.minimum(((region.y - region.y.min()) / size).astype(np.int64), rows - 1)
    square = row * columns + column
    order = np.argsort(square, kind="stable")
    starts = np.searchsorted(square[order], np.arange(rows * columns + 1))
    return region.x[order], region.y[order], starts, columns


def _enlarged(hull: Array, count: int) -> Array:
    """Return the hull of points moved outwards, so that it is as large as their window in the mean."""
    share = len(hull) / count
    if share >= 1:
        return hull
    middle = hull.mean(axis=0)
    return middle + (hull - middle) / np.sqrt(1 - share)


def _common_area(hull: Array) -> tuple[Array, tuple[float, float], float]:
    """Return the area common to a convex polygon and itself moved, on a grid of moves, its steps, and the area."""
    from scipy import fft

    low, high = hull.min(axis=0), hull.max(axis=0)
    step = (high - low) / _GRID
    x = low[0] + (np.arange(_GRID) + 0.5) * step[0]
    y = low[1] + (np.arange(_GRID) + 0.5) * step[1]
    inside = np.ones((_GRID, _GRID), bool)
    for (ax, ay), (bx, by) in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        inside &= (bx - ax) * (y[:, None] - ay) - (by - ay) * (x[None, :] - ax) >= 0
    size = 2 * _GRID
    spectrum = fft.rfft2(inside.astype(np.float64), (size, size))
    common = fft.fftshift(fft.irfft2(np.abs(spectrum) ** 2, (size, size)))[1:, 1:]
    area = polygon_area(hull)
    return common * (area / common[_GRID - 1, _GRID - 1]), (float(step[0]), float(step[1])), area


def delaunay(region: Region) -> Measured:
    """Return degrees and edge lengths of the Delaunay triangulation.

    ``clustering`` is the SD of the mean edge length of a cell over its mean: how much crowding varies in the region.
    """
    names = tuple(f"delaunay_{name}" for name in GRAPH)
    values = np.full(len(names), np.nan)
    if len(region) < 4 or region.edges is None or not len(region.edges[0]):
        return Measured(names, values, ("fewer than 4 cells, or all on a line: no triangulation",))
    a, b = region.edges
    degree = (np.bincount(a, minlength=len(region)) + np.bincount(b, minlength=len(region))).astype(float)
    length = np.hypot(region.x[a] - region.x[b], region.y[a] - region.y[b])
    total = np.bincount(a, length, len(region)) + np.bincount(b, length, len(region))
    own = total[degree > 0] / degree[degree > 0]
    values[:2] = degree.mean(), degree.std()
    values[3:] = length.mean(), length.std(), np.median(length), own.std() / own.mean()
    if degree.std() > 0:
        values[2] = ((degree - degree.mean()) ** 3).mean() / degree.std() ** 3
        return Measured(names, values)
    return Measured(names, values, ("all cells have as many neighbours",))


def knn_graph(region: Region, k: int) -> Measured:
    """Return how often a cell is among the ``k`` nearest of others: SD and skewness, share never, share mutual."""
    names = tuple(
        f"knn{k}_{name}" for name in ("degree_sd", "degree_skewness", "never_share", "mutual_share")
    )
    values = np.full(len(names), np.nan)
    count = len(region)
    if count < k + 2:
        return Measured(names, values, (f"fewer than {k + 2} cells: no graph of {k} nearest",))
    from scipy.spatial import cKDTree

    which = cKDTree(region.points).query(region.points, k + 1)[1][:, 1:]
    degree = np.bincount(which.ravel(), minlength=count).astype(float)
    keys = (np.arange(count)[:, None] * count + which).ravel()
    back = (which * count + np.arange(count)[:, None]).ravel()
    values[0], values[2] = degree.std(), (degree == 0).mean()
    values[3] = np.isin(keys, back).mean()
    if degree.std() > 0:
        values[1] = ((degree - degree.mean()) ** 3).mean() / degree.std() ** 3
        return Measured(names, values)
    return Measured(names, values, (f"all cells are as often among the {k} nearest",))
