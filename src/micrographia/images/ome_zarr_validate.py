"""What is wrong with an OME-Zarr: its metadata against the specification, its arrays, its files, its labels.

Everything that is wrong is listed; nothing is raised for what a store holds.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from micrographia.errors import ImageError
from micrographia.images.files import printable
from micrographia.images.ome_zarr_model import (
    Group,
    Multiscale,
    image_paths,
    join,
    list_labels,
    parse_multiscale,
    read_group,
)
from micrographia.images.ome_zarr_problem import Problem
from micrographia.images.ome_zarr_validate_files import file_problems
from micrographia.images.ome_zarr_validate_pixels import pixel_problems
from micrographia.images.zarr_metadata import ArrayMetadata, read_metadata
from micrographia.images.zarr_store import Store, open_store

SPACE = frozenset(
    "angstrom attometer centimeter decimeter exameter femtometer foot gigameter hectometer inch kilometer megameter "
    "meter micrometer mile millimeter nanometer parsec petameter picometer terameter yard yoctometer yottameter "
    "zeptometer zettameter".split()
)
TIME = frozenset(
    "attosecond centisecond day decisecond exasecond femtosecond gigasecond hectosecond hour kilosecond megasecond "
    "microsecond millisecond minute nanosecond petasecond picosecond second terasecond yoctosecond yottasecond "
    "zeptosecond zettasecond".split()
)
ORDER = {"time": 0, "channel": 1, "space": 2}


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A pyramid with the metadata of its arrays."""

    group: Group
    multiscale: Multiscale
    arrays: tuple[ArrayMetadata, ...]


def validate(path: str | os.PathLike[str], *, headers_only: bool = True) -> list[Problem]:
    """List what is wrong with an OME-Zarr, its labels included.

    Parameters
    ----------
    path
        A folder or zip.
    headers_only
        Look at metadata, names and sizes of files, and indices of shards. Otherwise pixels are sampled too: whether
        levels show what level 0 shows, and labels occur at level 0.

    Returns
    -------
    list of Problem
        Empty if all is well.
    """
    path = Path(path)
    try:
        store = open_store(path)
        root = read_group(store)
        names = list(image_paths(store, root))
        if not names:
            parse_multiscale(store, root)
    except ImageError as error:
        return [_unreadable(path, error)]
    problems: list[Problem] = []
    for name in names:
        found = list(_image(store, path, name, root.version))
        problems += found
        if not headers_only and not any(problem.severity == "error" for problem in found):
            problems += pixel_problems(path, store, name)
    return problems


def _unreadable(path: Path, error: ImageError) -> Problem:
    file = error.path.removeprefix(printable(path)).lstrip("/")
    return Problem("unreadable", file, error.problem, error.remedy or "copy it again")


def _image(store: Store, path: Path, name: str, version: str) -> Iterator[Problem]:
    try:
        image = _pyramid(store, name)
    except ImageError as error:
        yield _unreadable(path, error)
        return
    yield from _metadata(store, image, version)
    yield from _omero(image)
    yield from _labels(store, path, image, version)


def _pyramid(store: Store, name: str) -> Pyramid:
    group = read_group(store, name)
    multiscale = parse_multiscale(store, group)
    return Pyramid(group, multiscale, tuple(read_metadata(store, place) for place in multiscale.paths))


def _metadata(store: Store, image: Pyramid, version: str) -> Iterator[Problem]:
    group = image.group
    if group.version not in ("0.4", "0.5"):
        yield Problem("version", group.file_name, f"says that it is OME-Zarr {group.version}, not 0.4 or 0.5")
    elif group.version != version:
        yield Problem("version", group.file_name, f"is OME-Zarr {group.version} inside OME-Zarr {version}")
    wanted = "zarr.json" if group.version == "0.5" else ".zarray"
    for array in image.arrays:
        if group.version in ("0.4", "0.5") and not array.file_name.endswith(wanted):
            yield Problem(
                "version",
                array.file_name,
                f"is no array of the Zarr version that OME-Zarr {group.version} asks for",
            )
    said = group.ome["multiscales"][0]
    yield from _axes(image, said)
    yield from _transformations(image, said)
    yield from _levels(image)
    for place, array in zip(image.multiscale.paths, image.arrays, strict=True):
        yield from file_problems(store, place, array)


