"""Random numbers by position in a stream instead of by turn: the same whatever else was drawn, inside kernels too."""

from __future__ import annotations

import numpy as np

from micrographia.simulation.compiled import compiled

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SCALE = 1.0 / 9007199254740992.0


@compiled
def unit(seed: np.uint64, index: np.uint64) -> float:
    """Return the number of this index in [0, 1): SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2714064.2660195)."""
    z = seed + (np.uint64(index) + np.uint64(1)) * _STEP
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * _SCALE


@compiled
def bell(seed: np.uint64, index: np.uint64) -> float:
    """Return a normal number: the Box-Muller transform of those of ``2 * index`` and ``2 * index + 1``."""
    first = unit(seed, np.uint64(2) * np.uint64(index))
    second = unit(seed, np.uint64(2) * np.uint64(index) + np.uint64(1))
    return float(np.sqrt(-2.0 * np.log(1.0 - first)) * np.cos(2 * np.pi * second))
