"""NumPy's own file of one array, memory-mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.files import choose, parsing, pixel_dtype, printable
from micrographia.images.image import Image, Member
from micrographia.images.layout import Layout, drop_singletons, guess
from micrographia.images.raw import MappedPixels


class NpyReader:
    """Reads ``.npy``; its axes are guessed from its shape, and Python objects in it are never unpickled."""

    api_version = 1
    name = "NumPy"
    extensions = (".npy",)

    def matches(self, _path: Path, head: bytes) -> bool:
        """Return whether the file begins as an array of NumPy does."""
        return head.startswith(b"\x93NUMPY")

    def members(self, path: Path) -> list[Member]:
        """Return the one array of the file."""
        layout, stored, _, _ = _header(path)
        return [Member("", layout.image_axes, layout.image_shape, str(pixel_dtype(path, stored)))]

    def open(self, path: Path, member: str = "") -> Image:
        """Return the array as an image."""
        layout, stored, offset, notes = _header(path)
        choose(path, [""], member)
        dtype = pixel_dtype(path, stored)
        return Image(
            MappedPixels(path, offset, stored, layout, dtype),
            path=path,
            member=member,
            axes=layout.image_axes,
            shape=layout.image_shape,
            dtype=dtype,
            rgb="S" in layout.axes and layout.shape[layout.axes.index("S")] == 3,
            block_shape=layout.plane_block(dtype.itemsize),
            file_format="NumPy",
            notes=notes,
        )


NPY = NpyReader()


def _header(path: Path) -> tuple[Layout, np.dtype[Any], int, list[str]]:
    with parsing(path) as said, path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0}.get(version, np.lib.format.read_array_header_2_0)
        shape, fortran, stored = read(file)
        offset = file.tell()
    if stored.hasobject:
        raise ImageError(
            printable(path),
            "holds pickled Python objects, which could run any program and are not opened",
            "Save the array alone; for Cellpose's _seg.npy import the annotations instead",
        )
    if 0 in shape:
        raise ImageError(printable(path), f"holds an empty array of shape {shape}", "Save it again")
    axes, notes = guess(shape)
    if not axes:
        raise ImageError(
            printable(path), f"holds an array of shape {shape}, which is no image", "Save 2 to 5 axes"
        )
    axes = drop_singletons(axes, shape)
    if fortran:
        axes, shape = axes[::-1], shape[::-1]
    return Layout(axes, shape), stored, offset, said + notes
