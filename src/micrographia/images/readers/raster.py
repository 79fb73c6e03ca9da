"""PNG, JPEG, BMP, GIF and WebP pictures.

Numbers are read as stored: grey of 1, 2 or 4 bits is not stretched to 255, and a colour table (palette) gives its
indices, because label masks are stored so; member ``rgb`` of such a picture gives its colours. Transparency is left
out, and member ``alpha`` gives it. Grey pictures stored as colour stay colour.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.cache import BlockOwner
from micrographia.images.calibration import Calibration, resolution
from micrographia.images.files import (
    DEFLATE_RATIO,
    FilePixels,
    choose,
    decoding,
    parsing,
    printable,
    within_limit,
)
from micrographia.images.image import Array, Image, Member, Region
from micrographia.images.raw import truncated

_MAGIC: dict[str, tuple[bytes, str]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n", "PngImagePlugin.PngImageFile"),
    "JPEG": (b"\xff\xd8\xff", "JpegImagePlugin.JpegImageFile"),
    "BMP": (b"BM", "BmpImagePlugin.BmpImageFile"),
    "GIF": (b"GIF8", "GifImagePlugin.GifImageFile"),
    "WebP": (b"RIFF", "WebPImagePlugin.WebPImageFile"),
}

_ORIENTATION = 0x0112

_SAMPLES = {"1": 1, "L": 1, "LA": 2, "I;16": 1, "P": 1, "RGB": 3, "RGBA": 4, "RGBX": 3, "CMYK": 4}


@dataclass
class _Header:
    """What the header of a picture says.

    Parameters
    ----------
    file_format
        A key of :data:`_MAGIC`.
    mode
        Pillow's name of the kind of pixels: of those stored, for PNG of 16 bits too.
    size
        Frames, rows and columns.
    samples
        Numbers a pixel, with transparency.
    dtype
        Of one number.
    bits
        Stored bits of one number, where they do not fill the type.
    palette
        Whether the numbers are indices into a colour table.
    """

    file_format: str
    mode: str
    size: tuple[int, int, int]
    samples: int
    dtype: np.dtype[Any]
    bits: int | None = None
    palette: bool = False
    calibration: Calibration = field(default_factory=Calibration)


class PictureReader:
    """Reads pictures of the web with Pillow and imagecodecs; headers only until pixels are asked for."""

    api_version = 1
    name = "PNG, JPEG, BMP, GIF or WebP"
    extensions = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".apng")

    def matches(self, _path: Path, head: bytes) -> bool:
        """Return whether the file begins as one of these pictures does."""
        return _format(head) is not None

    def members(self, path: Path) -> list[Member]:
        """Return the pictures of the file: one, or with a colour table two, its indices and its colours."""
        header = _header(path)
        names = ["", "rgb"] if header.palette else [""]
        return [Member(name, *_axes_shape(header, name), str(_dtype(header, name))) for name in names]

    def open(self, path: Path, member: str = "") -> Image:
        """Return the picture; member ``alpha`` is its transparency, ``rgb`` the colours of a colour table."""
        header = _header(path)
        names = (
            [""] + ["rgb"] * header.palette + ["alpha"] * (header.samples in (2, 4) and header.mode != "CMYK")
        )
        name = names[choose(path, names, member, ("rgb", "alpha"))]
        axes, shape = _axes_shape(header, name)
        dtype = _dtype(header, name)
        frame = math.prod(header.size[1:]) * max(header.samples, 3 if name == "rgb" else 1) * dtype.itemsize
        within_limit(path, frame, "it")
        return Image(
            _PicturePixels(path, header, name, axes),
            path=path,
            member=member,
            axes=axes,
            shape=shape,
            dtype=dtype,
            scale=header.calibration.scale,
            units=header.calibration.units,
            rgb="C" in axes and header.mode != "CMYK",
            block_shape=[1 if axis == "T" else size for axis, size in zip(axes, shape, strict=True)],
            file_format=header.file_format,
            compression={"PNG": "deflate", "GIF": "lzw"}.get(header.file_format, header.file_format.lower()),
            bits=header.bits if name == "" else None,
            notes=header.calibration.notes + _notes(header, name),
        )


PICTURES = PictureReader()


def _format(head: bytes) -> str | None:
    for name, (magic, _) in _MAGIC.items():
        if (
            head.startswith(magic)
            and (name != "WebP" or head[8:12] == b"WEBP")
            and (name != "BMP" or _bmp(head))
        ):
            return name
    return None


def _bmp(head: bytes) -> bool:
    """Return whether what begins with BM is a bitmap: its header has one of the known sizes."""
    return int.from_bytes(head[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124)


def _open(path: Path) -> Any:
    """Open a picture with Pillow, past its limits on size, which are ours to check."""
    with path.open("rb") as file:
        name = _format(file.read(32))
    if name is None:
        raise ImageError(printable(path), "has changed since it was opened", "Open it again")
    module, kind = _MAGIC[name][1].split(".")
    return getattr(import_module(f"PIL.{module}"), kind)(path)


def _header(path: Path) -> _Header:
    with parsing(path) as said, _open(path) as picture:
        mode, bits, palette = picture.mode, None, picture.mode == "P"
        depth, colours = _png(path) if picture.format == "PNG" else (8, -1)
        if depth == 16:
            mode = {0: "I;16", 2: "RGB", 4: "LA", 6: "RGBA"}[colours]
        elif depth < 8:
            bits = depth
        elif mode == "1":
            bits = 1
        if picture.format == "GIF":
            mode, palette = ("L" if _grey(picture) else "RGB"), False
        if mode not in _SAMPLES:
            raise ImageError(
                printable(path), f"holds pixels of kind {mode}", "Save it as PNG with grey or RGB"
            )
        dtype = np.dtype(np.uint16 if depth == 16 else np.uint8)
        size = (int(getattr(picture, "n_frames", 1)), picture.height, picture.width)
        header = _Header(picture.format or "", mode, size, _SAMPLES[mode], dtype, bits, palette)
        header.file_format = {"WEBP": "WebP", "MPO": "JPEG"}.get(header.file_format, header.file_format)
        header.calibration = _density(picture)
        if "exif" in picture.info and picture.getexif().get(_ORIENTATION, 1) != 1:
            header.calibration.notes.append("it asks to be shown turned; its pixels are read as stored")
    if depth == 16 and size[0] > 1:
        raise ImageError(printable(path), "is an animation of 16 bits", "Save its frames as a TIFF stack")
    header.calibration.notes += said
    if picture.format == "PNG" and size[0] == 1:
        _holds(path, math.prod(size) * header.samples * depth // 8)
    return header


def _png(path: Path) -> tuple[int, int]:
    """Return bit depth and kind of colours of a PNG, whose first chunk says them."""
    with path.open("rb") as file:
        head = file.read(26)
    return head[24], head[25]


def _holds(path: Path, nbytes: int) -> None:
    there = path.stat().st_size
    if nbytes > there * DEFLATE_RATIO:
        raise truncated(path, nbytes // DEFLATE_RATIO, there)


def _grey(picture: Any) -> bool:
    """Return whether all colours in the table of a GIF's first frame are grey."""
    if picture.palette is None:
        return bool(picture.mode == "L")
    table = np.frombuffer(bytes(picture.palette.palette), np.uint8)
    table = table[: len(table) // 3 * 3].reshape(-1, 3)
    return bool((table == table[:, :1]).all())


def _density(picture: Any) -> Calibration:
    if picture.format == "PNG" and "dpi" in picture.info:
        x, y = picture.info["dpi"]
        return resolution(x / 0.0254, y / 0.0254, "meter")
    return Calibration()


def _axes_shape(header: _Header, member: str) -> tuple[str, tuple[int, ...]]:
    frames, height, width = header.size
    colours = 3 if header.samples >= 3 or member == "rgb" else 1
    if header.mode == "CMYK":
        colours = 4
    if member == "alpha":
        colours = 1
    axes = "T" * (frames > 1) + "C" * (colours > 1) + "YX"
    sizes = {"T": frames, "C": colours, "Y": height, "X": width}
    return axes, tuple(sizes[axis] for axis in axes)


def _dtype(header: _Header, member: str) -> np.dtype[Any]:
    return np.dtype(np.uint8) if member == "rgb" else header.dtype


def _notes(header: _Header, member: str) -> list[str]:
    notes = []
    if header.palette and member == "":
        notes.append(
            "its pixels are numbers into a colour table, and are read as these; member 'rgb' has the colours"
        )
    if header.samples in (2, 4) and header.mode != "CMYK" and member == "":
        notes.append("its transparency is left out; member 'alpha' has it")
    if header.mode == "CMYK":
        notes.append("its channels are the inks cyan, magenta, yellow and black")
    if header.size[0] > 1:
        notes.append("its frames are read as time points; it does not say how far apart they were taken")
    return notes


class _PicturePixels(FilePixels):
    """The pixels of a picture, which can only be decoded a frame at a time."""

    def __init__(self, path: Path, header: _Header, member: str, axes: str) -> None:
        super().__init__(path)
        self.header = header
        self.member = member
        self.axes = axes
        self.blocks = BlockOwner()

    def close(self) -> None:
        """Forget what was decoded."""
        self.blocks.forget()

    def read(self, region: Region) -> Array:
        """Return the pixels of a region."""
        wanted = dict(zip(self.axes, region, strict=True))
        with decoding(self.path):
            frames = [
                self._frame(index)[wanted["Y"], wanted["X"], wanted.get("C", slice(0, 1))].transpose(2, 0, 1)
                for index in range(*wanted.get("T", slice(0, 1)).indices(self.header.size[0]))
            ]
        block = np.stack(frames) if "T" in wanted else frames[0]
        return block.reshape([axis.stop - axis.start for axis in region]) if "C" not in wanted else block

    def _frame(self, index: int) -> Array:
        with self.lock:
            return self.blocks.block(index, lambda: self._decode(index))

    def _decode(self, index: int) -> Array:
        """Return one frame as (rows, columns, samples)."""
        header = self.header
        if header.file_format == "PNG" and not header.palette and header.bits is None and header.size[0] == 1:
            frame = self._png()
        else:
            frame = self._pillow(index)
        if frame.shape[:2] != header.size[1:]:
            raise ImageError(printable(self.path), "has changed since it was opened", "Open it again")
        frame = frame.reshape(*header.size[1:], -1)
        if self.member == "alpha":
            return np.ascontiguousarray(frame[..., -1:])
        count = {2: 1, 4: 4 if header.mode == "CMYK" else 3}.get(header.samples, header.samples)
        return frame[..., : 3 if self.member == "rgb" else count]

    def _png(self) -> Array:
        import imagecodecs

        data = self.path.read_bytes()
        _check_png(self.path, data)
        frame: Array = imagecodecs.png_decode(data)
        return frame

    def _pillow(self, index: int) -> Array:
        if self.header.file_format == "PNG":
            _check_png(self.path, self.path.read_bytes())
        with _open(self.path) as picture:
            if index:
                picture.seek(index)
            mode = "RGB" if self.member == "rgb" else self.header.mode
            whole = picture if picture.mode == mode else picture.convert(mode)
            frame = np.asarray(whole)
        if frame.dtype == bool:
            return frame.astype(np.uint8)
        if self.header.bits is not None and not self.header.palette and self.header.file_format == "PNG":
            return frame // (255 // ((1 << self.header.bits) - 1))
        return frame.copy()


def _check_png(path: Path, data: bytes) -> None:
    """Raise ``ImageError`` if a PNG lacks its end or a checksum is wrong, which decoders would let pass."""
    at, kind = 8, b""
    while kind != b"IEND":
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise truncated(path, end, len(data))
        if zlib.crc32(memoryview(data)[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ImageError(
                printable(path), f"is damaged: the checksum of its part {kind!r} is wrong", "Copy it again"
            )
        at = end
