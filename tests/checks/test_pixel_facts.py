import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from builder import Builder
from micrographia.checks.pixel_facts import ImageFacts, gather_pixels
from micrographia.checks.pixel_facts_image import measure_image
from micrographia.checks.pixel_facts_prints import DEPTH, dihedral
from micrographia.checks.pixel_facts_tiles import TILE, tiles, units
from micrographia.dataset import open_dataset
from micrographia.images import ArrayImage
from textures import image, texture

TYPES = ("uint8", "uint16", "int16", "uint32", "float32", "float64")


def facts_of(array: Any, **options: Any) -> ImageFacts:
    return measure_image(image(array, **options), "a")[0]


def told(facts: ImageFacts) -> Any:
    """Everything that facts say, in a form that can be compared."""
    assert facts.prints is not None
    prints = facts.prints
    arrays = [*prints.edges.values(), prints.thumbnail, *prints.bands.values(), prints.places]
    return json.dumps(facts.to_json()), [part.tobytes() for part in (*arrays, prints.descriptions)]


@pytest.mark.parametrize("dtype", TYPES)
def test_values_are_those_of_numpy(dtype: str) -> None:
    array = texture(1, 70, 90).astype(dtype)
    array[0, :5] = 0
    (channel,) = facts_of(array).channels
    assert (channel.pixels, channel.minimum, channel.maximum) == (array.size, 0, array.max())
    assert channel.mean == pytest.approx(array.mean(dtype=float))
    assert channel.variance == pytest.approx(array.var(dtype=float))
    assert channel.zeros == pytest.approx((array == 0).mean())
    assert channel.at_maximum == pytest.approx((array == array.max()).mean())
    assert channel.percentiles[4] == pytest.approx(np.percentile(array, 50, method="inverted_cdf"))


def test_pixels_at_the_limit_of_the_type_or_of_the_bits() -> None:
    array = np.minimum(texture(2), 4095)
    array[:10] = 4095
    assert facts_of(array).channels[0].at_limit == 0
    twelve = image(array)
    twelve.bits = 12
    at_limit = measure_image(twelve, "a")[0].channels[0].at_limit
    assert at_limit == pytest.approx((array == 4095).mean())
    assert at_limit > 10 / 256 - 1e-9


def test_floats_that_are_no_numbers_are_counted_and_left_out() -> None:
    array = texture(3).astype(np.float32)
    array[3, 4:9], array[10, 10] = np.nan, np.inf
    facts = facts_of(array)
    (channel,) = facts.channels
    assert (channel.nans, channel.infinities) == (5, 1)
    assert channel.mean == pytest.approx(array[np.isfinite(array)].mean(dtype=float))
    assert facts.prints is not None
    assert np.isfinite(facts.prints.thumbnail).all()
    assert json.loads(json.dumps(facts.to_json(), allow_nan=False))


def test_an_image_of_nans_only_has_no_moments() -> None:
    (channel,) = facts_of(np.full((32, 32), np.nan)).channels
    assert channel.nans == 32 * 32
    assert math.isnan(channel.mean)
    assert channel.sharpness is None


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=4, max_size=4),
    st.sampled_from(["uint16", "float32"]),
    st.integers(0, 3),
)
def test_facts_do_not_depend_on_how_the_file_is_read(block: list[int], dtype: str, seed: int) -> None:
    array = np.stack([[texture(seed + z + 10 * c, 37, 41) for z in range(3)] for c in range(2)]).astype(dtype)
    whole = measure_image(ArrayImage(array, "CZYX", block_shape=array.shape), "a")[0]
    parts = measure_image(ArrayImage(array, "CZYX", block_shape=block), "a")[0]
    assert told(whole) == told(parts)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_facts_of_many_tiles_do_not_depend_on_blocks_or_threads(dtype: str) -> None:
    array = np.tile(texture(4, 512, 512), (4, 5))[: TILE + 700, : 2 * TILE + 77].astype(dtype)
    array += np.random.default_rng(0).integers(0, 50, array.shape).astype(dtype)
    wanted = told(measure_image(ArrayImage(array, "YX", block_shape=array.shape), "a")[0])
    for block, threads in (((300, 2125), 3), ((512, 512), 2), ((1, 2125), 1)):
        assert (
            told(measure_image(ArrayImage(array, "YX", block_shape=block), "a", threads=threads)[0]) == wanted
        )


def test_a_block_of_the_file_is_read_once() -> None:
    seen: list[tuple[slice, ...]] = []

    class Watched(ArrayImage):
        def read(self, region: Any = None) -> Any:
            seen.append(tuple(region))
            return super().read(region)

    array = texture(5, 1500, 1300)
    measure_image(Watched(array, "YX", block_shape=(256, 1300)), "a")
    covered = np.zeros(array.shape, int)
    for region in seen:
        covered[region] += 1
    assert (covered == 1).all()


def test_tiles_of_a_wide_image_come_in_bands_of_bounded_size() -> None:
    class Wide:
        axes, shape, dtype = "YX", (4096, 200_000), np.dtype(np.uint16)
        block_shape = (256, 256)

        def blocks(self, steps: Any) -> Any:
            return iter([steps])

    (steps,) = units(Wide())  # type: ignore[arg-type]
    assert tuple(steps) == (TILE, TILE)


