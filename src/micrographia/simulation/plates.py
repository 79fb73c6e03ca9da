"""Multi-well plates: treatments laid out over wells, and everything besides biology that differs between them."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from typing import Literal

import numpy as np

from micrographia.simulation.field import Field, simulate_field
from micrographia.simulation.options import ALL_CHANNELS, Camera, Cells, Channel, Nuisance, Optics, Timelapse
from micrographia.simulation.phenotypes import Phenotype
from micrographia.simulation.seeds import Seed, Stream, child, generator


@dataclass(frozen=True, slots=True)
class Treatment:
    """What some wells get.

    Parameters
    ----------
    name
        Of the compound or the gene.
    phenotypes
        What it does at dose 1; at a lower dose the strength of each is multiplied by the dose. None: it does nothing.
    doses
        0 to 1.
    wells
        Wells per dose.
    density, intensity
        Factors on the number of cells and on the light at any dose: a nuisance that goes with the treatment, to
        confound a phenotype on purpose or to make a treatment that has nothing else.
    """

    name: str
    phenotypes: tuple[Phenotype, ...] = ()
    doses: tuple[float, ...] = (1.0,)
    wells: int = 4
    density: float = 1.0
    intensity: float = 1.0

    def __post_init__(self) -> None:
        if not self.doses or not all(0 <= dose <= 1 for dose in self.doses):
            raise ValueError(f"treatment {self.name!r}: doses must lie in 0 to 1")
        if self.wells < 1:
            raise ValueError(f"treatment {self.name!r}: wells must be at least 1")


@dataclass(frozen=True, slots=True)
class Effects:
    """How much plates, batches and wells differ without biology.

    A "spread" is the standard deviation of the logarithm of a factor.

    Parameters
    ----------
    batch_intensity, plate_intensity, well_intensity
        Spread of the light of each channel: between days, between plates of a day, between wells (staining).
    batch_background, plate_background
        Spread of the background.
    batch_defocus, plate_defocus
        Micrometers of defocus: the absolute value of a normal number with this standard deviation.
    well_density
        Spread of the number of cells between wells, 0.1 for 10%.
    site_density
        The same between the sites of a well.
    edge_intensity, edge_density
        Relative change of the light and of the number of cells in the outermost wells, halved one well further in.
        Evaporation makes them negative.
    gradient
        Relative change of the light from the first to the last column (half of it to either side of the middle).
    """

    batch_intensity: float = 0.15
    plate_intensity: float = 0.06
    well_intensity: float = 0.04
    batch_background: float = 0.25
    plate_background: float = 0.10
    batch_defocus: float = 0.25
    plate_defocus: float = 0.10
    well_density: float = 0.08
    site_density: float = 0.08
    edge_intensity: float = -0.10
    edge_density: float = -0.15
    gradient: float = 0.06

    def __post_init__(self) -> None:
        for name in ("edge_intensity", "edge_density"):
            if getattr(self, name) <= -1:
                raise ValueError(f"{name} must be above -1")
        if not -2 < self.gradient < 2:
            raise ValueError("gradient must lie in (-2, 2)")

    @classmethod
    def none(cls) -> Effects:
        """Return no effects at all: wells differ by their cells only."""
        return cls(**dict.fromkeys(cls.__slots__, 0.0))


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate and what is on it.

    Parameters
    ----------
    name
        Plates with the same name and seed are the same.
    batch
        Day or laboratory; plates of one batch share its shifts and its illumination.
    rows, columns
        8 and 12 for 96 wells, 16 and 24 for 384.
    sites
        Fields per well.
    treatments
        What is given; the wells that remain get the control.
    layout
        ``random`` over the wells of this plate, or ``fixed``: the same wells on every plate, in order, so that
        treatment and position cannot be told apart.
    control
        Name of the control.
    max_wells
        At most so many wells are used (all treated ones must fit), or all.
    effects
        What differs without biology.
    """

    name: str = "plate-1"
    batch: str = "batch-1"
    rows: int = 8
    columns: int = 12
    sites: int = 1
    treatments: tuple[Treatment, ...] = ()
    layout: Literal["random", "fixed"] = "random"
    control: str = "DMSO"
    max_wells: int | None = None
    effects: Effects = default(default_factory=Effects)

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= 32 and 1 <= self.columns <= 48):
            raise ValueError("a plate has 1 to 32 rows and 1 to 48 columns")
        if self.sites < 1:
            raise ValueError("sites must be at least 1")
        used = sum(treatment.wells * len(treatment.doses) for treatment in self.treatments)
        if used > self.wells:
            raise ValueError(f"plate {self.name!r}: treatments need {used} wells, there are {self.wells}")

    @property
    def wells(self) -> int:
        """Number of wells that are used."""
        return min(self.rows * self.columns, self.max_wells or self.rows * self.columns)


