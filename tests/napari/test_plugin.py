"""The plug-in of napari, run by npe2 as napari runs it: its manifest, reader, samples and writers; no window."""

from __future__ import annotations

import shutil
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from npe2 import PluginManager, PluginManifest
from npe2.io_utils import read, write

import micrographia.napari
from metadata.descriptions import CALM
from micrographia import images
from micrographia.annotations import conform, write_table
from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.errors import DatasetError
from micrographia.exchange import export, import_submission
from micrographia.images import ArrayImage, Channel, LabelSource, write_image
from micrographia.napari.lazy import LazyArray
from micrographia.napari.writing import write_labels
from slicer_folders import UM, blobs, made, rows_of

MANIFEST = Path(micrographia.napari.__file__).parent / "napari.yaml"
NAME = "micrographia"


@pytest.fixture(autouse=True)
def manifest(monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginManifest]:
    manager = PluginManager()
    monkeypatch.setattr(PluginManager, "_PluginManager__instance", manager, raising=False)
    monkeypatch.setattr(PluginManager, "instance", classmethod(lambda _: manager))
    found = PluginManifest.from_file(MANIFEST)
    manager.register(found)
    yield found
    manager.unregister(NAME)


def opened(path: Path) -> list[Any]:
    return read([str(path)], stack=False, plugin_name=NAME)


def saved(path: Path, layers: list[Any]) -> list[str]:
    return write(str(path), layers, plugin_name="micrographia.write_dataset")


