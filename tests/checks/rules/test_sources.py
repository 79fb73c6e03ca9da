from pathlib import Path

import pytest

from builder import Builder
from micrographia.findings import Level
from planting import Case, both, drop, row, run_case, uncovered


def two_masks(builder: Builder) -> None:
    builder.put("masks/second.png", builder.read("masks/field_01.png"))
    named = {"annotation set": "nuclei", "annotation type": "segmentation_mask", "source image": "field_01"}
    builder.add_row("masks/second.png", "annotation", **named)


CASES = [
    Case("L015", row("masks/field_01.png", annotation_type=""), says="annotation type", level=Level.ABSENT),
    Case(
        "L015",
        row("masks/field_01.png", annotation_set=""),
        says="annotation set",
        level=Level.ABSENT,
        also={"M022"},
    ),
    Case("L015", row("masks/field_01.png", split="train"), fires=0),
    Case(
        "L016",
        row("masks/field_01.png", source_image="field_01.tif"),
        says="did you mean field_01?",
        level=Level.PRESENT,
    ),
    Case("L016", row("masks/field_01.png", source_image=""), says="no source image", level=Level.ABSENT),
    Case("L016", row("masks/field_01.png", source_image="field_02"), fires=0, also={"M022"}),
    Case(
        "L017",
        both(two_masks, drop("annotations[0].source_image_association")),
        says="field_01",
        also={"M017"},
    ),
    Case("L017", two_masks, fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.sources", CASES)
