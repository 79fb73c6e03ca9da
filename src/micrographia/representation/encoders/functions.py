"""Any callable as an encoder: ``module:function``."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

from micrographia import plugins
from micrographia.representation.encoders.protocol import (
    API_VERSION,
    Batch,
    Encoder,
    EncoderError,
    Features,
    verified,
)


class FunctionEncoder:
    """A function of Python as an encoder.

    Parameters
    ----------
    function
        Takes float32 ``(n, C, Y, X)`` in 0..1; returns an array ``(n, d)``, or a dictionary of them by layer, the main
        one last. Its attributes ``size``, ``channels`` and ``version`` say what it takes; 224, 3 and an empty text
        where it has none.
    name
        What reports call it.
    size, channels
        Hold over those of the function.
    """

    api_version = API_VERSION

    def __init__(
        self,
        function: Callable[[Batch], Any],
        *,
        name: str = "",
        size: int | None = None,
        channels: int | None = None,
    ) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.version = str(getattr(function, "version", ""))
        told: Any = function
        self.size = size or int(getattr(told, "size", 224))
        self.channels = int(getattr(told, "channels", 3)) if channels is None else channels
        self.sha256 = code_sha256(function)
        self.details = {"architecture": "function", "weights": "of the function"}
        zeros = np.zeros((1, self.channels or 3, self.size, self.size), np.float32)
        dims = {layer: found.shape[1] for layer, found in self.encode(zeros).items()}
        self.layers = tuple(dims)
        self.dim = int(dims[self.layers[-1]])

    def encode(self, batch: Batch) -> Features:
        """Return what the function gives, as float32 ``(n, d)`` a layer.

        Raises
        ------
        EncoderError
            If the batch has another shape, or the function fails or gives no vectors.
        """
        images = verified(self, batch)
        try:
            given = self.function(images)
        except Exception as error:  # code of other people may raise anything
            raise EncoderError(
                self.name, f"fails: {type(error).__name__}: {error}", "Mend the function"
            ) from error
        layers = given if isinstance(given, dict) else {"output": given}
        found = {str(layer): np.asarray(held, np.float32) for layer, held in layers.items()}
        for layer, held in found.items():
            if held.ndim != 2 or len(held) != len(images):
                raise EncoderError(
                    self.name,
                    f"gives {held.shape} in layer {layer} for {len(images)} images",
                    "It must give (n, d)",
                )
        if not found:
            raise EncoderError(self.name, "gives no layer", "It must give at least one array (n, d)")
        return found


def function_encoder(place: str, *, size: int | None = None, channels: int | None = None) -> Encoder:
    """Return the callable, or the encoder, that ``module:name`` names; modules in the working folder are found.

    Raises
    ------
    EncoderError
        If there is none.
    """
    try:
        found = plugins.imported(place)
    # Importing runs the user's module, which may raise anything.
    except Exception as error:
        raise EncoderError(
            place, f"cannot be imported: {type(error).__name__}: {error}", "Check its path"
        ) from error
    if hasattr(found, "encode"):
        try:
            plugins.verify(found, Encoder)
        except TypeError as error:
            raise EncoderError(place, str(error), "Give it what an encoder has") from error
        return cast("Encoder", found() if inspect.isclass(found) else found)
    if not callable(found):
        raise EncoderError(place, "is not callable", "Name a function that takes (n, C, Y, X)")
    return FunctionEncoder(found, name=place, size=size, channels=channels)


def code_sha256(function: Callable[..., Any]) -> str:
    """Return the checksum of a function's name and of the file that it was written in; of its name alone without one.

    What the file imports is not part of it.
    """
    try:
        source = inspect.getsourcefile(function if inspect.isroutine(function) else type(function))
    except TypeError:
        source = None
    name = str(getattr(function, "__qualname__", type(function).__qualname__))
    code = Path(source).read_bytes() if source and Path(source).is_file() else b""
    return hashlib.sha256(f"{name}\n".encode() + code).hexdigest()
