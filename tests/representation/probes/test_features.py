import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.preprocessing import pipelines
from micrographia.representation.probes import Block, Blocks, Residual

RNG = np.random.default_rng(0)
TRAIN = np.arange(40)
TEST = np.arange(40, 60)


def test_features_have_variance_1_in_total_on_training_rows_whatever_follows():
    values = RNG.normal(3, 5, (60, 7)) * np.logspace(0, 6, 7)
    shifted = values.copy()
    shifted[TEST] += 1e9
    for transform in (Block(values).fit(TRAIN), Block(shifted).fit(TRAIN)):
        found = transform(TRAIN)
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(found.var(axis=0), 1 / 7)
    np.testing.assert_allclose(Block(values).fit(TRAIN)(TRAIN), Block(shifted).fit(TRAIN)(TRAIN))


def test_constant_and_missing_features_are_left_out():
    values = RNG.normal(size=(60, 4))
    values[:, 1] = 7.3
    values[:40, 2] = np.nan
    found = Block(values).fit(TRAIN)(TEST)
    assert found.shape == (20, 2)
    np.testing.assert_allclose(found, Block(values[:, [0, 3]]).fit(TRAIN)(TEST))


def test_the_training_mean_stands_for_what_is_missing():
    values = RNG.normal(size=(60, 3))
    values[3, 0] = np.nan
    values[50, 1] = np.inf
    values[51] = np.nan
    block = Block(values)
    found = block.fit(TRAIN)(np.arange(60))
    assert found[3, 0] == 0
    assert found[50, 1] == 0
    assert np.isnan(found[51]).all()
    assert np.isfinite(np.delete(found, 51, axis=0)).all()
    assert block.notes == ("5 of 180 values are missing or infinite: the training mean stands for them",)


def test_a_feature_that_is_missing_throughout_is_told():
    values = np.c_[RNG.normal(size=60), np.full(60, np.nan)]
    assert "1 features are missing in all rows" in Block(values).notes[1]
    assert Block(values).fit(TRAIN)(TEST).shape == (20, 1)


class Spy:
    """A step that notes which rows it saw."""

    def __init__(self):
        self.fitted = []
        self.kept = True

    def fit(self, _values, meta):
        self.fitted.append(meta["row"].tolist())
        return self

    def transform(self, values, _meta):
        return values * 2 if self.kept else values[:1]


def test_preprocessing_is_fitted_on_training_rows_only():
    spy = Spy()
    meta = pd.DataFrame({"row": np.arange(60)})
    values = RNG.normal(size=(60, 3))
    found = Block(values, spy, meta).fit(TRAIN)(TEST)
    assert spy.fitted == [TRAIN.tolist()]
    np.testing.assert_allclose(found, Block(values).fit(TRAIN)(TEST))
    spy.kept = False
    with pytest.raises(ProfileError, match=r"shape \(1, 3\) from 40 rows"):
        Block(values, spy, meta).fit(TRAIN)


def test_a_pipeline_of_steps_fits():
    values = RNG.normal(size=(60, 10))
    block = Block(
        values, pipelines.pipeline(["standardise", {"pca": {"components": 3}}]), pd.DataFrame(index=range(60))
    )
    assert block.fit(TRAIN)(TEST).shape == (20, 3)


def test_blocks_side_by_side_have_the_same_variance():
    narrow, wide = RNG.normal(size=(60, 1)), RNG.normal(size=(60, 500))
    found = Blocks([Block(narrow), Block(wide)]).fit(TRAIN)(TRAIN)
    assert found[:, 0].var() == pytest.approx(1)
    assert found[:, 1:].var(axis=0).sum() == pytest.approx(1)
    with pytest.raises(ProfileError, match="blocks of features have"):
        Blocks([Block(narrow), Block(wide[:10])])


def test_what_a_nuisance_predicts_is_taken_away():
    count = RNG.normal(size=(60, 1))
    own = RNG.normal(size=(60, 3))
    found = Residual(Block(own + 5 * count), Block(count)).fit(TRAIN)(TRAIN)
    np.testing.assert_allclose(found.T @ count[TRAIN], 0, atol=1e-9)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    assert found.var(axis=0).sum() == pytest.approx(1)


def test_test_rows_do_not_touch_the_regression():
    count = RNG.normal(size=(60, 1))
    values = RNG.normal(size=(60, 3)) + count
    other = values.copy()
    other[TEST] = 1e6
    np.testing.assert_array_equal(
        Residual(Block(values), Block(count)).fit(TRAIN)(TRAIN),
        Residual(Block(other), Block(count)).fit(TRAIN)(TRAIN),
    )


def test_nothing_is_left_of_a_copy_of_the_nuisance():
    count = RNG.normal(size=(60, 1))
    assert Residual(Block(count * -3 + 1), Block(count)).fit(TRAIN)(TEST).shape == (20, 0)
    squares = Residual(Block(count**2), Block(count), degree=2).fit(TRAIN)(TEST)
    assert squares.shape == (20, 0)
    assert Residual(Block(count**2), Block(count)).fit(TRAIN)(TEST).shape == (20, 1)


def test_a_nuisance_that_explains_anything_is_refused():
    with pytest.raises(ProfileError, match="40 features for 40 training rows"):
        Residual(Block(RNG.normal(size=(60, 3))), Block(RNG.normal(size=(60, 40)))).fit(TRAIN)


def test_wrong_arrays():
    with pytest.raises(ProfileError, match="Give an"):
        Block(np.array([["a"]]))
    with pytest.raises(ProfileError, match="3 rows of features, 2 of metadata"):
        Block(np.zeros((3, 2)), None, pd.DataFrame(index=range(2)))
    assert Block(np.arange(5)).fit(np.arange(3))(np.arange(5)).shape == (5, 1)
