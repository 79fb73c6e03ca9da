"""The outlines of nuclei and cell bodies, and which of them each voxel belongs to.

A voxel belongs to the object whose normalised distance (0 at the centre, 1 on the outline) is smallest there, if that
is below 1. So objects never overlap, and where they meet they share a smooth border, as crowded cells do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from micrographia.simulation.compiled import compiled
from micrographia.simulation.population import Population
from micrographia.simulation.textures import SIDE

ANGLES = 128  # a power of 2: kernels wrap around by a bit mask
NUCLEUS_WAVES = np.arange(2, 6)
CELL_WAVES = np.arange(2, 10)
LOBES = 5
NUCLEOLI = 4
FAR = 1.5
"""Normalised distance up to which a cell makes itself felt, so that borders know how far their neighbour is."""


class Shapes(NamedTuple):
    """The cells of one time point, ready for the kernels; lengths in micrometers, axes Z Y X.

    Parameters
    ----------
    positions
        (n, 3) float64 centres.
    table
        (n, parameters) float64, columns as ``population.NAMES``.
    seeds
        (n,) uint64.
    frames
        (n, 5) float64: cosine and sine of the long axis, and where in the noise the cell reads its texture.
    nuclei, cells
        (n, 128) float64 radius of the outline by direction (see ``radius_at``).
    reach
        (n, 2) float64: largest distance from the centre to the outline of nucleus and cell.
    heights
        (n, 2) float64 half heights of nucleus and cell.
    lobes, nucleoli
        (n, 5, 4) and (n, 4, 4) float64: offsets Z Y X and radius; radius 0 where there is none.
    fragmentation
        (n,) float64, 0 to 1.
    neighbours, starts
        Cells whose bodies may meet that of cell i: ``neighbours[starts[i]:starts[i + 1]]``.
    """

    positions: np.ndarray
    table: np.ndarray
    seeds: np.ndarray
    frames: np.ndarray
    nuclei: np.ndarray
    cells: np.ndarray
    reach: np.ndarray
    heights: np.ndarray
    lobes: np.ndarray
    nucleoli: np.ndarray
    fragmentation: np.ndarray
    neighbours: np.ndarray
    starts: np.ndarray


class Grid(NamedTuple):
    """Where the voxels of some planes lie.

    Parameters
    ----------
    flat
        Whether this is a single plane into which the light of the whole height falls.
    origin
        Index of the first plane.
    step_z, step
        Size of a voxel in micrometers.
    """

    flat: bool
    origin: int
    step_z: float
    step: float


class Owners(NamedTuple):
    """To which cell the voxels of some planes belong; all arrays (planes, Y, X).

    Parameters
    ----------
    nucleus, cell
        int32, row of the cell + 1, 0 for background.
    nucleus_d, cell_d
        float32, normalised distance in the owner: 0 at the centre, 1 on the outline.
    next_d
        float32, the same in the nearest other cell.
    """

    nucleus: np.ndarray
    cell: np.ndarray
    nucleus_d: np.ndarray
    cell_d: np.ndarray
    next_d: np.ndarray


def build(population: Population, flatness: float, *, flat: bool) -> Shapes:
    """Compute the outlines of these cells; ``flat`` for a single plane, in which heights do not matter."""
    column = population.column
    radius = column("nucleus_radius")
    body = radius * column("cell_ratio")
    angle = column("angle")
    split = len(NUCLEUS_WAVES)
    phases = population.outlines[:, :split], population.outlines[:, split : split + len(CELL_WAVES)]
    nuclei = _outline(
        radius, column("nucleus_aspect"), angle, column("nucleus_roughness"), NUCLEUS_WAVES, phases[0]
    )
    cells = _outline(body, column("cell_aspect"), angle, column("cell_roughness"), CELL_WAVES, phases[1])
    cells = np.maximum(cells, 1.06 * nuclei)
    heights = np.stack([radius, body], axis=1) * flatness
    fragmentation = np.ascontiguousarray(column("fragmentation"))
    lobes, nucleoli = _details(
        population.seeds, radius, nuclei, np.zeros_like(radius) if flat else heights[:, 0]
    )
    tips = np.where(
        fragmentation > 0, (np.linalg.norm(lobes[:, :, :3], axis=2) + lobes[:, :, 3]).max(axis=1), 0
    )
    reach = np.stack([np.maximum(nuclei.max(axis=1), tips), cells.max(axis=1)], axis=1)
    neighbours, starts = _neighbours(population.positions, reach.max(axis=1, initial=0.0))
    return Shapes(
        positions=np.ascontiguousarray(population.positions),
        table=np.ascontiguousarray(population.table),
        seeds=np.ascontiguousarray(population.seeds),
        frames=np.concatenate(
            [np.stack([np.cos(angle), np.sin(angle)], axis=1), _offsets(population.seeds)], axis=1
        ),
        nuclei=nuclei,
        cells=cells,
        reach=reach,
        heights=heights,
        lobes=lobes,
        nucleoli=nucleoli,
        fragmentation=fragmentation,
        neighbours=neighbours,
        starts=starts,
    )


def _directions() -> np.ndarray:
    """Return the angles at which outlines are given: those of equal steps of ``_turn``."""
    quarter, part = np.divmod(np.arange(ANGLES) * (4 / ANGLES), 1)
    directions: np.ndarray = quarter * np.pi / 2 + np.arctan2(part, 1 - part)
    return directions


def _outline(
    radius: np.ndarray,
    aspect: np.ndarray,
    angle: np.ndarray,
    depth: np.ndarray,
    waves: np.ndarray,
    phases: np.ndarray,
) -> np.ndarray:
    """Return the radius by direction: an ellipse with waves, its area that of the circle of ``radius``."""
    theta = _directions()
    local = theta[None, :] - angle[:, None]
    long, short = np.sqrt(aspect)[:, None], 1 / np.sqrt(aspect)[:, None]
    outline = 1 / np.sqrt((np.cos(local) / long) ** 2 + (np.sin(local) / short) ** 2)
    wavy = np.ones_like(local)
    for index, number in enumerate(waves):
        wavy += depth[:, None] * (2.0 / number) * np.cos(number * local + phases[:, index, None])
    outline *= np.maximum(wavy, 0.3)
    shares = np.diff(np.append(theta, 2 * np.pi)) / (2 * np.pi)
    outline *= (radius / np.sqrt((outline**2 * shares).sum(axis=1)))[:, None]
    return outline


def _neighbours(positions: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.spatial import cKDTree

    n = len(positions)
    if n < 2:
        return np.zeros(0, np.int64), np.zeros(n + 1, np.int64)
    pairs = cKDTree(positions).query_pairs(2 * reach.max(), output_type="ndarray")
    apart = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    pairs = pairs[apart < reach[pairs[:, 0]] + reach[pairs[:, 1]]]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    starts = np.searchsorted(both[:, 0], np.arange(n + 1)).astype(np.int64)
    return np.ascontiguousarray(both[:, 1]).astype(np.int64), starts


def _offsets(seeds: np.ndarray) -> np.ndarray:
    """Return where in the noise each cell reads its texture, (n, 3) texels; whole ones in Z: planes stay cheap."""
    state = np.stack([(seeds >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32)], axis=1)
    offsets: np.ndarray = state.astype(float) * (SIDE / 65536)
    offsets[:, 0] = np.floor(offsets[:, 0])
    return offsets


def _details(
    seeds: np.ndarray, radius: np.ndarray, nuclei: np.ndarray, heights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lobes of a fragmented nucleus and the nucleoli of every nucleus: offsets and radius."""
    lobes = np.zeros((len(seeds), LOBES, 4))
    nucleoli = np.zeros((len(seeds), NUCLEOLI, 4))
    theta = _directions()
    for row, seed in enumerate(seeds):
        u = np.random.Generator(np.random.PCG64(int(seed))).random((LOBES + NUCLEOLI + 1, 4))
        number = 3 + int(u[0, 0] * 3)
        for index in range(number):
            a, b, c, d = u[1 + index]
            turn = 2 * np.pi * ((index + 0.35 * (a - 0.5)) / number + u[0, 1])
            out = (0.60 + 0.28 * b) * radius[row]
            lobes[row, index] = (
                heights[row] * (c - 0.5),
                out * np.sin(turn),
                out * np.cos(turn),
                (0.30 + 0.20 * d) * radius[row],
            )
        for index in range(1 + int(u[0, 2] * NUCLEOLI)):
            a, b, c, d = u[1 + LOBES + index]
            direction = int(a * ANGLES)
            out = 0.6 * np.sqrt(b) * nuclei[row, direction]
            turn = theta[direction]
            size = (0.13 + 0.12 * c) * radius[row]
            nucleoli[row, index] = (heights[row] * (d - 0.5), out * np.sin(turn), out * np.cos(turn), size)
    return lobes, nucleoli


