import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.preprocessing import StandardScaler, normalize

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing import L2, Clip, RobustZ, Standardise
from micrographia.representation.profiles_io import align, read_profiles

META = pd.DataFrame({"plate": ["p1"] * 6 + ["p2"] * 6})


def noise(n=12, d=3, seed=0):
    return np.random.default_rng(seed).normal(5, 3, (n, d))


def test_standardise_equals_scikit_learn():
    values = noise()
    values[:, 2] = 4.0
    train = np.arange(12) < 7
    fitted = Standardise().fit(values, META, train=train)
    wanted = StandardScaler().fit(values[train]).transform(values)
    np.testing.assert_allclose(fitted.transform(values, META), wanted, atol=1e-12)
    assert fitted.reasons == ("1 features do not vary in the 7 fitted rows: moved, not scaled",)
    assert not fitted.controls.any()


def test_robust_z_equals_scipy():
    values = noise()
    wanted = (values - np.median(values, axis=0)) / stats.median_abs_deviation(values, axis=0, scale="normal")
    np.testing.assert_allclose(RobustZ().fit(values, META).transform(values, META), wanted, atol=1e-12)


def test_published_profiles_are_robust_z_scores_of_the_means_of_wells(data):
    folder = data / "bbbc021_profiles"
    published = read_profiles(folder / "BBBC021_feature_selected_mad_robustize.csv")
    raw = read_profiles(folder / "ljosa_jbiomolscreen_2013_per_well_mean.csv.gz")
    published, raw = align(published, raw, ["Plate", "Well"])
    raw = raw.select(list(published.names))
    found = RobustZ(on="train").fit(raw.values, raw.meta).transform(raw.values, raw.meta)
    np.testing.assert_allclose(found, published.values, rtol=2e-4, atol=2e-4)


def test_each_plate_has_its_own_scale_from_its_controls():
    values = noise()
    values[6:] = values[6:] * 10 + 100
    controls = np.tile([True, True, True, True, False, False], 2)
    fitted = RobustZ(by="plate").fit(values, META, controls=controls)
    found = fitted.transform(values, META)
    for plate in ("p1", "p2"):
        own = found[controls & (META["plate"] == plate).to_numpy()]
        np.testing.assert_allclose(np.median(own, axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(stats.median_abs_deviation(own, axis=0, scale="normal"), 1)
    assert (fitted.controls == controls).all()
    assert fitted.reasons == ()


def test_few_rows_and_unknown_plates_get_the_pooled_scale_and_a_reason():
    meta = pd.DataFrame({"plate": ["p1"] * 9 + ["p2"] * 2 + [None]})
    values = noise()
    fitted = RobustZ(by="plate", min_rows=3).fit(values, meta)
    assert fitted.reasons == ("1 of 2 groups of plate have fewer than 3 rows: pooled",)
    pooled = RobustZ().fit(values, meta)
    other = pd.DataFrame({"plate": ["p2", "p9", None, "p1"]})
    found = fitted.transform(values[:4], other)
    np.testing.assert_allclose(found[:3], pooled.transform(values[:3], other))
    assert abs(found[3] - pooled.transform(values[3:4], other)).max() > 1e-3
    assert "3 rows whose plate is missing" in fitted.notes(other)[-1]


def test_a_deviation_of_zero_is_replaced_and_told():
    values = np.zeros((12, 3))
    values[:, 0] = np.arange(12)
    values[0, 1] = 6.0
    fitted = RobustZ().fit(values, META)
    found = fitted.transform(values, META)
    assert found[0, 1] == pytest.approx(6 / (np.sqrt(np.pi / 2) * 6 / 12))
    assert (found[:, 2] == 0).all()
    assert fitted.reasons == (
        "1 features have a median absolute deviation of 0: scaled by their mean one instead",
        "1 features do not vary in the 12 fitted rows: moved, not scaled",
    )
    by_plate = RobustZ(by="plate").fit(values, META)
    assert "scales of a feature in a group of plate are 0: pooled instead" in by_plate.reasons[-1]
    assert np.isfinite(by_plate.transform(values, META)).all()


@pytest.mark.parametrize("step", [Standardise(), RobustZ()])
def test_gaps_do_not_spoil_the_rest(step):
    values = noise()
    whole = step.fit(values[1:], META[1:]).transform(values[1:], META[1:])
    values[0] = [np.nan, np.inf, -np.inf]
    fitted = step.fit(values, META)
    np.testing.assert_allclose(fitted.transform(values, META)[1:], whole)
    assert np.isnan(fitted.transform(values, META)[0, 0])
    values[:, 1] = np.nan
    assert "1 features have no finite value" in step.fit(values, META).reasons[-1]
    assert np.isnan(step.fit(values, META).transform(values, META)[:, 1]).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-1e3, 1e3))
