import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.images import ArrayImage
from micrographia.representation.baselines import fields
from micrographia.representation.baselines.fields import Reading
from micrographia.representation.baselines.shrunken import SIDE, shrunken

RNG = np.random.default_rng(1)


def measured(array, axes="YX"):
    found = shrunken(Reading(ArrayImage(np.asarray(array), axes)), 0, "c")
    return found.values.reshape(SIDE, SIDE), found.reasons


def test_whole_blocks_are_means():
    array = RNG.normal(size=(32, 64))
    found, reasons = measured(array)
    np.testing.assert_allclose(found, array.reshape(16, 2, 16, 4).mean(axis=(1, 3)))
    assert not reasons


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70))
def test_any_size_keeps_the_mean_and_a_ramp(height, width):
    array = np.random.default_rng(height).normal(size=(height, width))
    found, reasons = measured(array)
    assert found.mean() == pytest.approx(array.mean())
    assert not reasons
    # By an integral image at the borders of the parts, linear within pixels.
    down = np.interp(np.arange(17) * height / 16, np.arange(height + 1), np.arange(height + 1))
    integral = np.pad(array.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows = np.stack([np.interp(down, np.arange(height + 1), column) for column in integral.T], axis=1)
    across = np.arange(17) * width / 16
    corners = np.stack([np.interp(across, np.arange(width + 1), row) for row in rows])
    known = np.diff(np.diff(corners, axis=0), axis=1) * 256 / height / width
    np.testing.assert_allclose(found, known, rtol=1e-9, atol=1e-9)


def test_pieces_and_planes_are_averaged(monkeypatch):
    array = RNG.normal(size=(3, 50, 70))
    whole, _ = measured(array.mean(axis=0))
    monkeypatch.setattr(fields, "TILE", 13)
    monkeypatch.setattr(fields, "HELD", 0)
    np.testing.assert_allclose(measured(array, "ZYX")[0], whole, rtol=1e-9, atol=1e-12)


def test_what_is_not_finite_is_left_out():
    array = np.ones((64, 64))
    array[:4, :4] = np.nan
    array[10, 10] = np.inf
    found, reasons = measured(array)
    assert np.isnan(found[0, 0])
    assert np.nansum(found) == pytest.approx(255)
    assert reasons == ("channel c has no finite pixel in a part of the plane",)
