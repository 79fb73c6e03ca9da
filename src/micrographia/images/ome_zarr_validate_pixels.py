"""Whether the smaller levels of a pyramid show what level 0 shows; some places of each are read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from micrographia.errors import ImageError
from micrographia.images.image import Array, Image, Region
from micrographia.images.ome_zarr_model import join, list_labels, parse_multiscale, read_group
from micrographia.images.ome_zarr_problem import Problem
from micrographia.images.ome_zarr_reader import open_level
from micrographia.images.zarr_store import Store

SIDE = 128
"""Pixels of a level, along Y and X, that are looked at in one place."""

PLACES = 4
CORRELATED = 0.5
"""Pixels of a level and means of those of level 0 correlate at least so well."""

OFFSET = 0.25
"""Their means differ by at most so many standard deviations."""


def pixel_problems(path: Path, store: Store, name: str) -> Iterator[Problem]:
    """Compare the levels of an image and of its label images with level 0.

    Parameters
    ----------
    path, store
        Of the folder or zip.
    name
        Of the image in it.
    """
    members = [(name, False), *((join(name, "labels", label), True) for label in list_labels(store, name))]
    for member, labels in members:
        pyramid = parse_multiscale(store, read_group(store, member))
        for level in range(1, len(pyramid.paths)):
            try:
                steps = zip(pyramid.axes, pyramid.scales[level], pyramid.scales[0], strict=True)
                factors = {axis: max(1.0, step / first) for axis, step, first in steps}
                if all(math.isclose(factor, round(factor), rel_tol=1e-3) for factor in factors.values()):
                    yield from _level(path, member, level, factors, labels=labels)
            except ImageError as error:
                yield Problem("unreadable", join(member, str(level)), error.problem, error.remedy)


def _level(
    path: Path, member: str, level: int, factors: Mapping[str, float], *, labels: bool
) -> Iterator[Problem]:
    with open_level(path, member) as whole, open_level(path, member, level) as small:
        whole_factors = [round(factors[axis]) for axis in whole.axes]
        found = [_both(whole, small, region, whole_factors, labels=labels) for region in _places(small)]
    file = join(member, str(level))
    if labels:
        strange = np.unique(np.concatenate([np.setdiff1d(ours, [0, *theirs]) for ours, theirs in found]))
        if strange.size:
            shown = ", ".join(map(str, strange[:5].tolist()))
            yield Problem("levels-content", file, f"holds labels that level 0 does not hold there: {shown}")
        return
    seen = np.concatenate([ours.astype(np.float64).ravel() for ours, _ in found])
    due = np.concatenate([theirs.reshape(len(theirs), -1) for _, theirs in found], axis=1)
    good = np.isfinite(seen) & np.isfinite(due).all(axis=0)
    seen, due = seen[good], due[:, good]
    spread = float(due[0].std()) if seen.size else 0.0
    if spread == 0.0:
        return
    offset = abs(float(seen.mean() - due[0].mean())) / spread
    correlation = max(float(np.corrcoef(seen, one)[0, 1]) for one in due) if seen.std() > 0 else 0.0
    if offset > OFFSET or correlation < CORRELATED:
        told = f"correlation {correlation:.2f}, means {offset:.2f} standard deviations apart"
        yield Problem("levels-content", file, f"shows something else than level 0: {told}")


def _places(small: Image) -> Iterator[tuple[slice, ...]]:
    """Yield some regions of one plane each, spread evenly."""
    sides = [
        min(size, SIDE) if axis in "YX" else 1 for axis, size in zip(small.axes, small.shape, strict=True)
    ]
    counts = [size // side for size, side in zip(small.shape, sides, strict=True)]
    total = math.prod(counts)
    for number in range(min(PLACES, total)):
        place = np.unravel_index((2 * number + 1) * total // (2 * min(PLACES, total)), counts)
        yield tuple(
            slice(int(at) * side, (int(at) + 1) * side) for at, side in zip(place, sides, strict=True)
        )


def _both(
    whole: Image, small: Image, region: Region, factors: Sequence[int], *, labels: bool
) -> tuple[Array, Array]:
    """Return the pixels of a level, and what level 0 holds there.

    That is all labels in and around it, or three images at the resolution of the level: the means, the first pixels and
    the middle ones, since programs differ in how they reduce.
    """
    at = dict(zip(small.axes, region, strict=True))
    sides = [at.get(axis, slice(0, 1)) for axis in whole.axes]
    margin = 1 if labels else 0
    parts = [
        slice(max(0, (side.start - margin) * factor), min(size, (side.stop + margin) * factor))
        for side, factor, size in zip(sides, factors, whole.shape, strict=True)
    ]
    ours, block = small.read(region), whole.read(parts)
    if labels:
        return ours, np.unique(block)
    mean = block.astype(np.float64)
    for axis, factor in enumerate(factors):
        lacking = -mean.shape[axis] % factor
        mean = np.pad(mean, [(0, lacking if at == axis else 0) for at in range(mean.ndim)], mode="edge")
        mean = mean.reshape(*mean.shape[:axis], -1, factor, *mean.shape[axis + 1 :]).mean(axis=axis + 1)
    first = block[tuple(slice(None, None, factor) for factor in factors)]
    middle = block[
        np.ix_(
            *(
                np.minimum(np.arange(0, size, factor) + factor // 2, size - 1)
                for factor, size in zip(factors, block.shape, strict=True)
            )
        )
    ]
    return ours, np.stack([one.astype(np.float64).reshape(ours.shape) for one in (mean, first, middle)])
