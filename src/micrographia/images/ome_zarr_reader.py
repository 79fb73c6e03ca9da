"""Reading OME-Zarr 0.4 and 0.5 (and 0.1 to 0.3 as far as they agree): folders and zips, images and labels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.files import choose, pixel_dtype, printable
from micrographia.images.image import Array, Image, Member, Region, canonical
from micrographia.images.ome_zarr_model import (
    Group,
    Multiscale,
    image_paths,
    join,
    list_labels,
    parse_channels,
    parse_multiscale,
    read_group,
)
from micrographia.images.zarr_array import ZarrArray
from micrographia.images.zarr_metadata import ArrayMetadata, read_metadata
from micrographia.images.zarr_store import METADATA_NAMES, Store, inner_path, open_store

BLOCK = 4 << 20
"""About how many bytes are cheap to read at once."""

ZIP_ENDINGS = (".ozx", ".zarr.zip")


class OmeZarrReader:
    """Reads OME-Zarr; see :class:`~micrographia.images.reader.Reader`."""

    api_version = 1
    name = "OME-Zarr"
    extensions = (".ome.zarr", ".zarr", *ZIP_ENDINGS)

    def matches(self, path: Path, head: bytes, /) -> bool:
        """Return whether a folder holds Zarr metadata or is named so, or a zip is named as one that does."""
        name = path.name.lower()
        if path.is_dir():
            return name.endswith(".zarr") or any((path / file).is_file() for file in METADATA_NAMES)
        return head.startswith(b"PK") and name.endswith(ZIP_ENDINGS)

    def members(self, path: Path, /) -> list[Member]:
        """Return the images of a folder or zip: one, or those of a collection or plate; no label images."""
        store = open_store(path)
        images = [(name, _open(store, path, name)) for name in _image_names(store)]
        return [Member(name, image.axes, image.shape, image.dtype.name) for name, image in images]

    def open(self, path: Path, member: str, /) -> Image:
        """Return an image, or the label image ``labels/NAME``, at full resolution."""
        return open_level(path, member)


OME_ZARR = OmeZarrReader()


def open_level(path: str | os.PathLike[str], member: str = "", level: int = 0) -> Image:
    """Open one level of the pyramid of an image or a label image.

    Parameters
    ----------
    path
        Of the folder or zip.
    member
        As for :func:`~micrographia.images.open_image`; a label image is ``labels/NAME``.
    level
        0 for full resolution.

    Raises
    ------
    ImageError
        If it cannot be read or has no such member or level.
    """
    store = open_store(path)
    path = Path(path)
    if "labels" in member.split("/")[:-1]:
        return _open(store, path, inner_path(store, member, ""), level)
    names = _image_names(store)
    return _open(store, path, names[choose(path, names, member)], level)


def count_levels(path: str | os.PathLike[str], member: str = "") -> int:
    """Return how many levels the pyramid of an image or a label image has."""
    store = open_store(path)
    return len(parse_multiscale(store, read_group(store, member)).paths)


def label_names(path: str | os.PathLike[str], member: str = "") -> list[str]:
    """Return the names of the label images that an image lists; none if it has none.

    Parameters
    ----------
    path
        Of the folder or zip.
    member
        Of the image, where it is one of several.

    Raises
    ------
    ImageError
        If the metadata that list them cannot be read.
    """
    return list_labels(open_store(path), member)


def open_label(path: str | os.PathLike[str], name: str, member: str = "", level: int = 0) -> Image:
    """Open a label image of an image.

    Parameters
    ----------
    path, member
        Of the image.
    name
        From :func:`label_names`.
    level
        Of its pyramid.

    Raises
    ------
    ImageError
        If it has no such label image, or it cannot be read.
    """
    store = open_store(path)
    path = Path(path)
    names = list_labels(store, member)
    if name not in names:
        remedy = f"It has {', '.join(names)}" if names else "It has none"
        raise ImageError(printable(path), f"has no label image {name!r}", remedy)
    return _open(store, path, join(member, "labels", name), level)


def _image_names(store: Store) -> list[str]:
    group = read_group(store)
    names = list(image_paths(store, group))
    if not names:
        parse_multiscale(store, group)
    return names


def _open(store: Store, path: Path, member: str, level: int = 0) -> Image:
    group = read_group(store, member)
    pyramid = parse_multiscale(store, group)
    if not 0 <= level < len(pyramid.paths):
        raise ImageError(
            printable(path), f"has {len(pyramid.paths)} levels, so none is {level}", "Choose a lower one"
        )
    metadata = read_metadata(store, pyramid.paths[level])
    if len(metadata.shape) != len(pyramid.axes):
        raise ImageError(
            store.place(group.file_name),
            f"names the axes {', '.join(pyramid.names)} for an array of {len(metadata.shape)} dimensions",
            "Export the image again",
        )
    pixels = _OmeZarrPixels(ZarrArray(store, pyramid.paths[level], metadata), pyramid.axes)
    sizes = dict(zip(pyramid.axes, metadata.shape, strict=True))
    scale, units = _scale(pyramid, level, pixels.axes)
    own = group.attributes.get("micrographia")
    own = own if isinstance(own, dict) else {}
    bits = own.get("bits")
    dtype = pixel_dtype(path, metadata.dtype)
    return Image(
        pixels,
        path=path,
        member=member,
        axes=pixels.axes,
        shape=[sizes[axis] for axis in pixels.axes],
        dtype=dtype,
        scale=scale,
        units=units,
        channels=parse_channels(group, sizes.get("C", 1)),
        rgb=own.get("rgb") is True and sizes.get("C") == 3,
        block_shape=_block(metadata, pyramid.axes, pixels.axes),
        file_format=OME_ZARR.name,
        compression=metadata.codec.name if metadata.codec is not None else "zarr",
        bits=bits if isinstance(bits, int) and 0 < bits <= 8 * dtype.itemsize else None,
        notes=_notes(group, pyramid, level),
    )


def _scale(pyramid: Multiscale, level: int, axes: str) -> tuple[dict[str, float], dict[str, str]]:
    """Return scale and units; a step of 1 without a unit is how OME-Zarr says that it is unknown."""
    scale: dict[str, float] = {}
    units: dict[str, str] = {}
    for axis, unit, step, first in zip(
        pyramid.axes, pyramid.units, pyramid.scales[level], pyramid.scales[0], strict=True
    ):
        if axis != "C" and axis in axes and (unit is not None or first != 1):
            scale[axis.lower()] = step
            if unit is not None:
                units[axis.lower()] = unit
    return scale, units


def _notes(group: Group, pyramid: Multiscale, level: int) -> list[str]:
    notes = []
    if group.version not in ("0.4", "0.5"):
        notes.append(f"it says that it is OME-Zarr {group.version}; it is read as 0.4 or 0.5")
    if level == 0 and any(pyramid.translations[0]):
        notes.append("its metadata place it away from the origin; this is not kept")
    return notes


def _block(metadata: ArrayMetadata, stored: str, axes: str) -> list[int]:
    """Return whole chunks, as many side by side as make :data:`BLOCK` bytes."""
    sizes = dict(zip(stored, metadata.shape, strict=True))
    block = dict(zip(stored, metadata.chunk, strict=True))
    nbytes = metadata.dtype.itemsize
    for axis in stored:
        nbytes *= block[axis]
    for axis in "XY":
        count = max(1, min(BLOCK // nbytes, -(-sizes[axis] // block[axis])))
        block[axis] *= count
        nbytes *= count
    return [block[axis] for axis in axes]


class _OmeZarrPixels:
    """Pixels of one array, in canonical axes without those of one pixel."""

    def __init__(self, array: ZarrArray, stored: str) -> None:
        self.array = array
        self.stored = stored
        shape = array.metadata.shape
        self.axes = canonical(
            "".join(axis for axis, size in zip(stored, shape, strict=True) if size > 1 or axis in "YX")
        )

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        wanted = dict(zip(self.axes, region, strict=True))
        block = self.array.read(tuple(wanted.get(axis, slice(0, 1)) for axis in self.stored))
        if block.dtype == np.bool_:
            block = block.view(np.uint8)
        kept = "".join(axis for axis in self.stored if axis in self.axes)
        block = block.reshape([wanted[axis].stop - wanted[axis].start for axis in kept])
        if kept != self.axes:
            block = np.ascontiguousarray(block.transpose([kept.index(axis) for axis in self.axes]))
        return block

    def close(self) -> None:
        """Close the files that are open."""
        self.array.close()
