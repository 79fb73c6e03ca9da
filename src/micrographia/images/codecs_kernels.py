"""Kernels that call C functions for one chunk after the other, without the GIL.

Sizes along five axes (four for a cell) count bytes along the last one. Addresses are integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from micrographia.images.image import Array

DECODE, KEEP, KEPT, ABSENT = 0, 1, 2, 3
"""What is to be done with a chunk: decode it, decode it to where it is kept, copy from there, leave it out."""

UNREADABLE, DAMAGED = 1, 2
"""What can go wrong with a chunk."""

LEVEL, BIT_SHUFFLE, ONE_THREAD = np.int32(1), np.int32(2), np.int32(1)


@intrinsic
def call(typing: Any, address: Any, arguments: Any) -> Any:  # noqa: ARG001 - numba asks for this form
    """Call the C function at an address with a tuple of integers; what it returns is read as 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ARG001
        given = cgutils.unpack_tuple(builder, values[1])
        kind = ir.FunctionType(ir.IntType(64), [value.type for value in given])
        return builder.call(builder.inttoptr(values[0], kind.as_pointer()), given)

    return types.int64(types.int64, arguments), generate


@njit(nogil=True, cache=True)
def encode(
    blosc: bool,
    address: int,
    context: int,
    memcpy: int,
    name: int,
    item: int,
    cell: Array,
    size: Array,
    leave_out: bool,
    out: Array,
    sizes: Array,
    scratch: Array,
    most: int,
) -> int:
    """Encode the chunks of a cell one after the other; return how many bytes they take, -1 if one failed."""
    source, target = np.int64(scratch.ctypes.data), np.int64(out.ctypes.data)
    total: Any = np.int64(0)
    number = 0
    for c in range(0, cell.shape[0], size[0]):
        for z in range(0, cell.shape[1], size[1]):
            for y in range(0, cell.shape[2], size[2]):
                for x in range(0, cell.shape[3], size[3]):
                    _gather(memcpy, cell, c, z, y, x, size, scratch)
                    if leave_out and _blank(scratch):
                        sizes[number] = -1
                    else:
                        if blosc:
                            setting = (LEVEL, BIT_SHUFFLE, item, len(scratch), source)
                            more = (target + total, most, name, 0, ONE_THREAD)
                            made = np.int64(np.int32(call(address, setting + more)))
                        else:
                            made = call(address, (context, target + total, most, source, len(scratch), LEVEL))
                        if made <= 0 or made > most:
                            return -1
                        sizes[number] = made
                        total += made
                    number += 1
    return total


@njit(nogil=True, cache=True)
def _gather(memcpy: int, cell: Array, c0: int, z0: int, y0: int, x0: int, size: Array, chunk: Array) -> None:
    """Copy a chunk out of a cell; what lies beyond the edge is 0."""
    width = min(size[3], cell.shape[3] - x0)
    height, depth = min(size[2], cell.shape[2] - y0), min(size[1], cell.shape[1] - z0)
    count = min(size[0], cell.shape[0] - c0)
    if width < size[3] or height < size[2] or depth < size[1] or count < size[0]:
        chunk[:] = 0
    start = np.int64(chunk.ctypes.data)
    for c in range(count):
        for z in range(depth):
            for y in range(height):
                line = cell[c0 + c, z0 + z, y0 + y, x0 : x0 + width]
                call(
                    memcpy,
                    (start + ((c * size[1] + z) * size[2] + y) * size[3], np.int64(line.ctypes.data), width),
                )


