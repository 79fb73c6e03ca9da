"""What the makers of fields share: who lives in a field, and how its labels become annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from micrographia.simulation.options import STRUCTURES, Cells, Channel
from micrographia.simulation.phenotypes import Phenotype
from micrographia.simulation.placement import place, schedule, usual_count
from micrographia.simulation.population import Population, check_shifts, count_factor, draw, respond
from micrographia.simulation.render import Setting
from micrographia.simulation.truth import clean, objects, relabel

if TYPE_CHECKING:
    import pandas as pd


def check_visible(phenotypes: Sequence[Phenotype], channels: Sequence[Channel]) -> None:
    """Raise ValueError for a phenotype that changes only what none of the channels shows."""
    shown = {name for channel in channels for name in STRUCTURES if channel.structures.get(name, 0) > 0}
    for phenotype in phenotypes:
        check_shifts(phenotype)
        needs = [_SHOWN_BY.get(parameter, set(STRUCTURES)) for parameter in phenotype.shifts]
        if needs and not any(need & shown for need in needs):
            structures = sorted(set().union(*needs))
            raise ValueError(
                f"phenotype {phenotype.name!r} changes {', '.join(structures)}, which no channel shows: "
                f"add one, such as LYSOSOMES or those of ALL_CHANNELS"
            )


_SHOWN_BY: dict[str, set[str]] = {
    "dna": {"nucleus"},
    "chromatin_contrast": {"nucleus"},
    "chromatin_scale": {"nucleus"},
    "nucleoli": {"nucleus"},
    "body": {"body"},
    "membrane": {"membrane"},
    "fibres": {"membrane"},
    "mitochondria": {"mitochondria"},
    "mitochondria_length": {"mitochondria"},
    "perinuclear": {"mitochondria", "puncta"},
    "puncta": {"puncta"},
    "puncta_count": {"puncta"},
    "puncta_clustering": {"puncta"},
}


def extent(cells: Cells, setting: Setting) -> tuple[float, float, float]:
    """Return the room that cells have, in micrometers, Z Y X; Z is 0 where they lie in one plane."""
    planes, rows, columns = setting.shape
    step = setting.optics.pixel_size
    thin = setting.flat or cells.monolayer
    return (0.0 if thin else planes * setting.optics.z_step, rows * step, columns * step)


def populate(cells: Cells, phenotypes: Sequence[Phenotype], setting: Setting) -> Population:
    """Draw and place the cells of a field, shifted by their phenotypes."""
    size = extent(cells, setting)
    count = round(usual_count(cells, size) * setting.nuisance.density * count_factor(phenotypes))
    inside = schedule(count, cells, size)
    placed = place(draw(cells, len(inside), setting.seed), inside, cells, size, setting.seed)
    if cells.monolayer and not setting.flat:
        placed.positions[:, 0] = (setting.shape[0] - 1) / 2 * setting.optics.z_step
    return respond(placed, phenotypes, setting.seed)


def annotate(
    nuclei: np.ndarray, bodies: np.ndarray, population: Population, cells: Cells, setting: Setting
) -> list[int]:
    """Clean the labels of one time point, in place, and return the population's ids that are annotated."""
    optics = setting.optics
    voxel = (0.0 if setting.flat else optics.z_step, optics.pixel_size, optics.pixel_size)
    clean(nuclei, bodies, population, setting.flatness, cells.min_visible, voxel)
    sizes = np.bincount(bodies.ravel(), minlength=int(population.ids.max(initial=0)) + 1)
    found: list[int] = (np.flatnonzero(sizes[1:]) + 1).tolist()
    return found


def number(
    nuclei: np.ndarray, bodies: np.ndarray, population: Population, ids: Mapping[int, int], setting: Setting
) -> pd.DataFrame:
    """Give the objects of one time point their final ids, in place, and return their table."""
    mapping = np.zeros(int(population.ids.max(initial=0)) + 1, np.int32)
    mapping[list(ids)] = list(ids.values())
    relabel(nuclei, mapping)
    relabel(bodies, mapping)
    return objects(nuclei, bodies, population, ids, flat=setting.flat)
