import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from images.region_checks import assert_reads
from images.tiff_bytes import Tag, long, raw, text, tiff_bytes
from micrographia.images import Channel, Image, members, open_image

MICROMETERS = {"x": "micrometer", "y": "micrometer"}


def noise(*shape: int, dtype: str = "u2") -> Any:
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def written(path: Path, array: Any, **options: Any) -> Image:
    tifffile.imwrite(path, array, **options)
    return open_image(path)


def test_ome(tmp_path: Path) -> None:
    array = noise(2, 3, 4, 20, 30)
    image = written(
        tmp_path / "a.ome.tif",
        array,
        metadata={
            "axes": "TCZYX",
            "PhysicalSizeX": 0.1,
            "PhysicalSizeY": 100,
            "PhysicalSizeYUnit": "nm",
            "PhysicalSizeZ": 0.5,
            "PhysicalSizeZUnit": "µm",
            "TimeIncrement": 2,
            "TimeIncrementUnit": "min",
            "SignificantBits": 12,
            "Channel": {"Name": ["a", "b", "c"], "Color": [-16776961, 16711935, 65535]},
        },
    )
    assert image.scale == {"x": 0.1, "y": 100, "z": 0.5, "t": 2}
    assert image.units == {"x": "micrometer", "y": "nanometer", "z": "micrometer", "t": "minute"}
    assert image.channels == (Channel("a", "FF0000"), Channel("b", "00FF00"), Channel("c", "0000FF"))
    assert image.bits == 12
    assert image.file_format == "OME-TIFF"
    assert image.notes == ()
    assert_reads(image, array)


def test_ome_of_several_images_keeps_them_apart(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        for index in (1, 2):
            file.write(
                noise(20, 30), metadata={"axes": "YX", "Name": f"field {index}", "PhysicalSizeX": index}
            )
    for index in (1, 2):
        assert open_image(tmp_path / "a.ome.tif", f"field {index}").scale == {"x": index}


def test_ome_units_that_are_no_lengths_and_times_of_planes(tmp_path: Path) -> None:
    image = written(
        tmp_path / "a.ome.tif",
        noise(3, 20, 30),
        metadata={
            "axes": "TYX",
            "PhysicalSizeX": 1.0,
            "PhysicalSizeXUnit": "pixel",
            "Plane": {"DeltaT": [0.0, 2.5, 5.5], "DeltaTUnit": ["s"] * 3},
        },
    )
    assert image.scale == {"t": 2.75}
    assert "its PhysicalSizeX is in 'pixel', which is no length" in image.notes
    assert "its time step is the median of the steps between its planes" in image.notes


def test_imagej(tmp_path: Path) -> None:
    array = noise(2, 3, 2, 20, 30)
    ramp = np.arange(256, dtype="u1")
    image = written(
        tmp_path / "a.tif",
        array,
        imagej=True,
        resolution=(4, 4),
        metadata={
            "axes": "TZCYX",
            "unit": "\\u00B5m",
            "spacing": 2.0,
            "finterval": 3.5,
            "mode": "composite",
            "Labels": ["DAPI", "GFP"] * 6,
            "LUTs": [np.stack([ramp * 0, ramp * 0, ramp]), np.stack([ramp * 0, ramp, ramp * 0])],
        },
    )
    assert image.scale == {"x": 0.25, "y": 0.25, "z": 2, "t": 3.5}
    assert image.units == {"x": "micrometer", "y": "micrometer", "z": "micrometer", "t": "second"}
    assert image.channels == (Channel("DAPI", "0000FF"), Channel("GFP", "00FF00"))
    assert_reads(image, array.transpose(0, 2, 1, 3, 4))


def test_imagej_larger_than_its_format_allows(tmp_path: Path) -> None:
    """ImageJ writes one directory and all planes after it when a stack exceeds 4 GB; here a small one."""
    array = noise(6, 20, 30)
    path = tmp_path / "a.tif"
    about = "ImageJ=1.53t\nimages=6\nslices=6\nunit=micron\nspacing=0.5\nloop=false\n"
    path.write_bytes(tiff_bytes(array, {270: text(about), 279: long(20 * 30 * 2)}))
    image = open_image(path)
    assert (image.axes, image.shape) == ("ZYX", (6, 20, 30))
    assert (image.scale, image.units) == ({"z": 0.5}, {"z": "micrometer"})
    assert_reads(image, array)


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        ((1e4 / 0.325, 1e4 / 0.325), "centimeter", 0.325),
        ((25400 / 0.5, 25400 / 0.5), "inch", 0.5),
        ((72, 72), "inch", None),
        ((300, 300), "inch", None),
        ((1, 1), "inch", None),
        ((28.35, 28.35), "centimeter", None),
        ((4, 4), None, None),
    ],
)
def test_bare_resolution_is_believed_only_of_a_microscope(
    tmp_path: Path, resolution: tuple[float, float], unit: str | None, size: float | None
) -> None:
    image = written(
        tmp_path / "a.tif", noise(20, 30), resolution=resolution, resolutionunit=unit or "none", metadata=None
    )
    if size is None:
        assert image.scale == {}
        assert bool(image.notes) == (unit is not None and resolution != (1, 1))
    else:
        assert image.scale == pytest.approx({"x": size, "y": size}, rel=1e-6)
        assert image.units == MICROMETERS


