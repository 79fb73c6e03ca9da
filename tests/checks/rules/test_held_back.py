from pathlib import Path

import pytest

from builder import Builder
from planting import Case, both, put, run_case, uncovered

COVERAGE = put("annotations[0].annotation_coverage", {"description": "the training and validation fields"})


def unlabelled(*images: str):
    def plant(builder: Builder) -> None:
        for image in images:
            (builder.root / f"masks/{image}.png").unlink()
            builder.drop_row(f"masks/{image}.png")

    return both(COVERAGE, plant)


SAID = put(
    "study.description",
    "Fluorescence images of DAPI-stained HeLa nuclei from four slides, with the masks of the training images. Those of "
    "the test images are held back; predictions are scored on a server. Please cite the publication below.",
)
ALSO = {"M016"}
CASES = [
    Case("L025", unlabelled("field_03"), says="1 image of 2 in the test split", also=ALSO),
    Case("L025", unlabelled("field_01"), fires=0, also=ALSO),
    Case("L026", unlabelled("field_03", "field_04"), says="none of 2 test images", also=ALSO),
    Case("L026", both(unlabelled("field_03", "field_04"), SAID), fires=0, also=ALSO),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.held_back", CASES)
