from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from builder import Array, Builder
from planting import Case, both, put, run_case, uncovered


def mask(change: Callable[[Array], Array]) -> Callable[[Builder], None]:
    # the first mask, changed and stored as TIFF
    def plant(builder: Builder) -> None:
        array = change(builder.read("masks/field_01.png"))
        (builder.root / "masks/field_01.png").unlink()
        options = (
            {"imagej": True, "metadata": {"axes": "ZYX"}}
            if array.ndim == 3
            else {"photometric": "minisblack"}
        )
        rgb = {"photometric": "rgb"} if array.shape[-1] == 3 else options
        builder.put("masks/field_01.tif", array, **rgb)
        builder.row("masks/field_01.png")["Files"] = "masks/field_01.tif"

    return plant


SCALED = put("annotations[0].transformations", "the mask was made on an image reduced by 2 in y and x")

CASES = [
    Case("F003", mask(lambda m: m[::2, ::2].copy()), says="Y48 X48"),
    Case("F003", both(mask(lambda m: m[::2, ::2].copy()), SCALED), fires=0),
    Case("F003", mask(lambda m: m + 1), fires=0),
    Case("F004", mask(lambda m: np.stack([m.astype(np.uint16)] * 5)), says="Z5 Y96 X96"),
    Case("F004", both(mask(lambda m: np.stack([m.astype(np.uint16)] * 5)), SCALED), fires=0),
    Case("F004", mask(lambda m: m[None]), fires=0),
    Case("F005", mask(lambda m: m.astype(np.float32)), says="float32"),
    Case("F005", mask(lambda m: m.astype(np.int32)), fires=0),
    Case("F006", mask(lambda m: np.stack([m] * 3, -1).astype(np.uint8)), says="colour"),
    Case("F006", mask(lambda m: m.astype(np.uint8)), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.mask_headers", CASES)
