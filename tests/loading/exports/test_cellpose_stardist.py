"""Cellpose and StarDist: what was exported is read back as it was."""

import json

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from micrographia import annotations
from micrographia.dataset import open_dataset
from micrographia.dataset.describe import describe
from micrographia.loading.exports import Cellpose, ExportOptions, StarDist, export_training
from training_sets import blobs, training_set


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    pixels=hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.float32]), (9, 11), elements=st.integers(0, 255)
    ),
    labels=hnp.arrays(np.uint32, (9, 11), elements=st.sampled_from([0, 0, 1, 7, 300, 70_000])),
)
def test_any_picture_comes_back(tmp_path_factory, pixels, labels):
    folder = tmp_path_factory.mktemp("any")
    dataset = training_set(folder / "set", {"a": pixels}, {"a": labels})
    for form, image, mask in (
        (Cellpose(), "train/a.tif", "train/a_masks.tif"),
        (StarDist(), "train/images/a.tif", "train/masks/a.tif"),
    ):
        out = folder / form.name
        export_training(dataset, form, out, ExportOptions(workers=1))
        found, truth = tifffile.imread(out / image), tifffile.imread(out / mask)
        assert found.dtype == pixels.dtype
        assert np.array_equal(found, pixels)
        expected = (labels == 255).astype(int) if set(np.unique(labels)) <= {0, 255} else labels
        assert np.array_equal(truth, expected)
        read = annotations.read(out / mask)
        assert np.array_equal(next(iter(read.masks.values())).labels.read().reshape(labels.shape), labels)


def test_colour_and_channels(tmp_path, rng):
    colour = rng.integers(0, 255, (40, 52, 3), np.uint8)
    stack = rng.integers(0, 60000, (2, 40, 52)).astype(np.uint16)
    for name, axes, pixels in (("rgb", "YXS", colour), ("two", "CYX", stack)):
        dataset = training_set(tmp_path / name, {"a": pixels}, {"a": blobs(rng)}, axes=axes)
        export_training(dataset, Cellpose(), tmp_path / f"{name}-cellpose")
        export_training(dataset, StarDist(), tmp_path / f"{name}-stardist")
    assert np.array_equal(tifffile.imread(tmp_path / "rgb-cellpose/train/a.tif"), colour)
    assert np.array_equal(tifffile.imread(tmp_path / "rgb-stardist/train/images/a.tif"), colour)
    assert np.array_equal(tifffile.imread(tmp_path / "two-cellpose/train/a.tif"), stack)
    assert np.array_equal(
        tifffile.imread(tmp_path / "two-stardist/train/images/a.tif"), stack.transpose(1, 2, 0)
    )


def test_stardist_leaves_out_what_was_not_annotated(tmp_path, rng):
    labels = np.zeros((12, 14), np.uint16)
    labels[1:4, 1:4], labels[1:4, 6:9] = 3, 5
    region = np.zeros((12, 14), np.uint8)
    region[:6] = 1
    dataset = training_set(
        tmp_path / "set", {"a": rng.integers(0, 255, (12, 14), np.uint8)}, {"a": labels}, region={"a": region},
        objects=[{"image": "a", "set": "masks", "label_id": 5, "ignore": True}],
    )  # fmt: skip
    done = export_training(dataset, StarDist(), tmp_path / "out")
    found = tifffile.imread(tmp_path / "out/train/masks/a.tif")
    expected = labels.astype(int)
    expected[labels == 5] = -1
    expected[6:] = -1
    assert found.dtype == np.int32
    assert np.array_equal(found, expected)
    assert not [finding for finding in done.findings if finding.code == "N006"]
    told = export_training(dataset, Cellpose(), tmp_path / "cellpose").findings
    assert [finding.field for finding in told if finding.code == "N006"] == ["ignored", "region"]


