"""nnU-Net: the layout that its version 2 reads, objects that come back from cores and borders, folds by group."""

import json

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from micrographia.dataset import open_dataset
from micrographia.dataset.describe import describe
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports import (
    ExportOptions,
    NnUNet,
    border_core,
    export_training,
    objects_from_core,
)
from training_sets import blobs, training_set


def ious(truth, found):
    """Return the best overlap of each true object."""
    best = []
    for label in np.unique(truth)[1:]:
        inside = truth == label
        other = np.bincount(found[inside])
        other[0] = 0
        match = found == int(np.argmax(other))
        best.append((inside & match).sum() / (inside | match).sum())
    return best


def same_partition(a, b):
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=3, min_side=4, max_side=12)), st.integers(1, 2)
)
def test_objects_that_touch_nothing_come_back_exactly(mask, thickness):
    labels = ndimage.label(mask, np.ones((3,) * mask.ndim))[0]
    classes, confused = border_core(labels, thickness)
    assert confused == 0
    assert np.array_equal(classes != 0, labels != 0)
    assert same_partition(objects_from_core(classes), labels)


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.int32, (10, 12), elements=st.sampled_from([0, 1, 1, 2, 2, 2])))
def test_what_will_not_come_back_is_counted(labels):
    classes, confused = border_core(labels)
    found = objects_from_core(classes)
    parts = [ndimage.label(labels == one, np.ones((3, 3)))[1] for one in np.unique(labels) if one]
    if confused == 0:
        assert found.max() == len(parts)
        assert all(count == 1 for count in parts)
    else:
        assert any(count > 1 for count in parts) or found.max() < sum(parts)


def test_border_and_core_by_hand():
    labels = np.zeros((6, 9), int)
    labels[1:5, 0:4], labels[1:5, 4:8] = 3, 8
    expected = [
        "000000000",
        "222222220",
        "112221120".replace("112221120", "111221120"),
        "111221120",
        "222222220",
        "000000000",
    ]
    classes, confused = border_core(labels)
    assert ["".join(map(str, row)) for row in classes.tolist()] == expected
    assert confused == 0
    assert same_partition(objects_from_core(classes), labels)


def test_the_layout_of_planes(tmp_path):
    rng = np.random.default_rng(8)
    images = {name: rng.integers(0, 60000, (2, 40, 52)).astype(np.uint16) for name in "abcd"}
    masks = {name: blobs(rng) for name in images}
    splits = dict(zip("abcd", ("train", "train", "validation", "test"), strict=True))
    dataset = training_set(
        tmp_path / "set", images, masks, axes="CYX", names=("DAPI", "phalloidin"), splits=splits,
        scale={"y": 0.5, "x": 0.5},
    )  # fmt: skip
    out = tmp_path / "Dataset101_Blobs"
    done = export_training(dataset, NnUNet(), out)
    document = json.loads((out / "dataset.json").read_text())
    assert (
        document
        | {
            "channel_names": {"0": "nucleus", "1": "actin"},
            "labels": {"background": 0, "core": 1, "border": 2},
            "numTraining": 3,
            "file_ending": ".tif",
            "overwrite_image_reader_writer": "NaturalImage2DIO",
            "licence": "CC-BY-4.0",
        }
        == document
    )
    for name in "abcd":
        trained = "Ts" if name == "d" else "Tr"
        for channel in range(2):
            found = tifffile.imread(out / f"images{trained}/{name}_{channel:04d}.tif")
            assert np.array_equal(found, images[name][channel])
        classes = tifffile.imread(out / f"labels{trained}/{name}.tif")
        assert classes.dtype == np.uint8
        assert min(ious(masks[name].astype(int), objects_from_core(classes))) > 0.5
    assert json.loads((out / "splits_final.json").read_text()) == [{"train": ["a", "b"], "val": ["c"]}]
    assert not any("folder names" in finding.message for finding in done.findings)
    assert [finding.field for finding in done.findings if finding.code == "N006"] == ["spacing"]


def test_a_volume_has_spacing(data, tmp_path):
    for kind, name in (("images", "img3d.tif"), ("masks", "mask3d.tif")):
        (tmp_path / "set" / kind).mkdir(parents=True)
        (tmp_path / "set" / kind / "v.tif").write_bytes((data / "stardist_test_images" / name).read_bytes())
    describe(tmp_path / "set")
    from micrographia import metadata

    metadata.update(
        tmp_path / "set/mifa.yaml",
        {"voxel_size.z": 2.0, "voxel_size.y": 0.5, "voxel_size.x": 0.5, "voxel_size.unit": "micrometer"},
    )
    export_training(open_dataset(tmp_path / "set"), NnUNet(), tmp_path / "out")
    truth = tifffile.imread(data / "stardist_test_images/mask3d.tif")
    for folder in ("imagesTr", "labelsTr"):
        assert json.loads((tmp_path / f"out/{folder}/v.json").read_text()) == {"spacing": [2.0, 0.5, 0.5]}
    assert (
        json.loads((tmp_path / "out/dataset.json").read_text())["overwrite_image_reader_writer"] == "Tiff3DIO"
    )
    image = tifffile.imread(tmp_path / "out/imagesTr/v_0000.tif")
    assert np.array_equal(image, tifffile.imread(data / "stardist_test_images/img3d.tif"))
    found = objects_from_core(tifffile.imread(tmp_path / "out/labelsTr/v.tif"))
    assert np.array_equal(found != 0, truth != 0)
    assert found.max() == 51
    assert np.mean(ious(truth.astype(int), found)) > 0.95