def named(layers: list[Any]) -> dict[str, Any]:
    return {layer[1]["name"]: layer for layer in layers}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two images of three channels with instance and semantic masks, points, boxes, polygons."""
    pixels = np.random.default_rng(0).integers(0, 4000, (2, 4, 30, 24)).astype("u2")
    labels = blobs(4, 30, 24, ids=(70000, 9))
    entries = {name: (pixels + number, {"nuclei": labels}) for number, name in enumerate("ab")}
    found = made(tmp_path, entries, "CZYX", UM, channels=["DAPI", "far red"])
    tables = {
        "points": {
            "object_id": [4, 7],
            "z": [1.0, 2.0],
            "y": [3.5, 4.0],
            "x": [5.0, 6.25],
            "class_name": ["a", "b"],
        },
        "boxes": {
            "object_id": [1],
            "y0": [2.0],
            "x0": [3.0],
            "y1": [8.0],
            "x1": [9.5],
            "z0": [1.0],
            "z1": [2.0],
        },
        "polygons": {"object_id": [2], "z": [3.0], "y": [[1.0, 5.0, 5.0]], "x": [[2.0, 2.0, 8.5]]},
        "objects": {"label_id": [9, 70000], "class_name": ["vein", "rib"], "class_id": [1, 2]},
    }
    (found.path / "annotations").mkdir(exist_ok=True)
    rows = []
    for kind, columns in tables.items():
        frame = pd.DataFrame(
            {"image": "a", "set": "nuclei" if kind == "objects" else f"my {kind}", **columns}
        )
        write_table(conform(frame, kind)[0], kind, found.path / f"annotations/{kind}.parquet")
        set_name = {} if kind == "objects" else {"annotation set": f"my {kind}", "member": f"my {kind}"}
        role = "table" if kind == "objects" else "annotation"
        rows.append(
            {"Files": f"annotations/{kind}.parquet", "role": role, "annotation type": "other", **set_name}
        )
    return rows_of(found, *rows)


def test_the_manifest_is_valid_and_announced(manifest: PluginManifest) -> None:
    manifest.validate_imports()
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["napari.manifest"] == {
        project["name"]: f"micrographia.napari:{MANIFEST.name}"
    }
    assert manifest.name == project["name"]
    contributed = manifest.contributions
    used = [
        one.command
        for kind in (contributed.readers, contributed.writers, contributed.sample_data)
        for one in kind
    ]
    assert {command.id for command in contributed.commands} == set(used)


def test_a_dataset_opens_with_names_colours_scales_and_marks(dataset: Dataset) -> None:
    layers = named(opened(dataset.path))
    assert list(layers)[:3] == ["a: DAPI", "a: far red", "a: nuclei"]
    data, options, kind = layers["a: DAPI"]
    assert (kind, options["colormap"], options["blending"]) == ("image", "#3c8cff", "additive")
    assert options["scale"] == (0.35, 0.1, 0.1)
    assert options["units"] == ("micrometer",) * 3
    assert options["axis_labels"] == ("z", "y", "x")
    low, high = options["contrast_limits"]
    assert 0 <= low < high <= 4000
    assert np.array_equal(np.asarray(data), dataset.image("a").read()[0])
    data, options, kind = layers["a: nuclei"]
    assert kind == "labels"
    assert sorted(np.unique(data)) == [0, 9, 70000]
    features = options["features"]
    assert features[["index", "class_name"]].to_numpy().tolist() == [[9, "vein"], [70000, "rib"]]
    assert {9, 70000, 0, None} == set(options["colormap"])
    points, options, kind = layers["a: my points"]
    assert (kind, points.tolist()) == ("points", [[1.0, 3.5, 5.0], [2.0, 4.0, 6.25]])
    assert options["features"]["class_name"].tolist() == ["a", "b"]
    boxes, options, kind = layers["a: my boxes"]
    assert (kind, options["shape_type"]) == ("shapes", ["rectangle"])
    assert boxes[0].min(axis=0).tolist() == [1, 1.5, 2.5]
    assert boxes[0].max(axis=0).tolist() == [1, 7.5, 9.0]
    polygons, options, kind = layers["a: my polygons"]
    assert (options["shape_type"], polygons[0].tolist()) == (["polygon"], [[3, 1, 2], [3, 5, 2], [3, 5, 8.5]])
    assert layers["a: DAPI"][1]["visible"]
    assert not layers["b: DAPI"][1]["visible"]


def test_a_file_of_a_dataset_opens_with_its_annotations(dataset: Dataset) -> None:
    layers = named(opened(dataset.path / "images/b.ome.zarr"))
    assert list(layers) == ["b: DAPI", "b: far red", "b: nuclei"]
    assert all(options["visible"] for _, options, _ in layers.values())
    assert list(named(opened(dataset.path / "mifa.yaml")))[:2] == ["a: DAPI", "a: far red"]


def test_many_images_are_not_opened_at_once(tmp_path: Path) -> None:
    plane = np.zeros((9, 9), "u1")
    many = made(tmp_path, {f"i{number}": (plane, {}) for number in range(6)}, "YX", UM)
    with pytest.warns(UserWarning, match="6 images; 4 are shown"):
        assert len(opened(many.path)) == 4


def test_a_pyramid_is_read_lazily(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (2, 700, 900)).astype("u1")
    labels = (pixels[0] > 128).astype("u1")
    image = ArrayImage(pixels, "CYX", channels=[Channel("one", "FF0000"), Channel("two")])
    told = LabelSource(
        "bright", ArrayImage(labels, "YX"), [{"label-value": 1, "class": "sun"}], {1: (10, 20, 30, 255)}
    )
    write_image(tmp_path / "a.ome.zarr", image, labels=[told])
    layers = named(opened(tmp_path / "a.ome.zarr"))
    data, options, _ = layers["a: one"]
    assert options["multiscale"]
    assert [level.shape for level in data] == [(700, 900), (350, 450), (175, 225)]
    assert all(isinstance(level, LazyArray) for level in data)
    assert options["colormap"] == "#ff0000"
    assert np.array_equal(data[0][10:20, 5], pixels[0, 10:20, 5])
    limits = [
        images.open_image(tmp_path / "a.ome.zarr").read()[k].min() <= options["contrast_limits"][0]
        for k in (0,)
    ]
    assert limits == [True]
    data, options, kind = layers["a: bright"]
    assert (kind, options["colormap"][1]) == ("labels", [10 / 255, 20 / 255, 30 / 255, 1.0])
    assert options["features"].to_dict("records") == [{"index": 1, "class": "sun"}]
    assert np.array_equal(data, labels)
    copy = tmp_path / "copy.ome.zarr"
    assert write(str(copy), list(layers.values()), plugin_name=NAME) == [str(copy)]
    again = named(opened(copy))
    assert [layer[1]["name"].removeprefix("a") for layer in layers.values()] == [
        layer[1]["name"].removeprefix("copy") for layer in again.values()
    ]
    for one, two in zip(layers.values(), again.values(), strict=True):
        assert one[1]["colormap"] == two[1]["colormap"]
        assert one[1]["scale"] == two[1]["scale"]
        assert ("features" in one[1]) == ("features" in two[1]) == (one[2] == "labels")
        first, second = (layer[0][0] if layer[1].get("multiscale") else layer[0] for layer in (one, two))
        assert np.array_equal(np.asarray(first), np.asarray(second))


def test_colour_pictures_and_single_files(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype("u1")
    tifffile.imwrite(tmp_path / "photo.tif", picture, photometric="rgb")
    ((data, options, kind),) = opened(tmp_path / "photo.tif")
    assert (kind, options["rgb"], data.shape) == ("image", True, (20, 30, 3))
    assert np.array_equal(np.asarray(data), picture)
    tifffile.imwrite(tmp_path / "photo_mask.tif", picture[..., 0])
    ((_, _, kind),) = opened(tmp_path / "photo_mask.tif")
    assert kind == "labels"
    (tmp_path / "notes.tif").write_text("no image")
    with pytest.raises(ValueError, match="refused the file"):
        opened(tmp_path / "notes.tif")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="refused the file"):
        opened(tmp_path / "empty")


@pytest.mark.parametrize(
    ("key", "kinds"), [("cells", ["image", "image", "labels"]), ("divisions", ["image", "labels", "tracks"])]
)
def test_samples_are_simulated(manifest: PluginManifest, key: str, kinds: list[str]) -> None:
    (sample,) = [one for one in manifest.contributions.sample_data if one.key == key]
    layers = sample.exec()
    assert [layer[2] for layer in layers] == kinds
    assert all(isinstance(layer[0], np.ndarray) for layer in layers)
    assert all(set(layer[1]["units"]) <= {"micrometer", "second"} for layer in layers)
    labels = next(layer[0] for layer in layers if layer[2] == "labels")
    assert labels.max() > 3
    if key == "divisions":
        data, options, _ = layers[-1]
        assert options["graph"]
        t, y, x = np.rint(data[0, 1:]).astype(int)
        assert labels[t, y, x] > 0


def test_only_what_was_changed_is_saved_beside_what_was(dataset: Dataset) -> None:
    layers = opened(dataset.path)
    before = {path: path.read_bytes() for path in dataset.path.rglob("*") if path.is_file()}
    with pytest.warns(UserWarning, match="nothing was changed"):
        assert saved(dataset.path, layers) == []
    assert before == {path: path.read_bytes() for path in dataset.path.rglob("*") if path.is_file()}
    held = named(layers)
    held["a: nuclei"][0][0, :3, :3] = 123456
    held["a: my points"][0][0, 2] = 11.0
    written = saved(dataset.path, layers)
    assert [Path(path).relative_to(dataset.path).as_posix() for path in written] == [
        "annotations/napari/nuclei-2_a.tif",
        "annotations/napari/points.parquet",
    ]
    listed = {"mifa.yaml", "files.tsv"}
    assert all(path.read_bytes() == text for path, text in before.items() if path.name not in listed)
    after = open_dataset(dataset.path)
    assert after.annotation_sets[-2:] == ("nuclei-2", "my points-2")
    again = named(opened(dataset.path))
    data, options, _ = again["a: nuclei-2"]
    assert np.array_equal(data, held["a: nuclei"][0])
    assert options["scale"] == pytest.approx((0.35, 0.1, 0.1))
    assert again["a: my points-2"][0].tolist() == held["a: my points"][0].tolist()
    assert again["a: my points-2"][1]["features"]["class_name"].tolist() == ["a", "b"]
    assert again["a: my points-2"][1]["features"]["object_id"].tolist() == [4, 7]
    assert np.array_equal(again["a: nuclei"][0], dataset.masks("a")[0].image.read())
    assert after.set_described("nuclei-2").mask_kind == "instance"
    saved(dataset.path, [held["a: nuclei"]])
    assert open_dataset(dataset.path).annotation_sets[-1] == "nuclei-3"


def test_every_kind_of_mark_comes_back(dataset: Dataset) -> None:
    square = np.array([[0, 2, 3], [0, 2, 9], [0, 8, 9], [0, 8, 3]], float)
    turned = np.array([[0, 2, 3], [0, 4, 5], [0, 2, 7], [0, 0, 5]], float)
    layers = [
        (np.array([[1, 2, 3.5]]), {"name": "b: dots"}, "points"),
        ([square], {"name": "b: frames", "shape_type": ["rectangle"]}, "shapes"),
        (
            [square, turned, turned[:2]],
            {"name": "b: drawn", "shape_type": ["ellipse", "rectangle", "path"]},
            "shapes",
        ),
        (blobs(4, 30, 24, ids=(3,)).astype("i8"), {"name": 'b: größe "x"\n2'}, "labels"),
    ]
    saved(dataset.path, layers)
    found = named(opened(dataset.path / "images/b.ome.zarr"))
    assert found["b: dots"][0].tolist() == [[1, 2, 3.5]]
    assert found["b: frames"][1]["shape_type"] == ["rectangle"]
    assert {tuple(corner) for corner in found["b: frames"][0][0]} == {tuple(corner) for corner in square}
    assert found["b: drawn"][1]["shape_type"] == ["ellipse", "polygon", "path"]
    for one, two in zip(found["b: drawn"][0], [square, turned, turned[:2]], strict=True):
        assert np.array_equal(one, two)
    assert np.array_equal(found['b: größe "x" 2'][0], layers[3][0])


def test_tracks_come_back_with_their_parents(tmp_path: Path) -> None:
    movie = made(tmp_path, {"a": (np.zeros((3, 9, 9), "u1"), {})}, "TYX", {"t": 60, **UM})
    data = np.array([[1, 0, 2, 2], [1, 1, 3, 3.5], [2, 2, 1, 1], [3, 2, 5, 5]], float)
    labels = np.ones((3, 9, 9), "u1")
    paths = (data, {"name": "a: paths", "graph": {2: [1], 3: [1]}}, "tracks")
    saved(movie.path, [paths, (labels, {"name": "a: marks"}, "labels")])
    layers = named(opened(movie.path))
    assert layers["a: marks"][1]["scale"] == layers["a"][1]["scale"] == (60, 0.1, 0.1)
    found, options, kind = layers["a: paths"]
    assert (kind, options["graph"]) == ("tracks", {2: [1], 3: [1]})
    assert np.array_equal(found, data)


def test_a_new_folder_becomes_a_dataset(tmp_path: Path) -> None:
    pixels = np.arange(600, dtype="u2").reshape(20, 30)
    micro = {"scale": (0.25, 0.25), "units": ("micrometer",) * 2}
    layers = [
        (pixels, {"name": "nuclei", "colormap": "#ff0000", **micro}, "image"),
        (pixels + 1, {"name": "actin", "colormap": {"name": "#00ff00"}, **micro}, "image"),
        (blobs(20, 30, ids=(5, 2)), {"name": "cells", **micro}, "labels"),
        (np.array([[1.0, 2.0]]), {"name": "dots", **micro}, "points"),
    ]
    saved(tmp_path / "mine", layers)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    found = open_dataset(tmp_path / "mine")
    assert found.image_ids == ("mine",)
    image = found.image("mine")
    assert [(one.name, one.color) for one in image.channels] == [("nuclei", "FF0000"), ("actin", "00FF00")]
    assert (image.scale, image.units) == ({"y": 0.25, "x": 0.25}, {"y": "micrometer", "x": "micrometer"})
    assert set(found.annotation_sets) == {"cells", "dots"}
    assert list(named(opened(found.path))) == ["mine: nuclei", "mine: actin", "mine: cells", "mine: dots"]


def test_labels_alone_are_a_tiff_that_describe_pairs(tmp_path: Path) -> None:
    labels = blobs(20, 30, ids=(70000, 2))
    (tmp_path / "lab").mkdir()
    tifffile.imwrite(tmp_path / "lab/a.tif", np.zeros((20, 30), "u2"))
    layer = (labels, {"name": "a", "scale": (0.5, 0.5), "units": ("micrometer",) * 2}, "labels")
    goal = tmp_path / "lab/a_mask.tif"
    assert write(str(goal), [layer], plugin_name=NAME) == [str(goal)]
    found = describe(tmp_path / "lab", DescribeOptions(workers=1)).dataset
    (mask,) = found.masks("a")
    assert np.array_equal(mask.image.read(), labels)
    assert mask.image.scale == {"y": 0.5, "x": 0.5}
    with pytest.raises(DatasetError, match="exists already"):
        write_labels(str(goal), labels, {})


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ((np.zeros((4, 30, 24)), {"name": "a: x"}, "labels"), "holds float64 where labels are integers"),
        ((np.full((4, 30, 24), -1), {"name": "a: x"}, "labels"), "negative labels"),
        ((np.zeros((4, 30, 23), "u1"), {"name": "a: x"}, "labels"), "has labels of"),
        ((np.zeros((30, 24), "u1"), {"name": "a: x"}, "labels"), "has labels of"),
        ((np.zeros((4, 30, 24), "u1"), {"name": "c: x"}, "labels"), "which of its 2 images"),
        ((np.zeros((4, 30, 24), "u1"), {"name": "a"}, "image"), "has images already"),
        ((np.zeros((1,) * 5, "u1"), {"name": "a: x"}, "labels"), "has 5 axes"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(dataset: Dataset, layer: Any, told: str) -> None:
    before = {path: path.read_bytes() for path in dataset.path.rglob("*") if path.is_file()}
    good = (np.array([[1, 2, 3.5]]), {"name": "b: dots"}, "points")
    with pytest.raises(DatasetError, match=told):
        saved(dataset.path, [good, layer])
    assert before == {path: path.read_bytes() for path in dataset.path.rglob("*") if path.is_file()}


def test_a_folder_that_is_no_dataset_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    with pytest.raises(DatasetError, match=r"has no mifa\.yaml"):
        saved(tmp_path / "lab", [(np.zeros((3, 3)), {"name": "x"}, "image")])
    with pytest.raises(DatasetError, match="no image layer"):
        saved(tmp_path / "new", [(np.zeros((3, 3), "u1"), {"name": "x"}, "labels")])
    assert [path.name for path in tmp_path.iterdir()] == ["lab"]


def test_colours_of_slicer_are_shown(tmp_path: Path) -> None:
    classes = [{"id": 2, "name": "vein", "ontology_id": "UBERON:0001638"}]
    source = made(
        tmp_path,
        {"a": (np.zeros((9, 9), "u1"), {"t": blobs(9, 9, ids=(2,))})},
        "YX",
        UM,
        kind="semantic",
        classes=classes,
    )
    folder = export(source, "slicer", tmp_path / "slicer").path
    path = folder / "a.seg.nrrd"
    text = path.read_bytes().replace(b"ColorAutoGenerated:=1", b"ColorAutoGenerated:=0")
    color = text.split(b"Segment0_Color:=")[1].split(b"\n")[0]
    path.write_bytes(text.replace(color, b"0.25 0.5 0.75"))
    import_submission(folder, tmp_path / "back")
    _, options, _ = named(opened(tmp_path / "back"))["a: t"]
    assert options["colormap"][2] == [0.25, 0.5, 0.75, 1.0]
    assert options["features"].to_dict("records") == [
        {"index": 2, "class_id": 2, "class_name": "vein", "ontology_id": "UBERON:0001638"}
    ]


KEYS = st.one_of(
    st.integers(-3, 2),
    st.builds(slice, *[st.none() | st.integers(-4, 4)] * 2, st.sampled_from([None, 1, 2, -1])),
    st.lists(st.integers(-3, 2), max_size=3).map(np.array),
)


@given(keys=st.lists(KEYS, max_size=3).map(tuple), channel=st.integers(0, 1))
@CALM
def test_a_lazy_array_is_indexed_as_numpy_is(keys: tuple[Any, ...], channel: int) -> None:
    pixels = np.arange(54).reshape(2, 3, 3, 3)
    lists = [key for key in keys if isinstance(key, np.ndarray)]
    keys = tuple(key.astype(int) if isinstance(key, np.ndarray) else key for key in keys)
    if len(lists) > 1:
        return
    lazy = LazyArray(ArrayImage(pixels, "CZYX"), "ZYX", channel)
    if lists and any(isinstance(key, int) for key in keys):
        return  # NumPy moves the axis of a list that stands beside a number
    assert np.array_equal(lazy[keys], pixels[channel][keys])
    assert np.array_equal(lazy[..., 1], pixels[channel][..., 1])


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["plantseg_3d", "stardist_test_images", "nf1_cellpainting"])
def test_real_data_open_raw_and_converted(data: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(data / name, tmp_path / name)
    for path in [tmp_path / name, *(tmp_path / name).rglob("*")]:
        path.chmod(0o755)
    raw = describe(tmp_path / name, DescribeOptions(workers=1)).dataset
    convert(raw, tmp_path / "converted", ConvertOptions(verify=False, workers=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        one, two = named(opened(raw.path)), named(opened(tmp_path / "converted"))
    assert list(one) == list(two)
    for title, (data_raw, options, kind) in one.items():
        held, told, _ = two[title]
        held = held[0] if told.get("multiscale") else held
        assert np.array_equal(np.asarray(data_raw), np.asarray(held)), title
        assert options["scale"] == pytest.approx(told["scale"])
        assert options["units"] == told["units"]
        if kind == "image":
            assert options.get("colormap") == told.get("colormap")
