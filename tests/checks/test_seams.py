from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from micrographia.checks.fields_links import Kind
from micrographia.checks.pixel_facts import ImageFacts
from micrographia.checks.pixel_facts_image import measure_image
from micrographia.checks.pixel_facts_prints import dihedral
from micrographia.checks.seams import LEAST, Seams, find_seams
from textures import Array, image, measured, texture


def cut(field: Array, side: int, gap: int = 0, overlap: int = 0) -> dict[str, Array]:
    """Cut a field into tiles, row by row."""
    step = side + gap - overlap
    rows, columns = (1 + (size - side) // step for size in field.shape)
    return {
        f"{y}{x}": field[y * step : y * step + side, x * step : x * step + side]
        for y in range(rows)
        for x in range(columns)
    }


def pairs(seams: Seams) -> set[tuple[str, str]]:
    return {(link.first, link.second) for link in seams.links}


def neighbours(rows: int, columns: int) -> set[tuple[str, str]]:
    """The pairs of tiles that touch: left and right, top and bottom."""
    across = {(f"{y}{x}", f"{y}{x + 1}") for y in range(rows) for x in range(columns - 1)}
    return across | {(f"{y}{x}", f"{y + 1}{x}") for y in range(rows - 1) for x in range(columns)}


def test_all_tiles_of_a_field_are_found_with_the_edge_that_they_share() -> None:
    seams = find_seams(measured(cut(texture(1, 384, 512), 128)))
    assert pairs(seams) == neighbours(3, 4)
    for link in seams.links:
        assert link.kind is Kind.SEAM
        across = link.first[0] == link.second[0]
        assert link.evidence["edge"] == ("right" if across else "bottom") + " of the first"
        assert link.evidence["how"] == "touching"
        assert link.evidence["correlation"] >= LEAST
    (count,) = seams.counts
    assert (count.frame, count.images, count.seams, count.joined, count.null) == ("128x128", 12, 17, 12, 0)
    assert count.compared == 2 * 12 * 11
    assert count.null_compared == 2 * count.compared


def test_unrelated_fields_have_no_seams() -> None:
    images = {f"{seed}": texture(seed, 96, 96) for seed in range(60)}
    seams = find_seams(measured(images))
    assert seams.links == ()
    (count,) = seams.counts
    assert count.expected_false <= count.expected_false_bound <= 0.001 * count.compared


def test_tiles_rescaled_one_by_one_are_found() -> None:
    tiles = cut(texture(2, 384, 384), 128)
    random = np.random.default_rng(0)
    scaled = {
        name: (tile * random.uniform(0.5, 2.0) + random.uniform(0, 100)).astype(np.uint16)
        for name, tile in tiles.items()
    }
    seams = find_seams(measured(scaled))
    assert pairs(seams) == neighbours(3, 3)
    assert {link.evidence["how"] for link in seams.links} & {"rescaled"}


@pytest.mark.parametrize("gap", [1, 2])
def test_a_gap_of_a_pixel_or_two(gap: int) -> None:
    seams = find_seams(measured(cut(texture(3, 404, 404), 128, gap=gap)))
    assert pairs(seams) <= neighbours(3, 3)
    assert len(seams.links) >= (9 if gap == 1 else 4)
    told = [link.evidence["pixels"] for link in seams.links]
    assert told.count(gap) > len(told) / 2


@pytest.mark.parametrize("overlap", [1, 2, 3, 4])
def test_an_overlap_of_a_few_pixels(overlap: int) -> None:
    seams = find_seams(measured(cut(texture(4, 384, 384), 128, overlap=overlap)))
    assert pairs(seams) <= neighbours(3, 3)
    assert len(seams.links) >= 11
    assert {(link.evidence["how"], link.evidence["pixels"]) for link in seams.links} == {("overlap", overlap)}


def test_the_last_tiles_of_a_row_may_be_narrower() -> None:
    field = texture(5, 128, 300)
    tiles = {"a": field[:, :128], "b": field[:, 128:256], "c": field[:, 256:]}
    seams = find_seams(measured(tiles))
    assert pairs(seams) == {("a", "b"), ("b", "c")}
    assert [count.frame for count in seams.counts if count.seams] == ["128x128", "mixed"]


def test_turned_and_mirrored_tiles_do_not_pass_for_neighbours() -> None:
    tiles = cut(texture(6, 256, 256), 128)
    turned = {
        name: dihedral(tile)[turn] for (name, tile), turn in zip(tiles.items(), (0, 2, 4, 1), strict=True)
    }
    assert pairs(find_seams(measured(turned))) == set()
    # All turned alike, they are neighbours still, on other sides.
    alike = {name: dihedral(tile)[1] for name, tile in tiles.items()}
    found = {tuple(sorted(pair)) for pair in pairs(find_seams(measured(alike)))}
    assert found == neighbours(2, 2)


def test_copies_have_equal_edges_and_are_left_out() -> None:
    tile = texture(7, 128, 128)
    images = {"a": tile, "b": np.ascontiguousarray(tile[:, ::-1])}
    assert pairs(find_seams(measured(images))) == {("a", "b"), ("b", "a")}
    assert pairs(find_seams(measured(images), [("a", "b")])) == set()


def test_flat_dark_and_saturated_edges_are_not_compared() -> None:
    images = {}
    for seed in range(12):
        tile = texture(seed, 96, 96)
        tile[:, :3] = tile[:, -3:] = 0 if seed % 2 else 65535
        tile[40:45, :3] = tile[40:45, -3:] = 1000
        tile[:3], tile[-3:] = 7, 7
        images[str(seed)] = tile
    assert find_seams(measured(images)).links == ()


def test_uneven_light_makes_no_seams() -> None:
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    light = 50000 * np.exp(-(x**2) - y**2)
    random = np.random.default_rng(0)
    images = {str(at): random.poisson(light).astype(np.uint16) for at in range(40)}
    edges = np.corrcoef([image[:, side] for image in images.values() for side in (0, -1)])
    assert edges.min() > 0.95
    assert find_seams(measured(images)).links == ()


def test_colour_tiles_and_tiles_of_several_channels() -> None:
    field = np.stack([texture(seed, 256, 256) // 12 for seed in (1, 2, 3)]).astype(np.uint8)
    quarters = {
        f"{y}{x}": field[:, 128 * y : 128 * y + 128, 128 * x : 128 * x + 128] for y in (0, 1) for x in (0, 1)
    }
    for rgb in (True, False):
        assert pairs(find_seams(measured(quarters, rgb))) == neighbours(2, 2)


def test_the_false_alarm_rate_on_unrelated_fields_is_what_the_null_says() -> None:
    # Sparse cells and strong blur: edges of few objects are alike by chance.
    def sparse(seed: int) -> Array:
        random = np.random.default_rng(seed)
        y, x = np.mgrid[:96, :96]
        field = np.full((96, 96), 100.0)
        for cy, cx, r in zip(*random.uniform(0, 96, (2, 6)), random.uniform(6, 14, 6), strict=True):
            field += 2000 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r * r))
        return random.poisson(field).astype(np.uint16)

    seams = find_seams(measured({str(seed): sparse(seed) for seed in range(120)}))
    (count,) = seams.counts
    assert count.plain > 0 < count.plain_flipped  # correlation alone is not enough here
    assert count.seams <= 2
    assert count.expected_false_bound >= count.expected_false
    assert abs(count.plain - count.plain_flipped) < 6 * np.sqrt(count.plain + count.plain_flipped)


@pytest.fixture(scope="module")
def nuclei(data: Path) -> dict[str, ImageFacts]:
    found = {}
    for path in sorted((data / "dsb2018/images").glob("*.png")):
        with Picture.open(path) as picture:
            pixels = np.array(picture)
        plane = pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        found[path.stem] = measure_image(image(plane, rgb=pixels.ndim == 3), path.stem)[0]
    return found


@pytest.mark.real_data
def test_the_tiles_of_dsb2018(nuclei: dict[str, ImageFacts]) -> None:
    seams = find_seams(nuclei)
    counts = {count.frame: count for count in seams.counts}
    plain = {
        frame: (counts[frame].plain_joined, counts[frame].images, counts[frame].plain_flipped)
        for frame in ("360x360", "520x696", "256x256")
    }
    assert plain == {"360x360": (33, 45, 0), "520x696": (21, 45, 0), "256x256": (30, 90, 2)}
    joined = {frame: count.joined for frame, count in counts.items() if count.joined}
    assert joined == {"360x360": 33, "520x696": 21, "256x256": 33, "256x320": 4, "256x320 rgb": 56}
    assert sum(count.null for count in seams.counts) == 0
    assert sum(count.null_compared for count in seams.counts) > 60_000
