"""The single objects of an image: how large and how crowded each is, and how well it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, pi
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.contingency import Contingency, match
from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]

DIGITS = 6
"""Digits after the point that the IoU of an object and its distance to others are kept with."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of one label image that count, one entry each, by ascending id.

    Attributes
    ----------
    sizes
        Number of counted pixels, int64 ``(n,)``.
    iou
        IoU with the object of the other image that it overlaps best, 0 without overlap, float64 ``(n,)``.
    matched
        Whether it is matched at an IoU of 0.5 or more, bool ``(n,)``.
    neighbour
        Distance of its centroid to that of the nearest other object, divided by the sum of the radii of both (of discs
        or balls of the same size): 1 for two equal discs that touch. Smaller is denser. Infinite for a single object,
        float64 ``(n,)``.
    """

    sizes: Array
    iou: Array
    matched: Array
    neighbour: Array

    def __len__(self) -> int:
        return len(self.sizes)

    def to_json(self) -> dict[str, list[Any]]:
        """Return numbers and lists only; an infinite distance is None."""
        return {
            "sizes": self.sizes.tolist(),
            "iou": [round(value, DIGITS) for value in self.iou.tolist()],
            "matched": self.matched.astype(int).tolist(),
            "neighbour": [round(v, DIGITS) if isfinite(v) else None for v in self.neighbour.tolist()],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Sequence[Any]]) -> Self:
        """Return what :meth:`to_json` wrote."""
        neighbour = [float("inf") if value is None else value for value in stored["neighbour"]]
        return cls(
            np.array(stored["sizes"], np.int64),
            np.array(stored["iou"], np.float64),
            np.array(stored["matched"], np.bool_),
            np.array(neighbour, np.float64),
        )


def sides_of(pixel_size: float | Sequence[float] | None, ndim: int) -> tuple[float, ...] | None:
    """Return the size of a pixel along each axis, None if it is unknown (None or NaN).

    Raises
    ------
    SegmentationError
        If it is not above 0, or there is neither one nor one an axis.
    """
    if pixel_size is None:
        return None
    given = np.atleast_1d(np.asarray(pixel_size, np.float64))
    if np.isnan(given).any():
        return None
    if given.size not in (1, ndim) or not (np.isfinite(given).all() and (given > 0).all()):
        raise SegmentationError(
            "", f"{pixel_size} is no size of pixels of {ndim} axes", "Give one number above 0, or one an axis"
        )
    return tuple(np.broadcast_to(given, (ndim,)).tolist())


def objects_of(
    table: Contingency, truth: Array, predicted: Array, sides: tuple[float, ...] | None
) -> tuple[Objects, Objects]:
    """Return the objects of truth and prediction that are judged.

    Parameters
    ----------
    table
        The contingency table of both.
    truth, predicted
        Label images, ``(Y, X)`` or ``(Z, Y, X)``.
    sides
        Size of a pixel along each axis; None for 1.
    """
    found = match(table, 0.5)
    iou = table.iou
    both = []
    for labels, ids, more, index, matched, sizes in (
        (
            truth,
            table.truth_ids,
            table.not_judged,
            table.truth_index,
            found.truth_matched,
            table.truth_sizes,
        ),
        (
            predicted,
            table.predicted_ids,
            (),
            table.predicted_index,
            found.predicted_matched,
            table.predicted_sizes,
        ),
    ):
        best = np.zeros(len(ids))
        np.maximum.at(best, index, iou)
        hit = np.zeros(len(ids), np.bool_)
        hit[matched] = True
        everyone = np.union1d(ids, np.asarray(more, ids.dtype))
        neighbour = neighbours(labels, everyone, sides)[np.searchsorted(everyone, ids)]
        both.append((sizes, best, hit, neighbour))
    judged = table.judged
    return Objects(*both[0]), Objects(*(column[judged] for column in both[1]))


def neighbours(labels: Array, ids: Array, sides: tuple[float, ...] | None) -> Array:
    """Return the distance of each object to its nearest neighbour, in sums of their radii.

    The nearest neighbour of an object is the one whose centroid is nearest. Their distance is divided by the sum of the
    radii that discs (in 3D balls) of their sizes have: two equal discs that touch are 1 apart.

    Parameters
    ----------
    labels
        Label image, ``(Y, X)`` or ``(Z, Y, X)``.
    ids
        The objects, ascending ``(n,)``.
    sides
        Size of a pixel along each axis; None for 1.

    Returns
    -------
    float64 ``(n,)``; infinite for a single object.
    """
    from scipy.spatial import KDTree

    from micrographia.segmentation.scoring.kernels import places

    if len(ids) < 2:
        return np.full(len(ids), np.inf)
    plain = np.ascontiguousarray(labels)
    unsigned = f"u{plain.dtype.itemsize}"
    deep = plain.view(unsigned).reshape((1,) * (3 - plain.ndim) + plain.shape)
    sums = np.zeros((len(ids), 4), np.int64)
    places(deep, ids.astype(unsigned), sums)
    lengths = np.array((1.0,) * (3 - plain.ndim) + (sides or (1.0,) * plain.ndim))
    centres = sums[:, 1:] / sums[:, :1] * lengths
    radii = radius(sums[:, 0] * lengths.prod(), plain.ndim)
    distance, nearest = KDTree(centres).query(centres, k=2)
    # Of two objects with one centroid either may come first.
    own = nearest[:, 0] == np.arange(len(ids))
    other = np.where(own, nearest[:, 1], nearest[:, 0])
    return np.asarray(np.where(own, distance[:, 1], distance[:, 0]) / (radii + radii[other]))


def radius(size: Array, ndim: int) -> Array:
    """Return the radius of the disc or ball of a size: ``sqrt(A / pi)``, ``cbrt(3 V / (4 pi))``."""
    return np.asarray(np.sqrt(size / pi) if ndim == 2 else np.cbrt(3 * size / (4 * pi)))
