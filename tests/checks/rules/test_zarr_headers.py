import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder import Builder
from planting import Case, Plant, both, run_case, uncovered

IMAGE = "images/field_01.ome.zarr"


def converted(version: str = "0.5", **options: Any) -> Plant:
    """Make the first image an OME-Zarr with its mask as label image."""
    return lambda builder: builder.put_zarr("field_01", version=version, **options)


def edited(
    change: Callable[[Any], object], name: str = "zarr.json", version: str = "0.5", **options: Any
) -> Plant:
    """Change the JSON of one of its metadata files."""

    def plant(builder: Builder) -> None:
        converted(version, **options)(builder)
        path = builder.root / IMAGE / name
        document = json.loads(path.read_text("utf-8"))
        change(document)
        path.write_text(json.dumps(document), "utf-8")

    return plant


def ome(change: Callable[[Any], object], **options: Any) -> Plant:
    """Change what OME-Zarr 0.5 says of the image."""
    return edited(lambda document: change(document["attributes"]["ome"]), **options)


def multiscale(change: Callable[[Any], object], **options: Any) -> Plant:
    """Change what it says of the pyramid."""
    return ome(lambda said: change(said["multiscales"][0]), **options)


def extra_chunk(builder: Builder) -> None:
    converted()(builder)
    chunk = builder.root / IMAGE / "0/c.0.0.0"
    chunk.with_name("c.0.1.0").write_bytes(chunk.read_bytes())


def no_chunks(builder: Builder) -> None:
    converted()(builder)
    for path in (builder.root / IMAGE / "0").rglob("*"):
        if path.is_file() and path.name != "zarr.json":
            path.unlink()


def second_label(builder: Builder) -> None:
    converted()(builder)
    (builder.root / IMAGE / "labels/nuclei").rename(builder.root / IMAGE / "labels/cells")
    builder.row(f"{IMAGE}/labels/nuclei")["Files"] = f"{IMAGE}/labels/cells"


def unlisted_row(builder: Builder) -> None:
    converted()(builder)
    builder.drop_row(f"{IMAGE}/labels/nuclei")
    builder.set("annotations[0].annotation_coverage.annotated", 3)


UNIT = {"unit": "um"}

CASES = [
    Case("F014", multiscale(lambda said: said["axes"][-1].update(UNIT)), says="'um'"),
    Case("F014", multiscale(lambda said: said["axes"][0].update(type="space")), says="not channel"),
    Case(
        "F014",
        multiscale(lambda said: said["datasets"][0]["coordinateTransformations"].reverse()),
        says="no scale",
    ),
    Case(
        "F014", multiscale(lambda said: said["datasets"][0].pop("coordinateTransformations")), also={"F011"}
    ),
    Case("F014", ome(lambda said: said.update(version="0.6")), says="'0.6'", also={"F023"}),
    Case(
        "F014",
        ome(lambda said: said["omero"]["channels"].append({"color": "red"})),
        fires=2,
        says="2 channels",
    ),
    Case(
        "F014",
        edited(lambda said: said.update(dimension_names=["c", "x", "y"]), "0/zarr.json"),
        says="names its dimensions",
    ),
    Case("F014", converted(), fires=0),
    Case("F014", converted("0.4"), fires=0),
    Case("F015", extra_chunk, says="outside the grid of 1 x 1 x 1"),
    Case("F015", no_chunks, says="has no chunk at all"),
    Case(
        "F015", lambda b: (converted()(b), (b.root / IMAGE / "0/notes.txt").write_text("x")), says="notes.txt"
    ),
    Case("F015", converted(levels=2), fires=0),
    Case(
        "F016",
        edited(lambda said: said.update(shape=[1, 24, 24]), "1/zarr.json", levels=2),
        fires=2,
        says="24 pixels",
    ),
    Case(
        "F016",
        edited(lambda said: said.update(shape=[1, 200, 48]), "1/zarr.json", levels=2),
        fires=2,
        says="200 pixels",
    ),
    Case(
        "F016",
        multiscale(lambda said: said["datasets"].append(dict(said["datasets"][0], path="9"))),
        says="level 9",
    ),
    Case("F016", converted(levels=3), fires=0),
    Case("F016", converted("0.4", levels=3), fires=0),
    Case("F017", second_label, fires=2, says="nuclei, which is not there", also={"L009"}),
    Case(
        "F017",
        edited(lambda said: said["attributes"]["ome"].pop("image-label"), "labels/nuclei/zarr.json"),
        says="no image-label",
    ),
    Case(
        "F017",
        edited(
            lambda said: said["attributes"]["ome"]["image-label"].pop("source"), "labels/nuclei/zarr.json"
        ),
        says="source image",
    ),
    Case(
        "F017",
        edited(
            lambda said: said["attributes"]["ome"]["image-label"].update(colors=[{"label-value": 1}] * 2),
            "labels/nuclei/zarr.json",
        ),
        says="two things",
    ),
    Case("F017", converted(), fires=0),
    Case("L009", unlisted_row, says="nuclei"),
    Case("L009", both(converted("0.4")), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.zarr_headers", CASES)
