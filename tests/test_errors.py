"""Errors name the file, the problem and the way out, on one line that any terminal can show."""

import pickle
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia import errors
from micrographia.errors import ImageError, MicrographiaError, command_line, printable

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MicrographiaError)
]


def test_message_names_file_problem_and_remedy():
    error = ImageError(Path("a/b.tif"), "is truncated", "Copy it again")
    assert str(error) == "a/b.tif: is truncated. Copy it again"
    assert (error.path, error.problem, error.remedy) == ("a/b.tif", "is truncated", "Copy it again")


def test_message_without_path_or_remedy():
    assert str(MicrographiaError("", "there is no space left")) == "there is no space left"


def test_full_stop_of_a_library_is_not_doubled():
    assert str(MicrographiaError("x", "Not a TIFF file.", "Look at it")) == "x: Not a TIFF file. Look at it"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_survive_pickling(kind):
    copy = pickle.loads(pickle.dumps(kind("x", "is bad", "Mend it")))
    assert type(copy) is kind
    assert vars(copy) == vars(kind("x", "is bad", "Mend it"))


def test_names_that_are_not_text_stay_readable():
    assert str(MicrographiaError("a\x1b[31m\n\udcffé.png", "is bad")) == "a\\x1b[31m\\n\\udcffé.png: is bad"


@given(st.text() | st.text(st.characters(categories=["Cc", "Cs", "Zl"])))
def test_printable_is_one_line_that_encodes(text):
    shown = printable(text)
    assert shown.isprintable()
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert len(shown) >= len(text)


@given(st.text().filter(str.isprintable))
def test_printable_leaves_ordinary_text_alone(text):
    assert printable(text) == text


@given(st.lists(st.text().filter(str.isprintable)))
def test_a_command_to_paste_is_one_command_with_these_words(words):
    assert shlex.split(command_line(*words)) == ["micrographia", *words]


@pytest.mark.parametrize(
    "accession", ["x; touch here", "$(touch here)", "`touch here`", "a'b", "a\nb", "\x1b]0;t\x07"]
)
def test_a_command_to_paste_runs_nothing_else(accession, tmp_path):
    line = command_line("show", accession).replace("micrographia", "true", 1)
    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
    assert line.isprintable()
