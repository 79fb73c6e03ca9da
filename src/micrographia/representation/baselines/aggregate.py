"""The objects of an image as one row, or one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from micrographia.errors import ProfileError
from micrographia.images import Image
from micrographia.representation.baselines.fields import Array, Labels, Reading
from micrographia.representation.baselines.measured import Measured, joined, summarised
from micrographia.representation.baselines.names import object_part
from micrographia.representation.baselines.neighbours import NEAREST
from micrographia.representation.baselines.objects import PARTS, Objects, features

SUMMARIES = ("mean", "sd", "median")


def spacing_of(image: Image) -> tuple[float, float, float]:
    """Return the size of a voxel along Z, Y and X in units of that along X; 1 where it is unknown."""
    x = image.scale.get("x")
    if not x or image.size("Z") == 1:
        return 1.0, 1.0, 1.0
    return image.scale.get("z", x) / x, image.scale.get("y", x) / x, 1.0


def object_rows(
    labels: Labels, reading: Reading, names: Sequence[str], where: str, measured: Sequence[str] = PARTS
) -> tuple[dict[str, Array], dict[str, list[str]]]:
    """Return one row an object: ``label_id``, ``t``, ``layer``, ``z``, ``y``, ``x`` and the features.

    Layer by layer and time point by time point, by ascending label. The second value says, by part, why some are NaN.

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
            found = features(objects, reading.whole(t), names, measured, spacing)
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


def _reasons(parts: Sequence[dict[str, Array]]) -> dict[str, list[str]]:
    """Return why numbers of objects are missing, by the part of the features to which they belong."""
    found: dict[str, dict[str, None]] = {}
    for part in parts:
        count = len(part["label_id"])
        for name, values in part.items():
            if name not in PLACES and np.isnan(values).any():
                found.setdefault(object_part(name), {})[_reason(name, count)] = None
    return {part: list(reasons) for part, reasons in found.items()}


def _reason(name: str, count: int) -> str:
    needed = {"nearest": 2, "second_nearest": 3, "angle": 3, f"nearest_{NEAREST}": NEAREST + 1}
    if count < needed.get(name, 0):
        return f"fewer than {needed[name]} objects: no {name}"
    if name == "angle":
        return "two objects have one centroid: no angle"
    if name in ("form_factor", "elongation", "flatness"):
        return f"an object one pixel thin: no {name}"
    if name.endswith("mass_displacement"):
        return f"an object without light, or with pixels that are not finite: no {name}"
    return "an object has no finite pixel"


def per_image(rows: dict[str, Array], reasons: Mapping[str, Sequence[str]]) -> dict[str, Measured]:
    """Return mean, SD (n - 1) and median over the objects for each part of their features, and all as ``objects``."""
    of_part: dict[str, list[str]] = {}
    for name in rows:
        if name not in PLACES:
            of_part.setdefault(object_part(name), []).append(name)
    found = {part: _summary(rows, names, reasons.get(part, ())) for part, names in of_part.items()}
    return {**found, "objects": joined(list(found.values()))}


def _summary(rows: dict[str, Array], names: Sequence[str], reasons: Sequence[str]) -> Measured:
    values = np.stack([np.asarray(rows[name], np.float64) for name in names], axis=1)
    flat = np.stack(summarised(values), axis=1).ravel()
    full = tuple(f"{name}_{summary}" for name in names for summary in SUMMARIES)
    if not np.isnan(flat).any():
        return Measured(full, flat)
    if not len(values):
        return Measured(full, flat, ("no object in the image",))
    alone = ["a single object has no SD"] if len(values) == 1 else []
    return Measured(full, flat, (*reasons, *alone))


def _told(image: Image) -> str:
    return " x ".join(str(image.size(axis)) for axis in "TZYX" if axis in image.axes)
