"""What an embedding will read: all windows of all images, decided before the first is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.images import Image
from micrographia.representation.encoders.ablations import ablate, parse
from micrographia.representation.encoders.crops import Reading, foreground
from micrographia.representation.encoders.inputs import (
    Header,
    Mapping,
    choose_mapping,
    choose_scaling,
    header,
    limits,
)
from micrographia.representation.encoders.resample import Floats
from micrographia.representation.encoders.sampling import (
    LABEL,
    LAYER,
    X0,
    Y0,
    Y1,
    Samples,
    Sampling,
    T,
    chosen_set,
    fields,
    objects,
    patches,
)
from micrographia.representation.encoders.sources import RESERVED, Collection, Source
from micrographia.work import stream

if TYPE_CHECKING:
    import pandas as pd

CHUNK_BYTES = 16 << 20
"""About how many bytes of inputs are read at once."""
CHUNK_WINDOWS = 64


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some windows of one image, read together.

    Parameters
    ----------
    source
        Number of the image.
    start, stop
        Its windows.
    first_row
        Number of the first row of the image, among all.
    last
        No more windows of this image follow.
    """

    source: int
    start: int
    stop: int
    first_row: int
    last: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """All windows of all images, and how they are read.

    Parameters
    ----------
    collection
        The images.
    samples
        The windows of each.
    sampling, mapping, scaling
        How windows become inputs; chosen, no longer ``auto``.
    size
        Side of an input in pixels.
    annotation_set
        Whose objects are rows; empty if none.
    ablation, seed
        What is taken out of the inputs.
    """

    collection: Collection
    samples: Sequence[Samples]
    sampling: Sampling
    mapping: Mapping
    scaling: str
    size: int
    annotation_set: str = ""
    ablation: str = ""
    seed: int = 0
    _limits: Callable[[int], npt.NDArray[np.float64]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Keep the limits of the images that were read last: chunks of one image follow each other."""
        object.__setattr__(self, "_limits", lru_cache(maxsize=16)(self._measured))

    @property
    def windows(self) -> int:
        """Number of windows."""
        return sum(len(held.windows) for held in self.samples)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(len(held.centres) for held in self.samples)

    def chunks(self) -> Iterator[Chunk]:
        """Yield all work, in the order of the rows."""
        channels = max(self.mapping.inputs, max(held.header.channels for held in self.samples))
        step = max(1, min(CHUNK_WINDOWS, CHUNK_BYTES // (4 * channels * self.size**2)))
        row = 0
        for number, held in enumerate(self.samples):
            n = len(held.windows)
            for start in range(0, n, step):
                yield Chunk(number, start, min(n, start + step), row, start + step >= n)
            row += len(held.centres)

    def row_numbers(self, chunk: Chunk) -> npt.NDArray[np.int64]:
        """Return the row of each window of a chunk."""
        return chunk.first_row + self.samples[chunk.source].rows[chunk.start : chunk.stop]

    def read(self, chunk: Chunk) -> Floats:
        """Return the windows of a chunk as float32 ``(n, k, size, size)`` in 0..1, ablated if so wished.

        Raises
        ------
        MicrographiaError
            If the image cannot be read, or its intensities do not fit the scaling.
        """
        return self.read_windows(chunk.source, np.arange(chunk.start, chunk.stop), self.ablation)

    def read_windows(self, number: int, which: npt.NDArray[np.int64], ablation: str = "") -> Floats:
        """Return some windows of an image; see :meth:`read`."""
        source, held = self.collection.sources[number], self.samples[number]
        told = held.header
        windows = held.windows[which]
        with source.image() as image:
            reading = Reading(
                image,
                told,
                self.mapping.take(told),
                self._limits(number),
                self.sampling.project,
                strict=self.scaling == "dtype" and image.dtype.kind == "f",
            )
            found = np.stack(
                [self.mapping.select(reading.window(window.tolist(), self.size)) for window in windows]
            )
        if self.sampling.masked and self.annotation_set:
            self._black_out(found, source, told, windows)
        if ablation:
            masks = self._foregrounds(source, told, windows) if parse(ablation)[0].needs_masks else None
            names = [_window_id(source, window) for window in windows]
            found = ablate(ablation, found, names, masks, seed=self.seed)
        return found

    def meta(self) -> pd.DataFrame:
        """Return the metadata of the rows: image, split, groups, and where each is in its image."""
        import pandas as pd

        counts = [len(held.centres) for held in self.samples]
        sources = self.collection.sources
        columns: dict[str, Any] = {
            "image": np.repeat(np.array([source.id for source in sources], object), counts),
            "split": np.repeat(np.array([source.split or None for source in sources], object), counts),
        }
        for name in self.collection.group_names:
            values = np.array([source.groups.get(name) or None for source in sources], object)
            columns[f"group_{name}" if name in RESERVED else name] = np.repeat(values, counts)
        # The first window of each row tells of all of them.
        first = [held.windows[np.unique(held.rows, return_index=True)[1]] for held in self.samples]
        windows = np.concatenate(first)
        centres = np.concatenate([held.centres for held in self.samples])
        if any(held.header.times > 1 for held in self.samples):
            columns["t"] = windows[:, T]
        if self.sampling.per == "object":
            columns["set"] = np.full(len(windows), self.annotation_set, object)
            if len(windows) and windows[:, LAYER].max() > 1:
                columns["layer"] = windows[:, LAYER]
            columns["object"] = windows[:, LABEL]
        if self.sampling.per != "image":
            columns["y"], columns["x"] = centres.T
            columns["side"] = windows[:, Y1] - windows[:, Y0]
        return pd.DataFrame(columns)

    def _measured(self, number: int) -> npt.NDArray[np.float64]:
        told = self.samples[number].header
        with self.collection.sources[number].image() as image:
            return limits(image, told, self.mapping.take(told), self.scaling)

    def _black_out(self, found: Floats, source: Source, told: Header, windows: npt.NDArray[np.int64]) -> None:
        masks = {mask.layer: mask.image for mask in source.masks() if mask.set == self.annotation_set}
        for pixels, window in zip(found, windows.tolist(), strict=True):
            held = foreground([masks[window[LAYER]]], told, window, self.size, window[LABEL])
            pixels[:, ~held] = 0.0

    def _foregrounds(
        self, source: Source, told: Header, windows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        masks: list[Image] = [mask.image for mask in source.masks()]
        if not masks:
            raise ProfileError(
                source.id, f"has no label image, which the ablation {self.ablation} needs", "Leave it out"
            )
        return np.stack([foreground(masks, told, window, self.size) for window in windows.tolist()])


def make_plan(
    collection: Collection,
    sampling: Sampling,
    *,
    size: int,
    channels: int,
    mapping: str = "auto",
    scaling: str = "auto",
    ablation: str = "",
    seed: int = 0,
    workers: int | None = None,
) -> Plan:
    """Read the headers of all images, and label images where objects are rows, and decide what is encoded.

    Parameters
    ----------
    collection
        The images.
    sampling
        What becomes a row.
    size, channels
        What the encoder takes.
    mapping, scaling
        As in :func:`~micrographia.representation.encoders.inputs.choose_mapping` and ``choose_scaling``.
    ablation, seed
        As in :func:`~micrographia.representation.encoders.ablations.ablate`.
    workers
        Threads that read.

    Raises
    ------
    MicrographiaError
        If an image cannot be read, or a choice does not fit the images.
    """
    sampling.verify()
    if ablation:
        parse(ablation)
    headers = [
        outcome.result()
        for outcome in stream(
            _header, collection.sources, kind="threads", workers=workers, name=lambda source: source.id
        )
    ]
    chosen = choose_mapping(mapping, headers, channels)
    scaled = choose_scaling(scaling, headers)
    name = ""
    if sampling.per == "object":
        name = chosen_set(sampling.annotation_set, collection.sources, collection.kinds)

        def found(pair: tuple[Source, Header]) -> Samples:
            source, told = pair
            return objects(told, sampling, [mask for mask in source.masks() if mask.set == name])

        pairs = zip(collection.sources, headers, strict=True)
        outcomes = stream(found, pairs, kind="threads", workers=workers, name=lambda pair: pair[0].id)
        samples = [outcome.result() for outcome in outcomes]
    else:
        lay = fields if sampling.per == "image" else patches
        samples = [lay(told, sampling, size) for told in headers]
    if not any(len(held.windows) for held in samples):
        raise ProfileError(
            collection.path, f"the label images of {name!r} hold no objects", "Choose another set"
        )
    return Plan(collection, samples, sampling, chosen, scaled, size, name, ablation, seed)


def _header(source: Source) -> Header:
    with source.image() as image:
        return header(source.id, image)


def _window_id(source: Source, window: npt.NDArray[np.int64]) -> str:
    """Return what random ablations of a window are drawn from; of a whole field, the id of its image."""
    t, y, x, label, layer = (int(window[at]) for at in (T, Y0, X0, LABEL, LAYER))
    return source.id if not any((t, y, x, label)) else f"{source.id}\0{t}\0{y}\0{x}\0{label}\0{layer}"
