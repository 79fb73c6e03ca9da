"""What the metadata of an OME-Zarr group say, read leniently: images, labels, collections, plates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from micrographia.errors import ImageError
from micrographia.images.image import AXES, Channel
from micrographia.images.zarr_store import Store, inner_path

KINDS = {"time": "T", "channel": "C"}


@dataclass(frozen=True, slots=True)
class Group:
    """A Zarr group.

    Parameters
    ----------
    path
        Below the store; empty for its root.
    attributes
        All that is said about it.
    ome
        What OME-Zarr says about it.
    version
        Of OME-Zarr.
    file_name
        The file that says so.
    """

    path: str
    attributes: Mapping[str, Any]
    ome: Mapping[str, Any]
    version: str
    file_name: str


@dataclass(frozen=True, slots=True)
class Multiscale:
    """A pyramid.

    Parameters
    ----------
    axes
        One letter of ``TCZYX`` an axis of the arrays, in their order.
    names
        The axes as the metadata call them.
    units
        Of each axis, where it has one.
    paths
        Of the arrays below the store, full resolution first.
    scales, translations
        Of each level along each axis.
    """

    axes: str
    names: tuple[str, ...]
    units: tuple[str | None, ...]
    paths: tuple[str, ...]
    scales: tuple[tuple[float, ...], ...]
    translations: tuple[tuple[float, ...], ...]


def join(*parts: str) -> str:
    """Join paths below a store; empty ones vanish."""
    return "/".join(part for part in parts if part)


def read_group(store: Store, path: str = "") -> Group:
    """Return what is said about a group.

    Raises
    ------
    ImageError
        If nothing is, or it cannot be read; it names the file.
    """
    name = join(path, "zarr.json")
    document = store.json(name)
    if document is not None:
        attributes = document.get("attributes", {})
        if document.get("node_type") != "group" or not isinstance(attributes, dict):
            kind = (
                "an array, not a group: name the folder above it"
                if document.get("node_type") == "array"
                else "no group"
            )
            raise ImageError(store.place(name), f"describes {kind}", "Name the folder of an OME-Zarr image")
    else:
        name = join(path, ".zattrs")
        attributes = store.json(name)
        if attributes is None:
            if store.size(join(path, ".zarray")) is not None:
                raise ImageError(
                    store.place(join(path, ".zarray")),
                    "describes an array, not a group",
                    "Name the folder above it",
                )
            raise ImageError(
                store.place(join(path, "zarr.json")),
                "does not exist, nor .zattrs: this is no OME-Zarr, or a part of it is missing",
                "Copy it again, with all files whose names begin with a dot",
            )
    ome = attributes.get("ome", attributes)
    if not isinstance(ome, dict):
        raise ImageError(store.place(name), "holds an attribute 'ome' that is no object", "Export it again")
    version = ome.get("version") or _old_version(ome)
    return Group(path, attributes, ome, str(version), name)


def _old_version(ome: Mapping[str, Any]) -> str:
    for key in ("multiscales", "plate", "well", "image-label"):
        entry = ome.get(key)
        entry = entry[0] if isinstance(entry, list) and entry else entry
        if isinstance(entry, dict) and "version" in entry:
            return str(entry["version"])
    return "0.4"


def parse_multiscale(store: Store, group: Group) -> Multiscale:
    """Return the first pyramid of a group.

    Raises
    ------
    ImageError
        If it has none, or what is said of it cannot be understood; it names the file.
    """
    said = group.ome.get("multiscales")
    if not said:
        raise ImageError(
            store.place(group.file_name),
            f"describes no image{_instead(group)}",
            "Name the folder of an OME-Zarr image",
        )
    try:
        return _parse(store, group, said[0])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        told = f"lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise ImageError(
            store.place(group.file_name), f"is no valid OME-Zarr metadata: {told}", "Export the image again"
        ) from error


def _instead(group: Group) -> str:
    labels = group.ome.get("labels")
    if isinstance(labels, list) and labels:
        return f" but lists the label images {', '.join(map(str, labels[:8]))}"
    return ""


def _parse(store: Store, group: Group, said: Mapping[str, Any]) -> Multiscale:
    entries = said.get("axes", [{"name": axis} for axis in "tczyx"])
    entries = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
    names = tuple(str(entry["name"]) for entry in entries)
    axes = _letters(entries)
    units = tuple(
        str(entry["unit"]) if entry.get("unit") not in (None, "", "pixel", "pixels") else None
        for entry in entries
    )
    outer_scale, outer_translation = _transform(said.get("coordinateTransformations"), len(axes))
    paths, scales, translations = [], [], []
    for dataset in said["datasets"]:
        paths.append(inner_path(store, join(group.path, str(dataset["path"])), group.file_name))
        scale, translation = _transform(dataset.get("coordinateTransformations"), len(axes))
        scales.append(tuple(a * b for a, b in zip(scale, outer_scale, strict=True)))
        translations.append(
            tuple(a * b + c for a, b, c in zip(translation, outer_scale, outer_translation, strict=True))
        )
    if not paths:
        raise ValueError("its pyramid has no levels")
    return Multiscale(axes, names, units, tuple(paths), tuple(scales), tuple(translations))


def _letters(entries: list[Mapping[str, Any]]) -> str:
    """Return a letter of ``TCZYX`` for each axis: by its type, else by its name, else by its place."""
    letters: list[str] = []
    for entry in entries:
        name, kind = str(entry["name"]).upper(), entry.get("type")
        allowed = "XYZ" if kind == "space" else AXES
        letters.append(KINDS.get(str(kind)) or (name if name in tuple(allowed) else "?"))
    free = [letter for letter in "XYZ" if letter not in letters]
    for index in reversed(range(len(letters))):
        if letters[index] == "?" and entries[index].get("type") in ("space", None) and free:
            letters[index] = free.pop(0)
    found = "".join(letters)
    if "?" in found or len(set(found)) != len(found) or not {"Y", "X"} <= set(found):
        raise ValueError(f"its axes are {', '.join(str(entry['name']) for entry in entries)}")
    return found


def _transform(said: Any, ndim: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return scale and translation of a list of transformations."""
    scale, translation = (1.0,) * ndim, (0.0,) * ndim
    for entry in said or ():
        if "path" in entry:
            raise ValueError("its transformations lie in a file of their own")
        if entry["type"] == "scale":
            scale = _numbers(entry["scale"], ndim)
            if min(scale) <= 0:
                raise ValueError(f"its scale is {list(scale)}")
        elif entry["type"] == "translation":
            translation = _numbers(entry["translation"], ndim)
        elif entry["type"] != "identity":
            raise ValueError(f"it has a transformation of type {entry['type']!r}")
    return scale, translation


