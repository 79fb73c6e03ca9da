"""What a segmentation model is: something that turns an image into labels, and says what it was made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.errors import SegmentationError

Image = npt.NDArray[np.float32]
"""Intensities as the file has them, axes (C, [Z,] Y, X)."""

Labels = npt.NDArray[Any]
"""Integers, axes ([Z,] Y, X); 0 is background."""

Settings = Mapping[str, Any]

ANY = "any"
"""Channel role of a model that takes whatever channels there are; axes of one that works in 2D and 3D."""

BUDGET = 32
"""Settings tried for every model that is tuned, and for every baseline."""


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model.

    Parameters
    ----------
    name, version
        What reports call it.
    sha256
        Checksum of everything that determines what it predicts: weights, code, settings.
    channel_roles
        Role of each channel that it takes, in order; ``("any",)`` for all channels as they are.
    axes
        ``YX`` or ``ZYX``; ``any`` if it works in both.
    pixel_size
        Micrometres of a pixel along Y and X in its training images; None if it takes any.
    target
        What an object is: ``object`` (nucleus, cell, ...), and the rules ``touching``, ``border``, ``out_of_focus``,
        ``membrane_included``.
    licence
        SPDX identifier; empty if unknown.
    trained_on
        Each data set it was trained on: ``title``, ``accession``, ``version``, ``content_sha256``, ``files_sha256``,
        ``licence``, ``n_images``, ``fingerprints`` (path of a JSON file, or None). Empty if unknown, or not trained.
    baseline
        It is a classical method to compare with.
    settings
        Its tunable settings as they are.
    """

    name: str
    version: str = ""
    sha256: str = ""
    channel_roles: tuple[str, ...] = (ANY,)
    axes: str = ANY
    pixel_size: float | None = None
    target: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    trained_on: tuple[Mapping[str, Any], ...] = ()
    baseline: bool = False
    settings: Settings = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no model can be."""
        if self.axes not in ("YX", "ZYX", ANY):
            raise SegmentationError(self.name, f"axes {self.axes!r} are none of YX, ZYX and any", "Give one")
        if not self.channel_roles:
            raise SegmentationError(self.name, "takes no channel", "Give the role of each, or any")
        if self.pixel_size is not None and not 0 < self.pixel_size < float("inf"):
            raise SegmentationError(
                self.name, f"a pixel size of {self.pixel_size} is no length", "Give micrometres, or none"
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        held: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_plain))
        return held


@dataclass(frozen=True)
class Context:
    """What a tile must know of the image that it is part of, so that the result does not depend on the tiles.

    Parameters
    ----------
    sample
        Pixels of all channels at the same places, float32 ``(C, n)``: all of the image where it is small, else whole
        blocks spread evenly over it.
    roles
        Of each channel; None where nobody says.
    rgb
        The three channels are red, green and blue.
    spacing
        Length of a pixel along each spatial axis in widths of a pixel: ``(1, 1)``, or ``(z / x, 1, 1)``.
    pixel_size
        Micrometres of a pixel along Y and X; None if unknown.
    white
        The largest value that the image's type can hold; for floats the largest in the sample.
    memo
        Where models keep what they compute from the sample, under keys of their own.
    """

    sample: Image
    roles: tuple[str | None, ...] = ()
    rgb: bool = False
    spacing: tuple[float, ...] = (1.0, 1.0)
    pixel_size: float | None = None
    white: float = 1.0
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def percentiles(self, low: float = 1.0, high: float = 99.8) -> tuple[Image, Image]:
        """Return two percentiles of each channel, float32 ``(C,)``, interpolated linearly between pixels."""
        found = np.percentile(self.sample, (low, high), axis=1).astype(np.float32)
        return found[0], found[1]

    @cached_property
    def limits(self) -> tuple[Image, Image]:
        """The percentiles 1 and 99.8 of each channel, float32 ``(C,)``."""
        return self.percentiles()

    def normalised(self, image: Image) -> Image:
        """Return an image ``(C, [Z,] Y, X)`` scaled so that :attr:`limits` become 0 and 1; flat channels become 0."""
        low, high = self.limits
        shape = (-1,) + (1,) * (image.ndim - 1)
        width = np.where(high > low, high - low, np.inf).astype(np.float32)
        scaled: Image = (image - low.reshape(shape)) / width.reshape(shape)
        return scaled


def context_of(image: Image, *, pixel_size: float | None = None) -> Context:
    """Return the context of an image in memory ``(C, [Z,] Y, X)`` of which nothing else is known."""
    held = np.asarray(image, np.float32)
    if held.ndim not in (3, 4) or 0 in held.shape:
        raise SegmentationError(
            "", f"an image of shape {held.shape} is not (C, [Z,] Y, X)", "Add the channel"
        )
    sample = held.reshape(len(held), -1)
    return Context(
        sample=sample,
        roles=(None,) * len(held),
        spacing=(1.0,) * (held.ndim - 1),
        pixel_size=pixel_size,
        white=float(sample.max()),
    )


class Segmenter(Protocol):
    """What a segmentation model provides; plug-ins announce it under the entry-point group ``micrographia.segmenters``.

    The entry point names an object with these attributes, or a class that makes one without arguments; the name of
    the entry point is what users type. A segmenter may also have

    - ``predict_tile(image, context)``: as ``predict``, for a part of an image, with the :class:`Context` of the whole;
    - ``tile``: sizes along the spatial axes that it wants to see at once, and ``overlap``: pixels that it must see
      beyond those whose labels it gives;
    - what :class:`MapModel` and :class:`Tunable` ask for.

    Attributes
    ----------
    api_version
        1.
    info
        What is known of it.
    """

    api_version: int
    info: ModelInfo

    def predict(self, image: Image, *, pixel_size: float | None = None) -> Labels:
        """Return labels ``([Z,] Y, X)`` of an image ``(C, [Z,] Y, X)``, integers that are not negative.

        Parameters
        ----------
        image
            float32, the channels of ``info.channel_roles``, intensities as the file has them.
        pixel_size
            Micrometres of a pixel along Y and X; None if unknown.
        """
        ...


@runtime_checkable
class MapModel(Protocol):
    """A model that works in two steps, so that tuning the second needs the first but once.

    Where maps of the whole image fit into memory they are put together from tiles and made into instances at once: the
    result is that of the untiled image if the network sees no further than the overlap.
    """

    def maps(self, image: Image, context: Context) -> Image:
        """Return maps ``(K, [Z,] Y, X)``, finite, of an image or a tile of it ``(C, [Z,] Y, X)``."""
        ...

    def instances(self, maps: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)`` of maps."""
        ...


