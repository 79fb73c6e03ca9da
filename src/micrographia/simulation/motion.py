"""Cells that crawl, push each other aside, grow, round up and divide; and who descends from whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from micrographia.simulation.options import Cells, Timelapse
from micrographia.simulation.placement import margin
from micrographia.simulation.population import COLUMN, Population
from micrographia.simulation.seeds import Seed, Stream, generator

GROWTH = 2.0 ** (1 / 3)
"""Radius of a cell before division over that of its daughters: its volume halves."""


@dataclass(slots=True)
class _State:
    """What moves: one entry a cell, in the order of the population."""

    base: Population
    velocity: np.ndarray
    age: np.ndarray
    cycle: np.ndarray
    turn: np.ndarray

    def take(self, rows: np.ndarray) -> _State:
        return _State(
            self.base.take(rows), self.velocity[rows], self.age[rows], self.cycle[rows], self.turn[rows]
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """One time point.

    Parameters
    ----------
    population
        The cells, with ids that last from frame to frame.
    mothers
        Id of the mother by id, for the daughters of divisions.
    dividing
        (n,) bool: rounded up for division.
    """

    population: Population
    mothers: dict[int, int]
    dividing: np.ndarray


def frames(
    population: Population, cells: Cells, timelapse: Timelapse, size: tuple[float, float, float], seed: Seed
) -> Iterator[Frame]:
    """Yield the cells of each time point.

    Parameters
    ----------
    population
        The cells of the first time point, placed.
    cells, timelapse
        How they lie and how they move.
    size
        Room that cells have in micrometers, Z Y X; Z is 0 where they lie in one plane.
    seed
        Of the field.
    """
    rng = generator(seed, Stream.MOTION, 0)
    n = len(population)
    hours = timelapse.interval / 3600
    cycle = timelapse.cycle * np.exp(0.12 * rng.standard_normal(n))
    state = _State(
        base=population,
        velocity=_flat(rng.standard_normal((n, 3)), size),
        age=cycle * rng.random(n),
        cycle=cycle,
        turn=0.15 * rng.standard_normal(n),
    )
    mothers: dict[int, int] = {}
    for number in range(timelapse.frames):
        if number:
            rng = generator(seed, Stream.MOTION, number)
            _crawl(state, timelapse, size, cells, rng)
            state.age = state.age + hours
            state = _divide(state, mothers, timelapse, rng)
            _push(state, cells, size)
        yield Frame(_shape(state, timelapse), dict(mothers), _phase(state, timelapse) > 0)


def _flat(vectors: np.ndarray, size: tuple[float, float, float]) -> np.ndarray:
    if size[0] == 0:
        vectors[:, 0] = 0
    return vectors


def _crawl(
    state: _State,
    timelapse: Timelapse,
    size: tuple[float, float, float],
    cells: Cells,
    rng: np.random.Generator,
) -> None:
    hours = timelapse.interval / 3600
    keep = timelapse.persistence
    fresh = _flat(rng.standard_normal(state.velocity.shape), size)
    state.velocity = keep * state.velocity + np.sqrt(1 - keep**2) * fresh
    axes = 2 if size[0] == 0 else 3
    still = (_phase(state, timelapse) > 0)[:, None]
    step = state.velocity * timelapse.speed / np.sqrt(axes) * hours
    state.base = replace(state.base, positions=state.base.positions + np.where(still, 0.2, 1.0) * step)
    edge = margin(cells)
    for axis in range(3):
        if size[axis] == 0:
            continue
        low, high = -edge, size[axis] + edge
        place = state.base.positions[:, axis]
        outside = (place < low) | (place > high)
        state.base.positions[:, axis] = np.where(
            place < low, 2 * low - place, np.where(place > high, 2 * high - place, place)
        )
        state.velocity[outside, axis] *= -1


def _divide(state: _State, mothers: dict[int, int], timelapse: Timelapse, rng: np.random.Generator) -> _State:
    """Replace every cell whose time has come by two, side by side across its long axis."""
    rows = np.flatnonzero(state.age >= state.cycle)
    if not len(rows):
        return state
    count = len(rows)
    first = int(state.base.ids.max()) + 1
    pairs = []
    axis = state.base.column("angle")[rows]
    apart = 0.62 * state.base.column("nucleus_radius")[rows]
    for side in (0, 1):
        child = state.take(rows)
        sign = 1 - 2 * side
        positions = child.base.positions.copy()
        # the metaphase plate is the long axis; daughters part across it
        positions[:, 1] += sign * apart * np.cos(axis)
        positions[:, 2] -= sign * apart * np.sin(axis)
        child.base = replace(
            child.base,
            positions=positions,
            ids=np.arange(first + side * count, first + (side + 1) * count, dtype=np.int32),
            seeds=rng.integers(0, 2**63, count, dtype=np.uint64),
            outlines=2 * np.pi * rng.random(child.base.outlines.shape),
        )
        child.age = child.age - child.cycle
        child.cycle = timelapse.cycle * np.exp(0.12 * rng.standard_normal(count))
        child.velocity = child.velocity.copy()
        child.velocity[:, 1] += sign * 1.5 * np.cos(axis)
        child.velocity[:, 2] -= sign * 1.5 * np.sin(axis)
        for mother, born in zip(state.base.ids[rows], child.base.ids, strict=True):
            mothers[int(born)] = int(mother)
        pairs.append(child)
    stay = np.setdiff1d(np.arange(len(state.age)), rows)
    return _join([state.take(stay), *pairs])


def _join(parts: list[_State]) -> _State:
    bases = [part.base for part in parts]
    names = ("ids", "positions", "table", "outlines", "seeds", "phenotypes")
    base = Population(*(np.concatenate([getattr(one, name) for one in bases]) for name in names))
    rest = ("velocity", "age", "cycle", "turn")
    return _State(base, *(np.concatenate([getattr(part, name) for part in parts]) for name in rest))


def _push(state: _State, cells: Cells, size: tuple[float, float, float]) -> None:
    """Move nuclei that overlap apart, a few times half the way."""
    from scipy.spatial import cKDTree

    if len(state.age) < 2:
        return
    stretch = np.array([1 / cells.flatness if size[0] else 1.0, 1.0, 1.0])
    radius = state.base.column("nucleus_radius") * _growth(state)
    positions = state.base.positions * stretch
    for _ in range(12):
        pairs = cKDTree(positions).query_pairs(2 * float(radius.max()), output_type="ndarray")
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        a, b = pairs[:, 0], pairs[:, 1]
        offset = positions[b] - positions[a]
        apart = np.maximum(np.linalg.norm(offset, axis=1), 1e-6)
        overlap = 0.96 * (radius[a] + radius[b]) - apart
        hit = overlap > 0
        if not hit.any():
            break
        move = (0.3 * overlap / apart)[:, None] * offset
        np.add.at(positions, b[hit], move[hit])
        np.subtract.at(positions, a[hit], move[hit])
    state.base = replace(state.base, positions=positions / stretch)


def _growth(state: _State) -> np.ndarray:
    """Return the radius now over the mean radius: volume doubles over a cycle."""
    part = np.clip(state.age / state.cycle, 0, 1)
    grown: np.ndarray = 2.0 ** (part / 3) / np.sqrt(GROWTH)
    return grown


def _phase(state: _State, timelapse: Timelapse) -> np.ndarray:
    """Return 0 between divisions, rising to 1 at the division."""
    if timelapse.mitosis == 0:
        return np.zeros(len(state.age))
    phase: np.ndarray = np.clip(1 - (state.cycle - state.age) / timelapse.mitosis, 0, 1)
    return phase


def _shape(state: _State, timelapse: Timelapse) -> Population:
    """Return the population as it looks now: grown, turned, and rounded and condensed before a division."""
    table = state.base.table.copy()
    phase = _phase(state, timelapse)
    rounding = np.minimum(1.0, 2.5 * phase)
    # daughters start condensed and relax in the time that rounding up took
    young = (
        np.clip(1 - state.age / max(timelapse.mitosis, 1e-9), 0, 1)
        if timelapse.mitosis
        else np.zeros(len(phase))
    )
    tight = np.maximum(rounding, 0.6 * young)
    table[:, COLUMN["nucleus_radius"]] *= _growth(state) * (1 - 0.32 * tight)
    table[:, COLUMN["cell_ratio"]] *= 1 - 0.12 * tight
    table[:, COLUMN["cell_aspect"]] **= 1 - tight
    table[:, COLUMN["cell_roughness"]] *= 1 - 0.7 * tight
    table[:, COLUMN["nucleus_aspect"]] = (1 - rounding) * table[:, COLUMN["nucleus_aspect"]] + rounding * 2.3
    table[:, COLUMN["dna"]] *= 1 + 0.9 * tight
    table[:, COLUMN["nucleoli"]] *= 1 - tight
    table[:, COLUMN["angle"]] += state.turn * state.age
    base = replace(state.base, table=table)
    return replace(base, outlines=base.outlines + 0.5 * state.turn[:, None] * state.age[:, None])
