import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder import Builder
from micrographia.checks.fields import FieldGroups, Kind, propose_groups, reference_plane, write_groups
from micrographia.checks.fields_links import Link, connected, least_of
from micrographia.checks.fields_neighbours import find_neighbours
from micrographia.checks.fields_overlap import find_overlaps
from micrographia.checks.pixel_facts import gather_pixels
from micrographia.dataset import open_dataset
from micrographia.errors import DatasetError
from textures import Array, fetch, image, measured, texture


def others(number: int = 20, side: int = 128) -> dict[str, Array]:
    return {f"other-{seed:02d}": texture(500 + seed, side, side) for seed in range(number)}


def test_connected_parts() -> None:
    parts = connected("abcdef", [("a", "c"), ("e", "c"), ("b", "d"), ("x", "a")])
    assert parts == [["a", "c", "e"], ["b", "d"], ["f"]]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15))
def test_whatever_is_paired_is_in_one_part(pairs: list[tuple[int, int]]) -> None:
    names = [(f"{a}", f"{b}") for a, b in pairs]
    parts = connected([str(at) for at in range(10)], names)
    owner = {name: at for at, part in enumerate(parts) for name in part}
    assert len(owner) == 10
    assert all(owner[a] == owner[b] for a, b in names)
    assert len(parts) >= 10 - len({pair for pair in names if pair[0] != pair[1]})


def test_the_threshold_rises_until_few_enough_are_chance() -> None:
    found = np.array([0.99] * 30 + [0.92] * 5)
    assert least_of(found, np.array([0.91]), 1.0, (0.9, 0.95, 0.98)) == 0.9
    assert least_of(found, np.array([0.93, 0.92, 0.96]), 1.0, (0.9, 0.95, 0.98)) == 0.95
    assert least_of(found, np.array([0.995] * 10), 1.0, (0.9, 0.95, 0.98)) == math.inf
    assert least_of(np.zeros(0), np.zeros(0), 1.0, (0.9,)) == 0.9


@settings(max_examples=15, deadline=None)
@given(st.integers(-60, 60), st.integers(-60, 60), st.integers(0, 99))
def test_crops_that_share_half_are_found_with_their_shift(y: int, x: int, seed: int) -> None:
    field = texture(seed, 260, 260)
    planes = others(6) | {"a": field[66:194, 66:194], "b": field[66 + y : 194 + y, 66 + x : 194 + x]}
    overlaps = find_overlaps(measured(planes), fetch(planes))
    (link,) = overlaps.links
    assert link.pair == ("a", "b")
    assert link.evidence["shift"] == [y, x]
    assert link.evidence["common"] == [128 - abs(y), 128 - abs(x)]
    assert link.evidence["correlation"] > 0.999


@pytest.mark.parametrize("overlap", [16, 26, 40])
def test_tiles_of_a_scan_that_overlap_by_a_strip(overlap: int) -> None:
    field = texture(7, 400, 400)
    step = 128 - overlap
    jitter = np.random.default_rng(overlap).integers(0, 3, (3, 3))
    planes = others() | {
        f"{r}{c}": field[r * step : r * step + 128, (at := c * step + jitter[r, c]) : at + 128]
        for r in range(3)
        for c in range(3)
    }
    overlaps = find_overlaps(measured(planes), fetch(planes))
    found = {link.pair for link in overlaps.links}
    sides = {(f"{r}{c}", f"{r}{c + 1}") for r in range(3) for c in range(2)}
    sides |= {(f"{r}{c}", f"{r + 1}{c}") for r in range(2) for c in range(3)}
    assert len(found & sides) >= 10
    assert not any(name.startswith("other") for pair in found for name in pair)
    assert overlaps.null == 0


def test_unrelated_fields_do_not_overlap() -> None:
    planes = others(40)
    assert find_overlaps(measured(planes), fetch(planes)).links == ()


