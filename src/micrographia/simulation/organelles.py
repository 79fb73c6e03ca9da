"""Mitochondria (threads) and puncta (spots) as points of light inside the cytoplasm."""

from __future__ import annotations

import numpy as np

from micrographia.simulation.compiled import compiled
from micrographia.simulation.hashing import bell, unit
from micrographia.simulation.population import COLUMN
from micrographia.simulation.shapes import Grid, Shapes, cell_distance, nucleus_distance, radius_at

MITOCHONDRIA, LENGTH = COLUMN["mitochondria"], COLUMN["mitochondria_length"]
PERINUCLEAR, PUNCTA, COUNT, CLUSTERING = (
    COLUMN[n] for n in ("perinuclear", "puncta", "puncta_count", "puncta_clustering")
)
RADIUS, RATIO = COLUMN["nucleus_radius"], COLUMN["cell_ratio"]
TOTAL_LENGTH = 1.5
"""Length of all mitochondria of a cell in micrometers per square micrometer of its undisturbed area."""
STEP = 0.3
"""Distance of the points of light along a mitochondrion, in micrometers."""
THREAD = 0.5
"""Light per micrometer of mitochondrion."""
SPOT = 0.75
"""Light of a punctum."""


@compiled
def organelles(shapes: Shapes, grid: Grid, slots: np.ndarray, light: np.ndarray) -> None:
    """Add the light of the organelles of some planes, in place; ``slots`` of mitochondria and puncta, -1 for nowhere.

    Places are drawn relative to the cell and tested against all outlines near it, not against the picture, so a
    stack painted plane by plane is the stack painted at once. A place outside the cytoplasm is drawn again.
    """
    height, width = light.shape[2] * grid.step, light.shape[3] * grid.step
    low, high = (grid.origin - 1) * grid.step_z, (grid.origin + light.shape[1]) * grid.step_z
    volume = grid.step * grid.step * (1.0 if grid.flat else grid.step_z)
    for i in range(shapes.positions.shape[0]):
        cz, cy, cx = shapes.positions[i]
        size = shapes.table[i, RADIUS] * shapes.table[i, RATIO]
        reach = shapes.reach[i, 1]
        if not (-reach < cy < height + reach and -reach < cx < width + reach):
            continue
        if not grid.flat and not low - shapes.heights[i, 1] < cz < high + shapes.heights[i, 1]:
            continue
        if slots[0] >= 0:
            total = TOTAL_LENGTH * np.pi * size * size
            number = int(np.ceil(total / shapes.table[i, LENGTH]))
            points = max(1, int(np.round(shapes.table[i, LENGTH] / STEP)))
            weight = total * THREAD * shapes.table[i, MITOCHONDRIA] / (number * points) / volume
            for k in range(number):
                _thread(shapes, grid, i, k, points, weight, light[slots[0]])
        if slots[1] >= 0:
            weight = SPOT * shapes.table[i, PUNCTA] / volume
            for k in range(int(np.round(shapes.table[i, COUNT]))):
                _punctum(shapes, grid, i, k, weight, light[slots[1]])


@compiled
def _allowed(shapes: Shapes, i: int, dz: float, dy: float, dx: float) -> bool:
    """Tell whether an offset from the centre of cell i lies in its cytoplasm."""
    own = cell_distance(shapes.cells, shapes.heights, i, dz, dy, dx)
    if own > 0.93:
        return False
    if (
        dy * dy + dx * dx < (1.03 * shapes.reach[i, 0]) ** 2
        and nucleus_distance(shapes, i, dz, dy, dx) < 1.03
    ):
        return False
    cz, cy, cx = shapes.positions[i]
    for k in range(shapes.starts[i], shapes.starts[i + 1]):
        j = shapes.neighbours[k]
        y, x = dy + cy - shapes.positions[j, 1], dx + cx - shapes.positions[j, 2]
        apart = y * y + x * x
        if apart > (shapes.reach[j, 1] * (own + 0.03)) ** 2:
            continue
        z = dz + cz - shapes.positions[j, 0]
        if cell_distance(shapes.cells, shapes.heights, j, z, y, x) < own + 0.03:
            return False
        if apart < shapes.reach[j, 0] ** 2 and nucleus_distance(shapes, j, z, y, x) < 1:
            return False
    return True


