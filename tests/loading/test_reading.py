"""What is read of a frame: channels, planes, time, layers, where it was annotated; and what is refused."""

import numpy as np
import pandas as pd
import pytest

from loading import made
from micrographia.annotations import conform, write_table
from micrographia.errors import MicrographiaError
from micrographia.loading import LoadingError, patches


def test_planes_are_cut_out_of_stacks(tmp_path):
    stack, labels = made.numbered((5, 20, 24)), made.squares((5, 20, 24), 3, 6)
    made.raw(tmp_path, {"a": stack}, {"a": labels})
    found = list(patches(tmp_path, (8, 9), normalise="none", per_epoch=40))
    assert {patch["plane"] for patch in found} == {0, 1, 2, 3, 4}
    for patch in found:
        y, x = patch["start"]
        at = (patch["plane"], slice(y, y + 8), slice(x, x + 9))
        np.testing.assert_array_equal(patch["image"][0], stack[at])
        np.testing.assert_array_equal(patch["mask"], labels[at])


def test_stacks_are_cut_in_3d_and_padded(tmp_path):
    stack, labels = made.numbered((5, 20, 24)), made.squares((5, 20, 24), 3, 6)
    made.raw(tmp_path, {"a": stack}, {"a": labels})
    for patch in patches(tmp_path, (8, 9, 10), normalise="none", per_epoch=9):
        z, y, x = patch["start"]
        assert z == 0
        assert patch["image"].shape == (1, 8, 9, 10)
        np.testing.assert_array_equal(patch["image"][0, :5], stack[:, y : y + 9, x : x + 10])
        np.testing.assert_array_equal(patch["mask"][:5], labels[:, y : y + 9, x : x + 10])
        assert not patch["region"][5:].any()
        assert patch["region"][:5].all()


def test_time_points_are_frames(tmp_path):
    film = made.numbered((3, 12, 14))
    dataset = made.raw(tmp_path, {"a": film}, {"a": (film % 7 == 0).astype(np.uint8)}, axes="TYX")
    (tmp_path / "files.tsv").write_text(
        (tmp_path / "files.tsv").read_text().replace("\t\t1\t", "\t\t1\t"), "utf-8"
    )
    rows = [
        made.row("a.npy", "a", axes="TYX"),
        made.row(
            "a-mask1.npy", role="annotation", named="n", kind="segmentation_mask", source="a", axes="TYX"
        ),
    ]
    dataset = made.write_manifest(tmp_path, rows)
    found = list(patches(dataset, (6, 6), normalise="none", per_epoch=30))
    assert {patch["time"] for patch in found} == {0, 1, 2}
    for patch in found:
        y, x = patch["start"]
        expected = film[patch["time"], y : y + 6, x : x + 6]
        np.testing.assert_array_equal(patch["image"][0], expected)
        np.testing.assert_array_equal(patch["mask"], expected % 7 == 0)


def test_upper_layers_are_seen_where_the_lower_are_empty(tmp_path):
    lower, upper = np.zeros((2, 16, 16), np.uint16)
    lower[2:8, 2:8], upper[5:12, 5:12] = 1, 2
    made.raw(tmp_path, {"a": made.numbered((16, 16))}, {"a": [lower, upper]})
    mask = patches(tmp_path, (16, 16))[0]["mask"]
    np.testing.assert_array_equal(mask, np.where(lower > 0, lower, upper))


def test_region_and_ignored_objects_do_not_count(tmp_path):
    labels = made.squares((30, 30), 4, 9)
    region = np.zeros((30, 30), np.uint8)
    region[:, :20] = 255
    made.raw(tmp_path, {"a": made.numbered((30, 30))}, {"a": labels}, regions={"a": region})
    whole = patches(tmp_path, (30, 30))[0]
    np.testing.assert_array_equal(whole["region"], region > 0)
    (tmp_path / "annotations").mkdir()
    objects, _ = conform(
        pd.DataFrame({"image": ["a", "a"], "set": "nuclei", "label_id": [1, 2], "ignore": [True, False]}),
        "objects",
    )
    write_table(objects, "objects", tmp_path / "annotations" / "objects.parquet")
    with (tmp_path / "files.tsv").open("a") as file:
        file.write("\t".join(made.row("annotations/objects.parquet", role="table")) + "\n")
    marked = patches(tmp_path, (30, 30))[0]
    np.testing.assert_array_equal(marked["region"], (region > 0) & (labels != 1))
    assert (marked["mask"] == labels).all()
    for patch in patches(tmp_path, (9, 9), per_epoch=20, seed=1):
        y, x = patch["start"]
        expected = ((region > 0) & (labels != 1))[y : y + 9, x : x + 9]
        np.testing.assert_array_equal(patch["region"], expected)


