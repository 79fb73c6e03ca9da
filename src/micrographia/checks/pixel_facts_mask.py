"""What the pixels of one label image are, and how they sit on the image below."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.accumulator import FrameAccumulator, FrameTable
from micrographia.annotations.masks.kernels import measure
from micrographia.checks import pixel_kernels as kernels
from micrographia.checks.pixel_facts_fit import Fit, LabelPlane
from micrographia.checks.pixel_facts_image import Scan, merge_scans
from micrographia.checks.pixel_facts_levels import foreign_labels
from micrographia.checks.pixel_facts_prints import PrintTaker
from micrographia.checks.pixel_facts_tiles import units
from micrographia.images import Image, Region
from micrographia.work import stream

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

FEW_VALUES = 16
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """The objects of a label image, one entry each, by time point and label; all arrays are int64.

    Parameters
    ----------
    labels, areas
        Label, and number of pixels.
    components, smallest
        Number of pieces that do not touch (corners connect), and the number of pixels of the smallest.
    borders
        1 where the object touches the border of the image; in a stack also the first or last plane.
    """

    labels: Ints = field(default_factory=lambda: _NONE)
    areas: Ints = field(default_factory=lambda: _NONE)
    components: Ints = field(default_factory=lambda: _NONE)
    smallest: Ints = field(default_factory=lambda: _NONE)
    borders: Ints = field(default_factory=lambda: _NONE)

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class MaskFacts:
    """What the pixels of one label image are.

    Parameters
    ----------
    image, name, set, layer
        Id of its image, name of the mask, annotation set and layer.
    paths
        The files it was made from, as ``files.tsv`` lists them.
    axes, shape, dtype
        As it was read.
    pixels, foreground
        Number of pixels, and of those that are neither 0 nor NaN.
    minimum, maximum
        Smallest and largest finite value.
    fractional, negative, nans
        Pixels with a fraction, below 0, or that are NaN or infinite.
    values
        The distinct values other than 0, if there are at most 16; else empty.
    objects
        Its objects; empty if it holds no usable labels.
    digest
        Checksum over where the objects are: equal for equal masks, whatever their type. Empty without objects.
    overlap
        Pixels that lie in more than one object, where objects were files.
    fit
        How it sits on its image; None where that cannot be told.
    grey
        For a mask with several channels: whether they are all equal.
    foreign
        Labels that occur in a smaller level of its pyramid but not in level 0; at most 16.
    """

    image: str
    name: str
    set: str
    layer: int
    paths: tuple[str, ...]
    axes: str
    shape: tuple[int, ...]
    dtype: str
    pixels: int
    foreground: int
    minimum: float
    maximum: float
    fractional: int = 0
    negative: int = 0
    nans: int = 0
    values: tuple[int, ...] = ()
    objects: ObjectFacts = field(default_factory=ObjectFacts)
    digest: str = ""
    overlap: int = 0
    fit: Fit | None = None
    grey: bool = True
    foreign: tuple[int, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether every pixel is background."""
        return self.foreground == 0

    @property
    def distinct(self) -> Ints:
        """The distinct labels."""
        return np.unique(self.objects.labels)

    def size(self, axis: str) -> int:
        """Return the size along an axis; 1 if there is no such axis."""
        at = self.axes.find(axis)
        return self.shape[at] if at >= 0 else 1

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values; of the objects their number and the quartiles of their areas."""
        areas = self.objects.areas
        return {
            "image": self.image,
            "set": self.set,
            "layer": self.layer,
            "paths": list(self.paths),
            "shape": list(self.shape),
            "dtype": self.dtype,
            "foreground": self.foreground,
            "objects": len(self.objects),
            "area_quartiles": np.percentile(areas, [25, 50, 75]).tolist() if len(areas) else [],
            "values": list(self.values),
            "digest": self.digest,
        }


@dataclass(frozen=True, slots=True)
class MaskName:
    """What a label image is called: see :class:`MaskFacts`."""

    image: str
    name: str
    set: str
    layer: int
    paths: tuple[str, ...]
    overlap: int = 0


def measure_mask(
    mask: Image, called: MaskName, taker: PrintTaker | None, *, threads: int = 1, levels: bool = True
) -> MaskFacts:
    """Measure a label image, reading each pixel once.

    Parameters
    ----------
    mask
        The label image, of any number type: what is wrong with it is a fact, not an error.
    called
        Its name.
    taker
        That of its image, with the reduced plane; None if there is none to compare with.
    threads
        Threads that read side by side; the facts do not depend on it.
    levels
        Compare the levels of its pyramid.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    frames: dict[tuple[int, int], FrameAccumulator] = {}
    scans: list[Array] = []
    spatial = (mask.size("Z"), mask.size("Y"), mask.size("X"))
    plane = LabelPlane(mask, taker)
    for region, block in _read(mask, threads):
        whole, scanned = _as_labels(block)
        scans.extend(scanned)
        plane.add(region, whole)
        start = dict(zip(mask.axes, (part.start for part in region), strict=True))
        size = dict(zip(mask.axes, block.shape, strict=True))
        stack = whole.reshape(size.get("T", 1), size.get("C", 1), size.get("Z", 1), size["Y"], size["X"])
        for t, c in np.ndindex(*stack.shape[:2]):
            key = (start.get("C", 0) + c, start.get("T", 0) + t)
            if key not in frames:
                frames[key] = FrameAccumulator(spatial, 2 if spatial[0] == 1 else 3, str(mask.path))
            frames[key].add(np.ascontiguousarray(stack[t, c]), (start.get("Z", 0), start["Y"], start["X"]))
    channels: dict[int, list[tuple[int, FrameTable]]] = {}
    for (c, t), frame in sorted(frames.items()):
        channels.setdefault(c, []).append((t, frame.table()))
    tables = channels[0]
    grey = len({_digest(one, spatial) for one in channels.values()}) == 1
    scan = merge_scans(scans) if scans else None
    usable = scan is None or (scan.fractional == 0 and scan.nans == 0 and scan.infinities == 0)
    objects = _objects(tables, spatial) if usable else ObjectFacts()
    distinct = np.unique(objects.labels)
    return MaskFacts(
        called.image,
        called.name,
        called.set,
        called.layer,
        called.paths,
        mask.axes,
        mask.shape,
        mask.dtype.name,
        math.prod(mask.shape),
        _foreground(mask, tables, scan),
        *_range(distinct, int(objects.areas.sum()) < math.prod(mask.shape) // mask.size("C"), scan),
        fractional=scan.fractional if scan else 0,
        negative=scan.negative if scan else int(objects.areas[objects.labels < 0].sum()),
        nans=scan.nans + scan.infinities if scan else 0,
        values=tuple(distinct.tolist()) if len(distinct) <= FEW_VALUES else (),
        objects=objects,
        digest=_digest(tables, spatial) if usable and len(objects) else "",
        overlap=called.overlap,
        fit=plane.fit() if usable and grey else None,
        grey=grey,
        foreign=foreign_labels(mask, plane.taker, distinct) if usable and levels else (),
    )


def _read(mask: Image, threads: int) -> Iterator[tuple[Region, Array]]:
    kind: Any = "threads" if threads > 1 else "serial"
    for outcome in stream(mask.read, units(mask), workers=threads, kind=kind, name=lambda _: str(mask.path)):
        yield outcome.task, outcome.result()


def _as_labels(block: Array) -> tuple[Array, list[Array]]:
    """Return a block as integers; of floats also what they are, one scan a tile."""
    if block.dtype.kind != "f":
        return block, []
    flat = block.reshape(-1, block.shape[-1])
    scan = kernels.scan_values(np.ascontiguousarray(flat, np.float64))
    safe = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(safe, -(2.0**53), 2.0**53).astype(np.int64), [scan]


def _range(distinct: Ints, background: bool, scan: Scan | None) -> tuple[float, float]:
    if scan is not None:
        return scan.lowest, scan.highest
    ends = [*distinct[[0, -1]].tolist()] if len(distinct) else []
    if background or not ends:
        ends.append(0)
    return float(min(ends)), float(max(ends))


def _foreground(mask: Image, tables: list[tuple[int, FrameTable]], scan: Scan | None) -> int:
    if scan is not None and (scan.fractional or scan.nans or scan.infinities):
        return scan.finite - scan.zeros
    return sum(int(table.stats[:, measure.AREA].sum()) for _, table in tables) * (
        1 if mask.size("C") == 1 else mask.size("C")
    )


def _objects(tables: list[tuple[int, FrameTable]], spatial: tuple[int, int, int]) -> ObjectFacts:
    stats = np.concatenate([table.stats for _, table in tables])
    labels = np.concatenate([table.labels for _, table in tables])
    depth, height, width = spatial
    borders = (
        (stats[:, measure.Y0] == 0)
        | (stats[:, measure.X0] == 0)
        | (stats[:, measure.Y1] == height)
        | (stats[:, measure.X1] == width)
    )
    if depth > 1:
        borders |= (stats[:, measure.Z0] == 0) | (stats[:, measure.Z1] == depth)
    return ObjectFacts(
        labels,
        stats[:, measure.AREA].copy(),
        stats[:, measure.COMPONENTS].copy(),
        stats[:, measure.SMALLEST].copy(),
        borders.astype(np.int64),
    )


def _digest(tables: list[tuple[int, FrameTable]], spatial: tuple[int, int, int]) -> str:
    # Runs are cut at the borders of the blocks they were read in; all other measures are the object's own.
    own = slice(0, measure.SUM_X + 1)
    digest = hashlib.sha256(repr(spatial).encode())
    for t, table in tables:
        digest.update(repr(t).encode())
        digest.update(np.ascontiguousarray(table.labels, "<i8").data)
        digest.update(np.ascontiguousarray(table.stats[:, own], "<i8").data)
    return digest.hexdigest()
