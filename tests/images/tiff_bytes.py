"""TIFF files byte by byte, for tags that no writer writes and for files that lie."""

import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class Tag(NamedTuple):
    """Type, count and bytes of a value; ``count`` may lie."""

    type: int
    count: int
    value: bytes


def short(*values: int) -> Tag:
    return Tag(3, len(values), struct.pack(f"<{len(values)}H", *values))


def long(*values: int) -> Tag:
    return Tag(4, len(values), struct.pack(f"<{len(values)}I", *values))


def text(value: str) -> Tag:
    data = value.encode() + b"\0"
    return Tag(2, len(data), data)


def raw(data: bytes, kind: int = 1) -> Tag:
    return Tag(kind, len(data), data)


def tiff_bytes(
    pixels: np.ndarray,
    tags: Mapping[int, Tag] | None = None,
    *more: tuple[np.ndarray, Mapping[int, Tag]],
    next_directory: int = 0,
) -> bytes:
    """Return a little-endian TIFF of one strip a page, with further tags or other values for the usual ones.

    Parameters
    ----------
    pixels, tags
        Of the first page.
    more
        Further pages.
    next_directory
        What follows the last directory.
    """
    data = bytearray(struct.pack("<2sHI", b"II", 42, 0))
    pointer = 4
    for array, own in [(pixels, tags or {}), *more]:
        directory = _page(data, array, own)
        data[pointer : pointer + 4] = struct.pack("<I", directory)
        pointer = len(data) - 4
    data[pointer:] = struct.pack("<I", next_directory)
    return bytes(data)


def _page(data: bytearray, pixels: np.ndarray, tags: Mapping[int, Tag]) -> int:
    """Append a page and return where its directory is."""
    height, width = pixels.shape[-2:]
    start = len(data)
    data += pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    known = {
        256: long(width),
        257: long(height),
        258: short(pixels.dtype.itemsize * 8),
        259: short(1),
        262: short(1),
        273: long(start),
        277: short(1),
        278: long(height),
        279: long(len(data) - start),
        339: short({"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]),
    } | dict(tags)
    entries = []
    for code, tag in sorted(known.items()):
        place = tag.value.ljust(4, b"\0")
        if len(tag.value) > 4:
            data += b"\0" * (len(data) % 2)
            place = struct.pack("<I", len(data))
            data += tag.value
        entries.append(struct.pack("<HHI", code, tag.type, tag.count) + place)
    data += b"\0" * (len(data) % 2)
    directory = len(data)
    data += struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", 0)
    return directory
