import math

import numpy as np
import pytest

from micrographia.segmentation.training.losses import combined, losses
from micrographia.segmentation.training.targets import targets


def tensors(torch, output, wanted, region=None):
    region = np.ones(wanted.shape[1:], bool) if region is None else region
    return (
        torch.from_numpy(np.float32(output))[None].requires_grad_(),
        torch.from_numpy(wanted)[None],
        torch.from_numpy(region)[None],
    )


@pytest.fixture
def mask():
    found = np.zeros((6, 8), np.int32)
    found[1:5, 1:4], found[1:5, 4:7] = 1, 2
    return found


def test_by_hand(torch):
    wanted = np.zeros((3, 1, 2), np.float32)
    wanted[:, 0, 0] = (1.0, 1.0, 1.0)
    found = losses(*tensors(torch, np.zeros((3, 1, 2)), wanted))
    dice = 1 - 2 * 0.5 / (1 + 1)  # both pixels 0.5, one true
    assert found["foreground"].item() == pytest.approx(math.log(2) + dice, abs=1e-5)
    # The true pixel of the boundary counts three times.
    assert found["boundary"].item() == pytest.approx(2 * math.log(2) + dice, abs=1e-5)
    # Huber beyond its bend: 0.1 * (1 - 0.05) / 0.1; the other pixel is right.
    assert found["distance"].item() == pytest.approx(0.95, abs=1e-5)
    assert combined(found).item() == pytest.approx(
        found["foreground"].item() + 0.5 * found["boundary"].item() + 2 * 0.95, abs=1e-5
    )


def test_a_perfect_answer_costs_nothing(torch, mask):
    wanted = targets(mask)
    output = np.stack([(wanted[0] * 2 - 1) * 30, (wanted[1] * 2 - 1) * 30, wanted[2]])
    assert combined(losses(*tensors(torch, output, wanted))).item() == pytest.approx(0, abs=1e-5)


def test_what_nobody_annotated_changes_nothing(torch, mask):
    random = np.random.default_rng(0)
    wanted = targets(mask)
    region = np.ones(mask.shape, bool)
    region[:, 4:] = False
    output = random.normal(size=wanted.shape)
    one, *rest = tensors(torch, output, wanted, region)
    first = combined(losses(one, *rest))
    first.backward()
    assert not one.grad[0, :, :, 4:].any()
    assert one.grad[0, :, :, :4].abs().sum() > 0
    output[:, :, 4:] = 100.0
    changed = targets(np.where(region, mask, 7))
    changed[:, :, :4] = wanted[:, :, :4]
    second = combined(losses(*tensors(torch, output, changed, region)))
    assert second.item() == pytest.approx(first.item(), rel=1e-6)


def test_nothing_annotated_is_no_error(torch, mask):
    one, *rest = tensors(torch, np.ones((3, 6, 8)), targets(mask), np.zeros(mask.shape, bool))
    found = combined(losses(one, *rest))
    found.backward()
    assert found.item() == 0.0
    assert not one.grad.any()
