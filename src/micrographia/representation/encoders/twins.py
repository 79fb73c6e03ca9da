"""Untrained twins: the same architecture with random weights, the floor that a trained model has to beat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrographia.representation.encoders.networks import TorchEncoder
from micrographia.representation.encoders.protocol import Encoder, EncoderError

SEEDS = tuple(range(5))
"""The seeds of the twins that a verdict rests on."""

CALIBRATION = 32
"""Images at most that the statistics of BatchNorm layers are re-estimated from."""


def twins(encoder: Encoder, seeds: Iterable[int] = SEEDS) -> list[TorchEncoder]:
    """Return networks of the architecture of an encoder with random weights, one a seed.

    Weights are drawn by the architecture's own initialisation. BatchNorm statistics of a trained network say nothing of
    a random one, so those of twins are re-estimated: :func:`~micrographia.representation.encoders.embedding.embed` does
    so from the images at hand (at most :data:`CALIBRATION`, spread over the dataset) and records it.

    Parameters
    ----------
    encoder
        A PyTorch encoder: EfficientNet-Lite, a model of ``transformers``, TorchScript without BatchNorm, a random one.
    seeds
        Of the weights.

    Raises
    ------
    EncoderError
        If the encoder cannot be built anew.
    """
    network = getattr(encoder, "network", None)
    if not isinstance(encoder, TorchEncoder) or network is None or network.fresh is None:
        raise EncoderError(
            encoder.name,
            "has no untrained twin: its architecture cannot be built anew",
            "Compare with the encoders random-cnn and random-vit",
        )
    return [_twin(encoder, int(seed)) for seed in seeds]


def _twin(encoder: TorchEncoder, seed: int) -> TorchEncoder:
    assert encoder.network.fresh is not None  # noqa: S101 - twins has looked
    told: dict[str, Any] = {key: value for key, value in encoder.details.items() if key != "batch_norm"}
    return TorchEncoder(
        encoder.network.fresh(seed),
        name=f"{encoder.name} untrained",
        version=f"seed {seed}",
        channels=encoder.channels,
        size=encoder.size,
        mean=encoder.mean,
        std=encoder.std,
        device=encoder.device,
        details={**told, "weights": "random", "seed": seed, "twin_of": encoder.sha256},
        untrained=True,
    )
