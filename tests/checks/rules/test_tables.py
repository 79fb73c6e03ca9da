from collections.abc import Callable
from pathlib import Path

import pytest

from builder import Builder
from micrographia.findings import Level
from planting import Case, both, put, run_case, uncovered

Plant = Callable[[Builder], None]


def boxes(*rows: str, source: str = "") -> Plant:
    """Add a set of boxes: a CSV whose rows are image, id, y0, x0, y1, x1 and class."""

    def plant(builder: Builder) -> None:
        text = "\n".join(["image,object_id,y0,x0,y1,x1,class_id", *rows])
        (builder.root / "boxes.csv").write_text(text + "\n", "utf-8")
        described = builder.get("annotations[0]") | {"name": "boxes", "annotation_type": ["bounding_boxes"]}
        described["annotation_coverage"] = {"annotated": 9, "total": 9, "unit": "boxes", "description": "all"}
        builder.get("annotations").append(described)
        cells = {"annotation set": "boxes", "annotation type": "bounding_boxes", "source image": source}
        builder.add_row("boxes.csv", "annotation", **cells)

    return plant


CASES = [
    Case("F025", boxes("field_01,1,a,2,9,9,1", "field_02,1,1,2,9,9,1"), fires=2),
    Case("F025", boxes("\0"), says="cannot be read"),
    Case("F025", boxes("elsewhere,1,1,2,10,12,1"), says="elsewhere"),
    Case("F025", boxes("field_01,1,1,2,10,12,1", "field_02,1,1,2,10,12,1"), fires=0),
    Case("F026", boxes("field_01,1,1,2,97,12,1"), says="to 96 along y", level=Level.SPECIFIC),
    Case("F026", boxes("field_01,1,-3,2,90,12,1"), says="from -3", level=Level.SPECIFIC),
    Case("F026", boxes("field_01,1,0,0,96,96,1"), fires=0),
    Case("M026", boxes("field_01,1,1,2,10,12,7"), says="class 7", level=Level.SPECIFIC),
    Case("M026", both(boxes("field_01,1,1,2,10,12,7"), put("annotations[1].classes", [])), fires=0),
    Case("M026", boxes("field_01,1,1,2,10,12,1"), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.tables", CASES)
