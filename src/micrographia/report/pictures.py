"""Pictures of images for people: stretched, coloured, cut to what can be seen; contours are a layer of their own."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images import Channel, Image
from micrographia.images.channel_colors import display_colors

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.integer]

SIDE = 512
"""Longest side of a picture, in pixels."""

SMALLEST_OBJECT = 7
"""Median diameter, in pixels of the picture, below which a picture is a crop instead of the whole image."""

SHOWN = 300
"""Pixels of a page that a picture is about as wide as; a contour is one of them."""
SMALL = 384
"""Pictures of at most half of this are enlarged by a whole factor."""

LOW, LOW_OF_MANY, HIGH = 0.5, 10, 99.8
"""Percentiles of the intensities that become black (of a lone channel, and of each of several) and full."""

TRUTH = (0xF0, 0xE4, 0x42)
SET_COLOURS = (
    TRUTH,
    (0x56, 0xB4, 0xE9),
    (0xE6, 0x9F, 0x00),
    (0xCC, 0x79, 0xA7),
    (0x00, 0x9E, 0x73),
    (0xD5, 0x5E, 0x00),
)
"""Contour colours by annotation set: yellow for the first, then others of the Okabe-Ito set."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its contours, both PNG as data URIs of the same size, and what they show.

    ``contours`` is transparent where there is no contour, and empty if there is no mask.
    """

    picture: str
    contours: str
    width: int
    height: int
    note: str


def picture(
    image: Image,
    masks: Sequence[Image] = (),
    *,
    colours: Sequence[int] = (),
    side: int = SIDE,
    thick: int = 1,
) -> Picture:
    """Return a picture of an image with the contours of its masks.

    2D images are shown whole, reduced by a whole factor; where objects would become too small to see, the part with
    most objects is shown at full size instead. 3D images show the plane with most objects and the two orthogonal
    sections through its middle, stretched to true proportion. Of a time series the middle is shown.

    Parameters
    ----------
    image
        Any image.
    masks
        Label images; those of another size are not drawn, and the note says so.
    colours
        Number of the colour of each; a colour each in their order by default.
    side
        Longest side in pixels.
    thick
        Width of a contour in pixels.
    """
    numbers = list(colours) or list(range(len(masks)))
    pairs = [
        (mask, number)
        for mask, number in zip(masks, numbers, strict=True)
        if all(mask.size(axis) == image.size(axis) for axis in "ZYX")
    ]
    fitting, numbers = [mask for mask, _ in pairs], [number for _, number in pairs]
    left = len(masks) - len(fitting)
    told = f"; {left} of {len(masks)} masks of another size not drawn" if left else ""
    if image.size("Z") > 1:
        return _sections(image, fitting, side, thick, numbers, told)
    window, step, note = _window(image, fitting, side)
    pixels = _reduced(_plane(image, window), step)
    labels = [_labels(mask, window)[::step, ::step] for mask in fitting]
    if note == "whole image":
        thick = max(thick, math.ceil(max(pixels.shape[1:]) / SHOWN - 0.25))
    return _finish(coloured(image, pixels), labels, note + told, thick, numbers)


def coloured(image: Image, pixels: npt.NDArray[np.float32]) -> Pixels:
    """Return channels as one RGB picture: colour images as they are, others stretched and added in their colours.

    Parameters
    ----------
    image
        For its channels and type.
    pixels
        Shape (C, Y, X).
    """
    if image.rgb:
        full = 255.0 if image.dtype == np.uint8 else float(np.nanmax(pixels, initial=1))
        return np.clip(np.moveaxis(pixels, 0, -1) / full * 255, 0, 255).astype(np.uint8)
    total = np.zeros((*pixels.shape[1:], 3), np.float32)
    channels = image.channels if len(image.channels) == len(pixels) else (Channel(),) * len(pixels)
    for channel, color in zip(pixels, display_colors(channels), strict=True):
        total += _stretched(channel, alone=len(channels) == 1)[..., None] * np.array(
            tuple(bytes.fromhex(color)), np.float32
        )
    return np.clip(total, 0, 255).astype(np.uint8)


def contours(labels: Labels, thick: int = 1) -> npt.NDArray[np.bool_]:
    """Return the pixels of objects that touch another object or background; ``thick`` of them inwards."""
    edge = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        for distance in range(1, thick + 1):
            ahead = [slice(None)] * 2
            behind = [slice(None)] * 2
            ahead[axis], behind[axis] = slice(distance, None), slice(None, -distance)
            differ = labels[tuple(ahead)] != labels[tuple(behind)]
            edge[tuple(ahead)] |= differ
            edge[tuple(behind)] |= differ
    return edge & (labels != 0)


def png_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """Return a picture of shape (Y, X), (Y, X, 3) or (Y, X, 4) as a PNG data URI."""
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _finish(
    pixels: Pixels, labels: Sequence[Labels], note: str, thick: int, colours: Sequence[int]
) -> Picture:
    # Small images are enlarged here, so that a contour stays one pixel wide on the screen.
    times = max(1, SMALL // max(pixels.shape[:2]))
    pixels = pixels.repeat(times, 0).repeat(times, 1)
    labels = [marks.repeat(times, 0).repeat(times, 1) for marks in labels]
    layer = np.zeros((*pixels.shape[:2], 4), np.uint8)
    for index, marks in zip(colours, labels, strict=True):
        edge = contours(marks, thick)
        layer[edge] = (*SET_COLOURS[index % len(SET_COLOURS)], 255)
    height, width = pixels.shape[:2]
    return Picture(png_uri(pixels), png_uri(layer) if layer.any() else "", width, height, note)


def _stretched(channel: npt.NDArray[np.float32], *, alone: bool) -> npt.NDArray[np.float32]:
    finite = channel[np.isfinite(channel)]
    if not finite.size:
        return np.zeros_like(channel)
    low, high = np.percentile(finite, (LOW if alone else LOW_OF_MANY, HIGH))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    scaled = (np.nan_to_num(channel, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    # A root lifts dim cells out of the dark, as people set it in a viewer; colours that add up need less of it.
    return np.clip(scaled, 0, 1).astype(np.float32) ** np.float32(0.5 if alone else 0.85)


def _region(image: Image, window: tuple[slice, slice], plane: slice | None = None) -> list[slice]:
    at = {
        "T": slice(image.size("T") // 2, image.size("T") // 2 + 1),
        "C": slice(None),
        "Y": window[0],
        "X": window[1],
    }
    at["Z"] = plane if plane is not None else slice(image.size("Z") // 2, image.size("Z") // 2 + 1)
    return [at[axis] for axis in image.axes]


def _plane(image: Image, window: tuple[slice, slice], plane: slice | None = None) -> npt.NDArray[np.float32]:
    """Return (C, Y, X), or (C, Z, Y, X) if ``plane`` is longer than one."""
    pixels = image.read(_region(image, window, plane)).astype(np.float32)
    height, width = pixels.shape[-2:]
    depth = 1 if plane is None else plane.stop - plane.start
    if "C" in image.axes and "Z" in image.axes and image.axes.index("C") > image.axes.index("Z"):
        raise ValueError(f"axes {image.axes} are not canonical")
    shaped = pixels.reshape(image.size("C"), depth, height, width)
    return shaped[:, 0] if depth == 1 else shaped


def _labels(mask: Image, window: tuple[slice, slice], plane: slice | None = None) -> Labels:
    marks = mask.read(_region(mask, window, plane))
    depth = 1 if plane is None else plane.stop - plane.start
    shaped = marks.reshape(-1, depth, *marks.shape[-2:])[0]
    flat = shaped[0] if depth == 1 else shaped
    return flat.astype(np.int64)


def _reduced(pixels: npt.NDArray[np.float32], step: int) -> npt.NDArray[np.float32]:
    """Average blocks of ``step`` x ``step``; what is left over at the far edges is cut as the labels are."""
    if step == 1:
        return pixels
    height, width = (-(-size // step) for size in pixels.shape[-2:])
    padded = np.pad(
        pixels, ((0, 0), (0, height * step - pixels.shape[-2]), (0, width * step - pixels.shape[-1])), "edge"
    )
    return padded.reshape(len(pixels), height, step, width, step).mean((2, 4), dtype=np.float32)


def _window(image: Image, masks: Sequence[Image], side: int) -> tuple[tuple[slice, slice], int, str]:
    height, width = image.size("Y"), image.size("X")
    whole = (slice(0, height), slice(0, width))
    step = max(1, math.ceil(max(height, width) / side))
    if step == 1:
        return whole, 1, "whole image"
    if masks:
        coarse = max(1, max(height, width) // 2048)
        marks = _labels(masks[0], whole)[::coarse, ::coarse]
        ids, areas = np.unique(marks[marks > 0], return_counts=True)
        if len(ids) and math.sqrt(float(np.median(areas))) * coarse / step < SMALLEST_OBJECT:
            return _densest(marks > 0, coarse, (height, width), side), 1, f"crop of {width} x {height} pixels"
    return whole, step, f"reduced {step} times"


def _densest(
    marked: npt.NDArray[np.bool_], coarse: int, shape: tuple[int, int], side: int
) -> tuple[slice, slice]:
    """Return the window of ``side`` pixels in which most is marked; the middle one of equals."""
    size = max(1, side // coarse)
    sums = np.pad(marked.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows, columns = max(1, sums.shape[0] - size), max(1, sums.shape[1] - size)
    high, wide = min(size, sums.shape[0] - 1), min(size, sums.shape[1] - 1)
    held = sums[high:, wide:] - sums[:rows, wide:] - sums[high:, :columns] + sums[:rows, :columns]
    equals = np.argwhere(held == held.max())
    y, x = equals[np.abs(equals - equals.mean(0)).sum(1).argmin()]
    top, left = min(int(y) * coarse, max(0, shape[0] - side)), min(int(x) * coarse, max(0, shape[1] - side))
    return slice(top, min(top + side, shape[0])), slice(left, min(left + side, shape[1]))


def _sections(
    image: Image, masks: Sequence[Image], side: int, thick: int, colours: Sequence[int], told: str
) -> Picture:
    """Return the plane with most objects above its section along X and beside that along Y."""
    depth, height, width = image.size("Z"), image.size("Y"), image.size("X")
    stretch = (
        image.scale.get("z", 1.0) / image.scale.get("x", 1.0) if {"z", "x"} <= image.scale.keys() else 1.0
    )
    stretch = min(max(stretch, 0.25), 10.0)
    step = max(1, math.ceil((max(height, width) + depth * stretch) / side))
    window = (slice(0, height), slice(0, width))
    best = _fullest_plane(masks[0]) if masks else depth // 2
    grey = [_reduced(_plane(image, window, slice(best, best + 1)), step)]
    marks = [[_labels(mask, window, slice(best, best + 1))[::step, ::step]] for mask in masks]
    column = slice(width // 2, width // 2 + 1)
    row = slice(height // 2, height // 2 + 1)
    deep = slice(0, depth)
    rows = max(1, round(depth * stretch / step))
    take = np.minimum((np.arange(rows) + 0.5) * depth / rows, depth - 1).astype(int)
    across = _plane(image, (row, window[1]), deep)[:, :, 0, ::step][:, take]
    along = np.swapaxes(_plane(image, (window[0], column), deep)[:, :, ::step, 0][:, take], 1, 2)
    grey += [across, along]
    for index, mask in enumerate(masks):
        marks[index].append(_labels(mask, (row, window[1]), deep)[:, 0, ::step][take])
        marks[index].append(_labels(mask, (window[0], column), deep)[:, ::step, 0][take].T)
    pixels = _mosaic([coloured_like(image, part, grey) for part in grey], gap=3)
    labels = [_mosaic(parts, gap=3) for parts in marks]
    note = f"plane {best + 1} of {depth}, with sections along X (below) and Y (right)"
    return _finish(pixels, labels, note + told, thick, colours)


def coloured_like(
    image: Image, part: npt.NDArray[np.float32], parts: list[npt.NDArray[np.float32]]
) -> Pixels:
    """Colour one of several parts of an image so that all have the same stretch."""
    flat = np.concatenate([other.reshape(other.shape[0], -1) for other in parts], axis=1)[:, None]
    both = np.concatenate([part.reshape(part.shape[0], 1, -1), flat], axis=2)
    return coloured(image, both)[0, : part[0].size].reshape(*part.shape[1:], 3)


def _fullest_plane(mask: Image) -> int:
    if "Z" not in mask.axes:
        return 0
    window = (slice(0, mask.size("Y")), slice(0, mask.size("X")))
    counts = [
        int(np.count_nonzero(_labels(mask, window, slice(plane, plane + 1))))
        for plane in range(mask.size("Z"))
    ]
    return int(np.argmax(counts))


def _mosaic(parts: Sequence[npt.NDArray[Any]], gap: int) -> npt.NDArray[Any]:
    """Place a plane, its section below and its section to the right, ``gap`` pixels of zero between."""
    main, below, right = parts
    shape = (main.shape[0] + gap + below.shape[0], main.shape[1] + gap + right.shape[1], *main.shape[2:])
    result = np.zeros(shape, main.dtype)
    result[: main.shape[0], : main.shape[1]] = main
    result[main.shape[0] + gap :, : below.shape[1]] = below
    result[: right.shape[0], main.shape[1] + gap :] = right
    return result
