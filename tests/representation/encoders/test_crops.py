import numpy as np
import pytest

from micrographia.errors import ProfileError
from micrographia.images import ArrayImage
from micrographia.representation.encoders.crops import Reading, foreground
from micrographia.representation.encoders.inputs import header


def reading(pixels, axes="YX", *, take=(0,), limits=((0, 100),), project="max", strict=False):
    image = ArrayImage(pixels, axes)
    return Reading(image, header("a", image), take, np.array(limits, float), project, strict)


def window(y0, y1, x0, x1, *, t=0, z=(0, 1)):
    return [t, *z, y0, y1, x0, x1, 0, 0]


def test_a_window_of_the_right_size_is_scaled_only():
    pixels = np.arange(100, dtype=np.uint8).reshape(10, 10)
    found = reading(pixels, limits=[(10, 60)]).window(window(2, 6, 3, 7), 4)
    expected = np.clip((pixels[2:6, 3:7] - 10.0) / 50, 0, 1)
    assert found[0] == pytest.approx(expected)
    assert found.dtype == np.float32


def test_beyond_the_edges_the_image_is_mirrored():
    pixels = np.arange(25, dtype=np.uint8).reshape(5, 5)
    found = reading(pixels).window(window(-2, 6, -1, 7), 8)
    assert found[0] * 100 == pytest.approx(np.pad(pixels, ((2, 1), (1, 2)), mode="symmetric").astype(float))


@pytest.mark.parametrize(
    ("project", "expected"), [("max", lambda stack: stack.max(0)), ("mean", lambda stack: stack.mean(0)),
                              ("middle", lambda stack: stack[1])],
)  # fmt: skip
def test_slices_become_one_plane(project, expected):
    pixels = np.random.default_rng(0).integers(0, 100, (2, 3, 5, 6, 6)).astype(np.uint8)
    held = reading(pixels, "TCZYX", take=(2, 0), limits=[(0, 100)] * 2, project=project)
    found = held.window(window(0, 6, 0, 6, t=1, z=(1, 4)), 6)
    for channel, plane in zip((2, 0), found, strict=True):
        assert plane * 100 == pytest.approx(expected(pixels[1, channel, 1:4].astype(float)), abs=1e-4)


def test_an_image_without_contrast_is_black():
    found = reading(np.full((4, 4), 7, np.uint8), limits=[(7, 7)]).window(window(0, 4, 0, 4), 4)
    assert not found.any()


def test_floats_outside_of_0_to_1_are_refused_where_they_should_not_be():
    pixels = np.array([[0.0, 0.5], [1.0, 37.0]])
    with pytest.raises(ProfileError, match="holds floats from 0 to 37, not in 0 to 1"):
        reading(pixels, limits=[(0, 1)], strict=True).window(window(0, 2, 0, 2), 2)
    assert reading(pixels, limits=[(0, 1)]).window(window(0, 2, 0, 2), 2).max() == 1


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused(odd):
    with pytest.raises(ProfileError, match="a: holds pixels that are no finite numbers"):
        reading(np.array([[0.0, odd]])).window(window(0, 1, 0, 2), 1)


def test_foreground_of_all_objects_or_of_one():
    labels = np.zeros((8, 8), np.uint16)
    labels[:4, :4] = 1
    labels[4:, 4:] = 2
    mask = ArrayImage(labels, "YX")
    told = header("a", mask)
    assert np.array_equal(foreground([mask], told, window(0, 8, 0, 8), 8), labels > 0)
    assert np.array_equal(foreground([mask], told, window(0, 8, 0, 8), 8, 2), labels == 2)
    assert np.array_equal(foreground([mask], told, window(0, 8, 0, 8), 4, 1), (labels == 1)[::2, ::2])


def test_beyond_the_edges_there_is_no_foreground():
    labels = np.ones((4, 4), np.uint8)
    mask = ArrayImage(labels, "YX")
    found = foreground([mask], header("a", mask), window(-2, 6, -2, 6), 8)
    assert np.array_equal(found, np.pad(labels, 2).astype(bool))


def test_foreground_in_depth_is_that_of_any_slice():
    labels = np.zeros((3, 4, 4), np.uint8)
    labels[0, 0, 0] = labels[2, 3, 3] = 5
    mask = ArrayImage(labels, "ZYX")
    told = header("a", mask)
    assert foreground([mask], told, window(0, 4, 0, 4, z=(0, 3)), 4).sum() == 2
    assert foreground([mask], told, window(0, 4, 0, 4, z=(1, 3)), 4).sum() == 1
    flat = ArrayImage(labels[0], "YX")
    assert foreground([flat], told, window(0, 4, 0, 4, z=(0, 3)), 4).sum() == 1
