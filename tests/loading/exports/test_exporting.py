"""What all exports share: nothing lost in silence, whole or not at all, and where the data are from."""

import csv
import json

import numpy as np
import pytest
import tifffile

from micrographia.dataset.identity import content_sha256
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports import FORMATS, ExportOptions, export_training
from micrographia.loading.exports.files import eight_bits, parse_scaling
from micrographia.loading.exports.sample import TrainingFormat
from training_sets import blobs, training_set

NAMES = sorted(FORMATS)


def rich(folder, rng):
    """A dataset with everything that a format may fail to carry."""
    images = {name: rng.integers(0, 60000, (40, 52)).astype(np.uint16) for name in ("a", "b", "c", "d")}
    masks = {name: blobs(rng) for name in images}
    region = {"a": np.pad(np.ones((20, 52), np.uint8), ((0, 20), (0, 0)))}
    objects = [
        {
            "image": name,
            "set": "masks",
            "label_id": label,
            "class_id": 1 + at % 2,
            "ignore": name == "b" and at == 0,
        }
        for name in images
        for at, label in enumerate(np.unique(masks[name])[1:].tolist())
    ]
    dataset = training_set(
        folder, images, masks, objects=objects, region=region, scale={"y": 0.5, "x": 0.5},
        splits={"a": "train", "b": "train", "c": "validation", "d": "test"},
        groups={"slide": {"a": "s1", "b": "s2", "c": "s3", "d": "s4"}},
        mifa={"annotations": [{"name": "masks", "mask_kind": "instance", "classes": [{"id": 1, "name": "small"},
              {"id": 2, "name": "large"}], "target": {"object": "blob"}}], "versions": [{"version": "2.1"}]},
    )  # fmt: skip
    return dataset, masks


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return rich(tmp_path_factory.mktemp("rich") / "set", np.random.default_rng(7))


