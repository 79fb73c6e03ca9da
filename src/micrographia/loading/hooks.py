"""Augmentation: what ``augment=`` of :func:`~micrographia.loading.patches` may be given.

A hook is any callable that takes a patch and a ``numpy.random.Generator`` and returns a patch. The generator is seeded
for the patch, so that augmentation is the same whatever the number of workers, as long as the hook draws from it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.loading.batching import Patch
from micrographia.loading.errors import LoadingError

Array = npt.NDArray[Any]
Hook = Callable[[Patch, np.random.Generator], Patch]


def flip_and_turn(patch: Patch, random: np.random.Generator) -> Patch:
    """Flip a patch along Y and X, and turn it by 90 degrees if it is square, each with a chance of one half.

    Image, mask and region are flipped along their last two axes; boxes and points with them. Z stays.
    """
    flip_y, flip_x, turn = (random.random(3) < 0.5).tolist()
    height, width = patch["image"].shape[-2:]
    turn = turn and height == width
    found = dict(patch)
    for key in ("image", "mask", "region"):
        if key in patch:
            found[key] = _moved(patch[key], flip_y, flip_x, turn)
    for key, move in (("boxes", _boxes), ("points", _points)):
        if key in patch:
            found[key] = move(patch[key], height, width, flip_y, flip_x, turn)
    return found


def _moved(array: Array, flip_y: bool, flip_x: bool, turn: bool) -> Array:
    if flip_y:
        array = array[..., ::-1, :]
    if flip_x:
        array = array[..., ::-1]
    if turn:
        array = array.swapaxes(-1, -2)
    return np.ascontiguousarray(array)


def _points(points: Array, height: int, width: int, flip_y: bool, flip_x: bool, turn: bool) -> Array:
    found = points.copy()
    if flip_y:
        found[:, -2] = height - 1 - found[:, -2]
    if flip_x:
        found[:, -1] = width - 1 - found[:, -1]
    if turn:
        found[:, -2:] = found[:, :-3:-1].copy()
    return found


def _boxes(boxes: Array, height: int, width: int, flip_y: bool, flip_x: bool, turn: bool) -> Array:
    found = boxes.copy()
    axes = boxes.shape[1] // 2
    y, x = axes - 2, axes - 1
    for flip, axis, size in ((flip_y, y, height), (flip_x, x, width)):
        if flip:
            found[:, axis], found[:, axis + axes] = size - found[:, axis + axes], size - found[:, axis].copy()
    if turn:
        found[:, [y, x, y + axes, x + axes]] = found[:, [x, y, x + axes, y + axes]]
    return found


def albumentations(transform: Callable[..., Mapping[str, Any]]) -> Hook:
    """Return a hook that applies a transform of Albumentations, or one that is called as those are.

    It is called as ``transform(image=..., masks=[mask, region])`` with the image Y, X, C, and returns a mapping of the
    same; if it has ``set_random_seed``, that is called before each patch.

    Parameters
    ----------
    transform
        Such as ``albumentations.Compose([...])``.

    Raises
    ------
    LoadingError
        When called with a patch that is no plane, or that has boxes or points, which it would leave behind.
    """

    def hook(patch: Patch, random: np.random.Generator) -> Patch:
        if patch["image"].ndim != 3 or "boxes" in patch or "points" in patch:
            raise LoadingError(
                "", "a transform of Albumentations takes planes with masks, not stacks, boxes or points",
                "Write a hook of your own, or leave out boxes and points",
            )  # fmt: skip
        if hasattr(transform, "set_random_seed"):
            transform.set_random_seed(int(random.integers(1 << 31)))
        masks = [key for key in ("mask", "region") if key in patch]
        arrays = [patch[key].astype(np.int32) for key in masks]
        found = transform(image=np.ascontiguousarray(np.moveaxis(patch["image"], 0, -1)), masks=arrays)
        image = np.asarray(found["image"], np.float32)
        image = image[..., np.newaxis] if image.ndim == 2 else image
        changed: Patch = {"image": np.ascontiguousarray(np.moveaxis(image, -1, 0))}
        for key, array in zip(masks, found["masks"], strict=True):
            changed[key] = np.ascontiguousarray(array).astype(patch[key].dtype)
        return {**patch, **changed}

    return hook


def monai(transform: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Hook:
    """Return a hook that applies a dictionary transform of MONAI, or one that is called as those are.

    It is called with ``image`` (C, [Z,] Y, X), ``mask`` and ``region`` (1, [Z,] Y, X), and returns a mapping with these
    keys; if it has ``set_random_state``, that is called before each patch. Interpolate mask and region by the nearest
    neighbour.

    Parameters
    ----------
    transform
        Such as ``monai.transforms.Compose([RandRotated(keys=["image", "mask", "region"], ...)])``.

    Raises
    ------
    LoadingError
        When called with a patch that has boxes or points, which it would leave behind.
    """

    def hook(patch: Patch, random: np.random.Generator) -> Patch:
        if "boxes" in patch or "points" in patch:
            raise LoadingError(
                "", "a dictionary transform of MONAI takes images and masks, not boxes or points",
                "Write a hook of your own, or leave out boxes and points",
            )  # fmt: skip
        if hasattr(transform, "set_random_state"):
            transform.set_random_state(seed=int(random.integers(1 << 31)))
        masks = [key for key in ("mask", "region") if key in patch]
        found = transform(
            {"image": patch["image"], **{key: patch[key][np.newaxis].astype(np.int32) for key in masks}}
        )
        changed: Patch = {"image": np.ascontiguousarray(np.asarray(found["image"]), np.float32)}
        for key in masks:
            changed[key] = np.ascontiguousarray(np.asarray(found[key])[0]).astype(patch[key].dtype)
        return {**patch, **changed}

    return hook
