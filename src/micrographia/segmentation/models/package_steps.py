"""What BioImage.IO packages do to an image before and to an output after the network (specification 0.4 and 0.5).

Statistics are those of the whole image, not of a tile, so that the result does not depend on the tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.protocol import Context, Image

Apply = Callable[[Any], Any]


@dataclass(frozen=True)
class Step:
    """One step: its name and its arguments."""

    name: str
    kwargs: Mapping[str, Any]


def steps(listed: Any, path: str) -> tuple[Step, ...]:
    """Return the steps that a description lists.

    Raises
    ------
    SegmentationError
        If one is unknown here.
    """
    found = []
    for one in listed or ():
        if not isinstance(one, Mapping):
            raise SegmentationError(path, f"lists a step {one!r}", "Fetch the package again")
        name = str(one.get("id") or one.get("name") or "")
        kwargs = one.get("kwargs") or {}
        if kwargs.get("mode") == "fixed" and name == "zero_mean_unit_variance":
            name = "fixed_zero_mean_unit_variance"
        if name not in KNOWN:
            raise SegmentationError(
                path,
                f"asks for the step {name or one!r}, which is not known here",
                f"Known are {', '.join(KNOWN)}; run the model as a program",
            )
        if kwargs.get("mode") == "per_dataset" or kwargs.get("reference_tensor") not in (
            None,
            "raw",
            "input0",
        ):
            raise SegmentationError(
                path, f"asks for statistics of other images in {name}", "Run the model as a program"
            )
        found.append(Step(name, dict(kwargs)))
    return tuple(found)


def applied(listed: Sequence[Step], image: Image, context: Context, *, key: str) -> Image:
    """Return an image ``(C, [Z,] Y, X)`` after the steps; statistics are found once a context under ``key``.

    Raises
    ------
    SegmentationError
        If an argument cannot be used.
    """
    if key not in context.memo:
        sample: Any = np.asarray(context.sample, np.float32)
        functions = []
        for step in listed:
            functions.append(_function(step, sample))
            sample = functions[-1](sample)
        context.memo[key] = functions
    found: Any = image
    for function in context.memo[key]:
        found = function(found)
    held: Image = np.asarray(found, np.float32)
    return held


def output_applied(listed: Sequence[Step], maps: Image) -> Image:
    """Return an output after the steps; statistics, where there are any, are those of this output."""
    found: Any = maps
    for step in listed:
        found = _function(step, found.reshape(len(found), -1))(found)
    held: Image = np.asarray(found, np.float32)
    return held


def _function(step: Step, sample: Any) -> Apply:
    """Return what a step does, with statistics from a sample ``(C, n)``."""
    try:
        return _MAKERS[step.name](step.kwargs, sample)
    except (KeyError, TypeError, ValueError) as error:
        raise SegmentationError(
            "",
            f"the step {step.name} has arguments {dict(step.kwargs)}: {error!r}",
            "Fetch the package again",
        ) from error


def _along(value: Any) -> Apply:
    """Return what gives a number, or one a channel, the shape to work on an image."""
    held = np.asarray(value, np.float32).reshape(-1)
    return lambda image: held.reshape((-1,) + (1,) * (image.ndim - 1)) if held.size > 1 else held[0]


def _per_channel(kwargs: Mapping[str, Any]) -> bool:
    """Whether statistics are of each channel: they are where axes are named and the channel is not among them."""
    axes = kwargs.get("axes")
    if axes is None:
        return False
    named = list(axes) if isinstance(axes, str) else [str(axis) for axis in axes]
    return not {"c", "channel"} & set(named)


def _statistic(find: Callable[..., Any], kwargs: Mapping[str, Any], sample: Any) -> Any:
    return find(sample, axis=1) if _per_channel(kwargs) else find(sample)


def _zero_mean(kwargs: Mapping[str, Any], sample: Any) -> Apply:
    mean = _along(_statistic(np.mean, kwargs, sample.astype(np.float64)))
    width = _along(
        np.asarray(_statistic(np.std, kwargs, sample.astype(np.float64))) + float(kwargs.get("eps", 1e-6))
    )
    return lambda image: (image - mean(image)) / width(image)


def _fixed(kwargs: Mapping[str, Any], _: Any) -> Apply:
    mean, spread = (
        _along(kwargs["mean"]),
        _along(np.asarray(kwargs["std"], float) + float(kwargs.get("eps", 1e-6))),
    )
    return lambda image: (image - mean(image)) / spread(image)


def _scale_range(kwargs: Mapping[str, Any], sample: Any) -> Apply:
    shares = float(kwargs.get("min_percentile", 0.0)), float(kwargs.get("max_percentile", 100.0))
    low, high = _statistic(lambda held, axis=None: np.percentile(held, shares, axis=axis), kwargs, sample)
    base, width = _along(low), _along(np.asarray(high) - np.asarray(low) + float(kwargs.get("eps", 1e-6)))
    return lambda image: (image - base(image)) / width(image)


def _scale_linear(kwargs: Mapping[str, Any], _: Any) -> Apply:
    gain, offset = _along(kwargs.get("gain", 1.0)), _along(kwargs.get("offset", 0.0))
    return lambda image: image * gain(image) + offset(image)


def _clip(kwargs: Mapping[str, Any], sample: Any) -> Apply:
    ends: list[Any] = []
    for side, fallback in (("min", -np.inf), ("max", np.inf)):
        share = kwargs.get(f"{side}_percentile")
        if share is not None:
            found = _statistic(
                lambda held, axis=None, share=share: np.percentile(held, float(share), axis=axis),
                kwargs,
                sample,
            )
        else:
            found = fallback if kwargs.get(side) is None else kwargs[side]
        ends.append(_along(found))
    return lambda image: np.clip(image, ends[0](image), ends[1](image))


def _binarize(kwargs: Mapping[str, Any], _: Any) -> Apply:
    cut = _along(kwargs["threshold"])
    return lambda image: (image > cut(image)).astype(np.float32)


def _ensure_dtype(kwargs: Mapping[str, Any], _: Any) -> Apply:
    kind = np.dtype(str(kwargs["dtype"]))
    return lambda image: image.astype(kind)


def _softmax(kwargs: Mapping[str, Any], _: Any) -> Apply:
    if str(kwargs.get("axis", "channel")) not in ("channel", "c"):
        raise ValueError(f"softmax over {kwargs['axis']}")

    def over_channels(image: Any) -> Any:
        powers = np.exp(image - image.max(0))
        return powers / powers.sum(0)

    return over_channels


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], Any], Apply]] = {
    "binarize": _binarize,
    "clip": _clip,
    "ensure_dtype": _ensure_dtype,
    "fixed_zero_mean_unit_variance": _fixed,
    "scale_linear": _scale_linear,
    "scale_range": _scale_range,
    "sigmoid": lambda _, __: lambda image: 0.5 * (1.0 + np.tanh(0.5 * image)),
    "softmax": _softmax,
    "zero_mean_unit_variance": _zero_mean,
}
KNOWN = tuple(_MAKERS)
