import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from micrographia.images import ArrayImage
from micrographia.representation.baselines import fields
from micrographia.representation.baselines.fields import Reading
from micrographia.representation.baselines.intensity import PERCENTILES, intensity, levels, merged
from micrographia.representation.baselines.kernels import pixels

RNG = np.random.default_rng(3)


def measured(array, axes="YX"):
    found = intensity(levels(Reading(ArrayImage(np.asarray(array), axes)), 0), "c")
    return dict(zip(found.names, found.values, strict=True)), found.reasons


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_moments_are_those_of_scipy(dtype):
    array = RNG.gamma(2, 40, (37, 41)).astype(dtype)
    found, reasons = measured(array)
    flat = array.ravel().astype(float)
    assert found["c_mean"] == pytest.approx(flat.mean())
    assert found["c_sd"] == pytest.approx(flat.std())
    assert found["c_skewness"] == pytest.approx(stats.skew(flat))
    assert found["c_kurtosis"] == pytest.approx(stats.kurtosis(flat))
    assert [found["c_min"], found["c_max"]] == [flat.min(), flat.max()]
    assert [found[f"c_p{p}"] for p in PERCENTILES] == pytest.approx(np.percentile(flat, PERCENTILES).tolist())
    assert reasons == ()


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float64, st.integers(0, 12), elements=st.floats(-100, 100)),
    arrays(np.float64, st.integers(0, 12), elements=st.floats(-100, 100)),
)
def test_the_moments_of_two_parts_are_those_of_the_whole(a, b):
    both = np.concatenate([a, b])
    found = merged(pixels.moments(a[None]), pixels.moments(b[None]))
    whole = pixels.moments(both[None])
    assert found[pixels.COUNT] == len(both)
    np.testing.assert_allclose(found[: pixels.LOW], whole[: pixels.LOW], rtol=1e-9, atol=1e-4)
    assert found[pixels.LOW : pixels.LEFT_OUT].tolist() == whole[pixels.LOW : pixels.LEFT_OUT].tolist()


def test_pieces_give_what_the_whole_gives(monkeypatch):
    array = RNG.normal(1000, 50, (2, 3, 50, 70))
    whole, _ = measured(array, "TZYX")
    monkeypatch.setattr(fields, "TILE", 16)
    monkeypatch.setattr(fields, "HELD", 0)
    pieces, _ = measured(array, "TZYX")
    assert list(pieces.values()) == pytest.approx(list(whole.values()))


def test_a_constant_channel_has_no_shape():
    found, reasons = measured(np.full((9, 9), 0.1))
    assert reasons == ("channel c is constant",)
    assert np.isnan([found["c_skewness"], found["c_kurtosis"]]).all()
    assert found["c_sd"] == 0
    assert found["c_mean"] == 0.1


def test_what_is_not_finite_is_left_out():
    array = RNG.normal(size=(20, 20))
    holed = array.copy()
    holed[::2, 3] = np.nan
    holed[5, 5], holed[6, 6] = np.inf, -np.inf
    found, _ = measured(holed)
    kept = holed[np.isfinite(holed)]
    assert found["c_mean"] == pytest.approx(kept.mean())
    assert found["c_max"] == kept.max()
    nothing, reasons = measured(np.full((4, 4), np.nan))
    assert np.isnan(list(nothing.values())).all()
    assert reasons == ("channel c has no finite pixel",)


def test_percentiles_of_very_large_planes_come_from_a_grid(monkeypatch):
    monkeypatch.setattr("micrographia.representation.baselines.intensity.SAMPLED", 1000)
    array = RNG.normal(size=(200, 200))
    found, _ = measured(array)
    assert found["c_p50"] == pytest.approx(0, abs=0.2)
    assert found["c_mean"] == pytest.approx(array.mean())
