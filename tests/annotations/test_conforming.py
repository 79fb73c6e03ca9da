"""Any table becomes one of ours: what is coerced is told, what cannot be read is missing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation_cases import full_table
from micrographia.annotations import TABLES, conform, empty, schema_markdown
from micrographia.annotations.codes import CODES
from micrographia.annotations.tables import STORAGE
from micrographia.errors import AnnotationError


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_ours_stays_as_it_is(kind):
    table = full_table(kind)
    again, findings = conform(table, kind)
    assert findings == []
    pd.testing.assert_frame_equal(again, table)


@pytest.mark.parametrize("kind", TABLES)
def test_types_are_those_of_the_schema(kind):
    for table in (empty(kind), full_table(kind)):
        expected = [pd.api.types.pandas_dtype(STORAGE[column.dtype]) for column in TABLES[kind].columns]
        assert table.dtypes.tolist() == expected
        assert tuple(table.columns) == TABLES[kind].names


@pytest.mark.parametrize("kind", TABLES)
def test_everything_as_text_reads_the_same(kind):
    table = full_table(kind)
    text = pd.DataFrame(
        {
            name: [str(v.tolist()) if isinstance(v, np.ndarray) else str(v) for v in table[name]]
            for name in table
        }
    )
    again, findings = conform(text, kind)
    assert findings == []
    pd.testing.assert_frame_equal(again, table)


def test_every_schema_is_documented():
    text = schema_markdown()
    for schema in TABLES.values():
        assert f"### `{schema.kind}`" in text
        assert set(schema.key) <= set(schema.names)
        for column in schema.columns:
            assert f"| `{column.name}`" in text
            assert column.meaning


def test_numbers_as_text_are_read_and_others_are_missing():
    frame = pd.DataFrame(
        {"object_id": ["1", "2.0", " 3 ", "x"], "y": ["1e2", "nan", "7", "8"], "x": [1, 2, "z", 4]}
    )
    table, findings = conform(frame, "points", "p.csv")
    assert table["object_id"].tolist() == [1]
    assert table["y"].tolist() == [100.0]
    assert {note.code for note in findings} == {"N002", "N003"}
    assert {note.path for note in findings} == {"p.csv"}
    assert [note.evidence["rows"] for note in findings if note.code == "N003"] == [[1, 2, 3]]


def test_columns_in_another_case_are_taken():
    table, findings = conform(pd.DataFrame({"Object ID": [4], "Y": [1], "X": [2]}), "points")
    assert table.loc[0, ["object_id", "y", "x"]].tolist() == [4, 1, 2]
    assert [note.code for note in findings] == ["N001"]


def test_doubled_columns_are_told():
    frame = pd.DataFrame([[1, 2, 3, 4]], columns=["object_id", "y", "x", "x"])
    table, findings = conform(frame, "points")
    assert table["x"].tolist() == [3]
    assert [note.code for note in findings] == ["N005"]


def test_further_columns_stay_behind():
    frame = pd.DataFrame({"brightness": [0.5], "object_id": [1], "y": [2], "x": [3]})
    table, findings = conform(frame, "points")
    assert table.columns[-1] == "brightness"
    assert findings == []


def test_swapped_boxes_are_put_right():
    frame = pd.DataFrame({"object_id": [1], "y0": [9], "x0": [2], "y1": [3], "x1": [5]})
    table, findings = conform(frame, "boxes")
    assert table.loc[0, ["y0", "x0", "y1", "x1"]].tolist() == [3, 2, 9, 5]
    assert [note.code for note in findings] == ["N004"]


@pytest.mark.parametrize(
    ("y", "x", "shape", "kept"),
    [
        ([1, 2, 3], [1, 2, 4], "", True),
        ([1, 2, 3], [1, 2], "", False),
        ([1, 2], [1, 2], "polygon", False),
        ([1, 2], [1, 2], "path", True),
        ([1, 2, 3], [1, 2, 4], "ellipse", False),
        ([1, 2, float("nan")], [1, 2, 3], "", False),
        ("[1, 2, 3]", "[1, 2, 4]", "", True),
        ("[1, 2", "[1, 2, 4]", "", False),
        ([[1, 2, 3]], [1, 2, 3], "", False),
    ],
)
def test_rings_need_vertices(y, x, shape, kept):
    frame = pd.DataFrame({"object_id": [1], "y": [y], "x": [x], "shape": [shape]})
    assert len(conform(frame, "polygons")[0]) == kept


def test_large_unsigned_ids_are_not_rounded():
    frame = pd.DataFrame({"label_id": np.array([2**63 + 1, 2**62 + 1], np.uint64)})
    table, findings = conform(frame, "objects")
    assert table["label_id"].tolist() == [2**62 + 1]
    assert [note.code for note in findings] == ["N002", "N003"]
    text, _ = conform(pd.DataFrame({"label_id": [str(2**62 + 1)]}), "objects")
    assert text["label_id"].tolist() == [2**62 + 1]


@pytest.mark.parametrize("value", ["true", "YES", 1, True])
def test_flags(value):
    table, _ = conform(pd.DataFrame({"object_id": [1], "y": [0], "x": [0], "ignore": [value]}), "points")
    assert table["ignore"].tolist() == [True]


def test_an_unknown_kind_is_refused():
    with pytest.raises(AnnotationError, match="Kinds are objects"):
        conform(pd.DataFrame(), "blobs")


cells = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.text(max_size=9),
    st.booleans(),
    st.lists(st.floats(), max_size=4),
    st.binary(max_size=4),
)


@settings(max_examples=60)
@given(st.sampled_from(sorted(TABLES)), st.data())
def test_no_table_breaks_it(kind, data):
    names = data.draw(st.lists(st.sampled_from(TABLES[kind].names), unique=True, min_size=1, max_size=6))
    rows = data.draw(st.integers(0, 4))
    frame = pd.DataFrame(
        {name: pd.Series([data.draw(cells) for _ in range(rows)], dtype=object) for name in names}
    )
    table, findings = conform(frame, kind)
    assert len(table) + sum(note.evidence["count"] for note in findings if note.code == "N003") == rows
    again, more = conform(table, kind)
    pd.testing.assert_frame_equal(again, table)
    assert more == []


def test_codes_are_numbered_without_gaps():
    assert list(CODES) == [f"N{k:03d}" for k in range(1, len(CODES) + 1)]
