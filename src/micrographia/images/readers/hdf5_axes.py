"""What the attributes of an HDF5 dataset say about its axes and voxel size."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from micrographia.images.calibration import Calibration, is_time, udunits
from micrographia.images.image import Channel
from micrographia.images.layout import guess

_AXIS_ATTRIBUTES = ("axes", "axis_order", "axisorder", "dimension_order", "dims")
_STEP_ATTRIBUTES = {
    "element_size_um": "micrometer",
    "voxel_size_um": "micrometer",
    "pixel_size_um": "micrometer",
}
_WORDS = {"time": "T", "channel": "C", "depth": "Z", "height": "Y", "width": "X", "row": "Y", "column": "X"}


def stated_axes(dataset: Any) -> str | None:
    """Return the axes that a dataset names: in ``axistags``, ``axes`` or its dimension labels; None if it does not.

    ``axistags`` is what ilastik and vigra write, ``DIMENSION_LABELS`` what the HDF5 specification of dimension
    scales does.
    """
    tags = _axistags(dataset)
    candidates = [[str(tag.get("key", "")) for tag in tags]] if tags else []
    for name in _AXIS_ATTRIBUTES:
        value = _text(dataset.attrs.get(name))
        if value:
            candidates.append(value)
    candidates.append(_text(dataset.attrs.get("DIMENSION_LABELS")))
    for candidate in candidates:
        letters = "".join(_letter(word) for word in candidate)
        if len(letters) == dataset.ndim and len(set(letters)) == len(letters) and {"Y", "X"} <= set(letters):
            return letters
    return None


def _letter(word: str) -> str:
    word = word.strip().lower()
    if word in ("t", "c", "z", "y", "x"):
        return word.upper()
    return _WORDS.get(word, "")


def _text(value: Any) -> list[str]:
    """Return an attribute that is text, or a list of texts, as words; a single short text as its letters."""
    if value is None:
        return []
    if isinstance(value, str | bytes):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        parts = text.replace(",", " ").split()
        return list(text.strip()) if len(parts) == 1 else parts
    found = np.asarray(value)
    if found.ndim == 0:
        return _text(found.item()) if isinstance(found.item(), str | bytes) else []
    if found.dtype.kind not in "OSU":
        return []
    return [
        item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in found.ravel()
    ]


def _axistags(dataset: Any) -> list[dict[str, Any]]:
    value = dataset.attrs.get("axistags")
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return []
    try:
        tags = json.loads(value).get("axes", [])
    except (ValueError, AttributeError):
        return []
    return [tag for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []


def axes_of(dataset: Any) -> tuple[str, list[str]]:
    """Return axes, stated or guessed from the shape, and notes; empty axes if no rule fits.

    Three axes with a voxel size of three numbers are ZYX, which is how these attributes are defined.
    """
    stated = stated_axes(dataset)
    if stated:
        return stated, []
    if dataset.ndim == 3 and any(len(_numbers(dataset.attrs.get(name))) == 3 for name in _STEP_ATTRIBUTES):
        return "ZYX", []
    return guess(dataset.shape)


def calibration_of(dataset: Any, axes: str) -> Calibration:
    """Return the voxel size that a dataset, its group or its file states."""
    said = Calibration()
    for tag in _axistags(dataset):
        axis = str(tag.get("key", "")).lower()
        if axis in tuple("tzyx"):
            said.set(axis, tag.get("resolution"), udunits(tag.get("unit")))
    space = [axis.lower() for axis in axes if axis in "ZYX"]
    for owner in (dataset, dataset.parent, dataset.file):
        for name, unit in _STEP_ATTRIBUTES.items():
            steps = _numbers(owner.attrs.get(name))
            if len(steps) in (2, 3) and len(steps) >= len(space):
                _take(said, "zyx"[3 - len(steps) :], steps, space, unit)
                return said
        steps = _numbers(owner.attrs.get("voxel_size"))
        units = "".join(_text(owner.attrs.get("voxel_size_unit")) or _text(owner.attrs.get("unit")))
        unit_name = udunits(units)
        if len(steps) == 3 and unit_name is not None and not is_time(unit_name):
            _take(said, "zyx", steps, space, unit_name)
            return said
    return said


def _take(said: Calibration, letters: str, steps: Iterable[float], space: list[str], unit: str) -> None:
    for axis, step in zip(letters, steps, strict=True):
        if axis in space:
            said.set(axis, step, unit)


def _numbers(value: Any) -> list[float]:
    if value is None:
        return []
    found = np.asarray(value)
    return [float(step) for step in found.ravel()] if found.dtype.kind in "uif" and found.size <= 3 else []


def channels_of(dataset: Any, count: int) -> list[Channel]:
    """Return the channel names in the attribute ``channel_names``, if there are as many as channels."""
    value = dataset.attrs.get("channel_names")
    names = _text(value) if not isinstance(value, str | bytes) else []
    return [Channel(name) for name in names] if len(names) == count else []