def _axes(image: Pyramid, said: Mapping[str, Any]) -> Iterator[Problem]:
    file = image.group.file_name
    axes = said.get("axes")
    if not isinstance(axes, list) or not all(isinstance(axis, dict) for axis in axes):
        yield Problem("axes", file, "lists no axes with names and types")
        return
    if not 2 <= len(axes) <= 5:
        yield Problem("axes", file, f"has {len(axes)} axes; 2 to 5 are allowed")
    kinds = [str(axis.get("type", "")) for axis in axes]
    known = [ORDER.get(kind, 1) for kind in kinds]
    if known != sorted(known) or not 2 <= kinds.count("space") <= 3 or kinds.count("time") > 1:
        yield Problem(
            "axes", file, f"has axes of types {', '.join(kinds)}; time, channel, then 2 or 3 of space are due"
        )
    for axis, kind in zip(axes, kinds, strict=True):
        unit = axis.get("unit")
        if (
            unit is not None
            and kind in ("space", "time")
            and unit not in (SPACE if kind == "space" else TIME)
        ):
            yield Problem(
                "unit",
                file,
                f"gives axis {axis.get('name')} the unit {unit!r}, which is no UDUNITS name",
                severity="warning",
            )
    for array in image.arrays:
        if len(array.shape) != len(axes):
            yield Problem("axes", array.file_name, f"has {len(array.shape)} dimensions for {len(axes)} axes")
        elif image.group.version == "0.5" and array.names != image.multiscale.names:
            named = "none" if array.names is None else ", ".join(map(str, array.names))
            yield Problem(
                "dimension-names",
                array.file_name,
                f"names the dimensions {named}, the axes are {', '.join(image.multiscale.names)}",
            )


def _transformations(image: Pyramid, said: Mapping[str, Any]) -> Iterator[Problem]:
    for number, dataset in enumerate(said["datasets"]):
        kinds = [entry.get("type") for entry in dataset.get("coordinateTransformations", ())]
        if kinds not in (["scale"], ["scale", "translation"]):
            told = ", ".join(map(str, kinds)) or "none"
            yield Problem(
                "transformation",
                image.group.file_name,
                f"gives level {number} the transformations {told}; a scale and perhaps a translation are due",
            )


def _levels(image: Pyramid) -> Iterator[Problem]:
    """Compare shapes, types, scales and translations of all levels with level 0."""
    scale = image.multiscale
    first, file = image.arrays[0], image.group.file_name
    for number, array in enumerate(image.arrays[1:], 1):
        if array.dtype != first.dtype:
            yield Problem("dtype", array.file_name, f"is of type {array.dtype}, level 0 of {first.dtype}")
        if len(array.shape) != len(first.shape):
            continue
        if math.prod(array.shape) > math.prod(image.arrays[number - 1].shape):
            yield Problem("levels", file, f"lists level {number} after a smaller one")
        for axis, size, whole, step, base, shift, origin in zip(
            scale.names,
            array.shape,
            first.shape,
            scale.scales[number],
            scale.scales[0],
            scale.translations[number],
            scale.translations[0],
            strict=True,
        ):
            factor = step / base
            if abs(whole / factor - size) >= 1 and size > 1:
                yield Problem(
                    "scale",
                    file,
                    f"gives level {number} {factor:g} times the step of level 0 along {axis}, but it has {size} pixels "
                    f"instead of {math.ceil(whole / factor)}",
                )
            centred = (factor - 1) / 2 * base
            if not any(
                math.isclose(shift - origin, due, rel_tol=1e-3, abs_tol=1e-6 * step) for due in (0, centred)
            ):
                yield Problem(
                    "translation",
                    file,
                    f"places level {number} at {shift:g} along {axis}; where {factor:g} pixels are averaged it lies at "
                    f"{origin + centred:g}",
                    severity="warning",
                )


