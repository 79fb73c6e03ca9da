"""The objects of frames: where they are, how large, of which class. They are read from tables, or measured once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.dataset import Dataset
from micrographia.loading.frames import Frame
from micrographia.loading.reading import Box, Files, read_labels
from micrographia.loading.tables import UNKNOWN, Marks, Tables
from micrographia.work import Progress, stream

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TILE = 1 << 23
"""Labels of a large frame are looked at in boxes of so many pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """The objects of one frame that count: those that are ignored are left out.

    Parameters
    ----------
    ids
        (n,); the value of its pixels for an object of a mask.
    centres
        Z, Y, X of the mean of its pixels, (n, 3).
    diameters
        Of the circle or ball of the same area or volume, in pixels, (n,); in a stack that is cut into planes, the mean
        of the sides of its box along Y and X.
    classes
        (n,); -1 where it is not known.
    """

    ids: Ints
    centres: Floats
    diameters: Floats
    classes: Ints

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.ids)


def find_objects(
    frames: Sequence[Frame],
    datasets: Sequence[Dataset],
    tables: Sequence[Tables],
    sets: Sequence[str],
    *,
    flat: bool,
) -> list[Objects]:
    """Return the objects of each frame.

    A converted dataset lists them in ``annotations/objects.parquet``; those of another are measured, in bounded memory.

    Parameters
    ----------
    frames
        The frames; each has masks.
    datasets, tables, sets
        Of the datasets, and the set of masks that is wanted of each.
    flat
        Whether patches are planes.

    Raises
    ------
    MicrographiaError
        If masks cannot be read.
    """
    files = Files()
    semantic = [is_semantic(dataset, name) for dataset, name in zip(datasets, sets, strict=True)]
    found: list[Objects] = []

    def look(frame: Frame) -> Objects:
        said, name = tables[frame.dataset], sets[frame.dataset]
        if semantic[frame.dataset]:
            return _patches_of_classes(files, frame)
        listed = _listed(said, frame, name, flat=flat)
        return listed if listed is not None else _measured(files, frame, said, name, flat=flat)

    try:
        with Progress("objects", len(frames)) as progress:
            for outcome in stream(look, frames, kind="threads", name=lambda frame: frame.image_id):
                found.append(outcome.result())
                progress.advance()
    finally:
        files.close()
    return found


def is_semantic(dataset: Dataset, name: str) -> bool:
    """Return whether the values of a set of masks stand for classes, as ``mifa.yaml`` says."""
    described = dataset.set_described(name)
    return described is not None and described.mask_kind in ("semantic", "binary")


def marked(marks: Marks, planes: int) -> Objects:
    """Return boxes or points as objects; those that are ignored are left out."""
    places = marks.places[~marks.ignore]
    if places.shape[1] == 6:
        low, high = places[:, :3], places[:, 3:]
        centres, diameters = (low + high - 1) / 2, (high - low)[:, 1:].mean(axis=1)
    else:
        centres = places.copy()
        centres[:, 0] = np.where(np.isnan(centres[:, 0]), (planes - 1) / 2, centres[:, 0])
        diameters = np.full(len(places), np.nan)
    return Objects(marks.ids[~marks.ignore], centres, diameters, marks.classes[~marks.ignore])


def _listed(tables: Tables, frame: Frame, name: str, *, flat: bool) -> Objects | None:
    """Return the objects that a table lists with place and area; None if it does not."""
    rows = tables.rows("objects", frame.image_id, frame.time, name)
    if rows is None:
        return None
    rows = rows[~rows["ignore"].to_numpy(np.bool_)]
    columns = {
        column: rows[column].to_numpy(np.float64, na_value=np.nan)
        for column in ("label_id", "area", "y0", "x0", "y1", "x1", "z", "y", "x")
    }
    if np.isnan(np.stack([columns[column] for column in ("area", "y", "x")])).any():
        return None
    columns["z"] = np.where(np.isnan(columns["z"]), 0.0, columns["z"])
    return _objects(columns, frame, tables.classes(frame.image_id, frame.time, name), flat=flat)


