"""Light from nuclei, cytoplasm and cortex, voxel by voxel, before any optics; about 1 where a structure is bright."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from micrographia.simulation.compiled import compiled
from micrographia.simulation.population import COLUMN
from micrographia.simulation.shapes import NUCLEOLI, Grid, Owners, Shapes, radius_at
from micrographia.simulation.textures import LENGTH, sample

RADIUS = COLUMN["nucleus_radius"]
DNA, CONTRAST, SCALE, HOLES = (
    COLUMN[n] for n in ("dna", "chromatin_contrast", "chromatin_scale", "nucleoli")
)
RATIO, BODY, MEMBRANE, FIBRES = (COLUMN[n] for n in ("cell_ratio", "body", "membrane", "fibres"))
DOME = 0.22
"""Exponent of the light of a flat nucleus, ``(1 - distance**2) ** DOME``: nearly as bright at its rim as inside."""
CORTEX = 0.4
"""Half width of the bright line along a cell's border, in micrometers."""


@compiled
def _evenness(shapes: Shapes, flat: bool, cube: np.ndarray) -> np.ndarray:
    """Return for every nucleus the factor that makes its texture of mean 1, (n,): contrast is not brightness."""
    table, frames = shapes.table, shapes.frames
    factors = np.ones(table.shape[0])
    layers = 1 if flat else 5
    for i in range(table.shape[0]):
        total, weights = 0.0, 0.0
        for layer in range(layers):
            lift = 0.0 if flat else 0.4 * (layer - 2)
            dz = lift * shapes.heights[i, 0]
            wide = np.sqrt(1 - lift * lift)
            for ring in range(14):
                part = wide * (ring + 0.5) / 14
                for spoke in range(32):
                    turn = (spoke + 0.5 * (ring % 2)) * np.pi / 16
                    dy, dx = np.sin(turn), np.cos(turn)
                    out = part * radius_at(shapes.nuclei, i, dy, dx)
                    cos, sin = frames[i, 0], frames[i, 1]
                    u, v = out * (dx * cos + dy * sin), out * (dy * cos - dx * sin)
                    # a ring's share of the area grows with its radius and with the outline squared
                    weight = wide * out * out / part * ((1 - part * part) ** DOME if flat else 1.0)
                    total += weight * _chromatin(
                        table, cube, i, dz, u, v, frames[i, 2], frames[i, 3], frames[i, 4]
                    )
                    weights += weight
        factors[i] = weights / total
    return factors


@compiled
def _chromatin(
    table: np.ndarray,
    cube: np.ndarray,
    i: int,
    dz: float,
    u: float,
    v: float,
    oz: float,
    oy: float,
    ox: float,
) -> float:
    zoom = LENGTH / table[i, SCALE]
    coarse = sample(cube, oz + dz * zoom, oy + v * zoom, ox + u * zoom)
    fine = sample(cube, oz + 7 + 2.2 * dz * zoom, ox + 2.2 * v * zoom, oy + 2.2 * u * zoom)
    return float(np.exp(table[i, CONTRAST] * (0.8 * coarse + 0.6 * fine)))


class Place(NamedTuple):
    """One voxel as seen by its cell: offset from the centre, the same turned along the cell, where texture is read."""

    dz: float
    dy: float
    dx: float
    u: float
    v: float
    oz: float
    oy: float
    ox: float


@compiled
def paint(
    shapes: Shapes, grid: Grid, owners: Owners, cube: np.ndarray, slots: np.ndarray, light: np.ndarray
) -> None:
    """Add the light of the continuous structures of some planes, in place.

    ``light`` is (structures, planes, Y, X) float32; ``slots`` says where in it nucleus, body and membrane go, -1 for
    nowhere. In a flat picture the light is summed over the height of the cell, in a stack it is that of the voxel.
    """
    planes, rows, columns = owners.cell.shape
    positions, frames, table, nucleoli = shapes.positions, shapes.frames, shapes.table, shapes.nucleoli
    even = _evenness(shapes, grid.flat, cube)
    for p in range(planes):
        for y in range(rows):
            for x in range(columns):
                i = owners.cell[p, y, x] - 1
                if i < 0:
                    continue
                place = _place(positions, frames, grid, i, p, y, x)
                in_nucleus = owners.nucleus[p, y, x] == i + 1
                if in_nucleus and slots[0] >= 0:
                    shine = _nucleus(table, nucleoli, grid, i, owners.nucleus_d[p, y, x], place, cube)
                    light[slots[0], p, y, x] += shine * even[i]
                if slots[1] < 0 and slots[2] < 0:
                    continue
                distance = owners.cell_d[p, y, x]
                size = table[i, RADIUS] * table[i, RATIO]
                inner = max(0.0, min(1 - distance, 0.5 * (owners.next_d[p, y, x] - distance)) * size)
                if slots[1] >= 0:
                    light[slots[1], p, y, x] += _body(
                        table, grid, i, distance, inner, in_nucleus, place, cube
                    )
                if slots[2] >= 0:
                    light[slots[2], p, y, x] += _membrane(table, grid, i, inner, place, cube)


