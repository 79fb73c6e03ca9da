import bz2
import gzip
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from images.region_checks import assert_reads
from micrographia.errors import ImageError
from micrographia.images import cache, open_image, raw
from micrographia.images.raw import MappedPixels, StreamPixels
from micrographia.images.readers.nrrd import key_values


def noise(*shape: int, dtype: str = "u2") -> Any:
    return np.random.default_rng(len(shape)).integers(0, 200, shape).astype(dtype)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nrrd")


@given(
    array=st.sampled_from(["u1", "i1", "u2", ">i2", "u4", "i8", "f4", ">f8"]).flatmap(
        lambda dtype: hnp.arrays(
            np.dtype(dtype), hnp.array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=7)
        )
    ),
    encoding=st.sampled_from(["raw", "gzip", "bzip2"]),
)
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read(folder: Path, array: Any, encoding: str) -> None:
    header = {"encoding": encoding, "kinds": ["space", "space", "space", "time"][: array.ndim]}
    nrrd.write(str(folder / "a.nrrd"), array.T, header)
    with open_image(folder / "a.nrrd") as image:
        assert image.axes == "TZYX"[-array.ndim :]
        assert image.compression == encoding.replace("raw", "")
        assert isinstance(image._pixels, MappedPixels if encoding == "raw" else StreamPixels)
        assert_reads(image, array, count=3)


def test_space_directions_are_the_voxel_size(tmp_path: Path) -> None:
    directions = np.array([[0.2, 0, 0], [0, -0.25, 0], [0, 0, 0.5]])
    header = {"space directions": directions, "space dimension": 3, "space units": ["um"] * 3}
    nrrd.write(str(tmp_path / "a.nrrd"), noise(5, 20, 30).T, header)
    image = open_image(tmp_path / "a.nrrd")
    assert image.scale == {"x": 0.2, "y": 0.25, "z": 0.5}
    assert image.units == dict.fromkeys("xyz", "micrometer")
    assert image.notes == ()


def test_spacings_and_time(tmp_path: Path) -> None:
    header = {"spacings": [0.2, 0.25, 3], "units": ["um", "um", "s"], "kinds": ["domain", "domain", "time"]}
    nrrd.write(str(tmp_path / "a.nrrd"), noise(5, 20, 30).T, header)
    image = open_image(tmp_path / "a.nrrd")
    assert image.axes == "TYX"
    assert (image.scale, image.units["t"]) == ({"x": 0.2, "y": 0.25, "t": 3}, "second")


def test_unknown_units_are_not_invented(tmp_path: Path) -> None:
    nrrd.write(str(tmp_path / "a.nrrd"), noise(20, 30).T, {"spacings": [0.2, 0.2]})
    image = open_image(tmp_path / "a.nrrd")
    assert (image.scale, image.units) == ({"x": 0.2, "y": 0.2}, {})
    assert image.notes == ("it does not say in which unit its voxel size is",)
    nrrd.write(str(tmp_path / "b.nrrd"), noise(20, 30).T, {"spacings": [1, 1]})
    assert open_image(tmp_path / "b.nrrd").scale == {}


def test_oblique_axes_are_told(tmp_path: Path) -> None:
    header = {"space directions": np.array([[0.3, 0.4, 0], [-0.4, 0.3, 0], [0, 0, 1]]), "space dimension": 3}
    nrrd.write(str(tmp_path / "a.nrrd"), noise(5, 20, 30).T, header | {"space units": ["mm"] * 3})
    image = open_image(tmp_path / "a.nrrd")
    assert image.scale == pytest.approx({"x": 0.5, "y": 0.5, "z": 1})
    assert image.notes == ("its axes are oblique to its space; they are read as stored",)


