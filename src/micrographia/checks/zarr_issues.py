"""What is wrong with the metadata of an OME-Zarr image, beyond what a reader needs to open it.

Readers are lenient: they take the first level and the shape that it claims. Here everything that is said is held
against the specification and against the files that are there. No pixel is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from micrographia.errors import ImageError
from micrographia.images.ome_zarr_model import (
    Group,
    Multiscale,
    join,
    list_labels,
    parse_multiscale,
    read_group,
)
from micrographia.images.zarr_metadata import ArrayMetadata, read_metadata
from micrographia.images.zarr_store import METADATA_NAMES, Store, open_store
from micrographia.metadata.units import LENGTHS, TIMES

VERSIONS = {"0.4": 2, "0.5": 3}
"""Version of OME-Zarr to that of Zarr."""

TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


class Part(StrEnum):
    """The part of an OME-Zarr image that an issue is about."""

    METADATA = "metadata"
    CHUNKS = "chunks"
    PYRAMID = "pyramid"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong, as a clause without a full stop."""

    part: Part
    problem: str


@dataclass(frozen=True, slots=True)
class ZarrFacts:
    """What an OME-Zarr image says of itself beyond its pixels: what is wrong, and which label images it has."""

    issues: tuple[Issue, ...] = ()
    labels: tuple[str, ...] = ()
    version: str = ""


def read_zarr(place: Path, member: str, *, label: bool) -> ZarrFacts:
    """Hold the metadata of an image, or of a label image, against the specification.

    Parameters
    ----------
    place
        The folder or zip.
    member
        The image in it; empty for its root.
    label
        Whether it should be a label image.

    Raises
    ------
    ImageError
        If it cannot be read at all.
    """
    store = open_store(place)
    group = read_group(store, member)
    pyramid = parse_multiscale(store, group)
    arrays: list[ArrayMetadata] = []
    issues: list[Issue] = []
    for path in pyramid.paths:
        try:
            arrays.append(read_metadata(store, path))
        except ImageError as error:
            issues.append(Issue(Part.PYRAMID, f"level {path} cannot be read: {error.problem}"))
    issues += [Issue(Part.METADATA, problem) for problem in _group_problems(group, pyramid, arrays)]
    issues += [Issue(Part.PYRAMID, problem) for problem in pyramid_problems(pyramid, arrays)]
    for path, array in zip(pyramid.paths, arrays, strict=False):
        issues += [
            Issue(Part.CHUNKS, f"level {path} {problem}")
            for problem in chunk_problems(store, path, array, sparse=label)
        ]
    names: tuple[str, ...] = ()
    if label:
        issues += [Issue(Part.LABELS, problem) for problem in label_problems(group)]
    else:
        names, problems = _labels(store, member)
        issues += [Issue(Part.LABELS, problem) for problem in problems]
    return ZarrFacts(tuple(issues), names, group.version)


def _group_problems(group: Group, pyramid: Multiscale, arrays: Sequence[ArrayMetadata]) -> Iterator[str]:
    said = group.ome["multiscales"][0]
    zarr = 3 if group.file_name.endswith("zarr.json") else 2
    if group.version not in VERSIONS:
        yield f"its version of OME-Zarr is {group.version!r}, not 0.4 or 0.5"
    elif VERSIONS[group.version] != zarr:
        yield f"OME-Zarr {group.version} is stored as Zarr {VERSIONS[group.version]}, this is Zarr {zarr}"
    if zarr == 3 and "ome" not in group.attributes:
        yield "what OME-Zarr says does not stand under the key ome"
    yield from axes_problems(said.get("axes"))
    for number, level in enumerate(said.get("datasets", ())):
        yield from (f"level {number} {problem}" for problem in transform_problems(level))
    for path, array in zip(pyramid.paths, arrays, strict=False):
        if len(array.shape) != len(pyramid.axes):
            yield f"level {path} has {len(array.shape)} dimensions for {len(pyramid.axes)} axes"
        elif array.names and any(array.names) and tuple(array.names) != pyramid.names:
            yield (
                f"level {path} names its dimensions {', '.join(map(str, array.names))}, the axes are "
                + ", ".join(pyramid.names)
            )
    yield from _channel_problems(group, pyramid, arrays)


def axes_problems(said: Any) -> Iterator[str]:
    """Yield what is wrong with the ``axes`` of a pyramid."""
    if not isinstance(said, list) or not all(isinstance(axis, dict) for axis in said):
        yield "its axes are no list of names with types"
        return
    types = [str(axis.get("type")) for axis in said]
    for axis in said:
        name, kind, unit = str(axis.get("name")), axis.get("type"), axis.get("unit")
        if kind is None and name.lower() in TYPES:
            yield f"the axis {name} has no type"
        elif name.lower() in TYPES and kind != TYPES[name.lower()]:
            yield f"the axis {name} has the type {kind!r}, not {TYPES[name.lower()]}"
        if (
            unit is not None
            and kind in ("space", "time")
            and unit not in (LENGTHS if kind == "space" else TIMES)
        ):
            yield f"the unit {unit!r} of the axis {name} is no UDUNITS name of {kind}"
    rank = {"time": 0, "channel": 1, "space": 2}
    ranks = [rank.get(kind, 1) for kind in types]
    if ranks != sorted(ranks):
        yield f"its axes are in the order {', '.join(types)}; it must be time, channel, space"
    if not 2 <= types.count("space") <= 3:
        yield f"it has {types.count('space')} axes of space; there must be 2 or 3"


