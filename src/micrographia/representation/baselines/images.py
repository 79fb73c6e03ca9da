"""Trivial baselines of images and of their objects, from a dataset or from arrays."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from micrographia import work
from micrographia.errors import ProfileError
from micrographia.representation.baselines import density, intensity, names, texture
from micrographia.representation.baselines.aggregate import PLACES
from micrographia.representation.baselines.fields import Field, array_fields, dataset_fields
from micrographia.representation.baselines.measured import Measured, Reasons, tabled
from micrographia.representation.baselines.measuring import Found, Header, Plan, header, measure
from micrographia.representation.baselines.neighbours import RADIUS
from micrographia.representation.baselines.plate_layout import layout
from micrographia.representation.baselines.random_projection import projections
from micrographia.representation.baselines.rows import in_order
from micrographia.representation.profiles import Array, Profiles

if TYPE_CHECKING:
    import pandas as pd

    from micrographia.dataset import Dataset

DETAILS: dict[str, dict[str, Any]] = {
    "density proxy": {
        "stands_for": "object count: foreground above Otsu's threshold, maxima of the Laplacian of Gaussian",
        "scales": list(density.SCALES),
        "prominence": density.PROMINENCE,
    },
    "intensity": {"percentiles_exact_to_pixels": intensity.SAMPLED},
    "texture": {
        "levels": texture.LEVELS,
        "distances": list(texture.DISTANCES),
        "circles": [list(circle) for circle in texture.CIRCLES],
    },
    "objects": {"neighbour_radius": RADIUS},
    "neighbours": {"neighbour_radius": RADIUS},
}
"""What ``source`` says of single baselines beside their kind."""


def image_baselines(
    dataset: Dataset | str | PathLike[str] | Sequence[Any],
    which: Sequence[str] | None = None,
    *,
    per: Literal["image", "object"] = "image",
    labels: Sequence[Any] | None = None,
    rows: pd.DataFrame | None = None,
    images: Sequence[str] | None = None,
    annotation_set: str | None = None,
    channels: Literal["each", "mean"] | None = None,
    axes: str | None = None,
    dimension: int = 256,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = False,
) -> dict[str, Profiles]:
    """Return trivial baselines of images, or of the objects in them.

    Parameters
    ----------
    dataset
        A dataset or its folder; or images in memory: arrays (Y, X), (C, Y, X), (C, Z, Y, X), (T, C, Z, Y, X).
    which
        Some of :data:`NAMES`; by default all that these images allow: counts and object features need label images,
        stain needs colour, layout needs group columns ``well`` and ``plate``.
    per
        One row an image, or one row an object.
    labels
        Label images of images in memory, one each; None for one that has none.
    rows
        What rows are wanted, in which order: columns ``image`` and, for objects, ``label_id`` (and ``layer`` and ``t``
        where labels repeat). The metadata of the result then begins with these columns.
    images
        Ids of the images of a dataset, in the order wanted; names of images in memory.
    annotation_set
        Which label images; the first set by default.
    channels
        ``each``: features of every channel. ``mean``: of the mean of all channels. By default each if all images have
        as many channels, else the mean, which ``source`` then says.
    axes
        Axes of arrays, if they are others.
    dimension, seed
        Of the random projection.
    workers
        Threads; None for one a processor. The result does not depend on it.
    progress
        Show a progress bar.

    Returns
    -------
    dict of Profiles
        Name to features, float64; rows of all are the same. ``source["kind"]`` is ``baseline``, ``density``,
        ``layout`` or ``random``. An image that cannot be read or measured is a row of NaN; ``source["undefined"]``
        gives every reason for NaN with its rows.

    Raises
    ------
    ProfileError
        If a baseline is unknown or these images do not allow it, rows are asked for that there are not, or no image
        can be read.
    DatasetError, MetadataError
        If the folder is no dataset.
    """
    if per not in ("image", "object"):
        raise ProfileError("", f"there are no baselines per {per}", "Ask for image or object")
    if which is not None and not len(which):
        return {}
    if channels not in (None, "each", "mean"):
        raise ProfileError("", f"there are no features of channels {channels!r}", "Ask for each or mean")
    wanted_images = images if rows is None or images is not None else _images_of(rows)
    fields = _fields(dataset, wanted_images, labels, axes, annotation_set)
    found, plan, common = _measured(fields, which, per, channels, workers, progress)
    if per == "object":
        result = _object_profiles(fields, found, plan, common)
    else:
        result = _image_profiles(fields, found, common)
        result |= _layouts(result, fields, which)
        if "projection" in plan.wanted:
            result["projection"] = projections(result["pixels"], dimension, seed)
    if rows is not None:
        result = in_order(result, rows, per)
    asked = which if which is not None else [name for name in names.NAMES if name in result]
    return {name: result[name] for name in asked}


def _images_of(rows: pd.DataFrame) -> list[str]:
    if "image" not in rows.columns:
        known = ", ".join(str(name) for name in rows.columns[:20])
        raise ProfileError("", "the rows asked for have no column 'image'", f"Columns are {known}")
    return [str(name) for name in dict.fromkeys(rows["image"])]


def _fields(
    dataset: Any,
    images: Sequence[str] | None,
    labels: Sequence[Any] | None,
    axes: str | None,
    annotation_set: str | None,
) -> list[Field]:
    if isinstance(dataset, str | PathLike) or hasattr(dataset, "image_ids"):
        if labels is not None or axes is not None:
            raise ProfileError("", "labels and axes are those of the dataset", "Leave them out")
        return dataset_fields(dataset, images, annotation_set)
    given = list(dataset)
    if not given:
        raise ProfileError("", "there is no image to measure", "Give at least one")
    return array_fields(given, labels, axes, images)


def _measured(
    fields: list[Field],
    which: Sequence[str] | None,
    per: str,
    channels: str | None,
    workers: int | None,
    progress: bool,
) -> tuple[list[Found | str], Plan, dict[str, Any]]:
    heads = _run(header, fields, workers, "headers", progress)
    readable = [head for head in heads if isinstance(head, Header)]
    if not readable:
        raise ProfileError("", f"no image can be read; the first says: {heads[0]}")
    counts = {len(head.channels) for head in readable}
    mean = channels == "mean" or (channels is None and len(counts) > 1)
    if channels == "each" and len(counts) > 1:
        told = ", ".join(str(count) for count in sorted(counts))
        raise ProfileError("", f"images have {told} channels", "Ask for the mean of the channels")
    known = {head.channels for head in readable}
    called = next(iter(known)) if len(known) == 1 else tuple(f"c{at + 1}" for at in range(max(counts)))
    called = ("mean",) if mean and max(counts) > 1 else called
    nuclear = None if any(head.rgb for head in readable) else density.nuclear_channel(called)
    plan = Plan(_wanted(which, per, fields, readable), mean, called, nuclear=nuclear)
    common: dict[str, Any] = {
        "channels": list(called),
        "mean_of_channels": mean and max(counts) > 1,
        "dtypes": sorted({head.dtype for head in readable}),
        "density_channel": called[nuclear] if nuclear is not None else "mean of all",
    }

    def one(field: Field) -> Found | str:
        return measure(field, plan, per == "object")

    results = _run(one, fields, workers, "baselines", progress)
    if any(field.labelled for field in fields):
        common["annotation_set"] = next((field.set_name for field in fields if field.set_name), "")
    notes = {found.note for found in results if isinstance(found, Found) and found.note}
    common |= {"notes": sorted(notes)} if notes else {}
    return results, plan, common


def _run(function: Any, fields: list[Field], workers: int | None, label: str, progress: bool) -> list[Any]:
    outcomes = work.run(
        function,
        fields,
        workers=workers,
        kind="threads",
        name=lambda field: field.name,
        label=label,
        quiet=not progress,
    )
    return [outcome.result() for outcome in outcomes]


def _wanted(
    which: Sequence[str] | None, per: str, fields: list[Field], heads: list[Header]
) -> frozenset[str]:
    known = names.OF_OBJECTS if per == "object" else names.OF_IMAGES
    possible = set(known)
    if not any(field.labelled for field in fields):
        possible -= {*names.OF_OBJECTS, "count"}
    if not any(head.rgb for head in heads):
        possible.discard("stain")
    if which is None:
        asked = possible
    else:
        for name in which:
            if name not in known:
                raise ProfileError(
                    "", f"there is no baseline {name!r} per {per}", f"There are {', '.join(known)}"
                )
            if name not in possible:
                need = "a colour picture" if name == "stain" else "label images"
                raise ProfileError("", f"baseline {name!r} needs {need}, and there is none")
        asked = set(which)
    if not asked:
        raise ProfileError("", "there are no label images, so no objects", "Give labels")
    return frozenset(asked | ({"pixels"} if "projection" in asked else set()))


def _source(name: str, common: dict[str, Any]) -> dict[str, Any]:
    return {"baseline": name, "kind": names.kind(name), **common, **DETAILS.get(name, {})}


def _meta(fields: list[Field]) -> pd.DataFrame:
    import pandas as pd

    columns = dict.fromkeys(key for field in fields for key in field.meta)
    held: dict[str, list[Any]] = {"image": [field.name for field in fields]}
    held |= {key: [field.meta.get(key) for field in fields] for key in columns}
    kept = {key: values for key, values in held.items() if any(value is not None for value in values)}
    return pd.DataFrame(kept)


def _image_profiles(
    fields: list[Field], found: list[Found | str], common: dict[str, Any]
) -> dict[str, Profiles]:
    meta = _meta(fields)
    called = [field.name for field in fields]
    result: dict[str, Profiles] = {}
    measured = list(
        dict.fromkeys(name for one in found if isinstance(one, Found) for name in sorted(one.images))
    )
    for name in measured:
        held: list[Measured | str] = [
            one if isinstance(one, str) else one.images.get(name, "no label image") for one in found
        ]
        source = _source(name, common)
        if name in ("count", *names.FROM_OBJECTS):
            source["exact"] = all(one.exact is not False for one in found if isinstance(one, Found))
        result[name] = tabled(held, called, meta, name, source)
    return result


def _layouts(
    result: dict[str, Profiles], fields: list[Field], which: Sequence[str] | None
) -> dict[str, Profiles]:
    asked = names.LAYOUTS if which is None else [name for name in which if name in names.LAYOUTS]
    if not asked:
        return {}
    found = layout(next(iter(result.values())).meta if result else _meta(fields))
    lacking = [name for name in asked if name not in found]
    if which is not None and lacking:
        raise ProfileError("", f"baseline {lacking[0]!r} needs group columns 'plate' and 'well'")
    return found


def _object_profiles(
    fields: list[Field], found: list[Found | str], plan: Plan, common: dict[str, Any]
) -> dict[str, Profiles]:
    import pandas as pd

    parts: list[dict[str, Array]] = []
    frames: list[pd.DataFrame] = []
    reasons = {name: Reasons() for name in names.OF_OBJECTS}
    exact = True
    for field, one in zip(fields, found, strict=True):
        for name, told in reasons.items():
            every = {} if isinstance(one, str) else one.reasons
            parted = every.values() if name == "objects" else [every.get(name, ())]
            told.add(
                field.name, [one] if isinstance(one, str) else [text for part in parted for text in part]
            )
        if isinstance(one, str):
            continue
        exact = exact and one.exact is not False
        held = one.objects or {}
        frame = pd.DataFrame({key: held[key] for key in PLACES}).astype({"t": int, "layer": int})
        frame.insert(0, "image", field.name)
        for key, value in field.meta.items():
            if value is not None:
                frame[key] = value
        frames.append(frame)
        parts.append(held)
    if not frames:
        raise ProfileError("", f"no image has objects; the first says: {found[0]}")
    meta = pd.concat(frames, ignore_index=True)
    result = {}
    for name in names.OF_OBJECTS:
        if name in plan.wanted:
            source = {**_source(name, common), "exact": exact, "undefined": reasons[name].told()}
            columns = _columns(parts, name)
            result[name] = Profiles(_stacked(parts, columns), meta, tuple(columns), name, source)
    return result


def _columns(parts: list[dict[str, Array]], name: str) -> list[str]:
    """Return the features of objects that belong to a baseline."""
    every = dict.fromkeys(key for part in parts for key in part if key not in PLACES)
    if name == "place":
        return [key for key in every if key.startswith("place_")]
    own = [key for key in every if not key.startswith("place_")]
    return own if name == "objects" else [key for key in own if names.object_part(key) == name]


def _stacked(parts: list[dict[str, Array]], columns: list[str]) -> Array:
    sizes = [len(part["label_id"]) for part in parts]
    values = np.full((sum(sizes), len(columns)), np.nan)
    for part, first, size in zip(parts, np.cumsum([0, *sizes[:-1]]), sizes, strict=True):
        for at, key in enumerate(columns):
            if key in part:
                values[first : first + size, at] = part[key]
    return values
