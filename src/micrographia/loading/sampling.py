"""Drawing the patches of an epoch: random, on a grid, around objects, or balanced over classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from micrographia.loading import order as ordering
from micrographia.loading.errors import LoadingError
from micrographia.loading.frames import Frame, Three
from micrographia.loading.geometry import Geometry
from micrographia.loading.mixing import capped, mixture
from micrographia.loading.normalising import Normaliser
from micrographia.loading.objects import Objects
from micrographia.loading.order import Order
from micrographia.loading.planning import Draws, grid_starts, in_blocks, random_starts, shares

Sampling = Literal["random", "grid", "objects", "balanced"]
SAMPLINGS = ("random", "grid", "objects", "balanced")
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Options:
    """How patches are drawn and made; see :func:`~micrographia.loading.patches`."""

    size: tuple[int, ...]
    sampling: Sampling
    normaliser: Normaliser
    augment: Callable[[dict[str, Any], np.random.Generator], dict[str, Any]] | None = None
    weights: tuple[float, ...] | None = None
    temperature: float | None = None
    object_cap: float | None = None
    jitter: float = 0.0
    per_epoch: int | None = None
    seed: int = 0
    threads: int | None = None
    cache_bytes: int = 0
    mapped: str | None = None
    boxes: bool = False
    points: bool = False
    classes: bool = False

    @property
    def patch(self) -> Three:
        """Z, Y, X."""
        z, y, x = (1,) * (3 - len(self.size)) + self.size
        return z, y, x

    @property
    def flat(self) -> bool:
        """Whether patches are planes."""
        return len(self.size) == 2


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What patches are drawn from.

    Parameters
    ----------
    frames, shapes
        The frames and their geometry.
    datasets
        Name of each dataset, for errors.
    objects
        Of each frame; None unless patches are drawn around them.
    classes
        For each dataset, class number to name.
    """

    frames: tuple[Frame, ...]
    shapes: tuple[Geometry, ...]
    datasets: tuple[str, ...]
    objects: tuple[Objects, ...] | None = None
    classes: tuple[dict[int, str], ...] = ()

    @property
    def owners(self) -> Ints:
        """Dataset of each frame."""
        return np.array([frame.dataset for frame in self.frames], np.int64)


def generator(options: Options, epoch: int, purpose: int, *more: int) -> np.random.Generator:
    """Return the source of chance for one purpose in one epoch."""
    return np.random.default_rng([options.seed, epoch, purpose, *more])


def draw(material: Material, options: Options, epoch: int) -> Draws:
    """Draw the patches of an epoch.

    Raises
    ------
    LoadingError
        If there is nothing to draw.
    """
    random = generator(options, epoch, 0)
    if options.sampling in ("objects", "balanced"):
        return in_blocks(material.shapes, *_around_objects(material, options, random))
    visits = None
    if options.sampling == "grid":
        parts = [grid_starts(shape) for shape in material.shapes]
        counts = np.array([len(part) for part in parts])
    else:
        counts = _counts(material, options, random)
        drawn = [
            random_starts(shape, count, random)
            for shape, count in zip(material.shapes, counts.tolist(), strict=True)
            if count
        ]
        parts = [starts for starts, _ in drawn]
        visits = np.concatenate([numbers for _, numbers in drawn])
    starts = np.concatenate(parts)
    frames = np.repeat(np.arange(len(counts)), counts)
    return in_blocks(material.shapes, frames, starts, np.full(len(starts), -1, np.int64), visits)


def arrange(material: Material, options: Options, epoch: int, draws: Draws) -> Order:
    """Return the order in which the patches of an epoch come."""
    if options.sampling == "grid":
        return ordering.in_turn(len(draws))
    sizes = np.array(
        [
            np.prod([part.stop - part.start for part in box]) * material.shapes[frame].pixel_bytes
            for frame, box in zip(draws.block_frames.tolist(), draws.boxes, strict=True)
        ],
        np.int64,
    )
    return ordering.shuffled(draws.blocks, sizes, options.cache_bytes, generator(options, epoch, 1))


def _counts(material: Material, options: Options, random: np.random.Generator) -> Ints:
    """Return how many patches each frame gives: in a dataset, each in proportion to what it holds."""
    amounts = np.array([shape.patches for shape in material.shapes])
    return _dealt(material, options, amounts, amounts, random)


