"""The reader: a dataset folder, one of its files, or any image."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from micrographia import images
from micrographia.annotations import objects_table
from micrographia.dataset import Dataset, Mask, open_dataset
from micrographia.dataset.folder import DESCRIPTION
from micrographia.dataset.manifest import NAME
from micrographia.dataset.origin import read_origin
from micrographia.dataset.tables import read_tables
from micrographia.dataset.words import meaning, tokens
from micrographia.errors import MicrographiaError
from micrographia.napari.layers import (
    class_colors,
    image_layers,
    label_layer,
    levels_of,
    origin_of,
    stored_colors,
    stored_features,
)
from micrographia.napari.lazy import LayerData
from micrographia.napari.marks import mark_layers

SHOWN = 4
"""Images of a dataset that are opened at once; the first is visible."""

Reader = Callable[[str | list[str]], list[LayerData]]


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return what reads a path, or None if it is nothing that we read.

    Parameters
    ----------
    path
        A dataset folder, its ``mifa.yaml`` or ``files.tsv``, one of the files that it lists, or any image.
    """
    places = [path] if isinstance(path, str) else list(path)
    return read if places and all(_readable(Path(place)) for place in places) else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Return the layers of one path or several.

    Raises
    ------
    MicrographiaError
        If one cannot be read.
    """
    places = [path] if isinstance(path, str) else list(path)
    return [layer for place in places for layer in _read(Path(place))]


def dataset_layers(dataset: Dataset, names: Sequence[str]) -> list[LayerData]:
    """Return images of a dataset with all that was marked on them; only the first is visible.

    Parameters
    ----------
    dataset
        An open dataset.
    names
        Ids of images.

    Raises
    ------
    MicrographiaError
        If an image cannot be read.
    """
    tables = read_tables(dataset)
    if tables.errors:
        warnings.warn(f"{len(tables.errors)} tables cannot be read: {tables.errors[0]}", stacklevel=2)
    layers: list[LayerData] = []
    for number, name in enumerate(names):
        own = {kind: frame[frame["image"] == name] for kind, frame in tables.frames.items()}
        made = _of_image(dataset, name, own)
        for _, options, _ in made:
            options["visible"] = number == 0
        layers += made
    return layers


def _of_image(dataset: Dataset, name: str, tables: dict[str, pd.DataFrame]) -> list[LayerData]:
    rows = dataset.image_rows(name)
    image = dataset.image(name)
    levels = [image]
    if len(rows) == 1 and not rows[0].channel and not rows[0].axes:
        levels = levels_of(dataset.locate(rows[0]), rows[0].member, image)
    said = origin_of(dataset, name)
    layers = image_layers(levels, name=name, said=said)
    for mask in dataset.masks(name):
        try:
            layers.append(_labels(dataset, name, mask, tables, image))
        except MicrographiaError as error:
            warnings.warn(f"{mask.rows[0].name} is not shown: {error.problem}", stacklevel=2)
    return [*layers, *mark_layers(_placed(dataset, name, tables), image, name=name, said=said)]


def _placed(dataset: Dataset, name: str, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Add the measured objects of label images where tracks do not say where they are."""
    tracks = tables.get("tracks")
    if tracks is None or not len(tracks) or not tracks[["y", "x"]].isna().any(axis=None):
        return tables
    measured = tables.get("objects")
    if measured is not None and len(measured):
        return tables
    masks = [mask for mask in dataset.masks(name) if mask.image.dtype.kind in "ui"]
    frames = [
        objects_table(mask.image, image=name, set_name=mask.set, layer=mask.layer) for mask in masks[:1]
    ]
    return tables | {"objects": frames[0]} if frames else tables


def _labels(
    dataset: Dataset, name: str, mask: Mask, tables: dict[str, pd.DataFrame], image: images.Image
) -> LayerData:
    described = dataset.set_described(mask.set)
    kind = str((described and described.mask_kind) or "")
    classes = {one.id: one.name or "" for one in (described.classes if described else []) if one.id}
    row = mask.rows[0]
    colors = stored_colors(dataset.locate(row), row.member) if len(mask.rows) == 1 else {}
    colors |= _kept_colors(dataset, mask)
    if kind in ("semantic", "binary") or (classes and kind != "instance"):
        terms = {one.id: one.ontology_id or "" for one in (described.classes if described else [])}
        features = pd.DataFrame(
            {
                "index": list(classes),
                "class_id": list(classes),
                "class_name": list(classes.values()),
                "ontology_id": [terms[value] for value in classes],
            }
        )
        colors = class_colors([*classes]) | colors
    else:
        features = _object_features(tables.get("objects"), mask)
        colors = colors or (class_colors(features["index"].tolist()) if len(features) else {})
    said = origin_of(dataset, name, set=mask.set, layer=mask.layer, kind=kind)
    said["classes"] = [one.plain() for one in described.classes] if described else []
    return label_layer(
        mask.image, name=f"{name}: {mask.name}", said=said, features=features, colors=colors, like=image
    )


