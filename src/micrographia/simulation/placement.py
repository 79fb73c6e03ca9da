"""Where cells lie: random sequential placement without overlap, with a chosen share of nuclei in contact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from micrographia.simulation.compiled import compiled
from micrographia.simulation.hashing import unit
from micrographia.simulation.options import Cells
from micrographia.simulation.population import Population
from micrographia.simulation.seeds import Seed, Stream, child

CONTACT = 0.92
"""Distance of two nuclei placed in contact, over the sum of their radii: below 1 because they are not round."""


def margin(cells: Cells) -> float:
    """Return how far outside the field cells are placed, in micrometers: one cell."""
    return 1.3 * cells.nucleus_radius * cells.cell_ratio


def usual_count(cells: Cells, size: tuple[float, float, float]) -> float:
    """Return how many nuclei have their centre in a field of this size, in micrometers (Z is 0 for one plane)."""
    if cells.count is not None:
        return cells.count
    area = np.pi * cells.nucleus_radius**2
    if size[0] == 0:
        return float(cells.density * size[1] * size[2] / area)
    volume = area * cells.nucleus_radius * cells.flatness * 4 / 3
    return float(0.5 * cells.density * size[0] * size[1] * size[2] / volume)


def place(
    population: Population, inside: np.ndarray, cells: Cells, size: tuple[float, float, float], seed: Seed
) -> Population:
    """Give every cell a place; the cells before it do not depend on those after it.

    Parameters
    ----------
    population
        Cells without places.
    inside
        (n,) bool: whether the centre must lie in the field (or else in the margin around it).
    cells
        Touching rate, gap and flatness.
    size
        Room in micrometers, Z Y X; Z is 0 where cells lie in one plane.
    seed
        Of the field.

    Raises
    ------
    ValueError
        When so many nuclei do not fit.
    """
    radius = population.column("nucleus_radius")
    reach = (
        radius
        * np.sqrt(population.column("nucleus_aspect"))
        * (1 + 2.5 * population.column("nucleus_roughness"))
    )
    positions, placed = _place(
        reach,
        radius,
        inside,
        np.array(size),
        margin(cells),
        cells.flatness,
        cells.gap,
        cells.touching / (2 - cells.touching),
        child(seed, Stream.PLACE).generate_state(1, np.uint64)[0],
    )
    missing = inside & ~placed
    if missing.any():
        raise ValueError(
            f"only {int(placed[inside].sum())} of {int(inside.sum())} nuclei of radius {cells.nucleus_radius:g} "
            f"micrometer fit without overlap: lower count, density, nucleus_radius or gap, or enlarge the field"
        )
    # outside the field one cell less is no matter
    return replace(population, positions=positions).take(placed)


def schedule(count: int, cells: Cells, size: tuple[float, float, float]) -> np.ndarray:
    """Return which of the cells to draw lie inside the field so that exactly ``count`` do, (n,) bool.

    Inside and margin have the same density and alternate evenly, so that the first cells are a thinner field; inside
    comes first, so that a small field is not blocked from outside.
    """
    edge = margin(cells)
    wide = (size[1] + 2 * edge) * (size[2] + 2 * edge)
    narrow = size[1] * size[2]
    if size[0] > 0:
        wide *= size[0] + 2 * edge * cells.flatness
        narrow *= size[0]
    share = narrow / wide
    total = int(np.floor(count / share + 1e-9))
    order = np.ceil(np.arange(total + 1) * share - 1e-9)
    inside: np.ndarray = np.diff(order) > 0
    return inside


@compiled
def _place(
    reach: np.ndarray, radius: np.ndarray, inside: np.ndarray, size: np.ndarray, edge: float, flatness: float,
    gap: float, attach: float, seed: np.uint64,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    n = reach.shape[0]
    # far away until they have a place, and for good if they find none
    positions = np.full((n, 3), 1e9)
    placed = np.zeros(n, np.bool_)
    flat = size[0] == 0
    counter = np.uint64(0)
    for i in range(n):
        clings = i > 0 and unit(seed, counter) < attach
        counter += np.uint64(1)
        for attempt in range(4000):
            partner = -1
            if clings and attempt < 200:
                partner = int(unit(seed, counter) * i)
                counter += np.uint64(1)
                angle = 2 * np.pi * unit(seed, counter)
                height = 0.0 if flat else 2 * unit(seed, counter + np.uint64(1)) - 1
                counter += np.uint64(2)
                apart = CONTACT * (radius[i] + radius[partner])
                across = apart * np.sqrt(1 - height * height)
                z = positions[partner, 0] + apart * height * flatness
                y = positions[partner, 1] + across * np.sin(angle)
                x = positions[partner, 2] + across * np.cos(angle)
            else:
                wide = 0.0 if inside[i] else edge
                tall = wide * flatness
                z = 0.0 if flat else -tall + (size[0] + 2 * tall) * unit(seed, counter)
                y = -wide + (size[1] + 2 * wide) * unit(seed, counter + np.uint64(1))
                x = -wide + (size[2] + 2 * wide) * unit(seed, counter + np.uint64(2))
                counter += np.uint64(3)
            within = 0 <= y < size[1] and 0 <= x < size[2] and (flat or 0 <= z < size[0])
            near = -edge <= y < size[1] + edge and -edge <= x < size[2] + edge
            near = near and (flat or -edge * flatness <= z < size[0] + edge * flatness)
            if within != inside[i] or not near:
                continue
            clear = True
            for j in range(i):
                if j == partner:
                    continue
                dz = (positions[j, 0] - z) / flatness
                dy = positions[j, 1] - y
                dx = positions[j, 2] - x
                least = reach[i] + reach[j] + gap
                if dz * dz + dy * dy + dx * dx < least * least:
                    clear = False
                    break
            if clear:
                positions[i, 0], positions[i, 1], positions[i, 2] = z, y, x
                placed[i] = True
                break
        if inside[i] and not placed[i]:
            break
    return positions, placed
