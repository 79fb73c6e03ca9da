"""What a run consists of, before it begins: images that train and validate, patches, and the network that fits them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from micrographia.dataset import Dataset, open_dataset
from micrographia.loading import Patches, patches
from micrographia.loading.frames import Frame, LeftOut, mask_set
from micrographia.loading.roles import ANY, ROLES, channel_roles, role_of
from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.models.unet_network import WIDTHS, NetworkShape, shape_for
from micrographia.segmentation.training.augmentation import Augmentation
from micrographia.segmentation.training.division import Division, Wish, divide
from micrographia.segmentation.training.options import TrainOptions

PATCH = {2: (160, 160), 3: (16, 96, 96)}
BATCH = {2: 8, 3: 2}
NARROW = (16, 32, 48, 64)
"""Channels of the levels of a network in 3D."""
SEEN = {2: 1024, 3: 128}
"""Largest side of what is validated at once; more is cut by a grid."""
JITTER = 0.25
"""How far patches around objects are moved, as a share of their size: not all objects lie in the middle of an image."""
NEAR = 0.01
"""Pixel sizes that differ by less than this share are taken for equal."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A run, ready to begin.

    Parameters
    ----------
    datasets, sets, divisions
        Each dataset with the annotation set that is learned, and which of its images are used how.
    train_of
        Returns patches to learn from, so many an epoch; of the images for validation too, if asked for.
    validation
        The grid of patches to validate on.
    shape
        Of the network.
    roles
        Of its channels; ``("any",)`` where nothing tells them.
    pixel_size
        Micrometres of a pixel in the plane; None if unknown or not the same everywhere.
    spacing
        Of voxels in widths of a pixel; None in 2D.
    patch, batch
        As they were chosen.
    augmentation
        Of patches; None for none.
    notes
        What a person should know, a sentence each.
    """

    datasets: tuple[Dataset, ...]
    sets: tuple[str, ...]
    divisions: tuple[Division, ...]
    train_of: Callable[[int, bool], Patches]
    validation: Patches
    shape: NetworkShape
    roles: tuple[str, ...]
    pixel_size: float | None
    spacing: tuple[float, ...] | None
    patch: tuple[int, ...]
    batch: int
    augmentation: Augmentation | None
    notes: tuple[str, ...]


def make_plan(options: TrainOptions) -> Plan:
    """Decide what a run consists of; headers of images are read, no pixels.

    Raises
    ------
    DatasetError, LoadingError, SegmentationError
        If a dataset cannot be opened or used, or they do not fit together.
    """
    datasets = tuple(open_dataset(path) for path in options.datasets)
    sets = tuple(mask_set(dataset, options.masks) for dataset in datasets)
    divisions = tuple(
        divide(
            dataset,
            annotated(dataset, name),
            Wish(
                options.group,
                options.validation,
                options.share,
                options.only,
                None if options.images is None else options.images[at],
            ),
            seed=options.seed,
        )
        for at, (dataset, name) in enumerate(zip(datasets, sets, strict=True))
    )
    axes = _axes(datasets, divisions, options)
    shared: dict[str, Any] = {
        "masks": options.masks,
        "channels": options.channels,
        "seed": options.seed,
        "threads": options.workers,
    }
    for name in ("pixel_size", "object_size"):
        if getattr(options, name) is not None:
            shared[name] = getattr(options, name)
    rescaled = options.pixel_size is not None or options.object_size is not None
    size, frames, left_out = _size(datasets, divisions, options, axes, rescaled, shared)
    anisotropy = _anisotropy(frames) if axes == 3 else 1.0
    shape = shape_for(
        "ZYX"[-axes:],
        _channels(datasets, frames),
        widths=tuple(options.widths) if options.widths is not None else (WIDTHS if axes == 2 else NARROW),
        anisotropy=anisotropy,
        depth=size[0] if axes == 3 else None,
    )
    uneven = [side for side, step in zip(size, shape.multiple, strict=True) if side % step]
    if uneven:
        raise SegmentationError(
            "", f"a patch of {size} does not fit the network", f"Give multiples of {shape.multiple}"
        )
    batch = options.batch or BATCH[axes]
    augmentation = Augmentation(size) if options.augment else None

    def train_of(per_epoch: int, refit: bool) -> Patches:
        return patches(
            datasets,
            augmentation.margin() if augmentation is not None else size,
            sampling=options.sampling,  # type: ignore[arg-type]
            images=[division.learned(refit=refit) for division in divisions],
            augment=augmentation,
            weights=options.weights,
            temperature=options.temperature,
            object_cap=options.object_cap,
            per_epoch=per_epoch,
            **shared,
        )

    seen = tuple(
        _upto(max(extents), SEEN[axes], step)
        for extents, step in zip(_extents(frames, axes), shape.multiple, strict=True)
    )
    validation = patches(
        datasets,
        tuple(SEEN[axes] for _ in seen) if rescaled else seen,
        sampling="grid",
        images=[division.validation for division in divisions],
        **shared,
    )
    pixel_size, notes = _pixel_size(frames, options)
    notes += [
        f"{datasets[one.dataset].path.name}: {one.image_id} is left out: {one.reason}" for one in left_out
    ]
    return Plan(
        datasets,
        sets,
        divisions,
        train_of,
        validation,
        shape,
        _roles(datasets, divisions, options),
        pixel_size,
        (anisotropy, 1.0, 1.0) if axes == 3 else None,
        size,
        batch,
        augmentation,
        tuple(notes),
    )


def annotated(dataset: Dataset, name: str) -> list[str]:
    """Return the ids of the images that have masks of an annotation set."""
    return [
        image
        for image in dataset.image_ids
        if any((row.set or "masks") == name for row in dataset.mask_rows(image))
    ]


def _axes(datasets: Sequence[Dataset], divisions: Sequence[Division], options: TrainOptions) -> int:
    if options.patch is not None:
        return len(options.patch)
    deep = []
    for dataset, division in zip(datasets, divisions, strict=True):
        with dataset.image(division.train[0]) as image:
            deep.append(image.size("Z") > 1)
    return 3 if all(deep) else 2


def _size(
    datasets: Sequence[Dataset],
    divisions: Sequence[Division],
    options: TrainOptions,
    axes: int,
    rescaled: bool,
    shared: dict[str, Any],
) -> tuple[tuple[int, ...], tuple[Frame, ...], tuple[LeftOut, ...]]:
    """Return the size of a patch, and what patches can be cut from."""
    probe = patches(
        datasets,
        options.patch or PATCH[axes],
        images=[[*division.train, *division.validation] for division in divisions],
        **shared,
    )
    if options.patch is not None or rescaled:
        return tuple(options.patch or PATCH[axes]), probe.frames, probe.left_out
    steps = (4, 16, 16)[-axes:]
    return (
        tuple(
            _upto(max(extents), side, step)
            for extents, side, step in zip(_extents(probe.frames, axes), PATCH[axes], steps, strict=True)
        ),
        probe.frames,
        probe.left_out,
    )


def _extents(frames: Sequence[Frame], axes: int) -> list[tuple[int, ...]]:
    """Return the sizes of all frames along each axis."""
    return list(zip(*(frame.shape[-axes:] for frame in frames), strict=True))


def _upto(size: int, most: int, step: int) -> int:
    """Return a size rounded up to a multiple, at most another."""
    return min(most, -(-size // step) * step)


def _channels(datasets: Sequence[Dataset], frames: Sequence[Frame]) -> int:
    counts = {len(frame.channels): frame for frame in frames}
    if len(counts) > 1:
        told = ", ".join(f"{frame.image_id} has {count}" for count, frame in sorted(counts.items()))
        raise SegmentationError(
            datasets[0].path,
            f"the images have different numbers of channels: {told}",
            "Choose channels with --channels, or images of one kind with --only",
        )
    return next(iter(counts))


def _anisotropy(frames: Sequence[Frame]) -> float:
    ratios = [frame.scale[0] / frame.pixel_size for frame in frames]
    known = [ratio for ratio in ratios if math.isfinite(ratio)]
    return float(np.median(known)) if known else 1.0


def _pixel_size(frames: Sequence[Frame], options: TrainOptions) -> tuple[float | None, list[str]]:
    if options.pixel_size is not None:
        return options.pixel_size, []
    if options.object_size is not None:
        told = f"Images were rescaled so that a median object is {options.object_size:g} pixels wide."
        return None, [f"{told} Bring others to that size."]
    sizes = [frame.pixel_size for frame in frames]
    known = [size for size in sizes if math.isfinite(size)]
    if not known:
        return None, ["The pixel size of the training images is unknown: images are taken as they are."]
    middle = float(np.median(known))
    if len(known) < len(sizes) or max(abs(size / middle - 1) for size in known) > NEAR:
        return None, [
            "The training images have different or unknown pixel sizes, and were taken as they are."
        ]
    return middle, []


def _roles(
    datasets: Sequence[Dataset], divisions: Sequence[Division], options: TrainOptions
) -> tuple[str, ...]:
    if options.channels is not None:
        return tuple(name if name == ANY else role_of(name) or name for name in options.channels)
    found = {
        channel_roles(dataset, division.train[0])
        for dataset, division in zip(datasets, divisions, strict=True)
    }
    roles = next(iter(found))
    if len(found) > 1 or None in roles:
        return (ANY,)
    named = tuple(role for role in roles if role is not None)
    # A colour picture is one role with three channels.
    return named[:1] if len(set(named)) == 1 and ROLES[named[0]].kind == "colour" else named


def folder_name(out: Path) -> str:
    """Return what a model is called that was given no name."""
    return out.resolve().name
