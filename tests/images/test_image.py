import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.region_checks import assert_reads
from micrographia.errors import ImageError
from micrographia.images import ArrayImage, Channel, Pixels, select, stack_channels
from micrographia.images.image import canonical, plane_rows


def ramp(*shape: int, dtype: str = "uint16") -> Any:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def test_an_image_says_what_it_is() -> None:
    image = ArrayImage(
        ramp(2, 3, 4, 5),
        "CZYX",
        scale={"z": 2, "y": 0.5, "x": 0.5},
        units={"z": "micrometer"},
        channels=[Channel("DAPI", "0000FF"), Channel("GFP")],
        path=Path("a.tif"),
        member="scene",
    )
    assert (image.size("C"), image.size("T"), image.ndim, image.nbytes) == (2, 1, 4, 240)
    assert image.files == (Path("a.tif"),)
    assert repr(image) == "<Image a.tif:scene C2 Z3 Y4 X5 uint16>"
    assert isinstance(image._pixels, Pixels)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"axes": "YXC"}, "axes"),
        ({"axes": "CY"}, "axes"),
        ({"axes": "ZCYX"}, "axes"),
        ({"axes": "YX"}, "shape"),
        ({"array": ramp(0, 4, 5)}, "shape"),
        ({"array": ramp(3, 4, 5).astype(complex)}, "type"),
        ({"array": ramp(3, 4, 5).astype(">u2")}, "type"),
        ({"array": ramp(3, 4, 5) > 2}, "type"),
        ({"scale": {"y": 0}}, "scale"),
        ({"scale": {"c": 1}}, "scale"),
        ({"scale": {"y": float("inf")}}, "scale"),
        ({"scale": {"X": 1.0}}, "scale"),
        ({"units": {"y": "micrometer"}}, "units"),
        ({"channels": [Channel("a")]}, "channel"),
        ({"array": ramp(2, 4, 5), "rgb": True}, "colour"),
        ({"block_shape": (1, 2)}, "block"),
    ],
)
def test_contradictions_are_refused(wrong: dict[str, Any], told: str) -> None:
    values: dict[str, Any] = {"array": ramp(3, 4, 5), "axes": "CYX"} | wrong
    with pytest.raises(ValueError, match=told):
        ArrayImage(values.pop("array"), values.pop("axes"), **values)


def test_a_colour_picture_names_its_channels() -> None:
    image = ArrayImage(ramp(3, 4, 5, dtype="uint8"), "CYX", rgb=True)
    assert [channel.color for channel in image.channels] == ["FF0000", "00FF00", "0000FF"]


