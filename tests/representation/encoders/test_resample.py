import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

from micrographia.representation.encoders import resample
from micrographia.representation.encoders.resample import resized, resized_array, strips, weights


@pytest.mark.parametrize(("shape", "size"), [((40, 61), 16), ((7, 100), 32), ((33, 33), 33), ((5, 4), 24)])
def test_agrees_with_pillow(shape, size):
    image = np.random.default_rng(0).random(shape, np.float32)
    theirs = np.asarray(Picture.fromarray(image).resize((size, size), Picture.Resampling.BILINEAR))
    assert resized_array(image[None], size)[0] == pytest.approx(theirs, abs=2e-6)


@given(st.integers(1, 300), st.integers(1, 64))
def test_weights_are_means(size, target):
    table = weights(size, target).toarray()
    assert table.shape == (target, size)
    assert table.min() >= 0
    assert table.sum(1) == pytest.approx(1)


@given(st.integers(1, 40))
def test_a_constant_stays(size):
    image = np.full((2, 23, 17), 0.25, np.float32)
    assert resized_array(image, size) == pytest.approx(np.full((2, size, size), 0.25), abs=1e-7)


def test_strips_of_a_large_image_give_the_same(monkeypatch):
    image = np.random.default_rng(1).random((3, 90, 70), np.float32)
    whole = resized_array(image, 20)
    asked = []

    def read(first, last):
        asked.append((first, last))
        return image[:, first:last]

    monkeypatch.setattr(resample.strips, "__defaults__", (10 * 3 * 70 * 4,))
    assert resized(read, (3, 90, 70), 20) == pytest.approx(whole, abs=1e-7)
    assert asked == [(at, at + 10) for at in range(0, 90, 10)]


def test_strips_cover_every_row_once():
    assert list(strips(25, 100, 1000)) == [(0, 10), (10, 20), (20, 25)]
    assert list(strips(2, 10**12)) == [(0, 1), (1, 2)]
