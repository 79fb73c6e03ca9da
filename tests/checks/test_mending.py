from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.checks.mending import edit_lines, mended_path
from micrographia.dataset.manifest import path_problem
from micrographia.errors import DatasetError

TEXT = 'Files\trole\tnote\r\na.tif\timage\t"say ""cell"""\r\n\r\nb.tif\timage\n'


def test_single_lines_are_edited_and_all_other_bytes_stay(tmp_path: Path) -> None:
    path = tmp_path / "files.tsv"
    path.write_bytes(TEXT.encode())
    done = edit_lines(path, {4: lambda cells: cells | {"role": "other"}, 2: lambda cells: cells}, remove={3})
    assert (done.edited, done.removed) == (1, 1)
    assert (
        path.read_bytes()
        == TEXT.replace("\r\n\r\n", "\r\n").replace("b.tif\timage\n", "b.tif\tother\t\n").encode()
    )


def test_nothing_to_do_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "files.tsv"
    path.write_bytes(TEXT.encode())
    before = path.stat()
    assert edit_lines(path, {2: lambda cells: cells | {"note": 'say "cell"'}}).edited == 0
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_cells_with_line_breaks_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "files.tsv"
    path.write_text('Files\tnote\na.tif\t"two\nlines"\n', "utf-8")
    with pytest.raises(DatasetError, match="line breaks"):
        edit_lines(path, {}, remove={2})
    with pytest.raises(DatasetError, match="cannot be read"):
        edit_lines(tmp_path / "absent.tsv", {})


@given(st.text(alphabet="./\\ ab", max_size=12))
def test_a_mended_path_is_safe_or_as_it_was(path: str) -> None:
    mended = mended_path(path)
    assert not path_problem(mended) or mended == path
    assert mended_path(mended) == mended
