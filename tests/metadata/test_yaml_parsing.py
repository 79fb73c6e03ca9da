"""YAML: bounded, safe, one error with its line; scalars keep their characters and their places."""

import time
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM
from micrographia.errors import MetadataError
from micrographia.metadata.yaml_nodes import Mapping, Scalar, Sequence, from_plain, plain, resolve
from micrographia.metadata.yaml_parsing import MAX_BYTES, MAX_DEPTH, parse, read_document, read_text

LETTERS = "abcdefghijklmnopqrstuvwxyz"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{here}: &{here} [{', '.join([f'*{before}'] * 10)}]\n" for before, here in pairwise(LETTERS[:10])
)
MAPPING_BOMB = "a: &a {k: v}\n" + "".join(
    f"{here}: &{here} {{x: *{before}, y: *{before}}}\n" for before, here in pairwise(LETTERS)
)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        (BOMB, "more than 1,000,000 values", 6),
        (MAPPING_BOMB, "more than 1,000,000 values", 18),
        (
            "a: &a " + "x" * 1_000_000 + "\nb: [" + ", ".join(["*a"] * 1000) + "]",
            "more than 1,000,000 values",
            2,
        ),
        ("a: &a\n  b: *a", "contains itself", 2),
        ("a: 1\nb: !!python/object/apply:os.system ['true']", "the tag !!python/object/apply:os.system", 2),
        ("a: !local x", "the tag !local", 1),
        ("[" * 100_000, f"deeper than {MAX_DEPTH} levels", 1),
        ("{a: " * 100_000, f"deeper than {MAX_DEPTH} levels", 1),
        ("- " * 5_000 + "x", f"deeper than {MAX_DEPTH} levels", 1),
        (
            "".join("  " * depth + "a:\n" for depth in range(200)),
            f"deeper than {MAX_DEPTH} levels",
            MAX_DEPTH + 1,
        ),
        ("a: 1\n---\nb: 2\n", "a second YAML document", 2),
        ("a: 1\nb: \x07\n", "control character", 2),
        ("a: 1\nb: \x00\n", "control character", 2),
        ("a:\n\tb: 1", "not valid YAML", 2),
        ('a: 1\nb: "x\n', "not valid YAML", 2),
        ("a: b: c", "not valid YAML", 1),
        ("a:\n  b: 1\n c: 2\n", "not valid YAML", 3),
        ("a: 1\nb: *x", "*x stands for nothing", 2),
        ("? [a]\n: b", "cannot be the name of a field", 1),
        ("a: @x", "not valid YAML", 1),
    ],
)
def test_what_is_refused_says_where(text: str, problem: str, line: int) -> None:
    with pytest.raises(MetadataError) as caught:
        parse(text, "mifa.yaml")
    assert problem in caught.value.problem
    assert f"line {line}" in caught.value.problem
    assert caught.value.path == "mifa.yaml"
    assert caught.value.remedy


@pytest.mark.parametrize("text", [BOMB, MAPPING_BOMB, "[" * 1_000_000, "- " * 100_000, "? " * 100_000])
def test_bombs_cost_little_time_and_memory(text: str) -> None:
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(MetadataError):
        parse(text)
    seconds, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 5
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("data", "problem", "remedy"),
    [
        (b"a: 1\nb: \xff\n", "line 2 is not UTF-8", "UTF-8"),
        ("a: 1".encode("utf-16"), "UTF-16", "UTF-8"),
        (b"a: 1\n" * (MAX_BYTES // 5 + 1), "larger than 20 MB", "files.tsv"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, data: bytes, problem: str, remedy: str) -> None:
    file = tmp_path / "mifa.yaml"
    file.write_bytes(data)
    with pytest.raises(MetadataError) as caught:
        read_document(file)
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy
    assert caught.value.path == str(file)


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "mifa.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(5_000_000_000)
    tracemalloc.start()
    with pytest.raises(MetadataError, match="larger than"):
        read_text(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * MAX_BYTES


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="no such file"):
        read_text(tmp_path / "none.yaml")
    with pytest.raises(MetadataError, match="folder"):
        read_text(tmp_path)


def test_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    file = tmp_path / "mifa.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1")
    document = read_document(file)
    assert plain(document.root) == {"a": 1}
    assert document.bom


@pytest.mark.parametrize("text", ["", "# only a note\n", "---\n", "\n\n"])
def test_nothing_is_nothing(text: str) -> None:
    assert plain(parse(text).root) is None


def test_question_marks_without_quotes_are_put_right() -> None:
    document = parse("a: ?\nb: ? who knows  # note\nc:\n  - d: ?\n")
    assert plain(document.root) == {"a": "?", "b": "? who knows", "c": [{"d": "?"}]}
    assert document.repaired == [1, 2, 4]
    with pytest.raises(MetadataError, match="not valid YAML"):
        parse("".join(f"a{number}: ?\n" for number in range(300)))


def test_places_are_those_of_the_text() -> None:
    text = "# é\na: one\nb:\n  - 'two'\n  - >-\n    three\n    four\n\nc: {d: 5}\n"
    root = parse(text).root
    assert isinstance(root, Mapping)
    (a, one), (_, b), (_, c) = root.entries
    assert isinstance(one, Scalar)
    assert isinstance(b, Sequence)
    assert (a.line, a.column, text[one.start : one.end]) == (2, 0, "one")
    assert [item.line for item in b.items] == [4, 5]
    assert text[b.items[0].start : b.items[0].end] == "'two'"
    assert text[b.items[1].start : b.items[1].end] == ">-\n    three\n    four"
    assert text[b.start : b.end].endswith("four")
    assert text[c.start : c.end] == "{d: 5}"


def test_merge_keys_and_aliases_are_followed() -> None:
    text = "base: &base {x: 1, y: 2}\none:\n  <<: *base\n  y: 3\nmany:\n  <<: [*base, {z: 4}]\nsame: *base\n"
    assert plain(parse(text).root) == {
        "base": {"x": 1, "y": 2},
        "one": {"y": 3, "x": 1},
        "many": {"x": 1, "y": 2, "z": 4},
        "same": {"x": 1, "y": 2},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-7", -7), ("1.5", 1.5), ("1e+16", 1e16), ("true", True), ("FALSE", False), ("null", None),
        ("~", None),
        ("", None), ("1.10", "1.10"), ("007", "007"), ("0x1F", "0x1F"), ("1_000", "1_000"), ("yes", "yes"),
        ("2023-01-17", "2023-01-17"), ("12:30", "12:30"), ("+1", "+1"), (".5", ".5"),
        ("1" * 30, "1" * 30), (".nan", ".nan"),
    ],
)  # fmt: skip
def test_scalars_lose_no_character(text: str, value: object) -> None:
    assert resolve(Scalar(text, plain=True)) == value
    assert type(resolve(Scalar(text, plain=True))) is type(value)
    assert resolve(Scalar(text)) == text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@CALM
@given(JSON)
def test_plain_values_become_nodes_and_back(value: object) -> None:
    assert plain(from_plain(value)) == value


@CALM
@given(st.binary(max_size=200) | st.text("ab:-?[]{}&*!|>'\"#%@\n \t", max_size=80).map(str.encode))
def test_any_bytes_give_nodes_or_one_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "mifa.yaml"
    file.write_bytes(data)
    try:
        found = read_document(file).root
    except MetadataError as error:
        found, told = None, (error.path, bool(error.problem), bool(error.remedy))
    else:
        told = (str(file), True, True)
    assert told == (str(file), True, True)
    assert found is None or isinstance(found, Scalar | Sequence | Mapping)