def _measured(files: Files, frame: Frame, tables: Tables, name: str, *, flat: bool) -> Objects:
    from micrographia.annotations import ObjectAccumulator

    opened = files.opened(frame)
    columns: dict[str, list[Array]] = {}
    for layer in range(len(opened.layers)):
        summed = ObjectAccumulator(frame.shape, "ZYX", path=opened.layers[layer].path)
        one = type(opened)(opened.image, (opened.layers[layer],), ())
        for box in boxes_of(frame):
            labels = read_labels(one, frame, box)
            if labels is not None:
                summed.add(labels, [part.start for part in box])
        for column, values in summed.measures().items():
            columns.setdefault(column, []).append(values)
    joined = {column: np.concatenate(parts).astype(np.float64) for column, parts in columns.items()}
    kept = ~np.isin(joined["label_id"], frame.ignored)
    joined = {column: values[kept] for column, values in joined.items()}
    return _objects(joined, frame, tables.classes(frame.image_id, frame.time, name), flat=flat)


def _objects(columns: dict[str, Floats], frame: Frame, classes: dict[int, int], *, flat: bool) -> Objects:
    area = columns["area"]
    if frame.shape[0] == 1:
        diameters = 2 * np.sqrt(area / math.pi)
    elif flat:
        diameters = (columns["y1"] - columns["y0"] + columns["x1"] - columns["x0"]) / 2
    else:
        diameters = 2 * np.cbrt(3 * area / (4 * math.pi))
    ids = columns["label_id"].astype(np.int64)
    held = np.array([classes.get(one, UNKNOWN) for one in ids.tolist()], np.int64)
    return Objects(ids, np.stack([columns[axis] for axis in "zyx"], axis=1), diameters, held)


def _patches_of_classes(files: Files, frame: Frame) -> Objects:
    """Return the connected parts of each class, cut at the edges of boxes, each by a pixel in its middle."""
    from micrographia.annotations.masks.regions import connected, runs_of

    opened = files.opened(frame)
    classes: list[Ints] = [np.zeros(0, np.int64)]
    places: list[Ints] = [np.zeros((0, 3), np.int64)]
    areas: list[Ints] = [np.zeros(0, np.int64)]
    for box in boxes_of(frame):
        labels = read_labels(opened, frame, box)
        if labels is None or not labels.any():
            continue
        runs = runs_of(labels)
        component, values = connected(runs, 2 if len(labels) == 1 else 3)
        order = np.argsort(component, kind="stable")
        lengths = (runs.x1 - runs.x0)[order]
        area = np.bincount(component, runs.x1 - runs.x0).astype(np.int64)
        ends = np.cumsum(area)
        # The middle pixel of a part in raster order lies in it, which its centre of mass need not.
        half = ends - area + area // 2
        run = np.searchsorted(np.cumsum(lengths), half, side="right")
        before = np.cumsum(lengths)[run] - lengths[run]
        row, x = runs.row[order][run], runs.x0[order][run] + half - before
        low = np.array([part.start for part in box])
        places.append(np.stack([row // labels.shape[1], row % labels.shape[1], x], axis=1) + low)
        classes.append(values.astype(np.int64))
        areas.append(area)
    found, size = np.concatenate(classes), np.concatenate(areas)
    return Objects(found, np.concatenate(places).astype(np.float64), 2 * np.sqrt(size / math.pi), found)


def boxes_of(frame: Frame) -> list[Box]:
    """Return boxes of whole chunks that tile a frame, of about :data:`TILE` pixels each."""
    step = list(frame.chunk)
    for axis in (2, 1, 0):
        room = TILE // math.prod(step)
        if room > 1:
            step[axis] = min(frame.shape[axis], step[axis] * room)
    return [
        (
            slice(z, min(z + step[0], frame.shape[0])),
            slice(y, min(y + step[1], frame.shape[1])),
            slice(x, min(x + step[2], frame.shape[2])),
        )
        for z in range(0, frame.shape[0], step[0])
        for y in range(0, frame.shape[1], step[1])
        for x in range(0, frame.shape[2], step[2])
    ]
