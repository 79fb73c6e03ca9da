import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Picture

from images.region_checks import assert_reads
from micrographia.errors import ImageError
from micrographia.images import Member, members, open_image
from micrographia.images.readers.raster import _PicturePixels


def noise(*shape: int, dtype: str = "u1") -> Any:
    return np.random.default_rng(len(shape)).integers(0, 256, shape).astype(dtype)


def png(pixels: bytes, width: int, height: int, depth: int, colours: int, extra: bytes = b"") -> bytes:
    """Return a PNG of packed rows, for kinds that no writer writes."""
    row = len(pixels) // height
    rows = b"".join(b"\0" + pixels[index * row : (index + 1) * row] for index in range(height))
    head = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@given(
    array=st.tuples(st.sampled_from(["u1", "u2"]), st.sampled_from([0, 3, 4])).flatmap(
        lambda kind: hnp.arrays(
            kind[0], st.tuples(st.integers(1, 20), st.integers(1, 20), *[st.just(kind[1])] * bool(kind[1]))
        )
    ),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=60)
def test_png_of_8_and_16_bits(folder: Path, array: Any, seed: int) -> None:
    path = folder / "a.png"
    path.write_bytes(imagecodecs.png_encode(array))
    with open_image(path) as image:
        assert image.dtype == array.dtype
        assert image.rgb == (array.ndim == 3)
        if array.ndim == 3:
            assert_reads(open_image(path), np.moveaxis(array[..., :3], -1, 0), seed=seed, count=3)
        else:
            assert_reads(open_image(path), array, seed=seed, count=3)


def test_transparency_is_a_member_of_its_own(tmp_path: Path) -> None:
    array = noise(20, 30, 4)
    Picture.fromarray(array).save(tmp_path / "a.png")
    image = open_image(tmp_path / "a.png")
    assert image.notes == ("its transparency is left out; member 'alpha' has it",)
    assert_reads(image, np.moveaxis(array[..., :3], -1, 0))
    assert_reads(open_image(tmp_path / "a.png", "alpha"), array[..., 3])
    assert len(members(tmp_path / "a.png")) == 1
    Picture.fromarray(array[..., :2]).save(tmp_path / "la.png")
    assert_reads(open_image(tmp_path / "la.png"), array[..., 0])
    assert_reads(open_image(tmp_path / "la.png", "alpha"), array[..., 1])


def test_equal_channels_stay_channels(tmp_path: Path) -> None:
    grey = noise(20, 30)
    Picture.fromarray(np.dstack([grey] * 3)).save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png").shape == (3, 20, 30)


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_a_colour_table_gives_labels_and_colours(tmp_path: Path, suffix: str) -> None:
    labels = noise(20, 30) % 7
    table = noise(7, 3)
    picture = Picture.fromarray(labels)
    picture.putpalette(table.tobytes())
    picture.save(tmp_path / f"a.{suffix}")
    assert members(tmp_path / f"a.{suffix}") == [
        Member("", "YX", (20, 30), "uint8"),
        Member("rgb", "CYX", (3, 20, 30), "uint8"),
    ]
    image = open_image(tmp_path / f"a.{suffix}")
    assert "colour table" in image.notes[0]
    assert_reads(image, labels)
    assert_reads(open_image(tmp_path / f"a.{suffix}", "rgb"), np.moveaxis(table[labels], -1, 0))


@pytest.mark.parametrize(("depth", "top"), [(1, 1), (2, 3), (4, 15)])
def test_few_bits_are_not_stretched(tmp_path: Path, depth: int, top: int) -> None:
    values = np.random.default_rng(0).integers(0, top + 1, (10, 16)).astype("u1")
    bits = np.unpackbits(values[..., None], axis=-1)[..., -depth:].reshape(10, -1)
    (tmp_path / "a.png").write_bytes(png(np.packbits(bits, axis=1).tobytes(), 16, 10, depth, 0))
    image = open_image(tmp_path / "a.png")
    assert (image.bits, image.dtype) == (depth, np.uint8)
    assert_reads(image, values)


