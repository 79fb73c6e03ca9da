import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.encoders import parts as module
from micrographia.representation.encoders.parts import (
    Parts,
    only_run,
    settings_sha256,
    write_parquet,
    written_source,
)
from micrographia.representation.profiles_io import read_profiles

SETTINGS = {"encoder": {"name": "a", "sha256": "0"}, "batch": 8}


def begun(folder, settings=SETTINGS, **options):
    parts = Parts(folder, settings)
    parts.begin(**options)
    return parts


def values(rows, start=0):
    return np.arange(start, start + rows * 3, dtype=np.float32).reshape(rows, 3)


@pytest.fixture
def left(tmp_path):
    """What a run left that was killed after two parts."""
    parts = begun(tmp_path / ".a.parts")
    parts.add(values(2), 1)
    parts.add(values(3, 100), 4)
    return parts


def test_a_run_goes_on_where_it_was_killed(left):
    again = begun(left.folder)
    assert (again.chunks, again.rows) == (4, 5)
    assert np.array_equal(np.concatenate(list(again.values())), np.concatenate([values(2), values(3, 100)]))


@pytest.mark.parametrize("damage", ["cut line", "no line", "part cut", "part gone"])
def test_a_part_that_is_not_whole_is_done_again(left, damage):
    journal, part = left.folder / "journal.jsonl", left.files[1]
    lines = journal.read_text().splitlines(keepends=True)
    if damage == "cut line":
        journal.write_text("".join(lines[:2]) + lines[2][:20])
    elif damage == "no line":
        journal.write_text("".join(lines[:2]))
    elif damage == "part cut":
        part.write_bytes(part.read_bytes()[:-4])
    else:
        part.unlink()
    again = begun(left.folder)
    assert (again.chunks, again.rows) == (1, 2)
    again.add(values(3, 100), 4)
    assert begun(left.folder).rows == 5


def test_other_settings_are_refused_unless_all_is_begun_afresh(left):
    other = {**SETTINGS, "batch": 3}
    with pytest.raises(ProfileError, match="an interrupted run had batch 8, this one has 3"):
        begun(left.folder, other)
    assert begun(left.folder, other, afresh=True).rows == 0


def test_a_journal_that_cannot_be_read_begins_anew(tmp_path):
    (tmp_path / ".a.parts").mkdir()
    (tmp_path / ".a.parts" / "journal.jsonl").write_text("\x00\x00")
    assert begun(tmp_path / ".a.parts").rows == 0


def test_only_one_run_at_a_time(tmp_path):
    out = tmp_path / "a.parquet"
    with (
        only_run(tmp_path / ".a.parts", out),
        pytest.raises(ProfileError, match="another run is writing it"),
        only_run(tmp_path / ".a.parts", out),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bytes_", [1, 40, 1 << 20])
def test_row_groups_do_not_change_the_rows(left, tmp_path, monkeypatch, bytes_):
    monkeypatch.setattr(module, "GROUP_BYTES", bytes_)
    meta = pd.DataFrame({"image": list("abcde"), "t": range(5), "split": ["train", None, None, None, "test"]})
    write_parquet(tmp_path / "a.parquet", "net", meta, ("x.0", "x.1", "x.2"), {"kind": "candidate"}, left)
    found = read_profiles(tmp_path / "a.parquet")
    assert np.array_equal(found.values, np.concatenate([values(2), values(3, 100)]))
    assert found.values.dtype == np.float32
    assert found.name == "net"
    assert found.column("image").tolist() == list("abcde")
    assert found.column("split").tolist() == ["train", None, None, None, "test"]
    assert found.source["written"] == {"kind": "candidate"}
    sizes = {1: 1, 40: 3, 1 << 20: 5}
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0).num_rows == sizes[bytes_]


def test_a_row_that_is_not_there_is_noticed(left, tmp_path):
    with pytest.raises(ProfileError, match="5 of 6 rows are there"):
        write_parquet(tmp_path / "a.parquet", "net", pd.DataFrame({"i": range(6)}), ("x",) * 3, {}, left)
    assert not (tmp_path / "a.parquet").exists()


def test_nothing_is_left_of_an_output_that_fails(left, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError, match="cannot be written"):
        write_parquet(
            tmp_path / "file" / "a.parquet", "net", pd.DataFrame({"i": range(5)}), ("x",) * 3, {}, left
        )


@pytest.mark.parametrize("content", [b"", b"PAR1", b"other"])
def test_a_file_of_others_has_no_provenance(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    assert written_source(tmp_path / "a.parquet") == {}
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "b.parquet")
    assert written_source(tmp_path / "b.parquet") == {}


def test_settings_are_the_same_whatever_their_order():
    assert settings_sha256({"a": 1, "b": 2}) == settings_sha256(json.loads('{"b": 2, "a": 1}'))
