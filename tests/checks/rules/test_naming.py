from collections.abc import Callable
from pathlib import Path

import pytest

from builder import Builder
from micrographia.findings import Level
from planting import Case, row, run_case, uncovered

Plant = Callable[[Builder], None]


def renamed(image: str) -> Plant:
    """Give the first image another id, and say so in its mask."""

    def plant(builder: Builder) -> None:
        builder.row("images/field_01.tif")["image"] = image
        builder.row("masks/field_01.png")["source image"] = image

    return plant


def moved(path: str) -> Plant:
    """Rename the file of the first image."""

    def plant(builder: Builder) -> None:
        builder.row("images/field_01.tif")["Files"] = path
        (builder.root / "images/field_01.tif").rename(builder.root / path)

    return plant


def channels(*names: str) -> Plant:
    """Make one image of the first two, which are its channels."""

    def plant(builder: Builder) -> None:
        for path, name in zip(("images/field_01.tif", "images/field_02.tif"), names, strict=True):
            builder.row(path).update(image="field_01", channel=name)
        builder.drop_row("masks/field_02.png")
        (builder.root / "masks/field_02.png").unlink()

    return plant


CASES = [
    Case(
        "L010",
        row("images/field_01.tif", image=""),
        says="field_01",
        also={"L016"},
        level=Level.ABSENT,
    ),
    Case(
        "L010",
        lambda b: b.rows.clear(),
        says="no image",
        also={"L005", "M008"},
        level=Level.ABSENT,
    ),
    Case("L010", row("images/field_01.tif", split=""), fires=0, also={"L023"}),
    Case("L011", renamed("kidney slice #3"), says="kidney_slice_3"),
    Case("L011", renamed("kidney.slice-3!(a)"), fires=0),
    Case("L012", renamed("FIELD_02"), says="differ in case"),
    Case("L012", renamed("FIELD_99"), fires=0),
    Case("L013", moved("images/field 1.tif"), says="a space"),
    Case("L013", moved("images/zelle_ä.tif"), says="'ä'"),
    Case("L013", moved("images/field-1_(a)'!.tif"), fires=0),
    Case("L014", moved("images/FIELD_02.tif"), says="differ in case only"),
    Case("L014", moved("images/FIELD_99.tif"), fires=0),
    Case("L018", row("images/field_02.tif", image="field_01"), says="without a channel", also={"L016"}),
    Case("L018", channels("DAPI", "DAPI"), says="'DAPI'", also={"M022"}),
    Case("L018", channels("DAPI", "GFP"), fires=0, also={"M022"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.naming", CASES)
