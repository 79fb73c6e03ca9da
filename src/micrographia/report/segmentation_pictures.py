"""Pictures of a prediction beside the truth: what was found, missed, invented, merged and split, as thin contours."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images import Channel
from micrographia.images.channel_colors import display_colors
from micrographia.report.pictures import contours
from micrographia.report.segmentation_errors import (
    FALSE,
    HIT,
    IGNORED,
    MERGE,
    MISS,
    SPLIT,
    Errors,
    classes_of,
    find_errors,
)
from micrographia.segmentation.metrics.contingency import contingency
from micrographia.segmentation.metrics.errors import SegmentationError

Array = npt.NDArray[Any]
Pixels = npt.NDArray[np.uint8]
Window = tuple[slice, slice]

SIDE = 720
"""Longest side of a picture, in pixels."""

SHOWN = 300
"""Pixels of a page that a picture is about as wide as; a contour is one of them."""

SMALLEST_OBJECT = 9
"""Median diameter, in pixels of the picture, below which a part of the image is shown instead of all of it."""

COARSE = 2048
"""Longest side, in pixels, of the grid on which the part with most errors is looked for."""

FINE = 4
"""Pixels along a side that are averaged at most where an image is reduced; of larger blocks only so many are read."""

DASH = 3
"""Pixels of a dash, and of the gap after it."""

GAP = 4
"""Pixels between the plane and the sections of a volume."""

COLOURS = {
    "truth": (0xF0, 0xE4, 0x42),
    "predicted": (0x2F, 0xD9, 0xF2),
    "miss": (0xFF, 0x4D, 0xE1),
    "false": (0x2F, 0xD9, 0xF2),
    "merge": (0xFF, 0x9A, 0x1F),
    "split": (0x6B, 0xE8, 0x7A),
    "ignored": (0x9A, 0xA3, 0xAB),
}
"""Colour of each kind of contour."""


@dataclass(frozen=True, eq=False)
class ErrorPicture:
    """A picture and what it shows.

    Attributes
    ----------
    pixels
        RGB, uint8 of shape (Y, X, 3).
    errors
        What became of every object of the whole image.
    note
        Which part of the image is shown, and how.
    """

    pixels: Pixels
    errors: Errors
    note: str


def draw_errors(
    image: npt.ArrayLike, truth: npt.ArrayLike, predicted: npt.ArrayLike, **options: Any
) -> Pixels:
    """Return the picture of :func:`error_picture` alone: RGB, uint8 of shape (Y, X, 3)."""
    return error_picture(image, truth, predicted, **options).pixels


def error_picture(
    image: npt.ArrayLike,
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    threshold: float = 0.5,
    region: npt.ArrayLike | None = None,
    ignore: Iterable[int] = (),
    rgb: bool | None = None,
    stretch: float = 1.0,
    side: int = SIDE,
) -> ErrorPicture:
    """Draw what a prediction found and what it did not, over the image.

    Contours are one pixel of a page wide, with black around: yellow for true objects and cyan for predicted ones
    (dashes of both where they meet), magenta for true objects that were missed, dashed cyan with a cross for predicted
    objects that are false, dashed orange for a predicted object over several true ones, dashed green for pieces of one
    true object, grey for what is not judged. What lies outside the annotated region is darkened.

    A 2D image is shown whole, enlarged or reduced by a whole factor; where objects would become too small to see, the
    part with most errors is shown at full size. Of a volume the plane with most errors is shown, with a section
    along X below and one along Y to the right, through the middle of the errors.

    Parameters
    ----------
    image
        Shape ([C,] [Z,] Y, X); any number type, NaN is black.
    truth, predicted
        Labels of shape ([Z,] Y, X); 0 is background.
    threshold
        Smallest intersection over union of a hit.
    region
        Annotated region of the same shape; None if all is annotated.
    ignore
        Labels of true objects that are not judged.
    rgb
        Whether three channels are red, green and blue; None if they are of uint8.
    stretch
        Size of a voxel along Z over that along X, for the sections.
    side
        Longest side of the picture in pixels.

    Raises
    ------
    SegmentationError
        If the shapes do not fit, or labels are no labels.
    """
    marks, found = np.asarray(truth), np.asarray(predicted)
    table = contingency(marks, found, region=region, ignore=ignore)
    errors = find_errors(table, threshold)
    pixels = _channels(np.asarray(image), marks)
    inside = None if region is None else np.asarray(region)
    colour = rgb if rgb is not None else len(pixels) == 3 and pixels.dtype == np.uint8
    layers = _Layers(pixels, marks, found, inside, errors)
    if marks.ndim == 3:
        return _volume(layers, colour, min(max(stretch, 0.25), 10.0), side)
    window, step, note = _window(layers, table.truth_sizes, side)
    times = max(1, side // max(stop.stop - stop.start for stop in window)) if step == 1 else 1
    shown = layers.cut(window)
    ends = _ends(shown.pixels[:, ::step, ::step], colour)
    return ErrorPicture(_drawn(shown, ends, colour, step, times), errors, note)


@dataclass(frozen=True, eq=False)
class _Layers:
    """An image (C, [Z,] Y, X), its labels, its annotated region, and what each object of all of it is."""

    pixels: Array
    truth: Array
    predicted: Array
    region: Array | None
    errors: Errors

    def cut(self, at: tuple[Any, ...]) -> _Layers:
        return _Layers(
            self.pixels[(slice(None), *at)],
            self.truth[at],
            self.predicted[at],
            None if self.region is None else self.region[at],
            self.errors,
        )

    def kinds(self) -> tuple[Pixels, Pixels]:
        """Return what the true and the predicted object of each pixel is."""
        errors = self.errors
        return (
            classes_of(self.truth, errors.truth_ids, errors.truth),
            classes_of(self.predicted, errors.predicted_ids, errors.predicted),
        )


def _channels(image: Array, labels: Array) -> Array:
    """Return an image as (C, [Z,] Y, X)."""
    pixels = image[None] if image.ndim == labels.ndim else image
    if labels.ndim not in (2, 3) or pixels.shape[1:] != labels.shape:
        raise SegmentationError(
            "",
            f"the image has shape {image.shape}, the truth {labels.shape}",
            "Give an image of shape ([C,] [Z,] Y, X) and labels of shape ([Z,] Y, X)",
        )
    return pixels


def _ends(pixels: Array, rgb: bool) -> list[tuple[float, float]]:
    """Return what becomes black and full, a pair a channel."""
    if rgb:
        top = 255.0 if pixels.dtype == np.uint8 else max(float(np.nanmax(pixels, initial=0)), 1e-12)
        return [(0.0, top)] * len(pixels)
    ends = []
    for channel in pixels:
        finite = channel[np.isfinite(channel)]
        low, high = (float(end) for end in np.percentile(finite, (0.5, 99.8))) if finite.size else (0.0, 1.0)
        if high <= low and finite.size:
            low, high = float(finite.min()), float(finite.max())
        ends.append((low, high if high > low else low + 1.0))
    return ends


def _coloured(pixels: Array, ends: list[tuple[float, float]], rgb: bool) -> npt.NDArray[np.float32]:
    """Return (C, Y, X) as RGB from 0 to 255: colour as it is, one channel grey, several added in their colours."""
    scaled = [
        np.clip((np.nan_to_num(channel.astype(np.float32), nan=low) - low) / (high - low), 0, 1)
        for channel, (low, high) in zip(pixels, ends, strict=True)
    ]
    if rgb:
        return np.stack(scaled, -1) * np.float32(255)
    if len(scaled) == 1:
        # A root lifts dim objects out of the dark.
        return np.repeat(np.sqrt(scaled[0])[..., None], 3, -1) * np.float32(230)
    total = np.zeros((*pixels.shape[1:], 3), np.float32)
    for channel, colour in zip(scaled, display_colors((Channel(),) * len(scaled)), strict=True):
        total += channel[..., None] * np.array(tuple(bytes.fromhex(colour)), np.float32)
    return np.clip(total, 0, 255)


def _window(layers: _Layers, sizes: Array, side: int) -> tuple[Window, int, str]:
    height, width = layers.truth.shape
    whole = slice(0, height), slice(0, width)
    step = max(1, math.ceil(max(height, width) / side))
    if step == 1:
        return whole, 1, "whole image"
    if sizes.size and math.sqrt(float(np.median(sizes))) / step < SMALLEST_OBJECT:
        return _densest(layers, side), 1, f"the part with most errors of {width} x {height} pixels"
    return whole, step, f"reduced {step} times"


def _densest(layers: _Layers, side: int) -> Window:
    """Return the window of ``side`` pixels with most pixels of wrong objects, then of any; coarsely if large."""
    shape = layers.truth.shape
    coarse = max(1, max(shape) // COARSE)
    grid = layers.cut((slice(None, None, coarse), slice(None, None, coarse)))
    truth, found = grid.kinds()
    wrong = (truth == MISS) | np.isin(found, (FALSE, MERGE, SPLIT))
    marked = wrong.astype(np.int64) * wrong.size + (truth != 0)
    sums = np.pad(marked.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = (min(max(1, side // coarse), size) for size in marked.shape)
    held = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    equals = np.argwhere(held == held.max())
    best = equals[np.abs(equals - equals.mean(0)).sum(1).argmin()]
    starts = [min(int(place) * coarse, max(0, size - side)) for place, size in zip(best, shape, strict=True)]
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)


def _drawn(
    layers: _Layers, ends: list[tuple[float, float]], rgb: bool, step: int = 1, times: int = 1, rows: int = 0
) -> Pixels:
    """Draw a plane, reduced or enlarged by whole factors; ``rows`` sets how many rows it has in the end."""
    picture = _coloured(_averaged(layers.pixels, step) if step > 1 else layers.pixels, ends, rgb)
    take = [np.arange(0, size, step).repeat(times) for size in layers.truth.shape]
    if times > 1:
        picture = picture.repeat(times, 0).repeat(times, 1)
    if rows:
        chosen = ((np.arange(rows) + 0.5) * len(layers.truth) / rows).astype(int)
        picture = picture[chosen.clip(0, len(picture) - 1)]
        take[0] = chosen
    at = np.ix_(*take)
    if layers.region is not None:
        picture[layers.region[at] == 0] *= np.float32(0.45)
    drawn = layers.cut(at)
    return _contoured(picture, drawn.truth, drawn.predicted, *drawn.kinds())


def _contoured(picture: Array, truth: Array, found: Array, is_true: Pixels, is_found: Pixels) -> Pixels:
    thick = max(1, round(max(truth.shape) / SHOWN))
    y, x = np.indices(truth.shape)
    dash = (y + x) // (DASH * thick) % 2 == 0
    outline, predicted = contours(truth, thick), contours(found, thick)
    painted: list[tuple[Array, str]] = [
        (outline & (is_true == IGNORED), "ignored"),
        (predicted & (is_found == IGNORED), "ignored"),
        (outline & (is_true == HIT), "truth"),
        (predicted & (is_found == HIT) & (dash | ~outline), "predicted"),
        (predicted & (is_found == FALSE) & dash, "false"),
        (outline & (is_true == MISS), "miss"),
        (predicted & (is_found == SPLIT) & dash, "split"),
        (predicted & (is_found == MERGE) & dash, "merge"),
    ]
    crosses = _crosses(np.where(is_found == FALSE, found, 0), thick)
    painted.append((crosses, "false"))
    line = outline | predicted | crosses
    around = line.copy()
    for axis in (0, 1):
        for by in (1, -1):
            moved = np.roll(line, by, axis)
            moved[(slice(None),) * axis + (0 if by > 0 else -1,)] = False
            around |= moved
    result = picture.copy()
    result[around] = 0
    for where, name in painted:
        result[where] = COLOURS[name]
    return np.clip(result + 0.5, 0, 255).astype(np.uint8)


def _crosses(labels: Array, thick: int) -> Array:
    """Return a small cross in the middle of each object."""
    drawn = np.zeros(labels.shape, np.bool_)
    y, x = np.nonzero(labels)
    if not y.size:
        return drawn
    _, place, size = np.unique(labels[y, x], return_inverse=True, return_counts=True)
    middle = np.stack([np.bincount(place, y) / size, np.bincount(place, x) / size]).round().astype(int)
    arm = 2 * thick
    for by in range(-arm, arm + 1):
        for way, more in itertools.product((by, -by), range(thick)):
            rows, columns = middle[0] + by, middle[1] + way + more
            there = (rows >= 0) & (rows < labels.shape[0]) & (columns >= 0) & (columns < labels.shape[1])
            drawn[rows[there], columns[there]] = True
    return drawn


def _averaged(pixels: Array, step: int) -> Array:
    """Return (C, Y, X) reduced by a whole factor, as float32; the far edge is repeated."""
    height, width = (-(-size // step) for size in pixels.shape[1:])
    total = np.zeros((len(pixels), height, width), np.float32)
    offsets = range(0, step, max(1, step // FINE))
    for y, x in itertools.product(offsets, offsets):
        part = pixels[:, y::step, x::step]
        missing = height - part.shape[1], width - part.shape[2]
        if not part.size:
            part, missing = pixels[:, ::step, ::step], (0, 0)
        total += np.pad(part, ((0, 0), (0, missing[0]), (0, missing[1])), "edge").astype(np.float32)
    return total / np.float32(len(offsets) ** 2)


def _volume(layers: _Layers, rgb: bool, stretch: float, side: int) -> ErrorPicture:
    z, y, x = _fullest(layers.truth if layers.truth.any() else layers.predicted)
    depth, height, width = layers.truth.shape
    whole = slice(None)
    step = max(1, math.ceil((max(height, width) + depth * stretch) / side))
    times = max(1, int(side // (max(height, width) + depth * stretch))) if step == 1 else 1
    rows = max(1, round(depth * stretch * times / step))
    ends = _ends(np.concatenate([p.reshape(len(p), -1) for p in _three(layers.pixels, z, y, x)], 1), rgb)
    main = _drawn(layers.cut((z, whole, whole)), ends, rgb, step, times)
    below = _drawn(_thin(layers.cut((whole, y, whole)), step, times), ends, rgb, rows=rows)
    right = _drawn(_thin(layers.cut((whole, whole, x)), step, times), ends, rgb, rows=rows)
    canvas = np.zeros((main.shape[0] + GAP + rows, main.shape[1] + GAP + rows, 3), np.uint8)
    canvas[: main.shape[0], : main.shape[1]] = main
    canvas[main.shape[0] + GAP :, : main.shape[1]] = below
    canvas[: main.shape[0], main.shape[1] + GAP :] = right.swapaxes(0, 1)
    note = (
        f"plane {z + 1} of {depth}, with sections along X (below, row {y + 1}) and Y (right, column {x + 1})"
    )
    return ErrorPicture(canvas, layers.errors, note)


def _fullest(labels: Array) -> tuple[int, int, int]:
    """Return the plane, row and column with most pixels of objects; of equals, and without objects, the middle ones."""
    found = []
    for axis in range(3):
        counts = np.count_nonzero(labels, tuple(other for other in range(3) if other != axis))
        equals = np.flatnonzero(counts == counts.max())
        found.append(int(equals[np.abs(equals - equals.mean()).argmin()]))
    return found[0], found[1], found[2]


def _three(pixels: Array, z: int, y: int, x: int) -> tuple[Array, Array, Array]:
    return pixels[:, z], pixels[:, :, y], pixels[:, :, :, x]


def _thin(layers: _Layers, step: int, times: int) -> _Layers:
    """Bring the columns of a section to those of the plane; its rows stay."""
    columns = np.arange(0, layers.truth.shape[1], step).repeat(times)
    return layers.cut((slice(None), columns))
