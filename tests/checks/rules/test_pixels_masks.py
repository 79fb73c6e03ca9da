from pathlib import Path

import numpy as np
import pytest
import tifffile

from builder import Array, Builder
from pixel_planting import mask, run_pixel_case
from planting import Case, both, put, uncovered

KIND = "annotations[0].mask_kind"
CLASSES = "annotations[0].classes"
TWO = [{"id": 1, "name": "nucleus", "ontology_id": "GO:0005634"}, {"id": 2, "name": "micronucleus"}]


def binary(value: int) -> object:
    return lambda labels: ((labels > 0) * value).astype(np.uint8)


def every(change: object) -> object:
    return both(*(mask(change, f"field_{number:02d}") for number in range(1, 5)))


def as_tiff(change: object, name: str = "field_01") -> object:
    def plant(builder: Builder) -> None:
        array = change(builder.read(f"masks/{name}.png"))
        (builder.root / f"masks/{name}.png").unlink()
        tifffile.imwrite(builder.root / f"masks/{name}.tif", array)
        builder.row(f"masks/{name}.png")["Files"] = f"masks/{name}.tif"

    return plant


def halves(labels: Array) -> Array:
    floats = labels.astype(np.float32)
    floats[20:40] += 0.5 * (labels[20:40] > 0)
    return floats


def semantic(labels: Array) -> Array:
    return np.where(labels > 3, 2, labels > 0).astype(np.uint8)


CASES = [
    Case("P004", mask(binary(255)), says="1 mask holds 0/255"),
    Case("P004", mask(binary(255), "field_02"), says="field_02.png"),
    Case("P004", both(every(binary(255)), put(KIND, "binary")), fires=0),
    Case("P009", every(binary(1)), says="single label each"),
    Case("P009", mask(binary(1)), fires=0),
    Case("P010", mask(np.zeros_like), says="1 mask is empty"),
    Case(
        "P010",
        both(
            mask(np.zeros_like),
            put(
                "annotations[0].annotation_coverage.description", "all fields; one is empty: it has no nuclei"
            ),
        ),
        fires=0,
    ),
    Case("P011", as_tiff(halves), says="no labels", also=["F005"]),
    Case("P011", as_tiff(lambda m: m.astype(np.int32) - 1), says="negative"),
    Case("P011", as_tiff(lambda m: m.astype(np.int32)), fires=0),
    Case("P015", both(every(semantic), put(KIND, "semantic")), says="values that are no class"),
    Case("P015", both(every(semantic), put(KIND, "semantic"), put(CLASSES, TWO)), fires=0),
    Case(
        "P015",
        both(every(binary(1)), put(KIND, "semantic"), put(CLASSES, TWO)),
        says="classes of nuclei that occur in no mask: 2",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_pixel_case(case, tmp_path)


def test_the_evidence_names_each_file(tmp_path: Path) -> None:
    plant = both(mask(binary(255)), mask(binary(255), "field_03"))
    (finding,) = run_pixel_case(Case("P004", plant, says="2 masks hold 0/255 although instances"), tmp_path)
    assert finding.evidence["files"] == {
        "masks/field_01.png": {"values": [0, 255]},
        "masks/field_03.png": {"values": [0, 255]},
    }


def test_a_mask_of_floats_that_are_whole_is_read_as_labels(tmp_path: Path) -> None:
    run_pixel_case(Case("P011", as_tiff(lambda m: m.astype(np.float32)), fires=0, also=["F005"]), tmp_path)


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.pixels_masks", CASES)
