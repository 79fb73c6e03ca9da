"""One grey image in which objects are bright, whatever the picture: which channel, and light or dark, by its role."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.models.protocol import Context, Image

Floats = npt.NDArray[np.float32]

STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
"""Optical density in red, green and blue of haematoxylin, eosin and DAB (Ruifrok and Johnston 2001)."""

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""

DARK = ("brightfield", "phase_contrast", "dic", "membrane", "cell_wall", "nuclear_envelope", "electron")
"""Roles of channels in which objects are darker than what is around them, or enclosed by bright lines."""

STAINED = ("he", "ihc")
COLOURS = ("colour", *STAINED)


def grey(image: Image, context: Context) -> Floats:
    """Return one channel ``([Z,] Y, X)`` in which objects are bright; percentiles 1 and 99.8 become 0 and 1.

    - Tissue stained with haematoxylin (roles ``he`` and ``ihc``): the amount of haematoxylin, by unmixing optical
      densities with the directions of Ruifrok and Johnston (2001).
    - Any other colour picture: its luminance, inverted if most of it is light.
    - Several channels: that of role ``nucleus`` if there is one, else the mean of all, each normalised.
    - Roles of :data:`DARK`: inverted. No role: inverted if most of it is light.

    Parameters
    ----------
    image
        ``(C, [Z,] Y, X)``, or pixels ``(C, n)``.
    context
        Of the whole image.
    """
    low, high = _limits(context)
    return ((_bare(image, context) - low) / (high - low)).astype(np.float32)


def grey_sample(context: Context) -> Floats:
    """Return :func:`grey` of the sample of a context, float32 ``(n,)``; computed once."""
    if "grey" not in context.memo:
        context.memo["grey"] = grey(context.sample, context)
    held: Floats = context.memo["grey"]
    return held


def otsu(context: Context) -> float:
    """Return the threshold of Otsu (1979) of :func:`grey`, of 256 bins between percentiles 0.1 and 99.9; 0 to 1."""
    if "otsu" not in context.memo:
        context.memo["otsu"] = _otsu(grey_sample(context))
    return float(context.memo["otsu"])


def _bare(image: Image, context: Context) -> Any:
    sign = _sign(context)
    return sign * _one_channel(image, context)


def _one_channel(image: Image, context: Context) -> Any:
    roles = context.roles
    if len(image) == 3 and (context.rgb or (all(role in COLOURS for role in roles) and roles)):
        if any(role in STAINED for role in roles):
            return haematoxylin(image, context.white)
        return np.tensordot(np.asarray(LUMINANCE, np.float32), image, 1)
    if len(image) == 1:
        return image[0]
    if "nucleus" in roles:
        return image[roles.index("nucleus")]
    return context.normalised(image).mean(0)


def haematoxylin(image: Image, white: float) -> Any:
    """Return the amount of haematoxylin in a colour picture ``(3, ...)``; ``white`` is the value of clear glass."""
    density = -np.log10(np.clip((image + 1.0) / (white + 1.0), 1e-6, 1.0))
    unit = STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)
    return np.tensordot(np.linalg.inv(unit)[:, 0].astype(np.float32), density, 1)


def _sign(context: Context) -> float:
    if "sign" not in context.memo:
        context.memo["sign"] = _found_sign(context)
    return float(context.memo["sign"])


def _found_sign(context: Context) -> float:
    roles = context.roles
    used = roles[0] if len(roles) == 1 else "nucleus" if "nucleus" in roles else None
    if len(context.sample) == 3 and any(role in STAINED for role in roles):
        return 1.0
    if used in DARK:
        return -1.0
    if used is not None and used not in COLOURS:
        return 1.0
    values = _one_channel(context.sample, context)
    low, middle, high = np.percentile(values, (1.0, 50.0, 99.8))
    return -1.0 if middle - low > high - middle else 1.0


def _limits(context: Context) -> tuple[float, float]:
    if "grey limits" not in context.memo:
        low, high = (float(end) for end in np.percentile(_bare(context.sample, context), (1.0, 99.8)))
        context.memo["grey limits"] = (low, high if high > low else low + 1.0)
    low, high = context.memo["grey limits"]
    return float(low), float(high)


def _otsu(values: Floats) -> float:
    low, high = (float(end) for end in np.percentile(values, (0.1, 99.9)))
    if high <= low:
        return high
    counts, edges = np.histogram(np.clip(values, low, high), 256, (low, high))
    centres = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    total = np.cumsum(counts * centres)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    best = np.nan_to_num(between[:-1])
    return float(edges[1:-1][best == best.max()].mean())
