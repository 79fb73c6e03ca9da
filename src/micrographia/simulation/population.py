"""The cells of a field as numbers: one row a cell, one column a parameter, drawn before anything is painted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from micrographia.simulation.options import Cells
from micrographia.simulation.phenotypes import Phenotype
from micrographia.simulation.seeds import Seed, Stream, generator

Kind = Literal["positive", "fraction", "aspect", "angle"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One property of a cell: how it is distributed, and what a phenotype's shift of it means.

    ``positive``: log-normal with this mean and coefficient of variation ``spread``; a shift is the factor at full
    strength. ``fraction``: normal around the mean with standard deviation ``spread``, clipped to 0..1; a shift is the
    value at full strength. ``aspect``: long over short axis, at least 1, ``exp`` of a half-normal whose mean exponent
    gives the mean; a shift is a factor. ``angle``: uniform.
    """

    name: str
    kind: Kind
    mean: float
    spread: float
    unit: str
    meaning: str


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "nucleus_radius", "positive", 5.6, 0.10, "micrometer", "radius of the circle with the nucleus's area"
    ),
    Parameter("nucleus_aspect", "aspect", 1.20, 0.0, "", "long over short axis of the nucleus"),
    Parameter("nucleus_roughness", "positive", 0.022, 0.30, "", "relative depth of the waves of its outline"),
    Parameter(
        "fragmentation", "fraction", 0.0, 0.0, "", "0 one smooth nucleus, 1 three to five separate fragments"
    ),
    Parameter("cell_ratio", "positive", 2.2, 0.10, "", "radius of the cell body over that of the nucleus"),
    Parameter("cell_aspect", "aspect", 1.35, 0.0, "", "long over short axis of the cell body"),
    Parameter(
        "cell_roughness", "positive", 0.12, 0.25, "", "relative depth of the waves of the cell's outline"
    ),
    Parameter("angle", "angle", 0.0, 0.0, "radian", "direction of the long axis, from X towards Y"),
    Parameter("dna", "positive", 1.0, 0.16, "", "brightness of the nucleus"),
    Parameter(
        "chromatin_contrast",
        "positive",
        0.17,
        0.15,
        "",
        "standard deviation of the log brightness of chromatin",
    ),
    Parameter("chromatin_scale", "positive", 0.85, 0.10, "micrometer", "correlation length of chromatin"),
    Parameter("nucleoli", "fraction", 0.45, 0.10, "", "share of the light that is missing in nucleoli"),
    Parameter("body", "positive", 1.0, 0.18, "", "brightness of the cytoplasm"),
    Parameter("membrane", "positive", 1.0, 0.22, "", "brightness of cortex and fibres"),
    Parameter("fibres", "fraction", 0.55, 0.12, "", "share of that light in fibres instead of the cortex"),
    Parameter("mitochondria", "positive", 1.0, 0.18, "", "brightness of mitochondria"),
    Parameter("mitochondria_length", "positive", 3.6, 0.12, "micrometer", "length of a mitochondrion"),
    Parameter(
        "perinuclear", "fraction", 0.25, 0.06, "", "0 organelles all over the cell, 1 close to the nucleus"
    ),
    Parameter("puncta", "positive", 1.0, 0.20, "", "brightness of puncta"),
    Parameter("puncta_count", "positive", 50.0, 0.20, "", "number of puncta"),
    Parameter(
        "puncta_clustering", "fraction", 0.05, 0.03, "", "share of the puncta in two or three clusters"
    ),
)
NAMES: tuple[str, ...] = tuple(parameter.name for parameter in PARAMETERS)
COLUMN: Mapping[str, int] = {name: index for index, name in enumerate(NAMES)}
FIELD_SHIFTS: tuple[str, ...] = ("count",)
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Population:
    """The cells of one time point.

    Parameters
    ----------
    ids
        (n,) int32, from 1.
    positions
        (n, 3) float64: centres of the nuclei in micrometers, Z Y X; the field's first pixel centre is at 0.
    table
        (n, len(PARAMETERS)) float64, columns as ``NAMES``.
    outlines
        (n, 16) float64: phases (radian) of the waves of the nucleus's and of the cell's outline.
    seeds
        (n,) uint64, for textures and organelles.
    phenotypes
        (n,) names.
    """

    ids: np.ndarray
    positions: np.ndarray
    table: np.ndarray
    outlines: np.ndarray
    seeds: np.ndarray
    phenotypes: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> np.ndarray:
        """Return one parameter of all cells, (n,) float64, as a view."""
        column: np.ndarray = self.table[:, COLUMN[name]]
        return column

    def take(self, rows: np.ndarray) -> Population:
        """Return the cells of these rows (indices or a mask)."""
        parts = (self.ids, self.positions, self.table, self.outlines, self.seeds, self.phenotypes)
        return Population(*(part[rows] for part in parts))


