"""Images made of other things than one file: of an array, of several files, of a part of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from micrographia.errors import ImageError, printable
from micrographia.images.image import UNSAID, Array, Channel, Image, Region, canonical, normalise


class ArrayImage(Image):
    """An image in memory: for tests, simulation and pixels that were just computed.

    Parameters
    ----------
    array
        Its pixels; kept, not copied.
    axes
        One letter of ``TCZYX`` an axis, in this order.
    scale, units, channels, rgb, block_shape, notes
        As in :class:`Image`.
    path, member
        What it is called; nothing is read from there.
    """

    def __init__(
        self,
        array: Array,
        axes: str,
        *,
        scale: Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        channels: Sequence[Channel] = (),
        rgb: bool = False,
        block_shape: Sequence[int] | None = None,
        notes: Sequence[str] = (),
        path: Path = Path(),
        member: str = "",
    ) -> None:
        super().__init__(
            _ArrayPixels(array),
            path=path,
            member=member,
            axes=axes,
            shape=array.shape,
            dtype=array.dtype,
            scale=scale,
            units=units,
            channels=channels,
            rgb=rgb,
            block_shape=block_shape,
            notes=notes,
            file_format="array",
        )


class _ArrayPixels:
    def __init__(self, array: Array) -> None:
        self.array = array

    def read(self, region: Region) -> Array:
        return self.array[region].copy()

    def close(self) -> None:
        """Nothing is open."""


def stack_channels(images: Sequence[Image], names: Sequence[str]) -> Image:
    """Return one image whose channels are those of several images, one after the other, read lazily.

    Parameters
    ----------
    images
        At least one; all of one size and voxel size. An image that has channels of its own brings them all.
    names
        One name an image. An image that brings several channels names them ``NAME CHANNEL``.

    Returns
    -------
    Image
        With axis C; it has the path and member of the first image. Unsigned integers of different width
        become the widest, which is noted; a voxel size that the images do not agree on is left out, which is
        noted.

    Raises
    ------
    ImageError
        If sizes or types do not fit together.
    """
    if not images or len(images) != len(names):
        raise ValueError(f"{len(names)} names for {len(images)} images")
    first = images[0]
    plain = first.axes.replace("C", "")
    for image in images[1:]:
        if image.axes.replace("C", "") != plain or _plain_shape(image) != _plain_shape(first):
            raise ImageError(
                image.path,
                f"its size is {image.axes} {image.shape}, that of {first.path} {first.axes} {first.shape}",
                "Channels of one image have one size: correct the pairing",
            )
    dtype, notes = _common_dtype(images)
    scale, units, more = _common_scale(images)
    channels = [
        channel for image, name in zip(images, names, strict=True) for channel in _renamed(image, name)
    ]
    axes = canonical(plain + "C")
    counts = [image.size("C") for image in images]
    shape = [sum(counts) if axis == "C" else first.size(axis) for axis in axes]
    return Image(
        _StackedPixels(images, axes),
        path=first.path,
        member=first.member,
        axes=axes,
        shape=shape,
        dtype=dtype,
        scale=scale,
        units=units,
        channels=channels,
        block_shape=[first.block_shape[first.axes.index(axis)] if axis != "C" else 1 for axis in axes],
        file_format=first.file_format,
        compression=first.compression,
        bits=max((image.bits for image in images if image.bits), default=None),
        notes=[*dict.fromkeys([note for image in images for note in image.notes] + notes + more)],
        files=[*dict.fromkeys(file for image in images for file in image.files)],
    )


def _plain_shape(image: Image) -> tuple[int, ...]:
    return tuple(size for axis, size in zip(image.axes, image.shape, strict=True) if axis != "C")


def _renamed(image: Image, name: str) -> list[Channel]:
    own = image.channels or (Channel(),) * image.size("C")
    if len(own) == 1:
        return [Channel(name or own[0].name, own[0].color)]
    return [
        Channel(f"{name} {channel.name or index}".strip(), channel.color) for index, channel in enumerate(own)
    ]


def _common_dtype(images: Sequence[Image]) -> tuple[np.dtype[np.generic], list[str]]:
    kinds = {image.dtype for image in images}
    if len(kinds) == 1:
        return images[0].dtype, []
    names = ", ".join(sorted(str(kind) for kind in kinds))
    if all(kind.kind == "u" for kind in kinds):
        widest = max(kinds, key=lambda kind: kind.itemsize)
        return widest, [f"the channels are of types {names}; they are read as {widest}"]
    raise ImageError(
        images[0].path,
        f"its channels are of types {names}, which do not fit into one image",
        "Store all channels with one type",
    )


def _common_scale(images: Sequence[Image]) -> tuple[dict[str, float], dict[str, str], list[str]]:
    scale: dict[str, float] = {}
    units: dict[str, str] = {}
    notes: list[str] = []
    for axis in "tzyx":
        said = {(image.scale[axis], image.units.get(axis)) for image in images if axis in image.scale}
        if len(said) == 1:
            (step, unit) = said.pop()
            scale[axis] = step
            if unit is not None:
                units[axis] = unit
        elif said:
            sizes = ", ".join(sorted(f"{step:g} {unit or ''}".strip() for step, unit in said))
            notes.append(
                f"the files of its channels disagree about the step along {axis}: {sizes}; none is believed"
            )
    return scale, units, notes


class _StackedPixels:
    def __init__(self, images: Sequence[Image], axes: str) -> None:
        self.images = tuple(images)
        self.axes = axes

    def read(self, region: Region) -> Array:
        at = self.axes.index("C")
        wanted = region[at]
        parts: list[Array] = []
        first = 0
        for image in self.images:
            last = first + image.size("C")
            inner = slice(max(wanted.start, first) - first, min(wanted.stop, last) - first)
            if inner.start < inner.stop:
                parts.append(self._one(image, region, at, inner))
            first = last
        return np.concatenate(parts, axis=at)

    @staticmethod
    def _one(image: Image, region: Region, at: int, inner: slice) -> Array:
        if "C" in image.axes:
            return image.read((*region[:at], inner, *region[at + 1 :]))
        return np.expand_dims(image.read(region[:at] + region[at + 1 :]), at)

    def close(self) -> None:
        for image in self.images:
            image.close()


def select(image: Image, **axes: int | slice) -> Image:
    """Return a part of an image as an image, read lazily.

    Parameters
    ----------
    image
        The image.
    axes
        For an axis (``T``, ``C``, ``Z``, ``Y``, ``X``) an index, which drops the axis (not Y or X), or a
        slice with step 1, which keeps it.

    Raises
    ------
    ValueError
        If the image has no such axis, nothing is left of it, or an index lies outside.
    """
    region: list[slice] = []
    kept = ""
    for axis, size in zip(image.axes, image.shape, strict=True):
        part = axes.pop(axis, slice(None))
        if isinstance(part, int):
            if not -size <= part < size or axis in "YX":
                raise ValueError(f"index {part} along {axis} of {size}")
            part = slice(part % size, part % size + 1)
        else:
            kept += axis
        region.append(part)
    if axes:
        raise ValueError(f"{image!r} has no axis {', '.join(axes)}")
    whole = normalise(region, image.shape)
    if any(part.step != 1 or part.stop <= part.start for part in whole):
        raise ValueError(f"{region} is no part of {image!r}")
    at = dict(zip(image.axes, whole, strict=True))
    channels = image.channels[at["C"]] if "C" in at else image.channels
    return Image(
        _PartPixels(image, whole, kept),
        path=image.path,
        member=image.member,
        axes=kept,
        shape=[at[axis].stop - at[axis].start for axis in kept],
        dtype=image.dtype,
        scale={axis: step for axis, step in image.scale.items() if axis.upper() in kept},
        units={axis: unit for axis, unit in image.units.items() if axis.upper() in kept},
        channels=channels,
        rgb=image.rgb and len(channels) == 3,
        block_shape=[image.block_shape[image.axes.index(axis)] for axis in kept],
        file_format=image.file_format,
        compression=image.compression,
        bits=image.bits,
        notes=image.notes,
        files=image.files,
    )


def with_axes(image: Image, axes: str) -> Image:
    """Return an image whose pages are called otherwise: a file of many pages may not say what they are.

    Parameters
    ----------
    image
        As its file was read.
    axes
        As many axes, in canonical order, the last two of them ``YX``: ``CYX`` for what was read as ``ZYX``.

    Raises
    ------
    ImageError
        If these axes do not fit.
    """
    if axes == image.axes:
        return image
    if len(axes) != len(image.axes) or canonical(axes) != axes or not axes.endswith("YX") or image.rgb:
        problem = f"has the axes {image.axes}, which cannot be called {printable(axes)}"
        raise ImageError(image.path, problem, "Correct its axes in files.tsv, or leave them empty")
    scale = {axis: step for axis, step in image.scale.items() if axis.upper() in axes}
    same = image.size("C") == dict(zip(axes, image.shape, strict=True)).get("C", 1)
    return Image(
        image._pixels,
        path=image.path,
        member=image.member,
        axes=axes,
        shape=image.shape,
        dtype=image.dtype,
        scale=scale,
        units={axis: unit for axis, unit in image.units.items() if axis in scale},
        channels=image.channels if same else (),
        block_shape=image.block_shape,
        file_format=image.file_format,
        compression=image.compression,
        bits=image.bits,
        notes=[note for note in image.notes if not note.startswith(UNSAID)],
        files=image.files,
    )


class _PartPixels:
    def __init__(self, image: Image, whole: Region, kept: str) -> None:
        self.image = image
        self.whole = whole
        self.kept = kept

    def read(self, region: Region) -> Array:
        wanted = dict(zip(self.kept, region, strict=True))
        outer = []
        for axis, part in zip(self.image.axes, self.whole, strict=True):
            inner = wanted.get(axis, slice(0, 1))
            outer.append(slice(part.start + inner.start, part.start + inner.stop))
        block = self.image.read(outer)
        return block.reshape([part.stop - part.start for part in region])

    def close(self) -> None:
        self.image.close()
