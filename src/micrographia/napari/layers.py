"""Images and label images of files and datasets as layers of napari."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from micrographia import images
from micrographia.dataset import Dataset
from micrographia.errors import ImageError
from micrographia.images import Image
from micrographia.images.channel_colors import LONE, display_colors
from micrographia.images.ome_zarr_metadata import label_colors
from micrographia.images.ome_zarr_model import Group, read_group
from micrographia.images.ome_zarr_writer import LIMITS
from micrographia.images.zarr_store import inner_path, open_store
from micrographia.napari.lazy import WHOLE, LayerData, LazyArray

OURS = "micrographia"
"""Key of a layer's metadata under which we say where it is from."""
COLORED = 1000
"""Labels up to which each gets a colour of its own; more keep those of napari."""
_SAMPLE = 1024
"""Side of the square in the middle of an image from which display limits are taken."""
_ZARR = (".zarr", ".ozx", ".zarr.zip")


def image_layers(levels: Sequence[Image], *, name: str, said: Mapping[str, Any]) -> list[LayerData]:
    """Return an image as one layer a channel, or as one layer of colours.

    Parameters
    ----------
    levels
        Of its pyramid, full resolution first.
    name
        Of the image.
    said
        What the metadata of the layers say.
    """
    image = levels[0]
    axes = image.axes.replace("C", "")
    windows = _windows(image)
    if image.rgb:
        data = [LazyArray(level, f"{axes}C") for level in levels]
        options = _options(image, axes, name, said, axes_of=f"{axes}C")
        return [(_data(data), options | {"rgb": True, "multiscale": len(levels) > 1}, "image")]
    channels = image.channels or (images.Channel(),) * image.size("C")
    colors = display_colors(channels)
    layers: list[LayerData] = []
    for index, (channel, color) in enumerate(zip(channels, colors, strict=True)):
        data = [LazyArray(level, axes, index) for level in levels]
        own = channel.name or (f"channel {index + 1}" if len(channels) > 1 else "")
        more = {
            "rgb": False,
            "multiscale": len(levels) > 1,
            "colormap": "gray" if color == LONE else f"#{color.lower()}",
            "blending": "additive",
            "contrast_limits": windows[index] or contrast_limits(data[-1]),
        }
        told = {**said, "channel": own, "number": index}
        title = f"{name}: {own}" if own else name
        layers.append((_data(data), _options(image, axes, title, told) | more, "image"))
    return layers


def label_layer(
    mask: Image,
    *,
    name: str,
    said: Mapping[str, Any],
    features: Any = None,
    colors: Mapping[int, Sequence[float]] | None = None,
    like: Image | None = None,
) -> LayerData:
    """Return a label image as a layer; in memory if it is small enough to paint on.

    Parameters
    ----------
    mask
        Integers without channels.
    name
        Of the layer.
    said
        What its metadata say.
    features
        A table with the column ``index``, the value of the pixels.
    colors
        Value to red, green, blue and alpha from 0 to 1.
    like
        The image that it lies on; its voxel size holds along axes of which the mask says nothing.

    Raises
    ------
    ImageError
        If it holds no integers.
    """
    if mask.dtype.kind not in "ui" or mask.size("C") != 1:
        raise ImageError(mask.path, f"holds {mask.dtype} with axes {mask.axes}, which are no labels", "")
    axes = mask.axes.replace("C", "")
    lazy = LazyArray(mask, axes)
    data: Any = lazy[()] if lazy.nbytes <= WHOLE else lazy
    options = _options(mask, axes, name, said, like=like)
    if features is not None and len(features):
        options["features"] = features
    if colors:
        missing = [0.5, 0.5, 0.5, 1.0]
        options["colormap"] = {
            0: [0.0, 0.0, 0.0, 0.0],
            None: missing,
            **{int(k): list(v) for k, v in colors.items()},
        }
    return data, options, "labels"


def levels_of(path: Path, member: str = "", image: Image | None = None) -> list[Image]:
    """Return the levels of the pyramid of an image; one where the file has none.

    Parameters
    ----------
    path, member
        As for ``open_image``.
    image
        What full resolution is, where a person decided on its voxel size.
    """
    first = images.open_image(path, member) if image is None else image
    if first.file_format != "OME-Zarr" or len(first.files) > 1:
        return [first]
    inner = first.member if first.path == path or image is None else member
    count = images.count_levels(path, inner)
    return [first, *(images.open_level(path, inner, level) for level in range(1, count))]