@dataclass(frozen=True, slots=True)
class Site:
    """One field of one well: what is there, and all that makes it differ.

    ``row``, ``column`` and ``site`` count from 1; ``well`` is written ``B03``.
    """

    plate: str
    batch: str
    well: str
    row: int
    column: int
    site: int
    treatment: str
    dose: float
    phenotypes: tuple[Phenotype, ...] = ()
    nuisance: Nuisance = default(default_factory=Nuisance)

    @property
    def name(self) -> str:
        """``PLATE_WELL_sSITE``."""
        return f"{self.plate}_{self.well}_s{self.site}"


def well_name(row: int, column: int) -> str:
    """Return the name of a well by row and column from 1: letters A to Z, then AA to AF.

    Examples
    --------
    >>> well_name(2, 3), well_name(27, 48)
    ('B03', 'AA48')
    """
    letters = string.ascii_uppercase
    return (letters[row - 1] if row <= 26 else f"A{letters[row - 27]}") + f"{column:02d}"


def plate_sites(plate: Plate, *, seed: Seed = 0, channels: int = len(ALL_CHANNELS)) -> list[Site]:
    """Return all fields of a plate without their pixels: well by well in reading order, the sites of a well together.

    Parameters
    ----------
    plate
        The plate.
    seed
        Layout and effects come from it; wells draw their own whatever the other wells are.
    channels
        Number of channels: staining differs by channel.
    """
    wells = [(row, column) for row in range(1, plate.rows + 1) for column in range(1, plate.columns + 1)]
    used = _used(plate, wells, seed)
    given: list[tuple[Treatment | None, float]] = [
        (treatment, dose)
        for treatment in plate.treatments
        for dose in treatment.doses
        for _ in range(treatment.wells)
    ]
    given += [(None, 0.0)] * (len(used) - len(given))
    if plate.layout == "random":
        order = generator(seed, Stream.LAYOUT, plate.name).permutation(len(given))
        given = [given[index] for index in order]
    sites = []
    for (row, column), (treatment, dose) in zip(used, given, strict=True):
        shared = _well(plate, row, column, treatment, seed, channels)
        phenotypes = () if treatment is None else treatment.phenotypes
        for number in range(1, plate.sites + 1):
            rng = generator(seed, Stream.SITE, plate.name, row, column, number)
            density = shared.density * np.exp(plate.effects.site_density * rng.standard_normal())
            sites.append(
                Site(
                    plate=plate.name,
                    batch=plate.batch,
                    well=well_name(row, column),
                    row=row,
                    column=column,
                    site=number,
                    treatment=plate.control if treatment is None else treatment.name,
                    dose=dose,
                    phenotypes=tuple(one.at(one.strength * dose) for one in phenotypes),
                    nuisance=replace(shared, density=float(density)),
                )
            )
    return sites


