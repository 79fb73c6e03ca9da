import numpy as np
import pytest

from micrographia.errors import ProfileError
from micrographia.images import ArrayImage, Channel
from micrographia.representation.encoders.inputs import (
    Mapping,
    choose_mapping,
    choose_scaling,
    header,
    limits,
)


def told(channels=1, *, rgb=False, names=(), dtype=np.uint8, name="a"):
    shape = (channels, 4, 5)
    channel = [Channel(text) for text in names]
    return header(name, ArrayImage(np.zeros(shape, dtype), "CYX", rgb=rgb, channels=channel))


@pytest.mark.parametrize(
    ("images", "inputs", "text", "names"),
    [
        ([told(1)], 3, "rgb", ("",)),
        ([told(1), told(3, rgb=True)], 3, "rgb", ("",)),
        ([told(1), told(3, rgb=True)], 1, "mean", ("",)),
        ([told(3)], 3, "channelwise", ("c0", "c1", "c2")),
        ([told(2, names=("DAPI", "GFP"))], 3, "channelwise", ("DAPI", "GFP")),
        ([told(2, names=("GFP", "GFP"))], 3, "channelwise", ("c0", "c1")),
        ([told(5)], 5, "channels:0,1,2,3,4", ("",)),
        ([told(2)], 0, "channels:0,1", ("",)),
        ([told(1), told(3, rgb=True)], 0, "rgb", ("",)),
        ([told(4)], 1, "channelwise", ("c0", "c1", "c2", "c3")),
    ],
)
def test_auto_looks_at_all_images(images, inputs, text, names):
    chosen = choose_mapping("auto", images, inputs)
    assert (chosen.text, chosen.names) == (text, names)


def test_channelwise_copies_each_channel_to_all_inputs():
    chosen = choose_mapping("channelwise", [told(2)], 3)
    batch = np.arange(2 * 2 * 4, dtype=np.float32).reshape(2, 2, 2, 2)
    passed = chosen.passes(batch)
    assert passed.shape == (4, 3, 2, 2)
    for at, (image, channel) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        for copy in passed[at]:
            assert np.array_equal(copy, batch[image, channel])


def test_rgb_leaves_colours_and_copies_grey():
    chosen = choose_mapping("rgb", [told(1), told(3, rgb=True)], 3)
    colours = np.random.default_rng(0).random((3, 2, 2), np.float32)
    assert np.array_equal(chosen.select(colours), colours)
    assert np.array_equal(chosen.select(colours[:1]), colours[[0, 0, 0]])
    assert chosen.passes(colours[None]).shape == (1, 3, 2, 2)


def test_mean_is_of_scaled_channels():
    chosen = choose_mapping("mean", [told(2)], 3)
    held = np.stack([np.zeros((2, 2)), np.ones((2, 2))]).astype(np.float32)
    assert np.array_equal(chosen.select(held), np.full((1, 2, 2), 0.5, np.float32))
    assert np.array_equal(chosen.passes(chosen.select(held)[None]), np.full((1, 3, 2, 2), 0.5))


def test_channels_by_name_and_number():
    image = told(3, names=("DAPI", "GFP", "RFP"))
    assert choose_mapping("channels:RFP,0,GFP", [image], 3).take(image) == (2, 0, 1)


@pytest.mark.parametrize(
    ("text", "images", "inputs", "message"),
    [
        ("rainbow", [told(1)], 3, "no mapping of channels 'rainbow'"),
        ("channels:", [told(1)], 3, "no mapping of channels"),
        ("channels:0,1", [told(3)], 3, "takes 3 channels and the mapping names 2"),
        ("channels:0,1,7", [told(3)], 3, "has no channel '7'; it has 3"),
        ("channels:0,1,Cy5", [told(3, names=("A", "B", "C"))], 3, "it has 3: A, B, C"),
        ("rgb", [told(1), told(5, name="wide")], 3, "wide: has 5 channels and the mapping rgb needs 1 or 3"),
        ("channelwise", [told(2), told(5, name="wide")], 3, "wide: has 5 channels where others have 2"),
    ],
)
def test_what_does_not_fit_is_told(text, images, inputs, message):
    with pytest.raises(ProfileError, match=message):
        choose_mapping(text, images, inputs)


@pytest.mark.parametrize(
    ("text", "dtypes", "chosen"),
    [
        ("auto", [np.uint8, np.uint8], "dtype"),
        ("auto", [np.uint8, np.uint16], "percentile:0.1,99.9"),
        ("percentile", [np.uint8], "percentile:0.1,99.9"),
        ("fixed:0,4095", [np.uint16], "fixed:0,4095"),
        ("dtype", [np.float32], "dtype"),
    ],
)
def test_scaling_is_chosen_for_all(text, dtypes, chosen):
    assert choose_scaling(text, [told(1, dtype=dtype) for dtype in dtypes]) == chosen


@pytest.mark.parametrize(
    "text",
    ["best", "percentile:5", "percentile:90,10", "percentile:-1,50", "fixed:3,3", "fixed:a,b", "fixed:0,nan"],
)
def test_a_scaling_that_does_not_exist(text):
    with pytest.raises(ProfileError, match="no scaling of intensities"):
        choose_scaling(text, [told(1)])


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.uint8, (0, 255)), (np.uint16, (0, 65535)), (np.int16, (-32768, 32767)), (np.float32, (0, 1))],
)
def test_limits_of_the_type(dtype, expected):
    image = ArrayImage(np.zeros((4, 5), dtype), "YX")
    assert limits(image, header("a", image), (0,), "dtype").tolist() == [list(expected)]


def test_significant_bits_hold_over_the_type():
    image = ArrayImage(np.zeros((4, 5), np.uint16), "YX")
    image.bits = 12
    assert limits(image, header("a", image), (0,), "dtype").tolist() == [[0, 4095]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.uint32])
def test_percentiles_are_those_of_numpy(dtype):
    pixels = np.random.default_rng(3).integers(0, 120, (2, 3, 40, 50)).astype(dtype)
    image = ArrayImage(pixels, "CZYX")
    found = limits(image, header("a", image), (1, 0), "percentile:2,97")
    expected = [np.percentile(pixels[channel], [2, 97], method="inverted_cdf") for channel in (1, 0)]
    assert found == pytest.approx(np.array(expected, float))


def test_colours_are_scaled_together():
    pixels = np.stack([np.full((4, 4), value, np.uint8) for value in (10, 20, 90)])
    image = ArrayImage(pixels, "CYX", rgb=True)
    assert limits(image, header("a", image), (0, 1, 2), "percentile:0,100").tolist() == [[10, 90]] * 3


def test_percentiles_of_nothing_are_refused():
    image = ArrayImage(np.array([[0.0, np.nan], [1, 2]]), "YX")
    with pytest.raises(ProfileError, match="no finite numbers"):
        limits(image, header("a", image), (0,), "percentile:1,99")


def test_a_mapping_of_one_thing_has_no_name():
    assert Mapping("rgb", 3).names == ("",)
