"""Encoding and decoding of many chunks in one call that does not hold the GIL.

Kernels compiled by numba call the C functions of Blosc and Zstandard that imagecodecs brings, chunk after chunk, and
gather or scatter pixels in between. Python is entered once a region instead of several times a chunk, which is what
small chunks need, and threads run side by side. Where the C functions cannot be found, :func:`functions` returns None
and :class:`~micrographia.images.codecs.Codec` does the same more slowly, with the same bytes.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np

from micrographia.images.codecs import Codec
from micrographia.images.codecs_kernels import ABSENT, DAMAGED, DECODE, KEEP, KEPT, UNREADABLE, decode, encode
from micrographia.images.image import Array, Region

__all__ = [
    "ABSENT",
    "DAMAGED",
    "DECODE",
    "KEEP",
    "KEPT",
    "UNREADABLE",
    "decode_chunks",
    "encode_cell",
    "functions",
    "room_for",
]

_ZSTD_NAME = np.frombuffer(b"zstd\0", np.uint8)


@dataclass(frozen=True, slots=True)
class Functions:
    """Addresses of C functions."""

    blosc_encode: int
    blosc_decode: int
    blosc_some: int
    zstd_encode: int
    zstd_decode: int
    pread: int
    memcpy: int
    new_encoder: int
    new_decoder: int
    free_encoder: int
    free_decoder: int


@cache
def functions() -> Functions | None:
    """Return the addresses of the C functions, or None where they are hidden or absent."""
    try:
        blosc, zstd, system = _library("_blosc"), _library("_zstd"), ctypes.CDLL(None)
        return Functions(
            _address(blosc, "blosc_compress_ctx"),
            _address(blosc, "blosc_decompress_ctx"),
            _address(blosc, "blosc_getitem"),
            _address(zstd, "ZSTD_compressCCtx"),
            _address(zstd, "ZSTD_decompressDCtx"),
            _address(system, "pread"),
            _address(system, "memcpy"),
            _address(zstd, "ZSTD_createCCtx"),
            _address(zstd, "ZSTD_createDCtx"),
            _address(zstd, "ZSTD_freeCCtx"),
            _address(zstd, "ZSTD_freeDCtx"),
        )
    except (ImportError, OSError, AttributeError, TypeError):
        return None


@cache
def _library(name: str) -> ctypes.CDLL:
    """Return an extension module of imagecodecs, through which the C library behind it is reached."""
    return ctypes.CDLL(import_module(f"imagecodecs.{name}").__file__)


def _address(library: ctypes.CDLL, name: str) -> int:
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


_NEW = ctypes.CFUNCTYPE(ctypes.c_void_p)
_FREE = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)


class _Memory:
    """The working memory of Zstandard for one thread; freed with this object, so whoever uses it holds it."""

    def __init__(self, called: Functions) -> None:
        self.encoder: int | None = _NEW(called.new_encoder)()
        self.decoder: int | None = _NEW(called.new_decoder)()
        self._free = (_FREE(called.free_encoder), self.encoder), (_FREE(called.free_decoder), self.decoder)
        if not self.encoder or not self.decoder:
            raise MemoryError("no memory for Zstandard")

    def __del__(self) -> None:
        for free, memory in self._free:
            free(memory)


_THREAD = threading.local()


def _memory(called: Functions) -> _Memory:
    """Return the working memory of this thread."""
    memory: _Memory | None = getattr(_THREAD, "memory", None)
    if memory is None:
        memory = _THREAD.memory = _Memory(called)
    return memory


def encode_cell(
    codec: Codec, cell: Array, chunk: Sequence[int], *, leave_out: bool, room: Array | None = None
) -> tuple[Array, Array]:
    """Encode all chunks of a cell.

    Parameters
    ----------
    codec
        Writes Blosc or Zstandard.
    cell
        Pixels ``(C, Z, Y, X)``, C-contiguous, of the stored type.
    chunk
        Size of a chunk along these axes; chunks at the far edge are filled up with 0.
    leave_out
        Encode nothing for a chunk of zeros.
    room
        Where to put the encoded chunks, uint8, of :func:`room_for` bytes or more; what is returned lies there.

    Returns
    -------
    tuple of Array
        The encoded chunks one after the other, and the size of each, -1 for one left out; chunks in C order.
    """
    called = functions()
    if called is None:
        return _encode_slowly(codec, cell, chunk, leave_out=leave_out)
    item = cell.dtype.itemsize
    nbytes = math.prod(chunk) * item
    count, most = _count(cell, chunk), _most(nbytes)
    out = np.empty(count * most, np.uint8) if room is None else room
    sizes = np.empty(count, np.int64)
    blosc, memory = codec.name == "blosc", _memory(called)
    total = encode(
        blosc,
        called.blosc_encode if blosc else called.zstd_encode,
        memory.encoder,
        called.memcpy,
        _ZSTD_NAME.ctypes.data,
        item,
        cell.view(np.uint8),
        np.array([*chunk[:3], chunk[3] * item], np.int64),
        leave_out,
        out,
        sizes,
        np.empty(nbytes, np.uint8),
        most,
    )
    if total < 0:
        raise MemoryError("a chunk could not be encoded")
    return out[:total], sizes


def room_for(cell: Array, chunk: Sequence[int]) -> int:
    """Return how many bytes the chunks of a cell take at most."""
    return _count(cell, chunk) * _most(math.prod(chunk) * cell.dtype.itemsize)


def _count(cell: Array, chunk: Sequence[int]) -> int:
    return math.prod(-(-length // step) for length, step in zip(cell.shape, chunk, strict=True))


def _most(nbytes: int) -> int:
    return nbytes + nbytes // 128 + 1024


def _encode_slowly(
    codec: Codec, cell: Array, chunk: Sequence[int], *, leave_out: bool
) -> tuple[Array, Array]:
    counts = [-(-length // step) for length, step in zip(cell.shape, chunk, strict=True)]
    parts, sizes = [], []
    for place in np.ndindex(*counts):
        block = cell[tuple(slice(at * step, (at + 1) * step) for at, step in zip(place, chunk, strict=True))]
        whole = np.zeros(tuple(chunk), cell.dtype)
        whole[tuple(slice(length) for length in block.shape)] = block
        data = b"" if leave_out and not whole.any() else codec.encode(whole)
        parts.append(data)
        sizes.append(len(data) or -1)
    return np.frombuffer(b"".join(parts), np.uint8), np.array(sizes, np.int64)


def decode_chunks(
    codec: Codec,
    file: int,
    starts: Array,
    sizes: Array,
    actions: Array,
    kept: Array,
    chunk: tuple[int, ...],
    window: tuple[tuple[int, ...], tuple[int, ...]],
    region: Region,
    out: Array,
) -> tuple[int, int]:
    """Read and decode chunks of one file into the region of an array; :func:`functions` must not be None.

    Parameters
    ----------
    codec
        Of the chunks.
    file
        Descriptor of the file.
    starts, sizes
        Where each chunk lies in it, int64; chunks in C order of their places.
    actions
        What is done with each, int64: :data:`DECODE`, :data:`KEEP`, :data:`KEPT` or :data:`ABSENT`.
    kept
        Address of the decoded chunk, int64, where it is kept.
    chunk
        Size of a chunk, in pixels.
    window
        The first places in the grid of chunks, and those after the last.
    region
        One slice an axis, in pixels.
    out
        The region, C-contiguous.

    Returns
    -------
    tuple of int
        Number of the first chunk that could not be decoded and why (:data:`UNREADABLE`, :data:`DAMAGED`); -1 and 0
        if all could.
    """
    called = functions()
    if called is None:
        raise RuntimeError("no C functions")
    item, first = out.dtype.itemsize, 5 - out.ndim
    box = np.ones((5, 5), np.int64)
    box[[0, 2]] = 0
    box[:, first:] = (*window, [part.start for part in region], [part.stop for part in region], chunk)
    box[2:, 4] *= item
    blosc, memory = codec.name == "blosc", _memory(called)
    wrong = decode(
        blosc,
        called.blosc_decode if blosc else called.zstd_decode,
        called.blosc_some,
        memory.decoder,
        called.memcpy,
        called.pread,
        file,
        starts,
        sizes,
        actions,
        kept,
        np.empty(max(int(sizes.max(initial=0)), 16), np.uint8),
        np.empty(math.prod(chunk) * item, np.uint8),
        box,
        out.view(np.uint8).reshape((1,) * first + (*out.shape[:-1], out.shape[-1] * item)),
    )
    return divmod(wrong, 4) if wrong >= 0 else (-1, 0)
