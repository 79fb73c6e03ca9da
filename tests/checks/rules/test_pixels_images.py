from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from builder import Array, Builder
from pixel_planting import full_report, picture, run_pixel_case
from planting import Case, both, uncovered

NAMES = [f"field_{number:02d}" for number in range(1, 15)]


def clipped(share: float) -> object:
    def change(pixels: Array) -> Array:
        pixels = pixels.copy()
        pixels.ravel()[: int(share * pixels.size)] = 65535
        return pixels

    return change


def shuffled(share: float) -> object:
    """Return a change that gives some pixels to other places: their values stay, what they show goes."""

    def change(pixels: Array) -> Array:
        random = np.random.default_rng(0)
        chosen = random.permutation(pixels.size)[: int(share * pixels.size)]
        flat = pixels.copy().ravel()
        flat[chosen] = flat[random.permutation(chosen)]
        return flat.reshape(pixels.shape)

    return change


def truncated(builder: Builder) -> None:
    path = builder.root / "images/field_02.tif"
    path.write_bytes(path.read_bytes()[:9000])


def damaged(builder: Builder) -> None:
    """Overwrite compressed pixels in the middle of a file whose header is whole."""
    path = builder.root / "masks/field_02.png"
    held = bytearray(path.read_bytes())
    middle = held.index(b"IDAT") + 40
    held[middle : middle + 60] = bytes(60)
    path.write_bytes(bytes(held))


def channels(pixels: Array) -> Array:
    return np.stack([pixels, np.full_like(pixels, 3)])


def two_channels(build: object) -> object:
    def plant(builder: Builder) -> None:
        for name in builder.ids:
            pixels = builder.read(f"images/{name}.tif")
            stack = np.stack([pixels, pixels[::-1]])
            if name == "field_02" and build:
                stack[1] = 3
            imagej = {"imagej": True, "resolution": (1 / 0.325, 1 / 0.325)}
            builder.put(
                f"images/{name}.tif",
                stack,
                **imagej,
                metadata={"unit": "um", "axes": "CYX", "Labels": ["a", "b"]},
            )

    return plant


def floats(value: float | None) -> object:
    def plant(builder: Builder) -> None:
        pixels = builder.read("images/field_03.tif").astype(np.float32)
        if value is not None:
            pixels[5:7, 8] = value
        builder.put("images/field_03.tif", pixels)

    return plant


CASES = [
    Case("P001", damaged, says="masks/field_02.png"),
    Case("P001", truncated, fires=0, also=["F002"]),
    Case("P001", picture(lambda p: p), fires=0),
    Case("P002", picture(lambda p: np.full_like(p, 12)), says="1 image has one value"),
    Case("P002", picture(lambda p: p + 1), fires=0),
    Case("P003", two_channels(True), says="field_02.tif"),
    Case("P003", two_channels(False), fires=0),
    Case("P005", floats(np.nan), says="NaN or infinite"),
    Case("P005", floats(-np.inf), says="field_03.tif"),
    Case("P005", floats(None), fires=0),
    Case("P006", picture(clipped(0.05)), says="more than 1%"),
    Case("P006", picture(clipped(0.005)), fires=0),
    Case("P021", picture(shuffled(1.0)), says="1 image shows nothing but noise"),
    Case("P021", picture(shuffled(0.5)), fires=0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    run_pixel_case(case, tmp_path)


def test_several_files_make_one_finding(tmp_path: Path) -> None:
    flat = both(*(picture(lambda p: np.full_like(p, 9), name) for name in ("field_01", "field_03")))
    (finding,) = run_pixel_case(Case("P002", flat, says="2 images have one value"), tmp_path)
    assert finding.evidence["number"] == 2
    assert finding.evidence["files"] == {
        f"images/{name}.tif": {"value": 9} for name in ("field_01", "field_03")
    }


def many(builder: Builder, blurred: float) -> None:
    for number, name in enumerate(NAMES, 1):
        random = np.random.default_rng(number)
        field = ndimage.gaussian_filter(random.standard_normal((96, 96)), 2)
        if number == 5:
            field = ndimage.gaussian_filter(random.standard_normal((96, 96)), 2 + blurred) * (1 + blurred)
        pixels = (2000 + 3000 * field + random.normal(0, 10, field.shape)).clip(0).astype(np.uint16)
        builder.put(f"images/{name}.tif", pixels)


def report_of_many(folder: Path, blurred: float) -> list[tuple[str, str]]:
    builder = Builder(folder, images=8)
    for name in NAMES[8:]:
        builder.put(f"masks/{name}.png", builder.read("masks/field_02.png"))
        builder.add_row(
            f"images/{name}.tif", "image", image=name, split="train", **{"group:slide": "slide-9"}
        )
        builder.add_row(
            f"masks/{name}.png",
            "annotation",
            **{"annotation set": "nuclei", "annotation type": "segmentation_mask", "source image": name},
        )
    many(builder, blurred)
    report = full_report(builder)
    return [(finding.path, finding.severity) for finding in report.findings if finding.code == "P007"]


def test_a_blurred_image_among_fourteen(tmp_path: Path) -> None:
    assert report_of_many(tmp_path, 6) == [("images/field_05.tif", "info")]


def test_fourteen_images_none_of_them_blurred(tmp_path: Path) -> None:
    assert report_of_many(tmp_path, 0.3) == []


def test_few_images_have_no_usual_sharpness(tmp_path: Path) -> None:
    blur = picture(lambda p: ndimage.gaussian_filter(p, 8))
    run_pixel_case(Case("P007", blur, fires=0), tmp_path)


def test_every_rule_has_cases() -> None:
    tested_above = {"P007"}
    missing = [
        name
        for name in uncovered("micrographia.checks.rules.pixels_images", CASES)
        if name[:4] not in tested_above
    ]
    assert not missing
