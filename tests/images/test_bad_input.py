"""Damaged, lying and hostile files: one ``ImageError`` that names the file and the way out, in bounded memory."""

import gzip
import os
import random
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import h5py
import imagecodecs
import nibabel as nib
import nrrd
import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from images.tiff_bytes import Tag, long, short, tiff_bytes
from micrographia.errors import ImageError
from micrographia.images import members, open_image

HUGE = 50_000


def noise(*shape: int, dtype: str = "u2") -> Any:
    return np.random.default_rng(len(shape)).integers(0, 200, shape).astype(dtype)


def read_all(path: Path) -> None:
    """Open and read everything in a file."""
    for member in members(path):
        with open_image(path, member.name) as image:
            image.read()


def told(path: Path) -> str:
    """Return the problem of the one error that reading everything in a file must end in."""
    with pytest.raises(ImageError) as error:
        read_all(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert error.value.remedy
    return error.value.problem


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(width: int, height: int, packed: bytes, colours: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def zeros(count: int) -> bytes:
    """Return a zlib stream of zeros, without making them."""
    packer = zlib.compressobj(1)
    block = bytes(1 << 20)
    whole, rest = divmod(count, len(block))
    return b"".join(
        [packer.compress(block) for _ in range(whole)] + [packer.compress(block[:rest]), packer.flush()]
    )


@pytest.mark.parametrize("part", [0.01, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (32, 32)}, {"ome": True}], ids=str)
def test_a_tiff_cut_short(tmp_path: Path, part: float, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(5, 64, 64), metadata={"axes": "ZYX"}, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    problem = told(path)
    assert "cut short" in problem or "ends within" in problem or "claims" in problem


@pytest.mark.parametrize("length", [1, 2, 150])
def test_a_tiff_whose_pages_go_round_in_a_circle(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.tif"
    plane = noise(8, 8)
    data = bytearray(tiff_bytes(plane, {}, *[(plane, {})] * (length - 1)))
    data[-4:] = data[4:8]
    path.write_bytes(data)
    assert told(path) == f"its page {length} leads back to an earlier page"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({256: long(HUGE), 257: long(HUGE), 278: long(HUGE)}, "is cut short"),
        ({256: long(1 << 31), 257: long(1), 278: long(1)}, "is cut short"),
        ({256: long(0xFFFFFFFF), 257: long(0xFFFFFFFF), 278: long(0xFFFFFFFF)}, ""),
        ({256: long(HUGE), 257: long(HUGE), 278: long(HUGE), 259: short(8)}, "cannot hold"),
        ({256: long(HUGE), 257: long(HUGE), 278: long(HUGE), 259: short(5)}, "decoded in one go"),
        ({257: long(1 << 31), 278: long(1)}, ""),
        ({273: Tag(4, 1 << 30, b"\x08\0\0\0")}, "its tag 273 claims 4,294,967,296 bytes"),
        ({270: Tag(2, 0xFFFFFFF0, b"\x08\0\0\0")}, "its tag 270 claims 4,294,967,280 bytes"),
        ({273: long(0xFFFFFF00)}, "is cut short"),
        ({256: long(0)}, ""),
        ({258: short(7777)}, ""),
        ({259: short(31337)}, ""),
        ({339: short(6), 258: short(64)}, "holds complex numbers"),
    ],
)
def test_a_tiff_that_lies(tmp_path: Path, tags: dict[int, Tag], expected: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_bytes(noise(8, 8), tags))
    tracemalloc.start()
    assert expected in told(path)
    assert tracemalloc.get_traced_memory()[1] < 60 << 20
    tracemalloc.stop()


def test_bombs_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAPHIA_MAX_DECODED_MB", "16")
    side = 8000  # 64 million pixels
    strip = {256: long(side), 257: long(side), 278: long(side), 259: short(8), 258: short(8), 339: short(1)}
    packed = zeros(side * side)
    (tmp_path / "a.tif").write_bytes(tiff_bytes(np.frombuffer(packed, "u1")[None], strip))
    (tmp_path / "a.png").write_bytes(png_bytes(side, side, zeros(side * (side + 1))))
    Picture.new("RGB", (side, side)).save(tmp_path / "a.jpg")
    for name in ("a.tif", "a.png", "a.jpg"):
        members(tmp_path / name)
        tracemalloc.start()
        problem = told(tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "must be decoded in one go (limit 16 MiB)" in problem
        assert peak < 16 << 20


@pytest.mark.parametrize(("width", "height"), [(HUGE, HUGE), ((1 << 31) - 1, (1 << 31) - 1), (1 << 30, 4)])
def test_pictures_that_lie(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(width, height, zlib.compress(b"\0" * 99), 2))
    assert "is cut short" in told(tmp_path / "a.png")
    data = bytearray(imagecodecs.jpeg8_encode(noise(16, 16, dtype="u1")))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "a.jpg").write_bytes(data)
    assert "decoded in one go" in told(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "npy", "nii", "nii.gz", "nrrd", "h5"])
