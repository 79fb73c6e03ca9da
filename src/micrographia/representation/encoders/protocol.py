"""What an encoder is: something that turns images into vectors, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from micrographia.errors import MicrographiaError
from micrographia.plugins import API_VERSION

Batch = npt.NDArray[np.float32]
"""Intensities scaled to 0..1, axes (n, C, Y, X)."""

Features = dict[str, npt.NDArray[np.float32]]
"""Layer to features (n, d)."""


class EncoderError(MicrographiaError):
    """An encoder that cannot be had or used."""


class Encoder(Protocol):
    """What an encoder of a plug-in provides; announced under the entry-point group ``micrographia.encoders``.

    The entry point names an object with these attributes, or a class that makes one without arguments. Encoders may
    also have ``details`` (a mapping of JSON values that goes into the provenance: normalisation, pooling, seed).

    Attributes
    ----------
    api_version
        1.
    name
        What reports call it.
    version
        Of the weights or the package.
    sha256
        Checksum of the weights.
    channels
        Channels that it takes; 0 if it takes any number.
    size
        Side of the square images that it takes, in pixels.
    dim
        Features of the main layer.
    layers
        Layers that it gives; the last is the main one.
    """

    api_version: int
    name: str
    version: str
    sha256: str
    channels: int
    size: int
    dim: int
    layers: tuple[str, ...]

    def encode(self, batch: Batch) -> Features:
        """Return the features of images, one array ``(n, d)`` a layer; a row depends on its own image only.

        Parameters
        ----------
        batch
            float32 ``(n, channels, size, size)``, intensities in 0..1. Any normalisation is the encoder's own.
        """
        ...


def details(encoder: Encoder) -> dict[str, Any]:
    """Return what identifies an encoder, as JSON values: name, version, checksum, and its own details."""
    told: Mapping[str, Any] = getattr(encoder, "details", {})
    return {
        "name": encoder.name,
        "version": encoder.version,
        "sha256": encoder.sha256,
        "channels": encoder.channels,
        "size": encoder.size,
        **told,
    }


def verified(encoder: Encoder, batch: Batch) -> Batch:
    """Return a batch as an encoder takes it.

    Raises
    ------
    EncoderError
        If it has another shape, or values that are no finite numbers.
    """
    held = np.ascontiguousarray(batch, dtype=np.float32)
    wanted = f"(n, {encoder.channels or 'C'}, {encoder.size}, {encoder.size})"
    if held.ndim != 4 or held.shape[2:] != (encoder.size, encoder.size):
        raise EncoderError(
            encoder.name, f"takes images {wanted}, not {held.shape}", "Resize them, or use embed, which does"
        )
    if encoder.channels and held.shape[1] != encoder.channels:
        raise EncoderError(
            encoder.name,
            f"takes {encoder.channels} channels, not {held.shape[1]}",
            "Choose a mapping of channels, such as channelwise or channels:0,1,2",
        )
    if not np.isfinite(held).all():
        raise EncoderError(
            encoder.name, "was given values that are no finite numbers", "Replace NaN and infinity"
        )
    return held


__all__ = ["API_VERSION", "Batch", "Encoder", "EncoderError", "Features", "details", "verified"]
