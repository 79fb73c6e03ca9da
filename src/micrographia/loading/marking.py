"""Boxes and points of a patch: cut and scaled as its pixels are, or measured in its mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.loading.geometry import Geometry
from micrographia.loading.tables import UNKNOWN, Marks

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


def cut_boxes(marks: Marks, shape: Geometry, start: npt.NDArray[np.int64]) -> Marks:
    """Return the part of each box that lies in a patch, in its pixels; boxes that do not are left out.

    An edge e becomes ``(e - start) * zoom``: edges are half-open, pixel i reaches from i to i + 1.
    """
    zoom = np.array(shape.zoom)
    low = (marks.places[:, :3] - start) * zoom
    high = (marks.places[:, 3:] - start) * zoom
    inside = np.minimum(np.array(shape.patch, np.float64), (np.array(shape.shape) - start) * zoom)
    low, high = np.clip(low, 0, inside), np.clip(high, 0, inside)
    kept = (high > low).all(axis=1)
    return _kept(marks, np.concatenate([low, high], axis=1), kept)


def cut_points(marks: Marks, shape: Geometry, start: npt.NDArray[np.int64]) -> Marks:
    """Return the points that lie in a patch, in its pixels.

    A point p becomes ``(p - start + 0.5) * zoom - 0.5``: integers are centres of pixels.
    """
    zoom = np.array(shape.zoom)
    places = (marks.places - start + 0.5) * zoom - 0.5
    everywhere = np.isnan(places)
    inside = np.minimum(np.array(shape.patch, np.float64), (np.array(shape.shape) - start) * zoom)
    kept = (((places >= -0.5) & (places < inside - 0.5)) | everywhere).all(axis=1)
    return _kept(marks, np.where(everywhere, 0.0, places), kept)


def _kept(marks: Marks, places: Floats, kept: npt.NDArray[np.bool_]) -> Marks:
    return Marks(places[kept], marks.ids[kept], marks.classes[kept], marks.ignore[kept])


def measured(mask: Array, classes: Mapping[int, int], ignored: tuple[int, ...]) -> tuple[Marks, Marks]:
    """Return the boxes around the objects of a patch, and the means of their pixels, as far as they are seen.

    Parameters
    ----------
    mask
        Z, Y, X.
    classes
        Class of each object that has one.
    ignored
        Objects that are left out of training.
    """
    from micrographia.annotations import ObjectAccumulator

    summed = ObjectAccumulator(mask.shape, "ZYX")
    summed.add(mask)
    found = summed.measures()
    ids = found["label_id"].astype(np.int64)
    held = np.array([classes.get(one, UNKNOWN) for one in ids.tolist()], np.int64)
    ignore = np.isin(ids, ignored)
    boxes = np.stack([found[name] for name in ("z0", "y0", "x0", "z1", "y1", "x1")], axis=1).astype(
        np.float64
    )
    points = np.stack([found[axis] for axis in "zyx"], axis=1).astype(np.float64)
    return Marks(boxes, ids, held, ignore), Marks(points, ids, held, ignore)


def listed(prefix: str, marks: Marks, *, flat: bool) -> dict[str, Array]:
    """Return marks as entries of a patch: without Z in a patch that is a plane."""
    places = marks.places
    if flat:
        places = places[:, [1, 2, 4, 5]] if places.shape[1] == 6 else places[:, 1:]
    names = {"boxes": "box", "points": "point"}[prefix]
    return {
        prefix: np.ascontiguousarray(places),
        f"{names}_ids": marks.ids,
        f"{names}_classes": marks.classes,
        f"{names}_ignore": marks.ignore,
    }
