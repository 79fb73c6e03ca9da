import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing import (
    STEPS,
    TVN,
    Pipeline,
    Standardise,
    pipeline,
)
from micrographia.representation.profiles import Profiles
from micrographia.representation.profiles_io import read_profiles


def made(n=60, d=5):
    rng = np.random.default_rng(3)
    meta = pd.DataFrame(
        {"plate": np.repeat(["p1", "p2", "p3"], n // 3), "compound": np.tile(["DMSO", "a", "b", "c"], n // 4)}
    )
    return Profiles(rng.normal(size=(n, d)), meta, tuple(f"f{at}" for at in range(d)), "made")


def test_steps_are_named_as_a_protocol_writes_them():
    made_of = pipeline(
        ["standardise", {"robust_z": {"by": "plate"}}, {"clip": 20}, {"pca": 3}, TVN(), {"l2": None}]
    )
    assert made_of.described() == [
        "standardise()",
        "robust_z(by='plate')",
        "clip(limit=20)",
        "pca(components=3)",
        "tvn()",
        "l2()",
    ]
    assert pipeline("zca").described() == pipeline({"zca": {}}).described() == ["zca()"]
    assert pipeline(None) == Pipeline()
    assert pipeline(made_of) is made_of


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (["standardize"], "no step of preprocessing 'standardize'.*Did you mean standardise"),
        ([{"pca": {"n_components": 3}}], "no option 'n_components'.*Options are components"),
        ([{"l2": 3}], "has no options"),
        (["aggregate"], "needs the option 'by'"),
        ([3], "3 is no step"),
        ([{"clip": "much"}], "clip"),
    ],
)
def test_what_is_no_step_is_told(spec, said):
    with pytest.raises(ProfileError, match=said):
        pipeline(spec)


@pytest.mark.parametrize("name", [name for name in STEPS if name != "aggregate"])
def test_every_step_fits_training_rows_and_transforms_others(name):
    profiles = made()
    spec = [{name: 3}] if name == "clip" else [name]
    train = np.arange(60) < 40
    step = pipeline(spec)
    fitted = step.fit(profiles.values, profiles.meta, train=train)
    apart = step.fit(profiles.values[train], profiles.meta[train].reset_index(drop=True))
    whole = fitted.transform(profiles.values, profiles.meta)
    rest = profiles.meta[~train].reset_index(drop=True)
    np.testing.assert_allclose(apart.transform(profiles.values[~train], rest), whole[~train], atol=1e-12)
    assert whole.shape[1] == len(fitted.names(profiles.names))
    other = profiles.values.copy()
    other[~train] = 0.1
    again = step.fit(other, profiles.meta, train=train).transform(profiles.values, profiles.meta)
    np.testing.assert_array_equal(again, whole)


def test_controls_that_fit_are_flagged():
    profiles = made()
    controls = (profiles.meta["compound"] == "DMSO").to_numpy()
    applied = pipeline(["standardise", "tvn"]).apply(profiles, controls=controls)
    assert (applied.fitted_on == controls).all()
    assert applied.meta["fitted_on"].tolist() == controls.tolist()
    assert applied.profiles.source["steps"] == ["standardise()", "tvn() on 15 controls"]
    assert applied.profiles.names == ("TVN1", "TVN2", "TVN3", "TVN4", "TVN5")
    assert not pipeline("standardise").apply(profiles, controls=controls).fitted_on.any()


def test_flags_follow_an_aggregation():
    profiles = made()
    controls = (profiles.meta["compound"] == "DMSO").to_numpy()
    applied = pipeline(
        [{"robust_z": {"by": "plate"}}, {"aggregate": {"by": "compound"}}, "standardise"]
    ).apply(profiles, controls=controls)
    assert applied.profiles.meta["compound"].tolist() == ["DMSO", "a", "b", "c"]
    assert applied.fitted_on.tolist() == [True, False, False, False]
    with pytest.raises(ProfileError, match="cannot be fitted within a fold"):
        pipeline({"aggregate": {"by": "compound"}}).fit(profiles.values, profiles.meta)


def test_what_was_done_otherwise_is_told():
    profiles = made()
    profiles.values[:, 1] = 4
    applied = pipeline(["drop_features", {"pca": 99}]).apply(profiles)
    assert applied.reasons == (
        "drop_features: 1 of 5 features were dropped: constant in training rows",
        "pca: 60 fitted rows have 4 components, not 99",
    )
    assert applied.profiles.source["reasons"] == list(applied.reasons)


def test_steps_are_plain_values():
    assert Standardise(by="plate") == Standardise(by="plate")
    assert hash(Standardise(by="plate")) == hash(Standardise(by="plate"))


def test_treatments_of_bbbc021_find_their_mechanism(data):
    profiles = read_profiles(data / "bbbc021_profiles" / "BBBC021_feature_selected_mad_robustize.csv")
    treated = profiles.take(profiles.meta["moa"].to_numpy() != "DMSO")
    spec = [{"clip": 20}, {"aggregate": {"by": ["Compound", "Concentration", "moa"]}}, "l2"]
    found = pipeline(spec).apply(treated).profiles
    alike = found.values @ found.values.T
    compound, moa = found.column("Compound"), found.column("moa")
    alike[compound[:, None] == compound[None, :]] = -2
    assert found.n == 103
    assert int((moa[alike.argmax(axis=1)] == moa).sum()) == 94
