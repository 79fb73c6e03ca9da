"""The writers: layers into a dataset folder, as OME-Zarr, or labels as TIFF; nothing is overwritten."""

from __future__ import annotations

import shutil
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd

from micrographia import images, metadata
from micrographia.annotations import Annotations, MaskKey, conform, write_table
from micrographia.annotations import Mask as Labels
from micrographia.annotations import write as write_annotations
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.describe import TYPES, DescribeOptions, describe
from micrographia.dataset.folder import DESCRIPTION
from micrographia.dataset.identity import file_checksum
from micrographia.dataset.manifest import GROUP, NAME, image_id, unique_ids, write_manifest
from micrographia.dataset.opening import MASK_TYPE
from micrographia.errors import DatasetError
from micrographia.napari.layer_images import (
    axes_of,
    image_of,
    images_of,
    label_colors_of,
    label_image,
    properties_of,
    said_of,
)
from micrographia.napari.lazy import LayerData, LazyArray
from micrographia.napari.marks import marks_of
from micrographia.napari.reading import dataset_layers

FOLDER = "annotations/napari"
"""Where what is added to a dataset lies; a number follows when there is one already."""


def write_dataset(path: str, layers: Sequence[LayerData]) -> list[str]:
    """Add layers to a dataset as annotation sets of their own, or make a dataset of them.

    What was opened from the dataset and not changed is left as it is. A set that was changed becomes a new set
    beside the old one: ``nuclei`` becomes ``nuclei-2``.

    Parameters
    ----------
    path
        A dataset folder, or one that does not exist yet.
    layers
        Data, options and kind of each.

    Returns
    -------
    list of str
        The files that were written.

    Raises
    ------
    MicrographiaError
        If the folder is there and no dataset, or a layer does not fit; nothing is written then.
    """
    place = Path(path)
    if place.exists():
        dataset = open_dataset(place)
        return [str(place / name) for name in _add(dataset, _annotations(dataset, layers))]
    part = place.with_name(f".{place.name}.{uuid4().hex[:8]}.partial")
    try:
        (part / "images").mkdir(parents=True)
        for name, image in images_of(layers, image_id(place.name)).items():
            images.write_image(part / "images" / f"{name}.ome.zarr", image)
        dataset = describe(part, DescribeOptions(workers=1)).dataset
        _add(dataset, [layer for layer in layers if layer[2] != "image"])
        part.rename(place)
    except OSError as error:
        raise DatasetError(place, f"cannot be written ({error.strerror or error})", "Free space") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return [str(place / row.path) for row in open_dataset(place).rows]


