"""Run a model on an image of any size: channels by role, the model's pixel size, tiles, planes and time points."""

from __future__ import annotations

import math
import tempfile
import time as clock
from collections.abc import MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import MicrographiaError
from micrographia.images import Image
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.memory import PeakMemory
from micrographia.segmentation.models.protocol import Context, MapModel, Segmenter, checked_labels
from micrographia.segmentation.models.reading import Plane, View, view
from micrographia.segmentation.models.tiles import Stitcher, plan, row_blocks

Labels = npt.NDArray[np.int32]
Sizes = int | Sequence[int] | None

AT_ONCE = 1 << 24
"""Pixels whose labels are found at once; larger images are cut into tiles."""

TILES = {2: (2048, 2048), 3: (64, 512, 512)}
"""Tiles of images that are larger, without a wish of the model."""

OVERLAPS = {2: (96, 96), 3: (16, 48, 48)}
"""Their overlap on each side."""

NETWORK_TILES = {2: (1024, 1024), 3: (48, 192, 192)}
"""What a network is shown at once, without a wish of the model."""


@dataclass(frozen=True)
class Segmentation:
    """Labels of one image, and what they took.

    Parameters
    ----------
    labels
        int32; axes ``axes``. 0 is background; ids are unique over all planes and time points, 1 to n.
    axes
        ``YX`` or ``ZYX``, with ``T`` before it for all time points of a time-lapse.
    seconds
        Wall-clock time, reading included.
    peak_bytes
        Largest resident memory above that at the start.
    notes
        What a person should know, a clause each.
    tiles
        How many were put together; 1 if all was seen at once.
    """

    labels: Labels
    axes: str
    seconds: float
    peak_bytes: int
    notes: tuple[str, ...] = ()
    tiles: int = 1


def segment(
    model: Segmenter,
    image: Image,
    *,
    roles: Sequence[str | None] | None = None,
    pixel_size: float | None = None,
    tile: Sizes = None,
    overlap: Sizes = None,
    timepoint: int | None = None,
    at_once: int = AT_ONCE,
    out: Path | None = None,
    kept_maps: MutableMapping[Any, Any] | None = None,
) -> Segmentation:
    """Return the labels that a model gives to an image.

    The model sees its channels in its order (:func:`~micrographia.loading.roles.match_roles`), rescaled along Y and X
    to its pixel size where both sizes are known; labels come back to the image's pixels by the nearest. A model for 2D
    is shown a stack plane by plane. What a model computes from all pixels of an image (normalisation, a global
    threshold) is computed once, so that it does not depend on the tiles.

    Parameters
    ----------
    model
        The model.
    image
        The image; read block by block.
    roles
        Role of each channel of the image; None takes what its header tells.
    pixel_size
        Micrometres of a pixel along Y and X; None takes what its header tells.
    tile
        Pixels along each axis that are labelled together, one number for all axes or one each; None takes the whole
        image up to ``at_once`` pixels, and else what the model wants.
    overlap
        Pixels that a tile sees beyond those that it labels, on each side.
    timepoint
        Which time point; None takes all.
    at_once
        Without ``tile``: images of at most so many pixels are labelled at once.
    out
        Where labels go: a new NumPy file (``.npy``) that is written block by block and returned memory-mapped; None
        for memory.
    kept_maps
        Where a model's maps are kept, and taken from when the same image is labelled again with other settings; only
        of images that are labelled at once.

    Raises
    ------
    SegmentationError
        If the model fails, gives no labels, or cannot work on such an image; if pixels are no finite numbers.
    LoadingError
        If the image lacks a channel that the model wants.
    ImageError
        If the image cannot be read.
    """
    times = range(image.size("T")) if timepoint is None else range(timepoint, timepoint + 1)
    if timepoint is not None and not 0 <= timepoint < image.size("T"):
        raise SegmentationError(
            image.path, f"has no time point {timepoint}", f"Give 0 to {image.size('T') - 1}"
        )
    start = clock.perf_counter()
    with PeakMemory() as memory, ExitStack() as stack:
        run = _Run(model, image, tile, overlap, at_once, out, stack, kept_maps)
        shown = view(image, model.info, roles=roles, pixel_size=pixel_size)
        run.check(shown)
        axes = "ZYX"[-len(shown.shape) :]
        target = run.target((*((len(times),) if len(times) > 1 else ()), *shown.original))
        for number, moment in enumerate(times):
            run.label(replace(shown, time=moment), target[number] if len(times) > 1 else target)
        labels = run.finished(target)
    notes = tuple(dict.fromkeys(run.notes))
    seconds = clock.perf_counter() - start
    return Segmentation(
        labels, "T" + axes if len(times) > 1 else axes, seconds, memory.peak_bytes, notes, run.tiles
    )