def test_scale_and_offset_of_features_do_not_matter(seed, scale, offset):
    values = noise(seed=seed)
    for step in (Standardise(by="plate"), RobustZ(by="plate")):
        one = step.fit(values, META).transform(values, META)
        moved = values * scale + offset
        np.testing.assert_allclose(step.fit(moved, META).transform(moved, META), one, atol=1e-6)


def test_the_order_of_rows_does_not_matter():
    values, order = noise(), np.random.default_rng(1).permutation(12)
    for step in (Standardise(by="plate"), RobustZ(by=["plate"])):
        one = step.fit(values, META).transform(values, META)
        shuffled = META.iloc[order].reset_index(drop=True)
        other = step.fit(values[order], shuffled).transform(values[order], shuffled)
        np.testing.assert_allclose(other, one[order], atol=1e-12)


def test_rows_of_length_one():
    values = np.vstack([noise(), np.zeros((1, 3)), np.full((1, 3), 1e300), np.full((1, 3), 1e-300)])
    fitted = L2().fit(values, META)
    found = fitted.transform(values, META)
    np.testing.assert_allclose(found[:12], normalize(values[:12]), atol=1e-14)
    assert found[12].tolist() == [0, 0, 0]
    np.testing.assert_allclose(np.linalg.norm(found[13:], axis=1), 1)
    assert fitted.reasons == ("1 rows are zero in every feature and have no direction: left as they are",)
    assert L2().apply(np.ones((1, 4), np.float32)).dtype == np.float32


def test_values_are_cut():
    values = np.array([[-30.0, 5.0], [np.inf, np.nan]])
    fitted = Clip(20).fit(values, META)
    np.testing.assert_array_equal(fitted.transform(values, META), [[-20, 5], [20, np.nan]])
    assert fitted.reasons == ("2 of 4 values were cut",)
    assert Clip(low=0).apply(values)[0].tolist() == [0, 5]


@pytest.mark.parametrize("options", [{}, {"limit": -1}, {"low": 2, "high": 1}])
def test_limits_must_be_limits(options):
    with pytest.raises(ProfileError, match="cannot cut"):
        Clip(**options)


def test_what_cannot_be_fitted_is_told():
    values = noise()
    with pytest.raises(
        ProfileError, match="no column 'plat'.*Did you mean 'plate'".replace(".*", r"[\s\S]*")
    ):
        RobustZ(by="plat").fit(values, META)
    with pytest.raises(ProfileError, match="needs at least 1 training row and has 0"):
        Standardise().fit(values, META, train=np.zeros(12, dtype=bool))
    with pytest.raises(ProfileError, match="needs at least 1 control row"):
        RobustZ(on="controls").fit(values, META)
    with pytest.raises(ProfileError, match="cannot be fitted on 'all'"):
        RobustZ(on="all").fit(values, META)
    with pytest.raises(ProfileError, match=r"mask of shape \(3,\) for 12 rows"):
        RobustZ().fit(values, META, controls=np.ones(3, dtype=bool))
