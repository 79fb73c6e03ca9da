"""What an encoder is given of an image: which channels, and how stored intensities become 0..1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.images import Image
from micrographia.representation.encoders.resample import Floats, strips

SAMPLED = 1 << 20
"""Pixels a channel that percentiles of floats and of wide integers are taken from, on a regular grid."""
USUAL = "percentile:0.1,99.9"


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of an image says."""

    id: str
    axes: str
    channels: int
    names: tuple[str, ...]
    rgb: bool
    dtype: str
    bits: int | None
    times: int
    planes: int
    height: int
    width: int


def header(name: str, image: Image) -> Header:
    """Return the header of an image."""
    return Header(
        name,
        image.axes,
        image.size("C"),
        tuple(channel.name for channel in image.channels),
        image.rgb,
        image.dtype.name,
        image.bits,
        image.size("T"),
        image.size("Z"),
        image.size("Y"),
        image.size("X"),
    )


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which channels of an image become the input of an encoder.

    Parameters
    ----------
    text
        ``channelwise``: every channel is encoded on its own (copied to all inputs) and the features are concatenated.
        ``rgb``: the three channels of colour images as they are, the one of grey images copied to all inputs.
        ``mean``: the mean of the channels, copied to all inputs. ``channels:A,B,C``: these channels, by name or by
        number from 0, are the inputs.
    inputs
        Channels that the encoder takes.
    names
        Of what is encoded apart and concatenated; one empty name if that is all there is.
    """

    text: str
    inputs: int
    names: tuple[str, ...] = ("",)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The channels that ``channels:`` names."""
        return tuple(self.text.partition(":")[2].split(",")) if self.text.startswith("channels:") else ()

    def take(self, image: Header) -> tuple[int, ...]:
        """Return the channels to read of an image.

        Raises
        ------
        ProfileError
            If the image lacks them.
        """
        if self.text == "rgb":
            if image.channels not in (1, self.inputs):
                raise ProfileError(
                    image.id,
                    f"has {image.channels} channels and the mapping rgb needs 1 or {self.inputs}",
                    "Choose channelwise, mean, or channels:0,1,2",
                )
            return tuple(range(image.channels))
        if self.wanted:
            return tuple(_channel(image, name) for name in self.wanted)
        if self.text == "channelwise" and image.channels != len(self.names):
            raise ProfileError(
                image.id,
                f"has {image.channels} channels where others have {len(self.names)}",
                "Choose a mapping that fits all images: mean, or channels:0",
            )
        return tuple(range(image.channels))

    def select(self, scaled: Floats) -> Floats:
        """Return the channels ``(k, Y, X)`` that were read as those that travel to the encoder."""
        if self.text == "mean":
            return scaled.mean(0, keepdims=True)
        if self.text == "rgb" and len(scaled) == 1 and self.inputs > 1:
            return np.repeat(scaled, self.inputs, axis=0)
        return scaled

    def passes(self, batch: Floats) -> Floats:
        """Return a batch ``(n, k, Y, X)`` as the encoder takes it ``(n * passes, inputs, Y, X)``."""
        if self.text not in ("channelwise", "mean") or not self.inputs:
            return batch
        n, k, height, width = batch.shape
        apart = batch.reshape(n * k, 1, height, width)
        return np.repeat(apart, self.inputs, axis=1)


def choose_mapping(text: str, images: Sequence[Header], inputs: int) -> Mapping:
    """Return the mapping for all images; ``auto`` takes rgb where all images are grey or colour, else channelwise.

    For encoders of one channel it takes the mean of colours, for encoders of many channels the channels as they are.

    Parameters
    ----------
    text
        As :class:`Mapping` says, or ``auto``.
    images
        All of them.
    inputs
        Channels that the encoder takes; 0 for any number, which are then given as they are.

    Raises
    ------
    ProfileError
        If there is no such mapping, or it does not fit an image.
    """
    if text == "auto":
        text = _usual(images, inputs)
    known = text in ("channelwise", "rgb", "mean") or (
        text.startswith("channels:") and all(text[9:].split(","))
    )
    if not known:
        raise ProfileError(
            "",
            f"there is no mapping of channels {text!r}",
            "Choose auto, channelwise, rgb, mean, or channels:A,B,C",
        )
    # An encoder of any number of channels takes one where they are encoded apart, three where they are colours.
    taken = inputs or (3 if text == "rgb" else 1)
    mapping = Mapping(text, taken)
    if text == "channelwise":
        first = images[0]
        named = (
            len(first.names) == first.channels
            and len(set(first.names)) == first.channels
            and all(first.names)
        )
        names = first.names if named else tuple(f"c{number}" for number in range(first.channels))
        mapping = Mapping(text, taken, names if first.channels > 1 else ("",))
    if mapping.wanted:
        if inputs not in (0, len(mapping.wanted)):
            raise ProfileError(
                "",
                f"the encoder takes {inputs} channels and the mapping names {len(mapping.wanted)}",
                "Name as many",
            )
        mapping = Mapping(text, len(mapping.wanted))
    for image in images:
        mapping.take(image)
    return mapping


