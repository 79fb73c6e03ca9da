import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from images.region_checks import assert_reads
from micrographia.images import Member, members, open_image, stack_channels

pytestmark = pytest.mark.real_data


def test_dsb2018(data: Path) -> None:
    folder = data / "dsb2018"
    images = sorted((folder / "images").glob("*.png"))
    labels = sorted((folder / "labels").glob("*.png"))
    assert [path.name for path in images] == [path.name for path in labels]
    found = [members(path) for path in images]
    assert [len(own) for own in found] == [1] * 254
    assert sum(own[0].axes == "CYX" for own in found) == 70
    objects = 0
    for path, label, own in zip(images, labels, found, strict=True):
        mask = open_image(label)
        assert (mask.axes, mask.dtype) == ("YX", np.uint16)
        assert mask.shape == own[0].shape[-2:]
        objects += len(np.unique(mask.read())) - 1
        assert open_image(path).rgb == (own[0].axes == "CYX")
    assert objects == 11_655


def test_dsb2018_as_published(data: Path) -> None:
    for path in sorted((data / "dsb2018" / "original_layout").glob("*/images/*.png")):
        image = open_image(path)
        assert image.rgb
        with Picture.open(path) as picture:
            stored = np.asarray(picture)
        assert_reads(image, np.moveaxis(stored[..., :3], -1, 0))
        assert (open_image(path, "alpha").read() == 255).all()
    for path in (data / "dsb2018" / "original_layout").glob("*/masks/*.png"):
        assert set(np.unique(open_image(path).read())) == {0, 255}


def test_stardist(data: Path) -> None:
    folder = data / "stardist_test_images"
    shapes = {"img2d": (512, 512), "mask2d": (512, 512), "img3d": (31, 61, 57), "mask3d": (31, 61, 57)}
    for name, shape in shapes.items():
        assert members(folder / f"{name}.tif") == [Member("", "ZYX"[-len(shape) :], shape, "uint16")]
        assert open_image(folder / f"{name}.tif").scale == {}
    assert len(np.unique(open_image(folder / "mask2d.tif").read())) == 126
    assert len(np.unique(open_image(folder / "mask3d.tif").read())) == 52
    assert members(folder / "histo.jpg") == [Member("", "CYX", (3, 300, 500), "uint8")]
    assert open_image(folder / "histo.jpg").rgb


def test_plantseg(data: Path) -> None:
    path = data / "plantseg_3d" / "sample_ovule.h5"
    assert members(path) == [
        Member("label", "ZYX", (32, 128, 128), "uint16"),
        Member("raw", "ZYX", (32, 128, 128), "uint8"),
    ]
    for name in ("label", "raw"):
        image = open_image(path, name)
        assert image.scale == {"z": 0.235, "y": 0.15, "x": 0.15}
        assert image.units == dict.fromkeys("zyx", "micrometer")
        assert (image.compression, image.notes) == ("gzip", ())
    nuclei = open_image(data / "plantseg_3d" / "1135_mini.h5", "raw")
    assert nuclei.shape == (100, 100, 100)
    assert nuclei.scale == pytest.approx({"z": 0.28371837, "y": 0.12678642, "x": 0.12678642}, rel=1e-7)


def test_nf1_channels_make_one_image(data: Path) -> None:
    folder = data / "nf1_cellpainting" / "Plate_2_images"
    names = [("DAPI", "D7_01_1_1_DAPI_001"), ("GFP", "D7_01_2_1_GFP_001"), ("RFP", "D7_01_3_1_RFP_001")]
    images = [open_image(folder / f"{stem}.tif") for _, stem in names]
    stack = stack_channels(images, [channel for channel, _ in names])
    assert (stack.axes, stack.shape, stack.dtype) == ("CYX", (3, 904, 1224), np.uint16)
    assert [channel.name for channel in stack.channels] == ["DAPI", "GFP", "RFP"]
    assert_reads(stack, np.stack([image.read() for image in images]))
    masks = sorted((data / "nf1_cellpainting" / "Plate_2_masks").glob("*.tiff"))
    assert len(masks) == 15
    for path in masks:
        assert members(path) == [Member("", "YX", (904, 1224), "uint8")]


def test_pancreas_pages_are_a_guess_that_is_told(data: Path) -> None:
    folder = data / "pancreas_imc_images"
    for name in ("E34", "G01", "J02"):
        image = open_image(folder / f"{name}_imc.tiff")
        assert (image.axes, image.shape, image.dtype) == ("ZYX", (5, 100, 100), np.float32)
        assert image.notes == ("the file does not say what its pages are; they are read as Z",)
        assert open_image(folder / f"{name}_mask.tiff").shape == (100, 100)


def test_headers_are_read_at_a_thousand_a_second(data: Path) -> None:
    paths = [*(data / "dsb2018").glob("*/*.png"), *(data / "nf1_cellpainting").glob("*/*.tif*")]
    assert len(paths) > 500
    start = time.process_time()
    for path in paths:
        members(path)
    assert time.process_time() - start < len(paths) / 1000
