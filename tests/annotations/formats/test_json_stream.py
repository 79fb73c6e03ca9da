"""JSON element by element: what the standard library reads, in bounded memory."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.annotations.formats.json_stream import number, numbers, opened, whole
from micrographia.errors import AnnotationError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values, max_size=5), st.sampled_from([None, 1]), st.booleans())
def test_objects_are_read_as_json_reads_them(tmp_path_factory, value, indent, ascii_only):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(
        "\ufeff \n" + json.dumps(value, indent=indent, ensure_ascii=ascii_only),
        encoding="utf-8",
        errors="surrogatepass",
    )
    with opened(path) as file:
        members = file.members()
        assert {name: file.value(span) for name, span in members.items()} == value
        for name, held in value.items():
            if isinstance(held, list):
                assert list(file.elements(members[name])) == held


@given(st.lists(values, max_size=6))
def test_lists_are_read_as_json_reads_them(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(value))
    with opened(path) as file:
        assert list(file.elements()) == value
        assert file.members() == {}


@pytest.mark.parametrize("text", ["", " ", "3", "[1, 2", '{"a": [1, }', '{"a" 1}', "[1] 2", '{"a": [1 2]}'])
def test_broken_json_is_refused(text, tmp_path):
    (tmp_path / "a.json").write_text(text)

    def everything():
        with opened(tmp_path / "a.json") as file:
            for span in file.members().values():
                file.value(span)
            if file.top == "[":
                list(file.elements())

    with pytest.raises(AnnotationError):
        everything()


def test_numbers():
    assert (number(3), number(True), number("3"), number(float("inf")), number(10**400)) == (
        3.0,
        None,
        None,
        None,
        None,
    )
    assert (whole("12"), whole(3.0), whole(3.5), whole(True), whole(2**63), whole("1" * 50)) == (
        12,
        3,
        None,
        None,
        None,
        None,
    )
    assert numbers([1, 2.5]).tolist() == [1.0, 2.5]
    assert (
        numbers([1, "2"])
        is numbers([True])
        is numbers([float("nan")])
        is numbers(3)
        is numbers([10**400])
        is None
    )
