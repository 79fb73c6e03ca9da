"""Batches in memory that worker processes share with their parent, used again and again.

A ``DataLoader`` gives every tensor of every batch new shared memory. For stacks, finding and clearing those pages takes
longer than decoding and cutting. Here a worker has a few segments, writes batches into those that are free, and sends
where they lie; the parent maps each segment once, and a segment is free again when nothing in the parent looks at its
batch any more. Where all are in use, because somebody keeps batches, the way of PyTorch is taken.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.util import Finalize
from typing import Any
from uuid import uuid4

import numpy as np
import torch

from micrographia.loading.batching import STACKED, Patch, collate

SEGMENTS = 6
"""Segments of a worker, at most: two that are read ahead, two on their way, and two in use."""
HEADER = 64
"""Bytes before the first array; the first of them says whether the segment is in use."""
SMALLEST = 1 << 20
"""Bytes of a batch below which the way of PyTorch is as good."""
FREE, LENT = 0, 1

Layout = tuple[tuple[str, str, tuple[int, ...], int], ...]
"""Key, type, shape and first byte of each array."""
Token = tuple[str, int, str]
"""Dataset in the parent, number of the worker, and name of the lender."""


def tensors(patch: Patch) -> Patch:
    """Return a patch or batch with its arrays as tensors, which share their memory."""
    return {
        key: torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value
        for key, value in patch.items()
    }


class Lender:
    """A worker's segments.

    Parameters
    ----------
    owner
        Name of the dataset in the parent that batches are for.
    rank
        Number of the worker.
    """

    def __init__(self, owner: str, rank: int) -> None:
        self.token: Token = (owner, rank, uuid4().hex)
        self.segments: list[SharedMemory] = []
        # Nobody else removes the names of segments that the parent never saw.
        self._end = Finalize(self, _forget, args=(self.segments,), exitpriority=10)

    def batch(self, patches: Sequence[Mapping[str, Any]]) -> Any:
        """Put patches into one batch: into a segment, which is sent as a :class:`Loan`, or as tensors."""
        layout, size = _layout(patches)
        segment = self._free(size) if size >= SMALLEST else None
        if segment is None:
            return tensors(collate(patches))
        held = collate(patches, _views(np.frombuffer(_bytes(segment), np.uint8), layout))
        _bytes(segment)[0] = LENT
        rest = {key: None if key in STACKED else value for key, value in held.items()}
        return Loan(self.token, segment.name, layout, rest)

    def _free(self, size: int) -> SharedMemory | None:
        for segment in self.segments:
            if _bytes(segment)[0] == FREE and segment.size >= size:
                return segment
        if len(self.segments) >= SEGMENTS:
            return None
        try:
            self.segments.append(SharedMemory(create=True, size=size))
        except OSError:  # no room left: PyTorch finds some, or says in its own words that there is none
            return None
        _bytes(self.segments[-1])[0] = FREE
        return self.segments[-1]


def _bytes(segment: SharedMemory) -> memoryview:
    if segment.buf is None:
        raise ValueError(f"the shared memory {segment.name} is closed")
    return segment.buf


def _forget(segments: list[SharedMemory]) -> None:
    for segment in segments:
        with suppress(FileNotFoundError):
            segment.unlink()


def _layout(patches: Sequence[Mapping[str, Any]]) -> tuple[Layout, int]:
    places, at = [], HEADER
    for key, value in patches[0].items():
        if key in STACKED:
            places.append((key, value.dtype.str, (len(patches), *value.shape), at))
            at += -(-len(patches) * value.nbytes // HEADER) * HEADER
    return tuple(places), at


def _views(memory: Any, layout: Layout) -> dict[str, Any]:
    return {key: np.ndarray(shape, np.dtype(kind), memory, at) for key, kind, shape, at in layout}


class Loan:
    """A batch in a segment; when it arrives in the parent it is a dictionary of tensors again."""

    def __init__(self, token: Token, name: str, layout: Layout, rest: Patch) -> None:
        self.held = (token, name, layout, rest)

    def __reduce__(self) -> tuple[Any, ...]:
        """Arrive as what :func:`received` returns."""
        return received, self.held


class _Segment:
    """A segment that the parent has mapped."""

    def __init__(self, name: str) -> None:
        self.memory = SharedMemory(name=name)
        self.memory.unlink()  # both have it mapped: the name is not needed, and cannot be left behind
        self.looks = 0
        self.gone = False

    def look(self, layout: Layout) -> dict[str, Any]:
        look = _Look(np.frombuffer(_bytes(self.memory), np.uint8).__array_interface__)
        self.looks += 1
        weakref.finalize(look, self.free).atexit = False
        return _views(np.asarray(look), layout)

    def free(self) -> None:
        self.looks -= 1
        _bytes(self.memory)[0] = FREE
        self.close()

    def close(self) -> None:
        if self.gone and not self.looks:
            self.memory.close()


class _Look:
    """What arrays in a segment are based on: unlike a view it can close the mapping when it dies."""

    def __init__(self, interface: dict[str, Any]) -> None:
        self.__array_interface__ = interface


_mapped: dict[tuple[str, int], tuple[str, dict[str, _Segment]]] = {}
"""Dataset and number of a worker to the name of its lender, and the segments of that."""
_lock = threading.Lock()


def received(token: Token, name: str, layout: Layout, rest: Patch) -> Patch:
    """Return a batch in a worker's segment as tensors, which keep the segment in use as long as they live."""
    owner, rank, lender = token
    with _lock:
        known, segments = _mapped.get((owner, rank), ("", {}))
        if known != lender:  # a new worker in the place of one that has ended
            _close(segments)
            segments = {}
            _mapped[owner, rank] = (lender, segments)
        if name not in segments:
            segments[name] = _Segment(name)
        views = segments[name].look(layout)
    return {key: torch.from_numpy(views[key]) if key in views else value for key, value in rest.items()}


def close(owner: str) -> None:
    """Let go of all segments of the workers of a dataset that is gone."""
    with _lock:
        for place in [place for place in _mapped if place[0] == owner]:
            _close(_mapped.pop(place)[1])


def _close(segments: Mapping[str, _Segment]) -> None:
    for segment in segments.values():
        segment.gone = True
        segment.close()
