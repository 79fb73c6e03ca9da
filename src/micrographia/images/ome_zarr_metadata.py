"""The JSON documents of an OME-Zarr image: Zarr 2 for OME-Zarr 0.4, Zarr 3 for 0.5."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from micrographia.images.channel_colors import display_colors
from micrographia.images.chunks import Layout
from micrographia.images.codecs import Codec
from micrographia.images.image import Channel, Image
from micrographia.images.pyramid import Level

Version = Literal["0.4", "0.5"]
Document = dict[str, Any]

DOWNSCALING: dict[bool, tuple[str, str]] = {
    False: (
        "mean",
        "mean of 2 pixels along each halved axis, halves rounded to even; odd sizes round up",
    ),
    True: (
        "mode",
        "most frequent of 2 pixels along each halved axis, of several the lowest that is not 0; odd sizes round up",
    ),
}


@dataclass(frozen=True, slots=True)
class Window:
    """The display limits of one channel: what is shown as black and as white, and what could occur."""

    start: float
    end: float
    lowest: float
    highest: float


def array_files(
    path: str, shape: Sequence[int], layout: Layout, codec: Codec, axes: str, version: Version
) -> dict[str, bytes]:
    """Return the metadata file of an array: its path and content.

    Parameters
    ----------
    path
        Of the array.
    shape, layout, codec
        Its size and how it is stored.
    axes
        Names of its axes.
    version
        Of OME-Zarr.
    """
    fill: float = 0.0 if codec.dtype.kind == "f" else 0
    if version == "0.4":
        document: Document = {
            "zarr_format": 2,
            "shape": list(shape),
            "chunks": list(layout.chunk),
            "dtype": codec.dtype.str,
            "compressor": codec.v2,
            "fill_value": fill,
            "order": "C",
            "filters": None,
            "dimension_separator": "/",
        }
        return {f"{path}/.zarray": _encode(document)}
    codecs = codec.v3
    if layout.shard is not None:
        index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
        sharding = {
            "chunk_shape": list(layout.chunk),
            "codecs": codecs,
            "index_codecs": index,
            "index_location": "end",
        }
        codecs = [{"name": "sharding_indexed", "configuration": sharding}]
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": codec.dtype.name,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": list(layout.shard or layout.chunk)},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": separator(shape, layout)}},
        "fill_value": fill,
        "codecs": codecs,
        "dimension_names": [axis.lower() for axis in axes],
        "attributes": {},
    }
    return {f"{path}/zarr.json": _encode(document)}


def separator(shape: Sequence[int], layout: Layout) -> str:
    """Return what stands between the numbers of a chunk's name in Zarr 3: an array of one file needs no folders."""
    file = layout.shard or layout.chunk
    return "." if all(step >= size for step, size in zip(file, shape, strict=True)) else "/"


def group_files(
    path: str, ome: Document, version: Version, attributes: Mapping[str, Any] | None = None
) -> dict[str, bytes]:
    """Return the metadata files of a group: their paths and contents.

    Parameters
    ----------
    path
        Of the group; empty for the root.
    ome
        What OME-Zarr says about it.
    version
        Of OME-Zarr.
    attributes
        What else is said about it, outside the name space of OME-Zarr.
    """
    prefix = f"{path}/" if path else ""
    if version == "0.4":
        return {
            f"{prefix}.zgroup": _encode({"zarr_format": 2}),
            f"{prefix}.zattrs": _encode({**ome, **(attributes or {})}),
        }
    attributes = {"ome": {"version": version, **ome}, **(attributes or {})}
    return {f"{prefix}zarr.json": _encode({"zarr_format": 3, "node_type": "group", "attributes": attributes})}


def multiscales(
    name: str, axes: str, image: Image, levels: Sequence[Level], version: Version, *, labels: bool
) -> Document:
    """Return the ``multiscales`` of an image or a label image.

    Parameters
    ----------
    name
        Of the image.
    axes
        As stored.
    image
        Gives scale and units; where they are unknown a pixel of level 0 measures 1 and has no unit.
    levels
        Of the pyramid, along ``axes``.
    version
        Of OME-Zarr.
    labels
        Whether it is a label image.
    """
    kinds = {"T": "time", "C": "channel"}
    described: list[Document] = []
    for axis in axes:
        entry = {"name": axis.lower(), "type": kinds.get(axis, "space")}
        if axis.lower() in image.units:
            entry["unit"] = image.units[axis.lower()]
        described.append(entry)
    steps = tuple(image.scale.get(axis.lower(), 1.0) for axis in axes)
    datasets = [
        {
            "path": str(index),
            "coordinateTransformations": [
                {"type": "scale", "scale": level.scale(steps)},
                {"type": "translation", "translation": level.translation(steps)},
            ],
        }
        for index, level in enumerate(levels)
    ]
    method, description = DOWNSCALING[labels]
    document: Document = {
        "name": name,
        "axes": described,
        "datasets": datasets,
        "type": method,
        "metadata": {"description": description},
    }
    if version == "0.4":
        document = {"version": version, **document}
    return {"multiscales": [document]}


def omero(name: str, image: Image, windows: Sequence[Window], version: Version) -> Document:
    """Return the ``omero`` metadata: names, colours and display limits of the channels.

    Parameters
    ----------
    name
        Of the image.
    image
        Gives names and colours of channels, where it has some.
    windows
        Display limits, one a channel.
    version
        Of OME-Zarr.
    """
    channels = image.channels or (Channel(),) * len(windows)
    lone = len(channels) == 1
    described = [
        {
            "active": True,
            "coefficient": 1,
            "color": color,
            "family": "linear",
            "inverted": False,
            **({"label": channel.name} if channel.name else {}),
            "window": {
                "start": window.start,
                "end": window.end,
                "min": window.lowest,
                "max": window.highest,
            },
        }
        for channel, color, window in zip(channels, display_colors(channels), windows, strict=True)
    ]
    document: Document = {
        "name": name,
        "channels": described,
        "rdefs": {
            "defaultT": 0,
            "defaultZ": image.size("Z") // 2,
            "model": "greyscale" if lone else "color",
        },
    }
    if version == "0.4":
        document["version"] = version
    return {"omero": document}


def image_label(
    colors: Mapping[int, Sequence[int]] | None,
    properties: Sequence[Mapping[str, Any]] | None,
    version: Version,
) -> Document:
    """Return the ``image-label`` metadata.

    Parameters
    ----------
    colors
        Red, green, blue, alpha (0 to 255) for each label value.
    properties
        One mapping a label value, each with the key ``label-value``.
    version
        Of OME-Zarr.
    """
    document: Document = {"version": version, "source": {"image": "../../"}}
    if colors:
        document["colors"] = [
            {"label-value": int(value), "rgba": [int(part) for part in colors[value]]}
            for value in sorted(colors)
        ]
    if properties:
        document["properties"] = [dict(row) for row in properties]
    return {"image-label": document}


def label_colors(values: Sequence[int]) -> dict[int, tuple[int, int, int, int]]:
    """Return an opaque colour for each label value: neighbours differ, and a value always has the same colour."""
    import colorsys

    golden = 0.618033988749895
    found = {}
    for value in values:
        hue, saturation, brightness = (
            value * golden % 1.0,
            0.55 + 0.15 * (value % 3),
            1.0 - 0.12 * (value % 2),
        )
        red, green, blue = colorsys.hsv_to_rgb(hue, saturation, brightness)
        found[int(value)] = (round(red * 255), round(green * 255), round(blue * 255), 255)
    return found


def _encode(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    """Turn the numbers of NumPy into those of Python."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be written as JSON")