def test_tiles_know_their_place() -> None:
    array = np.arange(2 * 3 * 5 * 6).reshape(2, 3, 5, 6)
    whole = ArrayImage(array, "CZYX")
    region = (slice(1, 2), slice(1, 3), slice(0, 5), slice(0, 6))
    found = dict(tiles(whole, region, whole.read(region)))
    assert [tuple(place) for place in found] == [(0, 1, 1, 0, 0), (0, 1, 2, 0, 0)]
    assert all((tile == array[place.c, place.z]).all() for place, tile in found.items())


def test_the_digest_is_that_of_the_pixels() -> None:
    array = texture(6)
    digest = facts_of(array).digest
    assert facts_of(array.copy()).digest == digest
    assert facts_of(array[None]).digest == digest  # one channel is no axis
    changed = array.copy()
    changed[200, 100] += 1
    others = {facts_of(other).digest for other in (changed, array.T, array[::-1], array.astype(np.int32))}
    assert digest not in others
    assert len(others) == 4


def test_sharpness_falls_with_blur_and_hardly_with_noise() -> None:
    random = np.random.default_rng(7)
    plain = 1500 + 3000 * ndimage.gaussian_filter(random.standard_normal((256, 256)), 1.5)

    def sharpness(array: Any) -> float:
        value = facts_of(array.clip(0).round().astype(np.uint16)).channels[0].sharpness
        assert value is not None
        return value

    sharp = sharpness(plain)
    noisy = sharpness(plain + random.normal(0, 20, plain.shape))
    blurred = sharpness(ndimage.gaussian_filter(plain, 4) + random.normal(0, 20, plain.shape))
    assert noisy == pytest.approx(sharp, rel=0.35)
    assert blurred < sharp / 10


def test_noise_is_estimated_and_noise_alone_has_no_sharpness() -> None:
    random = np.random.default_rng(8)
    (channel,) = facts_of((1000 + random.normal(0, 30, (512, 512))).astype(np.uint16)).channels
    assert channel.noise == pytest.approx(30, rel=0.03)
    assert channel.sharpness is None or channel.sharpness < 0.05 * 16


def test_edges_run_from_the_border_inwards() -> None:
    array = texture(9, 40, 60)
    prints = facts_of(array).prints
    assert prints is not None
    assert (prints.edges["top"][0] == array[:DEPTH]).all()
    assert (prints.edges["bottom"][0] == array[::-1][:DEPTH]).all()
    assert (prints.edges["left"][0] == array.T[:DEPTH]).all()
    assert (prints.edges["right"][0] == array.T[::-1][:DEPTH]).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.integers(9, 40), st.integers(9, 40))
def test_fingerprints_are_those_of_turned_and_mirrored_copies(seed: int, height: int, width: int) -> None:
    array = texture(seed, 2 * height, 2 * width)
    found = {facts_of(turned).prints.fingerprint for turned in dihedral(array)}  # type: ignore[union-attr]
    assert len(found) == 1
    assert len(next(iter(found))) == 16


def test_fingerprints_of_other_images_differ() -> None:
    found = {facts_of(texture(seed)).prints.fingerprint for seed in range(40)}  # type: ignore[union-attr]
    assert len(found) == 40


def test_small_images_have_no_prints() -> None:
    assert facts_of(texture(1, 8, 200)).prints is None


def test_prints_are_of_the_middle_of_a_stack() -> None:
    stack = np.stack([texture(seed) for seed in range(5)])
    facts = measure_image(ArrayImage(stack, "ZYX"), "a")[0]
    plane = facts_of(stack[2])
    assert facts.prints is not None
    assert plane.prints is not None
    assert facts.prints.fingerprint == plane.prints.fingerprint
    assert facts.channels[0].pixels == stack.size


def test_facts_are_small_and_can_be_pickled() -> None:
    facts = facts_of(texture(1, 512, 512))
    again = pickle.loads(pickle.dumps(facts))
    assert told(again) == told(facts)
    assert len(pickle.dumps(facts)) < 64_000


def test_gathering_is_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    dataset = open_dataset(Builder(tmp_path, images=4).write())
    one, three = (gather_pixels(dataset, workers=workers) for workers in (1, 3))
    assert json.dumps(one.to_json()) == json.dumps(three.to_json())
    assert list(one.images) == list(dataset.image_ids)
    assert set(one.masks) == {(name, "nuclei") for name in dataset.image_ids}


def test_big_files_and_processes_give_the_same_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(Builder(tmp_path, images=2).write())
    plain = gather_pixels(dataset, workers=2)
    monkeypatch.setattr("micrographia.checks.pixel_facts.BIG_FILE", 1)
    threaded = gather_pixels(dataset, workers=2)
    monkeypatch.setattr("micrographia.checks.pixel_facts.BIG_FILE", 1 << 40)
    monkeypatch.setattr("micrographia.checks.pixel_facts.WORTH_PROCESSES", 1)
    spawned = gather_pixels(dataset, workers=2)
    assert plain.to_json() == threaded.to_json() == spawned.to_json()


def test_a_file_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    builder = Builder(tmp_path, images=3)
    root = builder.write()
    whole = (root / "images/field_02.tif").read_bytes()
    (root / "images/field_02.tif").write_bytes(whole[: len(whole) // 2])
    (root / "masks/field_03.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    facts = gather_pixels(open_dataset(root))
    assert list(facts.images) == ["field_01", "field_03"]
    assert {name for name, _ in facts.masks} == {"field_01", "field_02"}
    assert sorted(Path(error.path).name for error in facts.errors) == ["field_02.tif", "field_03.png"]