@njit(nogil=True, cache=True)
def _blank(chunk: Array) -> bool:
    words = chunk[: len(chunk) // 8 * 8].view(np.uint64)
    for word in words:
        if word:
            return False
    for at in range(len(words) * 8, len(chunk)):  # noqa: SIM110 - numba knows no all()
        if chunk[at]:
            return False
    return True


@njit(nogil=True, cache=True)
def decode(
    blosc: bool,
    address: int,
    some: int,
    context: int,
    memcpy: int,
    pread: int,
    file: int,
    starts: Array,
    sizes: Array,
    actions: Array,
    kept: Array,
    encoded: Array,
    scratch: Array,
    box: Array,
    out: Array,
) -> int:
    """Read and decode chunks one after the other.

    ``box`` has five rows: first chunk, chunk after the last, where the region begins and ends, size of a chunk. What
    is returned is -1, or four times the number of the chunk that went wrong and how.
    """
    low, high, nbytes, number = box[0], box[1], len(scratch), -1
    bytes_read, decoded = np.int64(encoded.ctypes.data), np.int64(scratch.ctypes.data)
    for t in range(low[0], high[0]):
        for c in range(low[1], high[1]):
            for z in range(low[2], high[2]):
                for y in range(low[3], high[3]):
                    for x in range(low[4], high[4]):
                        number += 1
                        action, size = actions[number], sizes[number]
                        if action == ABSENT:
                            continue
                        chunk = decoded if action == DECODE else kept[number]
                        first, last = 0, nbytes
                        if action == DECODE:
                            first, last = _needed(t, c, z, y, box)
                        if action != KEPT:
                            if call(pread, (np.int32(file), bytes_read, size, starts[number])) != size:
                                return 4 * number + UNREADABLE
                            if blosc:
                                made = _unpack(
                                    address, some, bytes_read, encoded, size, chunk, first, last, box
                                )
                            else:
                                made = call(address, (context, chunk, nbytes, bytes_read, size))
                            if made != nbytes:
                                return 4 * number + DAMAGED
                        _scatter(memcpy, chunk, t, c, z, y, x, box, out)
    return -1


@njit(nogil=True, cache=True)
def _needed(t: int, c: int, z: int, y: int, box: Array) -> tuple[int, int]:
    """Return the bytes of a decoded chunk between which lie all rows that the region needs of it."""
    low, high, size = box[2], box[3], box[4]
    first, last = 0, 0
    for axis, at in enumerate((t, c, z, y)):
        start = at * size[axis]
        first = first * size[axis] + max(low[axis] - start, 0)
        last = last * size[axis] + min(high[axis] - start, size[axis]) - 1
    return first * size[4], (last + 1) * size[4]


@njit(nogil=True, cache=True)
def _unpack(
    address: int,
    some: int,
    start: int,
    encoded: Array,
    size: int,
    chunk: int,
    first: int,
    last: int,
    box: Array,
) -> Any:
    """Decode a Blosc chunk, or of its blocks only those that hold the bytes asked for; return its size."""
    nbytes = box[4].prod()
    if size < 16:
        return -1
    head = encoded[:16].view(np.uint32)
    if head[1] != nbytes or head[3] != size:
        return -1
    item = np.int64(encoded[3])
    if last - first > nbytes - head[2] or item == 0 or first % item or last % item:
        return np.int64(np.int32(call(address, (start, chunk, nbytes, ONE_THREAD))))
    count = (last - first) // item
    given = (start, np.int32(first // item), np.int32(count), chunk + first)
    return nbytes if np.int32(call(some, given)) == last - first else -1


@njit(nogil=True, cache=True)
def _scatter(memcpy: int, chunk: int, t: int, c: int, z: int, y: int, x: int, box: Array, out: Array) -> None:
    """Copy the part of a decoded chunk that lies in the region."""
    low, high, size = box[2], box[3], box[4]
    t0, c0, z0, y0, x0 = t * size[0], c * size[1], z * size[2], y * size[3], x * size[4]
    first, last = max(low[4], x0), min(high[4], x0 + size[4])
    for i in range(max(low[0], t0), min(high[0], t0 + size[0])):
        for j in range(max(low[1], c0), min(high[1], c0 + size[1])):
            for k in range(max(low[2], z0), min(high[2], z0 + size[2])):
                for row in range(max(low[3], y0), min(high[3], y0 + size[3])):
                    at = (((i - t0) * size[1] + j - c0) * size[2] + k - z0) * size[3] + row - y0
                    line = out[i - low[0], j - low[1], k - low[2], row - low[3]]
                    here, there = (
                        chunk + at * size[4] + first - x0,
                        np.int64(line.ctypes.data) + first - low[4],
                    )
                    call(memcpy, (there, here, last - first))
