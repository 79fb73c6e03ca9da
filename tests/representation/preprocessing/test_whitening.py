import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from sklearn import decomposition
from sklearn.covariance import ledoit_wolf as reference

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing import PCA, TVN, ZCA
from micrographia.representation.preprocessing.covariance import covariance, ledoit_wolf, principal_axes

META = pd.DataFrame({"batch": np.repeat(["b1", "b2", "b3"], 40)})


def mixed(n=120, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d) * 10


@pytest.mark.parametrize(("n", "d"), [(120, 6), (8, 30), (30, 30)])
def test_components_equal_scikit_learn(n, d):
    values = mixed(n, d)
    found = PCA().fit(values, META[:n]).transform(values, META)
    k = min(n - 1, d)
    wanted = decomposition.PCA(n_components=k, svd_solver="full").fit_transform(values)
    assert found.shape == (n, k)
    np.testing.assert_allclose(np.abs(found), np.abs(wanted), atol=1e-7 * np.abs(wanted).max())


def test_whitened_components_equal_scikit_learn():
    values = mixed()
    found = PCA(3, whiten=True).fit(values, META).transform(values, META)
    wanted = decomposition.PCA(3, whiten=True).fit_transform(values)
    np.testing.assert_allclose(np.abs(found), np.abs(wanted), atol=1e-8)
    np.testing.assert_allclose(np.cov(found.T), np.eye(3), atol=1e-9)


def test_a_share_of_the_variance():
    values = mixed()
    for share in (0.5, 0.9, 0.99):
        wanted = decomposition.PCA(share, svd_solver="full").fit(values).n_components_
        assert PCA(share).fit(values, META).transform(values, META).shape[1] == wanted


def test_fewer_components_than_asked_are_told():
    fitted = PCA(50).fit(mixed(5, 20), META[:5])
    assert fitted.reasons == ("5 fitted rows have 4 components, not 50",)
    assert fitted.names(["x"] * 20) == ("PC1", "PC2", "PC3", "PC4")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_turning_the_features_turns_no_component(seed):
    values = mixed(seed=seed)
    turn = linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))[0]
    one = PCA(2).fit(values, META).transform(values, META)
    other = PCA(2).fit(values @ turn, META).transform(values @ turn, META)
    np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-6 * np.abs(one).max())


@pytest.mark.parametrize("step", [ZCA(), TVN(), PCA(whiten=True, on="controls")])
def test_the_covariance_of_the_controls_becomes_the_identity(step):
    values = mixed()
    controls = np.arange(120) % 3 == 0
    fitted = step.fit(values, META, controls=controls)
    found = fitted.transform(values, META)
    np.testing.assert_allclose(np.cov(found[controls].T), np.eye(6), atol=1e-8)
    np.testing.assert_allclose(found[controls].mean(axis=0), 0, atol=1e-9)
    assert (fitted.controls == controls).all()
    assert fitted.reasons == ()


def test_zca_is_the_inverse_root_of_the_covariance():
    values = mixed()
    root = linalg.inv(linalg.sqrtm(np.cov(values.T)))
    wanted = (values - values.mean(axis=0)) @ root
    fitted = ZCA().fit(values, META)
    np.testing.assert_allclose(fitted.transform(values, META), wanted, atol=1e-7)
    assert fitted.names("abcdef") == tuple("abcdef")


def test_zca_regularised_equals_the_formula():
    values = mixed(4, 6)
    spread = np.cov(values.T)
    added = 0.3 * np.trace(spread) / 6
    root = linalg.inv(linalg.sqrtm(spread + added * np.eye(6)).real)
    wanted = (values - values.mean(axis=0)) @ root
    found = ZCA(epsilon=0.3).fit(values, META[:4]).transform(values, META)
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_directions_without_variation_are_dropped_and_told():
    values = np.hstack([mixed(), mixed()[:, :2]])
    for step in (ZCA(), TVN(shrinkage=0.0)):
        fitted = step.fit(values, META)
        assert "dropped" in fitted.reasons[-1]
        found = fitted.transform(values, META)
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 50


@pytest.mark.parametrize(("n", "d"), [(50, 5), (10, 40), (200, 3)])
def test_shrinkage_equals_scikit_learn(n, d):
    values = mixed(n, d)
    wanted = reference(values)[1]
    assert ledoit_wolf(values, values.mean(axis=0)) == pytest.approx(wanted, rel=1e-9)