def test_neighbouring_slices_are_found_and_slices_far_apart_are_not() -> None:
    top, bottom = texture(8, 128, 128, noise=0).astype(float), texture(9, 128, 128, noise=0).astype(float)
    random = np.random.default_rng(0)
    planes = others()
    for z, share in enumerate((0.0, 0.15, 0.3, 1.0)):
        plane = (1 - share) * top + share * bottom + random.normal(0, 4, top.shape)
        planes[f"z{z}"] = plane.astype(np.uint16)
    neighbours = find_neighbours(measured(planes), fetch(planes))
    assert {link.pair for link in neighbours.links} == {("z0", "z1"), ("z1", "z2"), ("z0", "z2")}
    assert neighbours.null == 0


def test_a_movie_with_a_small_drift() -> None:
    field = texture(10, 140, 140)
    planes = others() | {"t0": field[:128, :128], "t1": field[4:132, 2:130]}
    (link,) = find_neighbours(measured(planes), fetch(planes)).links
    assert link.pair == ("t0", "t1")
    assert link.evidence["shift"] == [4, 2]


def test_everything_together() -> None:
    field = texture(11, 256, 384)
    planes = others(12)
    planes |= {"tile-a": field[:128, :128], "tile-b": field[:128, 128:256]}
    planes |= {"crop": field[40:168, 200:328]}
    planes |= {"copy": planes["other-03"].copy(), "mirror": planes["other-05"][:, ::-1].copy()}
    groups = propose_groups(measured(planes), fetch(planes))
    kinds = {link.pair: link.kind for link in groups.links}
    assert kinds["copy", "other-03"] is Kind.IDENTICAL
    assert kinds["mirror", "other-05"] is Kind.NEAR
    assert kinds["tile-a", "tile-b"] is Kind.SEAM
    assert kinds["crop", "tile-b"] is Kind.OVERLAP
    assert set(kinds) == {
        ("copy", "other-03"), ("mirror", "other-05"), ("tile-a", "tile-b"), ("crop", "tile-b")
    }  # fmt: skip
    held = {frozenset(names) for names in groups.groups().values()}
    assert held == {
        frozenset({"other-03", "copy"}),
        frozenset({"other-05", "mirror"}),
        frozenset({"tile-a", "tile-b", "crop"}),
    }
    assert groups.false_alarm_rate == 0.0 < groups.false_alarm_bound
    assert groups.links_between("tile-b", "tile-a")[0].evidence["correlation"] > 0.95
    assert json.loads(json.dumps(groups.to_json(), allow_nan=False))["null_counts"]["seam"] == 0


def test_without_pixels_only_what_the_facts_tell_is_proposed() -> None:
    field = texture(12, 128, 256)
    planes = others(4) | {"a": field[:, :128], "b": field[:, 128:], "c": field[:, :128][::-1].copy()}
    groups = propose_groups(measured(planes))
    assert {link.kind for link in groups.links} == {Kind.SEAM}


def test_an_image_that_cannot_be_fetched_again_is_told() -> None:
    planes = others(3)
    planes["copy"] = planes["other-01"][::-1].copy()

    def plane(name: str) -> Array:
        if name == "copy":
            raise DatasetError(name, "is gone")
        return fetch(planes)(name)  # type: ignore[no-any-return]

    groups = propose_groups(measured(planes), plane)
    assert {link.kind for link in groups.links} <= {Kind.SEAM}
    assert groups.notes == ("copy: is gone",)


def test_no_images_and_one_image_make_no_groups() -> None:
    assert propose_groups({}).column == {}
    assert propose_groups(measured({"a": texture(1, 64, 64)})).links == ()


