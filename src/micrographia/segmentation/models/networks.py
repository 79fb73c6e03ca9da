"""Networks of other people as models: fed and read as a card or a package says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrographia.plugins import API_VERSION
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.maps import MapSegmenter, padded
from micrographia.segmentation.models.postprocessing import TUNED, Postprocessing
from micrographia.segmentation.models.protocol import (
    Context,
    Image,
    Labels,
    ModelInfo,
    context_of,
)

Feed = Callable[[Image, Context], Image]
"""Makes of an image ``(C, [Z,] Y, X)`` what goes in and what came out ``(K, [Z,] Y, X)``, scaled."""


@dataclass(frozen=True)
class Network:
    """A network and how it is fed and read.

    Parameters
    ----------
    forward
        Takes an image ``(C, [Z,] Y, X)``, normalised and padded, and returns its output ``(K, [Z,] Y, X)``.
    before
        Normalises an image.
    after
        Is applied to the output.
    outputs
        What each channel of the output means; ``-`` for one that is not used.
    multiple, least
        Sizes along the spatial axes must be multiples of the one and at least the other.
    channels
        How many it takes; None for any.
    offset
        What sizes are more than multiples; None for nothing.
    halo
        Pixels by which an image is mirrored at its borders, along the spatial axes, before it goes in; they are cut
        off what comes out.
    """

    forward: Callable[[Image], Image]
    before: Feed
    after: Feed
    outputs: tuple[str, ...]
    multiple: tuple[int, ...]
    least: tuple[int, ...]
    channels: int | None = None
    offset: tuple[int, ...] | None = None
    halo: tuple[int, ...] | None = None

    def __call__(self, image: Image, context: Context, name: str) -> Image:
        """Return the output for an image, of its size."""
        if self.channels is not None and len(image) != self.channels:
            raise SegmentationError(
                name, f"takes {self.channels} channels, not {len(image)}", "State the role of each channel"
            )
        if image.ndim - 1 != len(self.multiple):
            raise SegmentationError(
                name, f"takes {len(self.multiple)}D images, not one of {image.shape}", "State its axes"
            )
        halo = self.halo or (0,) * len(self.multiple)
        fed = self.before(image, context)
        if any(halo):
            fed = np.pad(fed, [(0, 0), *((side, side) for side in halo)], mode="symmetric")
        larger, _ = padded(fed, self.multiple, self.least, self.offset)
        cut = tuple(slice(side, side + size) for side, size in zip(halo, image.shape[1:], strict=True))
        given = self.forward(np.ascontiguousarray(larger, np.float32))
        if given.ndim != larger.ndim or given.shape[1:] != larger.shape[1:]:
            raise SegmentationError(
                name,
                f"gives an output of shape {given.shape} for an image of {larger.shape[1:]}",
                "Models must keep the size of the image",
            )
        if len(given) != len(self.outputs):
            raise SegmentationError(
                name,
                f"gives {len(given)} channels, and {len(self.outputs)} are named ({', '.join(self.outputs)})",
                "Name each channel of the output; '-' is one that is not used",
            )
        return self.after(given[(slice(None), *cut)], context)


class NetworkSegmenter(MapSegmenter):
    """A network that gives maps."""

    def __init__(
        self,
        info: ModelInfo,
        network: Network,
        *,
        origin: str,
        postprocessing: Postprocessing,
        tile: tuple[int, ...] | None,
        overlap: int | None,
    ) -> None:
        used = [name for name in network.outputs if name != "-"]
        super().__init__(
            info,
            origin=origin,
            outputs=used,
            postprocessing=postprocessing,
            tile=tile,
            overlap=overlap,
            tuned=tuned_around(postprocessing),
        )
        self.network = network
        self._used = [place for place, name in enumerate(network.outputs) if name != "-"]

    def maps(self, image: Image, context: Context) -> Image:
        """Return maps ``(K, [Z,] Y, X)`` in the order of ``outputs``."""
        return np.asarray(self.network(image, context, self.info.name)[self._used], np.float32)


class LabelNetwork:
    """A network that gives labels itself."""

    api_version = API_VERSION

    def __init__(
        self, info: ModelInfo, network: Network, tile: tuple[int, ...] | None, overlap: int | None
    ) -> None:
        self.info = info
        self.network = network
        self.tile = tile
        self.overlap = overlap

    def predict_tile(self, image: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)`` of a part of an image.

        Raises
        ------
        SegmentationError
            If values are no whole numbers.
        """
        given = self.network(image, context, self.info.name)[0]
        if not np.array_equal(given, np.round(given)):
            raise SegmentationError(
                self.info.name,
                "gives values that are no whole numbers as labels",
                "State what its outputs are",
            )
        return given.astype(np.int64)

    def predict(self, image: Image, *, pixel_size: float | None = None) -> Labels:
        """Return labels ``([Z,] Y, X)`` of an image ``(C, [Z,] Y, X)``."""
        held = np.asarray(image, np.float32)
        return self.predict_tile(held, context_of(held, pixel_size=pixel_size))


def tuned_around(settings: Postprocessing) -> dict[str, tuple[Any, ...]]:
    """Return the values to try of each setting, with those of a model's own settings among them."""
    held = settings.to_json()
    return {name: tuple(dict.fromkeys((held[name], *values))) for name, values in TUNED.items()}


def normalisation(name: str) -> Feed:
    """Return how an image is scaled: ``percentile``, ``zscore``, ``dtype`` or ``none``; by the whole image."""

    def zscore(image: Image, context: Context) -> Image:
        mean, spread = context.sample.mean(1), context.sample.std(1)
        shape = (-1,) + (1,) * (image.ndim - 1)
        return (image - mean.reshape(shape)) / np.where(spread > 0, spread, 1.0).reshape(shape)

    feeds: dict[str, Feed] = {
        "percentile": lambda image, context: context.normalised(image),
        "zscore": zscore,
        "dtype": lambda image, context: image / np.float32(context.white),
        "none": lambda image, _: image,
    }
    return feeds[name]


def activation(name: str, outputs: Sequence[str]) -> Feed:
    """Return what is applied to an output: ``none``, ``sigmoid`` (not to distances) or ``softmax`` over channels."""
    places = [place for place, output in enumerate(outputs) if output not in ("distance", "-")]

    def sigmoid(maps: Image, _: Context) -> Image:
        found = np.array(maps, np.float32)
        found[places] = 0.5 * (1.0 + np.tanh(0.5 * found[places]))
        return found

    def softmax(maps: Image, _: Context) -> Image:
        powers = np.exp(maps - maps.max(0))
        held: Image = powers / powers.sum(0)
        return held

    feeds: dict[str, Feed] = {"none": lambda maps, _: maps, "sigmoid": sigmoid, "softmax": softmax}
    return feeds[name]