def test_imagej_in_inches_is_a_bare_resolution(tmp_path: Path) -> None:
    image = written(
        tmp_path / "a.tif", noise(20, 30), imagej=True, resolution=(300, 300), metadata={"unit": "inch"}
    )
    assert image.scale == {}
    assert any("300 pixels per inch is not believed" in note for note in image.notes)


def test_imagej_in_pixels_is_unknown(tmp_path: Path) -> None:
    image = written(
        tmp_path / "a.tif",
        noise(5, 20, 30),
        imagej=True,
        resolution=(1, 1),
        metadata={"unit": "pixel", "spacing": 1},
    )
    assert image.scale == {}


def test_tifffile_metadata(tmp_path: Path) -> None:
    image = written(
        tmp_path / "a.tif",
        noise(5, 20, 30),
        resolution=(4, 4),
        resolutionunit="none",
        metadata={"axes": "ZYX", "unit": "um", "spacing": 1.5},
    )
    assert image.scale == {"x": 0.25, "y": 0.25, "z": 1.5}


def lsm(array: Any, channels: int, scan: int, shape: tuple[int, int, int]) -> bytes:
    """Return an LSM file of planes, each with its thumbnail: a stack (scan 0), a z-scan (1), a time series (3)."""
    z, y, x = shape
    times = len(array) if scan == 3 else 1
    sizes = struct.pack("<Iiiiiiii", 67127628, 148, x, y, z, channels, times, 1)
    steps = struct.pack("<iidddddd", 0, 0, 1e-7, 1e-7, 5e-7, 0, 0, 0)
    info = sizes + steps + struct.pack("<HHIIIIId8I", scan, 0, 0, 0, 0, 0, 0, 2.0, *[0] * 8)
    pages: list[tuple[Any, dict[int, Tag]]] = []
    for plane in array:
        pages += [(plane, {254: long(0)}), (plane[::4, ::4], {254: long(1)})]
    pages[0][1][34412] = raw(info)
    return tiff_bytes(*pages[0], *pages[1:])


def test_lsm(tmp_path: Path) -> None:
    array = noise(3, 20, 30, dtype="u1")
    path = tmp_path / "a.lsm"
    path.write_bytes(lsm(array, 1, 0, (3, 20, 30)))
    assert [member.name for member in members(path)] == ["0", "reduced"]
    image = open_image(path)
    assert (image.file_format, image.axes) == ("LSM", "ZYX")
    assert image.scale == pytest.approx({"x": 0.1, "y": 0.1, "z": 0.5})
    assert_reads(image, array)
    assert_reads(open_image(path, "reduced"), array[:, ::4, ::4])


