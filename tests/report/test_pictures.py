import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pillow

from micrographia.images import ArrayImage, Channel
from micrographia.report.pictures import SET_COLOURS, TRUTH, contours, picture


def decoded(uri):
    return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_a_contour_is_the_inner_rim_of_an_object():
    labels = np.zeros((6, 7), int)
    labels[1:5, 1:5] = 3
    expected = np.zeros((6, 7), bool)
    expected[1:5, 1:5] = True
    expected[2:4, 2:4] = False
    assert np.array_equal(contours(labels), expected)


def test_touching_objects_have_a_contour_between_them():
    labels = np.repeat([[1, 1, 1, 2, 2, 2]], 4, axis=0)
    assert contours(labels).tolist() == [[False, False, True, True, False, False]] * 4


@given(
    hnp.arrays(
        np.int64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
        elements=st.integers(0, 3),
    )
)
def test_contours_lie_on_objects_and_turn_with_them(labels):
    edge = contours(labels)
    assert not edge[labels == 0].any()
    assert np.array_equal(np.rot90(edge), contours(np.rot90(labels)))


def test_colours_of_channels_add_up():
    pixels = np.zeros((2, 300, 300), np.uint16)
    pixels[0, :, 150:] = 1000
    pixels[1, 150:] = 500
    image = ArrayImage(pixels, "CYX", channels=[Channel("a", "FF0000"), Channel("b", "00FF00")])
    shown = decoded(picture(image).picture)
    assert shown[10, 10].tolist() == [0, 0, 0]
    assert shown[10, 290].tolist() == [255, 0, 0]
    assert shown[290, 10].tolist() == [0, 255, 0]
    assert shown[290, 290].tolist() == [255, 255, 0]


def test_colour_pictures_are_shown_as_they_are():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (3, 400, 390), np.uint8)
    shown = decoded(picture(ArrayImage(pixels, "CYX", rgb=True)).picture)
    assert np.array_equal(np.moveaxis(shown, -1, 0), pixels)


def test_contours_are_a_transparent_layer_of_the_same_size():
    labels = np.zeros((400, 500), np.uint16)
    labels[100:200, 100:200] = 1
    image = ArrayImage(np.ones((400, 500), np.uint8), "YX")
    made = picture(image, [ArrayImage(labels, "YX")])
    layer = decoded(made.contours)
    assert layer.shape == (400, 500, 4) == (made.height, made.width, 4)
    assert layer[100, 150].tolist() == [*TRUTH, 255]
    assert layer[150, 150, 3] == layer[10, 10, 3] == 0


def test_small_objects_of_a_large_image_are_shown_by_a_crop_that_holds_them():
    labels = np.zeros((3000, 3000), np.uint16)
    for number in range(40):
        y, x = divmod(number, 8)
        labels[2400 + 12 * y : 2406 + 12 * y, 2500 + 12 * x : 2506 + 12 * x] = number + 1
    image = ArrayImage(np.zeros((3000, 3000), np.uint8), "YX")
    made = picture(image, [ArrayImage(labels, "YX")])
    assert made.note.startswith("crop of")
    assert (decoded(made.contours)[..., 3] > 0).sum() == contours(labels).sum()


def test_large_images_are_reduced_and_small_ones_enlarged_by_whole_factors():
    large = picture(ArrayImage(np.zeros((1000, 1300), np.uint8), "YX"))
    assert (large.height, large.width) == (334, 434)
    small = picture(ArrayImage(np.zeros((60, 50), np.uint8), "YX"))
    assert (small.height, small.width) == (360, 300)


def test_a_volume_shows_three_sections_in_true_proportion():
    labels = np.zeros((10, 100, 80), np.uint8)
    labels[7, 20:60, 30:70] = 1
    image = ArrayImage(np.zeros((10, 100, 80), np.uint16), "ZYX", scale={"z": 2.0, "y": 0.5, "x": 0.5})
    made = picture(image, [ArrayImage(labels, "ZYX")], side=512)
    assert made.note.startswith("plane 8 of 10")
    times = 384 // (100 + 3 + 40)
    assert (made.height, made.width) == ((100 + 3 + 40) * times, (80 + 3 + 40) * times)
    layer = decoded(made.contours)[..., 3]
    assert layer[: 100 * times].any()
    assert layer[103 * times :].any()


@pytest.mark.parametrize("pixels", [np.full((8, 8), np.nan, np.float32), np.full((8, 8), 7, np.uint16)])
def test_pixels_without_contrast_are_no_error(pixels):
    assert decoded(picture(ArrayImage(pixels, "YX")).picture).shape[-1] == 3


def test_a_mask_of_another_size_is_told_and_a_set_keeps_its_colour():
    volume = ArrayImage(np.arange(5 * 30 * 40, dtype=np.uint16).reshape(5, 30, 40), "ZYX")
    flat, deep = np.zeros((30, 40), np.uint8), np.zeros((5, 30, 40), np.uint8)
    flat[4:20, 4:20] = deep[:, 4:20, 4:20] = 1
    masks = [ArrayImage(flat, "YX"), ArrayImage(deep, "ZYX")]
    shown = picture(volume, masks, colours=[0, 1])
    assert "1 of 2 masks of another size not drawn" in shown.note
    layer = decoded(shown.contours)
    assert {tuple(pixel[:3]) for pixel in layer[layer[..., 3] > 0]} == {tuple(SET_COLOURS[1])}
    assert picture(volume, masks[:1]).contours == ""
