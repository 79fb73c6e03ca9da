"""What training is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from micrographia.segmentation.metrics.errors import SegmentationError

PRECISIONS = ("auto", "float32", "mixed")
SAMPLINGS = ("random", "objects", "balanced")


@dataclass(frozen=True)
class TrainOptions:
    """How to train the reference model.

    Parameters
    ----------
    datasets
        Folders of datasets; several are mixed.
    out
        Folder of the model.
    name, version
        Of the model; the name of the folder by default.
    masks
        Annotation set to learn; by default the only one with objects.
    channels
        Roles or names of the channels that the network takes, in order; None for all as they are.
    group, validation, share, only, images
        Which images train and which validate; see :class:`~micrographia.segmentation.training.division.Wish`.
        ``images`` has one list a dataset, or None.
    steps
        Batches to learn from.
    minutes
        Instead of ``steps``: as many as fit, ``refit`` included, by the speed of the first few. The number is noted in
        the card; training again with that many gives the same model.
    patch
        Size of a patch ([Z,] Y, X); None for 160 x 160, or 16 x 96 x 96 where images are stacks.
    batch
        Patches a step; None for 8, or 2 in 3D.
    rate
        Largest learning rate of the one cycle (Smith & Topin 2019).
    widths
        Channels of the levels of the network; None for 24, 48, 72, 96, or 16, 32, 48, 64 in 3D.
    pixel_size, object_size
        Rescale so that a pixel has so many micrometres, or a median object this diameter in pixels.
    sampling
        How patches are placed: ``random``, ``objects`` (around objects) or ``balanced``.
    weights, temperature, object_cap
        How datasets are mixed; see :func:`micrographia.loading.patches`.
    augment
        Turn, mirror, scale, stretch and bend patches, and change their intensities.
    evaluations
        How often the validation images are looked at, evenly spread.
    patience
        Stop after so many of these without a better score; 0 never stops.
    refit
        Learn anew from the images for training and for validation together, as long as the network that scored best
        had learned, with its settings. That network gives the score in the card; the one that is kept has none.
    seed
        Of weights, patches, and the choice of groups.
    device, precision
        Where; ``mixed`` computes convolutions in 16 bits, ``auto`` does so on graphics cards only.
    workers
        Threads that read images; None for one a processor.
    resume
        Go on from the checkpoint in ``out``.
    bioimageio
        Also write a BioImage.IO package.
    """

    datasets: Sequence[Path | str]
    out: Path
    name: str = ""
    version: str = "1"
    masks: str | None = None
    channels: Sequence[str] | None = None
    group: str | None = None
    validation: Sequence[str] | None = None
    share: float = 0.2
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    images: Sequence[Sequence[str] | None] | None = None
    steps: int = 2000
    minutes: float | None = None
    patch: Sequence[int] | None = None
    batch: int | None = None
    rate: float = 3e-3
    widths: Sequence[int] | None = None
    pixel_size: float | None = None
    object_size: float | None = None
    sampling: str = "random"
    weights: Sequence[float] | None = None
    temperature: float | None = None
    object_cap: float | None = None
    augment: bool = True
    evaluations: int = 20
    patience: int = 8
    refit: bool = False
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    workers: int | None = None
    resume: bool = False
    bioimageio: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not self.datasets:
            raise SegmentationError("", "there is nothing to train on", "Name one dataset or several")
        positive = ("steps", "minutes", "batch", "rate", "pixel_size", "object_size", "evaluations")
        for name in positive:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise SegmentationError("", f"{name} is {value}", "Give a positive number")
        if self.patience < 0:
            raise SegmentationError("", f"patience is {self.patience}", "Give 0 to never stop early, or more")
        if self.precision not in PRECISIONS or self.sampling not in SAMPLINGS:
            wrong, there = (
                (self.precision, PRECISIONS)
                if self.precision not in PRECISIONS
                else (self.sampling, SAMPLINGS)
            )
            raise SegmentationError("", f"there is no {wrong!r}", f"Choose one of {', '.join(there)}")
        if self.patch is not None and (len(self.patch) not in (2, 3) or min(self.patch) < 1):
            raise SegmentationError("", f"a patch of {tuple(self.patch)}", "Give Y,X or Z,Y,X")
        if self.images is not None and len(self.images) != len(self.datasets):
            raise SegmentationError(
                "", f"{len(self.images)} lists of images for {len(self.datasets)} datasets", "Give one each"
            )

    def determining(self) -> dict[str, Any]:
        """Return what the weights depend on besides the data, as JSON values: a resumed run must agree in it."""
        left_out = (
            "datasets",
            "out",
            "name",
            "version",
            "workers",
            "resume",
            "bioimageio",
            "minutes",
            "device",
        )
        found: dict[str, Any] = {}
        for one in fields(self):
            if one.name in left_out:
                continue
            value = getattr(self, one.name)
            if isinstance(value, Mapping):
                value = {str(key): list(held) for key, held in sorted(value.items())}
            elif value is not None and not isinstance(value, str | int | float):
                value = [list(part) if isinstance(part, list | tuple) else part for part in value]
            found[one.name] = value
        return found
