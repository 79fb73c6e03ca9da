import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from micrographia.errors import DatasetError, ImageError
from micrographia.simulation import (
    CHANNELS,
    DEFECTS,
    Cells,
    Planted,
    Timelapse,
    plant_defects,
    simulate_dataset,
)
from micrographia.simulation.defects import read_picture
from micrographia.simulation.folders import read_rows


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw") / "lab"
    simulate_dataset(folder, images=len(DEFECTS), shape=(192, 240), seed=2)
    return folder


@pytest.fixture
def copy(lab: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lab, tmp_path / "lab"))


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def rows(folder: Path) -> dict[str, dict[str, str]]:
    return {row["image"]: row for row in read_rows(folder / "treatments.csv")}


def name(path: str) -> str:
    return path.split("/")[1]


Look = Callable[[Path, Path, tuple[str, ...]], bool]
"""Whether a folder (second: as it was before) shows a defect in these files."""


def pixels(folder: Path, file: str) -> np.ndarray:
    return np.asarray(tifffile.imread(folder / file))


def ids(folder: Path, file: str) -> set[int]:
    return set(np.unique(pixels(folder, file)).tolist())


def mask_of(image: str) -> str:
    return image.replace("images/", "masks/")


def _twice(folder: Path, before: Path, found: tuple[str, ...]) -> bool:
    image, other = found
    return np.array_equal(pixels(folder, image), pixels(folder, other)) and np.array_equal(
        pixels(folder, mask_of(image)), pixels(folder, mask_of(other))
    )


def _crop(folder: Path, before: Path, found: tuple[str, ...]) -> bool:
    whole, part = (pixels(folder, file) for file in found)
    windows = np.lib.stride_tricks.sliding_window_view(whole, part.shape)
    return any(np.array_equal(window, part) for row in windows for window in row)


def _tiles(folder: Path, before: Path, found: tuple[str, ...]) -> bool:
    a, b, c, d = (pixels(folder, file) for file in found)
    image = found[0].replace("_1.tif", ".tif")
    return np.array_equal(np.block([[a, b], [c, d]]), pixels(before, image)) and not (folder / image).exists()


def _near(folder: Path, before: Path, found: tuple[str, ...]) -> bool:
    one, other = (pixels(folder, file).astype(float) for file in found)
    return not np.array_equal(one, other) and float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) > 0.95


def _fragments(folder: Path, before: Path, found: tuple[str, ...]) -> bool:
    old, new = pixels(before, found[0]), pixels(folder, found[0])
    added = np.bincount(new.ravel())[old.max() + 1 :]
    return added.tolist() == [1, 2, 4] and np.array_equal(new[old > 0], old[old > 0])


def _disconnected(folder: Path, before: Path, found: tuple[str, ...]) -> bool:
    new = pixels(folder, found[0])
    pieces = [ndimage.label(new == number, np.ones((3, 3)))[1] for number in ids(folder, found[0]) - {0}]
    return sorted(pieces)[-2:] == [1, 2]


def _blurred(folder: Path, before: Path, found: tuple[str, ...]) -> bool:
    def sharpness(image: np.ndarray) -> float:
        smooth = ndimage.gaussian_filter(image.astype(float), 1.5)
        return float(np.hypot(*np.gradient(smooth)).max() / np.ptp(smooth))

    return sharpness(pixels(folder, found[0])) < 0.5 * sharpness(pixels(before, found[0]))


SEEN: dict[str, Look] = {
    "mask_0_255": lambda f, b, x: ids(f, x[0]) == {0, 255} and len(ids(b, x[0])) > 3,
    "mask_of_other_shape": lambda f, _, x: pixels(f, x[0]).shape == (96, 120),
    "empty_mask": lambda f, _, x: ids(f, x[0]) == {0},
    "float_mask": lambda f, b, x: pixels(f, x[0]).dtype == np.float32 and ids(f, x[0]) == ids(b, x[0]),
    "swapped_axes": lambda f, b, x: np.array_equal(pixels(f, x[0]), pixels(b, x[0]).T),
    "disconnected_instances": _disconnected,
    "tiny_fragments": _fragments,
    "missing_mask": lambda f, b, x: (f / x[0]).exists() and not (f / x[1]).exists() and (b / x[1]).exists(),
    "orphan_mask": lambda f, _, x: (f / x[0]).exists() and not (f / x[0].replace("masks", "images")).exists(),
    "duplicate_image": lambda f, b, x: _twice(f, b, x) and len({rows(f)[name(i)]["split"] for i in x}) == 1,
    "same_pixels_in_train_and_test": lambda f, b, x: (
        _twice(f, b, x) and {rows(f)[name(i)]["split"] for i in x} == {"train", "test"}
    ),
    "near_duplicate": _near,
    "crop_of_another": _crop,
    "tiles_of_one_field": _tiles,
    "saturated_image": lambda f, _, x: 0.05 < (pixels(f, x[0]) == 65535).mean() < 0.2,
    "constant_image": lambda f, _, x: len(ids(f, x[0])) == 1,
    "blurred_image": _blurred,
    "nan_image": lambda f, _, x: int(np.isnan(pixels(f, x[0])).sum()) == 60,
    "wrong_voxel_size": lambda f, b, x: (
        read_picture(f / x[0]).scale["x"] == pytest.approx(3.25, rel=1e-4)
        and np.array_equal(pixels(f, x[0]), pixels(b, x[0]))
    ),
    "truncated_file": lambda f, b, x: (b / x[0]).read_bytes().startswith((f / x[0]).read_bytes()),
}


