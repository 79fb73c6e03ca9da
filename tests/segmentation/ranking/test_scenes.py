import shutil

import numpy as np
import pytest
from PIL import Image

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.ranking.scenes import Choice, scenes, unique_keys
from ranking_models import written


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return written(tmp_path_factory.mktemp("scenes") / "disks")


def test_a_dataset_brings_groups_labels_and_its_hash(made):
    (found,) = scenes(made)
    assert found.key == "disks"
    assert [item.id for item in found.items] == [f"f{number}" for number in range(6)]
    assert found.groups == {f"f{number}": f"slide{number // 2}" for number in range(6)}
    assert (found.n_groups, found.group_column, found.notes) == (3, "slide", ())
    assert found.labelled == frozenset(found.groups)
    assert len(found.content_sha256) == 64


def test_a_column_divides_a_dataset(made):
    found = scenes(made, Choice(by="slide", group="slide"))
    assert [one.key for one in found] == ["disks:slide0", "disks:slide1", "disks:slide2"]
    assert [len(one.items) for one in found] == [2, 2, 2]
    assert len({one.key for one in unique_keys([*found, *found])}) == 6


def test_fewer_images_are_spread_over_groups(made):
    (found,) = scenes(made, Choice(at_most=4))
    assert [item.id for item in found.items] == ["f0", "f1", "f2", "f4"]
    assert found.n_groups == 3
    assert "4 of 6 images are used" in found.notes[0]
    assert found.labelled == frozenset(found.groups)


def test_labels_may_be_left_out(made):
    (found,) = scenes(made, Choice(masks=""))
    assert not found.labelled


def test_a_folder_of_images_needs_no_description(made, tmp_path):
    shutil.copytree(made / "images", tmp_path / "plain")
    (tmp_path / "plain" / "notes.txt").write_text("none")
    (found,) = scenes(tmp_path / "plain")
    assert len(found.items) == 6
    assert found.n_groups == 6
    assert "too narrow" in found.notes[0]
    assert np.asarray(found.items[0].files.image().read()).shape == (64, 72)
    (single,) = scenes(tmp_path / "plain" / "f3.png")
    assert [item.id for item in single.items] == ["f3.png"]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(by="plate"), "no group column 'plate'"),
        (Choice(group="plate"), "no group column 'plate'"),
        (Choice(split="test"), "no image in split 'test'"),
        (Choice(masks="cells"), "no masks with objects in a set 'cells'"),
        (Choice(at_most=0), "positive"),
    ],
)
def test_what_a_dataset_lacks_is_said(made, choice, said):
    with pytest.raises(SegmentationError, match=said):
        scenes(made, choice)


@pytest.mark.parametrize("choice", [Choice(by="slide"), Choice(group="slide"), Choice(masks="nuclei")])
def test_a_folder_has_no_columns(made, choice):
    with pytest.raises(SegmentationError, match="is no dataset"):
        scenes(made / "images", choice)


def test_nothing_to_rank_on_is_said(tmp_path):
    with pytest.raises(SegmentationError, match="does not exist"):
        scenes(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SegmentationError, match="no image that can be read"):
        scenes(tmp_path / "empty")


def test_a_damaged_image_is_kept_to_be_told_later(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    (found,) = scenes(tmp_path)
    assert [item.id for item in found.items] == ["a.png", "b.png"]
