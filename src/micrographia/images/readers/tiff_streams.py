"""The size that a picture inside a strip or tile of a TIFF declares, looked up before anything is decoded.

A tile that is a JPEG, JPEG 2000, PNG or WebP of its own may declare any size, whatever the TIFF says, and its decoder
makes room for that first.
"""

from __future__ import annotations

import struct

_NO_FRAMES = (0xC4, 0xC8, 0xCC)
_ALONE = (0x01, *range(0xD0, 0xD9))


def declared_pixels(data: bytes) -> int:
    """Return rows times columns that a stream declares; 0 if it is of no known kind or does not say."""
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"\xff\x4f\xff\x51"):
        return _jpeg2000(data)
    if data.startswith(b"\x00\x00\x00\x0cjP  "):
        start = data.find(b"\xff\x4f\xff\x51")
        return _jpeg2000(data[start:]) if start >= 0 else 0
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return int(width * height)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return 0


def _jpeg(data: bytes) -> int:
    """Follow the markers to the first frame header."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return int(height * width)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0


def _jpeg2000(data: bytes) -> int:
    if len(data) < 24:
        return 0
    right, bottom, left, top = struct.unpack(">IIII", data[8:24])
    return int(max(0, right - left) * max(0, bottom - top))


def _webp(data: bytes) -> int:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return (int.from_bytes(data[24:27], "little") + 1) * (int.from_bytes(data[27:30], "little") + 1)
    if kind == b"VP8L" and len(data) >= 25:
        packed = int.from_bytes(data[21:25], "little")
        return ((packed & 0x3FFF) + 1) * ((packed >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and len(data) >= 30:
        width, height = struct.unpack("<HH", data[26:30])
        return int((width & 0x3FFF) * (height & 0x3FFF))
    return 0
