"""Read the windows of an image as an encoder takes them: scaled to 0..1, projected, padded and resized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.images import Image
from micrographia.representation.encoders.inputs import Header, read
from micrographia.representation.encoders.resample import Floats, resized, resized_array
from micrographia.representation.encoders.sampling import X0, X1, Y0, Y1, Z0, Z1, T, fitting

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reading:
    """An open image and how its pixels become 0..1.

    Parameters
    ----------
    image, header
        The image.
    take
        Channels that are read.
    limits
        Intensities that become 0 and 1, of each of them, ``(k, 2)``.
    project
        ``max``, ``mean`` or ``middle``.
    strict
        Refuse values outside of the limits: of floats that are said to lie in 0..1.
    """

    image: Image
    header: Header
    take: Sequence[int]
    limits: npt.NDArray[np.float64]
    project: str
    strict: bool = False

    def window(self, window: Sequence[int], size: int) -> Floats:
        """Return a window as float32 ``(k, size, size)`` in 0..1; beyond its edges the image is mirrored."""
        y0, y1, x0, x1 = _inside(window, self.header)

        def rows(first: int, last: int) -> Floats:
            return self._rows(window, slice(y0 + first, y0 + last), slice(x0, x1))

        missing = _missing(window, (y0, y1, x0, x1))
        if not any(map(sum, missing)):
            found = resized(rows, (len(self.take), y1 - y0, x1 - x0), size)
        else:
            held = rows(0, y1 - y0)
            found = resized_array(np.pad(held, ((0, 0), *missing), mode="symmetric"), size)
        return np.clip(found, 0.0, 1.0)

    def _rows(self, window: Sequence[int], rows: slice, columns: slice) -> Floats:
        parts = []
        for channel, (low, high) in zip(self.take, self.limits, strict=True):
            slices = range(window[Z0], window[Z1])
            if self.project == "middle":
                slices = range((window[Z0] + window[Z1] - 1) // 2, (window[Z0] + window[Z1] - 1) // 2 + 1)
            total: npt.NDArray[np.float64] | None = None
            for z in slices:
                plane = read(self.image, window[T], channel, z, rows, columns).astype(np.float64)
                if total is None:
                    total = plane
                elif self.project == "max":
                    np.maximum(total, plane, out=total)
                else:
                    total += plane
            assert total is not None  # noqa: S101 - every window has a slice
            parts.append(self._scaled(total / len(slices) if self.project == "mean" else total, low, high))
        return np.stack(parts)

    def _scaled(self, pixels: npt.NDArray[np.float64], low: float, high: float) -> Floats:
        if not np.isfinite(pixels).all():
            raise ProfileError(
                self.header.id, "holds pixels that are no finite numbers", "Replace NaN and infinity"
            )
        if self.strict and pixels.size and not (low <= pixels.min() and pixels.max() <= high):
            raise ProfileError(
                self.header.id,
                f"holds floats from {pixels.min():g} to {pixels.max():g}, not in 0 to 1",
                "Scale by percentile:0.1,99.9 or fixed:LOW,HIGH",
            )
        if high <= low:
            return np.zeros(pixels.shape, np.float32)
        return np.clip((pixels - low) / (high - low), 0.0, 1.0).astype(np.float32)


def foreground(
    masks: Sequence[Image], told: Header, window: Sequence[int], size: int, label: int | None = None
) -> Bools:
    """Return where a window is covered by objects at least half, bool ``(size, size)``; beyond the edges it is not.

    Parameters
    ----------
    masks
        Label images.
    told
        Header of their image.
    window
        As :class:`~micrographia.representation.encoders.sampling.Samples` has them.
    size
        Side of the result.
    label
        Only this object.
    """
    y0, y1, x0, x1 = _inside(window, told)

    def rows(first: int, last: int) -> Floats:
        found = np.zeros((1, last - first, x1 - x0), np.float32)
        for mask in masks:
            t = window[T] if mask.size("T") > 1 else 0
            slices = range(window[Z0], window[Z1]) if mask.size("Z") > 1 else range(1)
            for z in slices:
                labels = read(mask, t, 0, z, slice(y0 + first, y0 + last), slice(x0, x1))
                found[0][(labels == label) if label is not None else (labels != 0)] = 1.0
        return found

    for mask in masks:
        fitting(told, mask)
    missing = _missing(window, (y0, y1, x0, x1))
    if not any(map(sum, missing)):
        covered = resized(rows, (1, y1 - y0, x1 - x0), size)
    else:
        covered = resized_array(np.pad(rows(0, y1 - y0), ((0, 0), *missing)), size)
    return covered[0] >= 0.5


def _inside(window: Sequence[int], told: Header) -> tuple[int, int, int, int]:
    """Return the part of a window that lies in the image."""
    y0, y1 = max(0, int(window[Y0])), min(told.height, int(window[Y1]))
    x0, x1 = max(0, int(window[X0])), min(told.width, int(window[X1]))
    return y0, y1, x0, x1


def _missing(
    window: Sequence[int], inside: tuple[int, int, int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how many rows and columns of a window lie before and behind the image."""
    y0, y1, x0, x1 = inside
    return (y0 - int(window[Y0]), int(window[Y1]) - y1), (x0 - int(window[X0]), int(window[X1]) - x1)
