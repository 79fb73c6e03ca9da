"""Inputs and outputs that a BioImage.IO description names, versions 0.4 and 0.5 alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.metadata.units import micrometers
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.package_steps import Step, steps

MOST = 16384
"""Largest size, step or halo that is believed: images are filled up to them."""

_LETTERS = {"batch": "b", "channel": "c", "index": "i", "time": "t"}


@dataclass(frozen=True)
class Tensor:
    """An input or an output.

    Parameters
    ----------
    axes
        A letter each: b, c, z, y, x.
    names
        Of the channels; empty if they have none.
    sizes
        Smallest size and step along the spatial axes; step 0 for a size that is fixed; empty where they follow others.
    channels
        How many; None if unknown.
    halo
        Pixels at the borders of a tile that are not to be used, along the spatial axes.
    pixel_size
        Micrometres along X; None if unknown.
    dtype
        Of its values.
    steps
        Before or after the network.
    """

    axes: str
    names: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    channels: int | None
    halo: tuple[int, ...]
    pixel_size: float | None
    dtype: str
    steps: tuple[Step, ...]

    @property
    def spatial(self) -> str:
        """Its spatial axes in canonical order, such as ``ZYX``."""
        return "".join(axis.upper() for axis in "zyx" if axis in self.axes)

    def given(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return an image ``(C, [Z,] Y, X)`` with the axes of the tensor."""
        order = "c" + self.spatial.lower()
        held = image
        if "c" not in self.axes:
            held, order = image[0], order[1:]
        moved = held.transpose([order.index(axis) for axis in self.axes if axis != "b"])
        return np.ascontiguousarray(
            np.expand_dims(moved, self.axes.index("b")) if "b" in self.axes else moved
        )

    def taken(self, output: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return an output as ``(K, [Z,] Y, X)``; None of its axes may be another than the description's."""
        if output.ndim != len(self.axes):
            raise SegmentationError(
                "",
                f"gives an output of shape {output.shape} where {self.axes} are described",
                "Fetch it again",
            )
        held, axes = output, self.axes
        if "b" in axes:
            held, axes = held.take(0, axes.index("b")), axes.replace("b", "")
        if "c" not in axes:
            held, axes = held[None], "c" + axes
        return np.ascontiguousarray(held.transpose([axes.index(axis) for axis in "c" + self.spatial.lower()]))


def tensor(held: Any, path: str) -> Tensor:
    """Return what a description says of an input or output.

    Raises
    ------
    SegmentationError
        If it is none that can be fed with images.
    """
    if not isinstance(held, Mapping) or "axes" not in held:
        raise SegmentationError(path, "describes a tensor without axes", "Fetch the package again")
    try:
        made = _old(held, path) if isinstance(held["axes"], str) else _new(held, path)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SegmentationError(
            path, f"describes a tensor that cannot be understood: {error!r}", "Fetch the package again"
        ) from error
    if (
        set(made.axes) - set("bczyx")
        or made.spatial not in ("YX", "ZYX")
        or len(set(made.axes)) < len(made.axes)
    ):
        raise SegmentationError(
            path, f"has a tensor with axes {made.axes}", "Models take images of batch, channel and space"
        )
    sides = (*(side for size in made.sizes for side in size), *made.halo)
    if sides and (max(sides) > MOST or min(sides) < 0):
        raise SegmentationError(
            path,
            f"has a tensor with sizes or a halo of {max(sides, key=abs)} pixels",
            "Fetch the package again",
        )
    return made


def _new(held: Mapping[str, Any], path: str) -> Tensor:
    axes = ""
    names: tuple[str, ...] = ()
    sizes: dict[str, tuple[int, int] | None] = {}
    halo: dict[str, int] = {}
    channels: int | None = None
    pixel_size = None
    for axis in held["axes"]:
        kind = str(axis["type"])
        letter = _LETTERS.get(kind) or str(axis.get("id", "?"))
        axes += letter
        if kind == "channel":
            given = axis.get("channel_names")
            names = tuple(str(name) for name in given) if isinstance(given, list) else ()
            channels = len(names) or (axis.get("size") if isinstance(axis.get("size"), int) else None)
        elif kind == "space":
            sizes[letter] = _size(axis.get("size"))
            halo[letter] = int(axis.get("halo") or 0)
            scale = float(axis.get("scale") or 1.0)
            if letter == "x":
                pixel_size = micrometers(scale, axis.get("unit"))
    data = held.get("data") or {}
    kinds = data if isinstance(data, list) else [data]
    listed = steps(held.get("preprocessing") or held.get("postprocessing"), path)
    space = [axis for axis in "zyx" if axis in axes]
    return Tensor(
        axes,
        names,
        tuple(size for axis in space if (size := sizes[axis]) is not None),
        channels,
        tuple(halo[axis] for axis in space),
        pixel_size,
        str(kinds[0].get("type", "float32")),
        listed,
    )


def _old(held: Mapping[str, Any], path: str) -> Tensor:
    axes = str(held["axes"])
    shape = held.get("shape")
    space = [axis for axis in "zyx" if axis in axes]
    sizes: list[tuple[int, int]] = []
    channels: int | None = None
    if isinstance(shape, list):
        sizes = [(int(shape[axes.index(axis)]), 0) for axis in space]
        channels = int(shape[axes.index("c")]) if "c" in axes else None
    elif isinstance(shape, Mapping) and "min" in shape:
        sizes = [
            (int(shape["min"][axes.index(axis)]), int(shape["step"][axes.index(axis)])) for axis in space
        ]
        if "c" in axes:
            place = axes.index("c")
            channels = int(shape["min"][place]) if not shape["step"][place] else None
    halo = held.get("halo")
    listed = steps(held.get("preprocessing") or held.get("postprocessing"), path)
    return Tensor(
        axes,
        (),
        tuple(sizes),
        channels,
        tuple(int(halo[axes.index(axis)]) if halo else 0 for axis in space),
        None,
        str(held.get("data_type", "float32")),
        listed,
    )


def _size(held: Any) -> tuple[int, int] | None:
    if isinstance(held, int):
        return (held, 0)
    if isinstance(held, Mapping) and "min" in held:
        least, step = int(held["min"]), int(held["step"])
        if least < 1 or step < 1 or not math.isfinite(step):
            raise ValueError(f"sizes from {least} in steps of {step}")
        return (least, step)
    return None
