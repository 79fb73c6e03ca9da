import logging
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from images.region_checks import assert_reads
from micrographia.errors import ImageError
from micrographia.images import Image, members, open_image
from micrographia.images.cache import CAPACITY
from micrographia.images.raw import MappedPixels
from micrographia.images.readers.tiff_pixels import MappedPages, SegmentPixels

DTYPES = ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8", ">u2", ">f4", "bool"]


def noise(*shape: int, dtype: str = "u2") -> Any:
    return np.random.default_rng(len(shape)).integers(0, 200, shape).astype(dtype)


def pixels_of(image: Image) -> Any:
    return image._pixels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiff")


@given(
    array=st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(
            np.dtype(dtype), hnp.array_shapes(min_dims=2, max_dims=5, min_side=2, max_side=9)
        )
    ),
    options=st.sampled_from(
        [
            {},
            {"bigtiff": True},
            {"compression": "zlib"},
            {"compression": "lzw", "rowsperstrip": 2},
            {"tile": (16, 16)},
            {"tile": (16, 16), "compression": "zstd", "bigtiff": True},
            {"rowsperstrip": 3, "contiguous": False},
        ]
    ),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=80)
def test_what_is_written_is_read(folder: Path, array: Any, options: dict[str, Any], seed: int) -> None:
    axes = "TCZYX"[-array.ndim :]
    path = folder / "a.tif"
    order = ">" if array.dtype.byteorder == ">" else "<"
    if array.dtype.kind == "b" and "compression" in options:
        options = {}
    tifffile.imwrite(
        path, array, byteorder=order, photometric="minisblack", metadata={"axes": axes}, **options
    )
    with open_image(path) as image:
        assert image.axes == axes
        assert_reads(image, array, seed=seed, count=3)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, MappedPixels),
        ({"rowsperstrip": 7}, MappedPixels),
        ({"compression": "zlib", "rowsperstrip": 7, "predictor": True}, SegmentPixels),
        ({"tile": (32, 16)}, SegmentPixels),
        ({"tile": (32, 16), "compression": "lzw"}, SegmentPixels),
    ],
    ids=str,
)
def test_contiguous_pixels_are_mapped_and_others_decoded(
    tmp_path: Path, options: dict[str, Any], kind: type
) -> None:
    array = noise(3, 70, 90)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", metadata={"axes": "ZYX"}, **options)
    image = open_image(tmp_path / "a.tif")
    assert type(pixels_of(image)) is kind
    assert_reads(image, array)


def test_pages_that_lie_apart_are_mapped_too(tmp_path: Path) -> None:
    array = noise(4, 40, 50)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in array:
            file.write(page, contiguous=False, metadata=None, description="a page")
    image = open_image(tmp_path / "a.tif")
    assert type(pixels_of(image)) is MappedPages
    assert image.axes == "ZYX"
    assert image.notes == ("the file does not say what its pages are; they are read as Z",)
    assert_reads(image, array)


def test_a_small_region_decodes_only_its_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = noise(2, 256, 256)
    tifffile.imwrite(tmp_path / "a.tif", array, tile=(32, 32), compression="zlib", metadata={"axes": "ZYX"})
    decoded = []
    original = SegmentPixels._segment

    def counted(self: SegmentPixels, tif: Any, page: Any, flat: int) -> Any:
        decoded.append((page.index, flat))
        return original(self, tif, page, flat)

    monkeypatch.setattr(SegmentPixels, "_segment", counted)
    image = open_image(tmp_path / "a.tif")
    region = (slice(1, 2), slice(30, 34), slice(64, 96))
    np.testing.assert_array_equal(image.read(region), array[region])
    assert decoded == [(1, 2), (1, 10)]
    image.read(region)
    assert len(decoded) == 2  # kept
    image.close()
    image.read(region)
    assert len(decoded) == 4  # closing lets go
    image.close()


@pytest.mark.parametrize(
    ("shape", "options", "axes", "rgb"),
    [
        ((40, 50, 3), {"photometric": "rgb"}, "YXS", True),
        ((3, 40, 50), {"photometric": "rgb", "planarconfig": "separate"}, "SYX", True),
        ((3, 40, 50), {"photometric": "rgb", "planarconfig": "separate", "tile": (16, 16)}, "SYX", True),
        ((2, 40, 50, 3), {"photometric": "rgb", "compression": "zlib", "tile": (16, 32)}, "ZYXS", True),
        ((40, 50, 5), {"photometric": "minisblack", "planarconfig": "contig"}, "YXS", False),
    ],
    ids=str,
)
def test_samples_become_channels(
    tmp_path: Path, shape: tuple[int, ...], options: dict[str, Any], axes: str, rgb: bool
) -> None:
    array = noise(*shape, dtype="u1")
    tifffile.imwrite(tmp_path / "a.tif", array, metadata={"axes": axes}, **options)
    image = open_image(tmp_path / "a.tif")
    assert image.rgb is rgb
    assert_reads(image, np.moveaxis(array, axes.index("S"), 0))


