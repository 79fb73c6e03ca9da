import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from micrographia.errors import ProfileError
from micrographia.representation.retrieval import pair_lists
from micrographia.representation.retrieval.pair_lists import connected, pair_list


def test_pairs_by_hand():
    found = pair_list(
        ["a", "b", "c", "d"],
        [("b", "a"), ("a", "b"), ("a", "a"), ("a", "z")],
        [[{"x"}, {"x", "y"}, {"y"}, set()], [{"x"}, set(), {"x"}, {"x"}]],
    )
    assert found.pairs == ((0, 1), (1, 2), (0, 2), (0, 3), (2, 3))
    assert (found.n_unknown, found.n_repeated, found.n_self) == (1, 1, 1)


@given(st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=12))
def test_names_that_share_a_value_are_pairs(sets):
    found = set(pair_list([str(at) for at in range(len(sets))], (), [sets]).pairs)
    assert found == {(a, b) for a, b in itertools.combinations(range(len(sets)), 2) if sets[a] & sets[b]}


def test_a_column_of_one_value_is_no_list_of_pairs(monkeypatch):
    monkeypatch.setattr(pair_lists, "MOST_PAIRS", 40)
    with pytest.raises(ProfileError, match="45 pairs of names share a value"):
        pair_list([str(at) for at in range(10)], (), [[{"x"}] * 10])


@given(st.data(), st.integers(1, 12))
def test_components_are_those_of_a_graph(data, n):
    groups = data.draw(st.lists(st.one_of(st.none(), st.integers(0, 6)), min_size=n, max_size=n))
    pairs = data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=12))
    found = connected(pairs, groups)
    same = [(a, b) for a in range(n) for b in range(n) if groups[a] is not None and groups[a] == groups[b]]
    edges = np.array([*pairs, *same], int).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    assert len(found) == len(pairs)
    for (a, _), (c, _), x, y in zip(pairs, pairs[::-1], found, found[::-1], strict=True):
        assert (component[a] == component[c]) == (x == y)
