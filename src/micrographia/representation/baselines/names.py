"""The baselines by name: what each holds, and what kind of thing it is."""

from __future__ import annotations

NAMES = {
    "count": "number of objects in the label image, per million pixels, and the share of pixels inside objects",
    "density proxy": "Otsu foreground and blobs per million pixels, where no labels are known",
    "intensity": "mean, SD, skewness, kurtosis, extremes and percentiles of each channel",
    "colour": "mean of each channel, and its share of all",
    "stain": "background, optical density and two stain vectors of colour pictures",
    "texture": "Haralick features of grey-level co-occurrence and local binary patterns of each channel",
    "spectrum": "share of contrast at each spatial frequency of each channel",
    "pixels": "the picture at 16 x 16 pixels",
    "projection": "the same small picture, projected at random onto as many dimensions as a model has",
    "objects": "shape, intensity and neighbours of objects; their mean, SD and median for an image",
    "shape": "the part of `objects` that is area and shape",
    "object intensity": "the part of `objects` that is intensity",
    "neighbours": "the part of `objects` that is who touches whom, and how far the nearest are",
    "place": "where in its image an object lies (objects only)",
    "well position": "row, column and distance to the edge of the plate: no pixel",
    "plate": "which plate: no pixel",
    "plate and position": "plate, row and column of wells, one column each: no pixel",
}
"""The baselines of images and of objects, with a line on each."""

KINDS = {
    "count": "density",
    "density proxy": "density",
    "neighbours": "density",
    "projection": "random",
    "place": "layout",
    "well position": "layout",
    "plate": "layout",
    "plate and position": "layout",
}
"""What ``source["kind"]`` says; ``baseline`` for all others."""

OF_IMAGES = tuple(name for name in NAMES if name != "place")
OF_OBJECTS = ("objects", "shape", "object intensity", "neighbours", "place")
LAYOUTS = ("well position", "plate", "plate and position")
FROM_OBJECTS = ("objects", "shape", "object intensity", "neighbours")
"""Baselines that are columns of one table of object features."""

_NEIGHBOURS = (
    "touching",
    "touching_share",
    "within_radius",
    "nearest",
    "second_nearest",
    "nearest_5",
    "angle",
)
_SHAPE = (
    *(
        "area",
        "volume",
        "equivalent_diameter",
        "major_axis",
        "middle_axis",
        "minor_axis",
        "elongation",
        "flatness",
    ),
    *("eccentricity", "perimeter", "form_factor", "hull_area", "solidity", "max_feret", "min_feret"),
    *(f"moment_{pq}" for pq in ("20", "11", "02", "30", "21", "12", "03")),
    *(f"hu_{at}" for at in range(1, 8)),
    *("extent", "touches_border"),
)


def kind(name: str) -> str:
    """Return what ``source["kind"]`` says of a baseline."""
    return KINDS.get(name, "baseline")


def object_part(feature: str) -> str:
    """Return the part of the object features to which one belongs, summary and all."""
    stem = feature
    for summary in ("_mean", "_sd", "_median"):
        if feature.endswith(summary) and feature.removesuffix(summary) in (*_NEIGHBOURS, *_SHAPE):
            stem = feature.removesuffix(summary)
    if stem in _NEIGHBOURS:
        return "neighbours"
    return "shape" if stem in _SHAPE else "object intensity"