def test_tvn_of_few_controls_is_shrunk_and_told():
    values = mixed(40, 30)
    controls = np.arange(40) < 10
    fitted = TVN().fit(values, META[:40], controls=controls)
    assert "10 controls vary in 9 of 30 directions: their covariance is shrunk by" in fitted.reasons[0]
    scaled = (values - values[:10].mean(axis=0)) / values[:10].std(axis=0)
    weight = reference(scaled[:10])[1]
    spread = np.cov(scaled[:10].T)
    target = (1 - weight) * spread + weight * np.trace(spread) / 30 * np.eye(30)
    found = fitted.transform(values, META)
    wanted = scaled @ linalg.inv(target) @ scaled.T
    np.testing.assert_allclose(found @ found.T, wanted, rtol=1e-6, atol=1e-6 * np.abs(wanted).max())


def test_tvn_ignores_the_units_of_features():
    values = mixed()
    controls = np.arange(120) < 60
    units = 10.0 ** np.arange(-3, 3)
    one = TVN().fit(values, META, controls=controls).transform(values, META)
    other = TVN().fit(values * units, META, controls=controls).transform(values * units, META)
    np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-6)


def test_batches_are_aligned_as_coral_does():
    values = mixed()
    values[40:80] = values[40:80] * 3 + 50
    values[80:] *= [5, 1, 1, 0.2, 1, 1]
    controls = np.arange(120) % 2 == 0
    fitted = TVN(batch="batch", regularisation=1e-13).fit(values, META, controls=controls)
    found = fitted.transform(values, META)
    for batch in ("b1", "b2", "b3"):
        own = found[controls & (META["batch"] == batch).to_numpy()]
        np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-8)
        np.testing.assert_allclose(np.cov(own.T), np.eye(6), atol=1e-5)
    white = TVN().fit(values, META, controls=controls).transform(values, META)
    half = TVN(batch="batch", regularisation=0.5).fit(values, META, controls=controls).transform(values, META)
    held = white[:40]
    own = held[controls[:40]]
    source = linalg.fractional_matrix_power(np.cov(own.T) + 0.5 * np.eye(6), -0.5)
    target = linalg.fractional_matrix_power(np.cov(white[controls].T) + 0.5 * np.eye(6), 0.5)
    np.testing.assert_allclose(half[:40], (held - own.mean(axis=0)) @ source @ target, atol=1e-8)


def test_batches_without_controls_are_told():
    values = mixed()
    controls = np.arange(120) < 60
    fitted = TVN(batch="batch").fit(values, META, controls=controls)
    assert fitted.reasons == ("1 of 3 batches have fewer than 4 controls",)
    assert "40 rows are of no batch" in fitted.notes(META)[-1]
    alone = TVN().fit(values, META, controls=controls).transform(values, META)
    np.testing.assert_allclose(fitted.transform(values, META)[80:], alone[80:])


def test_without_controls_it_says_so():
    fitted = TVN().fit(mixed(), META)
    assert fitted.reasons[0] == "no controls are named: all training rows are taken for typical"
    assert not fitted.controls.any()


@pytest.mark.parametrize("step", [PCA(), ZCA(), TVN()])
def test_what_cannot_be_whitened_is_told(step):
    values = mixed()
    with pytest.raises(ProfileError, match="needs at least"):
        step.fit(values[:1], META[:1])
    with pytest.raises(ProfileError, match="no feature varies"):
        step.fit(np.ones((9, 3)), META[:9])
    values[0, 0] = np.nan
    with pytest.raises(ProfileError, match=r"1 values in 1 of 6 features are NaN.*drop_features"):
        step.fit(values, META)


def test_options_must_make_sense():
    for components in (0, -3, 2.5, True):
        with pytest.raises(ProfileError, match="cannot keep"):
            PCA(components)
    with pytest.raises(ProfileError, match="cannot shrink"):
        TVN(shrinkage=2)


def test_blocks_do_not_change_the_covariance(monkeypatch):
    values = mixed(101, 7)
    monkeypatch.setattr("micrographia.representation.preprocessing.covariance._BLOCK", 50)
    np.testing.assert_allclose(covariance(values, values.mean(axis=0)), np.cov(values.T), rtol=1e-12)
    variances, axes = principal_axes(values, values.mean(axis=0))
    np.testing.assert_allclose(axes * variances @ axes.T, np.cov(values.T), rtol=1e-9, atol=1e-9)
    assert (axes[np.argmax(np.abs(axes), axis=0), np.arange(7)] > 0).all()
