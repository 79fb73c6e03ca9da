import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from builder import Array, Builder
from micrographia.checks import check, compute_check
from micrographia.dataset import open_dataset
from micrographia.findings import Severity
from pixel_planting import full_report, run_pixel_case
from planting import Case, both, uncovered
from textures import texture

FAR = ("field_01", "field_03")
"""Two images in different splits and slides, of the four that cases are made of."""
NEAR = ("field_01", "field_02")
"""Two images of one slide and split."""


def fields(first: Array, second: Array, names: tuple[str, str]) -> object:
    """Put two pictures in the place of two images, with masks without objects that are said to be so."""

    def plant(builder: Builder) -> None:
        for name, pixels in zip(names, (first, second), strict=True):
            builder.put(f"images/{name}.tif", np.ascontiguousarray(pixels))
            builder.put(f"masks/{name}.png", np.zeros(pixels.shape, np.uint16))
        builder.set("annotations[0].annotation_coverage.description", "all fields; some are empty")

    return plant


def apart(builder: Builder) -> None:
    """Give every image a slide of its own."""
    for name in builder.ids:
        builder.row(f"images/{name}.tif")["group:slide"] = f"slide-{name}"


def unsplit(builder: Builder) -> None:
    for row in builder.rows:
        row["split"] = "train" if row.get("split") else ""


def jpeg(plane: Array) -> Array:
    held = io.BytesIO()
    Picture.fromarray((plane / 12).clip(0, 255).astype(np.uint8)).save(held, "JPEG", quality=80)
    with Picture.open(held) as picture:
        return np.array(picture).astype(np.uint16)


FIELD = texture(1, 256, 256)
TILES = (FIELD[:96, :96], FIELD[:96, 96:192])
CROPS = (FIELD[:96, :96], FIELD[20:116, 40:136])
COPIES = (FIELD[:96, :96], FIELD[:96, :96])
TURNED = (FIELD[:96, :96], jpeg(FIELD[:96, :96][::-1]))
_other = texture(2, 96, 96).astype(float)
_noise = np.random.default_rng(0).normal(0, 4, (96, 96))
SLICES = (FIELD[:96, :96], (0.7 * FIELD[:96, :96] + 0.3 * _other + _noise).astype(np.uint16))
UNRELATED = (FIELD[:96, :96], texture(3, 96, 96))

CASES = [
    Case("S001", fields(*COPIES, NEAR), says="2 images have the same pixels"),
    Case("S001", fields(*TURNED, NEAR), fires=0, also=["S003"]),
    Case("S002", fields(*COPIES, FAR), says="are in test and in train", also=["S001", "S008"]),
    Case("S002", both(fields(*COPIES, NEAR)), fires=0, also=["S001"]),
    Case("S003", fields(*TURNED, NEAR), says="1 pair of images are copies"),
    Case("S003", fields(*TURNED, FAR), says="in different splits", also=["S008"]),
    Case("S003", fields(*UNRELATED, FAR), fires=0),
    Case("S004", fields(*TILES, FAR), says="neighbouring tiles of one field", also=["S008"]),
    Case("S004", fields(*TILES, NEAR), fires=0),
    Case("S005", fields(*CROPS, FAR), says="overlap", also=["S008"]),
    Case("S005", both(fields(*CROPS, FAR), unsplit), fires=0, also=["S008", "A004"]),
    Case("S006", fields(*SLICES, FAR), says="slightly changed", also=["S008"]),
    Case("S006", fields(*SLICES, NEAR), fires=0),
    Case(
        "S008", both(fields(*TILES, NEAR), apart), says="2 images seem to be of 1 field that no column names"
    ),
    Case("S008", fields(*UNRELATED, FAR), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_pixel_case(case, tmp_path)


def test_the_severity_of_a_copy_depends_on_the_split(tmp_path: Path) -> None:
    (near,) = run_pixel_case(Case("S003", fields(*TURNED, NEAR)), tmp_path / "near")
    (far,) = run_pixel_case(Case("S003", fields(*TURNED, FAR), also=["S008"]), tmp_path / "far")
    assert (near.severity, far.severity) == ("warning", "error")


def test_a_seam_between_splits_comes_with_its_figures(tmp_path: Path) -> None:
    (finding,) = run_pixel_case(Case("S004", fields(*TILES, FAR), also=["S008"]), tmp_path)
    (link,) = finding.evidence["links"]
    assert {link["first"], link["second"]} == set(FAR)
    assert link["evidence"]["correlation"] > 0.95
    assert finding.evidence["false_alarm_rate"] == 0
    assert finding.evidence["false_alarm_bound"] > 0
    assert finding.line == 2


def test_the_proposal_is_written_on_demand_and_settles_the_finding(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=4)
    both(fields(*TILES, NEAR), apart)(builder)
    root = builder.write()
    before = (root / "files.tsv").read_text()
    assert check(root, pixels=True).count(Severity.WARNING) >= 1
    assert (root / "files.tsv").read_text() == before
    report = check(root, pixels=True, fix=True)
    assert [line for line in report.fixed if "group:field" in line]
    assert not [finding for finding in report.findings if finding.code == "S008"]
    dataset = open_dataset(root)
    groups = {name: dataset.image_groups(name)["field"] for name in dataset.image_ids}
    assert groups["field_01"] == groups["field_02"] == "field-field_01"
    assert len(set(groups.values())) == 3
    assert len((root / "files.tsv").read_text().splitlines()) == len(before.splitlines())


def stained(builder: Builder, names: list[str]) -> None:
    """Put slides of two stains, in tiles that touch within a slide, and others of the same slide elsewhere."""
    random = np.random.default_rng(0)
    for slide in range(10):
        stain = np.array([0.4, 0.7, 0.3]) * random.uniform(0.6, 1.4, 3)
        white = random.uniform(0.8, 1.0, 3)
        field = np.maximum(0, texture(900 + slide, 96, 400, noise=10).astype(float) - 1400) / 400
        colour = (255 * white[:, None, None] * np.exp(-stain[:, None, None] * field)).astype(np.uint8)
        for at, x in enumerate((0, 96, 300)):
            name = f"he_{slide}_{at}"
            builder.put(
                f"images/{name}.png", np.ascontiguousarray(colour[:, :, x : x + 96].transpose(1, 2, 0))
            )
            split = "train" if at < 2 else "test"
            builder.add_row(f"images/{name}.png", "image", image=name, split=split, **{"group:slide": name})
            names.append(name)


def test_slides_are_weak_evidence_and_say_how_weak(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=2)
    stained(builder, [])
    report = full_report(builder)
    found = [finding for finding in report.findings if finding.code == "S007"]
    assert len(found) == 1
    assert found[0].severity == "info"
    assert 0 <= found[0].evidence["as_alike_by_chance"] < 0.4
    assert all(link["first"][:4] == link["second"][:4] for link in found[0].evidence["links"])


def test_no_colour_pictures_no_slides(tmp_path: Path) -> None:
    assert compute_check("S007", Builder(tmp_path, images=3).write()) == []


def test_every_rule_has_cases() -> None:
    above = ("S007",)
    for module in ("leaks", "leaks_copies"):
        missing = uncovered(f"micrographia.checks.rules.{module}", CASES)
        assert not [name for name in missing if not name.startswith(above)]
