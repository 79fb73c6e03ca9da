"""From maps of foreground, boundary and distance to instances: one seeded watershed for every model that gives maps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.compiled import compiled
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.distance import distance_inside
from micrographia.segmentation.models.watershed import watershed

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Postprocessing:
    """How maps become instances: the settings that are tuned.

    Parameters
    ----------
    threshold
        Foreground from which on a pixel belongs to an object.
    boundary_weight
        How much a boundary lowers the landscape that is flooded: 0 not at all, 1 to nothing where it is certain.
    smoothing
        Standard deviation of a Gaussian over the landscape, in pixels along Y and X.
    depth
        How far the landscape falls between two objects, as a share of the lower peak; less is one object.
    seed
        Lowest peak of an object, in units of the landscape: of the distance map where the model gives one, else pixels.
    min_size
        Objects of fewer pixels are dropped.
    holes
        Enclosed background of at most so many pixels is foreground.

    Raises
    ------
    SegmentationError
        If a value is no number or out of range.
    """

    threshold: float = 0.5
    boundary_weight: float = 1.0
    smoothing: float = 1.0
    depth: float = 0.2
    seed: float = 0.0
    min_size: int = 16
    holes: int = 64

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise SegmentationError("", f"{name} is {value!r}, which is no number", "Give a number")
        wrong = [
            name
            for name in ("boundary_weight", "smoothing", "depth", "min_size", "holes")
            if getattr(self, name) < 0
        ]
        if self.depth > 1 or wrong:
            name = wrong[0] if wrong else "depth"
            raise SegmentationError("", f"{name} cannot be {getattr(self, name)}", "Give a smaller share")

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` wrote; what is absent is as by default.

        Raises
        ------
        SegmentationError
            If there is a setting of another name, or a value is out of range.
        """
        return cls().changed(held)

    def changed(self, held: Mapping[str, Any]) -> Self:
        """Return it with some settings changed; raises as :meth:`from_json`."""
        known = [field.name for field in fields(self)]
        unknown = sorted(set(held) - set(known))
        if unknown:
            raise SegmentationError(
                "", f"there is no setting {unknown[0]!r}", f"Settings are {', '.join(known)}"
            )
        return replace(self, **held)


TUNED: Mapping[str, tuple[float, ...]] = {
    "threshold": (0.3, 0.4, 0.5, 0.6, 0.7),
    "boundary_weight": (0.0, 0.5, 1.0),
    "smoothing": (0.5, 1.0, 2.0),
    "depth": (0.05, 0.1, 0.2, 0.35, 0.5),
    "min_size": (8, 16, 32, 64),
}
"""Settings that are tuned for models that give probabilities, and the values tried."""


def instances(
    foreground: Array,
    boundary: Array | None = None,
    distance: Array | None = None,
    *,
    settings: Postprocessing | None = None,
    spacing: Sequence[float] | None = None,
) -> npt.NDArray[np.int32]:
    """Return instances from maps.

    Objects lie where ``foreground >= threshold``. The landscape ``L`` whose peaks are their seeds is: the distance map
    times ``1 - boundary_weight * boundary``, where the model gives one; else the distance to the nearest pixel outside
    of the core ``foreground * (1 - boundary_weight * boundary) >= threshold``, and minus the distance to the core
    beside it. ``L`` is smoothed and flooded by :func:`~micrographia.segmentation.models.watershed.watershed`; holes
    inside one object are filled, small objects dropped.

    Parameters
    ----------
    foreground
        Probability (or any score) of being inside an object, ``(Y, X)`` or ``(Z, Y, X)``, finite.
    boundary
        Probability of lying on the boundary of an object, of the same shape; None if there is no such map.
    distance
        High in the middle of objects and about 0 at their boundaries, of the same shape, in any unit; None likewise.
    settings
        See :class:`Postprocessing`.
    spacing
        Length of a pixel along each axis in widths of a pixel along X, ``(z / x, 1, 1)``; 1 by default.

    Returns
    -------
    Array
        int32 labels, 1 to n in the raster order of their first pixels.

    Raises
    ------
    SegmentationError
        If maps differ in shape, or hold values that are no finite numbers.
    """
    chosen = settings or Postprocessing()
    inside = np.asarray(foreground, np.float32)
    steps = tuple(float(step) for step in spacing) if spacing is not None else (1.0,) * inside.ndim
    _verify(inside, boundary, distance, steps)
    mask = inside >= np.float32(chosen.threshold)
    if chosen.holes:
        mask = _without_holes(mask, chosen.holes)
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    fence = None
    if boundary is not None and chosen.boundary_weight:
        fence = np.clip(1.0 - chosen.boundary_weight * np.asarray(boundary, np.float32), 0.0, 1.0)
    if distance is not None:
        landscape = np.maximum(np.asarray(distance, np.float32), 0.0)
        landscape = landscape if fence is None else landscape * fence
    elif fence is not None:
        core = mask & (inside * fence >= np.float32(chosen.threshold))
        landscape = distance_inside(core, steps)
        if core.any():
            landscape -= distance_inside(~core, steps)
    else:
        landscape = distance_inside(mask, steps)
    if chosen.smoothing:
        from scipy.ndimage import gaussian_filter

        landscape = gaussian_filter(
            landscape, [chosen.smoothing / step for step in steps], mode="nearest", truncate=3.0
        )
    labels = watershed(landscape, mask, depth=chosen.depth, seed=chosen.seed or -np.inf)
    fill_holes(labels)
    return without_small(labels, int(chosen.min_size))