def _omero(image: Pyramid) -> Iterator[Problem]:
    omero = image.group.ome.get("omero")
    if omero is None:
        return
    file = image.group.file_name
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(channels, list):
        yield Problem("omero", file, "has omero metadata without channels", severity="warning")
        return
    sizes = dict(zip(image.multiscale.axes, image.arrays[0].shape, strict=False))
    if len(channels) != sizes.get("C", 1):
        yield Problem(
            "omero", file, f"describes {len(channels)} channels of {sizes.get('C', 1)}", severity="warning"
        )
    for number, channel in enumerate(channels):
        window = channel.get("window") if isinstance(channel, dict) else None
        limits = (
            [window.get(key) for key in ("min", "start", "end", "max")] if isinstance(window, dict) else []
        )
        numbers = [value for value in limits if isinstance(value, int | float)]
        if len(numbers) < 4:
            yield Problem("omero", file, f"lacks display limits for channel {number}", severity="warning")
        elif numbers[1] >= numbers[2]:
            told = f"shows channel {number} from {numbers[1]} to {numbers[2]}"
            yield Problem("omero", file, told, severity="warning")


def _labels(store: Store, path: Path, image: Pyramid, version: str) -> Iterator[Problem]:
    folder = join(image.group.path, "labels")
    try:
        names = list_labels(store, image.group.path)
        if not names and "labels" not in store.children(image.group.path):
            return
        group = read_group(store, folder)
    except ImageError as error:
        yield _unreadable(path, error)
        return
    if "labels" not in group.ome:
        yield Problem("labels", group.file_name, "lists no label images")
    if version == "0.5" and "version" not in group.ome:
        yield Problem("version", group.file_name, "says no version of OME-Zarr for the labels")
    files = {"zarr.json", ".zattrs", ".zgroup", ".zmetadata"}
    for stray in sorted(set(store.children(folder)) - files - {name.split("/")[0] for name in names}):
        yield Problem("labels", group.file_name, f"does not list the label image {stray}", severity="warning")
    for name in names:
        try:
            label = _pyramid(store, join(folder, name))
        except ImageError as error:
            yield _unreadable(path, error)
            continue
        yield from _metadata(store, label, version)
        yield from _label(label, image)


def _label(label: Pyramid, image: Pyramid) -> Iterator[Problem]:
    """Compare a label image with its image."""
    file = label.group.file_name
    about = label.group.ome.get("image-label")
    if not isinstance(about, dict):
        yield Problem(
            "image-label", file, "is a label image without image-label metadata", severity="warning"
        )
    else:
        source = about.get("source")
        said = source.get("image") if isinstance(source, dict) else None
        if said is None:
            yield Problem("source", file, "does not name the image that is labelled", severity="warning")
        elif os.path.normpath(join(label.group.path, str(said))) != os.path.normpath(image.group.path or "."):
            yield Problem("source", file, f"names {said!r} as the labelled image, which is another one")
    if label.arrays[0].dtype.kind not in "ui":
        yield Problem(
            "dtype", label.arrays[0].file_name, f"holds labels of type {label.arrays[0].dtype}, not integers"
        )
    if len(label.arrays) != len(image.arrays):
        yield Problem("levels", file, f"has {len(label.arrays)} levels, its image {len(image.arrays)}")
    for number, (own, other) in enumerate(zip(label.arrays, image.arrays, strict=False)):
        yield from _same_grid(label, image, number, own.shape, other.shape)


def _same_grid(
    label: Pyramid, image: Pyramid, number: int, own: Sequence[int], other: Sequence[int]
) -> Iterator[Problem]:
    sizes = dict(zip(image.multiscale.axes, other, strict=False))
    steps = dict(zip(image.multiscale.axes, image.multiscale.scales[number], strict=True))
    for axis, size, step in zip(label.multiscale.axes, own, label.multiscale.scales[number], strict=False):
        if size not in (1, sizes.get(axis, 1)):
            yield Problem(
                "labels-shape",
                label.arrays[number].file_name,
                f"has {size} pixels along {axis}, its image {sizes.get(axis, 1)}",
            )
        elif axis != "C" and axis in steps and not math.isclose(step, steps[axis], rel_tol=1e-6):
            yield Problem(
                "labels-scale",
                label.group.file_name,
                f"gives level {number} the step {step:g} along {axis}, its image {steps[axis]:g}",
                severity="warning",
            )
