"""YOLO: objects with holes and parts come back bit for bit through another reader of its text."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.draw import polygon2mask

from micrographia import annotations
from micrographia.images import open_image
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports import ExportOptions, Yolo, export_training
from micrographia.loading.exports.outlines import objects_rings, one_line
from training_sets import blobs, training_set


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.uint16,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=9),
        elements=st.integers(0, 2),
    )
)
def test_one_line_holds_an_object_exactly(labels):
    for label, rings in objects_rings(labels).items():
        line = one_line(rings)
        # An even-odd test of another library; centres are integers, corners half-integers.
        assert np.array_equal(polygon2mask(labels.shape, line), labels == label)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(hnp.arrays(np.uint16, (8, 10), elements=st.sampled_from([0, 0, 1, 2, 9])))
def test_any_labels_come_back(tmp_path_factory, labels):
    folder = tmp_path_factory.mktemp("any")
    dataset = training_set(folder / "set", {"a": np.zeros((8, 10), np.uint8)}, {"a": labels})
    export_training(dataset, Yolo(), folder / "out", ExportOptions(workers=1))
    read = annotations.read(folder / "out/labels/train", "yolo", image_shapes=(8, 10))
    found = np.zeros(labels.shape, int)
    for number, (_, rows) in enumerate(read.table("polygons").groupby("object_id"), 1):
        (layer,) = annotations.labels_from_polygons(rows, labels.shape).layers
        assert not found[layer != 0].any()
        found[layer != 0] = number
    ids = np.unique(labels)
    assert np.array_equal(found, np.searchsorted(ids[ids != 0], labels) * (labels != 0) + (labels != 0))


def test_classes_splits_and_yaml(tmp_path):
    import yaml

    rng = np.random.default_rng(6)
    images = {name: rng.integers(100, 4000, (30, 40)).astype(np.uint16) for name in "ab"}
    labels = np.zeros((30, 40), np.uint16)
    labels[2:6, 3:9], labels[12:16, 3:9], labels[20:24, 3:9] = 1, 2, 3
    described = {"name": "masks", "classes": [{"id": 5, "name": "live: yes"}, {"id": 9, "name": "dead"}]}
    objects = [
        {"image": name, "set": "masks", "label_id": at, "class_id": 5 * (at == 1) + 9 * (at == 2)}
        for name in "ab"
        for at in (1, 2)
    ]
    dataset = training_set(
        tmp_path / "set", images, dict.fromkeys("ab", labels), objects=objects, splits={"a": "train", "b": "valid"},
        mifa={"annotations": [described]},
    )  # fmt: skip
    done = export_training(dataset, Yolo(), tmp_path / "out")
    document = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert document == {
        "train": "images/train", "val": "images/val", "nc": 3, "names": {0: "live: yes", 1: "dead", 2: "object"}
    }  # fmt: skip
    lines = (tmp_path / "out/labels/val/b.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1", "2"]
    assert [float(word) for word in lines[0].split()[1:]] == pytest.approx(
        [3 / 40, 2 / 30, 9 / 40, 2 / 30, 9 / 40, 6 / 30, 3 / 40, 6 / 30], abs=1e-9
    )
    low, high = np.percentile(images["a"], [0.1, 99.9])
    expected = np.rint(np.clip((images["a"] - low) * 255 / (high - low), 0, 255))
    assert np.array_equal(open_image(tmp_path / "out/images/train/a.png").read().reshape(30, 40), expected)
    row = (tmp_path / "out/images.csv").read_text().splitlines()[1].split(",")
    assert [float(row[-2]), float(row[-1])] == pytest.approx([low, high])
    assert any("2 pictures were scaled to 8 bits" in finding.message for finding in done.findings)


def test_without_validation_it_says_so(tmp_path):
    labels = blobs(np.random.default_rng(2))
    dataset = training_set(
        tmp_path / "set", {"a": np.zeros((3, *labels.shape), np.uint8)}, {"a": labels}, axes="CYX"
    )
    done = export_training(dataset, Yolo(), tmp_path / "out")
    assert "val: images/train" in (tmp_path / "out/data.yaml").read_text()
    assert any("there is no split validation" in finding.message for finding in done.findings)
    four = training_set(
        tmp_path / "four", {"a": np.zeros((4, *labels.shape), np.uint8)}, {"a": labels}, axes="CYX"
    )
    with pytest.raises(LoadingError, match="YOLO holds 3 channels, not 4"):
        export_training(four, Yolo(), tmp_path / "no")
