"""Connected components: semantic masks to instances and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from micrographia.annotations.masks.blocks import Labels, as_image, frames, read_block
from micrographia.annotations.masks.kernels import components
from micrographia.annotations.masks.kernels.runs import Array, Ints, Runs, extract, insert, paint
from micrographia.annotations.masks.objects import objects_table
from micrographia.errors import AnnotationError


def runs_of(block: Array) -> Runs:
    """Return the runs of a block (Z, Y, X).

    Raises
    ------
    AnnotationError
        If a label is larger than int64 holds.
    """
    try:
        return extract(block)
    except OverflowError as error:
        raise AnnotationError("", str(error), "Number the objects anew") from error


def slots_of(runs: Runs) -> tuple[Ints, Ints]:
    """Return the slot of each run, and the label of each slot, in the order in which labels first occur."""
    keys, slots, ids = np.zeros(64, np.int64), np.full(64, -1, np.int64), np.zeros(32, np.int64)
    _, _, ids, count, slot = insert(runs.value, keys, slots, ids, 0)
    return slot, ids[:count].copy()


def connected(runs: Runs, connectivity: int) -> tuple[Ints, Ints]:
    """Return the component of each run, from 0 in raster order, and the label of each component."""
    slot, labels = slots_of(runs)
    links = np.zeros(len(labels), np.int64)
    parent = components.link(
        runs.starts, runs.shape[0], runs.shape[1], runs.x0, runs.x1, slot, connectivity, links
    )
    component, count = components.compact(parent)
    values = np.zeros(count, np.int64)
    values[component] = runs.value
    return component, values


def smallest_dtype(maximum: int) -> np.dtype[Any]:
    """Return the smallest unsigned type that holds a label, at least uint16."""
    for name in ("uint16", "uint32"):
        if maximum <= np.iinfo(name).max:
            return np.dtype(name)
    return np.dtype("uint64")


def semantic_to_instance(
    labels: Labels,
    *,
    axes: str | None = None,
    connectivity: int | None = None,
    image: str = "",
    set_name: str = "",
) -> tuple[Array, pd.DataFrame]:
    """Turn a semantic mask into instances: the connected components of each class.

    Parameters
    ----------
    labels
        Semantic mask: the value of a pixel is its class, 0 is background. It is read whole, one time point at a time.
    axes
        Axes of an array if they are not the last letters of TZYX.
    connectivity
        In how many axes neighbouring pixels may differ; by default corners are connected.
    image, set_name
        Go into the table.

    Returns
    -------
    instances : ndarray
        Same shape, uint16 or wider: 1, 2, 3 ... in raster order of the first pixel, through all time points.
    objects : DataFrame
        An ``objects`` table with the class of each instance in ``class_id``.
    """
    source = as_image(labels, axes)
    parts, classes, total = [], [], 0
    for t in frames(source):
        block = read_block(source, t)
        runs = runs_of(block)
        component, values = connected(runs, connectivity or (2 if block.shape[0] == 1 else 3))
        numbered = np.zeros(
            (block.shape[0] * block.shape[1], block.shape[2]), smallest_dtype(total + len(values))
        )
        paint(numbered, runs.row, runs.x0, runs.x1, component + 1 + total)
        parts.append(numbered.reshape(block.shape))
        classes.append(values)
        total += len(values)
    plain = source.axes.replace("C", "")
    shape = [source.size(axis) for axis in plain]
    instances = np.stack([part.astype(parts[-1].dtype) for part in parts]).reshape(shape)
    objects = objects_table(instances, axes=plain, image=image, set_name=set_name)
    found = np.concatenate(classes) if classes else np.empty(0, np.int64)
    objects["class_id"] = pd.Series(found[objects["label_id"].to_numpy() - 1], dtype="Int64")
    return instances, objects


def instance_to_semantic(
    labels: Labels, classes: Mapping[int, int] | pd.DataFrame, *, axes: str | None = None
) -> Array:
    """Give each pixel the class of its object.

    Parameters
    ----------
    labels
        Instance mask, 0 is background.
    classes
        Label to class, or an ``objects`` table with ``label_id`` and ``class_id``.
    axes
        Axes of an array if they are not the last letters of TZYX.

    Returns
    -------
    ndarray
        Same shape, uint8 or the smallest type that holds the classes.

    Raises
    ------
    AnnotationError
        If an object has no class, or a class is negative.
    """
    source = as_image(labels, axes)
    if isinstance(classes, pd.DataFrame):
        known = classes[classes["class_id"].notna()]
        classes = dict(zip(known["label_id"].astype(int), known["class_id"].astype(int), strict=True))
    top = max(classes.values(), default=0)
    if min(classes.values(), default=0) < 0:
        raise AnnotationError(source.path, "a class id is negative", "Number classes from 1; 0 is background")
    dtype = np.dtype(np.uint8) if top < 256 else smallest_dtype(top)
    parts = []
    for t in frames(source):
        block = read_block(source, t)
        runs = runs_of(block)
        slot, ids = slots_of(runs)
        lost = [str(label) for label in ids.tolist() if label not in classes]
        if lost:
            raise AnnotationError(
                source.path,
                f"{len(lost)} objects have no class, such as {', '.join(lost[:5])}",
                "Give each object a class_id",
            )
        values = np.array([classes[label] for label in ids.tolist()], np.int64)
        painted = np.zeros((block.shape[0] * block.shape[1], block.shape[2]), dtype)
        paint(painted, runs.row, runs.x0, runs.x1, values[slot])
        parts.append(painted.reshape(block.shape))
    return np.stack(parts).reshape([source.size(axis) for axis in source.axes.replace("C", "")])