@runtime_checkable
class Tunable(Protocol):
    """A model with settings that can be chosen on training images."""

    def settings_grid(self, budget: int = BUDGET) -> Sequence[Settings]:
        """Return at most ``budget`` settings to try, the default first; always the same."""
        ...

    def with_settings(self, settings: Settings) -> Any:
        """Return the same model with these settings; those left out stay as they are."""
        ...


def checked_labels(labels: Any, shape: tuple[int, ...], name: str) -> npt.NDArray[np.int32]:
    """Return what a model gave as int32 labels.

    Parameters
    ----------
    labels
        What the model gave.
    shape
        Of the image without channels.
    name
        Of the model.

    Raises
    ------
    SegmentationError
        If they are no integers, negative, or of another shape.
    """
    held = np.asarray(labels)
    if held.dtype.kind not in "ui":
        kind = "a mask of yes and no" if held.dtype.kind == "b" else f"values of type {held.dtype}"
        raise SegmentationError(
            name,
            f"gives {kind}, not labels",
            "It must give integers: 0 for background, an id for each object",
        )
    if held.shape != shape:
        raise SegmentationError(
            name,
            f"gives labels of shape {held.shape} for an image of {shape}",
            "It must give one label a pixel",
        )
    if held.size and held.min() < 0:
        raise SegmentationError(
            name, f"gives negative labels, such as {held.min()}", "Background is 0; other ids are positive"
        )
    if held.size and held.max() > np.iinfo(np.int32).max:
        # Ids of 64 bits are numbered anew; nothing but their identity has a meaning.
        ids, inverse = np.unique(held, return_inverse=True)
        return (inverse.reshape(shape) + (ids[0] != 0)).astype(np.int32)
    return np.ascontiguousarray(held, np.int32)


def set_up(info: ModelInfo, origin: str, settings: Settings) -> ModelInfo:
    """Return what is known of a model with settings: they are in it and in its checksum.

    Parameters
    ----------
    info
        Of the model.
    origin
        Checksum of its weights and code, whatever the settings.
    settings
        As JSON values.
    """
    text = json.dumps(dict(settings), sort_keys=True, default=_plain)
    digest = hashlib.sha256(f"{origin}\n{text}".encode()).hexdigest()
    return replace(info, settings=dict(settings), sha256=digest)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic):
        return value.item()
    return str(value)
