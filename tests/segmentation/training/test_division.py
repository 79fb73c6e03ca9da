import pytest

from micrographia.dataset import open_dataset
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.training.division import OPTIMISTIC, Wish, divide


@pytest.fixture
def made(tmp_path):
    """Write a dataset of images without pixels: id, split and group of each."""

    def make(rows, column="donor"):
        lines = ["Files\timage\trole\tsplit" + (f"\tgroup:{column}" if column else "")]
        for image, split, group in rows:
            lines.append(f"{image}.tif\t{image}\timage\t{split}" + (f"\t{group}" if column else ""))
        (tmp_path / "files.tsv").write_text("\n".join(lines) + "\n")
        (tmp_path / "mifa.yaml").write_text("micrographia_format: 1\nstudy:\n  title: Cells\n")
        return open_dataset(tmp_path)

    return make


def images(count, split="", groups=4):
    return [(f"i{at}", split, f"g{at % groups}") for at in range(count)]


def split(dataset, wish=None, seed=0):
    return divide(dataset, dataset.image_ids, wish or Wish(), seed=seed)


def test_whole_groups_validate(made):
    for seed in range(8):
        found = split(made(images(20)), seed=seed)
        groups = [{found.groups[image] for image in part} for part in (found.train, found.validation)]
        assert not groups[0] & groups[1]
        assert len(found.validation) == 5
        assert len(found.train) + len(found.validation) == 20
        assert not found.optimistic
    assert {split(made(images(20)), seed=seed).validation for seed in range(8)} != {found.validation}


def test_a_large_group_is_passed_over_while_another_fits(made):
    rows = [(f"i{at}", "", "large" if at < 80 else f"g{at}") for at in range(100)]
    for seed in range(6):
        found = split(made(rows), seed=seed)
        assert len(found.validation) == 20
        assert "large" not in {found.groups[image] for image in found.validation}


def test_splits_of_the_dataset_are_taken(made):
    rows = [*images(6, "training", 2), ("v0", "val", "g7"), ("t0", "test", "g8"), ("x0", "", "g9")]
    found = split(made(rows))
    assert found.train == tuple(f"i{at}" for at in range(6))
    assert found.validation == ("v0",)
    assert found.unused == 2
    assert "own splits" in found.how


def test_a_test_split_is_never_touched(made):
    rows = [*images(10, "train", 5), *((f"t{at}", "test", f"h{at}") for at in range(5))]
    found = split(made(rows))
    assert not any(image.startswith("t") for image in (*found.train, *found.validation))
    assert len(found.validation) == 2
    assert found.unused == 5


def test_a_group_that_is_torn_by_the_test_split_is_refused(made):
    rows = [("a", "train", "g1"), ("b", "train", "g2"), ("c", "test", "g1")]
    with pytest.raises(SegmentationError, match="'g1' in the test split"):
        split(made(rows))


def test_without_groups_it_says_so(made):
    found = split(made(images(10), column=""))
    assert found.optimistic
    assert OPTIMISTIC in found.how
    assert len(found.validation) == 2
    assert found.to_json()["groups_unknown"]


def test_one_group_only_is_optimistic(made):
    found = split(made(images(10, groups=1)))
    assert "optimistic" in found.how
    assert len(found.validation) == 2


def test_images_without_a_group_are_their_own(made):
    found = split(made([*images(4, groups=2), ("lone", "", ""), ("other", "", "")]))
    assert found.units((*found.train, *found.validation)) == 4


def test_asking_for_groups_and_parts(made):
    dataset = made(images(12))
    found = split(dataset, Wish(validation=("g1",)))
    assert set(found.validation) == {"i1", "i5", "i9"}
    found = split(dataset, Wish(only={"donor": ("g0", "g1")}))
    assert {found.groups[image] for image in (*found.train, *found.validation)} == {"g0", "g1"}
    found = split(dataset, Wish(images=("i0", "i1", "i2")))
    assert len(found.train) + len(found.validation) == 3


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(group="plate"), "no group column 'plate'"),
        (Wish(validation=("g9",)), "no group 'g9'"),
        (Wish(validation=("g0", "g1", "g2", "g3")), "to train on"),
        (Wish(only={"plate": ("1",)}), "no group column 'plate'"),
        (Wish(images=("i0",)), "no image to"),
    ],
)
def test_what_cannot_be_divided(made, wish, told):
    with pytest.raises(SegmentationError, match=told):
        split(made(images(12)), wish)


def test_a_share_that_leaves_nothing():
    with pytest.raises(SegmentationError, match="share"):
        Wish(share=0.0)
