"""The objects of a label image: one pass over its pixels gives the ``objects`` table and the facts about its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from micrographia.annotations.conforming import built
from micrographia.annotations.masks.accumulator import FrameAccumulator, FrameTable
from micrographia.annotations.masks.blocks import Labels, as_image, frames, read_block, tiles
from micrographia.annotations.masks.kernels import measure
from micrographia.errors import AnnotationError


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What the values of a label image are.

    Parameters
    ----------
    dtype
        Type of the pixels, such as ``uint16``.
    pixels
        Number of pixels seen.
    foreground
        Number of pixels that are not 0.
    labels
        Number of distinct values other than 0, over all time points.
    minimum, maximum
        Smallest and largest value, 0 included where it occurs.
    values
        The values other than 0 if there are at most 16, else empty.
    """

    dtype: str
    pixels: int
    foreground: int
    labels: int
    minimum: int
    maximum: int
    values: tuple[int, ...]

    @property
    def empty(self) -> bool:
        """Whether every pixel is background."""
        return self.foreground == 0

    @property
    def binary(self) -> bool:
        """Whether there is a single value beside 0: foreground, or one object."""
        return self.labels == 1

    @property
    def zero_255(self) -> bool:
        """Whether the values are 0 and 255: a picture of a mask rather than instances."""
        return self.values == (255,)

    @property
    def consecutive(self) -> bool:
        """Whether the labels are 1, 2, 3 ... without a gap."""
        return self.labels == self.maximum and self.minimum >= 0