def test_pixels_that_are_no_numbers_do_not_count(tmp_path):
    pixels = made.numbered((20, 20), np.float32)
    pixels[3, 4], pixels[7, 7] = np.nan, np.inf
    made.raw(tmp_path, {"a": pixels, "b": np.full((20, 20), np.nan, np.float32)})
    found = {patch["image_id"]: patch for patch in patches(tmp_path, (20, 20), masks=False)}
    assert np.isfinite(found["a"]["image"]).all()
    assert np.argwhere(~found["a"]["region"]).tolist() == [[3, 4], [7, 7]]
    assert not found["b"]["region"].any()
    assert not found["b"]["image"].any()


def test_channels_by_role(tmp_path):
    pixels = np.stack([np.full((12, 12), value, np.uint8) for value in (10, 20, 30)])
    dataset = made.raw(tmp_path, {"a": pixels}, axes="CYX")
    rows = []
    for number, name in enumerate(("DAPI", "phalloidin")):
        np.save(tmp_path / f"c{number}.npy", pixels[number])
        cells = list(made.row(f"c{number}.npy", "a"))
        cells[4] = name
        rows.append(cells)
    dataset = made.write_manifest(tmp_path, rows)
    image = patches(dataset, (4, 4), masks=False, channels=["actin", "nucleus"], normalise="none")[0]["image"]
    assert image[:, 0, 0].tolist() == [20, 10]
    with pytest.raises(LoadingError, match="brightfield"):
        patches(dataset, (4, 4), masks=False, channels=["brightfield"])


def test_images_that_cannot_be_used_are_listed_with_a_reason(tmp_path):
    images = {name: made.numbered((12, 12)) for name in "abcd"}
    masks = {
        "a": made.squares((12, 12)),
        "b": np.zeros((12, 13), np.uint8),
        "c": np.zeros((12, 12), np.float32),
    }
    made.raw(tmp_path, images, masks)
    found = patches(tmp_path, (4, 4))
    assert [frame.image_id for frame in found.frames] == ["a"]
    reasons = {one.image_id: one.reason for one in found.left_out}
    assert "(1, 12, 13)" in reasons["b"]
    assert "float32 where labels are integers" in reasons["c"]
    assert "no mask" in reasons["d"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full((12, 12), -1, np.int32), "negative labels"),
        (np.full((12, 12), 1 << 40, np.int64), "beyond 2,147,483,647"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path, labels, words):
    made.raw(tmp_path, {"a": made.numbered((12, 12))}, {"a": labels})
    found = patches(tmp_path, (4, 4))
    with pytest.raises(LoadingError, match=words) as caught:
        found[0]
    assert "a-mask1.npy" in str(caught.value)
    with pytest.raises(LoadingError, match=words):
        next(iter(found))


def test_large_label_types_are_read(tmp_path):
    labels = made.squares((12, 12)).astype(np.uint64)
    made.raw(tmp_path, {"a": made.numbered((12, 12))}, {"a": labels})
    patch = patches(tmp_path, (12, 12))[0]
    np.testing.assert_array_equal(patch["mask"], labels)
    assert patch["mask"].dtype == np.int32


def test_a_file_that_vanishes_is_an_error_that_names_it(tmp_path):
    made.raw(tmp_path, {"a": made.numbered((12, 12))})
    found = patches(tmp_path, (4, 4), masks=False)
    (tmp_path / "a.npy").unlink()
    with pytest.raises(MicrographiaError, match=r"a\.npy"):
        next(found.batches(2))


def test_nothing_to_cut_is_an_error(tmp_path):
    made.raw(tmp_path, {"a": made.numbered((12, 12))})
    with pytest.raises(LoadingError, match="has no masks"):
        patches(tmp_path, (4, 4))
    with pytest.raises(LoadingError, match="no size of a patch"):
        patches(tmp_path, (4,), masks=False)


@pytest.mark.real_data
def test_real_images_in_colour_and_grey(data, tmp_path):
    from folders import copied
    from micrographia.dataset.describe import DescribeOptions, describe

    folder = copied(data, "stardist_test_images", tmp_path)
    describe(folder, DescribeOptions())
    found = patches(folder, (64, 64), seed=2, per_epoch=6, masks=False)
    assert {patch["image"].shape[0] for patch in found} <= {1, 3}
