"""The files of exports: TIFF and PNG without loss, the same bytes each time, and intensities brought to 8 bits."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.errors import MicrographiaError
from micrographia.loading.errors import LoadingError
from micrographia.loading.exports.sample import Array

LABEL_TYPES = ("uint8", "uint16", "int32")


def write_tiff(
    path: Path, pixels: Array, axes: str, *, spacing: Sequence[float] = (), rgb: bool = False
) -> None:
    """Write an array as a TIFF that ``tifffile.imread`` gives back as it is.

    Parameters
    ----------
    path
        The file; its folder is made.
    pixels
        Any integer or float type.
    axes
        One letter an axis; ``S`` for red, green and blue, or channels, of each pixel.
    spacing
        Micrometres along Z, Y, X; unknown ones are not written.
    rgb
        Whether ``S`` is a colour.
    """
    import tifffile

    path.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {}
    if len(spacing) == 3 and all(math.isfinite(step) and step > 0 for step in spacing[1:]):
        options = {"resolution": (1e4 / spacing[2], 1e4 / spacing[1]), "resolutionunit": "CENTIMETER"}
    if axes.endswith("S"):
        options["planarconfig"] = "contig"
    tifffile.imwrite(
        path,
        np.ascontiguousarray(pixels),
        photometric="rgb" if rgb else "minisblack",
        compression="zlib",
        metadata={"axes": axes},
        **options,
    )


def write_png(path: Path, pixels: Array) -> None:
    """Write (Y, X) of uint8 or uint16, or (Y, X, 3) of uint8 or uint16, as PNG.

    Raises
    ------
    LoadingError
        For other types.
    """
    import imagecodecs

    if pixels.dtype not in (np.uint8, np.uint16):
        problem = f"PNG holds 8 or 16 bits, not {pixels.dtype}"
        raise LoadingError(path.name, problem, "Scale to 8 bits: --scaling percentile:0.1,99.9")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels), level=6))


def write_json(path: Path, document: Any) -> None:
    """Write a document as JSON, indented."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def fits_png(pixels: Array) -> bool:
    """Return whether PNG holds these pixels exactly."""
    return pixels.dtype in (np.uint8, np.uint16)


def label_array(labels: Array, least: str = "uint16") -> Array:
    """Return labels in the smallest type that holds them, at least ``least``."""
    most = int(labels.max(initial=0))
    for name in LABEL_TYPES[LABEL_TYPES.index(least) :]:
        if most <= np.iinfo(name).max:
            return labels.astype(name)
    raise LoadingError("", f"label {most} does not fit into 32 bits", "Number the objects anew")


def parse_scaling(text: str) -> tuple[str, float, float]:
    """Return the kind of a scaling and its two numbers.

    Raises
    ------
    LoadingError
        If it is none of ``none``, ``dtype``, ``percentile:LOW,HIGH``, ``fixed:LOW,HIGH``.
    """
    kind, _, numbers = text.partition(":")
    if text in ("none", "dtype"):
        return kind, 0.0, 0.0
    try:
        low, high = (float(number) for number in numbers.split(","))
    except ValueError:
        low, high = math.nan, math.nan
    inside = kind == "fixed" or (low >= 0 and high <= 100)
    if kind not in ("percentile", "fixed") or not low < high or not inside:
        raise LoadingError(
            "", f"{text!r} is no scaling", "Give none, dtype, percentile:0.1,99.9 or fixed:0,4095"
        )
    return kind, low, high


def eight_bits(pixels: Array, scaling: str) -> tuple[Array, list[tuple[float, float]]]:
    """Return pixels (C, ...) as uint8, and the two intensities of each channel that became 0 and 255.

    Between them, 255 (value - low) / (high - low), rounded half to even; beyond them, 0 and 255. Pixels that have
    8 bits already stay as they are. NaN becomes 0 and counts nowhere.

    Raises
    ------
    LoadingError
        If ``scaling`` is none, or a range of a type is asked of floats.
    """
    kind, first, second = parse_scaling(scaling)
    if pixels.dtype == np.uint8 and kind != "fixed":
        return pixels, [(0.0, 255.0)] * len(pixels)
    scaled = np.zeros(pixels.shape, np.uint8)
    ranges: list[tuple[float, float]] = []
    for at, channel in enumerate(pixels):
        values = channel.astype(np.float64)
        finite = values[np.isfinite(values)]
        if kind == "dtype":
            if pixels.dtype.kind == "f":
                raise LoadingError("", "floats have no range of their type", "Give fixed:LOW,HIGH")
            info = np.iinfo(pixels.dtype)
            low, high = float(info.min), float(info.max)
        elif kind == "fixed":
            low, high = first, second
        elif finite.size:
            low, high = (float(value) for value in np.percentile(finite, [first, second]))
        else:
            low, high = 0.0, 0.0
        ranges.append((low, high))
        if high > low:
            part = np.clip((values - low) * 255.0 / (high - low), 0, 255)
            scaled[at] = np.rint(np.where(np.isfinite(part), part, 0)).astype(np.uint8)
    return scaled, ranges


def file_problem(error: OSError, place: Path) -> MicrographiaError:
    """Return an operating-system error as one that says what to do."""
    problem = f"cannot be written ({error.strerror or error})"
    return LoadingError(place, problem, "Free space or choose another place; nothing else was changed")