def transform_problems(level: Any) -> Iterator[str]:
    """Yield what is wrong with the ``coordinateTransformations`` of a level."""
    said = level.get("coordinateTransformations") if isinstance(level, dict) else None
    kinds = [entry.get("type") for entry in said if isinstance(entry, dict)] if isinstance(said, list) else []
    if not kinds:
        yield "has no coordinateTransformations"
    elif kinds.count("scale") != 1 or kinds[0] != "scale":
        yield "has no scale as its first transformation"
    elif kinds.count("translation") > 1 or set(kinds) - {"scale", "translation"}:
        yield f"has the transformations {', '.join(map(str, kinds))}; a scale and a translation are allowed"


def _channel_problems(group: Group, pyramid: Multiscale, arrays: Sequence[ArrayMetadata]) -> Iterator[str]:
    omero = group.ome.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(channels, list) or not arrays or len(arrays[0].shape) != len(pyramid.axes):
        return
    count = arrays[0].shape[pyramid.axes.index("C")] if "C" in pyramid.axes else 1
    if len(channels) != count:
        yield f"omero describes {len(channels)} channels, the array has {count}"
    for number, channel in enumerate(channels):
        color = channel.get("color") if isinstance(channel, dict) else None
        if not isinstance(color, str) or not re.fullmatch(r"[0-9A-Fa-f]{6}", color):
            yield f"the color of channel {number} is {color!r}, not six hexadecimal digits"


def pyramid_problems(pyramid: Multiscale, arrays: Sequence[ArrayMetadata]) -> Iterator[str]:
    """Yield levels whose shape, scale and type do not follow from the first level."""
    if not arrays or len(arrays) != len(pyramid.paths):
        return
    first = arrays[0]
    for number, array in enumerate(arrays[1:], 1):
        path = pyramid.paths[number]
        if array.dtype != first.dtype:
            yield f"level {path} holds {array.dtype}, level {pyramid.paths[0]} {first.dtype}"
        if len(array.shape) != len(first.shape) or len(array.shape) != len(pyramid.axes):
            yield f"level {path} has {len(array.shape)} dimensions, level {pyramid.paths[0]} has {len(first.shape)}"
            continue
        if any(a > b for a, b in zip(array.shape, arrays[number - 1].shape, strict=False)):
            yield f"level {path} is larger than the level before it"
        for axis, name in enumerate(pyramid.names):
            ratio = pyramid.scales[number][axis] / pyramid.scales[0][axis]
            size = array.shape[axis]
            if abs(size * ratio - first.shape[axis]) >= max(1.0, ratio):
                yield (
                    f"level {path} has {size} pixels along {name} at {ratio:g} times the step; level "
                    f"{pyramid.paths[0]} has {first.shape[axis]}"
                )


def chunk_problems(store: Store, path: str, array: ArrayMetadata, *, sparse: bool) -> Iterator[str]:
    """Yield what the files of an array say against the grid that its metadata claim; a sparse one may have none."""
    number = re.compile(
        re.escape(f"{path}/{array.prefix}") + re.escape(array.separator).join([r"(\d+)"] * len(array.shape))
    )
    grid, outside, inside, odd = array.grid, 0, 0, []
    for name, _ in store.names(path):
        match = number.fullmatch(name)
        if match is None:
            if name.rsplit("/", 1)[-1] not in METADATA_NAMES:
                odd.append(name)
        elif all(int(place) < count for place, count in zip(match.groups(), grid, strict=True)):
            inside += 1
        else:
            outside += 1
    shown = " x ".join(map(str, grid))
    if outside:
        yield f"has {outside} chunks outside the grid of {shown} that its shape and chunks make: the shape is wrong"
    if not inside and not sparse:
        yield "has no chunk at all, so every pixel reads as the fill value"
    if odd:
        yield f"holds files that are no chunks, such as {odd[0]}"


def _labels(store: Store, path: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the label images that an image lists, and what is wrong with the list."""
    folder = join(path, "labels")
    present = [name for name in store.children(folder) if name not in METADATA_NAMES]
    try:
        listed = list_labels(store, path)
    except ImageError as error:
        return (), [f"the list of its labels cannot be read: {error.problem}"]
    missing = [name for name in listed if name.split("/")[0] not in present]
    unlisted = [name for name in present if name not in {label.split("/")[0] for label in listed}]
    problems = [f"it lists the label image {name}, which is not there" for name in missing]
    problems += [f"its label image {name} is not listed under labels" for name in unlisted]
    return tuple(listed), problems


def label_problems(group: Group) -> Iterator[str]:
    """Yield what is wrong with the ``image-label`` of a label image."""
    said = group.ome.get("image-label")
    if not isinstance(said, Mapping):
        yield "it has no image-label, so nothing says that it is a label image"
        return
    source = said.get("source")
    if not isinstance(source, Mapping) or not isinstance(source.get("image"), str):
        yield "its image-label does not name the source image"
    for key in ("colors", "properties"):
        entries = said.get(key)
        if entries is None:
            continue
        held = entries if isinstance(entries, list) else [None]
        values = [entry.get("label-value") if isinstance(entry, dict) else None for entry in held]
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            yield f"its {key} have entries without an integer label-value"
        elif len(set(values)) != len(values):
            yield f"its {key} say two things of one label-value"