def test_the_colours_of_slides() -> None:
    random = np.random.default_rng(0)
    planes: dict[str, Array] = {}
    known = []
    for slide in range(10):
        stain = np.array([0.4, 0.7, 0.3]) * random.uniform(0.7, 1.3, 3)
        white = random.uniform(0.85, 1.0, 3)
        field = np.maximum(0, texture(slide, 128, 384, noise=10).astype(float) - 1400) / 400
        colour = (255 * white[:, None, None] * np.exp(-stain[:, None, None] * field)).astype(np.uint8)
        for at in range(3):
            planes[f"s{slide}-{at}"] = colour[:, :, 128 * at : 128 * (at + 1)]
        known += [(f"s{slide}-0", f"s{slide}-1"), (f"s{slide}-1", f"s{slide}-2")]
    from micrographia.checks.fields_slides import find_slides

    slides = find_slides(measured(planes, rgb=True), known)
    assert slides.known == 20
    assert slides.by_chance < 0.2
    assert {link.first[:2] == link.second[:2] for link in slides.links} <= {True}
    assert all(stain is not None for stain in (one.stain for one in measured(planes, rgb=True).values()))


def test_writing_the_column_keeps_everything_else(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=3)
    builder.row("images/field_01.tif")["my notes"] = "kept"
    dataset = open_dataset(builder.write())
    before = (tmp_path / "files.tsv").read_text().splitlines()
    groups = FieldGroups({"field_01": "field-x", "field_03": "field-x"}, ())
    assert write_groups(dataset, groups) == 1
    again = open_dataset(tmp_path)
    assert [again.image_groups(name)["field"] for name in again.image_ids] == [
        "field-x",
        "field_02",
        "field-x",
    ]
    assert {row.groups["field"] for row in again.annotation_rows("field_03")} == {"field-x"}
    frame = again.files.drop(columns=["group:field", "line"])
    assert list(frame["my notes"]) == ["kept", *[""] * 5]
    assert (
        frame.astype(str).values.tolist() == dataset.files.drop(columns=["line"]).astype(str).values.tolist()
    )
    assert len((tmp_path / "files.tsv").read_text().splitlines()) == len(before)
    with pytest.raises(DatasetError, match="has a column group:field already"):
        write_groups(again, groups)


def test_tiles_in_a_dataset_are_proposed_whatever_the_number_of_workers(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=4)
    field = texture(3, 96, 192)
    builder.put("images/field_01.tif", field[:, :96])
    builder.put("images/field_03.tif", field[:, 96:])
    dataset = open_dataset(builder.write())
    found = [gather_pixels(dataset, workers=workers).fields for workers in (1, 2)]
    assert found[0] is not None
    assert found[0].groups() == {"field-field_01": ["field_01", "field_03"]}
    assert found[0].to_json() == found[1].to_json()  # type: ignore[union-attr]
    assert gather_pixels(dataset, groups=False).fields is None


def test_the_plane_that_is_fetched_is_the_one_that_prints_were_taken_of(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=1)
    stack = np.stack([texture(seed, 96, 96) for seed in range(3)])
    imagej = {"imagej": True, "metadata": {"axes": "ZYX"}}
    builder.put("images/field_01.tif", stack, **imagej)
    plane = reference_plane(open_dataset(builder.write()), "field_01")
    assert plane.dtype == np.float32
    assert (plane == stack[1][None]).all()
    assert image(stack).size("Y") == plane.shape[1]


def test_links_have_their_pair_sorted() -> None:
    assert Link(Kind.SEAM, "b", "a").pair == ("a", "b")
    assert all(kind.meaning for kind in Kind)


@pytest.mark.real_data
def test_crops_of_a_real_image_are_found_beside_the_others(data: Path) -> None:
    from PIL import Image as Picture

    planes = {}
    for path in sorted((data / "dsb2018/images").glob("*.png")):
        with Picture.open(path) as picture:
            if picture.size == (696, 520):
                planes[path.stem] = np.array(picture)
    names = list(planes)[:12]
    crops = {}
    for name in names:
        for at, (y, x) in enumerate(((10, 30), (100, 150))):
            crops[f"{name}-{at}"] = planes[name][y : y + 256, x : x + 256]
    links = find_overlaps(measured(crops), fetch(crops)).links
    assert all(link.first[:-2] == link.second[:-2] for link in links)
    assert all(link.evidence["shift"] == [90, 120] for link in links)
    assert len(links) >= 10
