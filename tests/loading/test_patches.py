"""Patches: cut where they say, the same by seed, all of them once."""

from dataclasses import replace

import numpy as np
import pytest

from folders import lab
from micrographia import loading
from micrographia.dataset import open_dataset
from micrographia.dataset.convert import convert
from micrographia.dataset.describe import DescribeOptions, describe


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A small described folder of TIFFs: 6 images of 64 x 80 with instance masks."""
    folder = lab(tmp_path_factory.mktemp("raw"), images=6, seed=4)
    describe(folder, DescribeOptions())
    return folder


@pytest.fixture(scope="module")
def converted(raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("converted") / "lab.mifa"
    convert(open_dataset(raw), out)
    return out


def cut_by_hand(dataset, patch, size):
    """Return image and mask at the place of a patch, read whole and sliced."""
    image = dataset.image(patch["image_id"])
    mask = dataset.masks(patch["image_id"])[0].image
    y, x = patch["start"].tolist()
    at = (slice(y, y + size[0]), slice(x, x + size[1]))
    pixels = image.read()
    return (pixels if pixels.ndim == 3 else pixels[None])[(slice(None), *at)], mask.read()[at]


@pytest.mark.parametrize("kind", ["raw", "converted"])
def test_patches_are_what_lies_there(kind, raw, converted):
    place = {"raw": raw, "converted": converted}[kind]
    dataset = open_dataset(place)
    found = list(loading.patches(place, (24, 32), normalise="none", seed=3))
    assert len(found) == round(6 * 64 * 80 / (24 * 32))
    for patch in found:
        image, mask = cut_by_hand(dataset, patch, (24, 32))
        np.testing.assert_array_equal(patch["image"], image.astype(np.float32))
        np.testing.assert_array_equal(patch["mask"], mask)
        assert patch["image"].dtype == np.float32
        assert patch["mask"].dtype == np.int32
        assert patch["region"].all()


def test_raw_and_converted_give_the_same_patches(raw, converted):
    one, other = loading.patches(raw, (24, 32), seed=3), loading.patches(converted, (24, 32), seed=3)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a["image"], b["image"])
        assert a["image_id"] == b["image_id"]


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_by_number_and_in_turn_and_whatever_the_threads(converted, threads):
    first = list(loading.patches(converted, (24, 32), seed=5))
    again = loading.patches(converted, (24, 32), seed=5, threads=threads)
    for number, (patch, other) in enumerate(zip(first, again, strict=True)):
        for found in (other, again[number]):
            assert found["image_id"] == patch["image_id"]
            np.testing.assert_array_equal(found["start"], patch["start"])
            np.testing.assert_array_equal(found["image"], patch["image"])


def test_epochs_and_seeds_differ(converted):
    def starts(patches):
        return [(patch["image_id"], *patch["start"].tolist()) for patch in patches]

    patches = loading.patches(converted, (24, 32), seed=5)
    first = starts(patches)
    assert starts(patches) == first
    patches.set_epoch(1)
    assert starts(patches) != first
    assert starts(loading.patches(converted, (24, 32), seed=6)) != first


def test_grid_covers_every_pixel(converted):
    seen = {}
    for patch in loading.patches(converted, (24, 32), sampling="grid"):
        count = seen.setdefault(patch["image_id"], np.zeros((64, 80), int))
        y, x = patch["start"]
        count[y : y + 24, x : x + 32] += 1
    assert len(seen) == 6
    assert all(count.min() >= 1 for count in seen.values())
    assert {count.sum() for count in seen.values()} == {9 * 24 * 32}


def test_a_patch_larger_than_the_image_is_padded(converted):
    patch = loading.patches(converted, (100, 96))[0]
    assert patch["image"].shape == (1, 100, 96)
    assert patch["region"][:64, :80].all()
    assert not patch["region"][64:].any()
    assert not patch["region"][:, 80:].any()
    assert not patch["mask"][64:].any()
    assert not patch["image"][:, 64:].any()


def test_batches_hold_the_same_patches(converted):
    patches = loading.patches(converted, (24, 32), seed=2, cache_bytes=1)
    ones = sorted((patch["image_id"], *patch["start"].tolist()) for patch in patches)
    batches = list(patches.batches(4))
    assert [len(batch["image_id"]) for batch in batches] == [4] * (len(ones) // 4) + [len(ones) % 4] * (
        len(ones) % 4 > 0
    )
    held = sorted(
        (name, *start.tolist())
        for batch in batches
        for name, start in zip(batch["image_id"], batch["start"], strict=True)
    )
    assert held == ones
    assert batches[0]["image"].shape == (4, 1, 24, 32)


def test_shards_share_the_epoch(converted):
    whole = loading.patches(converted, (24, 32), seed=2)
    parts = [whole.shard(rank, 3) for rank in range(3)]
    assert len({len(part) for part in parts}) == 1
    held = [(patch["image_id"], *patch["start"].tolist()) for part in parts for patch in part]
    ones = [(patch["image_id"], *patch["start"].tolist()) for patch in whole]
    assert sorted(held) == sorted(ones[: len(held)])
    assert len(ones) - len(held) < 3


def test_splits_and_images_are_filters(raw):
    dataset = open_dataset(raw)
    one = loading.patches(raw, (16, 16), images=dataset.image_ids[:2])
    assert {patch["image_id"] for patch in one} == set(dataset.image_ids[:2])
    with pytest.raises(loading.LoadingError, match="no split 'nonesuch'"):
        loading.patches(raw, split="nonesuch")
    with pytest.raises(loading.LoadingError, match="no group column"):
        loading.patches(raw, groups={"donor": ["a"]})
    with pytest.raises(loading.LoadingError, match="no image 'x'"):
        loading.patches(raw, images=["x"])


def test_importing_is_light():
    import subprocess
    import sys

    code = "import sys, micrographia.loading; print(sorted({'torch', 'numba', 'pandas', 'zarr'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_normaliser_is_refused_by_name(raw):
    with pytest.raises(loading.LoadingError, match="no way to normalise"):
        loading.patches(raw, normalise="magic")
    patches = loading.patches(raw, (16, 16), normalise="zscore", per_epoch=7)
    assert len(patches) == 7
    assert replace(patches.options, seed=1).seed == 1
