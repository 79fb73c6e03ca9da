"""An image as napari wants it: an array that is read where it is looked at."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from micrographia.images import Image
from micrographia.images.image import Array

LayerData = tuple[Any, dict[str, Any], str]
"""Data, options and kind of one layer, as napari takes them."""
WHOLE = 256 << 20
"""Bytes up to which a label image is read into memory, where it can be painted on."""


class LazyArray:
    """One image, or one channel of it, that reads what it is asked for.

    Parameters
    ----------
    image
        Where the pixels come from.
    axes
        Axes of the array; those that the image lacks have size 1. ``C`` at the end is for colours.
    channel
        Which channel, where ``axes`` has no C.
    """

    def __init__(self, image: Image, axes: str, channel: int = 0) -> None:
        self.image = image
        self.axes = axes
        self.channel = channel

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each axis."""
        return tuple(self.image.size(axis) for axis in self.axes)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.dtype.itemsize

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.image.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Array:
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in [one for one in keys if one is Ellipsis]:
            at = next(index for index, one in enumerate(keys) if one is Ellipsis)
            keys[at : at + 1] = [slice(None)] * (self.ndim - len(keys) + 1)
        keys += [slice(None)] * (self.ndim - len(keys))
        if len(keys) > self.ndim:
            raise IndexError(f"{len(keys)} indices for an array of {self.ndim} axes")
        region: dict[str, slice] = {}
        after: list[Any] = []
        for axis, one, size in zip(self.axes, keys, self.shape, strict=True):
            part, inner = _bounded(one, size)
            region[axis] = part
            after.append(inner)
        at_image = [region.get(axis, self._fixed(axis)) for axis in self.image.axes]
        block = self.image.read(at_image)
        kept = [axis for axis in self.image.axes if axis in region]
        block = block.reshape([region[axis].stop - region[axis].start for axis in kept])
        order = [axis for axis in self.axes if axis in kept]
        block = block.transpose([kept.index(axis) for axis in order])
        block = block.reshape([region[axis].stop - region[axis].start for axis in self.axes])
        return block[np.ix_(*after)] if _lists(after) > 1 else block[tuple(after)]

    def _fixed(self, axis: str) -> slice:
        return slice(self.channel, self.channel + 1) if axis == "C" else slice(0, 1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        whole = self[()]
        return whole if dtype is None else whole.astype(dtype)

    def __repr__(self) -> str:
        return f"<LazyArray {self.axes} {self.shape} {self.dtype}>"


def _bounded(key: Any, size: int) -> tuple[slice, Any]:
    """Return the range that an index touches, and the index in that range."""
    if isinstance(key, slice):
        start, stop, step = key.indices(size)
        if step > 0:
            return slice(start, max(start, stop)), slice(None, None, step)
        chosen = range(start, stop, step)
        return (
            (slice(chosen[-1], chosen[0] + 1), slice(None, None, step))
            if chosen
            else (slice(0, 0), slice(None))
        )
    chosen_list = np.asarray(key)
    if chosen_list.ndim == 0 and chosen_list.dtype.kind in "ui":
        index = int(chosen_list)
        if not -size <= index < size:
            raise IndexError(f"index {index} along an axis of {size}")
        return slice(index % size, index % size + 1), 0
    if chosen_list.dtype.kind == "b":
        chosen_list = np.flatnonzero(chosen_list)
    if chosen_list.size == 0:
        return slice(0, 0), chosen_list.astype(int)
    places = np.where(chosen_list < 0, chosen_list + size, chosen_list)
    first = int(places.min())
    return slice(first, int(places.max()) + 1), places - first


def _lists(keys: list[Any]) -> int:
    return sum(isinstance(key, np.ndarray) for key in keys)
