"""What a picture shows, measured without the simulator's own code."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import ndimage
from skimage.measure import regionprops_table

from micrographia.simulation import Field

OFFSET = 100.0


def light(field: Field, channel: str) -> np.ndarray:
    """Counts of a channel above the camera's offset."""
    return field.image[field.channels.index(channel)].astype(float) - OFFSET


def cytoplasm(field: Field) -> np.ndarray:
    return (field.labels["cells"] > 0) & (field.labels["nuclei"] == 0)


def nucleus_area(field: Field) -> float:
    whole = field.objects[~field.objects.nucleus_at_border & (field.objects.nucleus_area > 0)]
    return float(whole.nucleus_area.mean())


def nucleus_aspect(field: Field) -> float:
    axes = regionprops_table(field.labels["nuclei"], properties=("axis_major_length", "axis_minor_length"))
    return float((axes["axis_major_length"] / axes["axis_minor_length"]).mean())


def nucleus_solidity(field: Field) -> float:
    return float(regionprops_table(field.labels["nuclei"], properties=("solidity",))["solidity"].mean())


def chromatin_contrast(field: Field) -> float:
    labels = np.where(
        ndimage.binary_erosion(field.labels["nuclei"] > 0, iterations=4), field.labels["nuclei"], 0
    )
    dna = light(field, "DNA")
    nuclei = [dna[labels == number] for number in np.unique(labels[labels > 0])]
    return float(np.mean([pixels.std() / pixels.mean() for pixels in nuclei]))


def puncta_clumping(field: Field) -> float:
    smooth = ndimage.gaussian_filter(light(field, "lysosomes"), 5)[cytoplasm(field)]
    return float(smooth.std() / smooth.mean())


def organelle_distance(field: Field) -> float:
    away = ndimage.distance_transform_edt(field.labels["nuclei"] == 0)[cytoplasm(field)]
    weight = light(field, "mitochondria")[cytoplasm(field)]
    return float((away * weight).sum() / weight.sum())


def mitochondria_coherence(field: Field) -> float:
    from skimage.feature import structure_tensor, structure_tensor_eigenvalues

    picture = np.log(np.maximum(light(field, "mitochondria"), 1))
    large, small = structure_tensor_eigenvalues(structure_tensor(picture, sigma=1.5))
    return float(((large - small) / (large + small + 1e-9))[cytoplasm(field)].mean())


def cell_area(field: Field) -> float:
    return float(field.objects.cell_area[~field.objects.cell_at_border].mean())


def actin_inside(field: Field) -> float:
    labels = field.labels["cells"]
    edge = ndimage.minimum_filter(labels, 9) != ndimage.maximum_filter(labels, 9)
    actin = light(field, "actin") - 10
    return float(actin[(labels > 0) & ~edge].sum() / actin[labels > 0].sum())


def number(field: Field) -> float:
    return float((field.objects.nucleus_area > 0).sum())


INTENDED: Mapping[str, tuple[Callable[[Field], float], int]] = {
    "larger_nuclei": (nucleus_area, 1),
    "elongated": (nucleus_aspect, 1),
    "fragmented_nuclei": (nucleus_solidity, -1),
    "textured_chromatin": (chromatin_contrast, 1),
    "clustered_puncta": (puncta_clumping, 1),
    "perinuclear_organelles": (organelle_distance, -1),
    "short_mitochondria": (mitochondria_coherence, -1),
    "rounded_cells": (cell_area, -1),
    "stress_fibres": (actin_inside, 1),
    "fewer_cells": (number, -1),
}
"""For every built-in phenotype the feature that it is meant to change, and in which direction."""


def same(one: Field, other: Field) -> bool:
    """Whether two fields are equal to the last bit."""
    return (
        one.image.dtype == other.image.dtype
        and np.array_equal(one.image, other.image)
        and all(np.array_equal(one.labels[name], other.labels[name]) for name in ("nuclei", "cells"))
        and one.objects.equals(other.objects)
    )
