"""Two plain networks with random weights: what architecture alone gives, without the choice of a twin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from micrographia.representation.encoders.networks import Network, TorchEncoder, seeded, torch_module

WIDTHS = (32, 64, 128, 256)
"""Channels of the four convolutions of the random CNN."""
PATCH, WIDTH, DEPTH, HEADS = 16, 192, 6, 3
"""Of the random ViT: side of a patch in pixels, features of a token, blocks, attention heads."""


def random_cnn(*, seed: int = 0, size: int = 224, device: str = "auto") -> TorchEncoder:
    """Return a random convolutional network: four 3x3 convolutions of stride 2 with ReLU, no normalisation.

    Weights are normal with variance 2 / fan-in (He et al. 2015), biases zero. Layers ``conv.0`` to ``conv.3``.
    """
    return _encoder("random-cnn", _cnn(seed), seed, size, device)


def random_vit(*, seed: int = 0, size: int = 224, device: str = "auto") -> TorchEncoder:
    """Return a random vision transformer: patches of 16 pixels, six pre-norm blocks of 192 features, mean of tokens.

    Weights are normal with standard deviation 0.02, truncated at two of them (as in Dosovitskiy et al. 2021), biases
    zero, positions learned ones as drawn. Layers ``embeddings``, ``block.00`` to ``block.05`` and ``last``.
    """
    return _encoder("random-vit", _vit(seed, size), seed, size, device)


def _encoder(name: str, network: Network, seed: int, size: int, device: str) -> TorchEncoder:
    return TorchEncoder(
        network,
        name=name,
        version=f"seed {seed}",
        size=size,
        mean=(0.5,),
        std=(0.5,),
        device=device,
        details={"architecture": name, "weights": "random", "seed": seed},
        untrained=True,
    )


def _cnn(seed: int) -> Network:
    nn = torch_module().nn
    with seeded(seed):
        convolutions = [
            nn.Conv2d(inner, outer, 3, stride=2, padding=1)
            for inner, outer in zip((3, *WIDTHS), WIDTHS, strict=False)
        ]
        for convolution in convolutions:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
    return Network(nn.ModuleList(convolutions), _run_cnn, fresh=_cnn)


def _run_cnn(module: Any, tensor: Any) -> Iterator[tuple[str, Any]]:
    for number, convolution in enumerate(module):
        tensor = convolution(tensor).relu()
        yield f"conv.{number}", tensor


def _vit(seed: int, size: int) -> Network:
    torch = torch_module()
    nn = torch.nn
    with seeded(seed):
        module = nn.ModuleDict(
            {
                "patches": nn.Conv2d(3, WIDTH, PATCH, stride=PATCH),
                "positions": nn.Embedding((size // PATCH) ** 2, WIDTH),
                "blocks": nn.ModuleList(
                    nn.TransformerEncoderLayer(
                        WIDTH,
                        HEADS,
                        4 * WIDTH,
                        dropout=0.0,
                        activation="gelu",
                        batch_first=True,
                        norm_first=True,
                    )
                    for _ in range(DEPTH)
                ),
                "norm": nn.LayerNorm(WIDTH),
            }
        )
        with torch.no_grad():
            for name, weight in module.named_parameters():
                if weight.ndim > 1:
                    nn.init.trunc_normal_(weight, std=0.02, a=-0.04, b=0.04)
                elif name.endswith("bias"):
                    nn.init.zeros_(weight)
    return Network(module, _run_vit, fresh=lambda other: _vit(other, size))


def _run_vit(module: Any, tensor: Any) -> Iterator[tuple[str, Any]]:
    tokens = module["patches"](tensor).flatten(2).transpose(1, 2) + module["positions"].weight
    yield "embeddings", tokens
    for number, block in enumerate(module["blocks"]):
        tokens = block(tokens)
        yield f"block.{number:02}", tokens
    yield "last", module["norm"](tokens)
