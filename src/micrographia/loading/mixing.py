"""How many patches each dataset gives to an epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from micrographia.loading.errors import LoadingError

Floats = npt.NDArray[np.float64]


def mixture(
    amounts: Sequence[float],
    *,
    weights: Sequence[float] | None = None,
    temperature: float | None = None,
) -> Floats:
    """Return the share of each dataset, summing to 1.

    Without options a dataset has the share of what it holds. ``weights`` are the shares themselves. A temperature T
    makes them ``amount ** (1 / T)``: 1 changes nothing, larger ones favour small datasets, infinity makes all equal
    (Arivazhagan et al. 2019, "Massively multilingual neural machine translation in the wild", section 4).

    Parameters
    ----------
    amounts
        How much each dataset holds: in patches.
    weights
        A number of at least 0 for each dataset.
    temperature
        Above 0. With ``weights``, it applies to them.

    Raises
    ------
    LoadingError
        For weights or a temperature that make no sense.

    Examples
    --------
    >>> mixture([90, 10], temperature=2).round(2).tolist()
    [0.75, 0.25]
    """
    held = np.array(amounts, np.float64)
    if weights is not None:
        asked = np.array(weights, np.float64)
        if asked.shape != held.shape or not np.isfinite(asked).all() or (asked < 0).any() or not asked.any():
            raise LoadingError(
                "", f"weights={list(weights)} are not {len(held)} numbers of at least 0", "Give one a dataset"
            )
        held = asked * (held > 0)
        if not held.any():
            raise LoadingError("", "datasets with a weight have no patches", "Give other weights")
    if temperature is not None:
        if not temperature > 0:
            raise LoadingError("", f"temperature={temperature} is not above 0", "Give 1 or more")
        held = held / held.max()
        held = np.where(held > 0, held ** (0.0 if math.isinf(temperature) else 1.0 / temperature), 0.0)
    found: Floats = held / held.sum()
    return found


def capped(total: float, shares: Floats, most: Floats) -> Floats:
    """Return how many of ``total`` draws each dataset gets when none may have more than ``most``.

    What a dataset may not have goes to the others in proportion to their shares; if all are full, fewer are drawn.

    Examples
    --------
    >>> capped(100, np.array([0.5, 0.3, 0.2]), np.array([20.0, 1000.0, 1000.0])).tolist()
    [20.0, 48.0, 32.0]
    """
    given = np.zeros(len(shares))
    free = shares > 0
    rest = total
    while rest > 1e-9 and free.any():
        part = np.where(free, shares, 0.0)
        part = part / part.sum() * rest
        room = most - given
        taken = np.minimum(part, room)
        given += taken
        rest -= float(taken.sum())
        full = free & (most - given <= 1e-9)
        if not full.any():
            break
        free &= ~full
    return given