def test_files_cut_short(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    array = noise(64, 64, dtype="u1")
    if suffix == "npy":
        np.save(path, array)
    elif suffix.startswith("nii"):
        nib.save(nib.Nifti1Image(array.T, np.eye(4)), path)
    elif suffix == "nrrd":
        nrrd.write(str(path), array.T)
    elif suffix == "h5":
        with h5py.File(path, "w") as file:
            file["raw"] = array
    else:
        Picture.fromarray(array).save(path)
    data = path.read_bytes()
    for part in (0.02, 0.3, 0.7, 0.98):
        path.write_bytes(data[: int(len(data) * part)])
        assert told(path)


@pytest.mark.parametrize("kind", ["npy", "nii", "nii.gz", "nrrd", "nrrd.gz"])
def test_headers_that_claim_four_gigabytes(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind.removesuffix('.gz') if kind.startswith('nrrd') else kind}"
    if kind == "npy":
        with path.open("wb") as file:
            shape = (1 << 16, 1 << 16)
            np.lib.format.write_array_header_1_0(
                file, {"descr": "|u1", "fortran_order": False, "shape": shape}
            )
    elif kind.startswith("nii"):
        nib.save(nib.Nifti1Image(noise(8, 8, dtype="u1"), np.eye(4)), path.with_name("b.nii"))
        data = bytearray(path.with_name("b.nii").read_bytes())
        data[40:56] = struct.pack("<8h", 3, 32000, 32000, 4, 1, 1, 1, 1)
        path.write_bytes(gzip.compress(data) if kind.endswith("gz") else data)
    else:
        encoding = "gzip" if kind.endswith("gz") else "raw"
        head = f"NRRD0004\ntype: uint8\ndimension: 2\nsizes: 65536 65536\nencoding: {encoding}\n\n".encode()
        path.write_bytes(head + (gzip.compress(b"few") if encoding == "gzip" else b"few"))
    tracemalloc.start()
    assert "is cut short" in told(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_places_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.tif").touch()
    (tmp_path / "loop.tif").symlink_to(tmp_path / "loop.tif")
    (tmp_path / "dangling.tif").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe.tif")
    expected = {
        "folder": "is a folder, not an image",
        "empty.tif": "is empty",
        "loop.tif": "cannot be opened: Too many levels of symbolic links",
        "dangling.tif": "does not exist",
        "pipe.tif": "is no regular file",
        "missing.tif": "does not exist",
        "x" * 300 + ".tif": "cannot be opened: File name too long",
        "nul\0.tif": "it cannot be read: embedded null byte",
    }
    for name, problem in expected.items():
        with pytest.raises(ImageError) as error:
            open_image(tmp_path / name)
        assert error.value.problem == problem


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may pretend to be nobody; others cannot be refused twice"
)
def test_files_that_may_not_be_read_by_others(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise(8, 8))
    (tmp_path / "a.tif").chmod(0o600)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    os.seteuid(65534)
    try:
        with pytest.raises(ImageError, match="may not be read by you"):
            open_image(tmp_path / "a.tif")
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise(8, 8))
    (tmp_path / "a.tif").chmod(0)
    with pytest.raises(ImageError, match="may not be read by you"):
        open_image(tmp_path / "a.tif")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system has only UTF-8 names")
@pytest.mark.parametrize("suffix", ["tif", "png", "h5", "nrrd", "nii", "nii.gz", "npy"])
def test_names_that_are_no_text(tmp_path: Path, suffix: str) -> None:
    array = noise(16, 16)
    plain = tmp_path / f"a.{suffix}"
    writers = {
        "tif": lambda: tifffile.imwrite(plain, array),
        "png": lambda: Picture.fromarray(array).save(plain),
        "nrrd": lambda: nrrd.write(str(plain), array.T),
        "npy": lambda: np.save(plain, array),
    }
    if suffix == "h5":
        with h5py.File(plain, "w") as file:
            file["raw"] = array
    elif suffix in writers:
        writers[suffix]()
    else:
        nib.save(nib.Nifti1Image(array.T, np.eye(4)), plain)
    odd = plain.rename(tmp_path / os.fsdecode(b"caf\xe9." + suffix.encode()))
    np.testing.assert_array_equal(open_image(odd).read(), array)
    odd.write_bytes(b"words")
    with pytest.raises(ImageError) as error:
        open_image(odd)
    assert rf"caf\xe9.{suffix}: is named" in str(error.value)
    str(error.value).encode("utf-8")


