"""The objects of an image as one row, or one row each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from micrographia.errors import ProfileError
from micrographia.images import Image
from micrographia.representation.baselines.fields import Array, Labels, Reading
from micrographia.representation.baselines.measured import Measured, summarised
from micrographia.representation.baselines.objects import PARTS, Objects, features

SUMMARIES = ("mean", "sd", "median")


def spacing_of(image: Image) -> tuple[float, float, float]:
    """Return the size of a voxel along Z, Y and X in units of that along X; 1 where it is unknown."""
    x = image.scale.get("x")
    if not x or image.size("Z") == 1:
        return 1.0, 1.0, 1.0
    return image.scale.get("z", x) / x, image.scale.get("y", x) / x, 1.0


def object_rows(
    labels: Labels, reading: Reading, names: Sequence[str], where: str
) -> tuple[dict[str, Array], list[str]]:
    """Return one row an object: ``label_id``, ``t``, ``layer``, ``z``, ``y``, ``x`` and the features.

    Layer by layer and time point by time point, by ascending label. The second value says why some are NaN.

    Raises
    ------
    ProfileError
        If labels and image differ in size.
    """
    parts: list[dict[str, Array]] = []
    spacing = spacing_of(reading.source)
    size = [reading.source.size(axis) for axis in "TZYX"]
    for layer, marks in enumerate(labels.images, 1):
        if [marks.size(axis) for axis in "TZYX"] != size:
            raise ProfileError(
                where,
                f"is {_told(reading.source)} and its labels are {_told(marks)}",
                "Labels have the size of their image",
            )
        for t in range(size[0]):
            region = tuple(slice(t, t + 1) if axis == "T" else slice(None) for axis in marks.axes)
            objects = Objects(marks.read(region).reshape(size[1:]))
            found = features(objects, reading.whole(t), names, PARTS, spacing)
            z, y, x = objects.centre.T
            ones = np.ones(len(objects))
            parts.append(
                {
                    "label_id": objects.ids,
                    "t": ones * t,
                    "layer": ones * layer,
                    "z": z,
                    "y": y,
                    "x": x,
                    **found,
                }
            )
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return joined, _reasons(parts)


PLACES = ("label_id", "t", "layer", "z", "y", "x")


def _reasons(parts: Sequence[dict[str, Array]]) -> list[str]:
    """Return why numbers of objects are missing."""
    found = []
    fewest = min((len(part["label_id"]) for part in parts if len(part["label_id"])), default=0)
    if 0 < fewest < 6:
        found.append("fewer than 6 objects: not every distance to a neighbour exists")
    for part in parts:
        for name, values in part.items():
            if name in PLACES or not np.isnan(values).any():
                continue
            if name.endswith(("_mean", "_sd", "_median", "_integrated", "_min", "_max")):
                found.append(f"an object has no finite pixel: {name}")
            elif name.endswith("mass_displacement"):
                found.append(f"an object without light, or with pixels that are not finite: {name}")
            elif name in ("form_factor", "elongation", "flatness"):
                found.append(f"an object of one pixel in a row has no {name.replace('_', ' ')}")
            elif name == "angle" and fewest >= 3:
                found.append("two objects have one centroid: no angle between neighbours")
    return list(dict.fromkeys(found))


def per_image(rows: dict[str, Array], reasons: Sequence[str]) -> Measured:
    """Return mean, SD (n - 1) and median over the objects of an image; all NaN without objects."""
    names = [name for name in rows if name not in PLACES]
    values = np.stack([np.asarray(rows[name], np.float64) for name in names], axis=1)
    summaries = np.stack(summarised(values), axis=1)
    full = tuple(f"{name}_{summary}" for name in names for summary in SUMMARIES)
    why = list(reasons)
    if not len(values):
        why = ["no object in the image"]
    elif len(values) == 1:
        why.append("a single object has no SD")
    flat = summaries.ravel()
    if np.isnan(flat).any() and not why:
        why.append("a feature is known of too few objects")
    return Measured(full, flat, tuple(why) if np.isnan(flat).any() else ())


def _told(image: Image) -> str:
    return " x ".join(str(image.size(axis)) for axis in "TZYX" if axis in image.axes)