def test_transparency_is_left_out_and_told(tmp_path: Path) -> None:
    array = noise(40, 50, 4, dtype="u1")
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=["unassalpha"])
    image = open_image(tmp_path / "a.tif")
    assert image.rgb
    assert image.notes == ("its transparency (alpha) is left out",)
    assert_reads(image, np.moveaxis(array[..., :3], -1, 0))


def test_channels_of_colours_are_merged(tmp_path: Path) -> None:
    array = noise(2, 40, 50, 3, dtype="u1")
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", metadata={"axes": "CYXS"})
    image = open_image(tmp_path / "a.tif")
    assert not image.rgb
    assert_reads(image, array.transpose(0, 3, 1, 2).reshape(6, 40, 50))


def test_jpeg_in_tiff(tmp_path: Path) -> None:
    array = np.full((64, 96, 3), 100, np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", compression="jpeg", tile=(32, 32))
    image = open_image(tmp_path / "a.tif")
    assert image.rgb
    assert image.compression == "jpeg"
    assert_reads(image, np.moveaxis(tifffile.imread(tmp_path / "a.tif"), -1, 0))


def test_series_are_members(tmp_path: Path) -> None:
    one, two = noise(40, 50), noise(3, 20, 30, dtype="f4")
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(one)
        file.write(two, photometric="minisblack", compression="zlib", metadata={"axes": "TYX"})
    found = members(tmp_path / "a.tif")
    assert [(m.name, m.axes, m.shape, m.dtype) for m in found] == [
        ("0", "YX", (40, 50), "uint16"),
        ("1", "TYX", (3, 20, 30), "float32"),
    ]
    assert_reads(open_image(tmp_path / "a.tif", "0"), one)
    assert_reads(open_image(tmp_path / "a.tif", "1"), two)
    with pytest.raises(ImageError, match=r"holds 2 images\. Name one of its members: '0', '1'"):
        open_image(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="no member '2'"):
        open_image(tmp_path / "a.tif", "2")


def test_level_0_of_a_pyramid_is_the_image(tmp_path: Path) -> None:
    array = noise(128, 128)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        file.write(array, subifds=2, tile=(32, 32), metadata={"axes": "YX"})
        file.write(array[::2, ::2], subfiletype=1, tile=(32, 32))
        file.write(array[::4, ::4], subfiletype=1, tile=(32, 32))
    assert [member.name for member in members(tmp_path / "a.ome.tif")] == [""]
    assert_reads(open_image(tmp_path / "a.ome.tif"), array)


def test_a_slide_opens_as_its_baseline(tmp_path: Path) -> None:
    array = noise(128, 160, 3, dtype="u1")
    about = "Aperio Image Library v12.0.15\r\n160x128 (64x64) |AppMag = 20|MPP = 0.4990"
    with tifffile.TiffWriter(tmp_path / "a.svs") as file:
        options: dict[str, Any] = {"photometric": "rgb", "metadata": None, "description": about}
        file.write(array, tile=(64, 64), **options)
        file.write(array[::4, ::4], **options)
        file.write(array[:16, :16], subfiletype=1, **options)
    found = members(tmp_path / "a.svs")
    assert [member.name for member in found] == ["Baseline", "Thumbnail", "Label"]
    image = open_image(tmp_path / "a.svs")
    assert image.file_format == "SVS"
    assert (image.scale, image.units) == ({"x": 0.499, "y": 0.499}, {"x": "micrometer", "y": "micrometer"})
    assert_reads(image, np.moveaxis(array, -1, 0))
    assert_reads(open_image(tmp_path / "a.svs", "Thumbnail"), np.moveaxis(array[::4, ::4], -1, 0))


def test_positions_are_members(tmp_path: Path) -> None:
    array = noise(2, 3, 40, 50)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", metadata={"axes": "PZYX"})
    assert [member.name for member in members(tmp_path / "a.tif")] == ["P=0", "P=1"]
    assert_reads(open_image(tmp_path / "a.tif", "P=1"), array[1])


def test_a_table_of_colours_leaves_the_numbers(tmp_path: Path) -> None:
    array = noise(40, 50, dtype="u1")
    tifffile.imwrite(
        tmp_path / "a.tif", array, photometric="palette", colormap=noise(3, 256, dtype="u2"), metadata=None
    )
    image = open_image(tmp_path / "a.tif")
    assert_reads(image, array)
    assert "colour table" in image.notes[0]


def test_bits_of_a_mask_are_0_and_1(tmp_path: Path) -> None:
    mask = noise(40, 50) > 100
    tifffile.imwrite(tmp_path / "a.tif", mask)
    image = open_image(tmp_path / "a.tif")
    assert (image.dtype, image.bits, image.notes) == (np.uint8, 1, ())
    assert_reads(image, mask)


def test_tiles_that_are_not_stored_are_empty(tmp_path: Path) -> None:
    array = np.zeros((64, 64), np.uint16)
    array[:32] = noise(32, 64)
    tiles = (array[y : y + 32, x : x + 32] if y == 0 else None for y in (0, 32) for x in (0, 32))
    tifffile.imwrite(tmp_path / "a.tif", tiles, shape=(64, 64), dtype="u2", tile=(32, 32), compression="zlib")
    image = open_image(tmp_path / "a.tif")
    assert "some of its tiles are not stored; they are read as empty" in image.notes
    assert_reads(image, array)


def test_files_of_one_ome_set_are_one_image(tmp_path: Path) -> None:
    array = noise(2, 30, 40)
    uuid = [f"urn:uuid:00000000-0000-0000-0000-00000000000{index}" for index in (1, 2)]
    for index, name in enumerate(("a.ome.tif", "b.ome.tif")):
        tifffile.imwrite(
            tmp_path / name,
            array[index],
            metadata=None,
            description=ome_set(["a.ome.tif", "b.ome.tif"], uuid),
        )
    image = open_image(tmp_path / "b.ome.tif")
    assert image.axes == "CYX"
    assert image.files == (tmp_path / "a.ome.tif", tmp_path / "b.ome.tif")
    assert_reads(image, array)
    (tmp_path / "a.ome.tif").unlink()
    partial = open_image(tmp_path / "b.ome.tif")
    assert "1 of its 2 planes are in none of its files" in partial.notes
    with partial, pytest.raises(ImageError, match="plane 0 of 2 is in none of its files"):
        partial.read()


def test_files_outside_the_folder_are_not_followed(tmp_path: Path) -> None:
    array = noise(2, 30, 40)
    inner = tmp_path / "inner"
    inner.mkdir()
    uuid = [f"urn:uuid:00000000-0000-0000-0000-00000000000{index}" for index in (1, 2)]
    xml = ome_set(["a.ome.tif", "../b.ome.tif"], uuid)
    tifffile.imwrite(inner / "a.ome.tif", array[0], metadata=None, description=xml)
    tifffile.imwrite(tmp_path / "b.ome.tif", array[1], metadata=None, description=xml)
    image = open_image(inner / "a.ome.tif")
    assert "it names files outside its folder, which are not read: ../b.ome.tif" in image.notes
    assert image.files == (inner / "a.ome.tif",)
    assert_reads(image, array[0])


def ome_set(names: list[str], uuids: list[str]) -> str:
    data = "".join(
        f'<TiffData FirstC="{index}" IFD="0" PlaneCount="1"><UUID FileName="{name}">{uuid}</UUID></TiffData>'
        for index, (name, uuid) in enumerate(zip(names, uuids, strict=True))
    )
    return (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="40" SizeY="30" '
        f'SizeZ="1" SizeC="{len(names)}" SizeT="1">{data}</Pixels></Image></OME>'
    )


def test_what_the_library_logs_is_a_note_and_not_on_the_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    broken = "<?xml version='1.0'?><OME><broken</OME>"
    tifffile.imwrite(tmp_path / "a.ome.tif", noise(40, 50), metadata=None, description=broken)
    image = open_image(tmp_path / "a.ome.tif")
    assert any("OME-XML cannot be read" in note for note in image.notes)
    assert any("OME series raised" in note for note in image.notes)
    assert (caplog.text, *capfd.readouterr()) == ("", "", "")
    logging.getLogger("tifffile").warning("said by others")
    assert "said by others" in caplog.text


def test_threads_read_the_same_pixels(tmp_path: Path) -> None:
    array = noise(8, 128, 128)
    tifffile.imwrite(tmp_path / "a.tif", array, tile=(32, 32), compression="zlib", metadata={"axes": "ZYX"})
    wrong: list[int] = []
    with open_image(tmp_path / "a.tif") as image:

        def work(number: int) -> None:
            dice = np.random.default_rng(number)
            for _ in range(20):
                z, y, x = dice.integers(0, (8, 100, 100))
                region = (slice(z, z + 1), slice(y, y + 28), slice(x, x + 28))
                if not np.array_equal(image.read(region), array[region]):
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


@pytest.mark.parametrize("options", [{}, {"tile": (32, 32), "compression": "zlib"}], ids=str)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_reads_the_same_pixels(tmp_path: Path, options: dict[str, Any]) -> None:
    array = noise(4, 128, 128)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", metadata={"axes": "ZYX"}, **options)
    with open_image(tmp_path / "a.tif") as image:
        image.read((slice(0, 1), slice(0, 5)))
        child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(image.read(), array) else 1)
        np.testing.assert_array_equal(image.read(), array)
        assert os.waitpid(child, 0)[1] == 0


def test_memory_does_not_grow_with_the_blocks_that_were_read(tmp_path: Path) -> None:
    from micrographia.images import cache

    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((40, 1024, 1024), np.uint16), compression="zlib", rowsperstrip=1024
    )
    with open_image(tmp_path / "a.tif") as image:
        for z in range(40):
            image.read((slice(z, z + 1), slice(0, 10)))
    assert 0 < cache._BLOCKS.nbytes <= CAPACITY
