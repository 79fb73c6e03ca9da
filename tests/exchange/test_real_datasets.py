"""Real datasets, converted, written in every form, and opened again from a web server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from micrographia.dataset import Dataset, open_dataset
from micrographia.dataset.convert import ConvertOptions, convert
from micrographia.dataset.describe import describe
from micrographia.exchange import Submission, export, formats, import_submission, unnamed_differences
from micrographia.loading import patches
from micrographia.remote.connections import close_connections
from remote_server import Served, serving

MAIN = {
    "pagetab": "submission.json",
    "rocrate": "ro-crate-metadata.json",
    "mifa": None,
    "slicer": None,
    "bibtex": None,
}
"""The document that a folder is read by; None for forms that are not read from an address."""
CARRIES_FILES = ("pagetab", "rocrate", "croissant")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAPHIA_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found
    close_connections()


def some_of(data: Path, name: str, place: Path) -> Path:
    """Copy a few images of a real dataset with their annotations."""
    if name == "dsb2018":
        chosen = sorted(path.stem for path in (data / name / "images").iterdir())[:4]
        files = [path for kind in ("images", "labels") for path in (data / name / kind).iterdir()]
        files = [path for path in files if path.stem in chosen]
    elif name == "plantseg_3d":
        files = sorted((data / name).glob("113[56]_mini.h5"))
    else:
        files = [
            path
            for kind in ("Plate_2_images", "Plate_2_masks")
            for path in (data / name / kind).rglob("*.tif*")
            if "B7_01_3" in path.name
        ]
    for path in files:
        goal = place / path.relative_to(data / name)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, goal)
    return place


@pytest.fixture(scope="module", params=["dsb2018", "plantseg_3d", "nf1_cellpainting"])
def converted(request: pytest.FixtureRequest, data: Path, served: Served) -> Dataset:
    raw = describe(some_of(data, request.param, served.folder / f"{request.param}-raw")).dataset
    folder = served.folder / request.param
    convert(raw, folder, ConvertOptions(verify=False, workers=1))
    dataset = open_dataset(folder)
    assert len(dataset.image_ids) > 0
    assert all(dataset.masks(image) for image in dataset.image_ids)
    return dataset


@pytest.mark.real_data
def test_every_form_is_written_and_opened_again_by_address(
    converted: Dataset, served: Served, tmp_path: Path
) -> None:
    name = converted.path.name
    for form in formats().values():
        if not form.writes:
            continue
        # Croissant describes the files that lie beside it.
        out = converted.path if form.name == "croissant" else served.folder / f"{name}-{form.name}"
        if form.file:
            out.mkdir(exist_ok=True)
        choices = {choice.name: choice.values for choice in form.choices}
        options = {"files": "link"} if "link" in choices.get("files", ()) else {}
        done = export(converted, form, out, options)
        document = form.file or MAIN[form.name]
        if not form.reads or document is None:
            continue
        place = done.path if form.file else done.path / document
        address = f"{served.url.rstrip('/')}/{place.relative_to(served.folder).as_posix()}"
        back = import_submission(address, tmp_path / form.name)
        assert unnamed_differences(Submission.of(converted), back, [*done.findings, *back.findings]) == []
        if form.name in CARRIES_FILES:
            opened_from_afar(converted, open_dataset(tmp_path / form.name))


def opened_from_afar(here: Dataset, there: Dataset) -> None:
    assert there.image_ids == here.image_ids
    for image in here.image_ids:
        np.testing.assert_array_equal(there.image(image).read(), here.image(image).read())
        masks = there.masks(image)
        assert [mask.set for mask in masks] == [mask.set for mask in here.masks(image)]
        for mask, wanted in zip(masks, here.masks(image), strict=True):
            np.testing.assert_array_equal(mask.image.read(), wanted.image.read())


@pytest.mark.real_data
def test_patches_of_a_dataset_on_a_web_server_are_the_same(converted: Dataset, served: Served) -> None:
    size = (16, 32, 32) if converted.path.name == "plantseg_3d" else (64, 64)
    grey = [
        image
        for image in converted.image_ids
        if converted.path.name != "dsb2018" or "C" not in converted.image(image).axes
    ]
    options = {"seed": 1, "per_epoch": 6, "masks": converted.annotation_sets[0], "images": grey}
    near = [patch["image"] for patch in patches(converted, size, **options)]
    address = f"{served.url.rstrip('/')}/{converted.path.name}/"
    far = [patch["image"] for patch in patches(open_dataset(address), size, **options)]
    assert len(near) == len(far) == 6
    for one, other in zip(near, far, strict=True):
        np.testing.assert_array_equal(one, other)
