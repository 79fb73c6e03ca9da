import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from micrographia.representation.baselines.tissue_positions import Region
from micrographia.representation.baselines.tissue_types import (
    both,
    composition,
    edge_types,
    join_moments,
    type_distances,
)

RNG = np.random.default_rng(12)
NAMES = ["B", "T", "tumour"]


def region(points, types):
    x, y = np.asarray(points, float).T
    return Region(x.copy(), y.copy(), np.asarray(types))


def told(measured):
    return dict(zip(measured.names, measured.values, strict=True))


def test_composition():
    found = told(composition(region(RNG.random((5, 2)), [0, 0, 2, 2, -1]), NAMES))
    assert [found[f"share_{name}"] for name in NAMES] == [0.5, 0, 0.5]
    assert found["entropy"] == pytest.approx(np.log(2))
    assert [found["simpson"], found["types"]] == [0.5, 2]
    alone = told(composition(region(RNG.random((2, 2)), [1, 1]), NAMES))
    assert alone["entropy"] == 0
    unknown = composition(region(RNG.random((2, 2)), [-1, -1]), NAMES)
    assert np.isnan(unknown.values).all()
    assert unknown.reasons == ("no cell with a known type",)


def test_join_moments_are_those_of_all_shuffles():
    points = RNG.random((40, 2))
    types = np.array([0] * 17 + [1] * 13 + [2] * 10)
    a, b = region(points, types).edges
    mean, variance = join_moments(a, b, types, 3)
    counts = []
    for _ in range(20_000):
        shuffled = RNG.permutation(types)
        s, t = shuffled[a], shuffled[b]
        counts.append(
            [[((s == i) & (t == j) | (s == j) & (t == i)).sum() for j in range(3)] for i in range(3)]
        )
    np.testing.assert_allclose(mean, np.mean(counts, axis=0), rtol=0.01)
    np.testing.assert_allclose(variance, np.var(counts, axis=0), rtol=0.05)


def test_join_moments_by_hand():
    # A path of three cells, two of type 0: of three places for the other, one lies in the middle.
    mean, variance = join_moments(np.array([0, 1]), np.array([1, 2]), np.array([0, 0, 1]), 2)
    assert mean[0, 1] == pytest.approx((1 + 2 + 1) / 3)
    assert variance[0, 1] == pytest.approx(2 / 9)
    assert mean[0, 0] == pytest.approx(2 / 3)
    assert mean[1, 1] == variance[1, 1] == 0


def test_enrichment_finds_who_keeps_company():
    points = np.concatenate([RNG.random((200, 2)), RNG.random((200, 2)) + np.array([1, 0])])
    parts = edge_types(region(points, [0] * 200 + [1] * 200), NAMES)
    apart = told(parts[0]) | told(parts[1])
    assert apart["enrichment_B~B"] > 5 < apart["enrichment_T~T"]
    assert apart["enrichment_B~T"] < -5
    assert apart["edges_B~B"] + apart["edges_B~T"] + apart["edges_T~T"] == pytest.approx(1)
    assert np.isnan(apart["enrichment_tumour~tumour"])
    mixed = both(region(points, RNG.permutation([0] * 200 + [1] * 200)), NAMES)
    assert abs(told(mixed)["enrichment_B~T"]) < 4


def test_distances_between_types():
    points, types = RNG.random((60, 2)), RNG.integers(-1, 3, 60)
    types[types == 2] = 0
    types[7] = 2
    found = told(type_distances(region(points, types), NAMES))
    apart = cdist(points, points)
    np.fill_diagonal(apart, np.inf)
    for i, name in enumerate(NAMES):
        for j, other in enumerate(NAMES):
            value = found[f"nearest_{other}_from_{name}"]
            if name == other == "tumour":
                assert np.isnan(value)
            else:
                known = np.median(apart[np.ix_(types == i, types == j)].min(axis=1))
                assert value == pytest.approx(known)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-1, 2)), min_size=1, max_size=10))
def test_few_cells_are_numbers_or_have_reasons(cells):
    x, y, types = np.array(cells).T
    held = Region(x.astype(float), y.astype(float), types)
    for measured in (composition(held, NAMES), both(held, NAMES)):
        assert not np.isinf(measured.values).any()
        assert bool(np.isnan(measured.values).any()) == bool(measured.reasons)
