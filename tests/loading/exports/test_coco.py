"""COCO: read back with our reader and with pycocotools, which is another implementation."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from micrographia import annotations
from micrographia.images import open_image
from micrographia.loading.exports import Coco, ExportOptions, export_training
from training_sets import blobs, training_set

# Its newest release does not know the copy argument of NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


def opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pycocotools.coco import COCO
    return COCO(str(path))


def rebuilt(coco, image, shape):
    """Return the labels and the crowd that pycocotools sees."""
    labels, crowd = np.zeros(shape, int), np.zeros(shape, bool)
    for entry in coco.loadAnns(coco.getAnnIds(image)):
        mask = coco.annToMask(entry).astype(bool)
        assert mask.sum() == entry["area"]
        rows, columns = np.nonzero(mask)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert entry["bbox"] == box
        if entry["iscrowd"]:
            crowd |= mask
        else:
            labels[mask] = entry["object_id"]
    return labels, crowd


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(hnp.arrays(np.uint16, (8, 10), elements=st.sampled_from([0, 0, 1, 2, 9])))
def test_any_labels_come_back(tmp_path_factory, labels):
    folder = tmp_path_factory.mktemp("any")
    dataset = training_set(folder / "set", {"a": np.zeros((8, 10), np.uint8)}, {"a": labels})
    export_training(dataset, Coco(), folder / "out", ExportOptions(workers=1))
    path = folder / "out/annotations/instances_train.json"
    found, crowd = rebuilt(opened(path), 1, labels.shape)
    assert np.array_equal(found, labels)
    assert not crowd.any()
    polygons = annotations.read(path).table("polygons")
    if labels.any():
        painted = annotations.labels_from_polygons(polygons, labels.shape).layers
        assert len(painted) == 1
        assert np.array_equal(painted[0], labels)


@pytest.mark.parametrize("outlines", ["rle", "polygons"])
def test_what_is_not_annotated_is_a_crowd(tmp_path, outlines):
    labels = np.zeros((12, 14), np.uint16)
    labels[1:4, 1:4], labels[1:4, 6:9], labels[2, 2] = 3, 5, 0
    region = np.zeros((12, 14), np.uint8)
    region[:6] = 1
    described = {"name": "masks", "classes": [{"id": 4, "name": "live"}, {"id": 9, "name": "dead"}]}
    dataset = training_set(
        tmp_path / "set", {"a": np.zeros((12, 14), np.uint8)}, {"a": labels}, region={"a": region},
        objects=[{"image": "a", "set": "masks", "label_id": 5, "ignore": True, "class_id": 9}],
        mifa={"annotations": [described], "study": {"title": "T", "license": "CC0-1.0"}},
    )  # fmt: skip
    done = export_training(dataset, Coco(outlines), tmp_path / "out")
    assert not [finding for finding in done.findings if finding.code == "N006"]
    path = tmp_path / "out/annotations/instances_train.json"
    found, crowd = rebuilt(opened(path), 1, labels.shape)
    assert np.array_equal(found, np.where(labels == 3, 3, 0))
    assert np.array_equal(crowd, (labels == 5) | (region == 0))
    document = json.loads(path.read_text())
    held = [(one["category_id"], one["iscrowd"]) for one in document["annotations"]]
    assert document["categories"] == [
        {"id": 4, "name": "live"}, {"id": 9, "name": "dead"}, {"id": 1, "name": "object"}
    ]  # fmt: skip
    assert held == [(1, 0), (9, 1), (4, 1), (9, 1)]
    assert document["licenses"][0]["name"] == "CC0-1.0"
    assert len(document["info"]["content_sha256"]) == 64


def test_polygons_hold_objects_without_holes(tmp_path):
    labels = blobs(np.random.default_rng(2))
    dataset = training_set(tmp_path / "set", {"a": np.zeros(labels.shape, np.uint8)}, {"a": labels})
    export_training(dataset, Coco("polygons"), tmp_path / "out")
    path = tmp_path / "out/annotations/instances_train.json"
    assert all(isinstance(one["segmentation"], list) for one in json.loads(path.read_text())["annotations"])
    polygons = annotations.read(path).table("polygons")
    assert np.array_equal(annotations.labels_from_polygons(polygons, labels.shape).layers[0], labels)


def test_splits_and_pixels(tmp_path):
    rng = np.random.default_rng(4)
    images = {name: rng.integers(0, 60000, (20, 24)).astype(np.uint16) for name in "abc"}
    masks = {name: blobs(rng, (20, 24)) for name in images}
    splits = {"a": "training", "b": "dev", "c": "holdout"}
    dataset = training_set(tmp_path / "set", images, masks, splits=splits)
    done = export_training(dataset, Coco(), tmp_path / "out")
    assert done.splits == {"train": 1, "validation": 1, "holdout": 1}
    for name, folder in (("a", "train"), ("b", "val"), ("c", "holdout")):
        coco = opened(tmp_path / f"out/annotations/instances_{folder}.json")
        (image,) = coco.loadImgs(coco.getImgIds())
        assert (image["file_name"], image["height"], image["width"]) == (f"{name}.png", 20, 24)
        pixels = open_image(tmp_path / f"out/images/{folder}/{name}.png").read()
        assert np.array_equal(pixels.reshape(20, 24), images[name])
        assert np.array_equal(rebuilt(coco, image["id"], (20, 24))[0], masks[name])


def test_what_png_cannot_hold(tmp_path):
    pixels = np.random.default_rng(1).random((2, 20, 24)).astype(np.float32)
    dataset = training_set(
        tmp_path / "set", {"a": pixels}, {"a": blobs(np.random.default_rng(1), (20, 24))}, axes="CYX"
    )
    done = export_training(dataset, Coco(), tmp_path / "out")
    assert any("1 pictures are TIFF" in finding.message for finding in done.findings)
    import tifffile

    assert np.array_equal(tifffile.imread(tmp_path / "out/images/train/a.tif"), pixels.transpose(1, 2, 0))