def test_every_defect_is_looked_for() -> None:
    assert set(SEEN) == set(DEFECTS)


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defect_is_there_and_nothing_else_changed(lab: Path, copy: Path, kind: str) -> None:
    (planted,) = plant_defects(copy, [kind], seed=1)
    assert planted.defect == kind
    assert SEEN[kind](copy, lab, planted.files), planted
    before, after = files(lab), files(copy)
    changed = {file for file in before.keys() | after.keys() if before.get(file) != after.get(file)}
    images = {name(file).rsplit(".", 1)[0] for file in planted.files}
    whole = {stem.rsplit("_", 1)[0] for stem in images} if kind == "tiles_of_one_field" else set()
    allowed = images | whole
    assert {name(file).rsplit(".", 1)[0] for file in changed - {"treatments.csv"}} <= allowed
    assert set(rows(copy)) == {name(file) for file in after if file.startswith("images/")}


def test_all_defects_go_in_together_each_in_images_of_its_own(lab: Path, copy: Path) -> None:
    planted = plant_defects(copy, list(DEFECTS), seed=4)
    assert [one.defect for one in planted] == list(DEFECTS)
    for one in planted:
        assert SEEN[one.defect](copy, lab, one.files), one
    stems = [{name(file).rsplit(".", 1)[0].split("_s1")[0] for file in one.files} for one in planted]
    assert len(set.union(*stems)) == len(DEFECTS)


def test_same_seed_same_defects(lab: Path, tmp_path: Path) -> None:
    copies = [Path(shutil.copytree(lab, tmp_path / label)) for label in ("a", "b", "c")]
    chosen = ["tiny_fragments", "near_duplicate", "blurred_image", "tiny_fragments"]
    planted: list[list[Planted]] = [
        plant_defects(c, chosen, seed=s) for c, s in zip(copies, (1, 1, 2), strict=True)
    ]
    assert planted[0] == planted[1] != planted[2]
    assert files(copies[0]) == files(copies[1])


def test_stacks_movies_and_channels_can_be_spoilt_too(tmp_path: Path) -> None:
    pixelwise = [
        "mask_0_255",
        "swapped_axes",
        "tiny_fragments",
        "blurred_image",
        "nan_image",
        "wrong_voxel_size",
    ]
    simulate_dataset(tmp_path / "c", images=6, shape=(96, 120), channels=CHANNELS)
    simulate_dataset(tmp_path / "t", images=6, shape=(96, 120), timelapse=Timelapse(frames=2))
    simulate_dataset(tmp_path / "z", images=6, shape=(5, 96, 120), cells=Cells(count=2, monolayer=True))
    for kind in "ctz":
        planted = plant_defects(tmp_path / kind, pixelwise)
        wrong = read_picture(tmp_path / kind / planted[-1].files[0])
        assert wrong.scale["x"] == pytest.approx(3.25, rel=1e-4)
        assert wrong.axes == {"c": "CYX", "t": "TYX", "z": "ZYX"}[kind]
        if kind == "z":
            assert wrong.scale["z"] == 1.0


def test_what_cannot_be_planted_is_refused(copy: Path, tmp_path: Path) -> None:
    before = files(copy)
    with pytest.raises(ValueError, match=r"no defect typo; there are mask_0_255"):
        plant_defects(copy, ["typo"])
    with pytest.raises(ValueError, match="these defects need 40 images, the folder has 20"):
        plant_defects(copy, ["empty_mask"] * 40)
    assert files(copy) == before
    with pytest.raises(DatasetError, match=r"has no treatments\.csv"):
        plant_defects(tmp_path, ["empty_mask"])
    simulate_dataset(tmp_path / "png", images=1, shape=(64, 64), image_format="png", mask_format="png")
    with pytest.raises(ImageError, match="PNG cannot hold YX float32"):
        plant_defects(tmp_path / "png", ["float_mask"])
    with pytest.raises(ValueError, match="says no pixel size"):
        plant_defects(tmp_path / "png", ["wrong_voxel_size"])
