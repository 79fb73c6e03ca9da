"""Features of the objects of a label image: shape, intensity, neighbours; compiled passes over runs of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.blocks import as_image, read_block
from micrographia.annotations.masks.kernels import measure
from micrographia.annotations.masks.kernels.runs import Ints, Runs, extract, insert
from micrographia.errors import AnnotationError, ProfileError
from micrographia.representation.baselines import neighbours, shape
from micrographia.representation.baselines.fields import tamed
from micrographia.representation.baselines.kernels import edges
from micrographia.representation.baselines.kernels import objects as kernels

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

PARTS = ("shape", "intensity", "quantiles", "neighbours")
INTENSITY = ("mean", "sd", "min", "max", "integrated", "edge_mean", "mass_displacement")
QUANTILES = ("lower_quartile", "median", "upper_quartile", "mad")
_NATIVE = ("uint8", "uint16", "float32", "float64")


class Objects:
    """The objects of one time point of a label image, ready to be measured.

    Parameters
    ----------
    labels
        (Z, Y, X), integers; 0 is background.

    Attributes
    ----------
    ids
        Label of each object, ascending.
    stats
        (objects, columns of ``annotations.masks.kernels.measure``).
    centre
        Centroids (objects, 3): Z, Y, X in pixels.

    Raises
    ------
    AnnotationError
        If a label is larger than int64 holds.
    """

    def __init__(self, labels: Array) -> None:
        try:
            self.runs: Runs = extract(labels)
        except OverflowError as error:
            raise AnnotationError("", str(error), "Number the objects anew") from error
        self.ids, self.slot = _numbered(self.runs.value)
        self.stats = np.empty((len(self.ids), measure.COLUMNS), np.int64)
        measure.clear(self.stats)
        runs = self.runs
        measure.measure(runs.row, runs.x0, runs.x1, self.slot, runs.shape[1], 0, 0, 0, self.stats)
        self.area = self.stats[:, measure.AREA]
        self.centre = self.stats[:, measure.SUM_Z : measure.SUM_X + 1] / self.area[:, None]
        native = labels if labels.dtype.isnative else labels.astype(labels.dtype.newbyteorder("="))
        self.labels = np.ascontiguousarray(native).reshape(-1, labels.shape[2])
        if self.labels.dtype.kind in "bi":
            # Neighbours are only compared, so the unsigned bits do: one kernel a width.
            self.labels = self.labels.view(f"u{self.labels.dtype.itemsize}")
        self._edge: Array | None = None
        self._order: tuple[Ints, Ints] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def flat(self) -> bool:
        """Whether there is one plane."""
        return self.runs.shape[0] == 1

    @property
    def edge(self) -> Array:
        """Whether a pixel lies on the rim of its object, (rows, X) of uint8."""
        if self._edge is None:
            self._edge = np.zeros(self.labels.shape, np.uint8)
            runs = self.runs
            edges.rims(self.labels, runs.row, runs.x0, runs.x1, runs.shape[1], self._edge)
        return self._edge

    @property
    def by_object(self) -> tuple[Ints, Ints]:
        """The runs object by object, see ``kernels.objects.by_object``."""
        if self._order is None:
            self._order = kernels.by_object(self.slot, len(self))
        return self._order


def _numbered(values: Ints) -> tuple[Ints, Ints]:
    """Return the distinct values, ascending, and the place of each value among them."""
    if len(values) and values.min() >= 0 and values.max() < 8 * len(values) + 1024:
        # Labels that are dense are looked up in a table.
        seen = np.zeros(int(values.max()) + 1, np.int64)
        seen[values] = 1
        return np.flatnonzero(seen), (np.cumsum(seen) - 1)[values]
    keys, slots = np.zeros(1024, np.int64), np.full(1024, -1, np.int64)
    _, _, ids, count, slot = insert(values, keys, slots, np.zeros(512, np.int64), 0)
    order = np.argsort(ids[:count])
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    return ids[:count][order], rank[slot]


def intensity_features(objects: Objects, pixels: Array, quantiles: bool = True) -> dict[str, Array]:
    """Return the intensities of objects in one channel; NaN for an object without a finite pixel.

    Parameters
    ----------
    objects
        The objects.
    pixels
        (Z, Y, X) of the same size.
    quantiles
        Also quartiles, median and median absolute deviation, which take longer than all the rest.

    Returns
    -------
    dict of arrays
        ``mean``, ``sd`` (n), ``min``, ``max``, ``integrated`` (sum), ``edge_mean`` (mean on the rim),
        ``mass_displacement`` (distance in pixels from the centroid to that weighted by intensity; NaN unless the sum is
        positive), and the quantiles.
    """
    runs = objects.runs
    image = tamed(pixels if pixels.dtype.name in _NATIVE else pixels.astype(np.float64))
    image = np.ascontiguousarray(image).reshape(objects.labels.shape)
    sums = np.zeros((len(objects), kernels.INTENSITIES))
    sums[:, kernels.LOW], sums[:, kernels.HIGH] = np.inf, -np.inf
    place = (runs.row, runs.x0, runs.x1)
    kernels.intensities(image, objects.edge, *place, objects.slot, runs.shape[1], objects.centre, sums)
    count = sums[:, kernels.FINITE]
    some = count > 0
    shift = sums[:, kernels.SHIFT]
    found = {name: np.full(len(objects), np.nan) for name in INTENSITY}
    excess = sums[some, kernels.TOTAL] / count[some]
    found["mean"][some] = excess + shift[some]
    variance = sums[some, kernels.SQUARES] / count[some] - excess**2
    found["sd"][some] = np.sqrt(np.maximum(variance, 0.0))
    found["min"][some], found["max"][some] = sums[some, kernels.LOW], sums[some, kernels.HIGH]
    integrated = sums[:, kernels.TOTAL] + count * shift
    found["integrated"][some] = integrated[some]
    rim = sums[:, kernels.EDGE_FINITE] > 0
    found["edge_mean"][rim] = sums[rim, kernels.EDGE_TOTAL] / sums[rim, kernels.EDGE_FINITE] + shift[rim]
    whole = (count == objects.area) & (integrated > 0)
    # The shift pulls nowhere: the centroid is where it cancels.
    pull = sums[:, kernels.PULL_Z : kernels.PULL_X + 1]
    found["mass_displacement"][whole] = np.linalg.norm(pull[whole], axis=1) / integrated[whole]
    if quantiles:
        held = np.full((len(objects), len(QUANTILES)), np.nan)
        largest = int(objects.area.max(initial=0))
        if image.dtype.kind == "u":
            kernels.quantiles_counted(image, *place, *objects.by_object, largest, held)
        else:
            kernels.quantiles(image, *place, *objects.by_object, largest, held)
        found |= {name: held[:, at] for at, name in enumerate(QUANTILES)}
    return found


def features(
    objects: Objects,
    channels: Array | None,
    names: Sequence[str],
    parts: Sequence[str] = PARTS,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
) -> dict[str, Array]:
    """Return the features of objects as arrays, one value an object; see :func:`object_features`."""
    found: dict[str, Array] = {}
    if "shape" in parts:
        found |= shape.shape_features(objects, spacing)
    if channels is not None and "intensity" in parts:
        for name, pixels in zip(names, channels, strict=True):
            held = intensity_features(objects, pixels, "quantiles" in parts)
            found |= {f"{name}_{feature}": values for feature, values in held.items()}
    if "neighbours" in parts:
        found |= neighbours.neighbour_features(objects, spacing)
    return found


def object_features(
    labels: Array,
    image: Array | None = None,
    *,
    channels: Sequence[str] | None = None,
    parts: Sequence[str] = PARTS,
    spacing: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Measure the objects of a label image.

    Shape follows the usual definitions (those of scikit-image's ``regionprops`` where it has them): see
    :func:`~micrographia.representation.baselines.shape.shape_features`,
    :func:`intensity_features` and :func:`~micrographia.representation.baselines.neighbours.neighbour_features`.

    Parameters
    ----------
    labels
        Integers (Y, X) or (Z, Y, X), 0 is background.
    image
        Pixels of the same size, or (C, ...) with channels first; None for shape and neighbours alone.
    channels
        Names of the channels; ``c1``, ``c2`` ... by default.
    parts
        Some of ``shape``, ``intensity``, ``quantiles`` and ``neighbours``.
    spacing
        Relative size of a pixel along each axis of the labels, for lengths and distances: in units of it.

    Returns
    -------
    DataFrame
        One row an object by ascending label: ``label_id``, centroid ``z`` (in 3D), ``y``, ``x`` in pixels, and
        features. What is undefined, such as the nearest neighbour of a single object, is NaN.

    Raises
    ------
    AnnotationError
        If the labels are no label image.
    ProfileError
        If image, channels or spacing do not fit the labels, or there is no such part.

    Examples
    --------
    >>> labels = np.zeros((6, 8), int)
    >>> labels[1:5, 2:4] = 3
    >>> table = object_features(labels, parts=["shape"])
    >>> table[["label_id", "area", "y", "x", "solidity"]].values.tolist()
    [[3.0, 8.0, 2.5, 2.5, 1.0]]
    """
    import pandas as pd

    marks = as_image(labels)
    if "T" in marks.axes:
        raise ProfileError(
            "", "a movie of labels is no plane and no stack", "Measure one time point at a time"
        )
    block = read_block(marks, None)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise ProfileError("", f"there is no part {unknown[0]!r}", f"Parts are {', '.join(PARTS)}")
    sizes = tuple(spacing or (1.0,) * len(marks.axes))
    if len(sizes) != len(marks.axes) or not all(np.isfinite(size) and size > 0 for size in sizes):
        raise ProfileError("", f"spacing {sizes} does not fit axes {marks.axes}", "Give a size an axis")
    pixels = None if image is None else _channels(np.asarray(image), marks.shape, block.shape)
    names = list(channels or [f"c{at}" for at in range(1, 1 + (0 if pixels is None else len(pixels)))])
    if pixels is not None and len(names) != len(pixels):
        raise ProfileError("", f"{len(pixels)} channels come with {len(names)} names", "Name each")
    objects = Objects(block)
    full = (1.0, *sizes) if len(sizes) == 2 else sizes
    where: dict[str, Array] = {"label_id": objects.ids}
    if not objects.flat or "Z" in marks.axes:
        where["z"] = objects.centre[:, 0]
    where |= {"y": objects.centre[:, 1], "x": objects.centre[:, 2]}
    return pd.DataFrame(where | features(objects, pixels, names, parts, full))


def _channels(image: Array, shape_: tuple[int, ...], block: tuple[int, ...]) -> Array:
    if image.dtype.kind not in "uifb":
        raise ProfileError("", f"pixels of type {image.dtype} are no intensities", "Give real numbers")
    if image.shape == shape_:
        return image.reshape(1, *block)
    if image.ndim == len(shape_) + 1 and image.shape[1:] == shape_:
        return image.reshape(len(image), *block)
    raise ProfileError(
        "", f"an image of shape {image.shape} does not fit labels of {shape_}", "Put channels first"
    )
