import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.errors import ProfileError
from micrographia.representation.baselines import layout, one_hot, well_place


@given(st.integers(1, 32), st.integers(1, 48))
def test_wells_are_read_in_every_usual_spelling(row, column):
    letters = chr(64 + row) if row <= 26 else "A" + chr(64 + row - 26)
    for text in (
        f"{letters}{column}",
        f"{letters}{column:02}",
        f"{letters.lower()}-{column:02}",
        f" {letters} {column} ",
        f"r{row:02}c{column:02}",
        f"R{row}C{column}f03",
    ):
        assert well_place(text) == (row, column), text


@pytest.mark.parametrize("text", ["", "DMSO", "A00", "A49", "ZZ3", "7", "A1B", "nan", "r00c01"])
def test_what_is_no_well_is_none(text):
    assert well_place(text) is None


def test_position_and_plate():
    meta = pd.DataFrame({"Plate": ["b", "a", "b", None], "Well": ["A01", "H12", "D5", "C03"]})
    found = layout(meta)
    assert list(found) == ["well position", "plate", "plate and position"]
    assert found["well position"].values.tolist() == [[1, 1, 0], [8, 12, 0], [4, 5, 3], [3, 3, 2]]
    assert found["well position"].source["plate_shape"] == [8, 12]
    assert found["plate"].names == ("plate=a", "plate=b")
    assert found["plate"].values[:3].tolist() == [[0, 1], [1, 0], [0, 1]]
    assert np.isnan(found["plate"].values[3]).all()
    assert found["plate"].source["undefined"] == [{"reason": "Plate is missing", "rows": 1, "first": ["3"]}]
    both = found["plate and position"]
    assert both.d == 2 + 4 + 4 + 1
    assert both.values[0, both.names.index("row=01")] == 1
    assert {profiles.source["kind"] for profiles in found.values()} == {"layout"}
    assert found["plate"].meta.equals(meta)
    assert all(json.loads(json.dumps(profiles.source)) == profiles.source for profiles in found.values())


def test_the_format_is_the_smallest_that_holds_all_wells():
    assert layout(pd.DataFrame({"well": ["B02", "I03"]}))["well position"].source["plate_shape"] == [16, 24]
    assert layout(pd.DataFrame({"well": ["B02"]}), shape=(16, 24))["well position"].values[0, 2] == 1
    with pytest.raises(ProfileError, match="8 x 12"):
        layout(pd.DataFrame({"well": ["P24"]}), shape=(8, 12))


def test_missing_wells_are_missing_and_none_at_all_is_an_error():
    found = layout(pd.DataFrame({"well": ["A01", None, "unknown"]}))["well position"]
    assert np.isnan(found.values).all(axis=1).tolist() == [False, True, True]
    assert [entry["reason"] for entry in found.source["undefined"]] == [
        "no well is named",
        "the text names no well",
    ]
    with pytest.raises(ProfileError, match="names a well"):
        layout(pd.DataFrame({"well": ["x", "y"]}))


def test_columns_are_found_or_named():
    meta = pd.DataFrame({"Metadata_Assay_Plate_Barcode": ["p"], "place": ["A01"]})
    assert list(layout(meta)) == ["plate"]
    assert "well position" in layout(meta, well="place")
    assert layout(pd.DataFrame({"compound": ["x"]})) == {}
    with pytest.raises(ProfileError, match="no column 'spot'"):
        layout(meta, well="spot")


def test_many_rows_take_no_time():
    wells = [f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)]
    meta = pd.DataFrame({"plate": np.repeat(np.arange(20), 10_000), "well": np.resize(wells, 200_000)})
    found = layout(meta)
    assert found["plate and position"].values.shape == (200_000, 20 + 8 + 12 + 1)
    assert found["plate and position"].values.dtype == np.float32
    assert found["plate and position"].names[20:22] == ("row=01", "row=02")
    assert found["well position"].values[95].tolist() == [8, 12, 0]


def test_too_many_plates_are_told():
    meta = pd.DataFrame({"plate": np.arange(20_000)})
    with pytest.raises(ProfileError, match="too many"):
        one_hot(meta, "plate", "plate")


@pytest.mark.real_data
def test_real_plates(data):
    path = data / "lincs_SQ00015054_profiles/SQ00015054_normalized_feature_select.csv.gz"
    meta = pd.read_csv(path, usecols=["Metadata_Well", "Metadata_Plate"])
    found = layout(meta.rename(columns=lambda name: name.removeprefix("Metadata_")))
    position = found["well position"]
    assert position.source["plate_shape"] == [16, 24]
    assert len(np.unique(position.values[:, :2], axis=0)) == 384
    assert position.values[:, 2].max() == 7
