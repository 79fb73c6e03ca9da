from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from builder import Array, Builder
from micrographia.findings import Level
from planting import Case, run_case, uncovered


def stack(names: list[str] | None, rgb: bool = False) -> Callable[[Builder], None]:
    # the first image, with three channels
    def plant(builder: Builder) -> None:
        image = builder.read("images/field_01.tif")
        if rgb:
            builder.put("images/field_01.tif", np.stack([image] * 3, -1).astype(np.uint8), photometric="rgb")
            return
        labels = {"Labels": names} if names else {}
        metadata = {"axes": "CYX", "unit": "um", **labels}
        step = 1 / 0.325
        builder.put(
            "images/field_01.tif",
            np.stack([image] * 3),
            imagej=True,
            resolution=(step, step),
            metadata=metadata,
        )

    return plant


def split(change: Callable[[Array], Array]) -> Callable[[Builder], None]:
    # the second image becomes the second channel of the first
    def plant(builder: Builder) -> None:
        builder.put("images/field_02.tif", change(builder.read("images/field_02.tif")))
        for number, name in enumerate(("DAPI", "GFP"), 1):
            builder.row(f"images/field_0{number}.tif").update(image="field_01", channel=name)
        builder.drop_row("masks/field_02.png")
        (builder.root / "masks/field_02.png").unlink()
        coverage = {"annotated": 3, "total": 3, "unit": "images"}
        builder.set("annotations[0].annotation_coverage", coverage)

    return plant


CASES = [
    Case("F021", stack(None), says="field_01", level=Level.ABSENT),
    Case("F021", stack(["DAPI", "GFP", "RFP"]), fires=0),
    Case("F021", stack(None, rgb=True), fires=0),
    Case("F022", split(lambda image: image[:48].copy()), says="Y48 X96"),
    Case("F022", split(lambda image: image.astype(np.uint8)), says="uint8"),
    Case("F022", split(lambda image: image), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.channels", CASES)
