from pathlib import Path

import numpy as np
import pytest
import zarr

from builder import Array, Builder
from micrographia.checks import compute_check
from micrographia.images import ArrayImage, LabelSource, write_image
from pixel_planting import full_report
from textures import texture


def dataset(folder: Path) -> Builder:
    """One image of 600 x 600 pixels as OME-Zarr with its mask, both with three levels."""
    builder = Builder(folder, images=1)
    for path in ("images/field_01.tif", "masks/field_01.png"):
        (folder / path).unlink()
        builder.drop_row(path)
    y, x = np.mgrid[:600, :600]
    labels = (((y // 60) * 10 + x // 60 + 1) * (((y % 60) < 40) & ((x % 60) < 40))).astype(np.uint16)
    scale, units = {"y": 0.325, "x": 0.325}, {"y": "micrometer", "x": "micrometer"}
    image = ArrayImage(texture(1, 600, 600), "YX", scale=scale, units=units)
    mask = ArrayImage(labels, "YX", scale=scale, units=units)
    write_image(folder / "images/field_01.ome.zarr", image, labels=[LabelSource("nuclei", mask)])
    builder.add_row(
        "images/field_01.ome.zarr", "image", image="field_01", split="train", **{"group:slide": "a"}
    )
    builder.add_row(
        "images/field_01.ome.zarr/labels/nuclei",
        "annotation",
        **{"annotation set": "nuclei", "annotation type": "segmentation_mask", "source image": "field_01"},
    )
    return builder


def change(builder: Builder, path: str, to: object) -> None:
    store = zarr.open_array(builder.root / "images/field_01.ome.zarr" / path, mode="r+")
    store[:] = to(np.asarray(store[:]))  # type: ignore[operator]


def last(builder: Builder, folder: str = "") -> str:
    levels = sorted(path.name for path in (builder.root / "images/field_01.ome.zarr" / folder).glob("[0-9]"))
    assert len(levels) > 1
    return f"{folder}/{levels[-1]}".strip("/")


def upside_down(pixels: Array) -> Array:
    return pixels[..., ::-1, :]


def test_levels_as_they_are_written(tmp_path: Path) -> None:
    builder = dataset(tmp_path)
    found = [finding for finding in full_report(builder).findings if finding.code[0] in "PS"]
    assert found == []


@pytest.mark.parametrize("to", [upside_down, lambda pixels: pixels * 0, lambda pixels: pixels + 2000])
def test_a_level_that_shows_something_else(to: object, tmp_path: Path) -> None:
    builder = dataset(tmp_path)
    change(builder, last(builder), to)
    (finding,) = compute_check("P008", builder.write())
    assert finding.path == "images/field_01.ome.zarr"
    assert "smaller levels show something else" in finding.message
    assert finding.evidence["files"][finding.path]["level"] >= 1


def test_labels_that_were_averaged(tmp_path: Path) -> None:
    builder = dataset(tmp_path)
    change(builder, last(builder, "labels/nuclei"), lambda labels: labels + 500 * (labels > 0))
    (finding,) = compute_check("P008", builder.write())
    assert finding.path == "images/field_01.ome.zarr/labels/nuclei"
    assert "labels in smaller levels" in finding.message
    assert min(finding.evidence["files"][finding.path]["labels"]) > 500