@compiled
def _turn(dy: float, dx: float) -> float:
    """Return a direction as a number from 0 to ``ANGLES`` that grows with the angle: cheaper than the arc tangent."""
    total = abs(dy) + abs(dx)
    if total == 0:
        return 0.0
    part = dy / total
    if dx < 0:
        return (2 - part) * (ANGLES / 4)
    return (part if dy >= 0 else 4 + part) * (ANGLES / 4)


@compiled
def radius_at(outline: np.ndarray, row: int, dy: float, dx: float) -> float:
    """Return the outline's radius in the direction of an offset, linearly interpolated."""
    turn = _turn(dy, dx)
    low = int(turn)
    part = turn - low
    return float(
        outline[row, low & (ANGLES - 1)] * (1 - part) + outline[row, (low + 1) & (ANGLES - 1)] * part
    )


@compiled
def nucleus_distance(shapes: Shapes, row: int, dz: float, dy: float, dx: float) -> float:
    """Return the normalised distance of an offset from the centre of a nucleus, or to its fragments."""
    across = np.sqrt(dy * dy + dx * dx) / radius_at(shapes.nuclei, row, dy, dx)
    up = dz / shapes.heights[row, 0]
    whole = np.sqrt(across * across + up * up)
    part = shapes.fragmentation[row]
    if part <= 0:
        return float(whole)
    nearest = 1e9
    for index in range(LOBES):
        lz, ly, lx, size = shapes.lobes[row, index]
        if size > 0:
            nearest = min(nearest, np.sqrt((dz - lz) ** 2 + (dy - ly) ** 2 + (dx - lx) ** 2) / size)
    # a weighted mean of distances: lobes bulge first, then the bridges between them vanish
    return float((1 - part) * whole + part * nearest)


