"""Independent random streams by name: what is drawn for one thing never depends on what else was made.

Streams are spawned from one seed by their key (``numpy.random.SeedSequence.spawn_key``), not by counting, so fields
can be made in any order, alone or by many workers.
"""

from __future__ import annotations

from enum import IntEnum, auto
from zlib import crc32

import numpy as np

Seed = int | np.random.SeedSequence


class Stream(IntEnum):
    """What random numbers are for: one stream each, so that changing one choice leaves the others as they were."""

    PLACE = auto()
    CELLS = auto()
    RESPONSE = auto()
    CAMERA = auto()
    MOTION = auto()
    ILLUMINATION = auto()
    PLATE = auto()
    BATCH = auto()
    LAYOUT = auto()
    WELL = auto()
    SITE = auto()
    FIELD = auto()
    TEXTURE = auto()
    DEFECT = auto()


def child(seed: Seed, *key: int | str) -> np.random.SeedSequence:
    """Return the seed of the stream with this key; strings count by their CRC-32."""
    numbers = tuple(crc32(part.encode()) if isinstance(part, str) else int(part) for part in key)
    parent = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return np.random.SeedSequence(
        parent.entropy, spawn_key=(*parent.spawn_key, *numbers), pool_size=parent.pool_size
    )


def generator(seed: Seed, *key: int | str) -> np.random.Generator:
    """Return a generator for the stream with this key."""
    return np.random.Generator(np.random.PCG64(child(seed, *key)))
