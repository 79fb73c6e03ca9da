"""Augmentation keeps image, mask, region, boxes and points together."""

import numpy as np
import pytest

from loading import made
from micrographia.loading import LoadingError, hooks, patches


@pytest.mark.parametrize("size", [(16, 16), (16, 20), (3, 16, 16)])
def test_flips_and_turns_move_everything_alike(tmp_path, size):
    shape = (40, 40) if len(size) == 2 else (8, 40, 40)
    labels = made.squares(shape, 3, 7)
    made.raw(tmp_path, {"a": labels.astype(np.float32)}, {"a": labels})
    plain = patches(tmp_path, size, normalise="none", boxes=True, points=True, per_epoch=16)
    turned = patches(
        tmp_path, size, normalise="none", boxes=True, points=True, per_epoch=16, augment=hooks.flip_and_turn
    )
    different = 0
    for before, after in zip(plain, turned, strict=True):
        different += not np.array_equal(before["image"], after["image"])
        np.testing.assert_array_equal(after["image"][0], after["mask"])
        assert sorted(np.unique(after["mask"])) == sorted(np.unique(before["mask"]))
        axes = len(size)
        for box, point, one in zip(after["boxes"], after["points"], after["box_ids"], strict=True):
            seen = np.argwhere(after["mask"] == one)
            assert box.tolist() == [*seen.min(axis=0), *(seen.max(axis=0) + 1)]
            np.testing.assert_allclose(point, seen.mean(axis=0))
            assert len(box) == 2 * axes
    assert different >= 8


class Shift:
    """Called as a transform of Albumentations is: image Y, X, C and masks by name; its chance is its own."""

    def set_random_seed(self, seed):
        self.random = np.random.default_rng(seed)

    def __call__(self, *, image, masks):
        by = int(self.random.integers(1, 9))
        assert image.shape[-1] == 1
        return {"image": np.roll(image, by, 1), "masks": [np.roll(mask, by, 1) for mask in masks]}


def test_transforms_called_as_those_of_albumentations(tmp_path):
    labels = made.squares((40, 40))
    made.raw(tmp_path, {"a": labels.astype(np.float32)}, {"a": labels})
    found = patches(tmp_path, (16, 16), normalise="none", augment=hooks.albumentations(Shift()))
    first = [patch["image"] for patch in found]
    for number, patch in enumerate(found):
        np.testing.assert_array_equal(patch["image"][0], patch["mask"])
        np.testing.assert_array_equal(patch["image"], first[number])
        assert patch["mask"].dtype == np.int32
        assert patch["region"].dtype == np.bool_
    with pytest.raises(LoadingError, match="boxes"):
        patches(tmp_path, (16, 16), boxes=True, augment=hooks.albumentations(Shift()))[0]


class Mirror:
    """Called as a dictionary transform of MONAI is: every key with a channel first."""

    def set_random_state(self, seed):
        self.random = np.random.default_rng(seed)

    def __call__(self, data):
        flip = self.random.random() < 0.5
        assert all(array.ndim == data["image"].ndim for array in data.values())
        return {key: array[..., ::-1] if flip else array for key, array in data.items()}


def test_transforms_called_as_those_of_monai(tmp_path):
    labels = made.squares((8, 40, 40), 3, 7)
    made.raw(tmp_path, {"a": labels.astype(np.float32)}, {"a": labels})
    found = patches(tmp_path, (3, 16, 16), normalise="none", augment=hooks.monai(Mirror()), per_epoch=9)
    plain = patches(tmp_path, (3, 16, 16), normalise="none", per_epoch=9)
    flipped = 0
    for after, before in zip(found, plain, strict=True):
        np.testing.assert_array_equal(after["image"][0], after["mask"])
        flipped += not np.array_equal(after["mask"], before["mask"])
    assert 0 < flipped < 9
