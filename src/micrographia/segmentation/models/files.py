"""TorchScript and ONNX files as models; what they do not say stands beside them in ``FILE.yaml``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.representation.encoders.efficientnet_lite import file_sha256
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.cards import LABELS, Card, card, card_path, read_card
from micrographia.segmentation.models.networks import (
    LabelNetwork,
    Network,
    NetworkSegmenter,
    activation,
    normalisation,
)
from micrographia.segmentation.models.protocol import ANY, Image, Segmenter
from micrographia.segmentation.models.runtimes import Run, onnx, onnx_sizes, torchscript


def file_segmenter(path: Path, *, device: str = "auto", **options: Any) -> Segmenter:
    """Return a TorchScript or ONNX file as a model: input ``(1, C, [Z,] Y, X)``, first output of the same size.

    Parameters
    ----------
    path
        What ``torch.jit.save`` wrote, or an ``.onnx`` file. Beside it may lie ``FILE.yaml`` with the names of
        :class:`~micrographia.segmentation.models.cards.Card`.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    options
        The same names; they hold over the file.

    Raises
    ------
    SegmentationError
        If the file or its card cannot be used.
    """
    if not path.is_file():
        raise SegmentationError(path, "is no file", "Give a TorchScript or ONNX file")
    held = card({**read_card(path), **options}, card_path(path))
    run: Run
    channels = None
    if path.suffix.lower() == ".onnx":
        run = onnx(path, device)
        sizes = onnx_sizes(path)
        held, channels = _fixed(held, sizes, path)
    else:
        run = torchscript(path, device)
    if held.channels != (ANY,) and channels is None:
        channels = len(held.channels)
    origin = _origin(file_sha256(path), held)
    return built(held, run, path.stem, origin, channels)


def built(held: Card, run: Run, name: str, origin: str, channels: int | None) -> Segmenter:
    """Return the model that a card and a runtime make."""
    spatial = len(held.axes)

    def forward(image: Image) -> Image:
        output = np.asarray(run(image[None])[0])
        if output.ndim == spatial + 2 and len(output) == 1:
            output = output[0]
        elif output.ndim == spatial + 1 and len(output) == 1 and len(held.outputs) == 1:
            pass  # (1, Y, X): no axis for the channel
        else:
            raise SegmentationError(
                held.name or name,
                f"gives an output of shape {output.shape}",
                f"It must give (1, channels, {', '.join(held.axes)})",
            )
        return output

    network = Network(
        forward,
        normalisation(held.normalise),
        activation(held.activation, held.outputs),
        held.outputs,
        (held.multiple,) * spatial,
        (held.least,) * spatial,
        channels,
    )
    info = held.info(name, origin)
    if held.outputs == (LABELS,):
        return LabelNetwork(info, network, held.tile, held.overlap)
    return NetworkSegmenter(
        info,
        network,
        origin=origin,
        postprocessing=held.postprocessing,
        tile=held.tile,
        overlap=held.overlap,
    )


def _fixed(held: Card, sizes: tuple[int | None, ...], path: Path) -> tuple[Card, int | None]:
    """Return the card with the sizes that an ONNX file fixes, and how many channels it takes."""
    if not sizes:
        return held, None
    spatial = len(held.axes)
    if len(sizes) != spatial + 2:
        raise SegmentationError(
            path,
            f"takes inputs with {len(sizes)} axes",
            f"State axes; inputs are (1, C, {', '.join(held.axes)})",
        )
    sides = sizes[2:]
    if all(side is None for side in sides):
        return held, sizes[1]
    if any(side is None for side in sides) or len(set(sides)) > 1:
        raise SegmentationError(
            path, f"fixes the sizes {sides} of images", "Export it with sizes that are free, or all the same"
        )
    side = int(sides[0] or 1)
    overlap = held.overlap or max(1, side // 8)
    return replace(held, multiple=side, least=side, tile=(side,) * spatial, overlap=overlap), sizes[1]


def _origin(weights: str, held: Card) -> str:
    told = {name: value for name, value in asdict(held).items() if name not in _APART}
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(f"{weights}\n{text}".encode()).hexdigest()


_APART = ("name", "version", "target", "licence", "trained_on", "postprocessing")
"""What a card says that does not change what the network gives."""