def _numbers(said: Any, ndim: int) -> tuple[float, ...]:
    values = tuple(float(value) for value in said)
    if len(values) != ndim or not all(math.isfinite(value) for value in values):
        raise ValueError(f"{said!r} is no list of {ndim} numbers")
    return values


def parse_channels(group: Group, count: int) -> tuple[Channel, ...]:
    """Return the channels that the metadata of an image name, or none where they do not fit."""
    omero = group.ome.get("omero")
    said = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(said, list) or len(said) != count or not all(isinstance(entry, dict) for entry in said):
        return ()
    return tuple(Channel(str(entry.get("label") or ""), _color(entry.get("color"))) for entry in said)


def _color(said: Any) -> str | None:
    text = str(said or "").removeprefix("#").upper()
    return text[:6] if len(text) in (6, 8) and set(text) <= set("0123456789ABCDEF") else None


def image_paths(store: Store, group: Group) -> Iterator[str]:
    """Yield the paths of the images below a group: its own, or those of a collection, plate or well.

    Raises
    ------
    ImageError
        If the metadata of a collection cannot be understood.
    """
    ome = group.ome
    try:
        if "multiscales" in ome:
            yield group.path
        elif "plate" in ome:
            for well in ome["plate"]["wells"]:
                path = inner_path(store, join(group.path, str(well["path"])), group.file_name)
                yield from image_paths(store, read_group(store, path))
        elif "well" in ome:
            for image in ome["well"]["images"]:
                yield inner_path(store, join(group.path, str(image["path"])), group.file_name)
        elif "bioformats2raw.layout" in ome:
            for name in _series(store, group):
                yield inner_path(store, join(group.path, name), group.file_name)
    except (KeyError, TypeError, AttributeError) as error:
        told = f"lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise ImageError(
            store.place(group.file_name), f"is no valid OME-Zarr metadata: {told}", "Export the images again"
        ) from error


def _series(store: Store, group: Group) -> list[str]:
    if "OME" in store.children(group.path):
        listed = read_group(store, join(group.path, "OME")).ome.get("series")
        if listed:
            return [str(name) for name in listed]
    return sorted((name for name in store.children(group.path) if name.isdecimal()), key=int)


def list_labels(store: Store, path: str = "") -> list[str]:
    """Return the label images that an image lists, in this order; none where it has no labels.

    Raises
    ------
    ImageError
        If the metadata that list them cannot be read.
    """
    folder = join(path, "labels")
    if store.size(join(folder, "zarr.json")) is None and store.size(join(folder, ".zattrs")) is None:
        return []
    group = read_group(store, folder)
    listed = group.ome.get("labels", [])
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise ImageError(
            store.place(group.file_name), "has 'labels' that are no list of names", "Export it again"
        )
    for name in listed:
        inner_path(store, join(folder, name), group.file_name)
    return listed