class ObjectAccumulator:
    """The objects of a label image larger than memory, block by block.

    Blocks come in any order and tile the image. The result does not depend on the blocks, but for ``holes``, which is
    missing for an object that lies in several blocks.

    Parameters
    ----------
    shape
        Size of the whole image.
    axes
        One letter of TZYX an axis (C is allowed with size 1); by default the last letters of TZYX.
    connectivity
        In how many axes two neighbouring pixels may differ: 1 joins faces only, 2 (in 2D) or 3 (in 3D) corners too;
        by default the largest.
    path
        File that errors name.

    Examples
    --------
    >>> labels = np.zeros((4, 6), np.uint16)
    >>> labels[1:3, 1:5] = 7
    >>> objects = ObjectAccumulator(labels.shape)
    >>> objects.add(labels[:, :3], (0, 0))
    >>> objects.add(labels[:, 3:], (0, 3))
    >>> objects.table()[["label_id", "area", "components"]].values.tolist()
    [[7, 8, 1]]
    """

    def __init__(
        self,
        shape: Sequence[int],
        axes: str | None = None,
        *,
        connectivity: int | None = None,
        path: str | PathLike[str] = "",
    ) -> None:
        self.axes = axes or "TZYX"[-len(shape) :]
        self.shape = tuple(int(size) for size in shape)
        self.path = fspath(path)
        sizes = dict(zip(self.axes, self.shape, strict=True))
        if not self.axes.endswith("YX") or sizes.get("C", 1) != 1 or min(self.shape) < 1:
            raise AnnotationError(self.path, f"axes {self.axes} of {self.shape} are no label image")
        self._frame = (sizes.get("Z", 1), sizes["Y"], sizes["X"])
        self._flat = self._frame[0] == 1
        self._connectivity = connectivity or (2 if self._flat else 3)
        self._open: dict[int, FrameAccumulator] = {}
        self._done: dict[int, FrameTable] = {}
        self._holes: set[int] = set()
        self._dtype: np.dtype[Any] | None = None

    def add(self, block: npt.NDArray[Any], offset: Sequence[int] | None = None) -> None:
        """Add a block.

        Parameters
        ----------
        block
            Integers, axes as those of the image.
        offset
            Where it begins along each axis; by default at the origin.

        Raises
        ------
        AnnotationError
            If the block holds no integers, leaves the image, or was added before.
        """
        if block.dtype.kind not in "uib" or block.ndim != len(self.axes):
            raise AnnotationError(
                self.path,
                f"a block of type {block.dtype} and shape {block.shape} does not fit a label image {self.axes}",
                "Store the labels as integers",
            )
        self._dtype = block.dtype
        start = dict(zip(self.axes, offset or (0,) * block.ndim, strict=True))
        size = dict(zip(self.axes, block.shape, strict=True))
        # C, if there is one, is of size 1 and lies between T and Z: it vanishes in the reshape.
        stack = block.reshape(size.get("T", 1), size.get("Z", 1), size["Y"], size["X"])
        for index, frame in enumerate(stack):
            t = start.get("T", 0) + index
            if not 0 <= t < dict(zip(self.axes, self.shape, strict=True)).get("T", 1) or t in self._done:
                raise AnnotationError(
                    self.path, f"a block of time point {t} leaves the image or was added before"
                )
            summed = self._open.setdefault(t, FrameAccumulator(self._frame, self._connectivity, self.path))
            summed.add(frame, (start.get("Z", 0), start["Y"], start["X"]))
            if summed.pixels == frame_size(self._frame):
                self._done[t] = summed.table()
                del self._open[t]

    def measures(self) -> dict[str, npt.NDArray[Any]]:
        """Return the measures of what was added as arrays, by time point and label: the quick way.

        Keys are columns of the ``objects`` table; -1 says that a whole number is missing, NaN that another is.
        """
        parts = [self._columns(t, table) for t, table in self._frames()]
        if not parts:
            parts = [
                self._columns(
                    0, FrameTable(np.empty(0, np.int64), np.empty((0, measure.COLUMNS), np.int64), 0)
                )
            ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def table(self, *, image: str = "", set_name: str = "", layer: int = 1) -> pd.DataFrame:
        """Return the objects of what was added, as the ``objects`` table, by time point and label.

        Parameters
        ----------
        image, set_name, layer
            Go into the columns ``image``, ``set`` and ``layer``.
        """
        columns = self.measures()
        rows = len(columns["label_id"])
        for name, text in (("image", image), ("set", set_name)):
            if text:
                columns[name] = np.full(rows, text, object)
        if layer != 1:
            columns["layer"] = np.full(rows, layer)
        return built("objects", columns, rows)

    def facts(self) -> LabelFacts:
        """Return what the values of the pixels added so far are."""
        tables = [table for _, table in self._frames()]
        labels = (
            np.unique(np.concatenate([table.labels for table in tables])) if tables else np.empty(0, np.int64)
        )
        pixels = sum(table.pixels for table in tables)
        foreground = sum(int(table.stats[:, measure.AREA].sum()) for table in tables)
        every = [*labels[[0, -1]].tolist()] if len(labels) else []
        if foreground < pixels or not every:
            every.append(0)
        return LabelFacts(
            str(self._dtype or ""),
            pixels,
            foreground,
            len(labels),
            min(every),
            max(every),
            tuple(labels.tolist()) if len(labels) <= 16 else (),
        )

    def _frames(self) -> list[tuple[int, FrameTable]]:
        unfinished = {t: summed.table() for t, summed in self._open.items()}
        return sorted((self._done | unfinished).items())

    def _columns(self, t: int, table: FrameTable) -> dict[str, npt.NDArray[Any]]:
        stats = table.stats
        area = stats[:, measure.AREA]
        low = stats[:, measure.Z0 : measure.X0 + 1]
        high = stats[:, measure.Z1 : measure.X1 + 1]
        centre = stats[:, measure.SUM_Z : measure.SUM_X + 1] / area[:, None]
        walls = np.array(self._frame)
        edge = (low == 0) | (high == walls)
        none = np.full(len(area), -1)
        holes = stats[:, measure.COMPONENTS] - stats[:, measure.RUNS] + stats[:, measure.LINKS]
        counted = (stats[:, measure.SEAM] == 0) & self._flat
        columns = {
            "label_id": table.labels,
            "area": area,
            "z0": none if self._flat and "Z" not in self.axes else low[:, 0],
            "z1": none if self._flat and "Z" not in self.axes else high[:, 0],
            "y0": low[:, 1],
            "x0": low[:, 2],
            "y1": high[:, 1],
            "x1": high[:, 2],
            "z": np.full(len(area), np.nan) if "Z" not in self.axes else centre[:, 0],
            "y": centre[:, 1],
            "x": centre[:, 2],
            "touches_border": edge[:, 1:].any(axis=1) if self._flat else edge.any(axis=1),
            "components": stats[:, measure.COMPONENTS],
            "smallest_component": stats[:, measure.SMALLEST],
            "holes": np.where(counted, holes, -1),
        }
        if "T" in self.axes:
            columns["t"] = np.full(len(area), t)
        return columns


def frame_size(shape: tuple[int, int, int]) -> int:
    """Return the number of voxels of a shape."""
    return shape[0] * shape[1] * shape[2]


def accumulate(
    labels: Labels, *, axes: str | None = None, connectivity: int | None = None
) -> ObjectAccumulator:
    """Return the accumulator after one pass over a whole label image; see :func:`objects_table`."""
    image = as_image(labels, axes)
    plain = image.axes.replace("C", "")
    shape = [image.size(axis) for axis in plain]
    summed = ObjectAccumulator(
        shape, plain, connectivity=connectivity, path=image.path if image.file_format != "array" else ""
    )
    for t in frames(image):
        for z, y, x in tiles(image):
            block = read_block(image, t, z, y, x)
            at = {"T": t or 0, "Z": z.start, "Y": y.start, "X": x.start}
            sizes = dict(zip("TZYX", (1, *block.shape), strict=True))
            summed.add(block.reshape([sizes[axis] for axis in plain]), [at[axis] for axis in plain])
    return summed


def objects_table(
    labels: Labels,
    *,
    axes: str | None = None,
    connectivity: int | None = None,
    image: str = "",
    set_name: str = "",
    layer: int = 1,
) -> pd.DataFrame:
    """Return the objects of a label image with their measures, in one pass over its pixels.

    Parameters
    ----------
    labels
        Integers of any type, 0 is background: an array (Y, X), (Z, Y, X) or (T, Z, Y, X), or an image, which is
        read by blocks.
    axes
        Axes of an array if they are others, such as ``TYX``.
    connectivity
        In how many axes neighbouring pixels may differ; by default corners are connected.
    image, set_name, layer
        Go into the columns ``image``, ``set`` and ``layer``.

    Returns
    -------
    DataFrame
        An ``objects`` table, by time point and label. Classes are missing.

    Raises
    ------
    AnnotationError
        If the values are no integers.

    Examples
    --------
    >>> objects_table(np.eye(3, dtype=int))[["label_id", "area", "y", "x", "components"]].values.tolist()
    [[1, 3, 1.0, 1.0, 1]]
    """
    summed = accumulate(labels, axes=axes, connectivity=connectivity)
    return summed.table(image=image, set_name=set_name, layer=layer)


def label_facts(labels: Labels, *, axes: str | None = None) -> LabelFacts:
    """Return what the values of a label image are, in one pass over its pixels; see :func:`objects_table`."""
    return accumulate(labels, axes=axes).facts()
