from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from builder import Array, Builder
from micrographia.annotations import objects_table, write_table
from pixel_planting import mask, run_pixel_case
from planting import Case, both, put, uncovered


def split(labels: Array) -> Array:
    labels = labels.copy()
    labels[labels == 2] = 1
    return labels


def dotted(labels: Array) -> Array:
    labels = labels.copy()
    labels[0, 0] = 3
    return labels


def speck(labels: Array) -> Array:
    labels = labels.copy()
    labels[1, 1] = labels.max() + 1
    return labels


def copied(builder: Builder) -> None:
    builder.put("masks/field_02.png", builder.read("masks/field_01.png"))


def brightened(builder: Builder) -> None:
    """Make the second image a brighter copy of the first."""
    builder.put("images/field_02.tif", (builder.read("images/field_01.tif") * 1.2 + 9).astype(np.uint16))


def files(overlap: int) -> object:
    """Give each of two objects of a field a file of its own, one moved so that they share some pixels."""

    def plant(builder: Builder) -> None:
        labels = builder.read("masks/field_01.png")
        (builder.root / "masks/field_01.png").unlink()
        builder.drop_row("masks/field_01.png")
        for label in (1, 2):
            part = (labels == label) | (
                (labels == 1) & (np.cumsum(labels == 1).reshape(labels.shape) <= overlap)
            )
            builder.put(f"masks/field_01/{label}.png", (part * 255).astype(np.uint8))
            cells = {
                "annotation set": "nuclei",
                "annotation type": "segmentation_mask",
                "source image": "field_01",
            }
            builder.add_row(f"masks/field_01/{label}.png", "annotation", **cells)
        said = "masks/NAME.png is the mask of images/NAME.tif; for some, masks/NAME/ has several files, one an object"
        builder.set("annotations[0].source_image_association", said)

    return plant


def listed(change: object = None) -> object:
    """List the objects of every mask in a table, changed."""

    def plant(builder: Builder) -> None:
        parts = []
        for name in builder.ids:
            table = objects_table(builder.read(f"masks/{name}.png"), image=name, set_name="nuclei")
            table["class_id"] = pd.array([1] * len(table), "Int64")
            parts.append(table)
        whole = pd.concat(parts, ignore_index=True)
        (builder.root / "annotations").mkdir()
        write_table(
            change(whole) if change else whole, "objects", builder.root / "annotations/objects.parquet"
        )
        builder.add_row(
            "annotations/objects.parquet",
            "annotation",
            **{"annotation set": "nuclei", "annotation type": "class_labels"},
        )
        builder.set("annotations[0].annotation_type", ["segmentation_mask", "class_labels"])

    return plant


def one_missing(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(index=2).reset_index(drop=True)


CASES = [
    Case("P012", mask(split), says="1 mask has labels that lie in several large pieces"),
    Case("P012", both(mask(split), put("annotations[0].mask_kind", "semantic")), fires=0, also=["P015"]),
    Case("P013", mask(dotted), says="stray pixels"),
    Case("P013", mask(speck), fires=0, also=["P014"]),
    Case("P014", mask(speck), says="tiny objects"),
    Case("P014", mask(lambda m: np.where(m == 1, 0, m)), fires=0),
    Case("P016", listed(one_missing), says="other labels than the objects table"),
    Case("P016", listed(), fires=0),
    Case("P020", files(6), says="1 mask has objects that overlap"),
    Case("P020", files(0), fires=0, also=["P019"]),
    Case("P017", copied, says="the same although their images differ"),
    Case("P017", mask(lambda m: m + (m > 0), "field_02"), fires=0),
    Case("P017", both(copied, brightened), fires=0, also=["S003"]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_pixel_case(case, tmp_path)


def test_the_labels_in_question_are_told(tmp_path: Path) -> None:
    (finding,) = run_pixel_case(Case("P012", mask(split)), tmp_path)
    assert finding.evidence["files"]["masks/field_01.png"] == {"labels": [1], "number": 1}


def test_what_the_table_lacks_is_told(tmp_path: Path) -> None:
    (finding,) = run_pixel_case(Case("P016", listed(one_missing)), tmp_path)
    assert finding.evidence["files"]["masks/field_01.png"] == {"not_in_table": [3], "not_in_mask": []}


def test_every_rule_has_cases() -> None:
    assert not uncovered("micrographia.checks.rules.pixels_objects", CASES)
