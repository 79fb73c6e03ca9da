import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.checks.pixel_facts_image import measure_image
from micrographia.checks.pixel_facts_mask import MaskFacts, MaskName, measure_mask
from micrographia.images import ArrayImage
from textures import Array, texture

NAME = MaskName("a", "nuclei", "nuclei", 1, ("masks/a.png",))


def of(
    labels: Array, axes: str = "", block: Any = None, pixels: Array | None = None, threads: int = 1
) -> MaskFacts:
    """The facts of a label image, over an image if there is one."""
    axes = axes or "TZYX"[-labels.ndim :]
    taker = None
    if pixels is not None:
        taker = measure_image(ArrayImage(pixels, "TZYX"[-pixels.ndim :]), "a")[1]
    return measure_mask(ArrayImage(labels, axes, block_shape=block), NAME, taker, threads=threads)


def cells(height: int = 128, width: int = 128) -> Array:
    """Labels of 16 x 10 pixels, 24 apart, the last rows empty."""
    y, x = np.mgrid[:height, :width]
    inside = (y % 24 < 16) & (x % 24 < 10) & (y < 0.7 * height)
    return ((1 + y // 24 * 100 + x // 24) * inside).astype(np.uint16)


def told(facts: MaskFacts) -> Any:
    held = facts.objects
    arrays = (held.labels, held.areas, held.components, held.smallest, held.borders)
    return json.dumps(facts.to_json()), repr(facts.fit), [array.tolist() for array in arrays]


def test_objects_by_hand() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[0:4, 5:9] = 3
    labels[8:12, 8:12] = 7
    labels[18, 25:28] = 7
    labels[15, 15] = 9
    labels[16, 16] = 9  # corners connect
    facts = of(labels)
    assert facts.objects.labels.tolist() == [3, 7, 9]
    assert facts.objects.areas.tolist() == [16, 19, 2]
    assert facts.objects.components.tolist() == [1, 2, 1]
    assert facts.objects.smallest.tolist() == [16, 3, 2]
    assert facts.objects.borders.tolist() == [1, 0, 0]
    assert facts.values == (3, 7, 9)
    assert (facts.minimum, facts.maximum, facts.foreground) == (0, 9, 37)
    assert not facts.empty


def test_an_empty_and_a_full_mask() -> None:
    empty, full = of(np.zeros((9, 9), np.uint8)), of(np.full((9, 9), 4, np.uint8))
    assert empty.empty
    assert (empty.values, empty.digest) == ((), "")
    assert (full.minimum, full.maximum, full.values) == (4, 4, (4,))


def test_a_movie_has_objects_by_time_point() -> None:
    labels = np.zeros((3, 12, 12), np.uint8)
    labels[0, 2:4, 2:4] = labels[2, 8:10, 8:10] = 1
    facts = of(labels, "TYX")
    assert facts.objects.labels.tolist() == [1, 1]
    assert facts.objects.components.tolist() == [1, 1]
    assert facts.distinct.tolist() == [1]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int64", "float32", "float64"])
def test_the_type_of_labels_does_not_change_what_they_are(dtype: str) -> None:
    labels = cells() % 100
    wanted, facts = of(labels), of(labels.astype(dtype))
    assert facts.digest == wanted.digest != ""
    assert facts.values == wanted.values == (1, 2, 3, 4, 5, 6)
    assert facts.objects.areas.tolist() == wanted.objects.areas.tolist()


def test_the_digest_is_that_of_where_objects_are() -> None:
    labels = cells()
    others = [np.roll(labels, 1, 0), labels[::-1], np.where(labels == 1, 0, labels), labels + (labels > 0)]
    assert len({of(np.ascontiguousarray(other)).digest for other in (labels, *others)}) == 5


def test_values_that_are_no_labels() -> None:
    floats = cells().astype(np.float32)
    floats[30, 30], floats[50, 50], floats[60, 60] = 2.5, np.nan, -1
    facts = of(floats)
    assert (facts.fractional, facts.nans, facts.negative) == (1, 1, 1)
    assert len(facts.objects) == 0
    assert (facts.minimum, facts.foreground) == (-1, int((np.nan_to_num(floats) != 0).sum()))
    signed = of(cells().astype(np.int32) - 1)
    assert signed.negative == int((cells() == 0).sum())
    assert signed.minimum == -1


def test_a_mask_with_three_equal_channels_and_a_picture() -> None:
    grey = of(np.stack([cells()] * 3), "CYX")
    assert grey.grey
    assert len(grey.objects) == len(of(cells()).objects)
    assert not of(np.stack([cells(), cells(), cells()[::-1]]), "CYX").grey


@settings(max_examples=12, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 60), st.integers(1, 70)),
    st.sampled_from(["uint16", "float32"]),
)
def test_facts_do_not_depend_on_blocks(block: tuple[int, int, int], dtype: str) -> None:
    labels = np.stack([cells(70, 80), cells(70, 80), np.roll(cells(70, 80), 9, 1)]).astype(dtype)
    pixels = np.stack([texture(seed, 70, 80) for seed in range(3)])
    whole = told(of(labels, "ZYX", labels.shape, pixels))
    assert told(of(labels, "ZYX", block, pixels)) == whole
    assert told(of(labels, "ZYX", block, pixels, threads=3)) == whole


def test_facts_of_several_tiles_do_not_depend_on_threads() -> None:
    labels = cells(1500, 1300)
    pixels = (1000 + 500 * (labels > 0) + texture(1, 1500, 1300) % 50).astype(np.uint16)
    whole = told(of(labels, "YX", labels.shape, pixels))
    assert told(of(labels, "YX", (256, 256), pixels, threads=2)) == whole


def test_the_fit_of_a_mask_on_its_image() -> None:
    labels = cells()
    pixels = (500 + 900 * (labels > 0)).astype(np.uint16)
    pixels += np.random.default_rng(0).integers(0, 60, pixels.shape).astype(np.uint16)
    fit = of(labels, pixels=pixels).fit
    assert fit is not None
    assert fit.turned[0] > 1.3 * max(fit.turned[1:])
    assert fit.contrast > 10
    assert (fit.bright, fit.bright_pixels) == (0, 0)
    left_out = np.where(labels > 300, 0, labels)
    assert of(left_out, pixels=pixels).fit.bright == len(np.unique(labels[labels > 300]))  # type: ignore[union-attr]


def test_there_is_no_fit_without_an_image_of_this_size() -> None:
    assert of(cells()).fit is None
    assert of(cells(), pixels=texture(1, 64, 128)).fit is None
    assert of(np.zeros((128, 128), np.uint8), pixels=texture(1, 128, 128)).fit is None
    turned = of(cells(96, 128), pixels=texture(1, 128, 96)).fit
    assert turned is not None
    assert np.isnan(turned.turned[0])


def test_facts_can_be_pickled() -> None:
    facts = of(cells(), pixels=texture(1, 128, 128))
    assert told(pickle.loads(pickle.dumps(facts))) == told(facts)
