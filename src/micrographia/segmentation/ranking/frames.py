"""What is read of an image, and how a model is run on it: plain and perturbed in exactly the same way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images import ArrayImage, Channel
from micrographia.segmentation.evaluation.prediction import pixel_size
from micrographia.segmentation.evaluation.targets import Item
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import MapModel

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Frame:
    """The part of an image that is used.

    Parameters
    ----------
    item
        The image.
    pixels
        float32 ``(C, [Z,] Y, X)``, intensities as the file has them.
    sha256
        Of the pixels.
    region
        Where it lies in the image, along ``([Z,] Y, X)``.
    whole
        Size of the image along ``([Z,] Y, X)``.
    dtype, bits, channels, rgb, scale, units
        As the image has them.
    pixel_size
        Micrometres a pixel; None if unknown.
    notes
        What was left out.
    """

    item: Item
    pixels: npt.NDArray[np.float32]
    sha256: str
    region: tuple[slice, ...]
    whole: tuple[int, ...]
    dtype: np.dtype[Any]
    bits: int | None
    channels: tuple[Channel, ...]
    rgb: bool
    scale: Mapping[str, float]
    units: Mapping[str, str]
    pixel_size: float | None
    notes: tuple[str, ...] = ()


def read_frame(item: Item, crop: int, depth: int) -> Frame:
    """Read the middle of an image, at most ``crop`` pixels wide and high and ``depth`` planes deep, first time point.

    Raises
    ------
    MicrographiaError
        If the image cannot be read, holds values that are not finite, or is the same everywhere.
    """
    image = item.files.image()
    most = {"T": 1, "Z": depth, "Y": crop, "X": crop}
    parts: dict[str, slice] = {}
    notes = []
    for axis, size in zip(image.axes, image.shape, strict=True):
        used = min(size, most.get(axis, size))
        start = 0 if axis == "T" else (size - used) // 2
        parts[axis] = slice(start, start + used)
        if used < size:
            notes.append(f"{used} of {size} along {axis} are used")
    pixels = np.asarray(image.read([parts[axis] for axis in image.axes]), np.float32)
    if "T" in image.axes:
        pixels = pixels[0]
    if "C" not in image.axes:
        pixels = pixels[None]
    spatial = [axis for axis in "ZYX" if axis in image.axes]
    if image.size("Z") == 1 and "Z" in spatial:
        pixels = pixels[:, 0]
        spatial.remove("Z")
    _check(item, pixels)
    digest = hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
    return Frame(
        item,
        pixels,
        digest,
        tuple(parts[axis] for axis in spatial),
        tuple(image.size(axis) for axis in spatial),
        image.dtype,
        image.bits,
        image.channels,
        image.rgb,
        {axis: step for axis, step in image.scale.items() if axis.upper() in spatial},
        {axis: unit for axis, unit in image.units.items() if axis.upper() in spatial},
        pixel_size(image),
        tuple(notes),
    )


def predicted(
    model: Any, frame: Frame, pixels: Array, *, tile: int | None = None
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32] | None]:
    """Return labels of a variation of a frame, and the foreground probability where the model gives one.

    Parameters
    ----------
    model
        A segmenter.
    frame
        What is known of the image.
    pixels
        The variation, float32, of the frame's shape.
    tile
        As for :func:`~micrographia.segmentation.models.running.segment`.

    Returns
    -------
    Labels int32 ``([Z,] Y, X)``; probability float32 ``(n,)`` of all that the model was shown, at its own pixel
    size, or None.
    """
    from micrographia.segmentation.models.running import segment

    asked = Listening(model) if isinstance(model, MapModel) and "foreground" in map_names(model) else model
    image = Variation(frame, pixels)
    found = segment(
        asked,
        image,
        roles=frame.item.roles or None,
        pixel_size=frame.pixel_size,
        tile=tile,
    )
    return np.asarray(found.labels, np.int32), asked.heard() if isinstance(asked, Listening) else None


class Variation(ArrayImage):
    """A frame with other pixels, which says of itself what the image does.

    Its pixels are float32, so that a change is neither rounded nor clipped; its type stays that of the image, because
    models take from it which value is white.
    """

    def __init__(self, frame: Frame, pixels: Array) -> None:
        self._held = np.asarray(pixels, np.float32)
        super().__init__(
            self._held,
            "CYX" if pixels.ndim == 3 else "CZYX",
            scale=frame.scale,
            units=frame.units,
            channels=frame.channels,
            rgb=frame.rgb,
            path=frame.item.files.root,
            member=frame.item.id,
        )
        self.dtype = frame.dtype
        self.bits = frame.bits

    def read(self, region: Sequence[slice] | None = None) -> Array:
        """Return float32 pixels of a region."""
        return np.ascontiguousarray(self._held[tuple(region) if region is not None else ...])


class Listening:
    """A segmenter that keeps the foreground maps that it makes instances of.

    Parameters
    ----------
    model
        A segmenter that gives maps, one of them the foreground.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._place = map_names(model).index("foreground")
        self._heard: list[npt.NDArray[np.float32]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._model, name)

    def maps(self, image: Array, context: Any) -> Any:
        """Return maps ``(K, [Z,] Y, X)`` of an image or a tile of it."""
        return self._model.maps(image, context)

    def instances(self, maps: Array, context: Any) -> Any:
        """Return labels of maps, and keep the foreground."""
        self._heard.append(np.asarray(maps[self._place], np.float32).ravel())
        return self._model.instances(maps, context)

    def heard(self) -> npt.NDArray[np.float32] | None:
        """Return the foreground of all that was shown, ``(n,)``; None if it is no probability."""
        if not self._heard:
            return None
        found = np.concatenate(self._heard)
        return found if found.min() >= 0 and found.max() <= 1 else None


def map_names(model: Any) -> tuple[str, ...]:
    """Return what the maps of a model mean, as it says in ``outputs``; empty if it does not say."""
    from micrographia.segmentation.models.unet import UNetSegmenter
    from micrographia.segmentation.models.unet_network import OUTPUTS

    if isinstance(getattr(model, "unwrapped", model), UNetSegmenter):
        return OUTPUTS
    return tuple(getattr(model, "outputs", ()))


def overlapping(first: Array, second: Array) -> tuple[Array, Array]:
    """Return two label images cut to the size that both have, from their first pixel on.

    Raises
    ------
    SegmentationError
        If one is a plane and the other a stack.
    """
    if first.ndim != second.ndim:
        raise SegmentationError("", "the next image has other axes", "Rank on planes and stacks separately")
    both = tuple(slice(0, min(sizes)) for sizes in zip(first.shape, second.shape, strict=True))
    return first[both], second[both]


def alike(first: Array, second: Array) -> float:
    """Return how two images ``(C, [Z,] Y, X)`` correlate where they overlap, mean over channels; 0 if undefined."""
    found = []
    for one, other in zip(first, second, strict=False):
        if one.ndim != other.ndim:
            return 0.0
        a, b = (held.astype(np.float64).ravel() for held in overlapping(one, other))
        a, b = a - a.mean(), b - b.mean()
        scale = float(np.sqrt((a @ a) * (b @ b)))
        found.append(float(a @ b) / scale if scale else 0.0)
    return float(np.mean(found)) if found else 0.0


def _check(item: Item, pixels: Array) -> None:
    if not np.isfinite(pixels).all():
        raise SegmentationError(
            item.id, "holds values that are not finite (NaN or infinity)", "Mend it or leave it out"
        )
    if pixels.min() == pixels.max():
        raise SegmentationError(
            item.id, "is the same everywhere, so that nothing in it can be perturbed", "Leave it out"
        )
