"""Where the pixels of a changed patch come from: turned, scaled, stretched and bent, and the reading of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.compiled import compiled

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

KNOTS = 4
"""Intervals of a spline along each side of a patch; it has three more coefficients than that."""


def smooth_field(size: tuple[int, int], coefficients: Floats) -> Floats:
    """Return a smooth function over a patch: a tensor product of uniform cubic B-splines.

    Parameters
    ----------
    size
        Y, X of the patch.
    coefficients
        (..., KNOTS + 3, KNOTS + 3). Where they are all equal the function is constant (Lee, Wolberg & Shin 1997).

    Returns
    -------
    array
        float64 (..., Y, X).
    """
    rows, columns = (_basis(side) for side in size)
    return np.asarray(rows @ coefficients @ columns.T)


@cache
def _basis(side: int) -> Floats:
    """Return how much each coefficient counts at each pixel, (side, KNOTS + 3); rows add up to 1."""
    place = (np.arange(side) + 0.5) * (KNOTS / side)
    knot = np.minimum(place.astype(np.intp), KNOTS - 1)
    t = place - knot
    parts = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    found = np.zeros((side, KNOTS + 3))
    for at, part in enumerate(parts):
        found[np.arange(side), knot + at] = part / 6.0
    return found


def plane_places(size: tuple[int, int], matrix: Floats, bend: Floats | None = None) -> Floats:
    """Return where each pixel of a patch comes from, relative to the middle of what it is cut from.

    Parameters
    ----------
    size
        Y, X of the patch.
    matrix
        (2, 2): from a step in the patch to the step in what it is cut from.
    bend
        Coefficients of :func:`smooth_field`, (2, KNOTS + 3, KNOTS + 3), in pixels of the patch, moved before
        ``matrix`` is applied; None for none.

    Returns
    -------
    array
        float64 (2, Y, X).
    """
    rows, columns = (np.arange(side) - (side - 1) / 2 for side in size)
    places = np.stack(np.broadcast_arrays(rows[:, None], columns[None, :]))
    if bend is not None:
        places = places + smooth_field(size, bend)
    return np.asarray(np.einsum("ij,jyx->iyx", matrix, places))


def read_at(arrays: Mapping[str, Array], places: Floats, smooth: tuple[str, ...]) -> dict[str, Array]:
    """Return arrays read at other places of their last two axes, each pixel an area around its integer place.

    Parameters
    ----------
    arrays
        (..., Y, X), of one size along Y and X.
    places
        float64 (2, Y, X) of the result: the row and the column that each pixel comes from.
    smooth
        Names of those that are interpolated linearly; others take the nearest pixel.

    Returns
    -------
    dict
        Arrays of the type that they had, 0 where a place lies outside.
    """
    found = {}
    for name, array in arrays.items():
        flat = np.ascontiguousarray(array).reshape(-1, *array.shape[-2:])
        result = np.zeros((len(flat), *places.shape[1:]), array.dtype)
        (_linear if name in smooth else _nearest)(flat, places, result)
        found[name] = result.reshape(*array.shape[:-2], *places.shape[1:])
    return found


@compiled
def _linear(planes: Any, places: Any, result: Any) -> None:
    count, height, width = planes.shape
    for y in range(places.shape[1]):
        for x in range(places.shape[2]):
            v, u = places[0, y, x], places[1, y, x]
            if v < -0.5 or u < -0.5 or v >= height - 0.5 or u >= width - 0.5:
                continue
            v, u = min(max(v, 0.0), height - 1.0), min(max(u, 0.0), width - 1.0)
            top, left = int(v), int(u)
            below, right = min(top + 1, height - 1), min(left + 1, width - 1)
            v, u = v - top, u - left
            for n in range(count):
                upper = planes[n, top, left] * (1.0 - u) + planes[n, top, right] * u
                lower = planes[n, below, left] * (1.0 - u) + planes[n, below, right] * u
                result[n, y, x] = upper * (1.0 - v) + lower * v


@compiled
def _nearest(planes: Any, places: Any, result: Any) -> None:
    count, height, width = planes.shape
    for y in range(places.shape[1]):
        for x in range(places.shape[2]):
            v, u = int(np.floor(places[0, y, x] + 0.5)), int(np.floor(places[1, y, x] + 0.5))
            if 0 <= v < height and 0 <= u < width:
                for n in range(count):
                    result[n, y, x] = planes[n, v, u]
