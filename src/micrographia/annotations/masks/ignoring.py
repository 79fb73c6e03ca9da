"""The annotated region, and which objects training and scoring leave out because of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.annotations.masks.blocks import Labels, as_image, frames, read_block
from micrographia.annotations.masks.convert import labels_from_boxes, labels_from_polygons
from micrographia.annotations.masks.kernels import measure
from micrographia.annotations.masks.kernels.runs import Array
from micrographia.annotations.masks.regions import runs_of, slots_of
from micrographia.errors import AnnotationError


def annotated_region(
    shape: Sequence[int], *, boxes: pd.DataFrame | None = None, polygons: pd.DataFrame | None = None
) -> npt.NDArray[np.bool_]:
    """Return where an image was annotated: the pixels inside any of the given boxes and polygons.

    Parameters
    ----------
    shape
        (Y, X) or (Z, Y, X).
    boxes, polygons
        Tables of one image and time point. Without either, the whole image counts as annotated.
    """
    if boxes is None and polygons is None:
        return np.ones(tuple(shape), np.bool_)
    region = np.zeros(tuple(shape), np.bool_)
    for table, paint in ((boxes, labels_from_boxes), (polygons, labels_from_polygons)):
        if table is not None and len(table):
            for layer in paint(table, shape).layers:
                region |= layer != 0
    return region


def region_coverage(labels: Labels, region: Labels, *, axes: str | None = None) -> pd.DataFrame:
    """Return for each object how many of its pixels lie in the annotated region.

    Parameters
    ----------
    labels
        Instance mask, 0 is background.
    region
        Of the same shape; what is not 0 was annotated.
    axes
        Axes of arrays if they are not the last letters of TZYX.

    Returns
    -------
    DataFrame
        Columns ``t`` (missing without time), ``label_id``, ``area`` and ``inside`` (pixels).

    Raises
    ------
    AnnotationError
        If the shapes differ.
    """
    source, annotated = as_image(labels, axes), as_image(region, axes)
    if (source.axes, source.shape) != (annotated.axes, annotated.shape):
        raise AnnotationError(
            annotated.path,
            f"the annotated region is {annotated.axes} {annotated.shape}, the mask {source.axes} {source.shape}",
        )
    tables = []
    for t in frames(source):
        block, where = read_block(source, t), read_block(annotated, t)
        runs = runs_of(block)
        slot, ids = slots_of(runs)
        area, inside = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
        np.add.at(area, slot, runs.x1 - runs.x0)
        flat: Array = where.reshape(-1, where.shape[-1])
        measure.inside(runs.row, runs.x0, runs.x1, slot, flat, inside)
        order = np.argsort(ids)
        frame = pd.DataFrame({"label_id": ids[order], "area": area[order], "inside": inside[order]})
        frame.insert(0, "t", pd.Series([t] * len(frame), dtype="Int64"))
        tables.append(frame)
    return pd.concat(tables, ignore_index=True)


def mark_ignored(
    objects: pd.DataFrame, labels: Labels, region: Labels, *, axes: str | None = None, least: float = 0.5
) -> pd.DataFrame:
    """Return the objects with ``ignore`` set where less than a share of the object was annotated.

    Parameters
    ----------
    objects
        The ``objects`` table of ``labels``. What is ignored already stays ignored.
    labels, region, axes
        As in :func:`region_coverage`.
    least
        Share of an object's pixels, 0 to 1, that must lie in the annotated region.
    """
    coverage = region_coverage(labels, region, axes=axes)
    low = coverage[coverage["inside"] < least * coverage["area"]]
    outside = set(zip(low["t"].fillna(-1).tolist(), low["label_id"].tolist(), strict=True))
    keys = zip(objects["t"].fillna(-1).tolist(), objects["label_id"].tolist(), strict=True)
    marked = objects.copy()
    marked["ignore"] = objects["ignore"] | np.array([key in outside for key in keys], np.bool_)
    return marked
