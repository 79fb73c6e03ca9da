"""Runs: a label image as stretches of equal values along X, the form in which everything else works on it.

A run is a row (``z * height + y``), its first column, its last column + 1, and its value. Runs come in raster order.
``starts[row]`` is the index of the first run of a row; ``starts[-1]`` is their number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from micrographia.annotations.masks.kernels.jit import kernel

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]


class Runs(NamedTuple):
    """The runs of one block of shape (Z, Y, X)."""

    starts: Ints
    row: Ints
    x0: Ints
    x1: Ints
    value: Ints
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.row)


def extract(block: Array) -> Runs:
    """Return the runs of values other than 0 of an integer array of shape (Z, Y, X).

    Raises
    ------
    OverflowError
        If a value does not fit int64.
    """
    depth, height, width = block.shape
    dtype = block.dtype
    if dtype.kind == "b":
        block = block.view(np.uint8)
    else:
        # One kernel a width, not one a type: signed values are read as unsigned and put right afterwards.
        block = np.ascontiguousarray(block, dtype.newbyteorder("=")).view(f"u{dtype.itemsize}")
    block = np.ascontiguousarray(block).reshape(depth * height, width)
    starts = np.empty(depth * height + 1, np.int64)
    count = _count(block, starts)
    row, x0, x1 = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    raw = np.empty(count, block.dtype)
    _fill(block, row, x0, x1, raw)
    if dtype.kind == "i":
        value = raw.view(f"i{dtype.itemsize}").astype(np.int64)
    else:
        value = raw.astype(np.int64)
        if dtype.itemsize == 8 and count and value.min() < 0:
            raise OverflowError("a label is larger than 2^63 - 1")
    return Runs(starts, row, x0, x1, value, (depth, height, width))


@kernel
def _count(block: Array, starts: Ints) -> int:
    total = 0
    for r in range(block.shape[0]):
        starts[r] = total
        line = block[r]
        n = 0
        if line.size > 0 and line[0] != 0:
            n = 1
        for x in range(1, line.size):
            n += (line[x] != 0) & (line[x] != line[x - 1])
        total += n
    starts[block.shape[0]] = total
    return total


@kernel
def _fill(block: Array, row: Ints, x0: Ints, x1: Ints, value: Array) -> None:
    n = 0
    width = block.shape[1]
    for r in range(block.shape[0]):
        line = block[r]
        x = 0
        while x < width:
            v = line[x]
            if v == 0:
                x += 1
                continue
            row[n] = r
            x0[n] = x
            value[n] = v
            x += 1
            while x < width and line[x] == v:
                x += 1
            x1[n] = x
            n += 1


@kernel
def paint(out: Array, row: Ints, x0: Ints, x1: Ints, value: Array) -> None:
    """Set the pixels of runs in ``out``, of shape (rows, X); later runs win."""
    for i in range(row.size):
        for x in range(x0[i], x1[i]):
            out[row[i], x] = value[i]


@kernel
def covered(out: Array, row: Ints, x0: Ints, x1: Ints) -> int:
    """Return how many pixels under the runs are not 0 in ``out``, of shape (rows, X)."""
    n = 0
    for i in range(row.size):
        for x in range(x0[i], x1[i]):
            n += out[row[i], x] != 0
    return n


@kernel
def insert(
    values: Ints, keys: Ints, slots: Ints, ids: Ints, count: int
) -> tuple[Ints, Ints, Ints, int, Ints]:
    """Give each distinct value a slot, in the order in which they come, by an open hash table.

    Parameters
    ----------
    values
        Any values.
    keys, slots
        The table: its size is a power of 2, a slot of -1 is free.
    ids
        Value of each slot; longer than ``count``.
    count
        Number of slots taken.

    Returns
    -------
    keys, slots, ids, count
        As above, perhaps in larger arrays.
    out
        Slot of each value.
    """
    out = np.empty(values.size, np.int64)
    mask = keys.size - 1
    last = np.int64(0)
    slot = np.int64(-1)
    for i in range(values.size):
        v = values[i]
        if slot < 0 or v != last:
            h = _hash(v) & mask
            while slots[h] >= 0 and keys[h] != v:
                h = (h + 1) & mask
            if slots[h] < 0:
                keys[h] = v
                slots[h] = count
                if count == ids.size:
                    larger = np.empty(ids.size * 2, np.int64)
                    larger[:count] = ids
                    ids = larger
                ids[count] = v
                count += 1
            slot = slots[h]
            last = v
            if count * 2 > keys.size:
                keys = np.zeros(keys.size * 2, np.int64)
                slots = np.full(keys.size, -1, np.int64)
                mask = keys.size - 1
                for s in range(count):
                    h = _hash(ids[s]) & mask
                    while slots[h] >= 0:
                        h = (h + 1) & mask
                    keys[h] = ids[s]
                    slots[h] = s
        out[i] = slot
    return keys, slots, ids, count, out


@kernel
def _hash(value: int) -> Any:
    h = np.uint64(value) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(h >> np.uint64(33))