def write_ome_zarr(path: str, layers: Sequence[LayerData]) -> list[str]:
    """Write image layers of one size as the channels of one OME-Zarr, and labels into it.

    Raises
    ------
    MicrographiaError
        If it exists, there is no image, or the layers are of different images.
    """
    place = Path(path)
    found = images_of(layers, image_id(place.name.split(".")[0]))
    if len(found) != 1:
        problem = f"is one image; the layers are {len(found)}"
        raise DatasetError(place, problem, "Choose image layers of one size, or save a folder")
    (image,) = found.values()
    marks = [layer for layer in layers if layer[2] == "labels"]
    names = unique_ids(
        [image_id(str(layer[1].get("name") or "labels").rpartition(": ")[2]) for layer in marks]
    )
    labels = [
        images.LabelSource(
            name,
            label_image(layer, axes_of(layer, image)),
            properties_of(layer) or None,
            label_colors_of(layer) or None,
        )
        for name, layer in zip(names, marks, strict=True)
    ]
    return [str(images.write_image(place, image, labels=labels).path)]


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write one layer of labels as OME-TIFF, which ``describe`` pairs with the image of that name.

    Raises
    ------
    MicrographiaError
        If it exists, or holds no labels.
    """
    place = Path(path)
    if place.exists():
        raise DatasetError(place, "exists already", "Choose another name; nothing was overwritten")
    layer = (data, meta, "labels")
    _write_tiff(place, label_image(layer, axes_of(layer)))
    return [str(place)]


def _annotations(dataset: Dataset, layers: Sequence[LayerData]) -> list[LayerData]:
    """Return the layers that are new or changed."""
    here = str(dataset.path.resolve())
    known = [layer for layer in layers if said_of(layer).get("dataset") == here]
    names = [
        name for name in dataset.image_ids if any(said_of(layer).get("image") == name for layer in known)
    ]
    before = {_key(layer): layer for layer in dataset_layers(dataset, names)} if names else {}
    found = []
    for layer in layers:
        ours = said_of(layer).get("dataset") == here
        if layer[2] == "image":
            if not ours:
                problem = f"has images already; the layer {layer[1].get('name', '')!r} is none of them"
                raise DatasetError(dataset.path, problem, "Save it into a folder that does not exist yet")
            continue
        if not (ours and _key(layer) in before and _same(layer, before[_key(layer)])):
            found.append(layer)
    if not found:
        warnings.warn(f"nothing was changed, and nothing written to {dataset.path}", stacklevel=3)
    return found


def _add(dataset: Dataset, layers: Sequence[LayerData]) -> list[str]:
    if not layers:
        return []
    number, folder = 1, dataset.path / FOLDER
    while folder.exists():
        number += 1
        folder = dataset.path / f"{FOLDER}-{number}"
    names = _set_names(dataset, layers)
    folder.mkdir(parents=True)
    try:
        rows, sets = _write_layers(dataset, layers, names, folder)
        # What is written is found only once the list names it: a list that could not be written leaves all as it was.
        frame = dataset.files.drop(columns=["line"])
        write_manifest(
            dataset.path / NAME, pd.concat([frame, pd.DataFrame(rows)], ignore_index=True).fillna("")
        )
    except BaseException:
        shutil.rmtree(folder)
        raise
    count = len(dataset.mifa.annotations)
    metadata.update(
        dataset.path / DESCRIPTION,
        {f"annotations[{count + index}]": entry for index, entry in enumerate(sets.values())},
    )
    return [str(row["Files"]) for row in rows]


def _write_layers(
    dataset: Dataset, layers: Sequence[LayerData], names: Sequence[str], folder: Path
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    sets: dict[str, dict[str, Any]] = {}
    tables: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for layer, name in zip(layers, names, strict=True):
        image = _image_of(dataset, layer)
        opened = dataset.image(image)
        if layer[2] == "labels":
            labels = label_image(layer, axes_of(layer, opened))
            _verify(dataset, image, labels, opened)
            path = folder / f"{image_id(name)}_{image}.tif"
            number = 1
            while path.exists():
                number += 1
                path = folder / f"{image_id(name)}_{image}-{number}.tif"
            _write_tiff(path, labels)
            rows.append(_row(dataset, path, image, name, MASK_TYPE))
            _describe(sets, name, MASK_TYPE, layer)
        else:
            kind, frame = marks_of(layer, image, name, axes_of(layer, opened))
            tables[kind].append(frame)
            _describe(sets, name, TYPES[kind], layer)
    for kind, frames in tables.items():
        path = folder / f"{kind}.parquet"
        frame = conform(pd.concat(frames, ignore_index=True), kind)[0]
        write_table(frame, kind, path)
        rows += [
            _row(dataset, path, "", name, TYPES[kind]) | {"member": name}
            for name in sorted(set(frame["set"]))
        ]
    return rows, sets


def _set_names(dataset: Dataset, layers: Sequence[LayerData]) -> list[str]:
    """Return the set of each layer: its own name, with a number where the dataset has a set of that name."""
    wanted = [
        said_of(layer).get("set") or str(layer[1].get("name", "")).rpartition(": ")[2] for layer in layers
    ]
    taken = {name.casefold() for name in dataset.annotation_sets}
    taken |= {(one.name or "").casefold() for one in dataset.mifa.annotations}
    new: dict[str, str] = {}
    for text in wanted:
        base = " ".join(str(text).split()) or "marks"
        number, name = 1, base
        while name.casefold() in taken:
            number += 1
            name = f"{base}-{number}"
        new.setdefault(str(text), name)
    return [new[str(text)] for text in wanted]


def _describe(sets: dict[str, dict[str, Any]], name: str, kind: str, layer: LayerData) -> None:
    said = said_of(layer)
    entry = sets.setdefault(name, {"name": name, "annotation_type": []})
    entry["annotation_type"] += [kind] if kind not in entry["annotation_type"] else []
    if said.get("kind") in ("instance", "semantic", "binary"):
        entry["mask_kind"] = said["kind"]
    classes = said.get("classes")
    if isinstance(classes, list) and classes:
        entry["classes"] = classes


def _image_of(dataset: Dataset, layer: LayerData) -> str:
    """Return the image of a layer: the one it was opened with, the only one, the one its name begins with."""
    said, name = said_of(layer), str(layer[1].get("name", ""))
    if said.get("image") in dataset.image_ids:
        return str(said["image"])
    if len(dataset.image_ids) == 1:
        return dataset.image_ids[0]
    first = name.partition(":")[0].strip()
    if first in dataset.image_ids:
        return first
    raise DatasetError(
        dataset.path,
        f"does not say to which of its {len(dataset.image_ids)} images the layer {name!r} belongs",
        "Name the layer IMAGE: SET",
    )


def _verify(dataset: Dataset, image: str, labels: images.Image, opened: images.Image) -> None:
    own = {axis: labels.size(axis) for axis in "TZYX"}
    of_image = {axis: opened.size(axis) for axis in "TZYX"}
    if own != of_image:
        problem = f"has labels of {own} for the image {image} of {of_image}"
        raise DatasetError(dataset.path, problem, "Draw them on the image itself")


def _row(dataset: Dataset, path: Path, image: str, name: str, kind: str) -> dict[str, Any]:
    size, checksum = file_checksum(path)
    row = {
        "Files": path.relative_to(dataset.path).as_posix(),
        "role": "annotation",
        "annotation set": name,
        "annotation type": kind,
        "source image": image,
        "size": size,
        "sha256": checksum,
    }
    if image:
        row |= {f"{GROUP}{key}": value for key, value in dataset.image_groups(image).items()}
        row["split"] = dataset.image_split(image)
    return row


def _write_tiff(path: Path, labels: images.Image) -> None:
    write_annotations(Annotations(masks={MaskKey(path.stem): Labels(labels)}), path, "label_image")


def _key(layer: LayerData) -> tuple[Any, ...]:
    said = said_of(layer)
    return (layer[2], said.get("image"), said.get("set"), said.get("layer"), said.get("kind"))


def _same(layer: LayerData, before: LayerData) -> bool:
    data, old = layer[0], before[0]
    if isinstance(data, LazyArray):
        return True
    if layer[2] in ("labels", "points", "tracks"):
        return np.array_equal(np.asarray(image_of(data)), np.asarray(image_of(old)))
    kinds = [one[1].get("shape_type") for one in (layer, before)]
    return (
        len(data) == len(old)
        and list(kinds[0] or []) == list(kinds[1] or [])
        and all(np.array_equal(one, two) for one, two in zip(data, old, strict=True))
    )
