"""Counting pairs of labels: runs of equal pairs along the last axis, added up in a hash table.

A table is uint64 of shape (2^k, 4). A row is a truth label, a predicted label, how many counted pixels have both, and
how many pixels that are not counted; a row without pixels is free.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from micrographia.segmentation.metrics.compiled import compiled

Array = npt.NDArray[Any]
Table = npt.NDArray[np.uint64]

CHUNK = 4096
"""Pixels worked on at once, so that what is noted of them stays in the processor's nearest cache."""

_ONES = np.uint64(0x0101010101010101)
_BYTE = np.uint64(sum(k << (61 - 8 * k) for k in range(8)))
"""Times 2^(8 k), its highest three bits are k: which byte of a word a lone bit is in."""
_1, _56, _61 = np.uint64(1), np.uint64(56), np.uint64(61)
_MIX_TRUTH, _MIX_PREDICTED = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)


@compiled
def _changes(truth: Array, predicted: Array, region: Array, out: Array) -> None:
    """Set each byte of ``out`` to 1 where a pixel differs from the one before; the first always does."""
    out[0] = 1
    # Shifted slices instead of k - 1: only then does the compiler compare many pixels at once.
    t0, t1, p0, p1, o = truth[:-1], truth[1:], predicted[:-1], predicted[1:], out[1:]
    if region.size == 0:
        for k in range(o.size):
            o[k] = np.uint8((t1[k] != t0[k]) | (p1[k] != p0[k]))
    else:
        r0, r1 = region[:-1], region[1:]
        for k in range(o.size):
            o[k] = np.uint8((t1[k] != t0[k]) | (p1[k] != p0[k]) | (r1[k] != r0[k]))


@compiled
def _places(words: Table, out: Array) -> int:
    """Write the places of the bytes that are 1 to ``out``, and return how many there are.

    Two are written for every word, needed or not: a branch that nobody can predict costs more.
    """
    count = 0
    for w in range(words.size):
        word = words[w]
        found = (word * _ONES) >> _56
        low = word & (~word + _1)
        out[count] = w * 8 + np.int64((low * _BYTE) >> _61)
        word ^= low
        low = word & (~word + _1)
        out[count + 1] = w * 8 + np.int64((low * _BYTE) >> _61)
        word ^= low
        k = count + 2
        while word != 0:
            low = word & (~word + _1)
            out[k] = w * 8 + np.int64((low * _BYTE) >> _61)
            word ^= low
            k += 1
        count += int(found)
    return count


@compiled
def _shift(table: Table) -> Any:
    """Return by how many bits a hash is shifted to be a row: its highest bits depend on all bits of the labels."""
    bits = 0
    while (1 << bits) < table.shape[0]:
        bits += 1
    return np.uint64(64 - bits)


@compiled
def _slot(table: Table, shift: Any, truth: Any, predicted: Any) -> Any:
    """Return the row of a pair, or the free row where it belongs."""
    t, p = np.uint64(truth), np.uint64(predicted)
    slot = (t * _MIX_TRUTH + p * _MIX_PREDICTED) >> shift
    # The pair asked for is nearly always in the first row looked at; whether a row is free is asked last.
    while ((table[slot, 0] ^ t) | (table[slot, 1] ^ p)) != 0:
        if (table[slot, 2] | table[slot, 3]) == 0:
            break
        slot = (slot + _1) & np.uint64(table.shape[0] - 1)
    return slot


@compiled
def count(
    truth: Array, predicted: Array, region: Array, table: Table, used: int, start: int
) -> tuple[int, int]:
    """Add pixels from ``start`` on to the table, until all are done or it needs more room.

    Parameters
    ----------
    truth, predicted
        Labels, of shape (pixels,) and one unsigned type.
    region
        uint8 of shape (pixels,), 0 where a pixel is not counted and 1 elsewhere; of shape (0,) if all are.
    table, used
        The table, and how many of its rows are taken besides that of the background; at most half ever are.
    start
        First pixel.

    Returns
    -------
    position, used
        The pixel to go on with (the number of pixels if all are done), and the rows now taken.
    """
    changes = np.zeros(CHUNK, np.uint8)
    begins = np.empty(CHUNK + 8, np.int64)
    room = table.shape[0] // 2 - CHUNK
    shift = _shift(table)
    mask = np.uint64(table.shape[0] - 1)
    position = start
    while position < truth.size and used <= room:
        stop = min(position + CHUNK, truth.size)
        t, p, r = truth[position:stop], predicted[position:stop], region[position:stop]
        if t.size < CHUNK:
            changes[:] = 0
        _changes(t, p, r, changes[: t.size])
        runs = _places(changes.view(np.uint64), begins)
        begins[runs] = t.size
        for k in range(runs):
            # Unsigned, because only of signed indices the compiler asks whether they count from the end.
            i = np.uint64(begins[np.uint64(k)])
            # What _slot does, written out: calling it takes as long as all the rest.
            a, b = np.uint64(t[i]), np.uint64(p[i])
            slot = (a * _MIX_TRUTH + b * _MIX_PREDICTED) >> shift
            while ((table[slot, 0] ^ a) | (table[slot, 1] ^ b)) != 0:
                if (table[slot, 2] | table[slot, 3]) == 0:
                    table[slot, 0] = a
                    table[slot, 1] = b
                    used += 1
                    break
                slot = (slot + _1) & mask
            column = 2 if r.size == 0 or r[i] != 0 else 3
            table[slot, column] += np.uint64(begins[np.uint64(k + 1)]) - i
        position = stop
    return position, used


@compiled
def add(rows: Table, table: Table, used: int) -> int:
    """Add the rows of one table to another that has room for all; return how many of its rows are then taken."""
    shift = _shift(table)
    for i in range(rows.shape[0]):
        if (rows[i, 2] | rows[i, 3]) == 0:
            continue
        slot = _slot(table, shift, rows[i, 0], rows[i, 1])
        if (table[slot, 2] | table[slot, 3]) == 0:
            table[slot, 0] = rows[i, 0]
            table[slot, 1] = rows[i, 1]
            used += 1
        table[slot, 2] += rows[i, 2]
        table[slot, 3] += rows[i, 3]
    return used


@compiled
def taken(table: Table, used: int) -> Table:
    """Return the rows of a table that are not free, of shape (rows, 4)."""
    rows = np.empty((used + 1, 4), np.uint64)
    k = 0
    for i in range(table.shape[0]):
        if (table[i, 2] | table[i, 3]) != 0:
            rows[k] = table[i]
            k += 1
    return rows[:k]
