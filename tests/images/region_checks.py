"""What every reader is held to: any region of an image is the slice of the array that was written."""

import pickle
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.images import Image, Region

Array = npt.NDArray[Any]


def random_regions(shape: Sequence[int], count: int, seed: int = 0) -> list[Region]:
    """Return regions with every kind of slice: whole, empty, negative, with steps."""
    dice = random.Random(seed)
    regions = []
    for _ in range(count):
        parts = []
        for size in shape:
            start, stop = sorted((dice.randint(0, size), dice.randint(0, size)))
            kinds = [slice(None), slice(start, stop), slice(start, None), slice(-start or None, None)]
            parts.append(dice.choice([*kinds, slice(start, stop, dice.randint(1, 3))]))
        regions.append(tuple(parts))
    return regions


def assert_reads(image: Image, expected: Array, *, count: int = 6, seed: int = 0) -> None:
    """Check shape, type, regions, blocks and a pickled copy of an image against an array."""
    expected = expected.astype(image.dtype)
    assert image.shape == expected.shape
    assert image.dtype.isnative
    copy = pickle.loads(pickle.dumps(image))
    with image, copy:
        for opened in (image, copy):
            whole = opened.read()
            assert whole.dtype == image.dtype
            assert whole.flags.c_contiguous
            assert whole.flags.writeable
            np.testing.assert_array_equal(whole, expected)
        whole[...] = 0  # what was read is the caller's: changing it changes nothing in the image
        for region in random_regions(expected.shape, count, seed):
            part = image.read(region)
            assert part.flags.c_contiguous
            np.testing.assert_array_equal(part, expected[region])
        tiled = np.zeros_like(expected)
        for region in image.blocks():
            tiled[region] = image.read(region)
        np.testing.assert_array_equal(tiled, expected)