@pytest.mark.parametrize("name", NAMES)
def test_every_export_says_where_its_data_are_from(everything, tmp_path, name):
    dataset, masks = everything
    done = export_training(dataset, FORMATS[name], tmp_path / "out")
    assert not done.failed
    assert done.splits == {"train": 2, "validation": 1, "test": 1}
    assert done.objects == sum(len(np.unique(mask)) - 1 for mask in masks.values())
    told = json.loads((done.path / "provenance.json").read_text())
    assert told["dataset"]["content_sha256"] == content_sha256(dataset)
    assert told["dataset"] | {"title": "Blobs", "licence": "CC-BY-4.0", "version": "2.1"} == told["dataset"]
    assert told["dataset"]["target"] == {"object": "blob"}
    assert [one["name"] for one in told["categories"]] == ["small", "large"]
    assert told["findings"] == [finding.to_json() for finding in done.findings]
    rows = list(csv.DictReader((done.path / "images.csv").read_text().splitlines()))
    assert [(row["image"], row["split"], row["group:slide"]) for row in rows] == [
        ("a", "train", "s1"), ("b", "train", "s2"), ("c", "validation", "s3"), ("d", "test", "s4")
    ]  # fmt: skip
    assert [row["annotated"] for row in rows] == ["0.5", "1", "1", "1"]
    assert [row["ignored"] for row in rows] == ["0", "1", "0", "0"]
    assert all((done.path / row["file"]).is_file() and (done.path / row["mask"]).is_file() for row in rows)
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_format_cannot_carry_is_told(everything, tmp_path, name):
    form = FORMATS[name]
    assert isinstance(form, TrainingFormat)
    done = export_training(everything[0], form, tmp_path / "out")
    told = {finding.field for finding in done.findings if finding.code == "N006"}
    for aspect in ("ignored", "region", "classes"):
        lost = aspect not in form.carries or (aspect == "classes" and name == "nnunet")
        assert (aspect in told) == lost, (aspect, done.findings)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_whatever_the_number_of_workers(everything, tmp_path, name, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    held = []
    for workers in (1, 3):
        out = tmp_path / str(workers) / "out"
        out.parent.mkdir()
        export_training(everything[0], FORMATS[name], out, ExportOptions(workers=workers))
        held.append(
            {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
        )
    assert held[0] == held[1]


def test_filters(everything, tmp_path):
    form = FORMATS["cellpose"]
    done = export_training(everything[0], form, tmp_path / "a", ExportOptions(splits=["test", "validation"]))
    assert done.splits == {"validation": 1, "test": 1}
    done = export_training(everything[0], form, tmp_path / "b", ExportOptions(groups={"slide": ["s1", "s4"]}))
    assert done.splits == {"train": 1, "test": 1}
    done = export_training(everything[0], form, tmp_path / "c", ExportOptions(images=["b"]))
    assert done.splits == {"train": 1}
    for wrong in ({"splits": ["dev"]}, {"groups": {"donor": ["x"]}}, {"images": ["z"]}, {"masks": "cells"},
                  {"groups": {"slide": ["s9"]}}, {"channels": ["nucleus"]}, {"scaling": "half"}):  # fmt: skip
        with pytest.raises(LoadingError):
            export_training(everything[0], form, tmp_path / "d", ExportOptions(**wrong))
        assert not (tmp_path / "d").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_an_older_export_is_replaced_only_when_asked_and_nothing_else_is(everything, tmp_path):
    form, out = FORMATS["stardist"], tmp_path / "out"
    export_training(everything[0], form, out)
    with pytest.raises(LoadingError, match="exists already"):
        export_training(everything[0], form, out)
    done = export_training(everything[0], form, out, ExportOptions(overwrite=True, splits=["test"]))
    assert done.splits == {"test": 1}
    assert not (out / "train").exists()
    (tmp_path / "thesis").mkdir()
    with pytest.raises(LoadingError, match="was not written by an export"):
        export_training(everything[0], form, tmp_path / "thesis", ExportOptions(overwrite=True))
    for place in (everything[0].path / "out", everything[0].path.parent):
        with pytest.raises(LoadingError):
            export_training(everything[0], form, place, ExportOptions(overwrite=True))


def test_an_image_that_cannot_be_read_is_left_out_and_told(tmp_path):
    rng = np.random.default_rng(3)
    images = {name: rng.integers(0, 255, (40, 52), np.uint8) for name in "abc"}
    dataset = training_set(tmp_path / "set", images, {name: blobs(rng) for name in images})
    (tmp_path / "set/images/b.tif").write_bytes(b"II*\0 not a TIFF")
    tifffile.imwrite(tmp_path / "set/masks/c.tif", blobs(rng, (30, 52)))
    with pytest.raises(Exception, match=r"b\.tif"):  # its content hash cannot be made
        export_training(dataset, FORMATS["stardist"], tmp_path / "out")
    images["b"] = images["a"]
    tifffile.imwrite(tmp_path / "set/images/b.tif", images["b"])
    done = export_training(dataset, FORMATS["stardist"], tmp_path / "out")
    assert done.splits == {"train": 2}
    assert list(done.failed) == ["c"]
    assert [finding.code for finding in done.findings if "image c was left out" in finding.message] == [
        "N003"
    ]
    assert not list((tmp_path / "out").rglob("c.*"))


def test_names_from_a_table_stay_in_the_folder(tmp_path):
    rng = np.random.default_rng(3)
    dataset = training_set(
        tmp_path / "set", {"a": rng.integers(0, 255, (40, 52), np.uint8)}, {"a": blobs(rng)}
    )
    text = (dataset.path / "files.tsv").read_text().replace("\ta\timage", "\t../../../evil\timage")
    text = text.replace("segmentation_mask\ta", "segmentation_mask\t../../../evil")
    (dataset.path / "files.tsv").write_text(text)
    from micrographia.dataset import open_dataset

    again = open_dataset(dataset.path)
    assert again.image_ids == ("../../../evil",)
    done = export_training(again, FORMATS["cellpose"], tmp_path / "out")
    assert done.pictures == 1
    assert {path.name for path in tmp_path.iterdir()} == {"set", "out"}
    assert len(list((tmp_path / "out/train").iterdir())) == 2


def test_masks_of_classes_become_objects(tmp_path):
    labels = np.zeros((20, 30), np.uint8)
    labels[2:6, 2:6] = labels[10:14, 2:6] = 1
    labels[2:6, 20:26] = 2
    described = {
        "name": "masks",
        "mask_kind": "semantic",
        "classes": [{"id": 1, "name": "n"}, {"id": 2, "name": "m"}],
    }
    dataset = training_set(
        tmp_path / "set",
        {"a": np.zeros((20, 30), np.uint8)},
        {"a": labels},
        mifa={"annotations": [described]},
    )
    done = export_training(dataset, FORMATS["stardist"], tmp_path / "out")
    assert done.objects == 3
    assert any(
        "each connected part of a class became an object" in finding.message for finding in done.findings
    )
    found = tifffile.imread(tmp_path / "out/train/masks/a.tif")
    classes = json.loads((tmp_path / "out/train/classes/a.json").read_text())
    assert [classes[str(found[at])] for at in ((3, 3), (3, 22), (11, 3))] == [1, 2, 1]
    assert json.loads((tmp_path / "out/classes.json").read_text()) == {"1": "n", "2": "m"}


def test_a_picture_of_a_mask_becomes_objects(tmp_path):
    labels = np.zeros((20, 30), np.uint8)
    labels[2:6, 2:6] = labels[10:14, 2:6] = 255
    dataset = training_set(tmp_path / "set", {"a": np.zeros((20, 30), np.uint8)}, {"a": labels})
    assert export_training(dataset, FORMATS["cellpose"], tmp_path / "out").objects == 2


def test_time_and_depth_become_pictures(tmp_path):
    rng = np.random.default_rng(5)
    movie = rng.integers(0, 255, (3, 2, 16, 18), np.uint8)
    labels = np.zeros((3, 2, 16, 18), np.uint16)
    for time in range(3):
        labels[time, :, 2 : 5 + time, 3:9] = 4
    folder = tmp_path / "set"
    dataset = training_set(folder, {"m": movie}, {"m": labels[0]}, axes="TZYX")
    tifffile.imwrite(folder / "masks/m.tif", labels, ome=True, metadata={"axes": "TZYX"})
    done = export_training(dataset, FORMATS["cellpose"], tmp_path / "planes")
    assert done.pictures == 6
    assert any("each plane of a volume became a picture" in finding.message for finding in done.findings)
    for time in range(3):
        for plane in range(2):
            stem = tmp_path / f"planes/train/m_t{time:03d}_z{plane:03d}"
            assert np.array_equal(tifffile.imread(f"{stem}.tif"), movie[time, plane])
            assert np.array_equal(tifffile.imread(f"{stem}_masks.tif"), labels[time, plane])
    done = export_training(dataset, FORMATS["stardist"], tmp_path / "volumes")
    assert done.pictures == 3
    assert np.array_equal(tifffile.imread(tmp_path / "volumes/train/images/m_t001.tif"), movie[1])
    assert np.array_equal(tifffile.imread(tmp_path / "volumes/train/masks/m_t002.tif"), labels[2])


def test_channels_by_role(tmp_path):
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 60000, (3, 40, 52)).astype(np.uint16)
    names = ("phalloidin", "Hoechst 33342", "GFP")
    dataset = training_set(tmp_path / "set", {"a": pixels}, {"a": blobs(rng)}, axes="CYX", names=names)
    options = ExportOptions(channels=["nucleus", "actin"])
    export_training(dataset, FORMATS["cellpose"], tmp_path / "out", options)
    assert np.array_equal(tifffile.imread(tmp_path / "out/train/a.tif"), pixels[[1, 0]])
    with pytest.raises(LoadingError, match=r"wanted are tubulin; the image has 0: actin \(phalloidin\)"):
        export_training(dataset, FORMATS["cellpose"], tmp_path / "no", ExportOptions(channels=["tubulin"]))


def test_scaling_to_eight_bits():
    pixels = np.array([[[0.0, 50.0, 100.0, np.nan]], [[-10.0, -10.0, -10.0, -10.0]]])
    scaled, ranges = eight_bits(pixels, "fixed:0,100")
    assert scaled.tolist() == [[[0, 128, 255, 0]], [[0, 0, 0, 0]]]
    scaled, ranges = eight_bits(pixels, "percentile:0,100")
    assert ranges == [(0.0, 100.0), (-10.0, -10.0)]
    assert scaled[0].tolist() == [[0, 128, 255, 0]]
    words = np.arange(0, 65536, 257, dtype=np.uint16).reshape(1, 16, 16)
    assert np.array_equal(eight_bits(words, "dtype")[0], np.arange(256, dtype=np.uint8).reshape(1, 16, 16))
    plain = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert eight_bits(plain, "percentile:1,99")[0] is plain
    for wrong in ("half", "percentile:5", "percentile:9,1", "percentile:-1,50", "fixed:1,nan", "dtype:1,2"):
        with pytest.raises(LoadingError):
            parse_scaling(wrong)
    with pytest.raises(LoadingError, match="no range of their type"):
        eight_bits(pixels, "dtype")


def test_a_converted_dataset_gives_the_same_files(tmp_path):
    from micrographia.dataset import open_dataset
    from micrographia.dataset.convert import ConvertOptions, convert

    rng = np.random.default_rng(5)
    images = {name: rng.integers(0, 60000, (2, 40, 52)).astype(np.uint16) for name in "ab"}
    objects = [{"image": "a", "set": "masks", "label_id": 2, "ignore": True}]
    raw = training_set(
        tmp_path / "raw", images, {name: blobs(rng) for name in images}, axes="CYX", names=("DAPI", "GFP"),
        splits={"a": "train", "b": "test"}, groups={"slide": {"a": "1", "b": "2"}}, objects=objects,
        scale={"y": 0.5, "x": 0.5},
    )  # fmt: skip
    convert(raw, tmp_path / "converted", ConvertOptions(workers=1))
    held = []
    for name, dataset in (("one", raw), ("two", open_dataset(tmp_path / "converted"))):
        done = export_training(
            dataset, FORMATS["stardist"], tmp_path / name, ExportOptions(channels=["nucleus"])
        )
        assert not done.failed
        told = json.loads((tmp_path / name / "provenance.json").read_text())["dataset"]["content_sha256"]
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.suffix in (".tif", ".csv"))
        held.append((told, {path.relative_to(tmp_path / name): path.read_bytes() for path in files}))
    assert held[0] == held[1]


def test_a_picture_too_large_for_programs_that_read_it_whole(tmp_path, monkeypatch):
    from micrographia.loading.exports import reading

    rng = np.random.default_rng(3)
    images = {"a": rng.integers(0, 255, (40, 52), np.uint8), "b": rng.integers(0, 255, (20, 20), np.uint8)}
    masks = {"a": blobs(rng), "b": blobs(rng, (20, 20))}
    monkeypatch.setattr(reading, "LARGEST", 1000)
    done = export_training(training_set(tmp_path / "set", images, masks), FORMATS["coco"], tmp_path / "out")
    assert list(done.failed) == ["a"]
    assert "too large for programs that read it whole" in done.failed["a"]