def test_regions_are_slices() -> None:
    image = ArrayImage(ramp(3, 4, 5), "ZYX")
    assert_reads(image, ramp(3, 4, 5), count=20)
    assert image.read((slice(1, 2),)).shape == (1, 4, 5)
    with pytest.raises(TypeError, match="slices"):
        image.read((1, slice(None)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="step"):
        image.read((slice(None, None, -1),))
    with pytest.raises(ValueError, match="4 axes for an image of 3"):
        image.read((slice(None),) * 4)


def test_blocks_tile_in_canonical_order() -> None:
    image = ArrayImage(ramp(2, 5, 7), "ZYX", block_shape=(1, 4, 4))
    regions = list(image.blocks())
    assert regions[:3] == [
        (slice(0, 1), slice(0, 4), slice(0, 4)),
        (slice(0, 1), slice(0, 4), slice(4, 7)),
        (slice(0, 1), slice(4, 5), slice(0, 4)),
    ]
    assert len(regions) == 8
    assert len(list(image.blocks((2, 5, 7)))) == 1
    with pytest.raises(ValueError, match="block shape"):
        list(image.blocks((0, 1, 1)))


def test_default_blocks_are_rows_of_a_plane() -> None:
    assert plane_rows("ZYX", (9, 3000, 2000), 2, target=1 << 20) == (1, 262, 2000)
    assert plane_rows("YX", (10, 20), 1) == (10, 20)
    assert plane_rows("YX", (10, 20), 8, target=1) == (1, 20)


def test_canonical_order() -> None:
    assert canonical("XYCZ") == "CZYX"


@given(counts=st.lists(st.integers(1, 3), min_size=1, max_size=4), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_stacked_channels_are_concatenated(counts: list[int], seed: int) -> None:
    arrays = [ramp(count, 2, 4, 5) + 100 * index for index, count in enumerate(counts)]
    images = [
        ArrayImage(array, "CZYX") if len(array) > 1 else ArrayImage(array[0], "ZYX") for array in arrays
    ]
    stack = stack_channels(images, [f"n{index}" for index in range(len(counts))])
    assert stack.axes == "CZYX"
    assert_reads(stack, np.concatenate(arrays), seed=seed)


def test_stacked_channels_are_named_and_come_from_all_files() -> None:
    one = ArrayImage(ramp(4, 5), "YX", path=Path("a.tif"), channels=[Channel("own", "FF0000")])
    two = ArrayImage(ramp(2, 4, 5), "CYX", path=Path("b.tif"), channels=[Channel("x"), Channel()])
    stack = stack_channels([one, two], ["DAPI", "other"])
    assert [channel.name for channel in stack.channels] == ["DAPI", "other x", "other 1"]
    assert stack.channels[0].color == "FF0000"
    assert stack.files == (Path("a.tif"), Path("b.tif"))
    assert stack.path == Path("a.tif")


def test_stacked_channels_keep_only_what_they_agree_on() -> None:
    one = ArrayImage(ramp(4, 5, dtype="uint8"), "YX", scale={"y": 1, "x": 2}, units={"x": "micrometer"})
    two = ArrayImage(ramp(4, 5), "YX", scale={"y": 3, "x": 2}, units={"x": "micrometer"})
    stack = stack_channels([one, two], ["a", "b"])
    assert (stack.scale, stack.units) == ({"x": 2}, {"x": "micrometer"})
    assert stack.dtype == np.uint16
    assert [note for note in stack.notes if "disagree about the step along y: 1, 3" in note]
    assert [note for note in stack.notes if "read as uint16" in note]


def test_channels_that_do_not_fit_are_refused() -> None:
    one = ArrayImage(ramp(4, 5), "YX", path=Path("a.tif"))
    with pytest.raises(ImageError, match=r"b\.tif: its size is YX \(4, 6\)"):
        stack_channels([one, ArrayImage(ramp(4, 6), "YX", path=Path("b.tif"))], ["a", "b"])
    with pytest.raises(ImageError, match="types float32, uint16"):
        stack_channels([one, ArrayImage(ramp(4, 5, dtype="float32"), "YX")], ["a", "b"])
    with pytest.raises(ValueError, match="1 names for 2 images"):
        stack_channels([one, one], ["a"])


def test_select_takes_a_part() -> None:
    array = ramp(2, 3, 6, 7)
    image = ArrayImage(array, "CZYX", channels=[Channel("a"), Channel("b")], scale={"z": 3, "y": 1})
    part = select(image, C=1, Y=slice(2, 5), X=slice(-4, None))
    assert (part.axes, part.scale, part.channels) == ("ZYX", {"z": 3, "y": 1}, (Channel("b"),))
    assert_reads(part, array[1, :, 2:5, -4:])
    flat = select(image, Z=-1)
    assert flat.scale == {"y": 1}
    assert_reads(flat, array[:, 2])


@pytest.mark.parametrize(
    "axes", [{"T": 0}, {"Z": 3}, {"Y": 1}, {"X": slice(2, 2)}, {"X": slice(0, 4, 2)}], ids=str
)
def test_select_refuses_what_is_no_part(axes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"axis|index|part"):
        select(ArrayImage(ramp(2, 3, 6, 7), "CZYX"), **axes)


def test_a_pickled_image_keeps_everything() -> None:
    image = ArrayImage(
        ramp(3, 4), "YX", scale={"y": 1}, units={"y": "micrometer"}, notes=["said"], path=Path("x")
    )
    copy = pickle.loads(pickle.dumps(image))
    assert {name: value for name, value in vars(copy).items() if name != "_pixels"} == {
        name: value for name, value in vars(image).items() if name != "_pixels"
    }