def test_layers_of_overlapping_objects(tmp_path, rng):
    first, second = np.zeros((12, 14), np.uint16), np.zeros((12, 14), np.uint16)
    first[2:8, 2:8], second[5:10, 5:10] = 1, 2
    dataset = training_set(tmp_path / "set", {"a": rng.integers(0, 255, (12, 14), np.uint8)}, {"a": first})
    tifffile.imwrite(tmp_path / "set/masks/a2.tif", second, ome=True, metadata={"axes": "YX"})
    lines = (tmp_path / "set/files.tsv").read_text().splitlines()
    header = lines[0].split("\t")
    rows = [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:]]
    rows.append(rows[-1] | {"Files": "masks/a2.tif", "layer": "2"})
    rows[-2]["layer"] = "1"
    text = "\n".join("\t".join(row.get(name, "") for name in [*header, "layer"]) for row in rows)
    (tmp_path / "set/files.tsv").write_text("\t".join([*header, "layer"]) + "\n" + text + "\n")
    done = export_training(open_dataset(dataset.path), Cellpose(), tmp_path / "out")
    assert [finding.message for finding in done.findings if finding.field == "overlaps"] == [
        "Cellpose: 9 pixels lie in several objects and belong to one of them in it"
    ]
    assert np.array_equal(
        tifffile.imread(tmp_path / "out/train/a_masks.tif"), np.where(first != 0, first, second)
    )


def test_dsb2018(data, tmp_path):
    import shutil

    picked = sorted((data / "dsb2018/images").iterdir())[::60]
    for kind in ("images", "labels"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    for path in picked:
        shutil.copyfile(path, tmp_path / "set/images" / path.name)
        label = next((data / "dsb2018/labels").glob(f"{path.stem}.*"))
        shutil.copyfile(label, tmp_path / "set/labels" / label.name)
    describe(tmp_path / "set")
    dataset = open_dataset(tmp_path / "set")
    done = export_training(dataset, StarDist(), tmp_path / "out")
    assert done.pictures == len(picked)
    for name in dataset.image_ids:
        image = dataset.image(name)
        truth = image.read()
        found = tifffile.imread(tmp_path / f"out/train/images/{name}.tif")
        assert np.array_equal(found, np.moveaxis(truth, 0, -1) if image.rgb else truth.reshape(found.shape))
        labels = dataset.masks(name)[0].image.read()
        assert np.array_equal(tifffile.imread(tmp_path / f"out/train/masks/{name}.tif"), labels)


def test_stardist_volume(data, tmp_path):
    for kind, name in (("images", "img3d.tif"), ("masks", "mask3d.tif")):
        (tmp_path / "set" / kind).mkdir(parents=True)
        (tmp_path / "set" / kind / "v.tif").write_bytes((data / "stardist_test_images" / name).read_bytes())
    describe(tmp_path / "set")
    done = export_training(open_dataset(tmp_path / "set"), StarDist(), tmp_path / "out")
    assert done.pictures == 1
    assert done.objects == 51
    for kind, name in (("images", "img3d.tif"), ("masks", "mask3d.tif")):
        truth = tifffile.imread(data / "stardist_test_images" / name)
        assert np.array_equal(tifffile.imread(tmp_path / f"out/train/{kind}/v.tif"), truth)


def test_classes_of_stardist(tmp_path, rng):
    labels = np.zeros((12, 14), np.uint16)
    labels[1:4, 1:4], labels[1:4, 6:9], labels[6:9, 6:9] = 3, 5, 9
    described = {"name": "masks", "classes": [{"id": 7, "name": "live"}, {"id": 2, "name": "dead"}]}
    objects = [{"image": "a", "set": "masks", "label_id": 3, "class_id": 7}]
    objects += [{"image": "a", "set": "masks", "label_id": 5, "class_name": "dead"}]
    dataset = training_set(
        tmp_path / "set", {"a": rng.integers(0, 255, (12, 14), np.uint8)}, {"a": labels}, objects=objects,
        mifa={"annotations": [described]},
    )  # fmt: skip
    export_training(dataset, StarDist(), tmp_path / "out")
    assert json.loads((tmp_path / "out/train/classes/a.json").read_text()) == {"3": 2, "5": 1}
    assert json.loads((tmp_path / "out/classes.json").read_text()) == {"1": "dead", "2": "live"}
