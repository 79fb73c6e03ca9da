"""What a model is shown of an image: its channels by role, one time point, rescaled to the model's pixel size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images import Image
from micrographia.metadata.units import micrometers
from micrographia.representation.encoders.resample import weights
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import Context, ModelInfo

Floats = npt.NDArray[np.float32]
Slices = tuple[slice, ...]

SAMPLED = 1 << 22
"""Statistics of a larger image are those of blocks with together about so many pixels, evenly spread over it."""

NEAR = 0.01
"""Pixel sizes that differ by less than this share are taken for equal."""


@dataclass(frozen=True)
class View:
    """An image at one time point, in the eyes of a model: axes (C, [Z,] Y, X), float32.

    Parameters
    ----------
    image
        The image.
    channels
        Which channels, in the order in which the model takes them.
    roles
        Of these channels.
    time
        Which time point.
    shape
        Sizes along the spatial axes as the model sees them: of Y and X after rescaling.
    pixel_size
        Micrometres of a pixel as the model sees it; None if unknown.
    """

    image: Image
    channels: tuple[int, ...]
    roles: tuple[str | None, ...]
    time: int
    shape: tuple[int, ...]
    pixel_size: float | None

    @property
    def key(self) -> tuple[int, int]:
        """Time point and plane; -1 for all planes."""
        return (self.time, -1)

    @property
    def original(self) -> tuple[int, ...]:
        """Sizes along the spatial axes in the image."""
        return spatial_shape(self.image)

    def read(self, window: Slices) -> Floats:
        """Return pixels of a window ``([Z,] Y, X)`` of what the model sees.

        Raises
        ------
        SegmentationError
            If some are no finite numbers.
        ImageError
            If the file cannot be read there.
        """
        sizes, targets = self.original[-2:], self.shape[-2:]
        if sizes == targets:
            return self._pixels(window)
        parts = [
            weights(size, target)[span]
            for size, target, span in zip(sizes, targets, window[-2:], strict=True)
        ]
        spans = [slice(int(part.indices.min()), int(part.indices.max()) + 1) for part in parts]
        pixels = self._pixels((*window[:-2], *spans)).astype(np.float64)
        down, across = (part[:, span] for part, span in zip(parts, spans, strict=True))
        planes = pixels.reshape(-1, *pixels.shape[-2:])
        resized = np.stack([(across @ (down @ plane).T).T for plane in planes])
        return np.ascontiguousarray(
            resized.reshape(*pixels.shape[:-2], *resized.shape[-2:]).astype(np.float32)
        )

    @cached_property
    def context(self) -> Context:
        """What tiles must know of the whole; pixels are sampled before rescaling."""
        blocks = [self._pixels(block).reshape(len(self.channels), -1) for block in _sampled(self)]
        sample = np.concatenate(blocks, axis=1)
        kind = self.image.dtype
        white = float(np.iinfo(kind).max) if kind.kind in "ui" else float(sample.max())
        if self.image.bits and kind.kind in "ui":
            white = float(2**self.image.bits - 1)
        return Context(
            sample=sample,
            roles=self.roles,
            rgb=self.image.rgb and self.channels == (0, 1, 2),
            spacing=spacing(self.image, self.shape),
            pixel_size=self.pixel_size,
            white=white or 1.0,
        )

    def _pixels(self, window: Slices) -> Floats:
        region, at = [], iter(window)
        for axis in self.image.axes:
            if axis == "T":
                region.append(slice(self.time, self.time + 1))
            elif axis == "C":
                region.append(slice(min(self.channels), max(self.channels) + 1))
            elif axis == "Z" and len(window) == 2:
                region.append(slice(0, 1))
            else:
                region.append(next(at))
        held = self.image.read(tuple(region))
        if "C" in self.image.axes:
            places = [channel - min(self.channels) for channel in self.channels]
            held = held.take(places, self.image.axes.index("C"))
        held = held.reshape(len(self.channels), *(part.stop - part.start for part in window))
        pixels = np.ascontiguousarray(held, np.float32)
        if held.dtype.kind == "f" and not np.isfinite(pixels).all():
            raise SegmentationError(
                self.image.path,
                f"has {int((~np.isfinite(pixels)).sum())} pixels that are no finite numbers where it was read",
                "Replace NaN and infinity before segmenting it",
            )
        return pixels


@dataclass(frozen=True)
class Plane:
    """One plane of a view in space: what a model for 2D sees of a stack."""

    whole: View
    z: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes along Y and X."""
        return self.whole.shape[1:]

    @property
    def key(self) -> tuple[int, int]:
        """Time point and plane."""
        return (self.whole.time, self.z)

    @property
    def context(self) -> Context:
        """That of the whole stack."""
        return self.whole.context

    def read(self, window: Slices) -> Floats:
        """Return pixels ``(C, Y, X)`` of a window; see :meth:`View.read`."""
        return self.whole.read((slice(self.z, self.z + 1), *window))[:, 0]


