"""Rescaling agrees with Pillow's antialiased resize, and moves labels, boxes and points alike."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from loading import made
from micrographia.loading import LoadingError, patches
from micrographia.loading.cutting import cut
from micrographia.loading.geometry import geometry
from micrographia.loading.marking import cut_boxes, cut_points
from micrographia.loading.normalising import Linear
from micrographia.loading.reading import Block
from micrographia.loading.rescaling import centres, nearest, triangle
from micrographia.loading.tables import Marks

ONE = Linear(np.ones(1, np.float32), np.zeros(1, np.float32))


def a_frame(shape):
    from micrographia.loading.frames import Frame

    return Frame(0, 0, None, 0, shape, (0,), True, "float32", (math.nan,) * 3, shape, True, 4)


@settings(max_examples=80, deadline=None)
@given(
    zoom=st.floats(0.15, 4),
    patch=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    at=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    seed=st.integers(0, 99),
)
def test_intensities_agree_with_pillow(zoom, patch, at, seed):
    pixels = np.random.default_rng(seed).normal(size=(1, 1, 60, 70)).astype(np.float32)
    shape = geometry(a_frame((1, 60, 70)), (1, *patch), (1.0, zoom, zoom))
    reach = [start + side / zoom for start, side in zip(at, patch, strict=True)]
    if reach[0] > 60 or reach[1] > 70:
        return
    block = Block((0, 0, 0), pixels, None, None)
    image, _, region = cut(block, shape, ONE, (0, *at))
    box = (at[1], at[0], reach[1], reach[0])
    expected = Picture.fromarray(pixels[0, 0]).resize(patch[::-1], Picture.Resampling.BILINEAR, box=box)
    np.testing.assert_allclose(image[0, 0], np.asarray(expected), atol=2e-5)
    assert region.all()


@settings(max_examples=80, deadline=None)
@given(zoom=st.floats(0.2, 5), start=st.integers(0, 30), count=st.integers(1, 30), size=st.integers(31, 90))
def test_weights_sum_to_one_and_labels_are_nearest(zoom, start, count, size):
    places = centres(start, zoom, count, size)
    assert (places < size - 0.5 + 1e-6).all()
    first, weights = triangle(places, zoom, size)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    held = np.arange(size + weights.shape[1])
    assert all((weights[j, size - first[j] :] == 0).all() for j in range(len(places)) if first[j] < size)
    if zoom >= 1:  # linear interpolation of a ramp is the ramp, away from the ends
        values = (weights * held[first[:, None] + np.arange(weights.shape[1])]).sum(axis=1)
        inner = (places >= 0) & (places <= size - 1)
        np.testing.assert_allclose(values[inner], places[inner], atol=1e-4)
    at = nearest(places, size)
    assert (np.abs(at - places) <= 0.5 + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(zoom=st.sampled_from([0.5, 1.0, 2.0, 3.0, 0.25]), at=st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_boxes_and_points_go_with_the_labels(zoom, at):
    """A rectangle of a label is cut and scaled as its box is; the point in its middle stays in its middle."""
    labels = np.zeros((1, 64, 64), np.int32)
    labels[0, 16:40, 24:48] = 1
    shape = geometry(a_frame((1, 64, 64)), (1, 20, 20), (1.0, zoom, zoom))
    start = np.array([0, *(min(one, count - 1) for one, count in zip(at, shape.starts[1:], strict=True))])
    block = Block((0, 0, 0), np.zeros((1, 1, 64, 64), np.float32), labels, None)
    _, mask, _ = cut(block, shape, ONE, tuple(start.tolist()))
    marks = Marks(np.array([[0, 16, 24, 1, 40, 48.0]]), np.array([1]), np.array([-1]), np.array([False]))
    found = cut_boxes(marks, shape, start)
    seen = np.argwhere(mask[0] == 1)
    assert (len(seen) > 0) == (len(found.places) > 0) or zoom < 1
    if len(seen):
        y0, x0 = seen.min(axis=0)
        y1, x1 = seen.max(axis=0) + 1
        assert np.abs(found.places[0] - [0, y0, x0, 1, y1, x1]).max() <= (0 if zoom >= 1 else 0.5)
    points = Marks(np.array([[0, 27.5, 35.5]]), np.array([1]), np.array([-1]), np.array([False]))
    middle = cut_points(points, shape, start)
    whole = (found.places[0, 4:] - found.places[0, 1:3] == 24 * zoom).all() if len(found.places) else False
    if whole:
        expected = (found.places[0, 1:3] + found.places[0, 4:]) / 2 - 0.5
        np.testing.assert_allclose(middle.places[0, 1:], expected)


def test_to_a_pixel_size(tmp_path):
    """An image of 0.5 micrometres a pixel is halved to 1; the patch says so, and covers twice as much."""
    pixels, labels = made.numbered((40, 48)), np.zeros((40, 48), np.uint8)
    labels[10:20, 12:24] = 5
    dataset = made.zarr(tmp_path, {"a": pixels}, {"a": labels}, "YX", scale={"y": 0.5, "x": 0.5})
    found = patches(dataset, (20, 24), pixel_size=1.0, normalise="none", boxes=True, points=True)
    assert len(found) == 1
    patch = found[0]
    assert patch["pixel_size"] == pytest.approx(1.0)
    np.testing.assert_array_equal(patch["mask"], labels[1::2, 1::2])
    assert patch["boxes"].tolist() == [[5, 6, 10, 12]]
    assert patch["points"].tolist() == [[7, 8.5]]
    inner = pixels.reshape(20, 2, 24, 2).mean(axis=(1, 3))[2:-2, 2:-2]
    np.testing.assert_allclose(patch["image"][0, 2:-2, 2:-2], inner, rtol=1e-6)


def test_an_unknown_pixel_size_is_left_out_or_refused(tmp_path):
    dataset = made.raw(tmp_path, {"a": made.numbered((20, 20))})
    with pytest.raises(LoadingError, match="pixel size of no image is known"):
        patches(dataset, (8, 8), masks=False, pixel_size=1)


def test_to_a_size_of_objects(tmp_path):
    """Discs of a diameter of 8 become 16 pixels wide."""
    y, x = np.mgrid[:64, :64]
    labels = (((y - 20) ** 2 + (x - 20) ** 2 <= 16) + 2 * ((y - 40) ** 2 + (x - 44) ** 2 <= 16)).astype(
        np.uint8
    )
    dataset = made.raw(tmp_path, {"a": made.numbered((64, 64))}, {"a": labels})
    area = (labels == 1).sum()
    found = patches(dataset, (120, 120), object_size=16)
    zoom = found.material.shapes[0].zoom
    assert zoom[0] == 1
    assert zoom[1] == zoom[2] == pytest.approx(16 / (2 * math.sqrt(area / math.pi)))
    assert (found[0]["mask"] == 1).sum() == pytest.approx(math.pi * 64, rel=0.2)
    with pytest.raises(LoadingError, match="no diameter"):
        patches(dataset, (8, 8), object_size=0)


def test_stacks_keep_their_step_unless_told(tmp_path):
    stack = made.numbered((6, 20, 20))
    scale = {"z": 2.0, "y": 0.5, "x": 0.5}
    dataset = made.zarr(tmp_path, {"a": stack}, {"a": made.squares((6, 20, 20), 2, 5)}, "ZYX", scale=scale)
    assert patches(dataset, (4, 8, 8), pixel_size=1.0).material.shapes[0].zoom == (1.0, 0.5, 0.5)
    assert patches(dataset, (4, 8, 8), pixel_size=(1.0, 1.0, 0.5)).material.shapes[0].zoom == (2.0, 0.5, 1.0)
