from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from micrographia.errors import DatasetError, ImageError
from micrographia.images import open_image
from micrographia.simulation import (
    CHANNELS,
    DNA,
    EIGHT_BIT,
    Cells,
    Plate,
    Timelapse,
    Treatment,
    phenotype,
    plate_sites,
    simulate_dataset,
    simulate_site,
)
from micrographia.simulation.folders import read_rows, write_picture


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder_has_images_masks_and_a_spreadsheet(tmp_path: Path) -> None:
    plate = Plate(name="p", rows=2, columns=4, treatments=(Treatment("drug", (phenotype("elongated"),)),))
    rows = simulate_dataset(tmp_path / "lab", plate=plate, images=8, shape=(96, 128), seed=3)
    assert read_rows(tmp_path / "lab/treatments.csv") == rows
    names = [f"p_{row}{column:02d}_s1.tif" for row in "AB" for column in range(1, 5)]
    assert [row["image"] for row in rows] == names
    for kind in ("images", "masks"):
        assert sorted(path.name for path in (tmp_path / "lab" / kind).iterdir()) == names
    assert [row["treatment"] for row in rows].count("drug") == 4
    assert [row["split"] for row in rows].count("test") == 2
    site = plate_sites(plate, seed=3, channels=1)[5]
    truth = simulate_site(site, seed=3, shape=(96, 128), channels=(DNA,))
    assert np.array_equal(tifffile.imread(tmp_path / "lab/images" / names[5]), truth.image[0])
    assert np.array_equal(tifffile.imread(tmp_path / "lab/masks" / names[5]), truth.labels["nuclei"])
    assert not list(tmp_path.glob(".*"))


def test_any_number_of_workers_writes_the_same_bytes(tmp_path: Path) -> None:
    options: dict[str, Any] = {"images": 3, "shape": (64, 80), "seed": 4}
    simulate_dataset(tmp_path / "one", **options)
    simulate_dataset(tmp_path / "two", workers=2, **options)
    simulate_dataset(tmp_path / "threads", workers=3, kind="threads", **options)
    assert contents(tmp_path / "one") == contents(tmp_path / "two") == contents(tmp_path / "threads")
    simulate_dataset(tmp_path / "other", **(options | {"seed": 5}))
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


@pytest.mark.parametrize(
    ("options", "axes", "scale"),
    [
        ({"shape": (48, 64)}, "YX", {"y": 0.325, "x": 0.325}),
        ({"shape": (48, 64), "channels": CHANNELS}, "CYX", {"y": 0.325, "x": 0.325}),
        (
            {"shape": (5, 48, 64), "cells": Cells(count=1, monolayer=True)},
            "ZYX",
            {"z": 1.0, "y": 0.325, "x": 0.325},
        ),
        ({"shape": (48, 64), "timelapse": Timelapse(frames=3)}, "TYX", {"t": 600.0, "y": 0.325, "x": 0.325}),
    ],
)
def test_files_say_their_axes_and_sizes(
    tmp_path: Path, options: dict[str, Any], axes: str, scale: dict[str, float]
) -> None:
    rows = simulate_dataset(tmp_path / "lab", images=1, **options)
    name = rows[0]["image"]
    with open_image(tmp_path / "lab/images" / name) as image:
        assert image.axes == axes
        assert dict(image.scale) == pytest.approx(scale)
    with open_image(tmp_path / "lab/masks" / name) as mask:
        assert mask.axes == axes.replace("C", "")
        assert mask.dtype == np.uint16


def test_tracks_stand_beside_a_movie(tmp_path: Path) -> None:
    rows = simulate_dataset(tmp_path / "lab", images=2, shape=(80, 96), timelapse=Timelapse(frames=3))
    tracks = read_rows(tmp_path / "lab/tracks.csv")
    assert list(tracks[0]) == ["image", "t", "label_id", "track_id", "parent"]
    assert {row["image"] for row in tracks} == {row["image"] for row in rows}
    masks = tifffile.imread(tmp_path / "lab/masks" / rows[0]["image"])
    for t, mask in enumerate(masks):
        known = {
            int(row["label_id"]) for row in tracks if row["image"] == rows[0]["image"] and row["t"] == str(t)
        }
        assert set(np.unique(mask)) - {0} <= known


def test_png_holds_plain_pictures_only(tmp_path: Path) -> None:
    rows = simulate_dataset(
        tmp_path / "lab",
        images=1,
        shape=(48, 64),
        image_format="png",
        mask_format="png",
        camera=EIGHT_BIT,
        target="cells",
    )
    with Image.open(tmp_path / "lab/images" / rows[0]["image"]) as picture:
        assert np.asarray(picture).dtype == np.uint8
    with Image.open(tmp_path / "lab/masks" / rows[0]["image"]) as mask:
        assert np.asarray(mask).max() >= 1
    with pytest.raises(ValueError, match="PNG holds single planes"):
        simulate_dataset(tmp_path / "stack", images=1, shape=(4, 48, 64), mask_format="png")
    with pytest.raises(ImageError, match="PNG cannot hold YX float32"):
        write_picture(tmp_path / "a.png", np.zeros((2, 2), np.float32), "YX", {})
    with pytest.raises(ImageError, match="cannot hold int64"):
        write_picture(tmp_path / "a.tif", np.zeros((2, 2), np.int64), "YX", {})


def test_a_folder_in_use_is_left_alone_and_a_failed_one_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/notes.txt").write_text("mine")
    with pytest.raises(DatasetError, match="not an empty folder"):
        simulate_dataset(tmp_path / "lab", images=1)
    with pytest.raises(ValueError, match="images must lie in 1 to 24"):
        simulate_dataset(tmp_path / "new", images=25)
    with pytest.raises(Exception, match="fit without overlap"):
        simulate_dataset(tmp_path / "new", images=1, shape=(64, 64), cells=Cells(count=100))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lab"]
