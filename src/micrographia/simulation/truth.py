"""The truth about a field: clean labels and a table with one row for every annotated object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from micrographia.simulation.compiled import compiled
from micrographia.simulation.population import NAMES, Population

if TYPE_CHECKING:
    import pandas as pd


def clean(
    nuclei: np.ndarray, cells: np.ndarray, population: Population, flatness: float, min_visible: float,
    voxel: tuple[float, float, float],
) -> None:  # fmt: skip
    """Make labels what an annotator would draw, in place.

    Every cell is one connected piece, and so is every nucleus that is not fragmented; objects of which the field
    shows too little go.

    Parameters
    ----------
    nuclei, cells
        (planes, Y, X) int32 with the ids of the population.
    population
        The cells.
    flatness, min_visible
        As in ``Cells``.
    voxel
        Micrometers, Z Y X; Z is 0 in a single plane.
    """
    highest = int(population.ids.max(initial=0))
    scattered = np.zeros(highest + 1, np.bool_)
    scattered[population.ids] = population.column("fragmentation") > 0
    radius = population.column("nucleus_radius")
    nucleus = _expected(radius, flatness, voxel)
    body = _expected(radius * population.column("cell_ratio"), flatness, voxel)
    _keep_largest(nuclei, scattered)
    _drop_small(nuclei, _least(population, nucleus * min_visible, highest), np.zeros(highest + 1, np.bool_))
    present = np.bincount(nuclei.ravel(), minlength=highest + 1) > 0
    _keep_largest(cells, np.zeros_like(scattered))
    _drop_small(cells, _least(population, body * min_visible, highest), present)
    nuclei[nuclei != cells] = 0


def relabel(labels: np.ndarray, mapping: np.ndarray) -> None:
    """Replace ids by those of a mapping (n + 1,) int32, in place, plane by plane."""
    for plane in labels:
        plane[...] = mapping[plane]


def objects(
    nuclei: np.ndarray, cells: np.ndarray, population: Population, ids: Mapping[int, int], *, flat: bool
) -> pd.DataFrame:
    """Describe the objects of one time point.

    Parameters
    ----------
    nuclei, cells
        (planes, Y, X) int32, clean and with their final ids.
    population
        The cells.
    ids
        Final id by the population's id, of those that are annotated.
    flat
        Whether the field has no Z axis.

    Returns
    -------
    DataFrame
        One row a cell in the order of ``label_id``; columns as documented at ``Field``.
    """
    import pandas as pd

    rows = np.flatnonzero(np.isin(population.ids, list(ids)))
    labels = np.array([ids[int(number)] for number in population.ids[rows]], dtype=np.int64)
    order = np.argsort(labels, kind="stable")
    rows, labels = rows[order], labels[order]
    table = measured(nuclei, cells, labels, flat=flat)
    table.insert(1, "phenotype", population.phenotypes[rows].astype(str))
    parameters = pd.DataFrame(population.table[rows], columns=list(NAMES))
    return pd.concat([table, parameters], axis=1)


def measured(nuclei: np.ndarray, cells: np.ndarray, labels: np.ndarray, *, flat: bool) -> pd.DataFrame:
    """Measure the objects with these labels: one row each, area, centroid, touching and border of nucleus and cell."""
    import pandas as pd

    highest = int(labels.max(initial=0))
    columns: dict[str, np.ndarray] = {"label_id": labels}
    for prefix, image in (("cell", cells), ("nucleus", nuclei)):
        found = _measure(image, highest, flat)[labels]
        columns[f"{prefix}_area"] = found[:, 0].astype(np.int64)
        for axis, name in enumerate("zyx"):
            if not (flat and name == "z"):
                columns[f"{prefix}_{name}"] = found[:, 1 + axis]
        columns[f"{prefix}_touching"] = found[:, 4] > 0
        columns[f"{prefix}_at_border"] = found[:, 5] > 0
    return pd.DataFrame(columns)


def _expected(radius: np.ndarray, flatness: float, voxel: tuple[float, float, float]) -> np.ndarray:
    """Return the voxels of whole objects."""
    area = np.pi * radius**2 / (voxel[1] * voxel[2])
    return area if voxel[0] == 0 else area * (4 / 3) * radius * flatness / voxel[0]


def _least(population: Population, sizes: np.ndarray, highest: int) -> np.ndarray:
    least = np.zeros(highest + 1)
    least[population.ids] = sizes
    return least


@compiled
def _root(parents: np.ndarray, item: int) -> int:
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = parents[item]
    return item


@compiled
def _keep_largest(labels: np.ndarray, scattered: np.ndarray) -> None:
    """Set to 0 all but the largest face-connected piece of every label, but for those allowed to be scattered."""
    planes, rows, columns = labels.shape
    pieces = np.zeros(labels.shape, np.int32)
    parents = np.zeros(1024, np.int32)
    count = 1
    for p in range(planes):
        for y in range(rows):
            for x in range(columns):
                label = labels[p, y, x]
                if label == 0:
                    continue
                piece = 0
                for axis in range(3):
                    dp, dy, dx = int(axis == 0), int(axis == 1), int(axis == 2)
                    if p < dp or y < dy or x < dx or labels[p - dp, y - dy, x - dx] != label:
                        continue
                    other = _root(parents, pieces[p - dp, y - dy, x - dx])
                    if piece == 0:
                        piece = other
                    elif other != piece:
                        low, high = min(piece, other), max(piece, other)
                        parents[high] = low
                        piece = low
                if piece == 0:
                    if count == parents.shape[0]:
                        grown = np.zeros(2 * count, np.int32)
                        grown[:count] = parents
                        parents = grown
                    piece = count
                    parents[count] = count
                    count += 1
                pieces[p, y, x] = piece
    sizes = np.zeros(count, np.int64)
    owner = np.zeros(count, np.int32)
    for p in range(planes):
        for y in range(rows):
            for x in range(columns):
                if labels[p, y, x] > 0:
                    piece = _root(parents, pieces[p, y, x])
                    pieces[p, y, x] = piece
                    sizes[piece] += 1
                    owner[piece] = labels[p, y, x]
    largest = np.zeros(scattered.shape[0], np.int32)
    for piece in range(1, count):
        if sizes[piece] > 0 and (largest[owner[piece]] == 0 or sizes[piece] > sizes[largest[owner[piece]]]):
            largest[owner[piece]] = piece
    for p in range(planes):
        for y in range(rows):
            for x in range(columns):
                label = labels[p, y, x]
                if label > 0 and not scattered[label] and pieces[p, y, x] != largest[label]:
                    labels[p, y, x] = 0


def _drop_small(labels: np.ndarray, least: np.ndarray, keep: np.ndarray) -> None:
    sizes = np.bincount(labels.ravel(), minlength=len(least))
    gone = (sizes < least) & ~keep
    mapping = np.where(gone, 0, np.arange(len(least))).astype(np.int32)
    relabel(labels, mapping)


@compiled
def _measure(labels: np.ndarray, highest: int, flat: bool) -> np.ndarray:
    """Return area, centroid Z Y X (NaN where there is none), whether it touches another, whether the border."""
    planes, rows, columns = labels.shape
    found = np.zeros((highest + 1, 6))
    for p in range(planes):
        for y in range(rows):
            for x in range(columns):
                label = labels[p, y, x]
                if label == 0:
                    continue
                found[label, 0] += 1
                found[label, 1] += p
                found[label, 2] += y
                found[label, 3] += x
                edge = y == 0 or y == rows - 1 or x == 0 or x == columns - 1
                if edge or (not flat and (p == 0 or p == planes - 1)):
                    found[label, 5] = 1
                for axis in range(3):
                    dp, dy, dx = int(axis == 0), int(axis == 1), int(axis == 2)
                    if p + dp < planes and y + dy < rows and x + dx < columns:
                        other = labels[p + dp, y + dy, x + dx]
                        if other > 0 and other != label:
                            found[label, 4] = 1
                            found[other, 4] = 1
    for label in range(highest + 1):
        for axis in range(1, 4):
            found[label, axis] = found[label, axis] / found[label, 0] if found[label, 0] > 0 else np.nan
    return found