def test_lsm_over_time(tmp_path: Path) -> None:
    array = noise(3, 20, 30, dtype="u1")
    path = tmp_path / "a.lsm"
    path.write_bytes(lsm(array, 1, 3, (1, 20, 30)))
    image = open_image(path)
    assert (image.axes, image.scale["t"], image.units["t"]) == ("TYX", 2, "second")
    assert_reads(image, array)


def test_lsm_scanned_along_z_is_an_image(tmp_path: Path) -> None:
    array = noise(1, 20, 30, dtype="u1")
    path = tmp_path / "a.lsm"
    path.write_bytes(lsm(array, 1, 1, (20, 1, 30)))
    image = open_image(path)
    assert image.axes == "YX"
    assert any("it was scanned along Z and X; Z is read as Y" in note for note in image.notes)
    assert_reads(image, array[0])


def test_stk(tmp_path: Path) -> None:
    array = noise(3, 20, 30)
    rational = struct.pack("<II", 65, 100)
    name = b"um\0"
    at = 8 + array.nbytes
    private = rational + struct.pack("<I", len(name)) + name
    planes = b"".join(struct.pack("<6I", 2 * index, 1, 2450000, index, 2450000, index) for index in range(3))
    uic1 = struct.pack("<8I", 3, 1, 4, at, 5, at, 6, at + 8)
    tags = {
        65000: raw(private.ljust(16, b"\0")),
        33628: Tag(4, 4, uic1),
        33629: Tag(5, 3, planes),
        279: long(20 * 30 * 2),
    }
    data = tiff_bytes(array, tags)
    place = data.index(
        private
    )  # the values lie in the order of their tags, so the pointers must be set after
    data = data.replace(uic1, struct.pack("<8I", 3, 1, 4, place, 5, place, 6, place + 8))
    path = tmp_path / "a.stk"
    path.write_bytes(data)
    image = open_image(path)
    assert (image.file_format, image.shape) == ("STK", (3, 20, 30))
    assert image.scale == pytest.approx({"x": 0.65, "y": 0.65})
    assert_reads(image, array)


def test_scanimage(tmp_path: Path) -> None:
    array = noise(4, 20, 30, dtype="i2")
    image = written(
        tmp_path / "a.tif",
        array,
        metadata=None,
        software="SI.LINE_FORMAT_VERSION = 1\nSI.hChannels.channelSave = [1;2]\nSI.hStackManager.framesPerSlice = 2",
        photometric="minisblack",
    )
    assert image.file_format == "ScanImage TIFF"
    assert image.size("C") * image.size("T") * image.size("Z") == 4
    assert_reads(image, array.reshape(image.shape))


def test_micromanager_frame(tmp_path: Path) -> None:
    image = written(
        tmp_path / "a.tif",
        noise(20, 30),
        metadata=None,
        extratags=[(51123, 2, 0, '{"PixelSizeUm": 0.65}', True)],
    )
    assert image.scale == {"x": 0.65, "y": 0.65}


def test_electron_microscopes(tmp_path: Path) -> None:
    fei = written(
        tmp_path / "a.tif",
        noise(20, 30),
        metadata=None,
        extratags=[(34682, 2, 0, "[Scan]\r\nPixelWidth=2e-09\r\nPixelHeight=2e-09\r\n", True)],
    )
    assert fei.scale == pytest.approx({"x": 0.002, "y": 0.002})
    sem = written(
        tmp_path / "b.tif",
        noise(20, 30),
        metadata=None,
        extratags=[(34118, 2, 0, "\r\n0\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 5.0 nm\r\n", True)],
    )
    assert (sem.scale, sem.units) == ({"x": 5, "y": 5}, {"x": "nanometer", "y": "nanometer"})
