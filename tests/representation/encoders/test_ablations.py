import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from micrographia.errors import ProfileError
from micrographia.representation.encoders.ablations import ABLATIONS, ablate, parse, retained

IDS = ("a", "b", "c")


@pytest.fixture
def batch():
    return np.random.default_rng(0).random((3, 2, 18, 18), np.float32)


@pytest.fixture
def masks():
    held = np.zeros((3, 18, 18), bool)
    held[0, 4:9, 4:9] = True
    held[1] = True
    return held


def full(name):
    return f"{name}:{','.join('01'[: ABLATIONS[name].numbers])}" if ABLATIONS[name].numbers else name


@pytest.mark.parametrize("name", sorted(ABLATIONS))
def test_every_ablation_depends_on_its_image_alone_and_leaves_its_input(name, batch, masks):
    before = batch.copy()
    together = ablate(full(name), batch, IDS, masks, seed=4)
    assert np.array_equal(batch, before)
    assert together.dtype == np.float32
    assert together.shape == batch.shape
    for at in (2, 0, 1):
        alone = ablate(full(name), batch[at : at + 1], IDS[at : at + 1], masks[at : at + 1], seed=4)
        assert np.array_equal(alone[0], together[at])


def test_pixels_are_shuffled_alike_in_all_channels(batch):
    found = ablate("pixel-shuffle", batch, IDS)
    pairs = {tuple(pixel) for pixel in batch[0].reshape(2, -1).T.tolist()}
    assert {tuple(pixel) for pixel in found[0].reshape(2, -1).T.tolist()} == pairs
    assert (found[0] != batch[0]).mean() > 0.9


def test_patches_are_shuffled_whole(batch):
    found = ablate("patch-shuffle", batch, IDS)

    def tiles(image):
        return sorted(
            image[:, y : y + 4, x : x + 4].tobytes() for y in range(0, 16, 4) for x in range(0, 16, 4)
        )

    assert tiles(found[0]) == tiles(batch[0])
    assert not np.array_equal(found[0], batch[0])
    assert np.array_equal(found[:, :, 16:], batch[:, :, 16:])


def test_random_ablations_are_drawn_from_seed_and_id(batch):
    once = ablate("pixel-shuffle", batch, IDS, seed=1)
    assert np.array_equal(once, ablate("pixel-shuffle", batch, IDS, seed=1))
    assert not np.array_equal(once, ablate("pixel-shuffle", batch, IDS, seed=2))
    assert not np.array_equal(once, ablate("pixel-shuffle", batch, ("x", "y", "z"), seed=1))


def test_blur_is_gaussian(batch):
    assert ablate("blur", batch, IDS)[1, 1] == pytest.approx(gaussian_filter(batch[1, 1], 18 / 32), abs=1e-6)


def test_background_and_nuclei_are_each_others_complement(batch, masks):
    without = ablate("background-only", batch, IDS, masks)
    only = ablate("nuclei-only", batch, IDS, masks)
    median = np.median(batch[0][:, ~masks[0]], axis=1)
    assert np.array_equal(without[0][:, ~masks[0]], batch[0][:, ~masks[0]])
    assert np.array_equal(only[0][:, masks[0]], batch[0][:, masks[0]])
    for channel in range(2):
        assert (without[0, channel][masks[0]] == median[channel]).all()
        assert (only[0, channel][~masks[0]] == median[channel]).all()
    # All of the second image is objects, none of the third.
    assert np.ptp(without[1], axis=(1, 2)).tolist() == [0, 0]
    assert np.array_equal(only[1], batch[1])
    assert np.array_equal(without[2], batch[2])


def test_channels_are_dropped_and_swapped(batch):
    dropped = ablate("channel-drop:1", batch, IDS)
    assert not dropped[:, 1].any()
    assert np.array_equal(dropped[:, 0], batch[:, 0])
    assert np.array_equal(ablate("channel-swap:0,1", batch, IDS), batch[:, ::-1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sharpen", "no ablation 'sharpen'"),
        ("channel-drop", "Write it as channel-drop:0"),
        ("channel-swap:0", "Write it as channel-swap:0,1"),
        ("channel-swap:0,x", "wrong numbers"),
        ("blur:3", "Write it as blur"),
        ("channel-drop:2", "no channel 2 of 2"),
        ("nuclei-only", "needs label images"),
    ],
)
def test_what_cannot_be_ablated(text, message, batch):
    with pytest.raises(ProfileError, match=message):
        ablate(text, batch, IDS)


def test_parse_returns_the_numbers():
    assert parse("channel-swap:3,1") == (ABLATIONS["channel-swap"], (3, 1))


@pytest.mark.parametrize(
    ("ablated", "score", "chance", "share"), [(0.9, 0.9, 0.5, 1), (0.5, 0.9, 0.5, 0), (0.4, 0.9, 0.5, -0.25)]
)
def test_retained(ablated, score, chance, share):
    assert retained(ablated, score, chance).value == pytest.approx(share)
    assert not retained(ablated, score, chance).reason


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((0.6, 0.5, 0.5), "does not exceed chance"),
        ((0.6, 0.4, 0.5), "does not exceed chance"),
        ((math.nan, 0.9, 0.5), "the ablated score is undefined"),
        ((0.6, 0.9, math.nan), "the chance is undefined"),
    ],
)
def test_retained_is_undefined_with_a_reason(numbers, reason):
    found = retained(*numbers)
    assert math.isnan(found.value)
    assert reason in found.reason
