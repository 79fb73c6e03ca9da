"""From the axes in which a file stores its pixels to the canonical ones, and back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from micrographia.images.image import BLOCK_BYTES, UNSAID, Array, Region, canonical

FIXED = "-"
"""Letter of an axis of the file along which a member holds one index only."""


@dataclass(frozen=True)
class Layout:
    """How one image lies in an array of a file.

    Parameters
    ----------
    axes
        One letter an axis of the array, slowest first: ``TCZYX`` as they are, ``S`` for colour samples, ``-`` for an
        axis of which the image has one index.
    shape
        Size of the array.
    at
        Index along each ``-`` axis, in their order; by default 0 along all.
    samples
        How many of the samples belong to the image; None for all (transparency is left out by a smaller number).
    """

    axes: str
    shape: tuple[int, ...]
    at: tuple[int, ...] = ()
    samples: int | None = None
    image_axes: str = field(init=False)
    image_shape: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not self.at:
            object.__setattr__(self, "at", (0,) * self.axes.count(FIXED))
        sizes = {
            axis: size for axis, size in zip(self.axes, self.shape, strict=True) if axis not in (FIXED, "S")
        }
        if "S" in self.axes:
            sizes["C"] = sizes.get("C", 1) * self._samples
        image_axes = canonical("".join(sizes))
        object.__setattr__(self, "image_axes", image_axes)
        object.__setattr__(self, "image_shape", tuple(sizes[axis] for axis in image_axes))

    @property
    def _samples(self) -> int:
        stored = self.shape[self.axes.index("S")]
        return stored if self.samples is None else min(self.samples, stored)

    def to_file(self, region: Region) -> Region:
        """Return the region of the array that holds a region of the image."""
        wanted = dict(zip(self.image_axes, region, strict=True))
        if "S" in self.axes:
            wanted |= self._split(wanted.pop("C"))
        fixed = iter(self.at)
        parts = []
        for axis in self.axes:
            if axis == FIXED:
                index = next(fixed)
                parts.append(slice(index, index + 1))
            else:
                parts.append(wanted[axis])
        return tuple(parts)

    def _split(self, channels: slice) -> dict[str, slice]:
        if "C" not in self.axes:
            return {"S": channels}
        count = self._samples
        first, last = channels.start // count, math.ceil(channels.stop / count)
        if last - first == 1:
            return {
                "C": slice(first, last),
                "S": slice(channels.start - first * count, channels.stop - first * count),
            }
        return {"C": slice(first, last), "S": slice(0, count)}

    def to_image(self, block: Array, region: Region) -> Array:
        """Return what was read from ``to_file(region)`` with the axes of the image."""
        kept = [index for index, axis in enumerate(self.axes) if axis != FIXED]
        block = block.reshape([block.shape[index] for index in kept])
        letters = [self.axes[index] for index in kept]
        order = [axis for axis in ("T", "C", "S", "Z", "Y", "X") if axis in letters]
        block = block.transpose([letters.index(axis) for axis in order])
        if "S" not in letters or "C" not in letters:
            return block
        at = order.index("C")
        merged = block.reshape(*block.shape[:at], -1, *block.shape[at + 2 :])
        channels = region[self.image_axes.index("C")]
        count = self._samples
        first, last = channels.start // count, math.ceil(channels.stop / count)
        if last - first == 1:
            return merged
        skip = channels.start - first * count
        inner = [slice(None)] * merged.ndim
        inner[at] = slice(skip, skip + channels.stop - channels.start)
        return merged[tuple(inner)]

    def image_block(self, block: Sequence[int]) -> tuple[int, ...]:
        """Return, for a block of the array, a block of the image that is cheap to read."""
        sizes = dict(zip(self.axes, block, strict=True))
        if "S" in self.axes:
            sizes["C"] = sizes.get("C", 1) * min(sizes["S"], self._samples)
        return tuple(sizes[axis] for axis in self.image_axes)

    def plane_block(self, itemsize: int, target: int = BLOCK_BYTES) -> tuple[int, ...]:
        """Return, as axes of the image, a block of about ``target`` bytes that lies together in the array."""
        block = [1] * len(self.shape)
        room = max(1, target // itemsize)
        missing = {"Y", "X"}
        for index in reversed(range(len(self.shape))):
            if not missing:
                break
            missing.discard(self.axes[index])
            block[index] = max(1, min(self.shape[index], room))
            room //= block[index]
        return self.image_block(block)


def drop_singletons(axes: str, shape: Sequence[int]) -> str:
    """Return axes with ``-`` for each axis other than Y and X whose size is 1."""
    return "".join(
        FIXED if size == 1 and axis not in "YX" else axis for axis, size in zip(axes, shape, strict=True)
    )


def unnamed(axes: str) -> tuple[str, list[str]]:
    """Give names to axes that a file does not name (``I`` and ``Q``).

    The innermost becomes Z, the next T, the next C, whichever of them the file has not; that is a guess, so a note
    says it. What is left stays unnamed.

    Returns
    -------
    str
        The axes.
    list of str
        Notes.
    """
    letters = list(axes)
    free = [axis for axis in "ZTC" if axis not in axes]
    notes = []
    for index in reversed(range(len(letters))):
        if letters[index] in "IQ" and free:
            letters[index] = free.pop(0)
            notes.append(f"{UNSAID}; they are read as {letters[index]}")
    return "".join(letters), notes


def unfold(axes: str, shape: Sequence[int]) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Yield one image for each index along axes that are none of ``TCZYXS``: positions, angles, mosaic tiles.

    Yields
    ------
    tuple
        Suffix for its name such as ``P=2`` (empty without such axes), its axes, its fixed indices, both for
        :class:`Layout`.
    """
    extra = [index for index, axis in enumerate(axes) if axis not in "TCZYXS" + FIXED]
    letters = "".join(FIXED if index in extra else axis for index, axis in enumerate(axes))
    fixed = [index for index, axis in enumerate(letters) if axis == FIXED]
    for at in itertools.product(*(range(shape[index]) for index in extra)):
        place = dict(zip(extra, at, strict=True))
        suffix = ",".join(f"{axes[index]}={value}" for index, value in place.items())
        yield suffix, letters, tuple(place.get(index, 0) for index in fixed)


def guess(shape: Sequence[int]) -> tuple[str, list[str]]:
    """Name the axes of an array that comes without names, by its shape alone.

    Two axes are YX. A last axis of 3 or 4 with at least three axes, the two before it larger than 4, holds colour
    samples. Else three axes are ZYX, four CZYX, five TCZYX. All but YX is a guess, so a note says it.

    Returns
    -------
    str
        The axes, with ``S`` for samples; empty if no rule fits.
    list of str
        Notes.
    """
    sizes = list(shape)
    samples = ""
    if len(sizes) >= 3 and sizes[-1] in (3, 4) and min(sizes[-3:-1]) > 4:
        samples = "S"
        sizes.pop()
    axes = {2: "YX", 3: "ZYX", 4: "CZYX", 5: "TCZYX"}.get(len(sizes), "")
    if not axes:
        return "", []
    if samples:
        axes = axes.replace("C", "T") if len(sizes) == 4 else axes
        axes += samples
    if axes == "YX":
        return axes, []
    return axes, [
        f"the file does not name its axes; its shape {tuple(shape)} is read as {axes.replace('S', 'C')}"
    ]
