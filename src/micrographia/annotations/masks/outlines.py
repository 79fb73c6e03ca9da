"""Label images to outlines along the edges of pixels, from which the same label image can be made again."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.annotations.conforming import conform
from micrographia.annotations.masks.blocks import Labels, as_image, planes
from micrographia.annotations.masks.kernels import outlines
from micrographia.annotations.masks.kernels.runs import Array, Ints, paint
from micrographia.annotations.masks.regions import connected, runs_of

Floats = npt.NDArray[np.float64]
Corners = npt.NDArray[np.int32]


class Ring(NamedTuple):
    """One ring of an outline; ``ring`` 0 is the outer one of its part, the others are holes."""

    label: int
    part: int
    ring: int
    y: Floats
    x: Floats


class _Loop(NamedTuple):
    component: int
    hole: bool
    i: Corners
    j: Corners


def rings_of(labels: Array, connectivity: int = 1) -> list[Ring]:
    """Return the outlines of all labels of a plane (Y, X), sorted by label, part and ring.

    See :func:`polygons_from_labels` for ``connectivity``; coordinates are those of polygons.
    """
    if connectivity not in (1, 2):
        raise ValueError(f"connectivity is 1 or 2, not {connectivity}")
    runs = runs_of(labels[None])
    component, values = connected(runs, connectivity)
    region = np.zeros(labels.shape, np.uint32)
    paint(region, runs.row, runs.x0, runs.x1, component + 1)
    most, corners = outlines.count_corners(region)
    i, j = np.empty(corners, np.int32), np.empty(corners, np.int32)
    starts, owner, area = np.empty(most + 1, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    pinched = np.zeros(most, np.bool_)
    count = outlines.trace(region, connectivity == 2, i, j, starts, owner, pinched, area)
    loops: list[_Loop] = []
    for k in range(count):
        ring = slice(starts[k], starts[k + 1])
        if pinched[k] and connectivity == 1:
            loops += [_Loop(int(owner[k]) - 1, _area(*loop) < 0, *loop) for loop in _simple(i[ring], j[ring])]
        else:
            loops.append(_Loop(int(owner[k]) - 1, bool(area[k] < 0), i[ring], j[ring]))
    return _sorted(loops, values)


def _simple(i: Corners, j: Corners) -> list[tuple[Corners, Corners]]:
    keys = i.astype(np.int64) << 32 | j
    _, rank = np.unique(keys, return_inverse=True)
    order, starts = np.empty(len(keys), np.int64), np.empty(len(keys) + 1, np.int64)
    count = outlines.split(rank.astype(np.int64), order, starts)
    loops = []
    for k in range(count):
        loop = order[starts[k] : starts[k + 1]]
        first = int(np.argmin(keys[loop]))
        loop = np.roll(loop, -first)
        loops.append((i[loop], j[loop]))
    return loops


def _sorted(loops: list[_Loop], values: Ints) -> list[Ring]:
    part: list[int] = []
    parts: dict[int, int] = {}
    for label in values.tolist():
        part.append(parts.get(label, 0))
        parts[label] = part[-1] + 1
    keyed = sorted(
        (int(values[loop.component]), part[loop.component], loop.hole, int(loop.i[0]), int(loop.j[0]), n)
        for n, loop in enumerate(loops)
    )
    rings: list[Ring] = []
    for label, number, hole, *_, n in keyed:
        index = rings[-1].ring + 1 if hole else 0
        rings.append(Ring(label, number, index, _edges(loops[n].i), _edges(loops[n].j)))
    return rings


def _edges(corners: Corners) -> Floats:
    return corners.astype(np.float64) - 0.5


def _area(i: Corners, j: Corners) -> int:
    a, b = i.astype(np.int64), j.astype(np.int64)
    return int(np.dot(np.roll(a, -1), b) - np.dot(a, np.roll(b, -1)))


def polygons_from_labels(
    labels: Labels, *, axes: str | None = None, connectivity: int = 1, image: str = "", set_name: str = ""
) -> pd.DataFrame:
    """Return the outlines of all objects, exactly along the edges of their pixels.

    Vertices lie at half-integers, for pixel centres are integers: the outline of the single pixel (0, 0) runs through
    (-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5) and (0.5, -0.5). Outer rings run clockwise as seen on a screen, holes
    counter-clockwise. :func:`labels_from_polygons` gives back the same label image, bit for bit.

    Parameters
    ----------
    labels
        Integers, 0 is background; read plane by plane. Each plane of a volume and each time point has outlines of its
        own.
    axes
        Axes of an array if they are not the last letters of TZYX.
    connectivity
        1: pixels that meet only at a corner are parts of their own, and no ring touches itself (valid simple
        features, as GeoJSON wants them). 2: they are one part, whose ring passes the corner twice; holes that meet
        only at a corner are then holes of their own.
    image, set_name
        Go into the table.

    Returns
    -------
    DataFrame
        A ``polygons`` table; ``object_id`` is the label.
    """
    source = as_image(labels, axes)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("object_id", "t", "z", "part", "ring", "shape", "y", "x")
    }
    for t, z, plane in planes(source):
        for ring in rings_of(plane, connectivity):
            row = (
                ring.label,
                t,
                np.nan if z is None else float(z),
                ring.part,
                ring.ring,
                "polygon",
                ring.y,
                ring.x,
            )
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    frame = pd.DataFrame(columns)
    frame["image"], frame["set"] = image, set_name
    return conform(frame, "polygons")[0]


def boundary(labels: Array) -> npt.NDArray[np.bool_]:
    """Return where pixels of objects meet another object or the background, for a plane (Y, X)."""
    out = np.zeros(labels.shape, np.bool_)
    outlines.boundary(np.ascontiguousarray(labels), out)
    return out
