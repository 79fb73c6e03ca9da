"""Random places of positives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled

Array = npt.NDArray[Any]
SORTED = 24
"""Up to so many positives places are kept sorted by insertion; for more a bit per place is faster."""


@compiled
def _mixed(state: Any) -> Any:
    """Return 64 random bits of a counter (SplitMix64: Steele, Lea & Flood, OOPSLA 2014)."""
    bits = state
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def _below(state: Any, limit: int) -> Any:
    """Return a whole number from 0 to ``limit - 1``: 32 random bits times ``limit``, the upper part."""
    return np.int64((_mixed(state) >> np.uint64(32)) * np.uint64(limit) >> np.uint64(32))


@compiled
def sample_ranks(positives: int, total: int, seed: Any, first: int, out: Array) -> None:
    """Write the average precision of draws ``first`` on; each draw has random numbers of its own."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    places = np.empty(positives, np.int64)
    bits = np.zeros((total >> 6) + 1 if positives > SORTED else 1, np.uint64)
    one, low = np.uint64(1), np.uint64(63)
    for draw in range(out.size):
        state = _mixed(seed + golden * np.uint64(first + draw + 1))
        for at in range(positives):
            limit = total - positives + at
            state += golden
            place = _below(state, limit + 1)
            if positives <= SORTED:
                where = at
                taken = False
                for along in range(at):
                    if places[along] == place:
                        taken = True
                        break
                if taken:
                    place = limit
                while where > 0 and places[where - 1] > place:
                    places[where] = places[where - 1]
                    where -= 1
                places[where] = place
            else:
                if bits[place >> 6] >> (np.uint64(place) & low) & one:
                    place = limit
                bits[place >> 6] |= one << (np.uint64(place) & low)
        score = 0.0
        if positives <= SORTED:
            for at in range(positives):
                score += (at + 1.0) / (places[at] + 1.0)
        else:
            count = 0
            for word in range(bits.size):
                held = bits[word]
                if held:
                    for bit in range(64):
                        if held >> np.uint64(bit) & one:
                            count += 1
                            score += count / (64.0 * word + bit + 1.0)
                    bits[word] = np.uint64(0)
        out[draw] = score / positives
