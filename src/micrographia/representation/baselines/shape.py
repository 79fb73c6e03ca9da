"""Shape of objects from their runs: size, moments, axes, perimeter, convex hull."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from micrographia.annotations.masks.kernels import measure
from micrographia.annotations.masks.kernels.runs import Array
from micrographia.representation.baselines.kernels import edges, hulls
from micrographia.representation.baselines.kernels import objects as kernels

if TYPE_CHECKING:
    from micrographia.representation.baselines.objects import Objects

MOMENTS = ("20", "11", "02", "30", "21", "12", "03")


def shape_features(objects: Objects, spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> dict[str, Array]:
    """Return the shape of each object; lengths are in units of ``spacing``, which a plane needs equal along Y and X.

    Of a plane: ``area``; ``extent`` (area over bounding box); ``equivalent_diameter``; ``major_axis``, ``minor_axis``
    (4 times the root of the eigenvalues of the covariance of pixel centres) and ``eccentricity`` (``sqrt(1 - l2 /
    l1)``, 0 for a single pixel, whose axes are equal); ``perimeter`` (Benkrid & Crookes 2000); ``form_factor`` (``4
    pi A / P^2``, NaN without a perimeter); ``hull_area``, ``solidity`` (area over hull area), ``max_feret``,
    ``min_feret`` of the convex hull of the pixels as squares; normalised central moments ``moment_20`` to
    ``moment_03`` (``mu_pq / A^(1 + (p + q) / 2)``, Y first) and ``hu_1`` to ``hu_7`` (Hu 1962); ``touches_border``.

    Of a stack: ``volume``, ``extent``, ``equivalent_diameter``, three axes (4 times the root of the eigenvalues),
    ``elongation`` (minor over major), ``flatness`` (minor over middle), NaN where they divide by zero, and
    ``touches_border``.

    Parameters
    ----------
    objects
        The objects.
    spacing
        Relative size of a pixel along Z, Y, X.
    """
    stats = objects.stats
    low, high = stats[:, measure.Z0 : measure.X0 + 1], stats[:, measure.Z1 : measure.X1 + 1]
    walls = np.array(objects.runs.shape)
    touches = ((low == 0) | (high == walls))[:, 1 if objects.flat else 0 :].any(axis=1)
    extent = objects.area / np.prod((high - low).astype(np.float64), axis=1)
    own = _deep(objects, spacing) if not objects.flat else _flat(objects, spacing)
    return {**own, "extent": extent, "touches_border": touches.astype(np.float64)}


def _deep(objects: Objects, spacing: Sequence[float]) -> dict[str, Array]:
    runs = objects.runs
    sums = np.zeros((len(objects), 6))
    kernels.moments_deep(runs.row, runs.x0, runs.x1, objects.slot, runs.shape[1], objects.centre, sums)
    sums /= objects.area[:, None]
    z, y, x = spacing
    index = ((0, 0, kernels.ZZ), (1, 1, kernels.YY), (2, 2, kernels.XX))
    crossed = ((0, 1, kernels.ZY), (0, 2, kernels.ZX), (1, 2, kernels.YX))
    covariance = np.empty((len(objects), 3, 3))
    for i, j, column in (*index, *crossed):
        covariance[:, i, j] = covariance[:, j, i] = sums[:, column] * spacing[i] * spacing[j]
    lengths = 4 * np.sqrt(np.maximum(np.linalg.eigvalsh(covariance), 0.0))
    minor, middle, major = lengths.T
    volume = objects.area * (z * y * x)
    return {
        "volume": volume,
        "equivalent_diameter": np.cbrt(6 * volume / np.pi),
        "major_axis": major,
        "middle_axis": middle,
        "minor_axis": minor,
        "elongation": ratio(minor, major),
        "flatness": ratio(minor, middle),
    }


def _flat(objects: Objects, spacing: Sequence[float]) -> dict[str, Array]:
    runs = objects.runs
    place = (runs.row, runs.x0, runs.x1)
    count = len(objects)
    pixel = float(np.sqrt(spacing[1] * spacing[2]))
    central = np.zeros((count, 7))
    kernels.moments_flat(*place, objects.slot, objects.centre, central)
    area = objects.area.astype(np.float64)
    perimeter = np.zeros(count)
    edges.perimeters(objects.labels, objects.edge, *place, objects.slot, perimeter)
    hull = np.zeros((count, 4))
    tallest = int((objects.stats[:, measure.Y1] - objects.stats[:, measure.Y0]).max(initial=0))
    hulls.hulls(*place, *objects.by_object, tallest, hull)
    yy, yx, xx = (central[:, :3] / area[:, None]).T
    middle, half = (yy + xx) / 2, np.sqrt(((yy - xx) / 2) ** 2 + yx**2)
    large, small = middle + half, np.maximum(middle - half, 0.0)
    long = large > 0
    eccentricity = np.zeros(count)
    eccentricity[long] = np.sqrt(1 - small[long] / large[long])
    order = np.array([2, 2, 2, 3, 3, 3, 3])
    eta = central / area[:, None] ** (1 + order / 2)
    return {
        "area": area * pixel**2,
        "equivalent_diameter": np.sqrt(4 * area / np.pi) * pixel,
        "major_axis": 4 * np.sqrt(large) * pixel,
        "minor_axis": 4 * np.sqrt(small) * pixel,
        "eccentricity": eccentricity,
        "perimeter": perimeter * pixel,
        "form_factor": ratio(4 * np.pi * area, perimeter**2),
        "hull_area": hull[:, hulls.AREA] * pixel**2,
        "solidity": ratio(area, hull[:, hulls.AREA]),
        "max_feret": hull[:, hulls.LONGEST] * pixel,
        "min_feret": hull[:, hulls.NARROWEST] * pixel,
        **{f"moment_{name}": eta[:, at] for at, name in enumerate(MOMENTS)},
        **{f"hu_{at + 1}": values for at, values in enumerate(hu(eta))},
    }


def hu(eta: Array) -> list[Array]:
    """Return the seven invariants of Hu (1962) from normalised central moments (n, 7) in the order of ``MOMENTS``."""
    n20, n11, n02, n30, n21, n12, n03 = eta.T
    a, b = n30 + n12, n21 + n03
    c, d = n30 - 3 * n12, 3 * n21 - n03
    return [
        n20 + n02,
        (n20 - n02) ** 2 + 4 * n11**2,
        c**2 + d**2,
        a**2 + b**2,
        c * a * (a**2 - 3 * b**2) + d * b * (3 * a**2 - b**2),
        (n20 - n02) * (a**2 - b**2) + 4 * n11 * a * b,
        d * a * (a**2 - 3 * b**2) - c * b * (3 * a**2 - b**2),
    ]


def ratio(a: Array, b: Array) -> Array:
    """Return ``a / b``, NaN where ``b`` is 0."""
    out = np.full(len(a), np.nan)
    np.divide(a, b, out=out, where=b != 0)
    return out