@compiled
def _place(positions: np.ndarray, frames: np.ndarray, grid: Grid, i: int, p: int, y: int, x: int) -> Place:
    dz = 0.0 if grid.flat else (grid.origin + p) * grid.step_z - positions[i, 0]
    dy = y * grid.step - positions[i, 1]
    dx = x * grid.step - positions[i, 2]
    cos, sin = frames[i, 0], frames[i, 1]
    u, v = dx * cos + dy * sin, dy * cos - dx * sin
    return Place(dz, dy, dx, u, v, frames[i, 2], frames[i, 3], frames[i, 4])


@compiled
def _nucleus(
    table: np.ndarray, nucleoli: np.ndarray, grid: Grid, i: int, distance: float, at: Place, cube: np.ndarray
) -> float:
    if grid.flat:
        value = max(0.0, 1 - distance * distance) ** DOME
    else:
        value = min(1.0, max(0.0, (1 - distance) * table[i, RADIUS] / grid.step + 0.5))
    value *= _chromatin(table, cube, i, at.dz, at.u, at.v, at.oz, at.oy, at.ox)
    for k in range(NUCLEOLI):
        size = nucleoli[i, k, 3]
        if size > 0:
            z = at.dz - nucleoli[i, k, 0]
            y = at.dy - nucleoli[i, k, 1]
            x = at.dx - nucleoli[i, k, 2]
            near = np.sqrt(z * z + y * y + x * x) / size
            if near < 1.25:
                value *= 1 - table[i, HOLES] * min(1.0, (1.25 - near) / 0.5)
    return float(value * table[i, DNA])


@compiled
def _body(
    table: np.ndarray,
    grid: Grid,
    i: int,
    distance: float,
    inner: float,
    in_nucleus: bool,
    at: Place,
    cube: np.ndarray,
) -> float:
    zoom = LENGTH / 1.1
    grain = 0.32 * sample(cube, at.oz + 21 + at.dz * zoom, at.oy + at.v * zoom, at.ox + at.u * zoom)
    value = np.exp(grain - 0.05) * min(1.0, inner / 1.2 + 0.25)
    if grid.flat:
        value *= 0.22 + 0.78 * np.exp(-(distance * distance) / 0.36)
    if in_nucleus:
        value *= 0.55 if grid.flat else 0.15
    return float(value * table[i, BODY])


@compiled
def _membrane(table: np.ndarray, grid: Grid, i: int, inner: float, at: Place, cube: np.ndarray) -> float:
    zoom = LENGTH / 2.2
    patchy = np.exp(
        0.55 * sample(cube, at.oz + 33 + at.dz * zoom, at.ox + at.v * zoom, at.oy + at.u * zoom) - 0.15
    )
    rim = np.exp(-((inner / CORTEX) ** 2)) * patchy
    along, across = LENGTH / 16.0, LENGTH / 1.5
    bend = 0.12 * sample(cube, at.oz + 5, at.ox + at.v * 0.15, at.oy + at.u * 0.15) / 0.15
    wave = sample(cube, at.oz + 47, at.oy + (at.v + bend) * across, at.ox + at.u * along)
    strand = max(0.0, 1 - abs(wave) / 0.6)
    threads = strand * strand * min(1.0, inner / 1.0 + 0.1) * patchy
    if not grid.flat:
        threads *= np.exp(-((inner / 1.5) ** 2))
    share = table[i, FIBRES]
    return float((1.4 * (1 - share) * rim + share * (0.7 * rim + 0.8 * threads) + 0.05) * table[i, MEMBRANE])
