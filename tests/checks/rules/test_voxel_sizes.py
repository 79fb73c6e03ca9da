from collections.abc import Callable
from pathlib import Path

import pytest

from builder import Builder
from micrographia.findings import Level
from planting import Case, both, drop, put, run_case, uncovered


def scaled(path: str, step: float | None, unit: str = "um") -> Callable[[Builder], None]:
    # the file of an image or mask, as TIFF with another pixel size
    def plant(builder: Builder) -> None:
        target = path.replace(".png", ".tif")
        array = builder.read(path)
        resolution = (
            {}
            if step is None
            else {"resolution": (1 / step, 1 / step), "metadata": {"unit": unit}, "imagej": True}
        )
        (builder.root / path).unlink()
        builder.put(target, array, **resolution or {"photometric": "minisblack"})
        builder.row(path)["Files"] = target

    return plant


NO_DECISION = drop("voxel_size")

CASES = [
    Case(
        "F009", both(NO_DECISION, scaled("images/field_01.tif", None)), says="field_01", level=Level.PRESENT
    ),
    Case("F009", NO_DECISION, fires=0),
    Case("F009", scaled("images/field_01.tif", None), fires=0),
    Case(
        "F010",
        both(NO_DECISION, scaled("masks/field_01.png", 0.5)),
        says="0.5 micrometer",
        level=Level.SPECIFIC,
    ),
    Case("F010", scaled("masks/field_01.png", 0.5), fires=0),
    Case("F010", both(NO_DECISION, scaled("masks/field_01.png", 0.3250001)), fires=0),
    Case(
        "F010",
        both(
            NO_DECISION,
            scaled("masks/field_01.png", 0.5),
            put("annotations[0].transformations", "enlarged by 1.5"),
        ),
        fires=0,
    ),
    Case(
        "F011", scaled("images/field_01.tif", 0.5), says="field_01 says 0.5 micrometer", level=Level.SPECIFIC
    ),
    Case("F011", put("voxel_size", {"y": 325, "x": 325, "unit": "nanometer"}), fires=0),
    Case("F012", put("voxel_size", {"y": 0.325, "x": 0.325}), says="no unit", level=Level.PRESENT),
    Case("F012", NO_DECISION, fires=0),
    Case(
        "F013",
        put("voxel_size", {"y": 25400 / 72, "x": 25400 / 72, "unit": "micrometer"}),
        says="72 dots",
        also={"F011"},
    ),
    Case(
        "F013",
        put("voxel_size", {"y": 0.325, "x": 0.5, "unit": "micrometer"}),
        says="differs along y and x",
        also={"F011"},
    ),
    Case(
        "F013",
        put("voxel_size", {"y": 0.325, "x": 0.325, "unit": "meter"}),
        says="3.25e+05 micrometer",
        also={"F011"},
    ),
    Case("F013", put("voxel_size", {"y": 0.325, "x": 0.33, "unit": "micrometer"}), fires=0, also={"F011"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.voxel_sizes", CASES)