def _dealt(
    material: Material, options: Options, amounts: Floats, most: Floats, random: np.random.Generator
) -> Ints:
    """Deal the patches of an epoch to datasets by the options, in a dataset to frames by their amounts.

    ``most`` times ``object_cap`` is what a dataset may give.
    """
    owners, count = material.owners, len(material.datasets)
    held = np.bincount(owners, amounts, minlength=count).astype(np.float64)
    total = options.per_epoch or max(1, round(float(held.sum())))
    share = mixture(held.tolist(), weights=options.weights, temperature=options.temperature)
    cap = np.full(count, np.inf)
    if options.object_cap is not None:
        cap = np.bincount(owners, most, minlength=count) * options.object_cap
    given = capped(total, share, cap)
    weights = given[owners] * amounts / np.maximum(held[owners], 1e-300)
    return shares(max(1, round(float(given.sum()))), weights, random)


def _around_objects(
    material: Material, options: Options, random: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Draw objects, and a patch around each."""
    held = material.objects
    assert held is not None  # noqa: S101 - they were found when the patches were made
    frames = np.repeat(np.arange(len(held)), [len(one) for one in held])
    if not len(frames):
        raise LoadingError(
            material.datasets[0], "has no objects to cut patches around", "Use sampling='random'"
        )
    weights = np.ones(len(frames))
    if options.sampling == "balanced":
        weights = _balanced(material, held, frames)
    owners = material.owners[frames]
    sums = np.bincount(owners, weights, minlength=len(material.datasets))
    weights = np.where(weights > 0, weights / sums[owners], 0.0)
    chosen = _choose(material, options, frames, weights, random)
    centres = np.concatenate([one.centres for one in held])[chosen]
    ids = np.concatenate([one.ids for one in held])[chosen]
    starts = _centred(material.shapes, frames[chosen], centres, options.jitter, random)
    return frames[chosen], starts, ids


def _choose(
    material: Material, options: Options, frames: Ints, weights: Floats, random: np.random.Generator
) -> Ints:
    """Choose objects: each dataset has its share, and none of its objects more than ``object_cap`` patches."""
    owners, count = material.owners[frames], len(material.datasets)
    usable = np.bincount(owners, weights > 0, minlength=count).astype(np.float64)
    total = options.per_epoch or int(usable.sum())
    share = mixture(usable.tolist(), weights=options.weights, temperature=options.temperature)
    cap = np.inf if options.object_cap is None else float(np.floor(options.object_cap))
    given = shares_of_total(
        capped(total, share, usable * cap if np.isfinite(cap) else np.full(count, np.inf)), random
    )
    classes = np.concatenate([one.classes for one in material.objects or ()])
    chosen = []
    for dataset in range(count):
        mine = np.flatnonzero((owners == dataset) & (weights > 0))
        if not len(mine) or not given[dataset]:
            continue
        mine = mine[random.permutation(len(mine))]
        mine = mine[np.argsort(classes[mine], kind="stable")]  # so that each class has its share to the patch
        most = np.full(len(mine), cap)
        expected = capped(float(given[dataset]), weights[mine] / weights[mine].sum(), most)
        times = np.minimum(shares(round(float(expected.sum())), expected, random), most).astype(np.int64)
        chosen.append(np.repeat(mine, times))
    if not chosen:
        raise LoadingError("", f"object_cap={options.object_cap} leaves no patch", "Give 1 or more")
    return np.concatenate(chosen)


def shares_of_total(expected: Floats, random: np.random.Generator) -> Ints:
    """Return whole numbers with the same sum, rounded, each its expectation rounded down or up."""
    return shares(max(1, round(float(expected.sum()))), expected, random)


def _balanced(material: Material, held: Sequence[Objects], frames: Ints) -> Floats:
    """Return weights of objects by which every class of a dataset has the same share; 0 where the class is unknown."""
    owners = material.owners[frames]
    classes = np.concatenate([one.classes for one in held])
    weights = np.zeros(len(frames))
    for dataset, name in enumerate(material.datasets):
        mine = (owners == dataset) & (classes >= 0)
        if not mine.any():
            raise LoadingError(
                name,
                "says of no object which class it has, so classes cannot be balanced",
                "Give class_id in annotations/objects.parquet, or use sampling='objects'",
            )
        _, inverse, counts = np.unique(classes[mine], return_inverse=True, return_counts=True)
        weights[mine] = 1.0 / counts[inverse]
    return weights


def _centred(
    shapes: Sequence[Geometry], frames: Ints, centres: Floats, jitter: float, random: np.random.Generator
) -> Ints:
    """Return where patches begin whose middle pixel is nearest to some places, moved inside the frame."""
    footprints = np.array([shapes[frame].footprint for frame in frames.tolist()])
    last = np.array([shapes[frame].starts for frame in frames.tolist()]) - 1
    moved = centres + random.uniform(-jitter, jitter, centres.shape) * footprints
    starts = np.floor(moved + 0.5).astype(np.int64) - footprints // 2
    found: Ints = np.clip(starts, 0, last)
    return found