def test_layers_of_a_slicer_segmentation(tmp_path: Path) -> None:
    array = noise(5, 20, 30, 2, dtype="u1")  # Z Y X layer, as stored
    header: dict[str, Any] = {
        "kinds": ["list", "domain", "domain", "domain"],
        "space": "left-posterior-superior",
        "space directions": np.array([[np.nan] * 3, [1, 0, 0], [0, 1, 0], [0, 0, 2]]),
        "Segment0_Name": "nucleus",
        "Segment0_Layer": "0",
        "Segment1_Name": "cell",
        "Segment1_Layer": "1",
        "Segment2_Name": "vein",
        "Segment2_Layer": "0",
    }
    nrrd.write(str(tmp_path / "a.seg.nrrd"), array.T, header)
    image = open_image(tmp_path / "a.seg.nrrd")
    assert image.axes == "CZYX"
    assert image.scale == {"z": 2, "y": 1, "x": 1}
    assert [channel.name for channel in image.channels] == ["nucleus, vein", "cell"]
    assert not image.rgb
    assert_reads(image, np.moveaxis(array, -1, 0))


def test_colours(tmp_path: Path) -> None:
    array = noise(20, 30, 3, dtype="u1")
    nrrd.write(str(tmp_path / "a.nrrd"), array.T, {"kinds": ["RGB-color", "domain", "domain"]})
    image = open_image(tmp_path / "a.nrrd")
    assert image.rgb
    assert_reads(image, np.moveaxis(array, -1, 0))


def test_a_detached_header_and_its_data(tmp_path: Path) -> None:
    array = noise(5, 20, 30)
    nrrd.write(str(tmp_path / "a.nhdr"), array.T, {"encoding": "gzip"}, detached_header=True)
    image = open_image(tmp_path / "a.nhdr")
    assert [file.name for file in image.files] == ["a.nhdr", "a.raw.gz"]
    assert_reads(image, array)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("data file: ../secret.raw", "outside its folder, which is not read"),
        ("data file: /etc/passwd", "outside its folder, which is not read"),
        ("data file: missing.raw", "which is not there"),
        ("data file: LIST", "several files"),
        ("data file: slice%03d.raw 1 5 1", "several files"),
        ("encoding: ascii", "encoded as 'ascii'"),
        ("encoding: hex", "encoded as 'hex'"),
        ("type: block", "values of type 'block'"),
        ("sizes: 30 0", r"claims sizes \(30, 0\)"),
        ("sizes: 30 20 2", r"claims sizes \(30, 20, 2\)"),
        ("line skip: 4", "skip 4 lines"),
        ("kinds: domain list", "no image"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, line: str, told: str) -> None:
    known = {"type": "uint16", "dimension": "2", "sizes": "30 20", "encoding": "raw", "endian": "little"}
    name, _, value = line.partition(": ")
    text = "NRRD0004\n" + "".join(f"{key}: {said}\n" for key, said in (known | {name: value}).items())
    (tmp_path / "a.nrrd").write_bytes(text.encode() + b"\n" + noise(20, 30).tobytes())
    with pytest.raises(ImageError, match=told):
        open_image(tmp_path / "a.nrrd")


def test_a_byte_skip_counts_from_the_end(tmp_path: Path) -> None:
    text = b"NRRD0004\ntype: uint16\ndimension: 2\nsizes: 30 20\nencoding: raw\nendian: little\nbyte skip: -1\n\n"
    (tmp_path / "a.nrrd").write_bytes(text + b"something else" + noise(20, 30).tobytes())
    assert_reads(open_image(tmp_path / "a.nrrd"), noise(20, 30))


@pytest.mark.parametrize("codec", [gzip, bz2], ids=["gzip", "bzip2"])
def test_a_stream_is_read_in_any_order(tmp_path: Path, codec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "SLAB", 1 << 14)
    monkeypatch.setattr(cache, "CAPACITY", 1 << 15)  # two slabs of twelve, so going back decodes again
    array = noise(24, 64, 64, dtype="<u2")
    (tmp_path / "a.nrrd").write_bytes(
        stream_head(array.shape, codec.__name__) + codec.compress(array.tobytes())
    )
    with open_image(tmp_path / "a.nrrd") as image:
        for z in (0, 15, 22, 7, 0, 21):
            region = (slice(z, z + 2), slice(10, 60), slice(5, 9))
            np.testing.assert_array_equal(image.read(region), array[region])


