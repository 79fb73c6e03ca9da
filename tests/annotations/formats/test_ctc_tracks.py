"""Tracks of the Cell Tracking Challenge."""

import pytest

from micrographia.annotations import Annotations, read, sniff, write
from micrographia.errors import AnnotationError


def loaded(tmp_path, text, name="man_track.txt"):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    return read(tmp_path / name, "ctc")


def test_a_division(tmp_path):
    result = loaded(tmp_path, "1 0 2 0\n2 3 3 1\n3 3 4 1\n", "01_GT/TRA/man_track.txt")
    assert sniff(tmp_path / "01_GT/TRA/man_track.txt") == "ctc"
    tracks = result.table("tracks")
    assert tracks[["image", "t", "label_id", "track_id"]].values.tolist() == [
        ["01", 0, 1, 1], ["01", 1, 1, 1], ["01", 2, 1, 1], ["01", 3, 2, 2], ["01", 3, 3, 3], ["01", 4, 3, 3]
    ]  # fmt: skip
    assert tracks["parent"].isna().tolist() == [True] * 3 + [False] * 3
    assert result.findings == []


def test_what_comes_in_goes_out(tmp_path):
    text = "1 0 2 0\n2 3 3 1\n3 3 4 1\n"
    result = loaded(tmp_path, text)
    assert write(result, tmp_path / "out.txt", "ctc") == []
    assert (tmp_path / "out.txt").read_text() == text


def test_what_is_lost_is_told(tmp_path):
    tracks = Annotations()
    tracks.add(
        "tracks",
        {"image": "a", "t": [0, 2, 0], "track_id": [1, 1, 2], "label_id": [1, 1, 9], "y": [1.0, 2.0, 3.0]},
    )
    findings = write(tracks, tmp_path / "t.txt", "ctc")
    assert {note.field for note in findings} == {"tracks", "tracks.y"}
    assert (tmp_path / "t.txt").read_text() == "1 0 2 0\n2 0 0 0\n"


def test_lines_that_are_none_are_counted(tmp_path):
    result = loaded(tmp_path, "1 0 2 0\n2 5 3 0\nx\n1 2 3\n1 0 0 0\n")
    notes = {note.code: note for note in result.findings}
    assert notes["N003"].evidence["lines"] == [2, 3, 4]
    assert "N010" in notes
    assert len(result.table("tracks")) == 4


def test_endless_tracks_are_refused(tmp_path):
    with pytest.raises(AnnotationError, match="rows of tracks"):
        loaded(tmp_path, "1 0 99999999999 0\n")