def simulate_site(
    site: Site,
    *,
    seed: Seed = 0,
    shape: Sequence[int] = (256, 256),
    cells: Cells | None = None,
    channels: Sequence[Channel] = ALL_CHANNELS,
    optics: Optics | None = None,
    camera: Camera | None = None,
    timelapse: Timelapse | None = None,
) -> Field:
    """Simulate one field of a plate; any order, any process, same bytes.

    Parameters
    ----------
    site
        From ``plate_sites``, with the same seed.
    seed, shape, cells, channels, optics, camera, timelapse
        As for ``simulate_field``. The pattern of illumination is that of the batch.
    """
    lamp = int(child(seed, Stream.BATCH, site.batch, Stream.ILLUMINATION).generate_state(1)[0])
    field = simulate_field(
        shape,
        seed=child(seed, Stream.FIELD, site.plate, site.row, site.column, site.site),
        cells=cells,
        phenotypes=site.phenotypes,
        channels=channels,
        optics=replace(optics or Optics(), illumination_seed=lamp),
        camera=camera,
        nuisance=site.nuisance,
        timelapse=timelapse,
        name=site.name,
    )
    return replace(field, site=site)


def simulate_plate(
    plate: Plate,
    *,
    seed: Seed = 0,
    shape: Sequence[int] = (256, 256),
    cells: Cells | None = None,
    channels: Sequence[Channel] = ALL_CHANNELS,
    optics: Optics | None = None,
    camera: Camera | None = None,
) -> Iterator[Field]:
    """Simulate a plate field by field, as they are asked for.

    Parameters
    ----------
    plate
        The plate.
    seed, shape, cells, channels, optics, camera
        As for ``simulate_site``.

    Yields
    ------
    Field
        With ``site`` set: plate, batch, well, row, column, site, treatment, dose.

    Examples
    --------
    >>> plate = Plate(rows=2, columns=2, treatments=(Treatment("drug", wells=2),))
    >>> sorted(field.site.treatment for field in simulate_plate(plate, shape=(48, 48)))
    ['DMSO', 'DMSO', 'drug', 'drug']
    """
    for site in plate_sites(plate, seed=seed, channels=len(channels)):
        yield simulate_site(
            site, seed=seed, shape=shape, cells=cells, channels=channels, optics=optics, camera=camera
        )


def _used(plate: Plate, wells: list[tuple[int, int]], seed: Seed) -> list[tuple[int, int]]:
    if plate.wells == len(wells):
        return wells
    if plate.layout == "fixed":
        return wells[: plate.wells]
    chosen = generator(seed, Stream.LAYOUT, plate.name, 1).permutation(len(wells))[: plate.wells]
    return [wells[index] for index in sorted(chosen)]


def _well(
    plate: Plate, row: int, column: int, treatment: Treatment | None, seed: Seed, channels: int
) -> Nuisance:
    """Return what all sites of a well share."""
    effects = plate.effects
    batch = generator(seed, Stream.BATCH, plate.batch)
    own = generator(seed, Stream.PLATE, plate.name)
    well = generator(seed, Stream.WELL, plate.name, row, column)
    # scalars before arrays: what one stream gives to the number of channels must not move the rest
    background = (
        effects.batch_background * batch.standard_normal() + effects.plate_background * own.standard_normal()
    )
    defocus = abs(effects.batch_defocus * batch.standard_normal()) + abs(
        effects.plate_defocus * own.standard_normal()
    )
    density = np.exp(effects.well_density * well.standard_normal())
    light = (
        effects.batch_intensity * batch.standard_normal(channels)
        + effects.plate_intensity * own.standard_normal(channels)
        + effects.well_intensity * well.standard_normal(channels)
    )
    ring = min(row - 1, plate.rows - row, column - 1, plate.columns - column)
    edge = {0: 1.0, 1: 0.5}.get(ring, 0.0)
    slope = 1 + effects.gradient * ((column - 1) / max(1, plate.columns - 1) - 0.5)
    factor = slope * (1 + effects.edge_intensity * edge) * (1.0 if treatment is None else treatment.intensity)
    density *= (1 + effects.edge_density * edge) * (1.0 if treatment is None else treatment.density)
    return Nuisance(
        intensity=tuple(float(value) for value in np.exp(light) * factor),
        background=float(np.exp(background)),
        defocus=float(defocus),
        density=float(density),
    )
