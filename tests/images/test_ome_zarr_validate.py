import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from micrographia.images import ArrayImage, LabelSource, validate, write_image

UNITS = {"z": "micrometer", "y": "micrometer", "x": "micrometer"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Path]:
    places = np.indices((2, 600, 700))
    pixels = (200 + 100 * np.sin(places[1] / 20) * np.cos(places[2] / 30)).astype(np.uint16)
    labels = ((places[1] // 30 % 3 + places[2] // 30 % 3) * 7).astype(np.uint8)
    scale = {"z": 2.0, "y": 0.5, "x": 0.5}
    image = ArrayImage(pixels, "ZYX", scale=scale, units=UNITS)
    folder = tmp_path_factory.mktemp("whole")
    for version in ("0.4", "0.5"):
        source = LabelSource("n", ArrayImage(labels, "ZYX"))
        write_image(folder / f"{version}.ome.zarr", image, labels=[source], version=version)
    write_image(folder / "0.5.ozx", image, labels=[LabelSource("n", ArrayImage(labels, "ZYX"))])
    return {"0.4": folder / "0.4.ome.zarr", "0.5": folder / "0.5.ome.zarr", "zip": folder / "0.5.ozx"}


@pytest.mark.parametrize("version", ["0.4", "0.5", "zip"])
def test_what_we_write_has_no_problem(whole: dict[str, Path], version: str):
    assert validate(whole[version], headers_only=False) == []


def edit(file: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def in_image(change: Callable[[dict], object], file: str = "zarr.json") -> Callable[[Path], None]:
    return lambda path: edit(path / file, lambda document: change(document["attributes"]["ome"]))


def in_array(change: Callable[[dict], object], file: str = "0/zarr.json") -> Callable[[Path], None]:
    return lambda path: edit(path / file, change)


def pyramid(change: Callable[[dict], object]) -> Callable[[Path], None]:
    return in_image(lambda ome: change(ome["multiscales"][0]))


def transformation(kind: int, **values: object) -> Callable[[Path], None]:
    return pyramid(lambda m: m["datasets"][1]["coordinateTransformations"][kind].update(values))


def chunk(path: Path, level: str = "0") -> Path:
    return min(file for file in (path / level).rglob("c*") if file.is_file())


DEFECTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no metadata": (lambda p: (p / "zarr.json").unlink(), "unreadable", "zarr.json"),
    "no array": (lambda p: (p / "1/zarr.json").unlink(), "unreadable", "1/zarr.json"),
    "unknown version": (in_image(lambda o: o.update(version="9.9")), "version", "zarr.json"),
    "no unit of UDUNITS": (pyramid(lambda m: m["axes"][1].update(unit="micron")), "unit", "zarr.json"),
    "order of axes": (
        pyramid(lambda m: m["axes"].__setitem__(1, {"name": "z", "type": "time"})),
        "axes",
        "zarr.json",
    ),
    "other dimension names": (
        in_array(lambda d: d.update(dimension_names=["a", "b", "c", "d"])),
        "dimension-names",
        "0/zarr.json",
    ),
    "no dimension names": (in_array(lambda d: d.pop("dimension_names")), "dimension-names", "0/zarr.json"),
    "scale against shape": (transformation(0, scale=[1.0, 2.0, 2.0, 2.0]), "scale", "zarr.json"),
    "translation": (transformation(1, translation=[0.0, 0.0, 0.5, 0.25]), "translation", "zarr.json"),
    "no scale": (
        pyramid(lambda m: m["datasets"][1].update(coordinateTransformations=[])),
        "transformation",
        "zarr.json",
    ),
    "levels in disorder": (pyramid(lambda m: m["datasets"].reverse()), "levels", "zarr.json"),
    "type of a level": (
        in_array(lambda d: d.update(data_type="int16"), "1/zarr.json"),
        "dtype",
        "1/zarr.json",
    ),
    "two channels": (in_image(lambda o: o["omero"]["channels"].append({})), "omero", "zarr.json"),
    "no window": (in_image(lambda o: o["omero"]["channels"][0].pop("window")), "omero", "zarr.json"),
    "window turned": (
        in_image(lambda o: o["omero"]["channels"][0]["window"].update(start=9, end=3)),
        "omero",
        "zarr.json",
    ),
    "a chunk outside": (
        lambda p: shutil.copy(chunk(p), chunk(p).with_name("c.0.5.0.0")),
        "chunk-outside",
        "0/c.0.5.0.0",
    ),
    "a stray file": (lambda p: (p / "0/note.txt").write_text("x"), "chunk-outside", "0/note.txt"),
    "an empty chunk": (lambda p: chunk(p).write_bytes(b""), "chunk-empty", "0/c.0.0.0.0"),
    "a missing chunk": (lambda p: chunk(p).unlink(), "chunk-missing", "0/zarr.json"),
    "a shard cut short": (lambda p: chunk(p).write_bytes(chunk(p).read_bytes()[:-9]), "shard", "0/c.0.0.0.0"),
    "labels without version": (
        in_image(lambda o: o.pop("version"), "labels/zarr.json"),
        "version",
        "labels/zarr.json",
    ),
    "labels not listed": (
        in_image(lambda o: o.update(labels=[]), "labels/zarr.json"),
        "labels",
        "labels/zarr.json",
    ),
    "labels that are not there": (
        in_image(lambda o: o["labels"].append("x"), "labels/zarr.json"),
        "unreadable",
        "labels/x/zarr.json",
    ),
    "no image-label": (
        in_image(lambda o: o.pop("image-label"), "labels/n/zarr.json"),
        "image-label",
        "labels/n/zarr.json",
    ),
    "no source": (
        in_image(lambda o: o["image-label"].pop("source"), "labels/n/zarr.json"),
        "source",
        "labels/n/zarr.json",
    ),
    "another source": (
        in_image(lambda o: o["image-label"].update(source={"image": "../"}), "labels/n/zarr.json"),
        "source",
        "labels/n/zarr.json",
    ),
    "fewer levels": (
        in_image(lambda o: o["multiscales"][0]["datasets"].pop(), "labels/n/zarr.json"),
        "levels",
        "labels/n/zarr.json",
    ),
    "another size": (
        in_array(lambda d: d.update(shape=[2, 600, 699]), "labels/n/0/zarr.json"),
        "labels-shape",
        "labels/n/0/zarr.json",
    ),
    "another scale": (
        in_image(
            lambda o: (
                [
                    step["coordinateTransformations"][0].update(scale=[2.0, 4.0 * 2**level, 4.0 * 2**level])
                    for level, step in enumerate(o["multiscales"][0]["datasets"])
                ]
                and o["multiscales"][0].update(
                    datasets=[
                        {**s, "coordinateTransformations": s["coordinateTransformations"][:1]}
                        for s in o["multiscales"][0]["datasets"]
                    ]
                )
            ),
            "labels/n/zarr.json",
        ),
        "labels-scale",
        "labels/n/zarr.json",
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_found(whole: dict[str, Path], tmp_path: Path, name: str):
    spoil, kind, file = DEFECTS[name]
    path = Path(shutil.copytree(whole["0.5"], tmp_path / "a.ome.zarr"))
    spoil(path)
    problems = validate(path)
    assert (kind, file) in [(problem.kind, problem.file) for problem in problems], problems
    consequences = {"unreadable", "levels", "labels-shape", "labels-scale", "scale", "translation"}
    assert {problem.kind for problem in problems} <= {kind} | consequences


def test_zarr_2_inside_0_5(whole: dict[str, Path], tmp_path: Path):
    path = Path(shutil.copytree(whole["0.5"], tmp_path / "a.ome.zarr"))
    shutil.rmtree(path / "1")
    shutil.copytree(whole["0.4"] / "1", path / "1")
    assert ("version", "1/.zarray") in [(problem.kind, problem.file) for problem in validate(path)]


def overwrite(path: Path, level: str, pixels: np.ndarray) -> None:
    import zarr

    zarr.open_array(path / level, mode="r+")[...] = pixels


@pytest.mark.parametrize(("level", "file"), [("1", "1"), ("2", "2"), ("labels/n/1", "labels/n/1")])
def test_levels_that_show_something_else(whole: dict[str, Path], tmp_path: Path, level: str, file: str):
    path = Path(shutil.copytree(whole["0.5"], tmp_path / "a.ome.zarr"))
    overwrite(path, level, 5)
    assert validate(path) == []
    assert [(problem.kind, problem.file) for problem in validate(path, headers_only=False)] == [
        ("levels-content", file)
    ]


def test_levels_by_nearest_neighbours_are_no_problem(whole: dict[str, Path], tmp_path: Path):
    import zarr

    path = Path(shutil.copytree(whole["0.5"], tmp_path / "a.ome.zarr"))
    noise = np.random.default_rng(0).integers(0, 900, (1, 2, 600, 700)).astype(np.uint16)
    overwrite(path, "0", noise)
    overwrite(path, "1", noise[..., ::2, ::2])
    overwrite(path, "2", noise[..., ::4, ::4])
    assert zarr.open_array(path / "2", mode="r").shape == (1, 2, 150, 175)
    assert validate(path, headers_only=False) == []


def test_a_store_that_is_none(tmp_path: Path):
    (tmp_path / "a.ozx").write_bytes(b"PK")
    (problem,) = validate(tmp_path / "a.ozx")
    assert problem.kind == "unreadable"
    (tmp_path / "b.zarr").mkdir()
    (problem,) = validate(tmp_path / "b.zarr")
    assert problem.file == "zarr.json"