def _object_features(objects: pd.DataFrame | None, mask: Mask) -> pd.DataFrame:
    if objects is None:
        return pd.DataFrame({"index": []})
    own = objects[(objects["set"] == mask.set) & (objects["layer"] == mask.layer)]
    own = own.drop_duplicates("label_id")
    frame = pd.DataFrame({"index": own["label_id"].to_numpy()})
    for column in ("class_id", "class_name", "area", "confidence", "annotator"):
        if column in own and own[column].notna().any() and own[column].ne("").any():
            values = own[column].astype(object)
            frame[column] = values.where(values.notna(), "").to_numpy()
    return frame


def _kept_colors(dataset: Dataset, mask: Mask) -> dict[int, list[float]]:
    """Return the colours that segments of 3D Slicer had."""
    path = dataset.original_path(mask.rows[0])
    held = [
        one.value for one in read_origin(dataset.path).kept if one.at == path and isinstance(one.value, dict)
    ]
    found = {}
    for segment in (held[0].get("segments") or []) if held else []:
        parts = str(segment.get("Color", "")).split() if isinstance(segment, dict) else []
        value = str(segment.get("LabelValue", "")) if isinstance(segment, dict) else ""
        same = not mask.rows[0].member or mask.rows[0].member == f"layer {int(segment.get('Layer', 0)) + 1}"
        if value.isdecimal() and len(parts) == 3 and same:
            found[int(value)] = [*(min(1.0, max(0.0, float(part))) for part in parts), 1.0]
    return found


def _read(place: Path) -> list[LayerData]:
    root = _dataset_of(place)
    if root is not None:
        dataset = open_dataset(root)
        names = _named(dataset, place)
        if names:
            if len(names) > SHOWN:
                message = (
                    f"{root} has {len(names)} images; {SHOWN} are shown. Open one of its files for another"
                )
                warnings.warn(message, stacklevel=2)
            return dataset_layers(dataset, names[:SHOWN])
    return _file_layers(place)


def _file_layers(place: Path) -> list[LayerData]:
    layers: list[LayerData] = []
    members = images.members(place)
    stem = place.name.split(".")[0]
    for member in members:
        name = f"{stem} {member.name}" if len(members) > 1 else stem
        said = {"image": name, "path": str(place.resolve()), "member": member.name}
        levels = levels_of(place, member.name)
        if _is_labels(place, levels[0]):
            layers.append(label_layer(levels[0], name=name, said=said))
            continue
        layers += image_layers(levels, name=name, said=said)
        if levels[0].file_format != "OME-Zarr":
            continue
        for label in images.label_names(place, member.name):
            mask = images.open_label(place, label, member.name)
            inner = "/".join(part for part in (member.name, "labels", label) if part)
            own = {**said, "set": label}
            layers.append(
                label_layer(
                    mask,
                    name=f"{name}: {label}",
                    said=own,
                    colors=stored_colors(place, inner),
                    features=stored_features(place, inner),
                    like=levels[0],
                )
            )
    return layers


def _is_labels(place: Path, image: images.Image) -> bool:
    """Return whether the name of a file says that it holds labels, and its pixels may be some."""
    return meaning(tokens(place.stem)) == "annotation" and image.dtype.kind in "ui" and image.size("C") == 1


def _readable(place: Path) -> bool:
    try:
        return bool(_dataset_of(place) is not None or images.members(place))
    except MicrographiaError:
        return False


def _dataset_of(place: Path) -> Path | None:
    """Return the dataset that a path is, or lies in and is listed by."""
    if (place / DESCRIPTION).is_file() and (place / NAME).is_file():
        return place
    for folder in list(place.absolute().parents)[:6]:
        if (folder / DESCRIPTION).is_file() and (folder / NAME).is_file():
            return folder
    return None


def _named(dataset: Dataset, place: Path) -> list[str]:
    """Return the images that a path is of: all for the folder and its description; none if it is not listed."""
    inside = place.absolute()
    root = dataset.path.absolute()
    if inside == root or inside in (root / DESCRIPTION, root / NAME):
        return list(dataset.image_ids)
    path = inside.relative_to(root).as_posix()
    return [
        *dict.fromkeys(
            row.image or row.source for row in dataset.rows if row.path == path and (row.image or row.source)
        )
    ]
