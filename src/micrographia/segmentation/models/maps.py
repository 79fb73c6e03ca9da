"""Models that give maps of foreground, boundary and distance, whatever runs the network."""

from __future__ import annotations

import copy
import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from micrographia.plugins import API_VERSION
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.postprocessing import TUNED, Postprocessing, instances
from micrographia.segmentation.models.protocol import (
    BUDGET,
    Context,
    Image,
    Labels,
    ModelInfo,
    Settings,
    context_of,
    set_up,
)

OUTPUTS = ("foreground", "boundary", "distance")
"""What a map can mean."""


class MapSegmenter(ABC):
    """A model whose maps become instances by the watershed of :mod:`.postprocessing`; heirs give the maps.

    Parameters
    ----------
    info
        What is known of it; settings and checksum are put in here.
    origin
        Checksum of weights and code, whatever the settings.
    outputs
        What each map means, of :data:`OUTPUTS`; ``foreground`` is a must.
    postprocessing
        How maps become instances.
    tile, overlap
        As in :class:`~micrographia.segmentation.models.protocol.Segmenter`.
    tuned
        Settings that are tuned and the values tried.

    Raises
    ------
    SegmentationError
        If there is no map of the foreground.
    """

    api_version = API_VERSION

    def __init__(
        self,
        info: ModelInfo,
        *,
        origin: str,
        outputs: Sequence[str] = OUTPUTS,
        postprocessing: Postprocessing | None = None,
        tile: tuple[int, ...] | None = None,
        overlap: int | tuple[int, ...] | None = None,
        tuned: Mapping[str, Sequence[Any]] = TUNED,
    ) -> None:
        unknown = [name for name in outputs if name not in OUTPUTS]
        if "foreground" not in outputs or unknown or len(set(outputs)) != len(outputs):
            raise SegmentationError(
                info.name,
                f"cannot be made into instances from maps of {', '.join(outputs) or 'nothing'}",
                f"Name each map once, of {', '.join(OUTPUTS)}; foreground is a must",
            )
        self.outputs = tuple(outputs)
        self.origin = origin
        self.postprocessing = postprocessing or Postprocessing()
        self.tuned = {
            name: tuple(values)
            for name, values in tuned.items()
            if name != "boundary_weight" or "boundary" in outputs
        }
        self.info = set_up(info, origin, self.postprocessing.to_json())
        self.tile = tile
        self.overlap = overlap

    @abstractmethod
    def maps(self, image: Image, context: Context) -> Image:
        """Return maps ``(K, [Z,] Y, X)`` in the order of ``outputs``, finite, of an image ``(C, [Z,] Y, X)``."""

    def instances(self, maps: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)``, int32, of maps."""
        named = dict(zip(self.outputs, maps, strict=True))
        return instances(
            named["foreground"],
            named.get("boundary"),
            named.get("distance"),
            settings=self.postprocessing,
            spacing=context.spacing[-named["foreground"].ndim :],
        )

    def predict_tile(self, image: Image, context: Context) -> Labels:
        """Return labels ``([Z,] Y, X)`` of a part of an image."""
        return self.instances(self.maps(image, context), context)

    def predict(self, image: Image, *, pixel_size: float | None = None) -> Labels:
        """Return labels ``([Z,] Y, X)`` of an image ``(C, [Z,] Y, X)``."""
        held = np.asarray(image, np.float32)
        return self.predict_tile(held, context_of(held, pixel_size=pixel_size))

    def settings_grid(self, budget: int = BUDGET) -> list[Settings]:
        """Return at most ``budget`` settings, the present ones first; see :func:`spread`."""
        return spread(self.postprocessing.to_json(), self.tuned, budget)

    def with_settings(self, settings: Settings) -> Self:
        """Return the same model, weights shared, with these settings; those left out stay as they are.

        Raises
        ------
        SegmentationError
            If there is a setting of another name, or a value is out of range.
        """
        other = copy.copy(self)
        other.postprocessing = self.postprocessing.changed(settings)
        other.info = set_up(self.info, self.origin, other.postprocessing.to_json())
        return other


def spread(default: Settings, tuned: Mapping[str, Sequence[Any]], budget: int) -> list[Settings]:
    """Return settings to try: the default, then others that spread evenly over all combinations of values.

    Combinations are the points of a Halton sequence (Halton 1960), a prime for each setting; where the budget holds
    all of them, all are returned.

    Parameters
    ----------
    default
        All settings.
    tuned
        Values to try of some of them.
    budget
        At most so many are returned; at least 1.

    Raises
    ------
    SegmentationError
        If the budget is no positive number.
    """
    if budget < 1:
        raise SegmentationError("", f"a budget of {budget} settings tries nothing", "Give 1 or more")
    names = list(tuned)
    total = int(np.prod([len(tuned[name]) for name in names], dtype=np.int64)) if names else 1
    found: list[Settings] = [dict(default)]
    if total <= budget:
        places: Any = itertools.product(*(range(len(tuned[name])) for name in names))
    else:
        places = (
            tuple(
                int(_radical_inverse(k, prime) * len(tuned[name]))
                for name, prime in zip(names, _primes(len(names)), strict=True)
            )
            for k in range(1, 64 * budget)
        )
    for place in places:
        if len(found) >= budget:
            break
        settings = {
            **default,
            **{name: tuned[name][index] for name, index in zip(names, place, strict=True)},
        }
        if settings not in found:
            found.append(settings)
    return found


def padded(
    image: Image,
    multiple: Sequence[int],
    least: Sequence[int] | None = None,
    offset: Sequence[int] | None = None,
) -> tuple[npt.NDArray[np.float32], tuple[slice, ...]]:
    """Return an image mirrored at its far ends until a network takes its size, and where it lies in that.

    Parameters
    ----------
    image
        ``(C, [Z,] Y, X)``.
    multiple
        Sizes must be multiples of these, along each spatial axis.
    least
        Sizes must be at least these.
    offset
        Sizes must be multiples plus these; 0 by default.

    Returns
    -------
    tuple
        The larger image, and slices along ``([Z,] Y, X)`` that give back the part of the image.
    """
    sizes = image.shape[1:]
    wanted = [
        -(-(max(size, low) - more) // step) * step + more
        for size, low, step, more in zip(
            sizes, least or (1,) * len(sizes), multiple, offset or (0,) * len(sizes), strict=True
        )
    ]
    pads = [(0, 0)] + [(0, want - size) for want, size in zip(wanted, sizes, strict=True)]
    larger = np.pad(image, pads, mode="symmetric") if any(end for _, end in pads) else image
    return larger, tuple(slice(0, size) for size in sizes)


def _radical_inverse(number: int, base: int) -> float:
    found, share = 0.0, 1.0 / base
    while number:
        number, digit = divmod(number, base)
        found += digit * share
        share /= base
    return found


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found
