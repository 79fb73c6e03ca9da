"""How well the network does on validation images: loss, and F1 of the instances, pooled over objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.loading import Patches
from micrographia.representation.encoders.networks import torch_module
from micrographia.segmentation.metrics.contingency import contingency
from micrographia.segmentation.metrics.matching import match
from micrographia.segmentation.models.postprocessing import Postprocessing, instances
from micrographia.segmentation.models.protocol import Settings
from micrographia.segmentation.models.unet import UNetSegmenter
from micrographia.segmentation.training.losses import combined, losses
from micrographia.segmentation.training.targets import targets

Floats = npt.NDArray[np.float32]

AT_EACH = 4 << 20
"""Pixels that are judged at each evaluation."""
AT_END = 8 << 20
"""Pixels that are judged, and tuned on, at the end."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A validation image, or a part of a large one: normalised pixels, labels, and where they count."""

    image_id: str
    image: Floats
    mask: npt.NDArray[np.int32]
    region: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judgement:
    """Score of some samples: counts of objects at an intersection over union of at least 0.5, and the loss."""

    tp: int
    fp: int
    fn: int
    loss: float

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 1 where there are no objects and none was found."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 1.0


class Samples:
    """Validation images, read when they are needed.

    Parameters
    ----------
    patches
        With ``sampling="grid"``, without augmentation.
    seed
        Of the choice where there are more pixels than are judged.
    spacing
        Of voxels, for targets and the watershed; None in 2D.
    """

    def __init__(self, patches: Patches, seed: int, spacing: tuple[float, ...] | None = None) -> None:
        self.patches = patches
        self.spacing = spacing
        order = np.random.default_rng([seed, 17]).permutation(len(patches))
        self.order: list[int] = order.tolist()
        self._held: list[Sample] = []

    def first(self, pixels: int) -> list[Sample]:
        """Return samples that hold together about so many pixels, at least one; always the same ones."""
        found: list[Sample] = []
        total = 0
        for at, number in enumerate(self.order):
            if total >= pixels:
                break
            if at >= len(self._held):
                self._held.append(self._sample(number))
            found.append(self._held[at])
            total += found[-1].mask.size
        return found

    def _sample(self, number: int) -> Sample:
        patch = self.patches[number]
        region = patch["region"]
        # Padding at the far ends counts for nothing and only costs time.
        places = np.nonzero(region)
        ends = [int(axis.max()) + 1 if len(axis) else 1 for axis in places]
        inside = tuple(slice(0, end) for end in ends)
        image = np.ascontiguousarray(patch["image"][(slice(None), *inside)])
        return Sample(
            patch["image_id"],
            image,
            np.ascontiguousarray(patch["mask"][inside]),
            np.ascontiguousarray(region[inside]),
        )


def judge(model: UNetSegmenter, samples: Sequence[Sample], spacing: tuple[float, ...] | None) -> Judgement:
    """Return the score of a model on samples."""
    torch = torch_module()
    counts = np.zeros(3, np.int64)
    lost, pixels = 0.0, 0
    for sample in samples:
        logits, maps = model.raw_maps(sample.image)
        wanted = torch.from_numpy(targets(sample.mask, spacing))[None]
        parts = losses(torch.from_numpy(logits)[None], wanted, torch.from_numpy(sample.region)[None])
        counted = int(sample.region.sum())
        lost += float(combined(parts)) * counted
        pixels += counted
        counts += _counts(maps, sample, model.postprocessing, spacing)
    tp, fp, fn = counts.tolist()
    return Judgement(tp, fp, fn, lost / max(1, pixels))


def tuned(
    model: UNetSegmenter, samples: Sequence[Sample], spacing: tuple[float, ...] | None
) -> tuple[UNetSegmenter, list[dict[str, Any]]]:
    """Return the model with the settings of its grid that score best on samples, and all that were tried.

    The present settings, the first of the grid, stay unless the best ones score better by more than a standard error of
    the difference over images, by linearisation (the one-standard-error rule of Breiman et al. 1984): the best of many
    settings on few images is often an accident. With one image nothing is known of that, and the best are taken. The
    network runs once an image.
    """
    grid = model.settings_grid()
    images = list(dict.fromkeys(sample.image_id for sample in samples))
    counts = np.zeros((len(grid), len(images), 3), np.int64)
    for sample in samples:
        maps = model.network_maps(sample.image)
        for at, settings in enumerate(grid):
            chosen = Postprocessing.from_json(settings)
            counts[at, images.index(sample.image_id)] += _counts(maps, sample, chosen, spacing)
    table = [_row(settings, rows.sum(0).tolist()) for settings, rows in zip(grid, counts, strict=True)]
    best = max(range(len(grid)), key=lambda at: (table[at]["f1@0.5"], -at))
    if len(images) > 1 and table[best]["f1@0.5"] - table[0]["f1@0.5"] <= _standard_error(
        counts[best], counts[0]
    ):
        best = 0
    return model.with_settings(grid[best]), table


def _standard_error(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> float:
    """Return the standard error of the difference of two pooled F1 over images, given their counts (images, 3)."""
    parts = []
    for counts in (one, other):
        found = 2.0 * counts[:, 0]
        total = found + counts[:, 1] + counts[:, 2]
        whole = total.sum()
        parts.append((found - found.sum() / whole * total) / whole if whole else np.zeros(len(counts)))
    number = len(one)
    return float(np.sqrt(((parts[0] - parts[1]) ** 2).sum() * number / (number - 1)))


def _row(settings: Settings, counts: Sequence[int]) -> dict[str, Any]:
    tp, fp, fn = counts
    return {"settings": dict(settings), "f1@0.5": Judgement(tp, fp, fn, 0.0).f1, "tp": tp, "fp": fp, "fn": fn}


def _counts(
    maps: Floats, sample: Sample, settings: Postprocessing, spacing: tuple[float, ...] | None
) -> npt.NDArray[np.int64]:
    labels = instances(maps[0], maps[1], maps[2], settings=settings, spacing=spacing)
    region: Mapping[str, Any] = {} if sample.region.all() else {"region": sample.region}
    found = match(contingency(sample.mask, labels, **region), 0.5)
    return np.array([found.tp, found.fp, found.fn], np.int64)
