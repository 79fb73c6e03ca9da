"""Random projections: as many features as an embedding has, made of a trivial baseline."""

from __future__ import annotations

from typing import Literal

import numpy as np

from micrographia.errors import ProfileError
from micrographia.representation.profiles import Array, Profiles

ROWS = 4096
"""Rows that are projected at once."""
MOST = 1 << 20
"""Most dimensions to project to."""


def projections(
    profiles: Profiles,
    dimension: int,
    seed: int = 0,
    *,
    kind: Literal["gaussian", "sparse"] = "gaussian",
) -> Profiles:
    """Project features at random onto as many dimensions as the embedding has that they are compared with.

    Gaussian: entries are normal with variance ``1 / dimension``. Sparse (Li, Hastie & Church 2006): entries are
    ``+-sqrt(s / dimension)`` with probability ``1 / (2 s)`` each, else 0, with ``s = sqrt(d)``. Both keep squared
    lengths in the mean (Johnson & Lindenstrauss 1984).

    Parameters
    ----------
    profiles
        Features ``(n, d)``; a row with a NaN projects to NaN. Standardise them first if their units differ.
    dimension
        Number of dimensions, more than ``d`` too.
    seed
        Draws the matrix, whatever the rows.
    kind
        ``gaussian`` or ``sparse``.

    Returns
    -------
    Profiles
        ``(n, dimension)``, float64; ``source["kind"]`` is ``random``.

    Raises
    ------
    ProfileError
        If the dimension is not positive, there are no features, or there is no such kind.
    """
    if kind not in ("gaussian", "sparse"):
        raise ProfileError(profiles.name, f"there is no projection {kind!r}", "Take gaussian or sparse")
    if not 1 <= dimension <= MOST:
        raise ProfileError(
            profiles.name, f"cannot be projected to {dimension:,} dimensions", f"Ask for 1 to {MOST:,}"
        )
    if profiles.d == 0:
        raise ProfileError(profiles.name, "has no features to project")
    values = np.zeros((profiles.n, dimension))
    random = np.random.default_rng(np.random.SeedSequence([seed & (2**63 - 1), profiles.d, dimension]))
    # The matrix is drawn in strips of features and forgotten, so that it never stands whole.
    strip = max(1, (1 << 23) // dimension)
    for first in range(0, profiles.d, strip):
        count = min(strip, profiles.d - first)
        matrix = _drawn(random, count, dimension, profiles.d, kind)
        for row in range(0, profiles.n, ROWS):
            part = profiles.values[row : row + ROWS, first : first + count]
            values[row : row + ROWS] += _product(part.astype(np.float64), matrix)
    missing = int(np.isnan(values).any(axis=1).sum())
    reasons = [{"reason": "a feature that is projected is missing", "rows": missing}] if missing else []
    source = {
        **profiles.source,
        "kind": "random",
        "projected": profiles.name,
        "projection": kind,
        "dimension": dimension,
        "seed": seed,
        "undefined": reasons,
    }
    names = tuple(f"projection_{at}" for at in range(dimension))
    name = f"random projection of {profiles.name}" if profiles.name else "random projection"
    return Profiles(values, profiles.meta, names, name, source)


def _drawn(random: np.random.Generator, count: int, dimension: int, d: int, kind: str) -> Array:
    if kind == "gaussian":
        return random.standard_normal((count, dimension)) / np.sqrt(dimension)
    s = np.sqrt(d)
    drawn = random.random((count, dimension))
    size = np.sqrt(s / dimension)
    return np.where(drawn < 0.5 / s, size, np.where(drawn > 1 - 0.5 / s, -size, 0.0))


def _product(part: Array, matrix: Array) -> Array:
    broken = ~np.isfinite(part).all(axis=1)
    if not broken.any():
        return part @ matrix
    out = np.full((len(part), matrix.shape[1]), np.nan)
    out[~broken] = part[~broken] @ matrix
    return out
