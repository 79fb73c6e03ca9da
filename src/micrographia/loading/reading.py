"""Reading a box of a frame: pixels of its channels, labels of its masks, and where it was annotated.

Files are opened when they are first read, in the process that reads them; the last few images stay open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images import Image
from micrographia.loading.errors import LoadingError
from micrographia.loading.frames import Frame, Three, misfit
from micrographia.loading.regions import is_region_set

Array = npt.NDArray[Any]
Box = tuple[slice, slice, slice]

OPEN_IMAGES = 48
"""How many images stay open at most."""

LARGEST_LABEL = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What was decoded of a frame.

    Parameters
    ----------
    low
        Where it begins along Z, Y, X.
    image
        C, Z, Y, X, as the file has it.
    mask
        Z, Y, X; int32 or a smaller integer; None where no masks are wanted.
    region
        Z, Y, X; whether a pixel was annotated and lies in no ignored object; None where that is so everywhere.
    """

    low: Three
    image: Array
    mask: Array | None
    region: npt.NDArray[np.bool_] | None

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays."""
        return sum(part.nbytes for part in (self.image, self.mask, self.region) if part is not None)

    @property
    def shape(self) -> Three:
        """Z, Y, X."""
        _, z, y, x = self.image.shape
        return z, y, x


@dataclass(frozen=True, slots=True)
class Opened:
    """An image with its label images."""

    image: Image
    layers: tuple[Image, ...]
    regions: tuple[Image, ...]

    def close(self) -> None:
        """Let go of files."""
        for image in (self.image, *self.layers, *self.regions):
            image.close()


class Files:
    """The images that are open, the most recently used last. One for each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: OrderedDict[tuple[int, str], Opened] = OrderedDict()

    def opened(self, frame: Frame) -> Opened:
        """Return the image and label images of a frame, opened if they are not.

        Raises
        ------
        LoadingError
            If the masks do not fit the image.
        MicrographiaError
            If a file cannot be read.
        """
        with self._lock:
            found = self._opened.get(frame.key)
            if found is not None:
                self._opened.move_to_end(frame.key)
                return found
        found = _open(frame)
        with self._lock:
            found = self._opened.setdefault(frame.key, found)
            while len(self._opened) > OPEN_IMAGES:
                self._opened.popitem(last=False)
        return found

    def close(self) -> None:
        """Close everything."""
        with self._lock:
            opened, self._opened = list(self._opened.values()), OrderedDict()
        for one in opened:
            one.close()


def _open(frame: Frame) -> Opened:
    image = frame.files.image()
    layers: list[Image] = []
    regions: list[Image] = []
    for mask in frame.files.masks():
        why = misfit(mask.image, image, frame.shape)
        if why:
            raise LoadingError(
                mask.image.path, f"{frame.image_id}: {why}", "Correct the pairing in files.tsv"
            )
        (regions if is_region_set(mask.set) else layers).append(mask.image)
    return Opened(image, tuple(layers), tuple(regions))


def read_block(opened: Opened, frame: Frame, box: Box) -> Block:
    """Read a box of a frame.

    Parameters
    ----------
    opened
        The image and its label images.
    frame
        Which time point and channels of it.
    box
        Z, Y, X; inside the frame.

    Raises
    ------
    LoadingError
        If labels are negative or beyond int32.
    ImageError
        If a file cannot be read.
    """
    low = box[0].start, box[1].start, box[2].start
    image = read_channels(opened.image, frame, box)
    mask = read_labels(opened, frame, box)
    region: npt.NDArray[np.bool_] | None = None
    for one in opened.regions:
        where = _labels(one, frame.time, box) != 0
        region = where if region is None else region | where
    if mask is not None and frame.ignored:
        counted = ~np.isin(mask, frame.ignored)
        region = counted if region is None else region & counted
    return Block(low, image, mask, region)


def read_labels(opened: Opened, frame: Frame, box: Box) -> Array | None:
    """Return the labels of a box, Z, Y, X; None if the frame has no masks.

    Where objects overlap, the object of the lower layer is seen.
    """
    if not opened.layers:
        return None
    mask = _checked(_labels(opened.layers[0], frame.time, box), opened.layers[0])
    for layer in opened.layers[1:]:
        more = _checked(_labels(layer, frame.time, box), layer)
        mask = np.where(mask == 0, more, mask)
    return mask


def read_channels(image: Image, frame: Frame, box: Box) -> Array:
    """Return the pixels of a box, C, Z, Y, X."""
    spatial = dict(zip("ZYX", box, strict=True))
    shape = tuple(part.stop - part.start for part in box)

    def read(channels: slice) -> Array:
        at = {"T": slice(frame.time, frame.time + 1), "C": channels, **spatial}
        block = image.read([at[axis] for axis in image.axes])
        return block.reshape(-1, *shape)

    if frame.whole or "C" not in image.axes:
        found = read(slice(0, image.size("C")))
        return found if frame.whole else found[list(frame.channels)]
    return np.concatenate([read(slice(channel, channel + 1)) for channel in frame.channels])


def _labels(image: Image, time: int, box: Box) -> Array:
    first = time if image.size("T") > 1 else 0
    at = {"T": slice(first, first + 1), "C": slice(0, 1), **dict(zip("ZYX", box, strict=True))}
    block = image.read([at[axis] for axis in image.axes])
    return block.reshape([part.stop - part.start for part in box])


def _checked(labels: Array, image: Image) -> Array:
    """Return labels in a type that int32 holds."""
    if labels.dtype.kind == "b":
        return labels.view(np.uint8)
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise LoadingError(image.path, "holds negative labels", "Number the objects from 1; 0 is background")
    if labels.dtype.itemsize < 4 or labels.dtype == np.int32:
        return labels
    if labels.size and labels.max() > LARGEST_LABEL:
        raise LoadingError(
            image.path,
            f"holds labels beyond {LARGEST_LABEL:,}, more than a patch can",
            "Number the objects anew",
        )
    return labels.astype(np.int32)