def test_memory_does_not_grow_with_a_stream(tmp_path: Path) -> None:
    shape = (400, 512, 512)
    packer = zlib.compressobj(1, wbits=31)
    plane = bytes(512 * 512 * 2)
    with (tmp_path / "a.nrrd").open("wb") as file:
        file.write(stream_head(shape, "gzip"))
        for _ in range(shape[0]):
            file.write(packer.compress(plane))
        file.write(packer.flush())
    with open_image(tmp_path / "a.nrrd") as image:
        tracemalloc.start()
        for z in (10, 390, 100):
            assert not image.read((slice(z, z + 1), slice(0, 10))).any()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert image.nbytes == 200 << 20
    assert peak < 70 << 20


def stream_head(shape: tuple[int, ...], encoding: str) -> bytes:
    sizes = " ".join(map(str, shape[::-1]))
    encoding = {"bz2": "bzip2"}.get(encoding, encoding)
    return f"NRRD0004\ntype: uint16\ndimension: 3\nsizes: {sizes}\nencoding: {encoding}\nendian: little\n\n".encode()


def test_a_stream_that_ends_early_is_told_each_time(tmp_path: Path) -> None:
    nrrd.write(str(tmp_path / "a.nrrd"), noise(50, 100, 100).T, {"encoding": "gzip"})
    data = (tmp_path / "a.nrrd").read_bytes()
    (tmp_path / "a.nrrd").write_bytes(data[: len(data) // 2])
    with open_image(tmp_path / "a.nrrd") as image:
        for _ in range(2):
            with pytest.raises(
                ImageError, match=r"a\.nrrd: its pixels cannot be read: Compressed file ended"
            ):
                image.read()


def test_a_layer_of_a_slicer_segmentation_is_a_label_image(tmp_path: Path) -> None:
    array = noise(5, 20, 30, 2, dtype="u1")  # Z Y X layer, as stored
    header: dict[str, Any] = {"kinds": ["list", "domain", "domain", "domain"]}
    nrrd.write(str(tmp_path / "a.seg.nrrd"), array.T, header)
    image = open_image(tmp_path / "a.seg.nrrd", "layer 2")
    assert (image.axes, image.member) == ("ZYX", "layer 2")
    assert_reads(image, array[..., 1])
    with pytest.raises(ImageError, match="no member 'layer 3'"):
        open_image(tmp_path / "a.seg.nrrd", "layer 3")


@pytest.mark.parametrize("depth", [1, 2])
def test_the_margin_that_slicer_left_out_is_background(tmp_path: Path, depth: int) -> None:
    whole = np.zeros((5, 20, 30), np.uint8)
    whole[2 : 2 + depth, 4:9, 6:16] = noise(depth, 5, 10, dtype="u1")
    matrix = "1;0;0;0;0;1;0;0;0;0;1;0;0;0;0;1;0;29;0;19;0;4;"
    header = {
        "kinds": ["domain"] * 3,
        "Segmentation_ReferenceImageExtentOffset": "6 4 2",
        "Segmentation_ConversionParameters": f"Oversampling factor|1|x&Reference image geometry|{matrix}|y&",
    }
    nrrd.write(str(tmp_path / "a.seg.nrrd"), whole[2 : 2 + depth, 4:9, 6:16].T, header)
    image = open_image(tmp_path / "a.seg.nrrd")
    assert image.shape == (5, 20, 30)
    assert_reads(image, whole)


def test_names_are_utf8_and_unescaped(tmp_path: Path) -> None:
    head = "NRRD0004\ntype: uint8\ndimension: 4\nsizes: 2 3 4 5\nkinds: list domain domain domain\nencoding: raw\n"
    named = "Segment0_Name:=größe\\\\1\\nx \nSegment0_Layer:=0\n"
    (tmp_path / "a.seg.nrrd").write_bytes((head + named + "\n").encode() + bytes(120))
    image = open_image(tmp_path / "a.seg.nrrd")
    assert [channel.name for channel in image.channels] == ["größe\\1\nx", ""]
    assert key_values(tmp_path / "a.seg.nrrd")[1]["Segment0_Name"] == "größe\\1\nx "


def test_a_volume_of_one_plane_is_a_picture(tmp_path: Path) -> None:
    array = noise(1, 20, 30)
    nrrd.write(str(tmp_path / "a.nrrd"), array.T, {"kinds": ["domain"] * 3})
    assert_reads(open_image(tmp_path / "a.nrrd"), array[0])
