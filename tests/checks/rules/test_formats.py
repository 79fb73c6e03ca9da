from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder import Builder
from micrographia.findings import Level
from planting import Case, both, drop, row, run_case, uncovered


def stored(path: str, target: str, **options: Any) -> Callable[[Builder], None]:
    # another format for a file of the list
    def plant(builder: Builder) -> None:
        array = builder.read(path)
        (builder.root / path).unlink()
        builder.put(target, array.astype(np.uint8) if target.endswith("jpg") else array, **options)
        builder.row(path)["Files"] = target

    return plant


def truncated(builder: Builder) -> None:
    path = builder.root / "images/field_01.tif"
    path.write_bytes(path.read_bytes()[:100])


CASES = [
    Case("F001", stored("images/field_01.tif", "images/field_01.czi"), says=".czi", also={"F023"}),
    Case(
        "F001", lambda b: ((b.root / "scan.czi").write_bytes(b"x"), b.add_row("scan.czi", "other")), fires=0
    ),
    Case("F002", truncated, says="cannot be opened"),
    Case("F002", lambda b: (b.root / "masks/field_01.png").write_bytes(b""), says="empty"),
    Case("F002", row("masks/field_01.png", member="3"), says="cannot be opened"),
    Case("F002", stored("masks/field_01.png", "masks/field_01.tif"), fires=0),
    Case("F007", stored("masks/field_01.png", "masks/field_01.jpg"), says="jpeg"),
    Case("F007", stored("masks/field_01.png", "masks/field_01.tif", compression="zlib"), fires=0),
    Case("F008", stored("images/field_01.tif", "images/field_01.jpg"), says="jpeg"),
    Case("F008", stored("images/field_01.tif", "images/field_01.png"), fires=0),
    Case("F020", drop("waivers"), says="4 .tif", level=Level.PRESENT),
    Case("F020", both(drop("waivers"), lambda b: [b.put_zarr(image) for image in b.ids]), fires=0),
    Case("F023", stored("masks/field_01.png", "masks/field_01.tif"), fires=0),
    Case(
        "F023",
        lambda b: (
            b.put("masks/field_01.png", b.read("masks/field_01.png")).rename(b.root / "masks/field_01.tif")
            and b.row("masks/field_01.png").update(Files="masks/field_01.tif")
        ),
        says="is named .tif but is",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.formats", CASES)
