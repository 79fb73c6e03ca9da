"""The single objects of an image: how large and how crowded each is, and how well it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.boundary_steps import deep
from micrographia.segmentation.metrics.contingency import Contingency, match
from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]

DIGITS = 6
"""Digits after the point that the IoU of an object is kept with."""


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
    density
        Number of other objects of its image nearby: with their centroid within two median diameters of its own
        (:func:`densities`), int64 ``(n,)``.
    """

    sizes: Array
    iou: Array
    matched: Array
    density: Array

    def __len__(self) -> int:
        return len(self.sizes)

    def to_json(self) -> dict[str, list[Any]]:
        """Return lists of numbers."""
        return {
            "sizes": self.sizes.tolist(),
            "iou": [round(value, DIGITS) for value in self.iou.tolist()],
            "matched": self.matched.astype(int).tolist(),
            "density": self.density.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Sequence[Any]]) -> Self:
        """Return what :meth:`to_json` wrote."""
        return cls(
            np.array(stored["sizes"], np.int64),
            np.array(stored["iou"], np.float64),
            np.array(stored["matched"], np.bool_),
            np.array(stored["density"], np.int64),
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
        density = densities(labels, everyone, sides)[np.searchsorted(everyone, ids)]
        both.append((sizes, best, hit, density))
    judged = table.judged
    return Objects(*both[0]), Objects(*(column[judged] for column in both[1]))


def densities(labels: Array, ids: Array, sides: tuple[float, ...] | None) -> Array:
    """Return how many other objects lie near each object.

    Near are objects whose centroid is within two median diameters of its own; the diameter is that of a disc (in 3D a
    ball) of the size of an object, the median over the objects of the image. Equal discs that are packed as densely as
    can be have 18 others near each, those that lie more than two diameters apart none.

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
    int64 ``(n,)``.
    """
    from scipy.spatial import KDTree

    from micrographia.segmentation.scoring.kernels import places

    if len(ids) < 2:
        return np.zeros(len(ids), np.int64)
    solid = deep(labels)
    sums = np.zeros((len(ids), 4), np.int64)
    places(solid, ids.astype(solid.dtype), sums)
    lengths = np.array((1.0,) * (3 - labels.ndim) + (sides or (1.0,) * labels.ndim))
    centres = sums[:, 1:] / sums[:, :1] * lengths
    reach = 4 * float(np.median(radius(sums[:, 0] * lengths.prod(), labels.ndim)))
    tree = KDTree(centres)
    return np.asarray(tree.query_ball_point(centres, reach * (1 + 1e-9), return_length=True) - 1, np.int64)


def radius(size: Array, ndim: int) -> Array:
    """Return the radius of the disc or ball of a size: ``sqrt(A / pi)``, ``cbrt(3 V / (4 pi))``."""
    return np.asarray(np.sqrt(size / pi) if ndim == 2 else np.cbrt(3 * size / (4 * pi)))
