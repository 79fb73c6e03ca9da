"""Formats of microscope makers (CZI, ND2, LIF) through the bioio plug-ins, which are an extra to install."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.calibration import Calibration, tidy
from micrographia.images.files import (
    FilePixels,
    choose,
    collect_logs,
    decoding,
    parsing,
    pixel_dtype,
    printable,
    within_limit,
)
from micrographia.images.image import Array, Channel, Image, Member, Region
from micrographia.images.layout import Layout, drop_singletons, unfold

INSTALL = 'pip install "micrographia[vendor]"'


@dataclass(frozen=True)
class _Format:
    """A format and the bioio plug-in that reads it, with the options that make it read plane by plane."""

    name: str
    module: str
    options: dict[str, Any]


_FORMATS = {
    "CZI": _Format("CZI", "bioio_czi", {"chunk_dims": ["Y", "X"]}),
    "ND2": _Format("ND2", "bioio_nd2", {}),
    "LIF": _Format("LIF", "bioio_lif", {"chunk_dims": ["Y", "X"]}),
}


@dataclass
class _Entry:
    name: str
    scene: int
    layout: Layout
    dtype: np.dtype[Any]


class VendorReader:
    """Reads CZI, ND2 and LIF; one member a scene, and one an index along axes that are none of ``TCZYX``."""

    api_version = 1
    name = "CZI, ND2 or LIF"
    extensions = (".czi", ".nd2", ".lif")

    def matches(self, path: Path, head: bytes) -> bool:
        """Return whether the file begins as one of these formats does."""
        return _format(path, head) is not None

    def members(self, path: Path) -> list[Member]:
        """Return the scenes of the file."""
        with parsing(path), _opened(path) as (reader, _):
            return [
                Member(entry.name, entry.layout.image_axes, entry.layout.image_shape, str(entry.dtype))
                for entry in _entries(path, reader)
            ]

    def open(self, path: Path, member: str = "") -> Image:
        """Return one scene of the file."""
        with parsing(path) as said, _opened(path) as (reader, kind):
            entries = _entries(path, reader)
            entry = entries[choose(path, [entry.name for entry in entries], member)]
            reader.set_scene(entry.scene)
            image = _image(path, reader, kind, entry, member)
            if kind.name == "CZI":
                said += _unnamed_scenes(path, len(reader.scenes))
        image.notes += tuple(said)
        return image


VENDOR = VendorReader()


def _format(path: Path, head: bytes) -> _Format | None:
    if head.startswith(b"ZISRAWFILE"):
        return _FORMATS["CZI"]
    jpeg2000 = head.startswith(b"\x00\x00\x00\x0cjP  ") and path.suffix.lower() == ".nd2"
    if head.startswith(b"\xda\xce\xbe\x0a") or jpeg2000:
        return _FORMATS["ND2"]
    if head.startswith(b"\x70\x00\x00\x00") and head[8:9] == b"\x2a":
        return _FORMATS["LIF"]
    return None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, _Format]]:
    with path.open("rb") as file:
        kind = _format(path, file.read(64))
    if kind is None:
        raise ImageError(printable(path), "has changed since it was opened", "Open it again")
    yield _reader(path, kind), kind


def _reader(path: Path, kind: _Format) -> Any:
    try:
        module = import_module(kind.module)
    except ModuleNotFoundError as error:
        raise ImageError(
            printable(path),
            f"is a {kind.name} file, which needs readers that are not installed",
            f"Run: {INSTALL}",
        ) from error
    for package in (kind.module, "bioio_base", "ome_types", "xsdata", "nd2", "liffile"):
        collect_logs(package)
    return module.Reader(path.absolute(), **kind.options)


def _entries(path: Path, reader: Any) -> list[_Entry]:
    scenes = [str(scene) for scene in reader.scenes]
    counts = Counter(scenes)
    entries = []
    for number, scene in enumerate(scenes):
        reader.set_scene(number)
        shape = tuple(int(size) for size in reader.shape)
        axes = drop_singletons(reader.dims.order, shape)
        name = scene if counts[scene] == 1 else f"{scene} {number}"
        for suffix, letters, at in unfold(axes, shape):
            label = "/".join(filter(None, ("" if len(scenes) == 1 else name, suffix)))
            entries.append(_Entry(label, number, Layout(letters, shape, at), pixel_dtype(path, reader.dtype)))
    if not entries:
        raise ImageError(printable(path), "holds no image", "Export it again")
    return entries


def _unnamed_scenes(path: Path, named: int) -> list[str]:
    """Return a note if a CZI file has more scenes than its metadata name, because bioio reads only those."""
    file = import_module("aicspylibczi").CziFile(path.absolute())
    last = max((block.get("S", (0, 1))[1] for block in file.get_dims_shape()), default=1)
    return (
        [f"its metadata name {named} of its {last} scenes; the others are not read"] if last > named else []
    )


def _image(path: Path, reader: Any, kind: _Format, entry: _Entry, member: str) -> Image:
    layout = entry.layout
    sizes = dict(zip(layout.image_axes, layout.image_shape, strict=True))
    rgb = "S" in layout.axes and sizes["C"] == 3
    known = _calibration(reader, kind).fit(layout.image_axes, 0 if rgb else sizes.get("C", 1))
    block = layout.image_block([sizes[0] for sizes in reader.dask_data.chunks])
    within_limit(path, math.prod(block) * entry.dtype.itemsize, "one plane of it")
    return Image(
        _VendorPixels(path, kind, entry),
        path=path,
        member=member,
        axes=layout.image_axes,
        shape=layout.image_shape,
        dtype=entry.dtype,
        scale=known.scale,
        units=known.units,
        channels=known.channels,
        rgb=rgb,
        block_shape=block,
        file_format=kind.name,
        notes=known.notes,
    )


def _calibration(reader: Any, kind: _Format) -> Calibration:
    said = Calibration()
    sizes = reader.physical_pixel_sizes
    if kind.name == "ND2" and (sizes.Y, sizes.X) == (1, 1):
        said.notes.append(
            "its pixel size of exactly 1 micrometer is what a microscope without calibration writes"
        )
    else:
        steps = {"z": sizes.Z, "y": sizes.Y, "x": sizes.X}
        said.set_space({axis: tidy(step) for axis, step in steps.items() if step}, 1, "micrometer")
    interval = reader.time_interval
    if interval is not None:
        said.set("t", getattr(interval, "total_seconds", lambda: interval)(), "second")
    names = [str(name) for name in reader.channel_names or ()]
    said.channels = [Channel("" if re.fullmatch(r"Channel(:\d+)+", name) else name) for name in names]
    return said


class _VendorPixels(FilePixels):
    """The pixels of one scene."""

    def __init__(self, path: Path, kind: _Format, entry: _Entry) -> None:
        super().__init__(path)
        self.kind = kind
        self.scene = entry.scene
        self.layout = entry.layout
        self.dtype = entry.dtype

    def _open(self) -> Any:
        reader = _reader(self.path, self.kind)
        reader.set_scene(self.scene)
        array = reader.dask_data
        if array.shape != self.layout.shape:
            raise ImageError(printable(self.path), "has changed since it was opened", "Open it again")
        return array

    def _shut(self, handle: Any) -> None:
        """Nothing is open: bioio opens the file for each plane."""

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        array = self.handle()
        with decoding(self.path):
            block = array[self.layout.to_file(region)].compute(scheduler="synchronous")
        return self.layout.to_image(np.asarray(block).astype(self.dtype, copy=False), region)