def _usual(images: Sequence[Header], inputs: int) -> str:
    held = {image.channels for image in images}
    every = f"channels:{','.join(map(str, range(images[0].channels)))}"
    if inputs == 0:
        return every if len(held) == 1 else "rgb"
    if inputs == 3 and all(image.channels == 1 or image.rgb for image in images):
        return "rgb"
    if inputs == 1 and all(image.channels == 1 or image.rgb for image in images):
        return "mean"
    return every if inputs > 3 and held == {inputs} else "channelwise"


def _channel(image: Header, name: str) -> int:
    if name in image.names:
        return image.names.index(name)
    if name.isdigit() and int(name) < image.channels:
        return int(name)
    held = f": {', '.join(image.names)}" if any(image.names) else ""
    raise ProfileError(image.id, f"has no channel {name!r}; it has {image.channels}{held}", "Name others")


def choose_scaling(text: str, images: Sequence[Header]) -> str:
    """Return how intensities become 0..1, verified; ``auto`` is ``dtype`` if all images have 8 bits.

    ``dtype`` divides by the largest value of the type (or of the significant bits, where the file tells them; signed
    types are shifted; floats must lie in 0..1). ``percentile:LOW,HIGH`` maps two percentiles of an image, of each
    channel on its own (of the colours of an RGB image together), to 0 and 1. ``fixed:LOW,HIGH`` maps two values.

    Raises
    ------
    ProfileError
        If there is no such scaling.
    """
    if text == "auto":
        return "dtype" if all(image.dtype == "uint8" for image in images) else USUAL
    if text == "percentile":
        return USUAL
    kind, _, rest = text.partition(":")
    try:
        values = [float(value) for value in rest.split(",")] if rest else []
    except ValueError:
        values = []
    usable = len(values) == 2 and np.isfinite(values).all() and values[0] < values[1]
    if kind == "percentile" and usable:
        usable = values[0] >= 0 and values[1] <= 100
    if text != "dtype" and not (kind in ("percentile", "fixed") and usable):
        raise ProfileError(
            "",
            f"there is no scaling of intensities {text!r}",
            "Choose auto, dtype, percentile:0.1,99.9, or fixed:0,4095",
        )
    return text


def limits(image: Image, told: Header, take: Sequence[int], scaling: str) -> npt.NDArray[np.float64]:
    """Return the intensities that become 0 and 1, ``(k, 2)``, for the channels that are read.

    Percentiles are those of all pixels of the image, over time and depth: exact for integers of up to 16 bits, else of
    at most :data:`SAMPLED` pixels a channel on a regular grid.
    """
    kind, _, rest = scaling.partition(":")
    if kind == "dtype":
        low, high = 0.0, 1.0
        if image.dtype.kind in "ui":
            kept = np.iinfo(image.dtype)
            low, high = float(kept.min), float(kept.max)
            if image.dtype.kind == "u" and told.bits and told.bits < kept.bits:
                high = float(2**told.bits - 1)
        return np.tile([low, high], (len(take), 1))
    first, second = (float(value) for value in rest.split(","))
    if kind == "fixed":
        return np.tile([first, second], (len(take), 1))
    groups = [tuple(take)] if told.rgb and len(take) > 1 else [(channel,) for channel in take]
    found = np.empty((len(take), 2))
    at = 0
    for group in groups:
        found[at : at + len(group)] = _percentiles(image, group, first, second)
        at += len(group)
    return found


def _percentiles(image: Image, channels: Sequence[int], low: float, high: float) -> tuple[float, float]:
    """Return the smallest values that at least so many percent of the pixels do not exceed."""
    small = image.dtype.kind in "ui" and image.dtype.itemsize <= 2
    shift = int(np.iinfo(image.dtype).min) if small else 0
    counts = np.zeros(1 << (8 * image.dtype.itemsize) if small else 0, np.int64)
    step = max(1, image.nbytes // image.dtype.itemsize // image.size("C") // SAMPLED)
    kept = []
    for channel in channels:
        for rows in _rows(image, channel):
            pixels = rows.ravel()
            if small:
                counts += np.bincount(pixels.astype(np.int64) - shift, minlength=len(counts))
            else:
                kept.append(pixels[::step].astype(np.float64))
    if small:
        reached = np.cumsum(counts)
        wanted = np.ceil(np.array([low, high]) / 100 * reached[-1]).clip(1)
        return tuple((np.searchsorted(reached, wanted) + shift).astype(float).tolist())
    sampled = np.concatenate(kept)
    if not np.isfinite(sampled).all():
        raise ProfileError(image.path, "holds pixels that are no finite numbers", "Replace NaN and infinity")
    values = np.percentile(sampled, [low, high], method="inverted_cdf")
    return float(values[0]), float(values[1])


def _rows(image: Image, channel: int) -> Iterator[npt.NDArray[np.generic]]:
    """Yield the pixels of a channel, strip by strip."""
    for t in range(image.size("T")):
        for z in range(image.size("Z")):
            for first, last in strips(image.size("Y"), image.size("X") * 4):
                yield read(image, t, channel, z, slice(first, last), slice(None))


def read(image: Image, t: int, channel: int, z: int, rows: slice, columns: slice) -> npt.NDArray[np.generic]:
    """Return a part of one plane ``(Y, X)``."""
    where = {
        "T": slice(t, t + 1),
        "C": slice(channel, channel + 1),
        "Z": slice(z, z + 1),
        "Y": rows,
        "X": columns,
    }
    block = image.read([where[axis] for axis in image.axes])
    return block.reshape(block.shape[-2:])
