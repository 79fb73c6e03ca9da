"""Tables as Parquet: exact, whole or not at all, with their version inside."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotation_cases import full_table
from micrographia.annotations import TABLES, conform, empty, read_table, write_table
from micrographia.errors import AnnotationError


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_comes_back(kind, tmp_path):
    for table in (full_table(kind), empty(kind)):
        assert write_table(table, kind, tmp_path / "some.parquet") == []
        again, findings = read_table(tmp_path / "some.parquet")
        pd.testing.assert_frame_equal(again, table)
        assert findings == []


def test_further_columns_come_back(tmp_path):
    table = full_table("points")
    table["brightness"], table["remark"] = [0.5, 1.5, 2.5], ["a", "b", "c"]
    write_table(table, "points", tmp_path / "points.parquet")
    again, _ = read_table(tmp_path / "points.parquet")
    assert again["brightness"].tolist() == [0.5, 1.5, 2.5]
    assert again["remark"].tolist() == ["a", "b", "c"]


def test_missing_numbers_are_nulls(tmp_path):
    table, _ = conform(pd.DataFrame({"object_id": [1], "y": [0], "x": [0]}), "points")
    write_table(table, "points", tmp_path / "points.parquet")
    stored = pq.read_table(tmp_path / "points.parquet")
    assert stored["z"].null_count == stored["t"].null_count == 1
    assert stored.schema.field("t").type == pa.int64()


def test_the_bytes_depend_on_the_table_alone(tmp_path):
    for name in ("a", "b"):
        write_table(full_table("polygons"), "polygons", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_foreign_file_is_conformed_by_its_name(tmp_path):
    pq.write_table(pa.table({"Object_ID": [3], "y": ["7"], "x": [1.5]}), tmp_path / "points.parquet")
    table, findings = read_table(tmp_path / "points.parquet")
    assert table.loc[0, ["object_id", "y", "x"]].tolist() == [3, 7.0, 1.5]
    assert [note.code for note in findings] == ["N001"]


def test_a_newer_version_is_refused(tmp_path):
    held = pa.table({"y": [1]}).replace_schema_metadata({"micrographia": '{"table": "points", "schema": 2}'})
    pq.write_table(held, tmp_path / "points.parquet")
    with pytest.raises(AnnotationError, match="version 2"):
        read_table(tmp_path / "points.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"x,y\n1,2\n"])
def test_what_is_no_parquet_is_refused(content, tmp_path):
    (tmp_path / "points.parquet").write_bytes(content)
    with pytest.raises(AnnotationError, match="no Parquet"):
        read_table(tmp_path / "points.parquet")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AnnotationError, match=r"none\.parquet"):
        read_table(tmp_path / "none.parquet")


def test_what_cannot_be_stored_leaves_the_old_file(tmp_path):
    write_table(full_table("points"), "points", tmp_path / "points.parquet")
    before = (tmp_path / "points.parquet").read_bytes()
    table = full_table("points")
    table["odd"] = [object(), 1, "x"]
    with pytest.raises(AnnotationError, match="cannot be stored"):
        write_table(table, "points", tmp_path / "points.parquet")
    assert (tmp_path / "points.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["points.parquet"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(AnnotationError, match="cannot be written"):
        write_table(empty("points"), "points", tmp_path / "file" / "points.parquet")