def view(
    image: Image,
    info: ModelInfo,
    *,
    roles: Sequence[str | None] | None = None,
    pixel_size: float | None = None,
    time: int = 0,
) -> View:
    """Return what a model is shown of an image.

    Parameters
    ----------
    image
        The image.
    info
        Of the model.
    roles
        Of all channels of the image; None takes what its header tells.
    pixel_size
        Micrometres of a pixel along Y and X; None takes what its header tells.
    time
        Which time point.

    Raises
    ------
    LoadingError
        If the image lacks a channel that the model wants.
    SegmentationError
        If ``roles`` are those of another image, or the image would become absurdly large.
    """
    from micrographia.loading.roles import image_channel_roles, match_roles

    count = image.size("C")
    told = tuple(role.role for role in image_channel_roles(image)) if roles is None else tuple(roles)
    if len(told) != count:
        raise SegmentationError(
            image.path, f"has {count} channels, not the {len(told)} that roles are given for", "Give as many"
        )
    names = [channel.name for channel in image.channels] if len(image.channels) == count else []
    channels = match_roles(info.channel_roles, told, names, path=str(image.path))
    size = pixel_size if pixel_size is not None else image_pixel_size(image)
    if size is not None and not 0 < size < math.inf:
        raise SegmentationError(
            image.path, f"a pixel size of {size} is no length", "Give micrometres, or none"
        )
    shape = spatial_shape(image)
    factor = 1.0 if size is None or info.pixel_size is None else size / info.pixel_size
    if abs(factor - 1.0) > NEAR:
        sides = tuple(max(1, round(side * factor)) for side in shape[-2:])
        if math.prod(sides) > 400 * math.prod(shape[-2:]):
            raise SegmentationError(
                image.path,
                f"has pixels of {size:g} micrometres and the model wants {info.pixel_size:g}",
                "Correct the pixel size of the image or of the model",
            )
        shape, size = (*shape[:-2], *sides), info.pixel_size
    return View(image, channels, tuple(told[channel] for channel in channels), time, shape, size)


def spatial_shape(image: Image) -> tuple[int, ...]:
    """Return ``(Y, X)``, or ``(Z, Y, X)`` where there is more than one plane."""
    planes = (image.size("Z"),) if image.size("Z") > 1 else ()
    return (*planes, image.size("Y"), image.size("X"))


def image_pixel_size(image: Image) -> float | None:
    """Return micrometres of a pixel along X; None where the image does not say."""
    return micrometers(image.scale.get("x"), image.units.get("x"))


def spacing(image: Image, shape: tuple[int, ...]) -> tuple[float, ...]:
    """Return the length of a pixel along each spatial axis in widths of a pixel, after rescaling to ``shape``."""
    if len(shape) == 2:
        return (1.0, 1.0)
    z, x = image.scale.get("z"), image.scale.get("x")
    known = z and x and image.units.get("z") == image.units.get("x")
    ratio = float(z / x) if known and z and x else 1.0
    return (ratio * shape[-1] / image.size("X"), 1.0, 1.0)


def _sampled(view: View) -> list[Slices]:
    """Return the whole image, or blocks that are spread evenly over one with more than :data:`SAMPLED` pixels."""
    shape = view.original
    if math.prod(shape) <= SAMPLED:
        return [tuple(slice(0, size) for size in shape)]
    sides = dict(zip(view.image.axes, view.image.block_shape, strict=True))
    steps = [sides.get(axis, 1) for axis in "ZYX"[-len(shape) :]]
    while math.prod(steps) > SAMPLED // 16:
        steps[int(np.argmax(steps))] //= 2
    counts = [-(-size // step) for size, step in zip(shape, steps, strict=True)]
    total = math.prod(counts)
    wanted = max(1, min(total, SAMPLED // math.prod(steps)))
    found: list[Any] = []
    for number in range(wanted):
        # Equal shares, moved by the golden ratio within each so that they do not fall into one column.
        place = min(total - 1, int((number + (number * 0.618034) % 1.0) * total / wanted))
        index = np.unravel_index(place, counts)
        found.append(
            tuple(
                slice(int(at) * step, min(size, (int(at) + 1) * step))
                for at, step, size in zip(index, steps, shape, strict=True)
            )
        )
    return found
