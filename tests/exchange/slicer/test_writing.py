"""Datasets to 3D Slicer and back: labels, names, colours, ids and geometry survive; what does not is named."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.descriptions import CALM, TEXTS
from micrographia.annotations import conform, write_table
from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.errors import ExchangeError
from micrographia.exchange import (
    Submission,
    described,
    export,
    file_table,
)
from micrographia.exchange.slicer import volumes
from micrographia.exchange.slicer.segments import raw_segments
from micrographia.images import ArrayImage
from micrographia.images.readers.nrrd import key_values
from slicer_folders import UM, assert_same_pixels, blobs, codes, made, rows_of, there_and_back


def test_an_instance_mask_is_a_segment_an_object(tmp_path: Path) -> None:
    labels = blobs(5, 30, 24, ids=(70000, 9, 3))
    dataset = made(
        tmp_path, {"a": (np.arange(3600, dtype="u2").reshape(5, 30, 24), {"nuclei": labels})}, "ZYX", UM
    )
    folder, back, findings = there_and_back(dataset, tmp_path)
    assert_same_pixels(dataset, back)
    assert back.mifa.annotations[0].mask_kind == "instance"
    fields, pairs = key_values(folder / "a.seg.nrrd")
    assert fields["type"] == "uint32"
    assert fields["space"] == "left-posterior-superior"
    assert list(fields["sizes"]) == [24, 30, 5]
    assert np.allclose(fields["space directions"], np.diag([0.0001, 0.0001, 0.00035]))
    assert fields["space units"] == ["mm", "mm", "mm"]
    segments = raw_segments(pairs)
    assert [(one["LabelValue"], one["Name"], one["Extent"]) for one in segments] == [
        ("3", "nuclei 3", "3 8 12 14 0 4"),
        ("9", "nuclei 9", "3 8 7 9 0 4"),
        ("70000", "nuclei 70000", "3 8 2 4 0 4"),
    ]
    assert len({one["ID"] for one in segments}) == len({one["Color"] for one in segments}) == 3
    assert all(0 <= float(part) <= 1 for one in segments for part in one["Color"].split())
    image = key_values(folder / "a.nrrd")[0]
    assert image["kinds"] == fields["kinds"] == ["domain"] * 3
    assert np.array_equal(image["space directions"], fields["space directions"])
    assert np.array_equal(image["space origin"], fields["space origin"])
    assert back.image("a").scale["x"] == pytest.approx(0.0001)
    assert codes(findings) == {"E001", "E002"}


def test_classes_keep_names_terms_and_order(tmp_path: Path) -> None:
    classes = [
        {"id": 7, "name": 'say "größe" \\ two\nlines', "ontology_id": "CL:0000057"},
        {"id": 2, "name": "cell"},
        {"id": 3, "name": "cell"},
        {"id": 5},
    ]
    labels = blobs(30, 24, ids=(7, 2, 4))
    pixels = np.zeros((30, 24), "u1")
    dataset = made(tmp_path, {"a": (pixels, {"tissue": labels})}, "YX", UM, kind="semantic", classes=classes)
    folder, back, findings = there_and_back(dataset, tmp_path)
    assert_same_pixels(dataset, back)
    assert back.mifa.annotations[0].classes == dataset.mifa.annotations[0].classes
    segments = raw_segments(key_values(folder / "a.seg.nrrd")[1])
    assert [one["Name"] for one in segments] == [classes[0]["name"], "cell", "cell", "tissue 5", "tissue 4"]
    assert segments[2]["Extent"] == "0 -1 0 -1 0 -1"
    assert "~CL^0000057^say" in segments[0]["Tags"]
    assert any("UTF-8" in finding.message for finding in findings)


def test_overlapping_layers_lead_with_a_list(tmp_path: Path) -> None:
    first, second = blobs(30, 24, ids=(1, 2)), np.zeros((30, 24), "u1")
    second[3:12, 5:20] = 3
    dataset = made(tmp_path, {"a": (np.zeros((30, 24), "f4"), {"cells": [first, second]})}, "YX", UM)
    folder, back, _ = there_and_back(dataset, tmp_path)
    assert_same_pixels(dataset, back)
    fields, pairs = key_values(folder / "a.seg.nrrd")
    assert fields["kinds"] == ["list", "domain", "domain", "domain"]
    assert list(fields["sizes"]) == [2, 24, 30, 1]
    assert [one["Layer"] for one in raw_segments(pairs)] == ["0", "0", "1"]
    assert [(row.member, row.layer) for row in back.mask_rows("a")] == [("layer 1", "1"), ("layer 2", "2")]


def test_channels_and_time_points_are_volumes(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 999, (2, 3, 16, 20)).astype("u2")
    labels = np.stack([blobs(16, 20, ids=(1,)), blobs(16, 20, ids=(1, 2))])
    names = ["b / far", "a", "a"]
    dataset = made(tmp_path, {"x": (pixels, {"n": labels})}, "TCYX", UM, channels=names)
    folder, back, findings = there_and_back(dataset, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        *(
            f"x_a{more}_t{t}.nrrd" if not more else f"x_a_t{t}{more}.nrrd"
            for t in (0,)
            for more in ("-2", "")
        ),
        *(f"x_a_t1{more}.nrrd" for more in ("-2", "")),
        "x_b_far_t0.nrrd",
        "x_b_far_t1.nrrd",
        "x_t0.seg.nrrd",
        "x_t1.seg.nrrd",
    ]
    assert back.image_ids == ("x_t0", "x_t1")
    for t in (0, 1):
        assert [channel.name for channel in back.image(f"x_t{t}").channels] == names
        assert np.array_equal(back.image(f"x_t{t}").read(), pixels[t])
        assert np.array_equal(back.masks(f"x_t{t}")[0].image.read(), labels[t])
    assert any("time points" in finding.message for finding in findings)


def test_an_unknown_voxel_size_is_said_and_stays_unknown(tmp_path: Path) -> None:
    dataset = made(tmp_path, {"a": (np.zeros((9, 9), "u1"), {})}, "YX", {})
    _, back, findings = there_and_back(dataset, tmp_path)
    assert any(one.code == "E010" and one.field == "voxel_size" for one in findings)
    assert back.image("a").scale == {}


@pytest.mark.parametrize(
    ("unit", "factor"), [("nanometer", 1e-6), ("angstrom", 1e-7), ("meter", 1e3), ("inch", 25.4)]
)
def test_every_length_becomes_millimetres(unit: str, factor: float) -> None:
    image = ArrayImage(np.zeros((4, 4), "u1"), "YX", scale={"y": 0.3, "x": 0.3}, units={"y": unit, "x": unit})
    geometry, problem = volumes.geometry_of(image)
    assert (problem, geometry.known) == ("", True)
    assert [float(step) for step in geometry.spacing] == pytest.approx([0.3 * factor] * 3)


def test_many_objects_are_one_segment_a_class(tmp_path: Path) -> None:
    labels = np.zeros((40, 120), "u2")
    labels[::2, ::2] = np.arange(1, 1201).reshape(20, 60)
    dataset = made(tmp_path, {"a": (np.zeros((40, 120), "u1"), {"nuclei": labels})}, "YX", UM)
    said = pd.DataFrame({"image": "a", "set": "nuclei", "label_id": [2, 4], "class_name": ["vein", "vein"]})
    write_table(conform(said, "objects")[0], "objects", dataset.path / "annotations/objects.parquet")
    dataset = rows_of(dataset, {"Files": "annotations/objects.parquet", "role": "table"})
    folder, back, findings = there_and_back(dataset, tmp_path)
    assert any("more objects than segments" in one.message for one in findings)
    segments = raw_segments(key_values(folder / "a.seg.nrrd")[1])
    assert [(one["Name"], one["Extent"]) for one in segments] == [
        ("nuclei", "0 118 0 38 0 0"),
        ("vein", "2 6 0 0 0 0"),
    ]
    found = back.masks("a")[0].image.read()
    assert np.array_equal(found != 0, labels != 0)
    assert np.array_equal(found == 2, np.isin(labels, [2, 4]))
    assert back.mifa.annotations[0].mask_kind == "semantic"
    shutil.rmtree(tmp_path / "back")
    shutil.rmtree(tmp_path / "out")
    _, whole, _ = there_and_back(dataset, tmp_path, objects="segments")
    assert_same_pixels(dataset, whole)


def test_labels_that_no_segmentation_holds_are_left_out_and_named(tmp_path: Path) -> None:
    plane = np.zeros((9, 9), "u1")
    masks = {
        "float": plane.astype("f4"),
        "other": np.ones((8, 9), "u1"),
        "huge": np.full((9, 9), 1 << 40, "u8"),
        "below": np.full((9, 9), -1, "i4"),
        "empty": plane,
    }
    dataset = made(tmp_path, {"a": (plane, masks)}, "YX", UM)
    folder, back, findings = there_and_back(dataset, tmp_path)
    assert [path.name for path in sorted(folder.iterdir())] == ["a.nrrd", "a_empty.seg.nrrd"]
    told = {Path(one.path).stem: one.message for one in findings if one.code == "E013"}
    assert {name.removeprefix("a_").removesuffix(".ome") for name in told} == {
        "float",
        "other",
        "huge",
        "below",
    }
    assert back.annotation_sets == ("empty",)
    assert not back.masks("a")[0].image.read().any()
    assert raw_segments(key_values(folder / "a_empty.seg.nrrd")[1]) == []


def test_nothing_without_pixels(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match="no pixels on this machine"):
        export(Submission(described({}), file_table([])), "slicer", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    dataset = made(tmp_path, {"a": (np.zeros((9, 9), "u1"), {"n": blobs(9, 9, ids=(1,))})}, "YX", UM)
    one, two = (export(dataset, "slicer", tmp_path / name).path for name in "12")
    assert {p.name: p.read_bytes() for p in one.iterdir()} == {p.name: p.read_bytes() for p in two.iterdir()}


def test_memory_does_not_grow_with_the_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "SLAB", 64 << 10)
    largest = 0

    class Watched(ArrayImage):
        def read(self, region: Any = None) -> Any:
            nonlocal largest
            block = super().read(region)
            largest = max(largest, block.nbytes)
            return block

    pixels = np.arange(12 * 300 * 400, dtype="u2").reshape(12, 300, 400)
    image = Watched(pixels, "ZYX", block_shape=(1, 64, 400))
    parts = list(volumes.slabs([image], pixels.shape, pixels.dtype))
    assert largest <= 64 << 10
    assert np.array_equal(np.concatenate([part.reshape(-1) for part in parts]), pixels.reshape(-1))
    layered = np.concatenate(
        [part.reshape(-1, 2) for part in volumes.slabs([image, image], pixels.shape, np.dtype("u1"))]
    )
    assert np.array_equal(layered[:, 1], pixels.reshape(-1).astype("u1"))


@given(
    labels=st.lists(st.integers(0, 5), min_size=24, max_size=24),
    names=st.lists(TEXTS, min_size=1, max_size=4),
    set_name=TEXTS,
    depth=st.sampled_from([1, 2]),
    kind=st.sampled_from(["semantic", "binary", "instance", None]),
    steps=st.tuples(*[st.floats(1e-6, 1e6)] * 3),
)
@CALM
def test_what_goes_out_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    labels: list[int],
    names: list[str],
    set_name: str,
    depth: int,
    kind: str | None,
    steps: tuple[float, float, float],
) -> None:
    tmp_path = tmp_path_factory.mktemp("slicer")
    mask = np.array(labels, "u1").reshape(depth, 4, 6 // depth)
    classes = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    scale = dict(zip("zyx", steps, strict=True))
    entries = {"a": (np.zeros(mask.shape, "u2"), {set_name: mask})}
    dataset = made(tmp_path, entries, "ZYX", scale, kind=kind, classes=classes)
    _, back, _ = there_and_back(dataset, tmp_path)
    assert [row.set for row in back.mask_rows("a")] == [row.set for row in dataset.mask_rows("a")]
    assert np.array_equal(back.masks("a")[0].image.read().reshape(mask.shape), mask)
    found = back.image("a")
    for axis in found.axes.lower():
        assert found.scale[axis] * 1000 == pytest.approx(scale[axis], rel=1e-12)
    shutil.rmtree(tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["plantseg_3d", "stardist_test_images", "nf1_cellpainting"])
def test_real_data_come_back(data: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(data / name, tmp_path / name)
    for path in [tmp_path / name, *(tmp_path / name).rglob("*")]:
        path.chmod(0o755)
    dataset = describe(tmp_path / name, DescribeOptions(workers=1)).dataset
    _, back, _ = there_and_back(dataset, tmp_path)
    assert_same_pixels(dataset, back)
    for image in dataset.image_ids:
        one, two = dataset.image(image), back.image(image)
        assert one.scale == pytest.approx({a: step * 1000 for a, step in two.scale.items()}, rel=1e-12)
        assert [c.name for c in one.channels] == [c.name for c in two.channels] or not one.channels
