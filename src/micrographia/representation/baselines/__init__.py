"""Trivial baselines: what a model must beat before it can be said to have learned anything.

Images and objects: :func:`image_baselines`. Without pixels: :func:`layout`, :func:`chromosome_arms`,
:func:`tissue_structure`. From other profiles: :func:`projections`, :func:`intensity_of_profiles` and the like.
"""

from micrographia.representation.baselines.chromosomes import chromosome_arms, same_arm
from micrographia.representation.baselines.images import image_baselines
from micrographia.representation.baselines.measurements import (
    density_of_profiles,
    intensity_of_profiles,
    without_density,
    without_intensity,
)
from micrographia.representation.baselines.names import NAMES
from micrographia.representation.baselines.objects import object_features
from micrographia.representation.baselines.plate_layout import layout, one_hot, well_place
from micrographia.representation.baselines.random_projection import projections
from micrographia.representation.baselines.texture import haralick
from micrographia.representation.baselines.tissue import tissue_structure

__all__ = [
    "NAMES",
    "chromosome_arms",
    "density_of_profiles",
    "haralick",
    "image_baselines",
    "intensity_of_profiles",
    "layout",
    "object_features",
    "one_hot",
    "projections",
    "same_arm",
    "tissue_structure",
    "well_place",
    "without_density",
    "without_intensity",
]
