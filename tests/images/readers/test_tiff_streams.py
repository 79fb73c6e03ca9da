import resource
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from micrographia.errors import ImageError
from micrographia.images import open_image
from micrographia.images.readers.tiff_streams import declared_pixels

PICTURE = np.zeros((30, 50, 3), np.uint8)

STREAMS = {
    "jpeg": imagecodecs.jpeg8_encode(PICTURE),
    "jpeg2000": imagecodecs.jpeg2k_encode(PICTURE, codecformat="j2k"),
    "jp2": imagecodecs.jpeg2k_encode(PICTURE, codecformat="jp2"),
    "png": imagecodecs.png_encode(PICTURE),
    "webp": imagecodecs.webp_encode(PICTURE, lossless=True),
    "lossy webp": imagecodecs.webp_encode(PICTURE, lossless=False, level=50),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_streams_declare_their_size(kind: str) -> None:
    assert declared_pixels(STREAMS[kind]) == 1500
    for length in range(60):
        assert declared_pixels(STREAMS[kind][:length]) in (0, 1500)


def test_other_streams_declare_nothing() -> None:
    assert declared_pixels(b"") == 0
    assert declared_pixels(imagecodecs.zlib_encode(PICTURE.tobytes())) == 0
    assert declared_pixels(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 9) == 0


@pytest.mark.parametrize("codec", ["jpeg", "png", "webp"])
def test_a_tile_that_declares_another_size_is_not_decoded(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.tif"
    tile = np.zeros((64, 64, 3), np.uint8)
    tifffile.imwrite(path, tile, photometric="rgb", compression=codec, tile=(64, 64))
    data = bytearray(path.read_bytes())
    if codec == "jpeg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = b"\xff\x00\xff\x00"
    else:
        encode = {"png": imagecodecs.png_encode, "webp": lambda a: imagecodecs.webp_encode(a, lossless=True)}[
            codec
        ]
        append_tile(path, data, encode(np.zeros((6000, 6000, 3), np.uint8)))
    path.write_bytes(data)
    before = peak_megabytes()
    with (
        open_image(path) as image,
        pytest.raises(ImageError, match="a strip or tile of 64 x 64 pixels declares"),
    ):
        image.read()
    assert peak_megabytes() - before < 50


def append_tile(path: Path, data: bytearray, stream: Any) -> None:
    """Let the one tile of a TIFF be ``stream``, put at the end of the file."""
    with tifffile.TiffFile(path) as file:
        offsets, counts = file.pages.first.tags[324], file.pages.first.tags[325]
    for tag, value in ((offsets, len(data)), (counts, len(stream))):
        data[tag.valueoffset : tag.valueoffset + 4] = struct.pack("<I", value)
    data += stream


def peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def test_pages_that_no_image_holds_are_told(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in range(3):
            about = '{"shape": [10, 64, 64]}' if page == 0 else None
            file.write(
                np.zeros((64, 64), "u2"),
                description=about,
                metadata=None,
                contiguous=False,
                compression="zlib",
            )
    image = open_image(tmp_path / "a.tif")
    assert "2 of its 3 pages belong to none of its images" in image.notes
    assert not any("<tifffile" in note for note in image.notes)