def draw(cells: Cells, number: int, seed: Seed) -> Population:
    """Draw so many cells without places and phenotypes.

    The first n of more cells are the n cells of fewer: the order in which cells are drawn is that in which they are
    placed, so that a sparser field is the same field with cells left out.
    """
    rng = generator(seed, Stream.CELLS)
    raw = rng.standard_normal((number, len(PARAMETERS) + 16))
    seeds = generator(seed, Stream.CELLS, 1).integers(0, 2**63, number, dtype=np.uint64)
    means = {parameter.name: parameter.mean for parameter in PARAMETERS}
    means |= {"nucleus_radius": cells.nucleus_radius, "cell_ratio": cells.cell_ratio}
    unknown = sorted(set(cells.parameters) - set(NAMES))
    if unknown:
        raise ValueError(f"no such parameter of a cell: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    means |= cells.parameters
    table = np.empty((number, len(PARAMETERS)))
    for index, parameter in enumerate(PARAMETERS):
        table[:, index] = _distribute(raw[:, index], parameter, means[parameter.name], cells.variation)
    np.maximum(table[:, COLUMN["cell_ratio"]], 1.1, out=table[:, COLUMN["cell_ratio"]])
    return Population(
        ids=np.arange(1, number + 1, dtype=np.int32),
        positions=np.zeros((number, 3)),
        table=table,
        outlines=_uniform(raw[:, len(PARAMETERS) :]) * 2 * np.pi,
        seeds=seeds,
        phenotypes=np.full(number, CONTROL, dtype=object),
    )


def respond(population: Population, phenotypes: Sequence[Phenotype], seed: Seed) -> Population:
    """Return the cells shifted by their phenotypes; with strength 0 they are exactly as before.

    A cell responds to a phenotype if its own uniform number lies below ``penetrance``; the number depends on the
    cell and on the phenotype's name only.
    """
    table = population.table.copy()
    labels = population.phenotypes.copy()
    for phenotype in phenotypes:
        check_shifts(phenotype)
        chance = generator(seed, Stream.RESPONSE, phenotype.name).random(len(population))
        responds = chance < phenotype.penetrance
        if phenotype.strength == 0:
            continue
        for name, target in phenotype.shifts.items():
            if name in FIELD_SHIFTS:
                continue
            column = table[:, COLUMN[name]]
            column[responds] = _shift(column[responds], PARAMETERS[COLUMN[name]], target, phenotype.strength)
        labels[responds] = [join(label, phenotype.name) for label in labels[responds]]
    return replace(population, table=table, phenotypes=labels)


def count_factor(phenotypes: Sequence[Phenotype]) -> float:
    """Return by what the phenotypes together multiply the number of cells."""
    factor = 1.0
    for phenotype in phenotypes:
        factor *= phenotype.shifts.get("count", 1.0) ** phenotype.strength
    return factor


def check_shifts(phenotype: Phenotype) -> None:
    """Raise ValueError where a phenotype shifts what does not exist or what cannot be shifted."""
    for name in phenotype.shifts:
        if name not in (*NAMES, *FIELD_SHIFTS):
            raise ValueError(
                f"phenotype {phenotype.name!r} shifts {name!r}; there are {', '.join((*FIELD_SHIFTS, *NAMES))}"
            )
        if name in COLUMN and PARAMETERS[COLUMN[name]].kind == "angle":
            raise ValueError(f"phenotype {phenotype.name!r} shifts {name!r}, a direction, which has no scale")


def join(label: str, name: str) -> str:
    """Return the phenotype label of a cell that has one more phenotype."""
    return name if label == CONTROL else f"{label}+{name}"


def _distribute(normal: np.ndarray, parameter: Parameter, mean: float, variation: float) -> np.ndarray:
    if parameter.kind == "positive":
        spread = np.sqrt(np.log1p((parameter.spread * variation) ** 2))
        return mean * np.exp(spread * normal - spread**2 / 2)
    if parameter.kind == "fraction":
        return np.clip(mean + parameter.spread * variation * normal, 0.0, 1.0)
    if parameter.kind == "aspect":
        # the mean of |normal| is sqrt(2 / pi)
        usual = np.sqrt(2 / np.pi)
        return np.maximum(mean, 1.0) ** (1 + variation * (np.abs(normal) / usual - 1) * 0.6)
    return _uniform(normal) * np.pi


def _uniform(normal: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    uniform: np.ndarray = ndtr(normal)
    return uniform


def _shift(values: np.ndarray, parameter: Parameter, target: float, strength: float) -> np.ndarray:
    if parameter.kind == "fraction":
        return values + strength * (target - values)
    shifted = values * target**strength
    return np.maximum(shifted, 1.0) if parameter.kind == "aspect" else shifted
