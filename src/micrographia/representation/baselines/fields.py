"""Images and their labels as the baselines take them: of a dataset or of arrays, opened when they are measured."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.images import ArrayImage, Image

if TYPE_CHECKING:
    from micrographia.dataset import Dataset, ImageFiles

Array = npt.NDArray[Any]

TILE = 2048
"""Side of the largest piece of a plane that is worked on at once, in pixels."""
HELD = 64 << 20
"""Bytes up to which the pixels of an image are kept between two passes."""
CLASSES = ("semantic", "binary")
"""Kinds of masks whose values are classes, not objects."""


@dataclass(frozen=True)
class Labels:
    """The label images of one image, each (T, Z, Y, X), and whether they tell single objects."""

    images: tuple[Image, ...]
    exact: bool
    note: str = ""


class Field:
    """One image whose features are wanted.

    Attributes
    ----------
    name
        Its id in the dataset, or its number.
    meta
        What is known about it, such as its groups.
    set_name
        The annotation set of its label images; empty if they have none.
    """

    name: str
    meta: Mapping[str, Any]
    set_name: str = ""

    @property
    def labelled(self) -> bool:
        """Whether it has label images."""
        raise NotImplementedError

    def image(self) -> Image:
        """Open the image."""
        raise NotImplementedError

    def labels(self) -> Labels | None:
        """Open its label images; None if it has none, so that its objects are unknown."""
        raise NotImplementedError


@dataclass(frozen=True)
class ArrayField(Field):
    """An image in memory, or one that was opened already."""

    name: str
    pixels: Image
    marks: tuple[Image, ...] | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labelled(self) -> bool:
        """Whether it came with label images."""
        return self.marks is not None

    def image(self) -> Image:
        """Return the image."""
        return self.pixels

    def labels(self) -> Labels | None:
        """Return its label images."""
        return None if self.marks is None else Labels(self.marks, True)


@dataclass(frozen=True)
class DatasetField(Field):
    """An image of a dataset; label images of one annotation set."""

    name: str
    files: ImageFiles
    set_name: str = ""
    kind: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labelled(self) -> bool:
        """Whether the annotation set has a label image of it."""
        return any((row.set or "masks") == self.set_name for row in self.files.mask_rows)

    def image(self) -> Image:
        """Open the image."""
        return self.files.image()

    def labels(self) -> Labels | None:
        """Open the label images; connected components are the objects of a mask that tells only classes."""
        masks = [mask for mask in self.files.masks() if mask.set == self.set_name]
        if not masks:
            return None
        if self.kind not in CLASSES:
            return Labels(tuple(mask.image for mask in masks), True)
        from micrographia.annotations.masks import semantic_to_instance

        parts = []
        for mask in masks:
            instances, _ = semantic_to_instance(mask.image)
            parts.append(ArrayImage(instances, mask.image.axes.replace("C", ""), path=mask.image.path))
        return Labels(tuple(parts), False, f"connected components of {self.kind} masks stand for objects")


def tamed(pixels: Array) -> Array:
    """Return floating-point pixels without what is no intensity: beyond 1e60 NaN, below 1e-60 zero.

    Fourth powers of the rest, and quotients of them, stay within float64. Integers come back as they are.
    """
    if pixels.dtype.kind != "f":
        return pixels
    if pixels.itemsize < 8:
        return np.where(np.isinf(pixels), np.nan, pixels) if np.isinf(pixels).any() else pixels
    size = np.abs(pixels)
    huge, tiny = size > 1e60, (size < 1e-60) & (size > 0)
    if huge.any() or tiny.any():
        pixels = np.where(huge, np.nan, np.where(tiny, 0.0, pixels))
    return pixels


def array_fields(
    images: Sequence[Any], labels: Sequence[Any] | None, axes: str | None, names: Sequence[str] | None
) -> list[Field]:
    """Return images in memory as fields.

    Parameters
    ----------
    images
        Arrays (Y, X), (C, Y, X), (C, Z, Y, X) or (T, C, Z, Y, X), or images.
    labels
        One an image: an array (Y, X), (Z, Y, X) or (T, Z, Y, X), an image, a sequence of layers, or None.
    axes
        Axes of the arrays, if they are others.
    names
        What the images are called; numbers by default.

    Raises
    ------
    ProfileError
        If there are not as many labels or names as images, or an array is no image.
    """
    for what, held in (("label images", labels), ("names", names)):
        if held is not None and len(held) != len(images):
            raise ProfileError("", f"{len(images)} images come with {len(held)} {what}", "Give one an image")
    found: list[Field] = []
    for at, pixels in enumerate(images):
        name = str(at) if names is None else str(names[at])
        marks = None if labels is None or labels[at] is None else _layers(labels[at], name)
        found.append(ArrayField(name, _image(pixels, axes, "YX CYX CZYX TCZYX".split(), name), marks))
    return found


def _layers(given: Any, name: str) -> tuple[Image, ...]:
    layers = given if isinstance(given, list | tuple) else [given]
    return tuple(_image(layer, None, "YX ZYX TZYX".split(), name) for layer in layers)


def _image(pixels: Any, axes: str | None, usual: Sequence[str], name: str) -> Image:
    if isinstance(pixels, Image):
        return pixels
    array = np.asarray(pixels)
    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    by_size = {len(known): known for known in usual}
    letters = axes or by_size.get(array.ndim, "")
    if array.dtype.kind not in "uif" or len(letters) != array.ndim or array.size == 0:
        raise ProfileError(
            name,
            f"an array of shape {array.shape} and type {array.dtype} is no image {axes or ''}".rstrip(),
            f"Give axes {', '.join(usual)}, or name them",
        )
    wide = array.astype(np.float32) if array.dtype == np.float16 else array
    return ArrayImage(np.ascontiguousarray(wide, wide.dtype.newbyteorder("=")), letters)


def dataset_fields(
    dataset: Dataset | str | PathLike[str], images: Sequence[str] | None, annotation_set: str | None
) -> list[Field]:
    """Return the images of a dataset as fields, in the order asked.

    Raises
    ------
    ProfileError
        If it holds no image, or has no such annotation set.
    DatasetError
        If it is no dataset, or has no such image.
    """
    from micrographia.dataset import Dataset, open_dataset

    opened = dataset if isinstance(dataset, Dataset) else open_dataset(str(dataset))
    names = tuple(opened.image_ids if images is None else images)
    if not names:
        raise ProfileError(opened.path, "holds no image", "Describe the folder again")
    sets = list(
        dict.fromkeys(row.set or "masks" for name in opened.image_ids for row in opened.mask_rows(name))
    )
    if annotation_set is not None and annotation_set not in sets:
        known = f"It has {', '.join(sets)}" if sets else "It has none"
        raise ProfileError(opened.path, f"has no label images of a set {annotation_set!r}", known)
    kinds = {name: str(getattr(opened.set_described(name), "mask_kind", None) or "") for name in sets}
    # Single objects are worth more than classes, whatever comes first.
    best = sorted(sets, key=lambda name: kinds[name] in CLASSES)
    chosen = annotation_set or (best[0] if best else "")
    kind = kinds.get(chosen, "")
    fields: list[Field] = []
    for name in names:
        known_of = {"split": opened.image_split(name), **opened.image_groups(name)}
        meta = {key: value or None for key, value in known_of.items()}
        fields.append(DatasetField(name, opened.files_of(name), chosen, kind, meta))
    return fields


class Reading:
    """The pixels of one image, channel by channel and piece by piece, as float64.

    Parameters
    ----------
    image
        The image.
    mean
        Take the mean of all channels for one channel.
    """

    def __init__(self, image: Image, mean: bool = False) -> None:
        self.source = image
        self.mean = mean and image.size("C") > 1
        self._held = image.read() if image.nbytes <= HELD else None

    def averaged(self) -> Reading:
        """Return the mean of all channels of the same pixels, which are not read again."""
        other = copy.copy(self)
        other.mean = self.source.size("C") > 1
        return other

    @property
    def channels(self) -> int:
        """Number of channels."""
        return 1 if self.mean else self.source.size("C")

    @property
    def plane(self) -> tuple[int, int]:
        """Size of a plane (Y, X)."""
        return self.source.size("Y"), self.source.size("X")

    def tiles(self, channel: int) -> Iterator[tuple[int, int, Array]]:
        """Yield first row, first column and pixels (Y, X) of pieces that tile all planes of a channel."""
        height, width = self.plane
        for t in range(self.source.size("T")):
            for z in range(self.source.size("Z")):
                for y in range(0, height, TILE):
                    for x in range(0, width, TILE):
                        yield y, x, self._piece(t, channel, z, slice(y, y + TILE), slice(x, x + TILE))

    def _piece(self, t: int, channel: int, z: int, y: slice, x: slice) -> Array:
        every = slice(None) if self.mean else slice(channel, channel + 1)
        at = {"T": slice(t, t + 1), "C": every, "Z": slice(z, z + 1), "Y": y, "X": x}
        region = tuple(at[axis] for axis in self.source.axes)
        block = self.source.read(region) if self._held is None else self._held[region]
        stacked = tamed(block.reshape(-1, *block.shape[-2:])).astype(np.float64)
        return stacked[0] if len(stacked) == 1 else stacked.mean(axis=0)

    def whole(self, t: int) -> Array:
        """Return one time point (C, Z, Y, X) in its own type."""
        axes = self.source.axes
        region = tuple(slice(t, t + 1) if axis == "T" else slice(None) for axis in axes)
        block = self.source.read(region) if self._held is None else self._held[region]
        shape = [self.source.size(axis) for axis in "CZYX"]
        pixels = tamed(block.reshape(shape))
        return pixels.mean(axis=0, keepdims=True) if self.mean else pixels


def channel_names(image: Image) -> list[str]:
    """Return a name for each channel; ``c1``, ``c2`` ... where the file gives none or gives one twice."""
    given = [channel.name.strip() for channel in image.channels]
    if len(set(given)) == image.size("C") and all(given):
        return given
    return [f"c{number}" for number in range(1, image.size("C") + 1)]
