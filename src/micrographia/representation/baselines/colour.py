"""Stain and colour alone: what a scanner and a bottle of stain leave in a picture, without any structure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from micrographia.checks.pixel_facts_stain import measure_stain
from micrographia.images import Image
from micrographia.representation.baselines.intensity import Levels
from micrographia.representation.baselines.kernels import pixels
from micrographia.representation.baselines.measured import Measured, joined

_RGB = ("red", "green", "blue")
STAIN = (
    *(f"background_{c}" for c in _RGB),
    *(f"density_{c}" for c in _RGB),
    *(f"density_sd_{c}" for c in _RGB),
    *(f"stain1_{c}" for c in _RGB),
    *(f"stain2_{c}" for c in _RGB),
)


def mean_colour(found: Sequence[Levels], names: Sequence[str]) -> Measured:
    """Return the mean of each channel, and its share of the sum of all means where there are several."""
    means = np.array([np.nan if one.empty else one.moments[pixels.MEAN] for one in found])
    reasons = tuple(
        f"channel {name} has no finite pixel" for name, one in zip(names, found, strict=True) if one.empty
    )
    parts = [Measured(tuple(f"{name}_mean" for name in names), means, reasons)]
    if len(found) > 1:
        total = means.sum()
        known = bool(total > 0)
        share = means / total if known else np.full(len(means), np.nan)
        why = () if known or reasons else ("the channels sum to nothing: no shares",)
        parts.append(Measured(tuple(f"{name}_share" for name in names), share, why))
    return joined(parts)


def stain(image: Image) -> Measured:
    """Return background, optical density and the two stain vectors of a colour picture (Macenko et al. 2009).

    Measured on a grid of pixels of the first plane, as ``micrographia check`` does for slides; all NaN where there is
    too little stain to tell, or the picture is not in colour.
    """
    unknown = np.full(len(STAIN), np.nan)
    if not image.rgb:
        return Measured(STAIN, unknown, ("not in colour: no stain",))
    white = float(np.iinfo(image.dtype).max) if image.dtype.kind in "ui" else 1.0
    facts = measure_stain(_grid(image), white)
    if facts is None:
        return Measured(STAIN, unknown, ("too little stain to tell its colours",))
    return Measured(STAIN, facts.vector())


def _grid(image: Image) -> np.ndarray:
    """Return red, green and blue of at most 512 rows of the first plane."""
    step = max(1, image.size("Y") // 512)
    at = {
        "T": slice(0, 1),
        "C": slice(None),
        "Z": slice(0, 1),
        "Y": slice(None, None, step),
        "X": slice(None),
    }
    block = image.read(tuple(at[axis] for axis in image.axes))
    return block.reshape(3, *block.shape[-2:])
