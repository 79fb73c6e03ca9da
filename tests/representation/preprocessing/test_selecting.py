import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing import CorrelationSelect, DropFeatures, Impute

META = pd.DataFrame(index=range(40))


def noise(d=5, seed=0):
    return np.random.default_rng(seed).normal(size=(40, d))


def test_features_that_say_nothing_are_dropped_by_training_rows_alone():
    values = noise()
    values[3, 0] = np.nan
    values[5, 1] = -np.inf
    values[:20, 2] = 7
    train = np.arange(40) < 20
    fitted = DropFeatures().fit(values, META, train=train)
    assert fitted.names("abcde") == ("d", "e")
    assert fitted.transform(values, META).shape == (40, 2)
    assert fitted.reasons == tuple(
        f"1 of 5 features were dropped: {what} in training rows" for what in ("NaN", "infinite", "constant")
    )
    assert DropFeatures().fit(values, META, train=~train).names("abcde") == tuple("abcde")
    kept = DropFeatures(missing=0.1, infinite=False, constant=False).fit(values, META)
    assert kept.names("abcde") == tuple("abcde")


def test_nothing_left_is_told():
    with pytest.raises(ProfileError, match="no feature is left"):
        DropFeatures().fit(np.ones((4, 2)), META[:4])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.2, 0.95))
def test_no_two_features_that_are_kept_correlate(seed, threshold):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 8)) + 0.3 * rng.normal(size=(40, 8))
    fitted = CorrelationSelect(threshold).fit(values, META)
    related = np.abs(np.corrcoef(values.T))
    kept = list(fitted.kept)
    assert np.triu(related[np.ix_(kept, kept)], 1).max(initial=0) <= threshold
    for gone in set(range(8)) - set(kept):
        assert related[gone, kept].max() > threshold, "a feature is dropped only for one that is kept"


def test_copies_are_dropped_and_constant_features_kept():
    values = noise()
    values[:, 3] = -2 * values[:, 0] + 1
    values[:, 4] = 1
    fitted = CorrelationSelect().fit(values, META)
    assert fitted.names("abcde") == ("a", "b", "c", "e")
    assert fitted.reasons == ("1 of 5 features correlate with another by more than 0.9: dropped",)
    values[0, 0] = np.nan
    with pytest.raises(ProfileError, match="NaN or infinite"):
        CorrelationSelect().fit(values, META)


def test_gaps_are_filled_from_training_rows():
    values = noise()
    values[30, 0] = np.nan
    values[31, 1] = np.inf
    train = np.arange(40) < 20
    for statistic, of in (("median", np.median), ("mean", np.mean)):
        fitted = Impute(statistic).fit(values, META, train=train)
        found = fitted.transform(values, META)
        assert found[30, 0] == pytest.approx(of(values[:20, 0]))
        assert found[31, 1] == pytest.approx(of(values[:20, 1]))
        assert np.isfinite(found).all()
        assert fitted.reasons[0].startswith("2 of 200 values were filled")
    values[:, 2] = np.nan
    with pytest.raises(ProfileError, match="1 features have no finite value"):
        Impute().fit(values, META)
    with pytest.raises(ProfileError, match="no statistic 'mode'"):
        Impute("mode").fit(values, META)