def without_small(labels: Array, min_size: int) -> npt.NDArray[np.int32]:
    """Return labels without objects of fewer than ``min_size`` pixels, numbered 1 to n in the order they had."""
    sizes = np.bincount(labels.reshape(-1))
    keep = sizes >= max(1, min_size)
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return numbers[labels]


def fill_holes(labels: Array) -> None:
    """Give enclosed background that touches one object only, and no border, to that object; in place.

    Background is connected through faces. In 3D a hole is enclosed on all sides.
    """
    from scipy.ndimage import label

    parts, count = label(labels == 0)
    if count < 2:
        return
    shape = (1,) * (3 - labels.ndim) + labels.shape
    owners = np.zeros(count + 1, np.int64)
    _owners(labels.reshape(shape), parts.reshape(shape), owners, labels.ndim == 3)
    _give(labels.reshape(-1), parts.reshape(-1), np.maximum(owners, 0))


def _without_holes(mask: Array, most: int) -> Array:
    from scipy.ndimage import label

    parts, count = label(~mask)
    if count < 2:
        return mask
    sizes = np.bincount(parts.reshape(-1), minlength=count + 1)
    filled = sizes <= most
    filled[0] = False
    for axis in range(mask.ndim):
        for side in (0, -1):
            filled[np.unique(np.take(parts, side, axis))] = False
    return mask | filled[parts] if filled.any() else mask


def _verify(inside: Floats, boundary: Array | None, distance: Array | None, steps: tuple[float, ...]) -> None:
    if inside.ndim not in (2, 3) or len(steps) != inside.ndim or min(steps) <= 0:
        raise SegmentationError(
            "", f"maps of shape {inside.shape} with spacing {steps} are no image", "Give (Y, X) or (Z, Y, X)"
        )
    for name, held in (("foreground", inside), ("boundary", boundary), ("distance", distance)):
        if held is None:
            continue
        if held.shape != inside.shape:
            raise SegmentationError(
                "",
                f"the map of {name} has shape {held.shape}, that of the foreground {inside.shape}",
                "All maps of a model have one shape",
            )
        if not np.isfinite(held).all():
            raise SegmentationError(
                "", f"the map of {name} holds values that are no finite numbers", "Look at the model's input"
            )


@compiled
def _owners(labels: Array, parts: Array, owners: Array, solid: bool) -> None:
    """Write the only label beside each part of the background; -1 if there are several, or it touches the border."""
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                part = parts[z, y, x]
                if part == 0 or owners[part] < 0:
                    continue
                edge = y == 0 or x == 0 or y == height - 1 or x == width - 1
                if edge or (solid and (z == 0 or z == depth - 1)):
                    owners[part] = -1
                    continue
                for s in range(6 if solid else 4):
                    step = 1 - 2 * (s % 2)
                    beside = labels[
                        z + (step if s // 2 == 2 else 0),
                        y + (step if s // 2 == 1 else 0),
                        x + (step if s // 2 == 0 else 0),
                    ]
                    if beside == 0:
                        continue
                    if owners[part] == 0:
                        owners[part] = beside
                    elif owners[part] != beside:
                        owners[part] = -1
                        break


@compiled
def _give(labels: Array, parts: Array, owners: Array) -> None:
    for k in range(labels.size):
        if labels[k] == 0 and owners[parts[k]] != 0:
            labels[k] = owners[parts[k]]
