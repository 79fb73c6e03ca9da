"""Tell label images from pictures by their pixels, where names do not say."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np

from micrographia import images
from micrographia.dataset.pairing import stem_key
from micrographia.dataset.scan import Item
from micrographia.errors import MicrographiaError

SAMPLES = 5
"""Images a folder that are looked at."""

CROP = 512
"""Side of the crop, in pixels, that is looked at."""


def flat_items(root: Path, items: list[Item]) -> frozenset[str]:
    """Return the names of items that are label images by their pixels.

    Only folders that share stems with another folder are looked at; a folder counts when all its samples are flat and
    those of the other folder are not.
    """
    folders: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        folders[str(PurePosixPath(item.path).parent)].append(item)
    stems = {folder: {stem_key(item) for item in held} for folder, held in folders.items()}
    paired = [
        folder
        for folder in folders
        if any(folder != other and stems[folder] & stems[other] for other in folders)
    ]
    flat = {folder: all(_flat(root, item) for item in _sample(folders[folder])) for folder in sorted(paired)}
    if all(flat.values()):
        return frozenset()
    return frozenset(item.name for folder, is_flat in flat.items() if is_flat for item in folders[folder])


def _sample(items: list[Item]) -> list[Item]:
    step = max(1, len(items) // SAMPLES)
    return items[::step][:SAMPLES]


def _flat(root: Path, item: Item) -> bool:
    """Tell whether nearly all pixels equal their right neighbour, 0 occurs, and values are integers."""
    if np.dtype(item.dtype).kind not in "ui" or "C" in item.axes:
        return False
    try:
        with images.open_image(root / item.path, item.member) as image:
            region = [slice(size // 2, size // 2 + 1) for size in image.shape[:-2]]
            region += [slice(max(0, (size - CROP) // 2), (size + CROP) // 2) for size in image.shape[-2:]]
            block = image.read(region)
            crop = block.reshape(block.shape[-2:])
    except MicrographiaError:
        return False  # scan has already told that it cannot be read
    same = np.mean(crop[:, 1:] == crop[:, :-1])
    return bool(same > 0.9 and (crop == 0).any() and crop.any())
