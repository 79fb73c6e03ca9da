"""Encoders: what turns images into vectors, and the untrained twins that it has to beat."""

from micrographia.representation.encoders.ablations import ABLATIONS, ablate, retained
from micrographia.representation.encoders.embedding import (
    TOLERANCE,
    Embedded,
    EmbedOptions,
    by_layer,
    embed,
    embed_file,
)
from micrographia.representation.encoders.protocol import Encoder, EncoderError
from micrographia.representation.encoders.registry import KINDS, KNOWN, Known, encoder, names
from micrographia.representation.encoders.twins import SEEDS, twins

__all__ = [
    "ABLATIONS",
    "KINDS",
    "KNOWN",
    "SEEDS",
    "TOLERANCE",
    "EmbedOptions",
    "Embedded",
    "Encoder",
    "EncoderError",
    "Known",
    "ablate",
    "by_layer",
    "embed",
    "embed_file",
    "encoder",
    "names",
    "retained",
    "twins",
]
