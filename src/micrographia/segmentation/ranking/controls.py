"""Controls: images in which nothing of the original is where it was, so that no honest prediction can stay the same.

A model that finds nothing, calls everything one object or draws the same pattern whatever it is shown agrees with
itself perfectly. It agrees with itself just as well on these controls, and that gives it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.ranking.perturbations import generator

Array = npt.NDArray[Any]

BLANK, SHUFFLED, OTHER = "blank", "shuffled", "other image"
CONTROLS: Mapping[str, str] = {
    BLANK: "every pixel has the median of its channel",
    SHUFFLED: "the image is cut into blocks, a sixteenth of its size along each axis, which change places",
    OTHER: "the prediction on the next image of the list, where the two overlap, unless the images are alike",
}
"""Controls by name, and what they are."""
PARTS = 16
"""Into how many blocks an image is cut along Y and X, and at most along Z, before they change places."""


def blank(image: Array) -> Array:
    """Return an image in which every pixel has the median of its channel; float32, shape of ``image``."""
    middle = np.median(np.asarray(image, np.float32), axis=tuple(range(1, image.ndim)), keepdims=True)
    return np.broadcast_to(middle, image.shape).astype(np.float32)


def shuffled(image: Array, *, seed: int = 0, key: str = "") -> Array:
    """Return an image whose blocks have changed places: the same intensities, nothing where it was.

    Parameters
    ----------
    image
        ``(C, [Z,] Y, X)``; all channels of a block move together.
    seed, key
        The order depends on both only.

    Returns
    -------
    float32, same shape. Where an axis is no multiple of its blocks, the rest at its far end stays.
    """
    pixels = np.asarray(image, np.float32)
    moved = pixels.copy()
    sizes = [max(1, size // PARTS) for size in pixels.shape[1:]]
    counts = [size // step for size, step in zip(pixels.shape[1:], sizes, strict=True)]
    inner = (slice(None), *(slice(0, count * step) for count, step in zip(counts, sizes, strict=True)))
    cut = pixels[inner].reshape(
        len(pixels), *(part for pair in zip(counts, sizes, strict=True) for part in pair)
    )
    n = len(counts)
    order = [0, *range(1, 2 * n, 2), *range(2, 2 * n + 1, 2)]
    blocks = cut.transpose(order)
    flat = blocks.reshape(len(pixels), int(np.prod(counts)), *sizes)
    rng = generator(seed, "shuffled", key)
    mixed = flat[:, _deranged(flat.shape[1], rng)].reshape(blocks.shape)
    moved[inner] = mixed.transpose(np.argsort(order)).reshape(moved[inner].shape)
    return moved


@dataclass(frozen=True, slots=True)
class Content:
    """What a prediction looks like without comparing it to anything.

    Attributes
    ----------
    objects
        How many it has.
    foreground
        Share of the pixels that belong to objects.
    largest
        Share of the pixels that belong to its largest object.
    """

    objects: int
    foreground: float
    largest: float


def content_of(labels: Array) -> Content:
    """Return what a prediction looks like.

    Parameters
    ----------
    labels
        Integer labels, 0 background.
    """
    _, counts = np.unique(labels[labels != 0], return_counts=True)
    size = max(1, labels.size)
    return Content(len(counts), float(counts.sum() / size), float(counts.max(initial=0) / size))


def _deranged(n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return an order of n things, drawn at random, in which none stays where it was (Sattolo's cycle); n from 2."""
    order = np.arange(n)
    for last in range(n - 1, 0, -1):
        other = int(rng.integers(last))
        order[last], order[other] = order[other], order[last]
    return order