@compiled
def cell_distance(cells: np.ndarray, heights: np.ndarray, row: int, dz: float, dy: float, dx: float) -> float:
    """Return the normalised distance of an offset from the centre of a cell body."""
    across = np.sqrt(dy * dy + dx * dx) / radius_at(cells, row, dy, dx)
    up = dz / heights[row, 1]
    return float(np.sqrt(across * across + up * up))


def nobody(shape: tuple[int, ...]) -> Owners:
    """Return empty planes of this shape."""
    return Owners(
        nucleus=np.zeros(shape, np.int32),
        cell=np.zeros(shape, np.int32),
        nucleus_d=np.full(shape, FAR, np.float32),
        cell_d=np.full(shape, FAR, np.float32),
        next_d=np.full(shape, FAR, np.float32),
    )


@compiled
def partition(shapes: Shapes, grid: Grid, owners: Owners) -> None:
    """Give the voxels of some planes to nuclei and cells, in place."""
    planes, rows, columns = owners.cell.shape
    cells, heights = shapes.cells, shapes.heights
    for i in range(shapes.positions.shape[0]):
        cz, cy, cx = shapes.positions[i]
        inner_reach = shapes.reach[i, 0] ** 2
        for p in range(planes):
            dz = 0.0 if grid.flat else (grid.origin + p) * grid.step_z - cz
            up = dz / (FAR * heights[i, 1])
            if abs(up) > 1:
                continue
            reach = max(FAR * shapes.reach[i, 1] * np.sqrt(1 - up * up), shapes.reach[i, 0])
            y0 = max(0, int(np.floor((cy - reach) / grid.step)))
            y1 = min(rows, int(np.ceil((cy + reach) / grid.step)) + 1)
            x0 = max(0, int(np.floor((cx - reach) / grid.step)))
            x1 = min(columns, int(np.ceil((cx + reach) / grid.step)) + 1)
            for y in range(y0, y1):
                dy = y * grid.step - cy
                for x in range(x0, x1):
                    dx = x * grid.step - cx
                    distance = cell_distance(cells, heights, i, dz, dy, dx)
                    if distance < owners.cell_d[p, y, x]:
                        owners.next_d[p, y, x] = owners.cell_d[p, y, x]
                        owners.cell_d[p, y, x] = distance
                        owners.cell[p, y, x] = i + 1
                    elif distance < owners.next_d[p, y, x]:
                        owners.next_d[p, y, x] = distance
                    if dy * dy + dx * dx < inner_reach:
                        inner = nucleus_distance(shapes, i, dz, dy, dx)
                        if inner < 1 and inner < owners.nucleus_d[p, y, x]:
                            owners.nucleus_d[p, y, x] = inner
                            owners.nucleus[p, y, x] = i + 1
    for p in range(planes):
        for y in range(rows):
            for x in range(columns):
                owner = owners.nucleus[p, y, x]
                if owner > 0 and owners.cell[p, y, x] != owner:
                    owners.cell[p, y, x] = owner
                    owners.cell_d[p, y, x] = min(owners.cell_d[p, y, x], 0.9)
                    owners.next_d[p, y, x] = max(owners.next_d[p, y, x], 1.0)
                elif owners.cell_d[p, y, x] >= 1:
                    owners.cell[p, y, x] = 0
