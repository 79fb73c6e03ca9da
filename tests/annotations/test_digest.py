"""The checksum of a table: of what it says, not of how it is stored."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation_cases import full_table
from micrographia.annotations import (
    TABLES,
    conform,
    empty,
    read,
    read_table,
    table_digest,
    write,
    write_table,
)
from micrographia.annotations.model import Annotations


@pytest.mark.parametrize("kind", TABLES)
def test_order_and_file_do_not_matter(kind, tmp_path):
    table = full_table(kind, rows=6)
    digest = table_digest(table, kind)
    assert len(digest) == 32
    assert table_digest(table.iloc[::-1], kind) == digest
    assert table_digest(table[table.columns[::-1]], kind) == digest
    write_table(table, kind, tmp_path / "t.parquet")
    assert table_digest(read_table(tmp_path / "t.parquet")[0], kind) == digest
    write(Annotations({kind: table}), tmp_path / f"{kind}.csv", "csv")
    assert table_digest(read(tmp_path / f"{kind}.csv").table(kind), kind) == digest


@given(st.data(), st.sampled_from(sorted(TABLES)))
def test_every_cell_matters(data, kind):
    table = full_table(kind)
    column = data.draw(st.sampled_from(TABLES[kind].columns))
    changed = table.copy()
    values = changed[column.name].tolist()
    value = values[1]
    values[1] = {
        "text": f"{value}.",
        "integer": 77,
        "integer?": 77,
        "number": np.nextafter(3.0, 4.0),
        "flag": False,
        "flag?": False,
        "numbers": np.array([1.0, 2.5, 7.5]),
    }[column.dtype]
    changed[column.name] = pd.Series(values, dtype=changed[column.name].dtype)
    assert table_digest(changed, kind) != table_digest(table, kind)


def test_columns_that_say_nothing_do_not_matter():
    frame = pd.DataFrame({"image": ["a"], "object_id": [1], "y": [0.0], "x": [1.0]})
    full, _ = conform(frame, "points")
    assert table_digest(frame, "points") == table_digest(full, "points")
    full["note"] = "not of the schema"
    assert table_digest(frame, "points") == table_digest(full, "points")


def test_negative_zero_is_zero_and_missing_is_not():
    def digest(z):
        return table_digest(pd.DataFrame({"object_id": [1, 2], "y": 0, "x": 0, "z": [z, 5]}), "points")

    assert digest(-0.0) == digest(0.0)
    assert digest(None) == digest(np.nan)
    assert digest(0.0) != digest(None)


def test_text_is_not_run_together():
    first = pd.DataFrame({"class_name": ["ab", "c"], "annotator": ["", "x"]})
    second = pd.DataFrame({"class_name": ["a", "bc"], "annotator": ["", "x"]})
    assert table_digest(first, "class_labels") != table_digest(second, "class_labels")


def test_kinds_and_lengths_differ():
    digests = {table_digest(empty(kind), kind) for kind in TABLES}
    assert len(digests) == len(TABLES)


def test_known_digest():
    """The canonical form is a promise: this changes only with a migration."""
    frame = pd.DataFrame({"image": ["a", "b"], "object_id": [1, 2], "y": [0.5, 1.0], "x": [2.0, 3.0]})
    assert (
        table_digest(frame, "points").hex()
        == "a791886a6673d938a079e7950e958a6f26f7dc347efdc57fcc24d82d63e99b81"
    )
