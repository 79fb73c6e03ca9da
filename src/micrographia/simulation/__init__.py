"""Simulated microscopy with known truth: for demonstrations, tests, and calibrating diagnostics.

Everything is made from a seed: the same seed and options give the same bytes, in whatever order and by however many
workers fields are made. See ``docs/simulation.md`` for pictures and for each phenotype and effect.
"""

from micrographia.simulation.camera import expose
from micrographia.simulation.defect_kinds import DEFECTS
from micrographia.simulation.defects import Defect, Planted, plant_defects
from micrographia.simulation.field import Field, simulate_field
from micrographia.simulation.folders import simulate_dataset
from micrographia.simulation.histology import simulate_histology
from micrographia.simulation.optics import blur, illumination, psf_sigma
from micrographia.simulation.options import (
    ACTIN,
    ALL_CHANNELS,
    CHANNELS,
    DNA,
    EIGHT_BIT,
    LYSOSOMES,
    MITOCHONDRIA,
    Camera,
    Cells,
    Channel,
    Nuisance,
    Optics,
    Timelapse,
)
from micrographia.simulation.phenotypes import PHENOTYPES, Phenotype, phenotype
from micrographia.simulation.plates import (
    Effects,
    Plate,
    Site,
    Treatment,
    plate_sites,
    simulate_plate,
    simulate_site,
)
from micrographia.simulation.tiles import cut_tiles, simulate_tiles

__all__ = [
    "ACTIN",
    "ALL_CHANNELS",
    "CHANNELS",
    "DEFECTS",
    "DNA",
    "EIGHT_BIT",
    "LYSOSOMES",
    "MITOCHONDRIA",
    "PHENOTYPES",
    "Camera",
    "Cells",
    "Channel",
    "Defect",
    "Effects",
    "Field",
    "Nuisance",
    "Optics",
    "Phenotype",
    "Planted",
    "Plate",
    "Site",
    "Timelapse",
    "Treatment",
    "blur",
    "cut_tiles",
    "expose",
    "illumination",
    "phenotype",
    "plant_defects",
    "plate_sites",
    "psf_sigma",
    "simulate_dataset",
    "simulate_field",
    "simulate_histology",
    "simulate_plate",
    "simulate_site",
    "simulate_tiles",
]
