"""Names and files."""

import pytest

from micrographia.annotations.files import clean, head, read_bytes, read_text, safe_name, write_text
from micrographia.errors import AnnotationError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", ("a.png", True)),
        ("train/a.png", ("train/a.png", True)),
        ("train\\a.png", ("train/a.png", True)),
        ("./a//b.png", ("a/b.png", True)),
        ("../a.png", ("a.png", False)),
        ("a/../../b.png", ("b.png", False)),
        ("/etc/passwd", ("passwd", False)),
        ("C:\\x\\a.png", ("a.png", False)),
        ("\\\\host\\share\\a.png", ("a.png", False)),
        ("s3://bucket/a.png", ("a.png", False)),
        ("..", ("unnamed", False)),
        ("/", ("unnamed", False)),
        ("", ("", True)),
    ],
)
def test_names_stay_in_their_folder(name, expected):
    assert safe_name(name) == expected


def test_names_that_are_not_utf_8_are_cleaned():
    assert clean("a\udcff\U0001f9ec") == "a\ufffd\U0001f9ec"


def test_limits(tmp_path):
    write_text(tmp_path / "deep" / "a.txt", "äöü\ud800")
    assert read_text(tmp_path / "deep" / "a.txt") == ("äöü?", True)
    with pytest.raises(AnnotationError, match="larger than 3 bytes"):
        read_bytes(tmp_path / "deep" / "a.txt", 3)
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_bytes(tmp_path)
    assert head(tmp_path) == b""
    assert head(tmp_path / "deep" / "a.txt", 2) == "ä".encode()
