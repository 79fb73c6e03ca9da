"""What training makes small: how far foreground, boundary and distance are from what they should be."""

from __future__ import annotations

from typing import Any

from micrographia.representation.encoders.networks import torch_module

BOUNDARY_WEIGHT, DISTANCE_WEIGHT = 0.5, 2.0
BOUNDARY_FACTOR = 3.0
"""How much a pixel of a boundary counts in the cross-entropy; there are few of them."""
BEND = 0.1
"""Difference of distances from which the penalty grows linearly."""
_EPSILON = 1e-6
PARTS = ("foreground", "boundary", "distance")


def losses(output: Any, wanted: Any, region: Any) -> dict[str, Any]:
    """Return the parts of the loss of a batch.

    *foreground* and *boundary*: mean binary cross-entropy plus soft Dice loss, 1 - 2 sum(p t) / (sum(p) + sum(t)), over
    the pixels of the batch (Milletari et al. 2016). *distance*: Huber loss with its bend at 0.1, over the bend, the
    mean over pixels of objects plus half the mean over the others.

    Parameters
    ----------
    output
        float32 (n, 3, [Z,] Y, X), as the network gives it.
    wanted
        float32 of the same shape, as :func:`~micrographia.segmentation.training.targets.targets` makes it.
    region
        bool (n, [Z,] Y, X): the pixels that count. Others change neither loss nor gradient.

    Returns
    -------
    dict
        Name of a part to a scalar; all 0 (with gradients of 0) where no pixel counts.
    """
    functional = torch_module().nn.functional
    output, wanted = output.float(), wanted.float()
    counts = region.to(output.dtype)
    total = counts.sum().clamp_min(1.0)
    found: dict[str, Any] = {}
    for at, name in enumerate(PARTS[:2]):
        logit, truth = output[:, at], wanted[:, at]
        factor = None if name == "foreground" else functional.relu(truth * (BOUNDARY_FACTOR - 1.0)) + 1.0
        entropy = functional.binary_cross_entropy_with_logits(logit, truth, weight=factor, reduction="none")
        share = logit.sigmoid() * counts
        truth = truth * counts
        overlap = 2.0 * (share * truth).sum()
        dice = 1.0 - (overlap + _EPSILON) / (share.sum() + truth.sum() + _EPSILON)
        found[name] = (entropy * counts).sum() / total + dice
    bent = functional.huber_loss(output[:, 2], wanted[:, 2], reduction="none", delta=BEND) / BEND
    inside = wanted[:, 0] * counts
    outside = counts - inside
    found["distance"] = (bent * inside).sum() / inside.sum().clamp_min(1.0) + 0.5 * (
        bent * outside
    ).sum() / outside.sum().clamp_min(1.0)
    return found


def combined(parts: dict[str, Any]) -> Any:
    """Return the weighted sum of the parts of the loss."""
    return parts["foreground"] + BOUNDARY_WEIGHT * parts["boundary"] + DISTANCE_WEIGHT * parts["distance"]
