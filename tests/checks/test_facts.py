import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from builder import Builder
from micrographia.checks import FileFacts, Needs, gather, headers
from micrographia.checks.facts import zarr_root
from micrographia.checks.tables import Extent
from planting import facts_of


def test_headers_are_read_once_for_every_row_with_pixels(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=2)
    builder.put_zarr("field_02")
    facts = facts_of(builder)
    assert facts.headers is not None
    assert [path for path, _ in facts.headers] == [row.path for row in facts.rows]
    image = facts.header(facts.dataset.image_rows("field_01")[0])
    assert isinstance(image, FileFacts)
    assert (image.axes, image.shape, image.dtype, image.sizes) == ("YX", (96, 96), "uint16", "Y96 X96")
    assert (image.scale["y"], image.units["x"]) == (pytest.approx(0.325), "micrometer")
    assert (image.file_format, image.size("Z")) == ("ImageJ TIFF", 1)
    assert facts.image_headers["field_02"].file_format == "OME-Zarr"
    assert [(row.path, name) for row, _, name, _ in facts.masked()] == [
        ("masks/field_01.png", "field_01"),
        ("images/field_02.ome.zarr/labels/nuclei", "field_02"),
    ]


def test_facts_are_picklable_and_do_not_depend_on_the_workers(tmp_path: Path) -> None:
    folder = Builder(tmp_path).write()
    facts = gather(folder, workers=1, checksums=True)
    assert facts.checksums is not None
    assert set(facts.checksums.values()) == {row.sha256 for row in facts.rows}
    for workers in (2, 5):
        assert gather(folder, workers=workers).headers == facts.headers
    copy = pickle.loads(pickle.dumps(facts))
    assert copy.headers == facts.headers
    assert copy.dataset.rows == facts.dataset.rows


def test_processes_find_what_threads_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(tmp_path, images=4)
    builder.put_zarr("field_02")
    (builder.root / "images/field_03.tif").write_bytes(b"")
    folder = builder.write()
    threads = gather(folder, workers=2).headers
    monkeypatch.setattr(headers, "WORTH_PROCESSES", (1, 1))
    assert gather(folder, workers=2).headers == threads


def test_how_far_is_read(tmp_path: Path) -> None:
    folder = Builder(tmp_path).write()
    only = gather(folder, needs=Needs.METADATA)
    assert (only.disk, only.headers, only.checksums, only.depth) == (None, None, None, Needs.METADATA)
    files = gather(folder, needs=Needs.FILES)
    assert files.disk is not None
    assert "images/field_01.tif" in files.disk
    assert "mifa.yaml" not in files.disk
    assert files.depth is Needs.FILES
    assert gather(folder).depth is Needs.HEADERS


def test_a_zarr_group_is_one_file_of_the_folder(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=1)
    group = builder.put_zarr("field_01")
    facts = facts_of(builder)
    sizes = sum(path.stat().st_size for path in group.rglob("*") if path.is_file())
    assert facts.disk == {"images/field_01.ome.zarr": sizes}
    assert facts.on_disk("images/field_01.ome.zarr/labels/nuclei")
    assert not facts.on_disk("images/field_01.ome.zarr/labels/cells")
    assert not facts.on_disk("images/field_02.ome.zarr")


def test_paths_that_lead_out_of_the_dataset_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    np.save(tmp_path / "secret/a.npy", np.zeros((8, 8), np.uint8))
    builder = Builder(tmp_path / "data", images=1)
    (builder.root / "linked").symlink_to(tmp_path / "secret")
    (builder.root / "round").symlink_to(builder.root)
    for path in ("../secret/a.npy", "linked/a.npy", os.fspath(tmp_path / "secret/a.npy")):
        builder.add_row(path, "image", image=f"x{len(builder.rows)}", sha256="0" * 64, size=1)
    facts = facts_of(builder)
    assert facts.headers is not None
    assert facts.checksums is not None
    assert facts.header(facts.dataset.image_rows("field_01")[0]) is not None
    assert facts.headers["linked/a.npy", ""].problem == "leads out of the dataset"
    assert not [path for path in facts.checksums if "secret" in path or "linked" in path]
    assert not any("secret" in path or "linked" in path for path in facts.disk or {})
    assert {problem.path for problem in facts.walk_problems} == {"linked", "round"}


def test_where_a_field_stands(tmp_path: Path) -> None:
    facts = facts_of(Builder(tmp_path, images=1))
    lines = (tmp_path / "mifa.yaml").read_text("utf-8").splitlines()
    assert lines[facts.at("study.keywords")["line"] - 1].strip() == "keywords:"
    assert facts.at("study.nothing")["line"] == facts.at("study")["line"] == lines.index("study:") + 1
    assert facts.at("nothing")["line"] is None


def test_zarr_root() -> None:
    assert zarr_root("images/a.ome.zarr/labels/x.zarr/y") == "images/a.ome.zarr"
    assert zarr_root("images/a.tif") == "images/a.tif"


def test_tables_are_summed_up_by_image(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=2)
    rows = [
        "image,object_id,y0,x0,y1,x1,class_id",
        "field_01,1,0,2,10,12,1",
        "field_01,2,5,1,96,9,2",
        "field_02,1,1,1,2,2,1",
    ]
    (builder.root / "boxes.csv").write_text("\n".join(rows) + "\n", "utf-8")
    builder.add_row(
        "boxes.csv", "annotation", **{"annotation set": "boxes", "annotation type": "bounding_boxes"}
    )
    facts = facts_of(builder)
    assert facts.tables is not None
    assert facts.tables.extents == (
        Extent("boxes", "boxes", "field_01", 2, {"y": 0, "x": 1}, {"y": 95, "x": 11}, frozenset({1, 2})),
        Extent("boxes", "boxes", "field_02", 1, {"y": 1, "x": 1}, {"y": 1, "x": 1}, frozenset({1})),
    )