def test_ignored_is_the_highest_label(tmp_path):
    labels = np.zeros((12, 14), np.uint16)
    labels[1:5, 1:5], labels[1:5, 7:11] = 3, 5
    region = np.zeros((12, 14), np.uint8)
    region[:8] = 1
    described = {"name": "masks", "classes": [{"id": 7, "name": "live"}, {"id": 9, "name": "ignore"}]}
    objects = [
        {"image": "a", "set": "masks", "label_id": 3, "class_id": 9},
        {"image": "a", "set": "masks", "label_id": 5, "class_id": 7, "ignore": True},
    ]
    dataset = training_set(
        tmp_path / "set", {"a": np.zeros((12, 14), np.uint8)}, {"a": labels}, region={"a": region}, objects=objects,
        mifa={"annotations": [described]},
    )  # fmt: skip
    export_training(dataset, NnUNet("semantic"), tmp_path / "classes")
    assert json.loads((tmp_path / "classes/dataset.json").read_text())["labels"] == {
        "background": 0, "live": 1, "ignore 2": 2, "object": 3, "ignore": 4,
    }  # fmt: skip
    expected = np.where(labels == 3, 2, 0)
    left_out = (labels == 5) | (region == 0)
    expected[left_out] = 4
    assert np.array_equal(tifffile.imread(tmp_path / "classes/labelsTr/a.tif"), expected)
    export_training(dataset, NnUNet(), tmp_path / "cores")
    assert json.loads((tmp_path / "cores/dataset.json").read_text())["labels"]["ignore"] == 3
    assert np.array_equal(tifffile.imread(tmp_path / "cores/labelsTr/a.tif") == 3, left_out)


def test_folds_keep_groups_together(tmp_path):
    rng = np.random.default_rng(8)
    names = [f"i{at:02d}" for at in range(14)]
    groups = {name: f"donor {at % 7}" for at, name in enumerate(names)}
    images = {name: rng.integers(0, 255, (16, 16), np.uint8) for name in names}
    masks = {name: blobs(rng, (16, 16), 2) for name in names}
    dataset = training_set(tmp_path / "set", images, masks, groups={"donor": groups})
    export_training(dataset, NnUNet(), tmp_path / "out")
    folds = json.loads((tmp_path / "out/splits_final.json").read_text())
    assert len(folds) == 5
    assert sorted(name for fold in folds for name in fold["val"]) == names
    for fold in folds:
        assert not {groups[name] for name in fold["train"]} & {groups[name] for name in fold["val"]}
        assert sorted(fold["train"] + fold["val"]) == names


def test_pictures_that_do_not_go_together(tmp_path):
    grey = training_set(
        tmp_path / "set",
        {"a": np.zeros((12, 14), np.uint8)},
        {"a": blobs(np.random.default_rng(1), (12, 14))},
    )
    colour = np.zeros((12, 14, 3), np.uint8)
    tifffile.imwrite(grey.path / "images/b.tif", colour, photometric="rgb", metadata=None)
    tifffile.imwrite(grey.path / "masks/b.tif", blobs(np.random.default_rng(2), (12, 14)))
    text = (grey.path / "files.tsv").read_text()
    rows = text.splitlines()
    more = [line.replace("a.tif", "b.tif").replace("\ta\t", "\tb\t") for line in rows[1:]]
    more = [line if "\tb\t" in line or not line.endswith("\ta") else line[:-1] + "b" for line in more]
    (grey.path / "files.tsv").write_text("\n".join([*rows, *more]) + "\n")
    mixed = open_dataset(grey.path)
    assert set(mixed.image_ids) == {"a", "b"}
    with pytest.raises(LoadingError, match="the same channels in all pictures: a has 1, b 3"):
        export_training(mixed, NnUNet(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    labels = blobs(np.random.default_rng(1), (12, 14))
    dataset = training_set(tmp_path / "test", {"a": labels}, {"a": labels}, splits={"a": "test"})
    with pytest.raises(LoadingError, match="no picture to train on"):
        export_training(dataset, NnUNet(), tmp_path / "out", ExportOptions(splits=["test"]))
