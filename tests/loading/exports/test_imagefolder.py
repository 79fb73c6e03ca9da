"""Hugging Face imagefolder: every file that a row names decodes to what was exported, also with Pillow."""

import json

import numpy as np
import tifffile
from PIL import Image as Picture

from micrographia.loading.exports import ImageFolder, export_training
from training_sets import blobs, training_set


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_and_files(tmp_path):
    rng = np.random.default_rng(9)
    images = {name: rng.integers(0, 60000, (2, 30, 40)).astype(np.uint16) for name in "abc"}
    masks = {name: blobs(rng, (30, 40)) for name in images}
    region = np.zeros((30, 40), np.uint8)
    region[:10] = 1
    ids = np.unique(masks["a"])[1:].tolist()
    dataset = training_set(
        tmp_path / "set", images, masks, axes="CYX", names=("DAPI", "Alexa 488"), region={"b": region},
        splits={"a": "train", "b": "train", "c": "test"}, groups={"plate no": {"a": "1", "b": "2", "c": "3"}},
        scale={"y": 0.5, "x": 0.5}, objects=[{"image": "a", "set": "masks", "label_id": ids[0], "ignore": True}],
    )  # fmt: skip
    done = export_training(dataset, ImageFolder(), tmp_path / "out")
    assert not [finding for finding in done.findings if finding.code == "N006"]
    train = rows(tmp_path / "out/train/metadata.jsonl")
    (test,) = rows(tmp_path / "out/test/metadata.jsonl")
    assert [row["image_id"] for row in train] == ["a", "b"]
    assert len({tuple(row) for row in [*train, test]}) == 1  # all rows have the same columns
    for row, split in ((train[0], "train"), (train[1], "train"), (test, "test")):
        name = row["image_id"]
        folder = tmp_path / "out" / split
        assert np.array_equal(np.array(Picture.open(folder / row["file_name"])), images[name][0])
        second = np.array(Picture.open(folder / row["fluorescence_other_file_name"]))
        assert np.array_equal(second, images[name][1])
        assert np.array_equal(np.array(Picture.open(folder / row["mask_file_name"])), masks[name])
        assert row["group_plate_no"] == {"a": "1", "b": "2", "c": "3"}[name]
        assert row["pixel_size_um"] == 0.5
        assert row["objects"]["id"] == np.unique(masks[name])[1:].tolist()
    assert train[0]["objects"]["ignore"] == [True] + [False] * (len(ids) - 1)
    assert train[0]["region_file_name"] is None
    assert np.array_equal(
        np.array(Picture.open(tmp_path / "out/train" / train[1]["region_file_name"])), region * 255
    )


def test_a_folder_a_class(tmp_path):
    rng = np.random.default_rng(9)
    images = {name: rng.integers(0, 255, (30, 40, 3), np.uint8) for name in "abc"}
    dataset = training_set(
        tmp_path / "set", images, {name: blobs(rng, (30, 40)) for name in images}, axes="YXS",
        classes={"a": "healthy", "b": "a/b: ill", "c": "healthy"},
    )  # fmt: skip
    export_training(dataset, ImageFolder(), tmp_path / "out")
    held = {row["image_id"]: row for row in rows(tmp_path / "out/train/metadata.jsonl")}
    assert {name: row["label"] for name, row in held.items()} == {
        "a": "healthy",
        "b": "a/b: ill",
        "c": "healthy",
    }
    assert held["a"]["file_name"] == "images/healthy/a.png"
    assert sorted(path.name for path in (tmp_path / "out/train/images").iterdir()) == ["a_b_ ill", "healthy"]
    for name, row in held.items():
        assert np.array_equal(np.array(Picture.open(tmp_path / "out/train" / row["file_name"])), images[name])


def test_floats_are_tiff(tmp_path):
    pixels = np.random.default_rng(9).random((30, 40)).astype(np.float32)
    dataset = training_set(tmp_path / "set", {"a": pixels}, {"a": blobs(np.random.default_rng(9), (30, 40))})
    export_training(dataset, ImageFolder(), tmp_path / "out")
    (row,) = rows(tmp_path / "out/train/metadata.jsonl")
    assert np.array_equal(tifffile.imread(tmp_path / "out/train" / row["file_name"]), pixels)
    assert np.array_equal(np.array(Picture.open(tmp_path / "out/train" / row["file_name"])), pixels)
