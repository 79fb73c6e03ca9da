import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrographia.dataset.groups import (
    assign_splits,
    folder_splits,
    group_values,
    offered_groups,
    offered_split,
    parse_group,
    parse_split,
)
from micrographia.errors import DatasetError


def test_group_by_a_part_of_the_path(tmp_path):
    images = {"a": "Plate_2/a.tif", "b": "Plate_10/b.tif", "c": "other/c.tif"}
    assert group_values(tmp_path, r"Plate_(\d+)", images) == {"a": "2", "b": "10"}
    assert group_values(tmp_path, r"(?P<group>^\w+?)[_/]", images) == {
        "a": "Plate",
        "b": "Plate",
        "c": "other",
    }


def test_group_by_a_column_of_a_spreadsheet(tmp_path):
    (tmp_path / "index.csv").write_text("name,donor\na,d1\nB,d2\nzzz,d3\n")
    images = {"a": "images/a.png", "b": "images/b.png"}
    assert group_values(tmp_path, "index.csv:donor", images) == {"a": "d1", "b": "d2"}
    with pytest.raises(DatasetError, match="no column 'age'"):
        group_values(tmp_path, "index.csv:age", images)
    with pytest.raises(DatasetError, match=r"none\.csv: does not exist"):
        group_values(tmp_path, "none.csv:donor", images)


@pytest.mark.parametrize("text", ["plate", "=x", "plate="])
def test_a_group_needs_column_and_pattern(text):
    with pytest.raises(DatasetError, match="is not COLUMN=PATTERN"):
        parse_group(text)


def test_a_pattern_that_is_none(tmp_path):
    with pytest.raises(DatasetError, match="no regular expression"):
        group_values(tmp_path, "(", {"a": "a"})


@pytest.mark.parametrize("text", ["train", "train=a", "=0.5", "train=0.7;test=0.3"])
def test_a_split_that_is_none(text):
    with pytest.raises(DatasetError, match="is not NAME=SHARE"):
        parse_split(text)


GROUPED = st.dictionaries(
    st.integers(0, 200).map(str),
    st.tuples(st.sampled_from(["", "d1", "d2", "d3", "d4", "d5"]), st.sampled_from(["", "p1", "p2", "p3"])),
    min_size=1,
    max_size=60,
)


@given(GROUPED, st.integers(0, 5))
def test_no_group_is_ever_in_two_splits(groups, seed):
    try:
        splits = assign_splits(groups, {"train": 0.7, "test": 0.3}, seed)
    except DatasetError:
        return
    assert splits.keys() == groups.keys()
    assert set(splits.values()) == {"train", "test"}
    for column in (0, 1):
        homes = {}
        for image, values in groups.items():
            if values[column]:
                assert homes.setdefault(values[column], splits[image]) == splits[image]
    assert splits == assign_splits(dict(reversed(groups.items())), {"train": 0.7, "test": 0.3}, seed)


def test_shares_are_met_when_groups_are_small():
    splits = assign_splits(
        {str(n): (str(n // 2),) for n in range(200)}, {"train": 0.7, "validation": 0.2, "test": 0.1}
    )
    counts = [list(splits.values()).count(name) for name in ("train", "validation", "test")]
    assert counts == [140, 40, 20]


def test_the_seed_draws():
    groups = {str(n): (str(n),) for n in range(40)}
    assert assign_splits(groups, {"a": 1, "b": 1}, 0) != assign_splits(groups, {"a": 1, "b": 1}, 1)


def test_folders_named_after_splits():
    images = {
        "a": "train/images/1.tif",
        "b": "imagesTs/2.nii.gz",
        "c": "data/val/x.png",
        "d": "test_images/3.tif",
        "e": "training.tif",
        "f": "tests_of_staining/4.tif",
    }
    assert folder_splits(images) == {"a": "train", "b": "test", "c": "validation", "d": "test"}


def test_a_spreadsheet_offers_groups_and_a_split_but_no_measures():
    frame = pd.DataFrame(
        {
            "file": ["a.tif", "a.tif", "b.tif", "c.tif", "z.tif"],
            "domain": ["lung", "lung", "lung", "gut", "eye"],
            "plate": ["1", "1", "1", "2", "9"],
            "height": ["256", "256", "256", "512", "1"],
            "cell": ["nerve", "muscle", "nerve", "nerve", "nerve"],
            "operator": ["me", "me", "me", "me", "you"],
            "fold": ["Train", "Train", "test", "test", "train"],
        }
    )
    images = {"a": "im/a.tif", "b": "im/b.tif", "c": "im/c.tif"}
    assert offered_groups(frame, images) == ["domain", "plate"]
    assert offered_split(frame, images) == "fold"
    assert offered_split(frame.drop(columns="fold"), images) == ""
    assert offered_groups(frame[:0], images) == []