def test_a_transparent_colour_is_no_channel(tmp_path: Path) -> None:
    array = noise(10, 16, 3)
    key = chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
    (tmp_path / "a.png").write_bytes(png(array.tobytes(), 16, 10, 8, 2, key))
    assert_reads(open_image(tmp_path / "a.png"), np.moveaxis(array, -1, 0))


@pytest.mark.parametrize("suffix", ["jpg", "bmp", "webp", "gif"])
@pytest.mark.parametrize("samples", [(), (3,)])
def test_other_pictures(tmp_path: Path, suffix: str, samples: tuple[int, ...]) -> None:
    grey = suffix in ("jpg", "bmp", "gif") and not samples
    array = (noise(20, 30, *samples) // 64 * 64) if suffix == "gif" else noise(20, 30, *samples)
    path = tmp_path / f"a.{suffix}"
    Picture.fromarray(array).save(path, **({"lossless": True} if suffix == "webp" else {}))
    with Picture.open(path) as picture:
        expected = np.asarray(picture.convert("L" if grey else "RGB"))
    image = open_image(path)
    assert image.rgb is not grey
    assert image.file_format == {"jpg": "JPEG", "webp": "WebP"}.get(suffix, suffix.upper())
    assert_reads(image, expected if grey else np.moveaxis(expected, -1, 0))


@pytest.mark.parametrize("suffix", ["png", "gif", "webp"])
def test_frames_are_time_points(tmp_path: Path, suffix: str) -> None:
    frames = [np.full((20, 30, 3), 60 * index, np.uint8) for index in range(4)]
    pictures = [Picture.fromarray(frame) for frame in frames]
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    image = open_image(path)
    assert any("frames are read as time points" in note for note in image.notes)
    assert image.scale == {}
    expected = np.stack(frames)
    assert_reads(image, expected[..., 0] if image.axes == "TYX" else np.moveaxis(expected, -1, 1))


def test_cmyk_stays_ink(tmp_path: Path) -> None:
    Picture.fromarray(noise(20, 30, 4), mode=None).convert("RGB").convert("CMYK").save(tmp_path / "a.jpg")
    image = open_image(tmp_path / "a.jpg")
    assert (image.shape, image.rgb) == ((4, 20, 30), False)
    assert "inks" in image.notes[0]
    assert image.read().shape == (4, 20, 30)


def test_a_turned_picture_is_read_as_stored(tmp_path: Path) -> None:
    exif = Picture.Exif()
    exif[0x0112] = 6
    Picture.fromarray(noise(20, 30)).save(tmp_path / "a.jpg", exif=exif)
    image = open_image(tmp_path / "a.jpg")
    assert image.shape == (20, 30)
    assert "asks to be shown turned" in image.notes[0]


@pytest.mark.parametrize(("dpi", "size"), [(72, None), (300, None), (25400 / 0.5, 0.5)])
def test_density_is_believed_only_of_a_microscope(tmp_path: Path, dpi: float, size: float | None) -> None:
    Picture.fromarray(noise(20, 30)).save(tmp_path / "a.png", dpi=(dpi, dpi))
    image = open_image(tmp_path / "a.png")
    assert image.scale == ({} if size is None else pytest.approx({"x": size, "y": size}, rel=1e-3))
    assert bool(image.notes) == (size is None)


def test_headers_decode_no_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Picture.fromarray(noise(20, 30)).save(tmp_path / "a.png")

    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(_PicturePixels, "_decode", refuse)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)
    assert members(tmp_path / "a.png") == [Member("", "YX", (20, 30), "uint8")]
    open_image(tmp_path / "a.png")


def test_a_wrong_checksum_is_told(tmp_path: Path) -> None:
    data = bytearray(imagecodecs.png_encode(noise(20, 30)))
    at = data.index(b"IDAT") + 20
    data[at] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    with (
        open_image(tmp_path / "a.png") as image,
        pytest.raises(ImageError, match="the checksum of its part b'IDAT' is wrong"),
    ):
        image.read()
