"""Decoded blocks in memory: bounded, shared by all that read, decoded in threads ahead of need; works after a fork."""

from __future__ import annotations

import math
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from micrographia.loading.frames import Frame
from micrographia.loading.geometry import Geometry
from micrographia.loading.mapped import Mapped
from micrographia.loading.normalising import Linear, Normaliser, measure
from micrographia.loading.reading import Block, Box, Files, read_block

Key = tuple[int, tuple[int, ...]]

REMEMBERED = 64
"""How many blocks are remembered of which a single patch was asked for."""


class Blocks:
    """Blocks of frames, the most recently used last, and the statistics of frames. One for each process.

    Parameters
    ----------
    frames
        All frames.
    shapes
        Their geometry.
    normaliser
        How they are normalised.
    budget
        Bytes that blocks take together; what is in use stays even beyond it.
    threads
        How many blocks are decoded at once; 0 to decode in the thread that asks.
    known
        Statistics that were found already, by frame; more are added.
    mapped
        Folder of the memory-mapped copy; None for none.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        shapes: Sequence[Geometry],
        normaliser: Normaliser,
        budget: int,
        threads: int,
        known: dict[int, Linear],
        mapped: Path | None = None,
    ) -> None:
        self.process = os.getpid()
        self.frames = frames
        self.shapes = shapes
        self.normaliser = normaliser
        self.budget = budget
        self.threads = threads
        self.files = Files()
        self.pool = ThreadPoolExecutor(threads, "patches") if threads else None
        self._mapped = None if mapped is None else Mapped(mapped, self.files)
        self._known = known
        self._lock = threading.Lock()
        self._held: OrderedDict[Key, Future[Block]] = OrderedDict()
        self._pins: Counter[Key] = Counter()
        self._measured: dict[int, Future[Linear]] = {}
        self._asked: OrderedDict[Key, None] = OrderedDict()
        self.nbytes = 0

    def ask(self, frame: int, box: Box, *, pin: bool = False) -> Future[Block]:
        """Return a block that is decoded, or being decoded; ``pin`` keeps it until :meth:`release`."""
        key = key_of(frame, box)
        with self._lock:
            if pin:
                self._pins[key] += 1
            found = self._held.get(key)
            if found is not None and not (found.done() and found.exception() is not None):
                self._held.move_to_end(key)
                return found
            if found is None:
                self.nbytes += self.size(frame, box)
            made: Future[Block] = Future()
            self._held[key] = made
            self._make_room()
        self._start(made, lambda: self._decode(frame, box))
        return made

    def release(self, frame: int, box: Box) -> None:
        """Let go of a block that was pinned; it stays as long as there is room."""
        key = key_of(frame, box)
        with self._lock:
            self._pins[key] -= 1
            if self._pins[key] <= 0:
                del self._pins[key]
            self._make_room()

    def holds(self, frame: int, box: Box) -> bool:
        """Return whether a block is decoded or being decoded."""
        return key_of(frame, box) in self._held

    def wanted_again(self, frame: int, box: Box) -> bool:
        """Note that one patch of a block is wanted; return whether another was, not long ago."""
        key = key_of(frame, box)
        with self._lock:
            again = key in self._asked
            self._asked[key] = None
            self._asked.move_to_end(key)
            while len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
        return again

    def size(self, frame: int, box: Box) -> int:
        """Return the bytes of a block."""
        return math.prod(part.stop - part.start for part in box) * self.shapes[frame].pixel_bytes

    def direct(self, frame: int, box: Box) -> Block:
        """Read a box without keeping it."""
        return self._decode(frame, box)

    def linear(self, frame: int, block: Block | None = None) -> Linear:
        """Return the normalisation of a frame; it is found once."""
        found = self._known.get(frame)
        if found is not None:
            return found
        with self._lock:
            waiting = self._measured.get(frame)
            mine = waiting is None
            if waiting is None:
                waiting = self._measured[frame] = Future()
        if mine:
            one = self.frames[frame]
            _finish(waiting, lambda: measure(self.normaliser, self.files.opened(one), one, block))
            if waiting.exception() is None:
                self._known[frame] = waiting.result()
            with self._lock:
                del self._measured[frame]
        return waiting.result()

    def close(self) -> None:
        """Forget everything and close files; reading begins anew."""
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=True)
            self.pool = ThreadPoolExecutor(self.threads, "patches")
        with self._lock:
            self._held.clear()
            self._pins.clear()
            self.nbytes = 0
        self.files.close()

    def _make_room(self) -> None:
        for key in list(self._held) if self.nbytes > self.budget else ():
            if self.nbytes <= self.budget:
                break
            if not self._pins[key] and self._held[key].done():
                del self._held[key]
                frame, sides = key
                z, y, x = (slice(sides[at], sides[at + 1]) for at in (0, 2, 4))
                self.nbytes -= self.size(frame, (z, y, x))

    def _start(self, future: Future[Any], work: Callable[[], Any]) -> None:
        if self.pool is None:
            _finish(future, work)
        else:
            self.pool.submit(_finish, future, work)

    def _decode(self, frame: int, box: Box) -> Block:
        one = self.frames[frame]
        if self._mapped is not None:
            block = self._mapped.read(one, box)
        else:
            block = read_block(self.files.opened(one), one, box)
        self.linear(frame, block)
        return block

    def prepare(self, frame: int) -> None:
        """Find the statistics of a frame, and make its memory-mapped copy."""
        if self._mapped is not None:
            self._mapped.read(self.frames[frame], (slice(0, 1),) * 3)
        self.linear(frame)


def key_of(frame: int, box: Box) -> Key:
    """Return what a block is known by."""
    return frame, tuple(side for part in box for side in (part.start, part.stop))


def _finish(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
        future.set_exception(error)