@dataclass
class _Run:
    """One call of :func:`segment`."""

    model: Segmenter
    image: Image
    tile: Sizes
    overlap: Sizes
    at_once: int
    out: Path | None
    stack: ExitStack
    kept_maps: MutableMapping[Any, Any] | None
    notes: list[str] = field(default_factory=list)
    count: int = 0
    tiles: int = 1
    _folder: Path | None = None

    def check(self, shown: View) -> None:
        """Refuse an image on which the model cannot work; note what is unusual."""
        info = self.model.info
        if info.axes == "ZYX" and len(shown.shape) == 2:
            raise SegmentationError(
                self.image.path, f"is one plane, and {info.name} takes stacks", "Choose a model for 2D"
            )
        if shown.shape != shown.original:
            self.notes.append(
                f"rescaled from {shown.original[-2:]} to {shown.shape[-2:]} pixels for the model's pixel size"
            )
        elif info.pixel_size is not None and shown.pixel_size is None:
            self.notes.append("the pixel size of the image is unknown: it was not rescaled for the model")

    def label(self, shown: View, target: Labels) -> None:
        """Write labels of one time point to ``target``, ``([Z,] Y, X)``."""
        if self.model.info.axes == "YX" and len(shown.shape) == 3:
            self.notes.append("the model is for 2D: each plane was labelled on its own")
            for z in range(shown.shape[0]):
                self._field(Plane(shown, z), target[z])
        else:
            self._field(shown, target)

    def _field(self, shown: View | Plane, target: Labels) -> None:
        shape = shown.shape
        tile, overlap = self._sizes(shape)
        tiles = plan(shape, tile, overlap)
        self.tiles = max(self.tiles, len(tiles))
        if len(tiles) == 1:
            labels = self._window(shown, tiles[0].window)
            ids = np.unique(labels)
            ids = ids[ids > 0]
            numbers = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
            numbers[ids] = np.arange(self.count + 1, self.count + len(ids) + 1)
        else:
            labels = target if shape == target.shape else self._array(shape)
            stitcher = Stitcher(labels, tiles, overlap)
            for one in tiles:
                stitcher.add(one, self._window(shown, one.window))
            numbers = stitcher.finish(self.count)
        self.count = max(self.count, int(numbers.max(initial=0)))
        _numbered(labels, numbers, target)

    def _window(self, shown: View | Plane, window: tuple[slice, ...]) -> Labels:
        name = self.model.info.name
        shape = tuple(part.stop - part.start for part in window)
        try:
            if isinstance(self.model, MapModel):
                labels = self.model.instances(*self._mapped(shown, window))
            elif hasattr(self.model, "predict_tile"):
                labels = self.model.predict_tile(shown.read(window), shown.context)
            else:
                labels = self.model.predict(shown.read(window), pixel_size=shown.context.pixel_size)
        except MicrographiaError:
            raise
        # A model is code of other people: it may raise anything, and the image and the model must be named.
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise SegmentationError(
                self.image.path,
                f"{name} fails on pixels of shape {shape}: {type(error).__name__}: {reason}",
                "See that the model takes such images",
            ) from error
        return checked_labels(labels, shape, name)

    def _mapped(
        self, shown: View | Plane, window: tuple[slice, ...]
    ) -> tuple[npt.NDArray[np.float32], Context]:
        if self.kept_maps is None or shown.shape != tuple(part.stop for part in window):
            return self._maps(shown.read(window), shown.context), shown.context
        if shown.key not in self.kept_maps:
            self.kept_maps[shown.key] = self._maps(shown.read(window), shown.context), shown.context
        held: tuple[npt.NDArray[np.float32], Context] = self.kept_maps[shown.key]
        return held

    def _maps(self, pixels: npt.NDArray[np.float32], context: Context) -> npt.NDArray[np.float32]:
        model: Any = self.model
        shape = pixels.shape[1:]
        tile = _each(getattr(model, "tile", None), len(shape)) or NETWORK_TILES[len(shape)]
        overlap = _wished(model, tile) or tuple(max(1, min(32, side // 4)) for side in tile)
        tiles = plan(shape, tile, overlap)
        found: npt.NDArray[np.float32] | None = None
        for one in tiles:
            maps = _checked_maps(model.maps(pixels[(slice(None), *one.window)], context), one.window, model)
            if len(tiles) == 1:
                return maps
            if found is None:
                found = np.empty((len(maps), *shape), np.float32)
            found[(slice(None), *one.core)] = maps[(slice(None), *one.inside)]
        assert found is not None  # noqa: S101  there is at least one tile
        return found

    def _sizes(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        wanted = None if isinstance(self.model, MapModel) else getattr(self.model, "tile", None)
        tile = _each(self.tile, len(shape))
        if tile is None and math.prod(shape) <= self.at_once:
            tile = shape
        tile = tile or _each(wanted, len(shape)) or TILES[len(shape)]
        overlap = _each(self.overlap, len(shape)) or _wished(self.model, tile)
        overlap = overlap or tuple(
            min(most, max(1, side // 4)) for most, side in zip(OVERLAPS[len(shape)], tile, strict=True)
        )
        return tile, overlap

    def target(self, shape: tuple[int, ...]) -> Labels:
        """Return where all labels go."""
        if self.out is not None and self.out.exists():
            raise SegmentationError(self.out, "exists already", "Give another name, or remove it")
        return self._array(shape, "labels.npy")

    def _array(self, shape: tuple[int, ...], name: str = "") -> Labels:
        if self.out is None:
            return np.zeros(shape, np.int32)
        if self._folder is None:
            # Beside the target, so that the finished file can be moved there in one step.
            held = tempfile.TemporaryDirectory(dir=self.out.parent, prefix=f".{self.out.name}.")
            self._folder = Path(self.stack.enter_context(held))
        path = self._folder / (name or "tiles.npy")
        return np.lib.format.open_memmap(path, "w+", np.int32, shape)

    def finished(self, target: Labels) -> Labels:
        """Return the labels, moved to ``out`` where that is asked for."""
        if self.out is None or self._folder is None:
            return target
        if isinstance(target, np.memmap):
            target.flush()
        (self._folder / "labels.npy").replace(self.out)
        return np.lib.format.open_memmap(self.out, "r")


def _numbered(labels: Labels, numbers: Labels, target: Labels) -> None:
    """Write ``numbers[labels]`` to ``target``, which may be ``labels`` itself, or of another size: by the nearest."""
    if labels.shape == target.shape:
        for rows in row_blocks(target.shape):
            target[rows] = numbers[labels[rows]]
        return
    down, across = (
        np.minimum((np.arange(size) + 0.5) * held / size, held - 1).astype(np.int64)
        for size, held in zip(target.shape[-2:], labels.shape[-2:], strict=True)
    )
    flat, out = labels.reshape(-1, *labels.shape[-2:]), target.reshape(-1, *target.shape[-2:])
    for plane, into in zip(flat, out, strict=True):
        for rows in row_blocks(into.shape):
            into[rows] = numbers[plane[down[rows]][:, across]]


def _checked_maps(maps: Any, window: tuple[slice, ...], model: Segmenter) -> npt.NDArray[np.float32]:
    held = np.asarray(maps, np.float32)
    shape = tuple(part.stop - part.start for part in window)
    if held.ndim != len(shape) + 1 or held.shape[1:] != shape:
        raise SegmentationError(
            model.info.name,
            f"gives maps of shape {held.shape} for an image of {shape}",
            "It must keep the size",
        )
    if not np.isfinite(held).all():
        raise SegmentationError(
            model.info.name, "gives maps with values that are no finite numbers", "Look at how it was trained"
        )
    return held


def _wished(model: Any, tile: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the overlap that a model asks for; a quarter of the tile where that would leave nothing of it."""
    asked = _each(getattr(model, "overlap", None), len(tile))
    if asked is None:
        return None
    return tuple(
        beyond if 2 * beyond < side else max(1, side // 4) for beyond, side in zip(asked, tile, strict=True)
    )


def _each(sizes: Sizes, ndim: int) -> tuple[int, ...] | None:
    """Return a size for each axis; one number is for all."""
    if sizes is None:
        return None
    if isinstance(sizes, int | np.integer):
        return (int(sizes),) * ndim
    given = tuple(int(size) for size in sizes)
    if len(given) < ndim:
        raise SegmentationError("", f"sizes {given} of a tile are not {ndim}", "Give one an axis")
    return given[-ndim:]
