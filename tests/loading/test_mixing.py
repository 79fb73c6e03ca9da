"""Shares of datasets, worked by hand and by their properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loading import made
from micrographia.loading import LoadingError, patches
from micrographia.loading.mixing import capped, mixture
from micrographia.loading.planning import shares

AMOUNTS = st.lists(st.floats(0.1, 1e4), min_size=1, max_size=6)


def test_worked_by_hand():
    assert mixture([30, 10]).tolist() == [0.75, 0.25]
    assert mixture([30, 10], weights=[1, 3]).tolist() == [0.25, 0.75]
    assert mixture([16, 1], temperature=2).tolist() == [0.8, 0.2]
    assert mixture([16, 1], temperature=math.inf).tolist() == [0.5, 0.5]
    assert mixture([16, 0], temperature=math.inf).tolist() == [1, 0]
    assert mixture([5, 5], weights=[9, 1], temperature=2).tolist() == [0.75, 0.25]
    assert capped(10, np.array([0.5, 0.5]), np.array([2.0, 3.0])).tolist() == [2, 3]
    assert capped(10, np.array([0.5, 0.5]), np.array([2.0, np.inf])).tolist() == [2, 8]


@settings(max_examples=80, deadline=None)
@given(amounts=AMOUNTS, temperature=st.floats(0.5, 20), total=st.integers(1, 500), seed=st.integers(0, 99))
def test_shares_are_dealt_to_the_patch(amounts, temperature, total, seed):
    share = mixture(amounts, temperature=temperature)
    assert share.sum() == pytest.approx(1)
    assert (np.argsort(share, kind="stable") == np.argsort(amounts, kind="stable")).all() or len(
        set(amounts)
    ) < len(amounts)
    dealt = shares(total, share, np.random.default_rng(seed))
    assert dealt.sum() == total
    assert (np.abs(dealt - total * share) < 1 + 1e-6).all()


def test_dealing_is_unbiased():
    random = np.random.default_rng(0)
    share = np.array([0.05, 0.15, 0.8])
    mean = np.mean([shares(3, share, random) for _ in range(4000)], axis=0)
    np.testing.assert_allclose(mean, 3 * share, atol=0.03)


def test_datasets_are_mixed(tmp_path):
    large = made.raw(tmp_path / "large", {name: made.numbered((40, 40)) for name in "abcd"})
    small = made.raw(tmp_path / "small", {"x": made.numbered((40, 40))})

    def counts(**options):
        found = patches([large, small], (10, 10), masks=False, **options)
        return np.bincount([patch["dataset"] for patch in found], minlength=2).tolist()

    assert counts() == [64, 16]
    assert counts(weights=[1, 1]) == [40, 40]
    assert counts(temperature=2, per_epoch=90) == [60, 30]
    assert counts(weights=[1, 1], object_cap=1) == [64, 16]
    assert counts(weights=[0, 1], per_epoch=5) == [0, 5]
    assert counts(weights=[1, 9], object_cap=2, per_epoch=60) == [28, 32]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": [1]}, "not 2 numbers"),
        ({"weights": [-1, 2]}, "at least 0"),
        ({"weights": [0, 0]}, "at least 0"),
        ({"temperature": 0}, "not above 0"),
        ({"object_cap": 0}, "object_cap"),
        ({"sampling": "grid", "per_epoch": 3}, "grid"),
        ({"sampling": "spiral"}, "none of random"),
        ({"per_epoch": 0}, "less than 1"),
        ({"images": ["a"]}, "list of ids for each"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, options, words):
    one = made.raw(tmp_path / "one", {"a": made.numbered((20, 20))})
    two = made.raw(tmp_path / "two", {"a": made.numbered((20, 20))})
    with pytest.raises(LoadingError, match=words) as caught:
        len(patches([one, two], (8, 8), masks=False, **options))
    assert caught.value.remedy


def test_groups_and_splits_choose_images(tmp_path):
    images = {name: made.numbered((20, 20)) for name in "abcd"}
    made.raw(
        tmp_path,
        images,
        splits={"a": "train", "b": "train", "c": "test", "d": "test"},
        donors={"a": "1", "b": "2", "c": "1", "d": "3"},
    )

    def names(**options):
        return [frame.image_id for frame in patches(tmp_path, (8, 8), masks=False, **options).frames]

    assert names(split="train") == ["a", "b"]
    assert names(groups={"donor": ["1", "3"]}) == ["a", "c", "d"]
    assert names(groups={"donor": "1"}, split="test") == ["c"]
    assert names(images=["d", "a"]) == ["a", "d"]
    with pytest.raises(LoadingError, match="no image is left"):
        names(groups={"donor": ["1"]}, images=["d"])
