"""YAML written: reads back as what it was, here and in another reader; few quotes, folded prose."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import AWKWARD, CALM
from micrographia.metadata.yaml_nodes import plain
from micrographia.metadata.yaml_parsing import parse
from micrographia.metadata.yaml_writing import (
    WIDTH,
    document,
    entry,
    flow,
    item_lines,
    quoted,
    scalar,
    text_block,
)

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",))) | AWKWARD
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@CALM
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_documents_read_back(values: dict[str, Any]) -> None:
    assert plain(parse(document(values)).root) == values


@CALM
@given(
    st.dictionaries(TEXTS, VALUES.filter(lambda value: not isinstance(value, float)), min_size=1, max_size=4)
)
def test_other_readers_read_the_same(values: dict[str, Any]) -> None:
    assert yaml.load(document(values), Loader=yaml.CSafeLoader) == values


@CALM
@given(VALUES)
def test_one_line_forms_read_back(value: Any) -> None:
    line = flow(value)
    assert "\n" not in line
    assert plain(parse(f"a: {line}").root) == {"a": value}


@CALM
@given(st.lists(VALUES, min_size=1, max_size=3))
def test_items_read_back(values: list[Any]) -> None:
    text = "\n".join(["a:", *(line for value in values for line in item_lines(value, 2))])
    assert plain(parse(text + "\n").root) == {"a": values}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Homo sapiens", "Homo sapiens"),
        ("C:\\new folder", "C:\\new folder"),
        ("https://orcid.org/0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097"),
        ("CC-BY-4.0", "CC-BY-4.0"),
        ("1.0", '"1.0"'),
        ("2023-01-17", '"2023-01-17"'),
        ("yes", '"yes"'),
        ("?", '"?"'),
        ("a: b", '"a: b"'),
        ("", '""'),
        ("tab\there", '"tab\\there"'),
        ("\x85", '"\\x85"'),
        (True, "true"),
        (None, "null"),
        (0.5, "0.5"),
        (3, "3"),
    ],
)
def test_quotes_only_where_they_are_needed(value: object, shown: str) -> None:
    assert scalar(value) == shown


def test_long_prose_is_folded_and_lines_are_kept() -> None:
    prose = " ".join(["word"] * 60)
    lines = entry("description", prose, 2)
    assert lines[0] == "  description: >-"
    assert all(len(line) <= WIDTH for line in lines)
    assert entry("a", "one\ntwo", 0) == ["a: |-", "  one", "  two"]
    assert entry("a", "one\ntwo\n", 0, "note") == ["a: |  # note", "  one", "  two"]
    assert text_block("short", 2) is None
    assert text_block(" starts\nwith a space", 2) is None
    assert quoted("a\nb") == '"a\\nb"'


def test_empty_things_and_notes() -> None:
    assert document({}) == "{}\n"
    assert entry("a", [], 0) == ["a: []"]
    assert entry("a", {}, 0, "note") == ["a: {}  # note"]
    assert entry("a", {"b": 1}, 0, "note") == ["a:", "  b: 1  # note"]
    assert item_lines({"b": [1, {"c": 2}]}, 2) == ["  - b:", "      - 1", "      - c: 2"]
