"""What an image is recognised by later, without reading it again: its edges, a thumbnail, and a few anchors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.checks import pixel_kernels as kernels
from micrographia.checks import pixel_kernels_places as places_of
from micrographia.checks.pixel_facts_tiles import Place
from micrographia.images import Image

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

SIDES = ("top", "bottom", "left", "right")
DEPTH = 4
"""Lines of pixels that are kept along each edge."""
CHANNELS = 3
"""Channels that prints are taken of, the first ones; red, green and blue count as one."""
STRIP = 1024
"""Longest strip; longer edges are averaged down by a whole factor."""
THUMBNAIL = 16
REDUCED_PIXELS = 1 << 20
"""Largest reduced plane; it is always halved at least once."""
SMALLEST = 16
"""Planes with a shorter side get no prints."""
BAND, BAND_SAMPLES = 48, 64
"""Lines of the reduced plane along each side, and parts that each is divided into, for finding overlaps."""
ANCHORS = 32
ANCHOR_RADIUS = 3
ANCHOR_STEP = 2


@dataclass(frozen=True, slots=True)
class Prints:
    """What one plane of an image (first time point, middle of the stack) is recognised by.

    Parameters
    ----------
    shape
        Rows and columns of the plane.
    factor
        By how much the plane was reduced before thumbnail and anchors were taken.
    edges
        Side (``top``, ``bottom``, ``left``, ``right``) to lines along it, (channel, line, pixel), the outermost line
        first; pixels run left to right and top to bottom. 8- and 16-bit values as they are, others as float32.
    thumbnail
        float32 (channel, 16, 16), the mean brightness of each part.
    bands
        Side to a coarse picture of the reduced plane beside it, int8 (channel, line, part), the outermost line first;
        each line without mean and scaled to one standard deviation of 32, empty where the plane is too small.
    places, descriptions
        Anchors: int32 (number, 2), y and x in pixels of the plane; float32 (number, samples).
    """

    shape: tuple[int, int]
    factor: int
    edges: dict[str, Array]
    thumbnail: Floats
    bands: dict[str, Array]
    places: Array
    descriptions: Floats

    @property
    def fingerprint(self) -> str:
        """64 bits as hexadecimal digits: the same for an image and its turned and mirrored copies.

        A bit says whether one of 8 x 8 parts is brighter than their median; of the eight ways to turn and mirror, the
        smallest number counts.
        """
        small = self.thumbnail.mean(axis=0, dtype=np.float64).reshape(8, 2, 8, 2).mean(axis=(1, 3))
        bits = np.round(small, 6) > np.round(np.median(small), 6)
        return min(np.packbits(turned).tobytes().hex() for turned in dihedral(bits))


def dihedral(plane: Array) -> list[Array]:
    """Return the eight ways to turn and mirror the last two axes, in the order of :data:`TURNS`."""
    turned = [np.rot90(plane, quarter, (-2, -1)) for quarter in range(4)]
    mirrored = [np.rot90(plane[..., ::-1], quarter, (-2, -1)) for quarter in range(4)]
    return [np.ascontiguousarray(view) for view in (*turned, *mirrored)]


TURNS = (
    "as it is",
    "turned by 90 degrees",
    "turned by 180 degrees",
    "turned by 270 degrees",
    "mirrored left to right",
    "mirrored and turned by 90 degrees",
    "mirrored top to bottom",
    "mirrored and turned by 270 degrees",
)


class PrintTaker:
    """Collects, tile by tile, what prints are made of; tiles may come in any order and from several threads.

    Parameters
    ----------
    image
        The image whose tiles will come.
    """

    def __init__(self, image: Image) -> None:
        self.shape = (image.size("Y"), image.size("X"))
        self.plane = image.size("Z") // 2
        self.rgb = image.rgb
        self.wanted = min(self.shape) >= SMALLEST
        self.count = min(CHANNELS, image.size("C"))
        height, width = self.shape
        self.factor = 2
        while height * width > REDUCED_PIXELS * self.factor**2 and self.factor < 256:
            self.factor *= 2
        if not self.wanted:
            return
        kind = image.dtype if image.dtype in (np.uint8, np.uint16) else np.dtype(np.float32)
        self.reduced = np.zeros((self.count, height // self.factor, width // self.factor), np.float32)
        self.edges = {
            side: np.zeros((self.count, DEPTH, width if side in ("top", "bottom") else height), kind)
            for side in SIDES
        }

    def takes(self, place: Place) -> bool:
        """Tell whether a tile is part of the plane that prints are taken of."""
        return self.wanted and place.t == 0 and place.z == self.plane and place.c < self.count

    def add(self, place: Place, tile: Array, halved: Array) -> None:
        """Take what a tile (2D) contributes; ``halved`` is the sum of its 2 x 2 blocks."""
        self._add_edges(place, tile)
        part, factor = halved, 2
        while factor < self.factor:
            sums = np.empty((part.shape[0] // 2, part.shape[1] // 2), np.float32)
            kernels.sum_pairs(part, sums)
            part, factor = sums, factor * 2
        y, x = place.y // self.factor, place.x // self.factor
        target = self.reduced[place.c, y : y + part.shape[0], x : x + part.shape[1]]
        np.multiply(part, np.float32(1 / factor**2), out=target, casting="same_kind")

    def _add_edges(self, place: Place, tile: Array) -> None:
        rows, columns = tile.shape
        across = slice(place.x, place.x + columns)
        down = slice(place.y, place.y + rows)
        height, width = self.shape
        for line in range(DEPTH):
            for side, at in (("top", line), ("bottom", height - 1 - line)):
                if place.y <= at < place.y + rows:
                    self.edges[side][place.c, line, across] = tile[at - place.y]
            for side, at in (("left", line), ("right", width - 1 - line)):
                if place.x <= at < place.x + columns:
                    self.edges[side][place.c, line, down] = tile[:, at - place.x]

    def finish(self) -> Prints | None:
        """Return the prints once all tiles have come; None if the plane is too small."""
        if not self.wanted:
            return None
        reduced, edges = self.reduced, self.edges
        if not np.isfinite(reduced).all():
            reduced = np.nan_to_num(reduced, nan=0.0, posinf=0.0, neginf=0.0)
        if self.rgb:
            reduced = reduced.mean(axis=0, keepdims=True)
            edges = {
                side: lines.sum(axis=0, keepdims=True, dtype=np.float32) for side, lines in edges.items()
            }
        places, descriptions = places_of.find_anchors(combined(reduced), ANCHORS, ANCHOR_RADIUS, ANCHOR_STEP)
        return Prints(
            self.shape,
            self.factor,
            {side: _shortened(lines) for side, lines in edges.items()},
            np.stack([places_of.area_mean(plane, THUMBNAIL) for plane in reduced]),
            {side: np.stack([_band(plane, side) for plane in reduced]) for side in SIDES},
            places * self.factor + (self.factor - 1) // 2,
            descriptions,
        )


def combined(planes: Floats) -> Floats:
    """Return one plane for several channels: the sum of all that vary, each scaled to standard deviation 1."""
    if len(planes) == 1:
        return planes[0]
    total = np.zeros(planes.shape[1:], np.float32)
    for plane in planes:
        spread = float(plane.std())
        if spread > 0.0:
            total += (plane - plane.mean()) / np.float32(spread)
    return total


def _band(plane: Floats, side: str) -> Array:
    view = plane if side in ("top", "bottom") else plane.T
    if side in ("bottom", "right"):
        view = view[::-1]
    if view.shape[1] < BAND_SAMPLES:
        return np.zeros((0, BAND_SAMPLES), np.int8)
    return places_of.coarse_lines(view[: min(BAND, len(view) // 2)], BAND_SAMPLES)


def _shortened(lines: Array) -> Array:
    factor = -(-lines.shape[-1] // STRIP)
    if factor == 1:
        return lines
    whole = lines.shape[-1] // factor
    parts = lines[..., : whole * factor].reshape(*lines.shape[:-1], whole, factor)
    return parts.mean(axis=-1, dtype=np.float32)