@compiled
def _start(
    shapes: Shapes, grid: Grid, i: int, seed: np.uint64, index: int
) -> tuple[bool, float, float, float]:
    """Draw a place in the cytoplasm, nearer to the nucleus the more perinuclear the cell; at most 8 times."""
    steep = 0.65 * 8.0 ** shapes.table[i, PERINUCLEAR]
    for attempt in range(8):
        draw = np.uint64(4096 + 128 * index + 4 * attempt)
        turn = 2 * np.pi * unit(seed, draw)
        part = unit(seed, draw + np.uint64(1)) ** steep
        cos, sin = np.cos(turn), np.sin(turn)
        near, far = radius_at(shapes.nuclei, i, sin, cos), radius_at(shapes.cells, i, sin, cos)
        out = 1.06 * near + part * max(0.0, 0.93 * far - 1.06 * near)
        dz = 0.0
        if not grid.flat:
            lift = 2 * unit(seed, draw + np.uint64(2)) - 1
            dz = lift * shapes.heights[i, 1] * np.sqrt(max(0.0, 1 - (out / far) ** 2))
        if _allowed(shapes, i, dz, out * sin, out * cos):
            return True, dz, out * sin, out * cos
    return False, 0.0, 0.0, 0.0


@compiled
def _thread(
    shapes: Shapes, grid: Grid, i: int, index: int, points: int, weight: float, planes: np.ndarray
) -> None:
    found, dz, dy, dx = _start(shapes, grid, i, shapes.seeds[i] + np.uint64(7), index)
    if not found:
        return
    own = shapes.seeds[i] + np.uint64(1000003) * np.uint64(index + 1)
    side = 1.0 if unit(own, np.uint64(0)) < 0.5 else -1.0
    heading = np.arctan2(dy, dx) + side * np.pi / 2 + 0.7 * bell(own, np.uint64(1))
    cz, cy, cx = shapes.positions[i]
    for k in range(points):
        _splat(grid, cz + dz, cy + dy, cx + dx, weight, planes)
        heading += 0.22 * bell(own, np.uint64(8 + k))
        for turn in range(6):
            ahead = heading + turn * 1.1
            y, x = dy + STEP * np.sin(ahead), dx + STEP * np.cos(ahead)
            if _allowed(shapes, i, dz, y, x):
                dy, dx, heading = y, x, ahead
                break


@compiled
def _punctum(shapes: Shapes, grid: Grid, i: int, index: int, weight: float, planes: np.ndarray) -> None:
    seed = shapes.seeds[i] + np.uint64(11)
    own = seed + np.uint64(1000003) * np.uint64(index + 1)
    clusters = 2 + int(unit(seed, np.uint64(3)) * 2)
    clustered = unit(own, np.uint64(0)) < shapes.table[i, CLUSTERING]
    home = 1000 + int(unit(own, np.uint64(1)) * clusters) if clustered else index
    found, dz, dy, dx = _start(shapes, grid, i, seed, home)
    if not found:
        return
    if clustered:
        for attempt in range(8):
            draw = np.uint64(4 + attempt)
            y, x = dy + 1.1 * bell(own, draw), dx + 1.1 * bell(own, draw + np.uint64(16))
            if _allowed(shapes, i, dz, y, x):
                dy, dx = y, x
                break
    bright = weight * np.exp(0.4 * bell(own, np.uint64(40)) - 0.08)
    cz, cy, cx = shapes.positions[i]
    _splat(grid, cz + dz, cy + dy, cx + dx, bright, planes)


@compiled
def _splat(grid: Grid, z: float, y: float, x: float, weight: float, planes: np.ndarray) -> None:
    """Share a point of light between the voxels around it, linearly."""
    fy, fx = y / grid.step, x / grid.step
    fz = 0.0 if grid.flat else z / grid.step_z - grid.origin
    z0, y0, x0 = int(np.floor(fz)), int(np.floor(fy)), int(np.floor(fx))
    for a in range(2):
        share_z = 1 - abs(fz - (z0 + a))
        if share_z <= 0 or not 0 <= z0 + a < planes.shape[0]:
            continue
        for b in range(2):
            if not 0 <= y0 + b < planes.shape[1]:
                continue
            share_y = 1 - abs(fy - (y0 + b))
            for c in range(2):
                if 0 <= x0 + c < planes.shape[2]:
                    planes[z0 + a, y0 + b, x0 + c] += weight * share_z * share_y * (1 - abs(fx - (x0 + c)))
