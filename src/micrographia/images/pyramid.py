"""The plan of a resolution pyramid: which axes are halved, how large each level is, where its pixels lie.

Y and X are halved from level to level. Z is halved along with them where that keeps a pixel nearer to a cube, that
is where a step along Z is at most √2 times one along Y and X at that level; a stack of unknown voxel size, or with
steps in unlike units, keeps all its planes. T and C are never halved, and neither is an axis of one pixel. A half
is rounded up, so that no pixel is lost; the last pixel of an odd axis is made of what is there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from micrographia.images.chunks import five, pick
from micrographia.images.image import Image

SMALL_ENOUGH = 256
"""A pyramid ends where no axis that would be halved is longer than this."""

NEARLY_ISOTROPIC = math.sqrt(2.0)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a pyramid.

    Parameters
    ----------
    shape
        Pixels along each axis.
    factors
        How many pixels of level 0 one pixel spans along each axis: powers of two.
    """

    shape: tuple[int, ...]
    factors: tuple[int, ...]

    def scale(self, steps: tuple[float, ...]) -> list[float]:
        """Return the size of a pixel along each axis, given that of level 0."""
        return [step * factor for step, factor in zip(steps, self.factors, strict=True)]

    def translation(self, steps: tuple[float, ...]) -> list[float]:
        """Return where the centre of the first pixel lies, given the size of a pixel of level 0.

        The centre of the first pixel of level 0 is the origin; a pixel that spans ``f`` of them has its centre
        at ``(f - 1) / 2`` of them.
        """
        return [step * (factor - 1) / 2 for step, factor in zip(steps, self.factors, strict=True)]


def plan_pyramid(
    axes: str,
    shape: tuple[int, ...],
    scale: Mapping[str, float] | None = None,
    units: Mapping[str, str] | None = None,
    *,
    levels: int | None = None,
) -> tuple[Level, ...]:
    """Decide on the levels of a pyramid.

    Parameters
    ----------
    axes
        Subset of ``TCZYX`` in this order.
    shape
        Pixels along each axis at level 0.
    scale, units
        As in :class:`~micrographia.images.image.Image`.
    levels
        How many levels, level 0 included; None for as many as it takes until no axis that would be halved is
        longer than :data:`SMALL_ENOUGH`.

    Returns
    -------
    tuple[Level, ...]
        Level 0 first; fewer than ``levels`` where a single pixel is reached before.

    Raises
    ------
    ValueError
        If ``levels`` is less than 1.
    """
    if levels is not None and levels < 1:
        raise ValueError(f"a pyramid has at least 1 level, not {levels}")
    ratio = _anisotropy(scale or {}, units or {})
    plan = [Level(shape, (1,) * len(shape))]
    while levels is None or len(plan) < levels:
        last = plan[-1]
        halves = _halves(axes, last.shape, ratio)
        largest = max((size for size, half in zip(last.shape, halves, strict=True) if half), default=1)
        if largest == 1 or (levels is None and largest <= SMALL_ENOUGH):
            break
        if ratio is not None and not halves[axes.index("Z")]:
            ratio /= 2
        plan.append(
            Level(
                tuple(-(-size // 2) if half else size for size, half in zip(last.shape, halves, strict=True)),
                tuple(step * 2 if half else step for step, half in zip(last.factors, halves, strict=True)),
            )
        )
    return tuple(plan)


def pyramid_of(image: Image, levels: int | None = None) -> tuple[Level, ...]:
    """Return the pyramid of an image; see :func:`plan_pyramid`."""
    return plan_pyramid(image.axes, image.shape, image.scale, image.units, levels=levels)


def stored_pyramid(image: Image, axes: str, levels: int | None = None) -> tuple[Level, ...]:
    """Return the pyramid of an image along the axes that are stored, which may be more than it has."""
    return tuple(
        Level(pick(axes, five(image.axes, level.shape)), pick(axes, five(image.axes, level.factors)))
        for level in pyramid_of(image, levels)
    )


def label_pyramid(label: Image, axes: str, pyramid: tuple[Level, ...], stored: str) -> tuple[Level, ...]:
    """Return the pyramid of a label image: that of its image, but along an axis of one pixel.

    Parameters
    ----------
    label
        The label image.
    axes
        Its axes as stored.
    pyramid, stored
        The pyramid of its image, and the axes of that as stored.
    """
    at = [stored.index(axis) for axis in axes]
    return tuple(
        Level(
            tuple(1 if label.size(axis) == 1 else level.shape[i] for axis, i in zip(axes, at, strict=True)),
            tuple(level.factors[i] for i in at),
        )
        for level in pyramid
    )


def _anisotropy(scale: Mapping[str, float], units: Mapping[str, str]) -> float | None:
    """Return a step along Z over one in the plane, or None where one of them is unknown."""
    if not {"z", "y", "x"} <= scale.keys() or len({units.get(axis) for axis in "zyx"}) != 1:
        return None
    return scale["z"] / math.sqrt(scale["y"] * scale["x"])


def _halves(axes: str, shape: tuple[int, ...], ratio: float | None) -> tuple[bool, ...]:
    thin = ratio is not None and ratio <= NEARLY_ISOTROPIC
    return tuple(
        size > 1 and (axis in "YX" or (axis == "Z" and thin)) for axis, size in zip(axes, shape, strict=True)
    )