def contrast_limits(data: LazyArray) -> tuple[float, float]:
    """Return what is shown black and white: quantiles of the middle of the middle plane, never equal."""
    key = []
    for axis, size in zip(data.axes, data.shape, strict=True):
        if axis in "YX":
            start = max(0, (size - _SAMPLE) // 2)
            key.append(slice(start, start + _SAMPLE))
        else:
            key.append(slice(size // 2, size // 2 + 1))
    block = data[tuple(key)]
    finite = block[np.isfinite(block)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(limit) for limit in np.quantile(finite, LIMITS))
    return (low, high) if high > low else (low, low + 1)


def stored_colors(path: Path, member: str) -> dict[int, list[float]]:
    """Return the colours that the metadata of a label image in OME-Zarr give to values; none elsewhere."""
    said = _group(path, member).get("image-label") if _is_zarr(path) else None
    listed = said.get("colors") if isinstance(said, dict) else None
    found: dict[int, list[float]] = {}
    for entry in listed if isinstance(listed, list) else []:
        value, rgba = (
            (entry.get("label-value"), entry.get("rgba")) if isinstance(entry, dict) else (None, None)
        )
        if isinstance(value, int) and isinstance(rgba, list) and len(rgba) == 4 and len(found) < COLORED:
            found[value] = [min(255.0, max(0.0, float(part))) / 255 for part in rgba]
    return found


def stored_features(path: Path, member: str) -> pd.DataFrame:
    """Return what the metadata of a label image in OME-Zarr say of each value; an empty table elsewhere."""
    said = _group(path, member).get("image-label") if _is_zarr(path) else None
    listed = said.get("properties") if isinstance(said, dict) else None
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    told = [row for row in rows if isinstance(row.get("label-value"), int)]
    plain = [
        {key: value for key, value in row.items() if isinstance(value, str | int | float)} for row in told
    ]
    return pd.DataFrame(plain).rename(columns={"label-value": "index"})


def class_colors(values: Sequence[int]) -> dict[int, list[float]]:
    """Return a colour for each of a few values."""
    if len(values) > COLORED:
        return {}
    return {value: [part / 255 for part in color] for value, color in label_colors(values).items()}


def origin_of(dataset: Dataset, image: str, **more: Any) -> dict[str, Any]:
    """Return what the metadata of a layer say of where it is from."""
    return {"dataset": str(dataset.path.resolve()), "image": image, **more}


def _options(
    image: Image,
    axes: str,
    name: str,
    said: Mapping[str, Any],
    *,
    axes_of: str = "",
    like: Image | None = None,
) -> dict[str, Any]:
    letters = axes.lower()
    sources = {axis: image if axis in image.scale or like is None else like for axis in letters}
    return {
        "name": name,
        "scale": tuple(sources[axis].scale.get(axis, 1.0) for axis in letters),
        "units": tuple(sources[axis].units.get(axis, "pixel") for axis in letters),
        "axis_labels": tuple(letters),
        "metadata": {OURS: {**said, "axes": axes_of or axes}},
    }


def _data(levels: list[LazyArray]) -> Any:
    return levels if len(levels) > 1 else levels[0]


def _windows(image: Image) -> list[tuple[float, float] | None]:
    """Return the display limits that OME-Zarr keeps, one a channel; None where there is none that makes sense."""
    count = image.size("C")
    empty: list[tuple[float, float] | None] = [None] * count
    if image.file_format != "OME-Zarr" or len(image.files) > 1:
        return empty
    said = _group(image.path, image.member).get("omero")
    channels = said.get("channels") if isinstance(said, dict) else None
    if not isinstance(channels, list) or len(channels) != count:
        return empty
    found = list(empty[:0])
    for channel in channels:
        window = channel.get("window") if isinstance(channel, dict) else None
        limits = [window.get(end) for end in ("start", "end")] if isinstance(window, dict) else []
        numbers = [float(limit) for limit in limits if isinstance(limit, int | float)]
        found.append((numbers[0], numbers[1]) if len(numbers) == 2 and numbers[0] < numbers[1] else None)
    return found


def _is_zarr(path: Path) -> bool:
    return path.name.lower().endswith(_ZARR) or any(part.endswith(".zarr") for part in path.parts)


def _group(path: Path, member: str) -> Mapping[str, Any]:
    store = open_store(path)
    group: Group = read_group(store, inner_path(store, member, "") if member else "")
    return group.ome
