"""One image, whatever file it lives in: what its header says, and its pixels read region by region.

An :class:`Image` is a header (axes, shape, voxel size, channels) and a :class:`Pixels` that knows how to
fetch a region. Opening an image reads no pixels; reading a region touches only the tiles, strips or chunks it
needs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

AXES = "TCZYX"
"""The canonical order of axes: time, channel, then space."""

Region = tuple[slice, ...]
"""One slice an axis."""

Array = npt.NDArray[Any]

BLOCK_BYTES = 4 << 20
"""About how many bytes one block holds where the file has no blocks of its own."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel.

    Parameters
    ----------
    name
        As the file calls it; empty if it has no name.
    color
        Six hexadecimal digits, ``RRGGBB``, or None.
    """

    name: str = ""
    color: str | None = None


RGB_CHANNELS = (Channel("red", "FF0000"), Channel("green", "00FF00"), Channel("blue", "0000FF"))


@dataclass(frozen=True, slots=True)
class Member:
    """One image inside a file: a series, a scene, a dataset.

    Parameters
    ----------
    name
        What ``open_image(path, member=...)`` takes; empty when the file is one image.
    axes
        Subset of ``TCZYX`` in this order.
    shape
        Size along each axis.
    dtype
        Name of the NumPy type of the pixels as read, for example ``uint16``.
    """

    name: str
    axes: str
    shape: tuple[int, ...]
    dtype: str


@runtime_checkable
class Pixels(Protocol):
    """Where the pixels of one image come from: what a reader implements.

    It is picklable without open handles, opens its file when first read, and is read from several threads.
    """

    def read(self, region: Region) -> Array:
        """Return the pixels of a region: one ``slice(start, stop)`` an axis, in the order of the image."""
        ...

    def close(self) -> None:
        """Let go of what is open; a later ``read`` opens it again."""
        ...


class Image:
    """One image of a file, read lazily.

    Parameters
    ----------
    pixels
        Where its pixels come from.
    path
        The file (or OME-Zarr folder).
    member
        The image inside the file; empty when the file is one image.
    axes
        Subset of ``TCZYX`` in this order; ends in ``YX``.
    shape
        Size along each axis, at least 1.
    dtype
        Type of the pixels as read; always native byte order, one of the integers or floats up to 64 bits.
    scale
        Size of a pixel along ``t``, ``z``, ``y``, ``x``, in ``units``; an axis that is absent is unknown.
    units
        UDUNITS name for each axis of ``scale`` (``micrometer``, ``second``); an axis that is absent has no
        known unit.
    channels
        One for each index of C (one if there is no C), or none when the file does not say.
    rgb
        Whether C holds red, green and blue of one colour picture.
    block_shape
        What is cheap to read at once; by default rows of one plane, of about :data:`BLOCK_BYTES`.
    file_format
        Such as ``TIFF`` or ``PNG``.
    compression
        Name of the codec; empty if the pixels are stored as they are.
    bits
        Significant bits of a pixel, where the file says so.
    files
        The files that hold it, where they are more than ``path``: the planes of an OME-TIFF set, the channels of
        a stack.
    notes
        What was decided while reading the header and what a person should know, one sentence each.

    Raises
    ------
    ValueError
        If the parameters contradict each other.

    Examples
    --------
    >>> from micrographia.images import ArrayImage
    >>> image = ArrayImage(np.arange(12).reshape(3, 4), "YX", scale={"y": 0.5, "x": 0.5})
    >>> image.read((slice(0, 2), slice(1, 3)))
    array([[1, 2],
           [5, 6]])
    """

    def __init__(
        self,
        pixels: Pixels,
        *,
        path: Path,
        axes: str,
        shape: Sequence[int],
        dtype: npt.DTypeLike,
        member: str = "",
        scale: Mapping[str, float] | None = None,
        units: Mapping[str, str] | None = None,
        channels: Sequence[Channel] = (),
        rgb: bool = False,
        block_shape: Sequence[int] | None = None,
        file_format: str = "",
        compression: str = "",
        bits: int | None = None,
        notes: Sequence[str] = (),
        files: Sequence[Path] = (),
    ) -> None:
        self._pixels = pixels
        self.path = Path(path)
        self.member = member
        self.axes = axes
        self.shape = tuple(int(size) for size in shape)
        self.dtype = np.dtype(dtype)
        self.scale = {axis: float(step) for axis, step in (scale or {}).items()}
        self.units = dict(units or {})
        self.channels = tuple(channels) or (RGB_CHANNELS if rgb else ())
        self.rgb = rgb
        self.file_format = file_format
        self.compression = compression
        self.bits = bits
        self.notes = tuple(notes)
        self.files = tuple(files) or (self.path,)
        self._verify()
        block = tuple(block_shape) if block_shape else plane_rows(self.axes, self.shape, self.dtype.itemsize)
        if len(block) != len(self.shape):
            raise ValueError(f"block shape {block} does not fit axes {axes}")
        self.block_shape = tuple(
            max(1, min(int(step), size)) for step, size in zip(block, self.shape, strict=True)
        )

    def _verify(self) -> None:
        if self.axes != canonical(self.axes) or not self.axes.endswith("YX"):
            raise ValueError(f"axes {self.axes!r} are not a subset of {AXES} in this order that ends in YX")
        if len(self.axes) != len(self.shape) or min(self.shape) < 1:
            raise ValueError(f"shape {self.shape} does not fit axes {self.axes}")
        if self.dtype.kind not in "uif" or self.dtype.itemsize > 8 or not self.dtype.isnative:
            raise ValueError(
                f"pixels of type {self.dtype} are not native integers or floats of up to 64 bits"
            )
        for axis, step in self.scale.items():
            if axis.upper() not in "TZYX" or axis != axis.lower() or not (0 < step < math.inf):
                raise ValueError(f"scale {step} along {axis!r} is not a positive number along t, z, y or x")
        if not self.units.keys() <= self.scale.keys():
            raise ValueError(f"units {self.units} without a scale {self.scale}")
        if self.rgb and self.size("C") != 3:
            raise ValueError(f"a colour picture has 3 channels, not {self.size('C')}")
        if self.channels and len(self.channels) != self.size("C"):
            raise ValueError(f"{len(self.channels)} channel names for {self.size('C')} channels")

    def size(self, axis: str) -> int:
        """Return the size along an axis (one of ``TCZYX``); 1 if the image has no such axis."""
        index = self.axes.find(axis)
        return self.shape[index] if index >= 0 else 1

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of all pixels, uncompressed."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self, region: Sequence[slice] | None = None) -> Array:
        """Return the pixels of a region.

        Parameters
        ----------
        region
            One slice an axis, as NumPy understands them with a step of at least 1; axes left out at the end
            are read whole. None reads everything.

        Returns
        -------
        Array
            C-contiguous, axes as :attr:`axes`, of type :attr:`dtype`; the caller may change it.

        Raises
        ------
        ImageError
            If the file cannot be read there.
        TypeError, ValueError
            If ``region`` is no region.
        """
        whole = normalise(region, self.shape)
        dense = tuple(slice(part.start, part.stop) for part in whole)
        if any(part.stop <= part.start for part in dense):
            return np.empty([len(range(part.start, part.stop, part.step)) for part in whole], self.dtype)
        block = self._pixels.read(dense)
        if any(part.step != 1 for part in whole):
            block = block[tuple(slice(None, None, part.step) for part in whole)]
        return np.require(block, self.dtype, ["C", "W"])

    def blocks(self, block_shape: Sequence[int] | None = None) -> Iterator[Region]:
        """Yield regions that tile the image, in canonical order: the last axis runs fastest.

        Parameters
        ----------
        block_shape
            Size of a block along each axis; by default :attr:`block_shape`. Blocks at the far edge are
            smaller.
        """
        steps = tuple(block_shape) if block_shape is not None else self.block_shape
        if len(steps) != self.ndim or min(steps) < 1:
            raise ValueError(f"block shape {steps} does not fit shape {self.shape}")
        ranges = (range(0, size, step) for size, step in zip(self.shape, steps, strict=True))
        for starts in itertools.product(*ranges):
            yield tuple(
                slice(start, min(start + step, size))
                for start, step, size in zip(starts, steps, self.shape, strict=True)
            )

    def close(self) -> None:
        """Let go of open files; reading again opens them again."""
        self._pixels.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        where = f"{self.path}:{self.member}" if self.member else str(self.path)
        sizes = " ".join(f"{axis}{size}" for axis, size in zip(self.axes, self.shape, strict=True))
        return f"<Image {where} {sizes} {self.dtype}{' rgb' if self.rgb else ''}>"


UNSAID = "the file does not say what its pages are"
"""How a note begins that tells of an axis that was assumed."""


def canonical(axes: str) -> str:
    """Return axes in canonical order; a letter that is no canonical axis is left out."""
    return "".join(axis for axis in AXES if axis in axes)


def normalise(region: Sequence[slice] | None, shape: tuple[int, ...]) -> Region:
    """Return a region as one slice an axis with start, stop and step inside ``shape``."""
    parts = tuple(region) if region is not None else ()
    if len(parts) > len(shape):
        raise ValueError(f"a region of {len(parts)} axes for an image of {len(shape)}")
    for part in parts:
        if not isinstance(part, slice):
            raise TypeError(f"a region is made of slices; {part!r} is none")
        if part.step is not None and part.step < 1:
            raise ValueError(f"a step of {part.step}; it must be at least 1")
    parts += (slice(None),) * (len(shape) - len(parts))
    return tuple(slice(*part.indices(size)) for part, size in zip(parts, shape, strict=True))


def plane_rows(
    axes: str, shape: tuple[int, ...], itemsize: int, target: int = BLOCK_BYTES
) -> tuple[int, ...]:
    """Return a block of whole rows of one plane (all three samples of a colour) of about ``target`` bytes."""
    width = shape[-1] * itemsize
    rows = max(1, min(shape[-2], target // max(1, width)))
    return (*(1 for _ in axes[:-2]), rows, shape[-1])
