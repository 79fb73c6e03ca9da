"""Input ablations: take one kind of information out of the images, and see what the features lose."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from micrographia.errors import ProfileError
from micrographia.representation.encoders.protocol import Batch

Masks = npt.NDArray[np.bool_]

TILES = 4
"""Patches a side that ``patch-shuffle`` puts in another order."""
BLUR = 1 / 32
"""Standard deviation of ``blur``, as a share of the side of the image."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """One way to take information out of an image.

    Parameters
    ----------
    name
        What :func:`ablate` takes; some take numbers of channels behind a colon.
    removes
        What it takes away, in words.
    apply
        Takes an image ``(C, Y, X)``, its foreground ``(Y, X)``, a random generator and numbers; returns the image.
    needs_masks
        Needs the foreground.
    numbers
        How many numbers it takes.
    """

    name: str
    removes: str
    apply: Callable[[Batch, Masks, np.random.Generator, Sequence[int]], Batch]
    needs_masks: bool = False
    numbers: int = 0


class Retained(NamedTuple):
    """Share of what a representation knows beyond chance that an ablation leaves; NaN with a reason if undefined."""

    value: float
    reason: str = ""


def retained(ablated: float, score: float, chance: float) -> Retained:
    """Return ``(ablated - chance) / (score - chance)``.

    Parameters
    ----------
    ablated, score
        Score with ablated and with whole images.
    chance
        What chance gets.

    Examples
    --------
    >>> retained(0.6, 0.9, 0.5).value
    0.25
    >>> retained(0.6, 0.5, 0.5)
    Retained(value=nan, reason='the score with whole images does not exceed chance')
    """
    for name, value in (("ablated score", ablated), ("score", score), ("chance", chance)):
        if not math.isfinite(value):
            return Retained(math.nan, f"the {name} is undefined")
    if score - chance <= 0:
        return Retained(math.nan, "the score with whole images does not exceed chance")
    return Retained(round((ablated - chance) / (score - chance), 15))


def parse(text: str) -> tuple[Ablation, tuple[int, ...]]:
    """Return an ablation and its numbers from ``blur`` or ``channel-swap:0,1``.

    Raises
    ------
    ProfileError
        If there is no such ablation, or it takes other numbers.
    """
    name, _, rest = text.partition(":")
    if name not in ABLATIONS:
        raise ProfileError("", f"there is no ablation {name!r}", f"Choose one of {', '.join(ABLATIONS)}")
    ablation = ABLATIONS[name]
    parts = rest.split(",") if rest else []
    if len(parts) != ablation.numbers or not all(part.isdigit() for part in parts):
        wanted = f"{name}:{','.join('012'[: ablation.numbers])}" if ablation.numbers else name
        raise ProfileError("", f"the ablation {text!r} has the wrong numbers", f"Write it as {wanted}")
    return ablation, tuple(map(int, parts))


def ablate(
    text: str, batch: Batch, ids: Sequence[str], masks: Masks | None = None, *, seed: int = 0
) -> Batch:
    """Return ablated copies of images.

    Parameters
    ----------
    text
        Name of an ablation, with its numbers if it takes some.
    batch
        float32 ``(n, C, Y, X)`` in 0..1.
    ids
        An id for each image: what is random is drawn from ``seed`` and the id, so it does not depend on the company.
    masks
        Foreground, bool ``(n, Y, X)``; for ``background-only`` and ``nuclei-only``.
    seed
        Of what is random.

    Raises
    ------
    ProfileError
        If there is no such ablation, it needs masks, or a channel that is not there.
    """
    ablation, numbers = parse(text)
    if ablation.needs_masks and masks is None:
        raise ProfileError("", f"the ablation {ablation.name} needs label images", "Choose another")
    if numbers and max(numbers) >= batch.shape[1]:
        raise ProfileError(
            "", f"there is no channel {max(numbers)} of {batch.shape[1]} to ablate", "Count channels from 0"
        )
    found = np.empty_like(batch)
    nothing = np.zeros(batch.shape[2:], bool)
    for at, name in enumerate(ids):
        drawn = hashlib.sha256(f"{seed}\0{text}\0{name}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(drawn[:16], "little"))
        found[at] = ablation.apply(batch[at], nothing if masks is None else masks[at], random, numbers)
    return found


def pixel_shuffle(image: Batch, _: Masks, random: np.random.Generator, __: Sequence[int]) -> Batch:
    """Put the pixels in random order, the same in all channels: only the joint histogram stays."""
    channels, height, width = image.shape
    return image.reshape(channels, -1)[:, random.permutation(height * width)].reshape(image.shape)


def patch_shuffle(image: Batch, _: Masks, random: np.random.Generator, __: Sequence[int]) -> Batch:
    """Put 4 x 4 patches in random order: texture stays, arrangement goes. A rest at the far edges stays in place."""
    side_y, side_x = image.shape[1] // TILES, image.shape[2] // TILES
    found = image.copy()
    for at, other in enumerate(random.permutation(TILES * TILES)):
        (y, x), (v, u) = divmod(at, TILES), divmod(int(other), TILES)
        found[:, y * side_y : (y + 1) * side_y, x * side_x : (x + 1) * side_x] = image[
            :, v * side_y : (v + 1) * side_y, u * side_x : (u + 1) * side_x
        ]
    return found


def blur(image: Batch, _: Masks, __: np.random.Generator, ___: Sequence[int]) -> Batch:
    """Blur by a Gaussian of 1/32 of the side: texture goes, arrangement stays."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(
        gaussian_filter(image, (0, image.shape[1] * BLUR, image.shape[2] * BLUR), mode="reflect"), np.float32
    )


def background_only(image: Batch, mask: Masks, _: np.random.Generator, __: Sequence[int]) -> Batch:
    """Paint objects in the median of the background of each channel (of the image, if all of it is objects)."""
    return np.where(mask, _background(image, mask), image).astype(np.float32)


def nuclei_only(image: Batch, mask: Masks, _: np.random.Generator, __: Sequence[int]) -> Batch:
    """Paint what is no object in the median of the background of each channel."""
    return np.where(mask, image, _background(image, mask)).astype(np.float32)


def channel_drop(image: Batch, _: Masks, __: np.random.Generator, numbers: Sequence[int]) -> Batch:
    """Set a channel to zero."""
    found = image.copy()
    found[numbers[0]] = 0.0
    return found


def channel_swap(image: Batch, _: Masks, __: np.random.Generator, numbers: Sequence[int]) -> Batch:
    """Exchange two channels."""
    found = image.copy()
    found[list(numbers)] = image[[numbers[1], numbers[0]]]
    return found


def _background(image: Batch, mask: Masks) -> Batch:
    held = image[:, ~mask] if not mask.all() else image.reshape(len(image), -1)
    return np.median(held, axis=1).astype(np.float32)[:, None, None]


ABLATIONS = {
    ablation.name: ablation
    for ablation in (
        Ablation("pixel-shuffle", "everything but the histogram", pixel_shuffle),
        Ablation("patch-shuffle", "the arrangement of the field", patch_shuffle),
        Ablation("blur", "texture and fine detail", blur),
        Ablation("background-only", "the objects", background_only, needs_masks=True),
        Ablation("nuclei-only", "everything but the objects", nuclei_only, needs_masks=True),
        Ablation("channel-drop", "one channel", channel_drop, numbers=1),
        Ablation("channel-swap", "which channel is which", channel_swap, numbers=2),
    )
}
"""Name to ablation."""
