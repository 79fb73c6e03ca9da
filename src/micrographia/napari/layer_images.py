"""Layers of napari as images: axes, voxel size, channels, colours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from micrographia import images
from micrographia.dataset.manifest import image_id, unique_ids
from micrographia.errors import DatasetError
from micrographia.images import ArrayImage, Channel, Image
from micrographia.images.image import canonical
from micrographia.metadata.units import normalise_unit
from micrographia.napari.layers import OURS
from micrographia.napari.lazy import LayerData, LazyArray

SPACE = "TZYX"


def said_of(layer: LayerData) -> Mapping[str, Any]:
    """Return what we wrote into the metadata of a layer; empty if it is not ours."""
    said = (layer[1].get("metadata") or {}).get(OURS)
    return said if isinstance(said, Mapping) else {}


def image_of(data: Any) -> Any:
    """Return full resolution, where the data are levels of a pyramid."""
    return data[0] if isinstance(data, list | tuple) or type(data).__name__ == "MultiScaleData" else data


def axes_of(layer: LayerData, like: Image | None = None) -> str:
    """Return the axes of a layer: those it was opened with, those of the image that it lies on, or the last of TZYX.

    Raises
    ------
    DatasetError
        If there are more than four.
    """
    said = said_of(layer).get("axes")
    rank = _rank(layer)
    if isinstance(said, str) and len(said) == rank:
        return said
    own = "" if like is None else like.axes.replace("C", "")
    if len(own) == rank:
        return own
    if not 2 <= rank <= len(SPACE):
        problem = f"the layer {layer[1].get('name', '')!r} has {rank} axes"
        raise DatasetError("", problem, "An image has two to four: time, z, y, x")
    return SPACE[-rank:]


def label_image(layer: LayerData, axes: str) -> Image:
    """Return a layer of labels as an image of the smallest unsigned integers that hold them.

    Raises
    ------
    DatasetError
        If it holds no integers, or negative ones.
    """
    data = image_of(layer[0])
    name = layer[1].get("name", "")
    if isinstance(data, LazyArray):
        return data.image
    labels = np.asarray(data)
    if labels.dtype.kind not in "uib":
        raise DatasetError(
            "", f"the layer {name!r} holds {labels.dtype} where labels are integers", "Round them"
        )
    if labels.size and labels.min() < 0:
        raise DatasetError("", f"the layer {name!r} holds negative labels", "Number them from 1")
    fitting = labels.astype(np.min_scalar_type(int(labels.max(initial=0))))
    scale, units = _steps(layer[1], axes)
    return ArrayImage(fitting, axes, scale=scale, units=units)


def images_of(layers: Sequence[LayerData], name: str) -> dict[str, Image]:
    """Return the images that image layers make up: channels of one image were opened so, or are of one size.

    Parameters
    ----------
    layers
        All of them; only image layers count.
    name
        Of an image that has none.

    Raises
    ------
    DatasetError
        If there is none.
    """
    groups: dict[Any, list[LayerData]] = defaultdict(list)
    for layer in layers:
        if layer[2] == "image":
            said = said_of(layer).get("image")
            groups[("said", said) if said else tuple(np.shape(image_of(layer[0])))].append(layer)
    if not groups:
        raise DatasetError("", "no image layer was chosen", "Save the image with its annotations")
    wanted = [image_id(str(key[1])) if key[0] == "said" else name for key in groups]
    return {unique: _stacked(held) for unique, held in zip(unique_ids(wanted), groups.values(), strict=True)}


def properties_of(layer: LayerData) -> list[dict[str, Any]]:
    """Return the features of a layer of labels, a mapping with ``label-value`` for each label."""
    frame = pd.DataFrame(layer[1].get("features"))
    if "index" not in frame:
        return []
    rows = frame.rename(columns={"index": "label-value"}).to_dict("records")
    return [{str(key): _plain(value) for key, value in row.items()} for row in rows if row["label-value"]]


def label_colors_of(layer: LayerData) -> dict[int, list[int]]:
    """Return the colours that a layer of labels gives to values, as numbers from 0 to 255."""
    said = layer[1].get("colormap")
    held = said.get("color_dict", said) if isinstance(said, Mapping) else getattr(said, "color_dict", None)
    if not isinstance(held, Mapping):
        return {}
    colors = {}
    for value, color in held.items():
        if isinstance(value, int | np.integer) and value > 0 and np.size(color) == 4:
            colors[int(value)] = [round(float(part) * 255) for part in np.ravel(color)]
    return colors


def _rank(layer: LayerData) -> int:
    data, options, kind = layer
    if kind == "labels" or kind == "image":
        return len(np.shape(image_of(data))) - bool(options.get("rgb"))
    if kind == "shapes":
        return int(np.shape(data[0])[1]) if len(data) else len(options.get("scale", (1, 1)))
    columns = int(np.shape(data)[1]) if len(np.shape(data)) == 2 else len(options.get("scale", (1, 1)))
    return columns - (kind == "tracks")


def _stacked(layers: Sequence[LayerData]) -> Image:
    ordered = sorted(layers, key=lambda layer: said_of(layer).get("number", 0))
    parts = [_part(layer) for layer in ordered]
    if len(parts) == 1:
        return parts[0]
    return images.stack_channels(parts, [part.channels[0].name for part in parts])


def _part(layer: LayerData) -> Image:
    data, options, _ = layer
    full = image_of(data)
    axes = axes_of(layer).removesuffix("C")
    scale, units = _steps(options, axes)
    own = said_of(layer).get("channel")
    channel = Channel(str(options.get("name", "")) if own is None else str(own), _color(options))
    pixels = np.asarray(full)
    if options.get("rgb"):
        at = 1 if "T" in axes else 0
        pixels = np.ascontiguousarray(np.moveaxis(pixels[..., :3], -1, at))
        return ArrayImage(pixels, canonical(f"C{axes}"), scale=scale, units=units, rgb=True)
    return ArrayImage(pixels, axes, scale=scale, units=units, channels=(channel,))


def _steps(options: Mapping[str, Any], axes: str) -> tuple[dict[str, float], dict[str, str]]:
    """Return voxel size and units; a step of 1 in pixels is none."""
    letters = axes.lower()
    steps = [float(step) for step in options.get("scale") or ()][-len(letters) :]
    names = [str(unit) for unit in options.get("units") or ()][-len(letters) :]
    said = [*names, *["pixel"] * (len(letters) - len(names))]
    scale: dict[str, float] = {}
    units: dict[str, str] = {}
    for axis, step, text in zip(letters, steps, said, strict=False):
        unit = normalise_unit(text)
        if unit is not None or step != 1:
            scale[axis] = abs(step)
            units |= {axis: unit} if unit else {}
    return scale, units


def _color(options: Mapping[str, Any]) -> str | None:
    said = options.get("colormap")
    name = said.get("name") if isinstance(said, Mapping) else getattr(said, "name", said)
    text = str(name or "").removeprefix("#")
    if len(text) in (6, 8) and not set(text.upper()) - set("0123456789ABCDEF"):
        return text[:6].upper()
    return None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
