"""Dotted paths: there and back, gaps refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM
from micrographia.metadata.trees import assign, dotted, empty, nested, paths, tokens, value_in


def test_paths_are_divided() -> None:
    assert tokens("annotations[0].authors[12].name") == ["annotations", 0, "authors", 12, "name"]
    assert tokens("we ird") == ["we ird"]


@pytest.mark.parametrize("path", ["", ".", "a.", "a[", "a[x]", "[0]", "a..b", "a[0]b", "a[-1]"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="is no path of a field"):
        tokens(path)


def test_assign_makes_what_is_missing_and_refuses_gaps() -> None:
    assert assign({}, ["a", 0, "b"], 1) == {"a": [{"b": 1}]}
    assert assign({"a": "text"}, ["a", "b"], 1) == {"a": {"b": 1}}
    with pytest.raises(ValueError, match="index 2 leaves a gap: the list has 1"):
        assign({"a": [1]}, ["a", 2], 1)


def test_nested_takes_both_forms() -> None:
    assert nested(
        {"study.title": "t", "annotations": [{"name": "n"}], "annotations[0].target.object": "o"}
    ) == {
        "study": {"title": "t"},
        "annotations": [{"name": "n", "target": {"object": "o"}}],
    }


def test_what_is_empty() -> None:
    assert all(empty(value) for value in (None, "", "?", [], {}, {"a": [None, {"b": "?"}]}))
    assert not any(empty(value) for value in (0, False, "x", [0], {"a": 0}))


NAMES = st.text("abc_", min_size=1, max_size=4)
TREES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)


@CALM
@given(st.dictionaries(NAMES, TREES, max_size=3))
def test_every_value_has_a_path_that_leads_back(tree: dict[str, object]) -> None:
    rebuilt: dict[str, object] = {}
    for at, value in paths(tree):
        assert value_in(tree, dotted(at)) == value
        assert tokens(dotted(at)) == list(at)
        assign(rebuilt, list(at), value)
    assert rebuilt == tree
