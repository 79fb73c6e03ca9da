"""The reference model at work: maps by the network, instances by watershed, settings that can be tuned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.representation.encoders.networks import exact, pick_device, torch_module, weights_sha256
from micrographia.representation.encoders.protocol import EncoderError
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.maps import MapSegmenter, padded
from micrographia.segmentation.models.postprocessing import TUNED, Postprocessing
from micrographia.segmentation.models.protocol import Context, Image, ModelInfo
from micrographia.segmentation.models.unet_files import CARD, PLAIN, SAFE, read_card, read_weights
from micrographia.segmentation.models.unet_network import NetworkShape, build_network

DEFAULTS = Postprocessing(threshold=0.5, boundary_weight=0.5, smoothing=1.0, depth=0.2, seed=0.5, min_size=16)
"""Settings of the watershed before any are tuned: for distances from 0 to 1, as the network gives them."""

SEEDS = (0.05, 0.2, 0.35, 0.5, 0.6)
"""Lowest peaks of the distance that are tried: objects that nobody annotated have low ones."""

TILES: Mapping[str, tuple[int, ...]] = {"YX": (1024, 1024), "ZYX": (96, 192, 192)}
"""Pixels that the network sees at once."""


class UNetSegmenter(MapSegmenter):
    """A trained U-Net with its post-processing.

    Parameters
    ----------
    network
        From :func:`~micrographia.segmentation.models.unet_network.build_network`, with its weights.
    shape
        Its architecture.
    info
        What is known of it; checksum and settings are filled in.
    postprocessing
        How maps become instances.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises
    ------
    SegmentationError
        If there is no such device.
    """

    def __init__(
        self,
        network: Any,
        shape: NetworkShape,
        info: ModelInfo,
        *,
        postprocessing: Postprocessing = DEFAULTS,
        device: str = "auto",
    ) -> None:
        torch = torch_module()
        super().__init__(
            replace(info, axes=shape.axes),
            origin=network_sha256(network, shape),
            postprocessing=postprocessing,
            tile=TILES[shape.axes],
            overlap=tuple(reach(shape, axis) for axis in range(len(shape.axes))),
            tuned={**TUNED, "seed": SEEDS},
        )
        self.shape = shape
        try:
            self.device = pick_device(device)
        except EncoderError as error:
            raise SegmentationError(error.path, error.problem, error.remedy) from error
        network.eval()
        if self.device != "mps" and shape.axes == "YX":  # convolutions are nearly twice as fast so
            network = network.to(memory_format=torch.channels_last)
        self.network = network.to(self.device)

    def maps(self, image: Image, context: Context) -> Image:
        """Return maps ``(3, [Z,] Y, X)``, float32 in 0..1: foreground, boundary, distance.

        Parameters
        ----------
        image
            float32 ``(C, [Z,] Y, X)``, the whole image or a tile of it.
        context
            Of the whole image: its percentiles 1 and 99.8 become 0 and 1.

        Raises
        ------
        SegmentationError
            If the image does not fit the network, holds values that are not finite, or does not fit into memory.
        """
        name, axes = self.info.name, len(self.shape.axes)
        if image.ndim != axes + 1 or len(image) != self.shape.channels or 0 in image.shape:
            raise SegmentationError(
                name,
                f"takes {self.shape.channels} channels with axes {self.shape.axes}, not an image of {image.shape}",
                "Choose a model for such images, or the channels it was trained with",
            )
        if not np.isfinite(image).all():
            raise SegmentationError(
                name,
                "an image with values that are no finite numbers",
                "Replace them, or leave the image out",
            )
        return self.network_maps(normalised(image, context))

    def network_maps(self, image: Image) -> Image:
        """Return the maps of an image that is normalised already; see :meth:`maps`."""
        return self.raw_maps(image)[1]

    def raw_maps(self, image: Image) -> tuple[Image, Image]:
        """Return what the network gives for a normalised image, logits and distance, and the maps made of it."""
        torch = torch_module()
        larger, cut = padded(image, self.shape.multiple)
        try:
            with torch.inference_mode(), exact(torch):
                tensor = torch.from_numpy(np.ascontiguousarray(larger, np.float32))[None].to(self.device)
                if self.device != "mps" and image.ndim == 3:
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
                output = self.network(tensor)[0].float()[(slice(None), *cut)]
                found = torch.cat([output[:2].sigmoid(), output[2:].clamp(0.0, 1.0)])
                return (
                    np.ascontiguousarray(output.cpu().numpy()),
                    np.ascontiguousarray(found.cpu().numpy()),
                )
        except torch.OutOfMemoryError as error:
            raise SegmentationError(
                self.info.name, f"runs out of memory with a tile of {image.shape[1:]}", "Give a smaller tile"
            ) from error


def normalised(image: Image, context: Context) -> Image:
    """Return an image scaled as training patches are: percentiles 1 and 99.8 become 0 and 1, unclipped.

    Where they are equal, as in an image that is empty but for a few pixels, the smallest and the largest value do; a
    channel without contrast becomes 0.
    """
    low, high = context.limits
    flat = high <= low
    low = np.where(flat, context.sample.min(axis=1), low)
    high = np.where(flat, context.sample.max(axis=1), high)
    width = np.where(high > low, high - low, 1.0)
    shape = (-1,) + (1,) * (image.ndim - 1)
    return np.asarray((image - low.reshape(shape)) / width.reshape(shape), np.float32)


def reach(shape: NetworkShape, axis: int = -1) -> int:
    """Return how many pixels beyond a pixel the network sees along an axis, rounded up to what its input is cut by."""
    step, total = 1, 2  # the entrance and the last layer
    scales = []
    for stride in shape.strides:
        total += step
        step *= stride[axis]
        total += step
        scales.append(step)
    total += sum(2 * scale for scale in scales[:-1]) + step  # the way up, and the grid of the deepest level
    multiple = shape.multiple[axis]
    return -(-total // multiple) * multiple


def network_sha256(network: Any, shape: NetworkShape) -> str:
    """Return a checksum of the architecture and the weights of a network."""
    text = json.dumps(shape.to_json(), sort_keys=True)
    return hashlib.sha256(f"micrographia unet 1\n{text}\n{weights_sha256(network)}".encode()).hexdigest()


def load_unet(path: Path | str, *, device: str = "auto") -> UNetSegmenter:
    """Open a model that ``micrographia segment train`` wrote.

    Parameters
    ----------
    path
        Its folder, or the ``model.yaml`` in it.
    device
        As for :class:`UNetSegmenter`.

    Raises
    ------
    SegmentationError
        If the card or the weights cannot be read, do not belong together, or PyTorch is not installed.
    """
    card, folder = read_card(path)
    place = folder / CARD
    try:
        shape = NetworkShape.from_json(card["network"])
        weights, inputs = card["weights"], card["inputs"]
        file = str(weights["file"])
        if file not in (SAFE, PLAIN):
            raise SegmentationError(
                place, f"names weights {file!r}", f"They lie beside it as {SAFE} or {PLAIN}"
            )
        fingerprints = folder / str(card.get("fingerprints") or "fingerprints.json")
        here = fingerprints.parent == folder and fingerprints.is_file()
        trained = tuple(
            dict(entry) | {"fingerprints": str(fingerprints) if here else None}
            for entry in card["trained_on"]
        )
        size = inputs.get("pixel_size")
        info = ModelInfo(
            name=str(card["name"]),
            version=str(card["version"]),
            channel_roles=tuple(str(role) for role in inputs["channel_roles"]),
            axes=shape.axes,
            pixel_size=None if size is None else float(size),
            target=dict(card.get("target") or {}),
            licence=str(card.get("licence") or ""),
            trained_on=trained,
        )
        settings = Postprocessing.from_json(card["postprocessing"])
        state = read_weights(folder / file, str(weights["sha256"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SegmentationError(
            place, "is incomplete or malformed", "Train or fetch the model again"
        ) from error
    except EncoderError as error:
        raise SegmentationError(error.path, error.problem, error.remedy) from error
    network = build_network(shape)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise SegmentationError(
            folder / file, "are weights of another network than the card describes", "Fetch the model again"
        ) from error
    return UNetSegmenter(network, shape, info, postprocessing=settings, device=device)
