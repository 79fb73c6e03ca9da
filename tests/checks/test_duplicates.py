import io

import numpy as np
import pytest
from PIL import Image as Picture
from scipy import ndimage

from micrographia.checks.duplicates import identical, near_identical
from micrographia.checks.fields_links import Kind
from micrographia.checks.pixel_facts_prints import TURNS, dihedral
from textures import Array, fetch, measured, texture


def near(planes: dict[str, Array], rgb: bool = False) -> dict[tuple[str, str], str]:
    facts = measured(planes, rgb)

    def plane(name: str) -> Array:
        found: Array = fetch(planes)(name)
        return found.mean(axis=0, keepdims=True) if rgb else found

    links = near_identical(facts, plane).links
    assert all(link.kind is Kind.NEAR for link in links)
    return {(link.first, link.second): link.evidence["turn"] for link in links}


def others(number: int = 12) -> dict[str, Array]:
    return {f"other-{seed}": texture(100 + seed, 128, 128) for seed in range(number)}


def bytes_of(plane: Array) -> Array:
    low, high = np.percentile(plane, [0.1, 99.9])
    scaled: Array = ((plane - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    return scaled


def jpeg(plane: Array, quality: int) -> Array:
    held = io.BytesIO()
    Picture.fromarray(bytes_of(plane)).save(held, "JPEG", quality=quality)
    with Picture.open(held) as picture:
        return np.array(picture)


def test_equal_pixels_are_identical_whatever_they_are_called() -> None:
    plane = texture(1, 128, 128)
    images = others() | {"a": plane, "b": plane.copy(), "c": plane.T, "d": plane.copy()}
    assert identical(measured(images)) == [["a", "b", "d"]]


@pytest.mark.parametrize("turn", range(8))
def test_turned_and_mirrored_copies_are_found_with_the_turn(turn: int) -> None:
    plane = texture(2, 128, 96)
    found = near(others() | {"a": plane, "b": dihedral(plane)[turn]})
    assert list(found) == [("a", "b")]
    # The turn is the one that lays the second on the first.
    back = {0: 0, 1: 3, 2: 2, 3: 1, 4: 4, 5: 5, 6: 6, 7: 7}[turn]
    assert found["a", "b"] == TURNS[back]


def test_copies_in_8_bits_compressed_brightened_or_smaller_are_found() -> None:
    plane = texture(3, 128, 128)
    random = np.random.default_rng(0)
    copies = {
        "bits": bytes_of(plane),
        "jpeg": jpeg(plane, 60),
        "bright": (plane * 1.3 + 40).astype(np.uint16),
        "noisy": (plane + random.normal(0, 4, plane.shape)).astype(np.uint16),
        "half": plane.reshape(64, 2, 64, 2).mean(axis=(1, 3)).astype(np.uint16),
    }
    for name, copy in copies.items():
        found = near(others() | {"a": plane, name: copy})
        assert list(found) == [("a", name)], name


def test_unrelated_images_are_no_copies() -> None:
    assert near(others(40)) == {}


def test_empty_fields_under_the_same_uneven_light_are_no_copies() -> None:
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    light = 5000 * np.exp(-(x**2) - y**2)
    random = np.random.default_rng(0)
    images = {str(at): random.poisson(light).astype(np.uint16) for at in range(10)}
    assert near(images) == {}


def test_neighbours_in_time_that_moved_are_no_copies() -> None:
    field = texture(5, 160, 160)
    assert near(others() | {"a": field[:128, :128], "b": field[12:140, 9:137]}) == {}


def test_colour_pictures() -> None:
    colour = np.stack([texture(seed, 96, 96) // 12 for seed in (1, 2, 3)]).astype(np.uint8)
    other = np.stack([texture(seed, 96, 96) // 12 for seed in (4, 5, 6)]).astype(np.uint8)
    found = near({"a": colour, "b": colour[:, ::-1].copy(), "c": other}, rgb=True)
    assert list(found) == [("a", "b")]


def test_constant_images_are_alike_to_none() -> None:
    flat = np.full((64, 64), 7, np.uint16)
    assert near({"a": flat, "b": flat + 1, "c": texture(1, 64, 64)}) == {}


def test_a_slightly_blurred_copy_is_a_copy_and_a_strongly_blurred_one_is_not() -> None:
    plane = texture(6, 128, 128)
    slight = ndimage.gaussian_filter(plane, 1)
    strong = ndimage.gaussian_filter(texture(6, 128, 128, noise=200), 12)
    assert list(near(others() | {"a": plane, "b": slight})) == [("a", "b")]
    assert near(others() | {"a": texture(6, 128, 128, noise=200), "b": strong}) == {}
