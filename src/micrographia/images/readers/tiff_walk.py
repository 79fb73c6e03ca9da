"""A first walk along the directories of a TIFF, which finds what would make a TIFF library loop, stop or overflow."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.files import printable

_SIZES = np.zeros(65536, np.int64)
_SIZES[1:19] = [1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 4, 0, 8, 8, 8]
"""Bytes of one value, by the type of a tag."""

_PRIVATE = 32768
"""From this number on tags belong to programs, some of which leave dangling values; without those pixels are whole."""


def walk(path: Path) -> int:
    """Return the number of directories (pages) of a TIFF.

    Raises
    ------
    ImageError
        If a directory lies beyond the end of the file or leads back to an earlier one, or a tag claims more values
        than the file has bytes.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        big = struct.unpack(f"{order}H", head[2:4])[0] == 43
        if len(head) < (16 if big else 8):
            raise _bad(path, "ends within its header")
        if not big and size > 1 << 32:
            return 0  # such files use offsets in ways of their own, which only the library knows
        (offset,) = struct.unpack(f"{order}Q", head[8:16]) if big else struct.unpack(f"{order}I", head[4:8])
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise _bad(path, f"its page {len(seen)} leads back to an earlier page")
            seen.add(offset)
            offset = _directory(path, file, offset, size, order, big, len(seen) - 1)
    if not seen:
        raise _bad(path, "has no pages")
    return len(seen)


def _directory(path: Path, file: BinaryIO, offset: int, size: int, order: str, big: bool, page: int) -> int:
    """Look at one directory and return where the next begins."""
    count_format, tag_size, next_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    head = struct.calcsize(f"{order}{count_format}")
    tail = struct.calcsize(f"{order}{next_format}")
    if offset + head > size:
        raise _cut(path, page, offset, size)
    file.seek(offset)
    (count,) = struct.unpack(f"{order}{count_format}", file.read(head))
    if offset + head + count * tag_size > size:
        raise _cut(path, page, offset, size)
    word = f"{order}u8" if big else f"{order}u4"
    fields = [("code", f"{order}u2"), ("type", f"{order}u2"), ("count", word), ("value", word)]
    tags = np.frombuffer(file.read(count * tag_size), fields)
    claimed = tags["count"].astype(np.float64) * _SIZES[tags["type"]]
    if count and claimed.max() > size:
        code = int(tags["code"][claimed.argmax()])
        raise _bad(path, f"its tag {code} claims {claimed.max():,.0f} bytes; the file has {size:,}")
    inline = 8 if big else 4
    ends = np.where((claimed > inline) & (tags["code"] < _PRIVATE), tags["value"] + claimed, 0)
    if count and ends.max() > size:
        raise _bad(
            path, f"is cut short: its tag {int(tags['code'][ends.argmax()])} ends beyond the end of the file"
        )
    rest = file.read(tail)
    if len(rest) < tail:
        raise _cut(path, page, offset, size)
    return int(struct.unpack(f"{order}{next_format}", rest)[0])


def _cut(path: Path, page: int, offset: int, size: int) -> ImageError:
    return _bad(path, f"is cut short: page {page} should be at byte {offset:,}, the file has {size:,}")


def _bad(path: Path, problem: str) -> ImageError:
    return ImageError(printable(path), problem, "Copy or export it again from where it came")
