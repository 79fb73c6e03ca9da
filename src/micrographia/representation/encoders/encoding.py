"""Run an encoder over the windows of a plan: batches, layers, averages over tiles, statistics of twins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.encoders.inputs import Mapping
from micrographia.representation.encoders.parts import Parts
from micrographia.representation.encoders.plan import Plan
from micrographia.representation.encoders.protocol import Encoder, EncoderError
from micrographia.representation.encoders.resample import Floats
from micrographia.representation.encoders.twins import CALIBRATION
from micrographia.work import Progress, stream

PART_ROWS = 256
"""Rows after which the work is put on disk."""


def encode_all(
    plan: Plan,
    encoder: Encoder,
    layers: Sequence[str],
    parts: Parts,
    *,
    batch: int,
    workers: int,
    quiet: bool = True,
) -> None:
    """Encode what is not yet in ``parts``, reading ahead in threads.

    Batches end where a part ends, so that a run that goes on forms the same batches.
    """
    tiles = plan.sampling.fit == "tiles" and plan.sampling.per == "image"
    work = _Rows(encoder, plan.mapping, layers, batch)
    begun = parts.chunks
    chunks = list(islice(plan.chunks(), begun, None))
    done = plan.windows - sum(chunk.stop - chunk.start for chunk in chunks)

    def name(chunk: Any) -> str:
        return plan.collection.sources[chunk.source].id

    with Progress("embedding", plan.windows, quiet=quiet) as progress:
        progress.advance(done)
        outcomes = stream(plan.read, chunks, kind="threads", workers=workers, name=name)
        for number, (chunk, outcome) in enumerate(zip(chunks, outcomes, strict=True), begun + 1):
            pixels = outcome.result()
            work.add(pixels, plan.row_numbers(chunk))
            progress.advance(len(pixels), pixels.nbytes)
            final = number == begun + len(chunks)
            if final or (work.rows >= PART_ROWS and (chunk.last or not tiles)):
                parts.add(work.take(), number)


def calibrate(plan: Plan, encoder: Any) -> None:
    """Re-estimate BatchNorm statistics from windows that are spread evenly over the dataset, without ablation."""
    apart = len(plan.mapping.names)
    wanted = max(1, CALIBRATION // apart)
    numbers = np.unique(np.linspace(0, plan.windows - 1, min(wanted, plan.windows)).round().astype(np.int64))
    ends = np.cumsum([len(held.windows) for held in plan.samples])
    sources = np.searchsorted(ends, numbers, side="right")
    parts = []
    for source in np.unique(sources):
        start = int(ends[source]) - len(plan.samples[source].windows)
        parts.append(plan.read_windows(int(source), numbers[sources == source] - start))
    encoder.calibrate(plan.mapping.passes(np.concatenate(parts)))


def columns(
    mapping: Mapping, encoder: Encoder, layers: Sequence[str]
) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    """Return which features each layer has, half-open, and the names of all features."""
    zeros = np.zeros(
        (1, mapping.inputs if not encoder.channels else encoder.channels, encoder.size, encoder.size)
    )
    found = encoder.encode(zeros.astype(np.float32))
    spans: dict[str, list[int]] = {}
    names: list[str] = []
    for layer in layers:
        start = len(names)
        for channel in mapping.names:
            before = f"{channel}.{layer}" if channel else layer
            names += [f"{before}.{number:04}" for number in range(found[layer].shape[1])]
        spans[layer] = [start, len(names)]
    return spans, tuple(names)


def choose_layers(encoder: Encoder, wanted: bool | Sequence[str]) -> tuple[str, ...]:
    """Return the names of layers, in the order of the network: the main one, all, or some.

    Raises
    ------
    EncoderError
        If the encoder has no such layer.
    """
    if isinstance(wanted, bool):
        return tuple(encoder.layers) if wanted else (encoder.layers[-1],)
    unknown = [name for name in wanted if name not in encoder.layers]
    if unknown or not wanted:
        raise EncoderError(
            encoder.name,
            f"has no layer {unknown[0]!r}" if unknown else "is asked for no layer",
            f"Layers are {', '.join(encoder.layers)}",
        )
    return tuple(name for name in encoder.layers if name in wanted)


class _Rows:
    """Inputs on their way to the encoder, and features of rows that are whole."""

    def __init__(self, encoder: Encoder, mapping: Mapping, layers: Sequence[str], batch: int) -> None:
        self._encoder = encoder
        self._mapping = mapping
        self._layers = layers
        self._step = max(1, batch // len(mapping.names))
        self._pixels: list[Floats] = []
        self._numbers: list[npt.NDArray[np.int64]] = []
        self._waiting = 0
        self._done: list[Floats] = []
        self._rows: list[npt.NDArray[np.int64]] = []
        self.rows = 0
        """How many rows are in hand."""

    def add(self, pixels: Floats, numbers: npt.NDArray[np.int64]) -> None:
        """Take the inputs of some windows with the numbers of their rows."""
        self._pixels.append(pixels)
        self._numbers.append(numbers)
        self._waiting += len(pixels)
        self.rows += len(np.unique(numbers))
        if self._waiting >= self._step:
            self._encode(whole=False)

    def take(self) -> Floats:
        """Return the features of all rows, those of tiles averaged, and begin anew."""
        self._encode(whole=True)
        numbers = np.concatenate(self._rows)
        values = np.concatenate(self._done)
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        if len(starts) < len(numbers):
            counts = np.diff(starts, append=len(numbers))
            sums = np.add.reduceat(values.astype(np.float64), starts, axis=0)
            values = (sums / counts[:, None]).astype(np.float32)
        self._done, self._rows, self.rows = [], [], 0
        return values

    def _encode(self, *, whole: bool) -> None:
        if not self._pixels:
            return
        pixels, numbers = np.concatenate(self._pixels), np.concatenate(self._numbers)
        end = len(pixels) if whole else len(pixels) // self._step * self._step
        for start in range(0, end, self._step):
            piece = pixels[start : min(end, start + self._step)]
            self._done.append(self._features(piece))
        self._rows.append(numbers[:end])
        self._pixels, self._numbers, self._waiting = [pixels[end:]], [numbers[end:]], len(pixels) - end

    def _features(self, pixels: Floats) -> Floats:
        found = self._encoder.encode(self._mapping.passes(pixels))
        n, apart = len(pixels), len(self._mapping.names)
        parts = []
        for layer in self._layers:
            held = found.get(layer)
            if held is None or held.ndim != 2 or len(held) != n * apart:
                shape = "nothing" if held is None else str(held.shape)
                raise EncoderError(
                    self._encoder.name,
                    f"gives {shape} in layer {layer} for {n * apart} images",
                    "It must give (n, d)",
                )
            parts.append(held.reshape(n, apart * held.shape[1]))
        return np.concatenate(parts, axis=1).astype(np.float32, copy=False)
