import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrographia.segmentation.training.augmentation import Augmentation

STILL = {
    "zoom": 1.0,
    "stretch": 1.0,
    "turns": False,
    "bend": 0.0,
    "gain": 1.0,
    "offset": 0.0,
    "gamma": 1.0,
    "noise": 0.0,
    "blur": 0.0,
}


def patch(shape=(40, 48), channels=2):
    mask = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    # The image shows the mask, so that they can be compared after any change of place.
    image = np.stack([mask.astype(np.float32)] * channels)
    return {"image": image, "mask": mask, "region": mask % 3 > 0, "image_id": "a"}


def test_nothing_to_do_changes_nothing():
    given_ = patch()
    found = Augmentation((40, 48), flips=False, **STILL)(given_, np.random.default_rng(0))
    for name in ("image", "mask", "region"):
        np.testing.assert_array_equal(found[name], given_[name])
    assert found["image_id"] == "a"


@pytest.mark.parametrize("shape", [(40, 40), (40, 48), (6, 20, 20), (6, 20, 24)])
@pytest.mark.parametrize("seed", range(6))
def test_image_mask_and_region_move_together(shape, seed):
    found = Augmentation(shape, **STILL)(patch(shape), np.random.default_rng(seed))
    np.testing.assert_array_equal(found["image"][1], found["mask"])
    np.testing.assert_array_equal(found["region"], found["mask"] % 3 > 0)
    assert sorted(found["mask"].ravel()) == list(range(np.prod(shape)))


def test_all_turns_and_mirrors_come():
    seen = {
        Augmentation((4, 4), **STILL)(patch((4, 4)), np.random.default_rng(n))["mask"].tobytes()
        for n in range(80)
    }
    assert len(seen) == 8
    upright = {
        Augmentation((4, 6), **STILL)(patch((4, 6)), np.random.default_rng(n))["mask"].tobytes()
        for n in range(80)
    }
    assert len(upright) == 4


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.sampled_from([(16, 16), (16, 24), (4, 16, 16)]))
def test_sizes_types_and_the_same_for_the_same_seed(seed, size):
    change = Augmentation(size)
    given_ = patch(change.margin(), 1)
    given_["image"] = np.random.default_rng(1).random((1, *change.margin()), np.float32)
    found, again = (change(given_, np.random.default_rng(seed)) for _ in range(2))
    for name, kind in (("image", np.float32), ("mask", np.int32), ("region", np.bool_)):
        assert found[name].shape[-len(size) :] == size
        assert found[name].dtype == kind
        assert found[name].flags.c_contiguous
        np.testing.assert_array_equal(found[name], again[name])
    assert np.isfinite(found["image"]).all()
    assert set(np.unique(found["mask"])) <= set(np.unique(given_["mask"]))


def test_scale_changes_objects_as_it_says():
    change = Augmentation((64, 64), zoom=1.25, stretch=1.0, bend=0.0, flips=False, turns=False)
    mask = np.zeros(change.margin(), np.int32)
    mask[30:50, 30:50] = 1
    areas = []
    for seed in range(60):
        found = change(
            {"image": mask[None].astype(np.float32), "mask": mask, "region": mask == mask},
            np.random.default_rng(seed),
        )
        areas.append(found["mask"].sum() / 400)
    assert min(areas) > 1 / 1.25**2 - 0.06
    assert max(areas) < 1.25**2 + 0.08
    assert max(areas) - min(areas) > 0.5


def test_turned_by_any_angle_an_object_keeps_its_size_and_every_angle_comes():
    change = Augmentation((64, 64), **STILL | {"turns": True})
    mask = np.zeros((64, 64), np.int32)
    mask[29:35, 12:52] = 1  # a bar through the middle
    angles = []
    for seed in range(60):
        found = change(
            {"image": mask[None].astype(np.float32), "mask": mask, "region": mask == mask},
            np.random.default_rng(seed),
        )
        y, x = np.nonzero(found["mask"])
        assert abs(len(y) - 240) <= 24
        # What is interpolated lies where the nearest pixels do.
        assert np.abs(found["image"][0] - found["mask"]).mean() < 0.02
        angles.append(0.5 * np.arctan2(2 * np.cov(y, x)[0, 1], np.var(x) - np.var(y)))
    assert len(np.unique(np.round(np.array(angles) / np.pi * 6))) >= 6


def test_what_lies_beyond_the_patch_counts_nowhere():
    change = Augmentation((64, 64), **STILL | {"turns": True})
    whole = np.ones((64, 64), np.int32)
    found = change(
        {"image": whole[None].astype(np.float32), "mask": whole, "region": whole > 0},
        np.random.default_rng(3),
    )
    assert 0 < (~found["region"]).sum() < 64 * 64 / 4
    np.testing.assert_array_equal(found["mask"] > 0, found["region"])
    np.testing.assert_array_equal(found["image"][0] > 0, found["region"])


@pytest.mark.parametrize("seed", range(20))
def test_padding_of_a_small_image_is_not_looked_at(seed):
    change = Augmentation((32, 32), **STILL | {"zoom": 1.6})
    region = np.zeros(change.margin(), bool)
    region[:32, :32] = True
    given_ = {"image": region[None].astype(np.float32), "mask": region.astype(np.int32), "region": region}
    found = change(given_, np.random.default_rng(seed))
    # Reduced by 1.6 the image fills 39 % of the patch, enlarged all of it: in the middle, not in a corner.
    assert found["region"].mean() > 0.36
    assert found["region"][10:22, 10:22].all()


def test_bent_objects_keep_about_their_size_and_neighbours():
    change = Augmentation((64, 64), **STILL | {"bend": 4.0})
    mask = (np.arange(64)[:, None] // 16 * 4 + np.arange(64)[None] // 16 + 1).astype(np.int32)
    for seed in range(20):
        found = change({"image": mask[None].astype(np.float32), "mask": mask}, np.random.default_rng(seed))
        inner = np.bincount(found["mask"].ravel(), minlength=17)[[6, 7, 10, 11]]
        assert (inner > 100).all()
        assert (inner < 500).all()
