"""HDF5: every dataset that can be an image is a member, named by its path.

A dataset is one if it holds 2 to 5 axes of numbers and either names its axes or is at least 8 pixels high and wide.
Links that lead out of the file, and data kept in other files, are refused.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.calibration import Calibration
from micrographia.images.files import (
    FilePixels,
    choose,
    decoding,
    parsing,
    pixel_dtype,
    printable,
    within_limit,
)
from micrographia.images.image import Array, Image, Member, Region
from micrographia.images.layout import Layout, drop_singletons
from micrographia.images.readers.hdf5_axes import axes_of, calibration_of, channels_of, stated_axes

MAGIC = b"\x89HDF\r\n\x1a\n"

_SMALLEST = 8
"""Height and width from which a dataset without named axes counts as an image, not as a table."""

_MANY = 100_000
"""Objects in a file after which the search for images ends with an error."""


class Hdf5Reader:
    """Reads HDF5 with h5py; one member a dataset."""

    api_version = 1
    name = "HDF5"
    extensions = (".h5", ".hdf5", ".hdf", ".ilp", ".ims", ".he5", ".hf5")

    def matches(self, _path: Path, head: bytes) -> bool:
        """Return whether the HDF5 signature stands at the beginning, or after a user block of 512 to 2048 bytes."""
        return any(head[start : start + 8] == MAGIC for start in (0, 512, 1024, 2048))

    def members(self, path: Path) -> list[Member]:
        """Return the datasets that can be images, by name."""
        with parsing(path), _opened(path) as file:
            found = list(_images(path, file))
        if not found:
            raise ImageError(
                printable(path), "holds no dataset that is an image", "Name one with 2 to 5 axes"
            )
        return found

    def open(self, path: Path, member: str = "") -> Image:
        """Return one dataset as an image: any numeric one with 2 to 5 axes, if it is named."""
        with parsing(path) as said, _opened(path) as file:
            wanted = member.strip("/")
            dataset = _dataset(path, file, wanted) if wanted else None
            if dataset is None:
                names = [found.name for found in _images(path, file)]
                dataset = _dataset(path, file, names[choose(path, names, wanted)])
            image = _image(path, dataset, member)
        image.notes += tuple(said)
        return image


HDF5 = Hdf5Reader()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    file = _h5py_file(path)
    try:
        yield file
    finally:
        file.close()


def _h5py_file(path: Path) -> Any:
    import h5py

    return h5py.File(path, "r", locking="best-effort")


def _images(path: Path, file: Any) -> list[Member]:
    """Walk the file along hard links only, each object once, and return what can be an image, sorted by name.

    An object with several names has the one nearest to the root, of these the first in the alphabet.
    """
    import h5py

    seen: set[Any] = set()
    found: list[Member] = []
    waiting = deque([("", file)])
    while waiting:
        prefix, group = waiting.popleft()
        for name in sorted(group):
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            child = group.get(name)
            key = h5py.h5o.get_info(child.id).addr
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > _MANY:
                raise ImageError(printable(path), f"holds more than {_MANY:,} objects", "Name the dataset")
            label = f"{prefix}{name}"
            if isinstance(child, h5py.Group) and not _is_table(child):
                waiting.append((f"{label}/", child))
            elif isinstance(child, h5py.Dataset) and _is_image(child):
                layout, dtype, _ = _layout(path, child)
                found.append(Member(label, layout.image_axes, layout.image_shape, str(dtype)))
    if not found:
        raise ImageError(printable(path), "holds no dataset that is an image", "Name one with 2 to 5 axes")
    return sorted(found, key=lambda member: member.name)


def _is_table(thing: Any) -> bool:
    """Return whether a group or dataset belongs to a table of pandas or AnnData, not to an image."""
    return any(name in thing.attrs for name in ("pandas_type", "encoding-type"))


def _is_image(dataset: Any) -> bool:
    if dataset.dtype.kind not in "buif" or dataset.dtype.itemsize > 8 or not 2 <= dataset.ndim <= 5:
        return False
    if 0 in dataset.shape or _is_table(dataset):
        return False
    if stated_axes(dataset):
        return True
    axes, _ = axes_of(dataset)
    sizes = dict(zip(axes, dataset.shape, strict=True)) if axes else {}
    return min(sizes.get("Y", 0), sizes.get("X", 0)) >= _SMALLEST


def _dataset(path: Path, file: Any, member: str) -> Any:
    """Return a dataset by its path inside the file, or None; refuse links and data that lead elsewhere."""
    import h5py

    thing = file
    for name in member.split("/"):
        link = thing.get(name, getlink=True) if isinstance(thing, h5py.Group) else None
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            raise ImageError(
                printable(path),
                f"its member {member!r} is a link to another file, {link.filename!r}, which is not followed",
                "Name that file itself",
            )
        if isinstance(link, h5py.SoftLink):
            raise ImageError(
                printable(path),
                f"its member {member!r} is a link to {link.path!r}, which is not followed",
                f"Name {link.path!r} itself",
            )
        thing = thing[name]
    return thing if isinstance(thing, h5py.Dataset) else None


def _layout(path: Path, dataset: Any) -> tuple[Layout, np.dtype[Any], list[str]]:
    """Return how the image lies in a dataset, the type of its pixels, and notes.

    Raises
    ------
    ImageError
        If it is no image, or keeps its data in other files.
    """
    name = f"its dataset {dataset.name!r}"
    dtype = pixel_dtype(path, dataset.dtype, name)
    axes, notes = axes_of(dataset) if dataset.shape else ("", [])
    if not axes or 0 in dataset.shape:
        raise ImageError(printable(path), f"{name} of shape {dataset.shape} is no image", "Name another one")
    if dataset.is_virtual or dataset.external:
        others = [source.file_name for source in dataset.virtual_sources()] if dataset.is_virtual else []
        others += [place[0] for place in dataset.external or ()]
        if any(other != "." for other in others):
            raise ImageError(
                printable(path),
                f"{name} keeps its pixels in other files ({', '.join(sorted(set(others))[:3])}), which are not read",
                "Copy them into this file",
            )
    if dataset.chunks:
        within_limit(
            path, math.prod(dataset.chunks) * dataset.dtype.itemsize, f"one chunk of {dataset.name!r}"
        )
    _check_storage(path, dataset)
    return Layout(drop_singletons(axes, dataset.shape), dataset.shape), dtype, notes


def _check_storage(path: Path, dataset: Any) -> None:
    """Raise ``ImageError`` if a dataset without chunks claims more bytes than the file has."""
    stored = dataset.id.get_storage_size()
    there = path.stat().st_size
    if dataset.chunks is None and stored > there:
        raise ImageError(
            printable(path),
            f"is cut short: {dataset.name!r} claims {stored:,} bytes, the file has {there:,}",
            "Copy it again from where it came",
        )


def _image(path: Path, dataset: Any, member: str) -> Image:
    layout, dtype, notes = _layout(path, dataset)
    said: Calibration = calibration_of(dataset, layout.axes)
    sizes = dict(zip(layout.image_axes, layout.image_shape, strict=True))
    known = said.fit(layout.image_axes, sizes.get("C", 1))
    if dataset.id.get_storage_size() == 0:
        notes.append("no pixels were ever written to it; it reads as its fill value")
    return Image(
        _Hdf5Pixels(path, dataset.name, layout, dtype),
        path=path,
        member=member,
        axes=layout.image_axes,
        shape=layout.image_shape,
        dtype=dtype,
        scale=known.scale,
        units=known.units,
        channels=channels_of(dataset, sizes.get("C", 1)),
        rgb=layout.axes.endswith("S") and layout.shape[-1] == 3,
        block_shape=_block(dataset, layout, dtype),
        file_format="HDF5",
        compression=dataset.compression or "",
        notes=known.notes + notes,
    )


def _block(dataset: Any, layout: Layout, dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Return whole chunks of about a megabyte along the two fastest axes."""
    if not dataset.chunks:
        return layout.plane_block(dtype.itemsize)
    block = [min(step, size) for step, size in zip(dataset.chunks, layout.shape, strict=True)]
    room = (1 << 20) // (math.prod(block) * dtype.itemsize)
    for index in reversed(range(len(block))):
        if room > 1 and layout.axes[index] in "YX":
            more = min(room, math.ceil(layout.shape[index] / block[index]))
            block[index] = min(block[index] * more, layout.shape[index])
            room //= more
    return layout.image_block(block)


class _Hdf5Pixels(FilePixels):
    """A dataset of an HDF5 file."""

    def __init__(self, path: Path, dataset: str, layout: Layout, dtype: np.dtype[Any]) -> None:
        super().__init__(path)
        self.dataset = dataset
        self.layout = layout
        self.dtype = dtype

    def _open(self) -> tuple[Any, Any]:
        file = _h5py_file(self.path)
        try:
            dataset = file[self.dataset]
            if dataset.shape != self.layout.shape:
                raise ImageError(printable(self.path), "has changed since it was opened", "Open it again")
        except BaseException:
            file.close()
            raise
        return file, dataset

    def _shut(self, handle: tuple[Any, Any]) -> None:
        handle[0].close()

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        _, dataset = self.handle()
        with decoding(self.path):
            block = dataset[self.layout.to_file(region)]
        return self.layout.to_image(np.asarray(block).astype(self.dtype, copy=False), region)
