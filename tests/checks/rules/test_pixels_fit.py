from pathlib import Path

import numpy as np
import pytest

from builder import Array
from pixel_planting import mask, run_pixel_case
from planting import Case, both, uncovered


def moved(y: int, x: int) -> object:
    def change(labels: Array) -> Array:
        result = np.zeros_like(labels)
        result[max(0, y) :, max(0, x) :] = labels[
            : labels.shape[0] - max(0, y), : labels.shape[1] - max(0, x)
        ]
        return result

    return change


def few(labels: Array) -> Array:
    return np.where(labels <= 3, labels, 0).astype(labels.dtype)


CASES = [
    Case("P018", mask(lambda m: m[::-1]), says="mirrored top to bottom"),
    Case("P018", mask(lambda m: m.T.copy()), says="mirrored and turned"),
    Case("P018", mask(np.rot90), says="turned by 270 degrees"),
    Case(
        "P018",
        both(mask(lambda m: m[:, ::-1]), mask(lambda m: m[::-1], "field_02")),
        says="2 masks fit their images",
    ),
    Case("P018", mask(moved(2, 1)), fires=0),
    Case("P019", mask(few), says="may be incomplete"),
    Case("P019", mask(lambda m: np.where(m == 1, 0, m)), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_pixel_case(case, tmp_path)


def test_a_shifted_mask_with_the_shift_that_would_mend_it(tmp_path: Path) -> None:
    (finding,) = run_pixel_case(Case("P018", mask(moved(12, 0))), tmp_path)
    assert "shifted by -12, 0 pixels" in finding.message


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.pixels_fit", CASES)