def test_a_file_that_shrinks_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(64, 64))
    with open_image(path) as image:
        image.read()
        os.truncate(path, 1000)
        with pytest.raises(ImageError, match="is cut short"):
            image.read()


def test_a_file_that_changes_while_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(64, 64), compression="zlib")
    image = open_image(path)
    tifffile.imwrite(path, noise(64, 60), compression="zlib")
    with pytest.raises(ImageError, match="has changed since it was opened"):
        image.read()


@pytest.mark.parametrize("suffix", ["tif", "ome.tif", "png", "nrrd", "nii", "npy", "h5"])
def test_random_damage(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every damaged file is read or refused; nothing else is raised and memory stays small."""
    monkeypatch.setenv("MICROGRAPHIA_MAX_DECODED_MB", "16")
    path = tmp_path / f"a.{suffix}"
    array = noise(3, 24, 24)
    if suffix.endswith("tif"):
        options: dict[str, Any] = {"compression": "zlib"} if suffix == "tif" else {}
        tifffile.imwrite(path, array, photometric="minisblack", metadata={"axes": "ZYX"}, **options)
    elif suffix == "png":
        Picture.fromarray(array[0]).save(path)
    elif suffix == "nrrd":
        nrrd.write(str(path), array.T)
    elif suffix == "nii":
        nib.save(nib.Nifti1Image(array.T, np.eye(4)), path)
    elif suffix == "h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("raw", data=array, chunks=(1, 8, 8), compression="gzip")
    else:
        np.save(path, array)
    sound = path.read_bytes()
    dice = random.Random(suffix)
    refused = []
    tracemalloc.start()
    for _ in range(70):
        data = bytearray(sound)
        for _ in range(dice.choice((1, 1, 2, 5))):
            at = dice.randrange(min(len(data), 700)) if dice.random() < 0.7 else dice.randrange(len(data))
            value = dice.choice((0, 1, 8, 255, 0x7FFFFFFF, 0xFFFFFFFF, len(data), dice.getrandbits(32)))
            data[at : at + 4] = struct.pack("<I", value)
        path.write_bytes(data[: dice.choice((len(data), len(data), dice.randrange(1, len(data))))])
        try:
            for member in members(path)[:3]:
                with open_image(path, member.name) as image:
                    image.read(tuple(slice(0, 64) for _ in image.shape))
        except ImageError as error:
            refused.append(str(error))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(refused) > 10
    assert all(message.startswith(f"{path}: ") and "\n" not in message for message in refused)
    assert peak < 80 << 20


def test_hostile_files_leave_memory_alone(tmp_path: Path) -> None:
    """In a process of its own, which sees the memory of C libraries too."""
    (tmp_path / "a.png").write_bytes(png_bytes(12_000, 12_000, zeros(12_000 * 12_001)))
    strip = {256: long(HUGE), 257: long(HUGE), 278: long(HUGE), 259: short(5)}
    (tmp_path / "b.tif").write_bytes(tiff_bytes(noise(8, 8), strip))
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_dataset("raw", (HUGE, HUGE), "u2", chunks=(20_000, 20_000), compression="gzip")
    (tmp_path / "d.npy").write_bytes(b"\x93NUMPY\x02\0\xff\xff\xff\xff" + b" " * 100)
    (tmp_path / "e.nhdr").write_bytes(b"NRRD0004\n" + b"#" * 999)
    program = """
import resource, sys
from pathlib import Path
import h5py, imagecodecs, nrrd, numpy, tifffile
from PIL import PngImagePlugin
from micrographia.errors import ImageError
from micrographia.images import members, open_image
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform == "linux" else 1024)
before, refused = peak(), 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        for member in members(path):
            open_image(path, member.name).read()
    except ImageError:
        refused += 1
print(refused, peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, tmp_path],
        env=os.environ | {"MICROGRAPHIA_MAX_DECODED_MB": "128"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    refused, kilobytes = map(int, done.stdout.split())
    assert (refused, done.stderr) == (5, "")
    assert kilobytes < 60_000
