"""The nearest of the candidates that stay when some are removed at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled
from micrographia.representation.retrieval.kernels.precision import make_scratch, rank_positives

Array = npt.NDArray[Any]
NEGLIGIBLE = 1e-18


@compiled
def _choose(n: int, k: int, factorials: Array) -> float:
    """Return the logarithm of the number of ways to choose k of n."""
    if k < 0 or k > n:
        return -np.inf
    return factorials[n] - factorials[k] - factorials[n - k]


@compiled
def _tied(
    total: int, part: int, drawn: int, others: int, other_part: int, other_drawn: int, factorials: Array
) -> float:
    """Return the expected share of positives among those that stay in a block of tied candidates, 0 if none stays.

    ``drawn`` of ``total`` positives stay, ``part`` of these are in the block; the same for negatives.
    """
    if part == total and other_part == others:
        return drawn / (drawn + other_drawn)
    share = 0.0
    for stay in range(max(1, drawn - (total - part)), min(part, drawn) + 1):
        weight = math.exp(
            _choose(part, stay, factorials)
            + _choose(total - part, drawn - stay, factorials)
            - _choose(total, drawn, factorials)
        )
        if weight < NEGLIGIBLE:
            continue
        inner = 0.0
        for other in range(max(0, other_drawn - (others - other_part)), min(other_part, other_drawn) + 1):
            inner += (
                math.exp(
                    _choose(other_part, other, factorials)
                    + _choose(others - other_part, other_drawn - other, factorials)
                    - _choose(others, other_drawn, factorials)
                )
                * stay
                / (stay + other)
            )
        share += weight * inner
    return share


@compiled
def thinned_rows(
    block: Array,
    rows: Array,
    low: int,
    high: int,
    space: Any,
    pairs: Any,
    most: int,
    kept: Array,
    factorials: Array,
    out: Array,
) -> None:
    """Write the probability that the nearest candidate that stays is a positive into ``out[row]``.

    ``kept`` holds for each row: positives, those that stay, negatives, those that stay.
    """
    scratch = make_scratch(block.shape[1], most)
    places = scratch[8]
    for at in range(low, high):
        row = rows[at]
        had, has, other_had, other_has = kept[row, 0], kept[row, 1], kept[row, 2], kept[row, 3]
        positives = rank_positives(block[at], row, space, pairs, most, scratch)
        total = 0.0
        for which in range(positives):
            above, tied, other_above, other_tied = (
                places[which, 0],
                places[which, 1],
                places[which, 2],
                places[which, 3],
            )
            none_above = math.exp(
                _choose(had - above, has, factorials)
                - _choose(had, has, factorials)
                + _choose(other_had - other_above, other_has, factorials)
                - _choose(other_had, other_has, factorials)
            )
            if none_above < NEGLIGIBLE:
                continue
            share = _tied(had - above, tied, has, other_had - other_above, other_tied, other_has, factorials)
            total += none_above * share / tied  # every positive of the block brings its part
        out[row] = total
