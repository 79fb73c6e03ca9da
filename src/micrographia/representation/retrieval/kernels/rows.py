"""Rows that are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.representation.retrieval.kernels.jit import compiled

Array = npt.NDArray[Any]


def hash_rows(rows: Array) -> Array:
    """Return a 64-bit hash of each row of float32, ``(n,)``, uint64."""
    hashes = np.empty(len(rows), np.uint64)
    _hash(np.ascontiguousarray(rows).view(np.uint32), hashes)
    return hashes


@compiled
def _hash(bits: Array, hashes: Array) -> None:
    prime, offset, shift = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xCBF29CE484222325), np.uint64(29)
    for at in range(bits.shape[0]):
        held = offset
        for along in range(bits.shape[1]):
            held = (held ^ np.uint64(bits[at, along])) * prime
            held ^= held >> shift
        hashes[at] = held


@compiled
def unequal_rows(rows: Array, others: Array) -> Array:
    """Return which rows differ from the row that they are said to equal, ``(n,)``, bool."""
    unequal = np.zeros(rows.shape[0], np.bool_)
    for at in range(rows.shape[0]):
        other = others[at]
        if other != at:
            for along in range(rows.shape[1]):
                if rows[at, along] != rows[other, along]:
                    unequal[at] = True
                    break
    return unequal


@compiled
def copy_twins(row: Array, copies: Array, twins: Array, first: int) -> None:
    """Give rows that are equal the same similarity; ``first`` is the number of the candidate in column 0."""
    for at in range(copies.size):
        copy = copies[at]
        if twins[copy] >= first:
            row[copy - first] = row[twins[copy] - first]
