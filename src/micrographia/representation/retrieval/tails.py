"""Exact quantiles of the similarities of all pairs of rows, in three passes of blocked products and bounded memory.

The first pass counts the upper 16 bits of each float32 similarity, the second the lower 16 of those in the bins that
hold the quantiles, which then are known exactly; the third counts what lies above, at and below them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.tails import count_keys, count_tails
from micrographia.representation.retrieval.similarity import Space, each_block

Array = npt.NDArray[Any]
NONE = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Tails:
    """What lies in the tails of the pairs that are no replicates.

    Attributes
    ----------
    thresholds
        Quantiles of their similarities ``(t,)``, float64; linear between two values as in ``numpy.quantile``.
    others
        Pairs above, at and below each threshold ``(t, 3)``, int64.
    replicates
        The same for the replicate pairs of each label ``(labels, t, 3)``, int64.
    reach
        Similarities that differ less than this from the threshold are at it.
    """

    thresholds: Array
    others: Array
    replicates: Array
    reach: float

    def weight_at(self, which: int, share: float, *, upper: bool) -> float:
        """Return how much a pair at the threshold counts, so that ``share`` of the others lie in the tail."""
        above, at, below = self.others[which]
        beyond = above if upper else below
        return float(np.clip((share * (above + at + below) - beyond) / at, 0.0, 1.0)) if at else 0.0


def tails(compared: Space, codes: Array, quantiles: Sequence[float], *, workers: int | None = None) -> Tails:
    """Find quantiles of the similarities of pairs that are no replicates, and count what lies beyond them.

    Parameters
    ----------
    compared
        The rows.
    codes
        Label of each row ``(n,)``, int64; two rows with the same that is not -1 are replicates.
    quantiles
        Between 0 and 1.

    Returns
    -------
    Tails
        Thresholds are NaN if all pairs are replicates.
    """
    rows = np.arange(compared.n, dtype=np.int64)
    pairs, upper = _count(compared, codes, rows, NONE, 1, workers)
    reach = 2.0 * compared.tolerance
    found = np.full(len(quantiles), np.nan)
    if pairs:
        places = [(pairs - 1) * quantile for quantile in quantiles]
        wanted = sorted({whole for place in places for whole in (int(place), min(int(place) + 1, pairs - 1))})
        below = np.cumsum(upper[0])
        bins = np.searchsorted(below, np.array(wanted), side="right")
        slots = np.full(1 << 16, -1, np.int64)
        held = np.unique(bins)
        slots[held] = np.arange(len(held))
        _, lower = _count(compared, codes, rows, slots, len(held), workers)
        values = {}
        for whole, high in zip(wanted, bins.tolist(), strict=True):
            inside = whole - (int(below[high - 1]) if high else 0)
            low = int(np.searchsorted(np.cumsum(lower[slots[high]]), inside, side="right"))
            values[whole] = _value((high << 16) | low)
        for which, place in enumerate(places):
            first, second = values[int(place)], values[min(int(place) + 1, pairs - 1)]
            found[which] = first + (place - int(place)) * (second - first)
    others, replicates = count_beyond(compared, codes, found, reach, workers=workers)
    return Tails(found, others, replicates, reach)


def count_beyond(
    compared: Space, codes: Array, thresholds: Array, reach: float, *, workers: int | None = None
) -> tuple[Array, Array]:
    """Count the pairs above, at and below thresholds.

    Returns
    -------
    Those that are no replicates ``(t, 3)``, and those of each label ``(labels, t, 3)``, int64.
    """
    others = np.zeros((len(thresholds), 3), np.int64)
    replicates = np.zeros((int(codes.max(initial=-1)) + 1, len(thresholds), 3), np.int64)
    offsets, usable = compared.offsets, compared.usable
    lock = threading.Lock()

    def work(block: Array, rows: Array, low: int, high: int) -> None:
        mine, same = np.zeros_like(others), np.zeros_like(replicates)
        count_tails(block, rows, low, high, offsets, usable, codes, thresholds, reach, mine, same)
        with lock:
            np.add(others, mine, out=others)
            np.add(replicates, same, out=replicates)

    each_block(compared, np.arange(compared.n, dtype=np.int64), work, triangle=True, workers=workers)
    return others, replicates


def _count(
    compared: Space, codes: Array, rows: Array, slots: Array, width: int, workers: int | None
) -> tuple[int, Array]:
    counts = np.zeros((width, 1 << 16), np.int64)
    seen: list[int] = []
    lock = threading.Lock()

    def work(block: Array, rows: Array, low: int, high: int) -> None:
        mine = np.zeros_like(counts)
        pairs = count_keys(block, rows, low, high, compared.offsets, compared.usable, codes, slots, mine)
        with lock:
            np.add(counts, mine, out=counts)
            seen.append(pairs)

    each_block(compared, rows, work, triangle=True, workers=workers)
    return sum(seen), counts


def _value(key: int) -> float:
    """Return the float32 whose bits, made to sort as the numbers do, are these."""
    bits = key & 0x7FFFFFFF if key & 0x80000000 else ~key & 0xFFFFFFFF
    return float(np.array([bits], np.uint32).view(np.float32)[0])
