"""An epoch can be stopped anywhere and resumed, in any unit, and by nobody else."""

import json
import pickle

import numpy as np
import pytest

from loading import made
from micrographia.loading import LoadingError, collate, patches


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Some images of different sizes, one of them in many chunks."""
    random = np.random.default_rng(0)
    images = {
        name: random.integers(0, 999, (40 + 8 * at, 56)).astype(np.uint16) for at, name in enumerate("abcde")
    }
    masks = {name: made.squares(pixels.shape) for name, pixels in images.items()}
    place = tmp_path_factory.mktemp("set")
    made.zarr(place, images, masks, "YX", chunk={"y": 16, "x": 16})
    return place


def key(patch):
    return patch["image_id"], *patch["start"].tolist(), float(patch["image"].sum())


@pytest.mark.parametrize("sampling", ["random", "grid", "objects"])
def test_resumes_in_mid_epoch(folder, sampling):
    whole = [key(patch) for patch in patches(folder, (16, 16), sampling=sampling, seed=3)]
    for stop in (0, 1, 7, len(whole) - 1):
        first = patches(folder, (16, 16), sampling=sampling, seed=3)
        seen = [key(patch) for patch, _ in zip(first, range(stop), strict=False)]
        state = json.loads(json.dumps(first.state_dict(stop)))
        again = patches(folder, (16, 16), sampling=sampling, seed=3)
        again.load_state_dict(state)
        assert seen + [key(patch) for patch in again] == whole
        assert [key(patch) for patch in again] == whole  # only once


def test_state_follows_what_was_handed_out(folder):
    found = patches(folder, (16, 16), seed=1)
    found.set_epoch(4)
    turn = iter(found)
    for count in range(1, 6):
        next(turn)
        assert found.state_dict()["done"] == count
    assert found.state_dict()["epoch"] == 4


def test_batches_resume(folder):
    whole = [batch["start"].tolist() for batch in patches(folder, (16, 16), seed=3).batches(4)]
    first = patches(folder, (16, 16), seed=3)
    turn = first.batches(4)
    seen = [next(turn)["start"].tolist() for _ in range(2)]
    again = patches(folder, (16, 16), seed=3)
    again.load_state_dict(first.state_dict())
    assert again.state_dict()["done"] == 8
    assert seen + [batch["start"].tolist() for batch in again.batches(4)] == whole
    again.load_state_dict(first.state_dict())
    with pytest.raises(LoadingError, match="cannot go on"):
        next(again.batches(5))


def test_a_foreign_state_is_refused(folder):
    state = patches(folder, (16, 16), seed=3).state_dict()
    for other in (
        patches(folder, (16, 16), seed=4),
        patches(folder, (16, 17), seed=3),
        patches(folder, (16, 16), seed=3, images=["a"]),
        patches(folder, (16, 16), seed=3).shard(0, 2),
    ):
        with pytest.raises(LoadingError, match="state"):
            other.load_state_dict(state)


def test_shards_of_shards(folder):
    whole = [key(patch) for patch in patches(folder, (16, 16))]
    parts = [
        patches(folder, (16, 16)).shard(rank, 2).shard(part, 2) for rank in range(2) for part in range(2)
    ]
    held = [key(patch) for part in parts for patch in part]
    assert len(held) == len(whole) // 4 * 4
    assert set(held) <= set(whole)
    assert len(set(held)) == len(held) - (len(whole) - len(set(whole)))
    grid = patches(folder, (16, 16), sampling="grid")
    assert sum(len(grid.shard(rank, 7)) for rank in range(7)) == len(grid)
    with pytest.raises(LoadingError, match="no rank 2 of 2"):
        grid.shard(2, 2)


def test_pickles_without_what_is_open(folder):
    found = patches(folder, (16, 16), seed=3)
    expected = [key(patch) for patch in found]
    copy = pickle.loads(pickle.dumps(found))
    assert [key(patch) for patch in copy] == expected
    assert key(copy[-1]) == expected[-1]
    with pytest.raises(IndexError):
        copy[len(copy)]
    found.close()
    assert key(found[0]) == expected[0]


def test_two_at_a_time(folder):
    found = patches(folder, (16, 16), seed=3, cache_bytes=20_000)
    for one, other in zip(found, found, strict=True):
        assert key(one) == key(other)


def test_augmentation_is_seeded_by_patch_and_epoch(folder):
    def noisy(patch, random):
        return {**patch, "image": patch["image"] + random.normal(size=patch["image"].shape)}

    found = patches(folder, (16, 16), seed=3, augment=noisy)
    first = [key(patch) for patch in found]
    assert [key(found[at]) for at in range(len(found))] == first
    found.set_epoch(1)
    assert not set(first) & {key(patch) for patch in found}


def test_prepare_finds_all_statistics(folder):
    found = patches(folder, (16, 16))
    found.prepare(quiet=True)
    assert sorted(found._known) == list(range(5))


def test_a_batch_of_images_that_do_not_fit_is_refused(tmp_path):
    made.raw(tmp_path, {"a": made.numbered((20, 20)), "b": made.numbered((20, 20, 3), np.uint8)})
    found = patches(tmp_path, (8, 8), masks=False, per_epoch=30)
    with pytest.raises(LoadingError, match="different shapes"):
        list(found.batches(30))
    with pytest.raises(LoadingError, match="0 patches"):
        next(found.batches(0))


def test_collate_lists_what_has_no_common_shape(folder):
    batch = collate(
        [patch for patch, _ in zip(patches(folder, (16, 16), boxes=True), range(3), strict=False)]
    )
    assert batch["image"].shape == (3, 1, 16, 16)
    assert isinstance(batch["boxes"], list)
    assert batch["time"].tolist() == [0, 0, 0]


def test_memory_stays_bounded(tmp_path):
    """Blocks of a stack larger than the cache are let go."""
    stack = made.numbered((24, 512, 512))
    made.zarr(tmp_path, {"a": stack}, {"a": (stack % 5).astype(np.uint8)}, "ZYX", chunk={"y": 64, "x": 64})
    found = patches(tmp_path, (64, 64), per_epoch=300, cache_bytes=6 << 20, threads=2)
    assert not found.material.shapes[0].is_whole or stack.nbytes < 16 << 20
    most = 0
    for patch in found:
        most = max(most, found.blocks().nbytes)
        assert patch["image"].shape == (1, 64, 64)
    assert most <= 6 << 20 or found.material.shapes[0].is_whole
